//! A value that is written once, by the first who has one.
//!
//! # Invariants
//! * **ONE-WRITER**: while writing has begun, one [`Right`] exists, or is on its way, as a grant, to one who waits. Only it
//!   writes the value, once; from then on there is none any more.

use core::cell::{Cell, UnsafeCell};
use core::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use core::task::Waker;

use super::foreign::wake;
use super::wait_queue::{Access, Awaits, Crosses, Held, Line, Turn, WaitQueue, Waiting};
use crate::task_info::TaskId;

/// The value, and beside it notes of who writes it.
pub(crate) struct Once<T, N, K: Access> {
    queue: WaitQueue<Writing<N>, (), K>,
    is_set: AtomicBool,
    value: UnsafeCell<Option<T>>,
}

struct Writing<N> {
    has_begun: Cell<bool>,
    notes: N,
}

/// To write the value, or to leave it to the next, when this is dropped.
pub(crate) struct Right<'a, T, N, K: Access> {
    once: &'a Once<T, N, K>,
}

/// How somebody comes to the value.
pub(crate) enum Begun<'a, T, N, K: Access> {
    /// It is there.
    Set(&'a T),
    /// By writing it.
    Mine(Right<'a, T, N, K>),
}

// SAFETY: ONE-WRITER: whichever thread has the right writes it, and when that is done all look at it; all else lies under a
// lock for these kinds.
unsafe impl<T: Send + Sync, N: Send, K: Crosses> Sync for Once<T, N, K> {}

impl<T, N: Held, K: Access> Once<T, N, K> {
    pub(crate) const fn new(notes: N) -> Self {
        let writing = Writing { has_begun: Cell::new(false), notes };
        Once { queue: WaitQueue::new(writing), is_set: AtomicBool::new(false), value: UnsafeCell::new(None) }
    }

    /// Gives it a name, for those who look on.
    pub(crate) const fn set_name(&mut self, name: &'static str) {
        self.queue.set_name(name);
    }

    pub(crate) fn get(&self) -> Option<&T> {
        // SAFETY: ONE-WRITER: when it is set, nobody writes it any more.
        if self.is_set.load(Acquire) { unsafe { (*self.value.get()).as_ref() } } else { None }
    }

    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    pub(crate) fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    pub(crate) fn with_notes<R>(&self, f: impl FnOnce(&N) -> R) -> R {
        self.queue.with(|writing, _| f(&writing.notes))
    }

    /// The value, or the right to write it; `None`: somebody has that.
    pub(crate) fn try_begin(&self) -> Option<Begun<'_, T, N, K>> {
        self.queue.with(|writing, _| self.take(writing, Turn::New))
    }

    /// The value, or the right to write it, to those who come, in their order. Who would have to wait asks `refuse` before.
    pub(crate) fn begin<E>(
        &self,
        refuse: impl Fn(&N) -> Option<E>,
    ) -> impl Future<Output = Result<Begun<'_, T, N, K>, E>> + Awaits {
        let take = move |writing: &Writing<N>, _: &Line<()>, turn| match self.take(writing, turn) {
            Some(begun) => Some(Ok(begun)),
            None => refuse(&writing.notes).map(Err),
        };
        let pass_on =
            |writing: &Writing<N>, line: &Line<()>, late: Option<()>| late.and_then(|()| writing.pass_on(line));
        Waiting::granted(&self.queue, take, pass_on)
    }

    fn take(&self, writing: &Writing<N>, turn: Turn<()>) -> Option<Begun<'_, T, N, K>> {
        if let Some(value) = self.get() {
            return Some(Begun::Set(value));
        }
        let is_mine = turn == Turn::Granted(()) || !writing.has_begun.replace(true);
        is_mine.then(|| Begun::Mine(Right { once: self }))
    }
}

impl<N: Held> Held for Writing<N> {
    fn holder(&self) -> Option<TaskId> {
        self.notes.holder()
    }
}

impl<N> Writing<N> {
    /// The right goes to the first who waits, or to whoever comes; returns whom to wake.
    fn pass_on(&self, line: &Line<()>) -> Option<Waker> {
        line.grant(()).unwrap_or_else(|()| {
            self.has_begun.set(false);
            None
        })
    }
}

impl<'a, T, N, K: Access> Right<'a, T, N, K> {
    /// Writes the value, and tells all who wait for it.
    pub(crate) fn set(self, value: T) -> &'a T {
        let once = self.once;
        core::mem::forget(self);
        // SAFETY: ONE-WRITER.
        let value = unsafe { (*once.value.get()).insert(value) };
        once.queue.tell_all(|_| once.is_set.store(true, Release));
        value
    }
}

impl<T, N, K: Access> Drop for Right<'_, T, N, K> {
    fn drop(&mut self) {
        wake(self.once.queue.with(|writing, line| writing.pass_on(line)));
    }
}
