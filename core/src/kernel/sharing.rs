//! A value that is lent to one alone, or to any number who only look, first come, first served.
//!
//! # Invariants
//! * **ONE-OR-LOOKS**: what is noted as lent is what exists, or is on its way, as a grant, to one who waits: one [`Whole`],
//!   or so many [`Look`]s, and never both. Only they lead to the value.

use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::task::Waker;

use super::wait_queue::{Access, Awaits, Crosses, Held, Line, Turn, WaitQueue, Waiting};
use crate::fault::fault;

/// The value, and who waits for it.
pub(crate) struct Sharing<T: ?Sized, K: Access> {
    queue: WaitQueue<Lent, Want, K>,
    value: UnsafeCell<T>,
}

/// How many look, or `WHOLE`.
struct Lent(Cell<usize>);

const WHOLE: usize = usize::MAX;

/// What somebody asks for, and is granted.
#[derive(Clone, Copy, PartialEq)]
enum Want {
    Look,
    Whole,
}

/// The value to look at, until this is dropped.
pub(crate) struct Look<'a, T: ?Sized, K: Access> {
    sharing: &'a Sharing<T, K>,
    /// It crosses threads as a reference does.
    _value: PhantomData<&'a T>,
}

/// The value for one alone, until this is dropped.
pub(crate) struct Whole<'a, T: ?Sized, K: Access> {
    sharing: &'a Sharing<T, K>,
    /// As above.
    _value: PhantomData<&'a mut T>,
}

// SAFETY: ONE-OR-LOOKS: one thread has the value, or several look at it; all else lies under a lock for these kinds.
unsafe impl<T: ?Sized + Send + Sync, K: Crosses> Sync for Sharing<T, K> {}

impl<T, K: Access> Sharing<T, K> {
    pub(crate) const fn new(value: T) -> Self {
        Sharing { queue: WaitQueue::new(Lent(Cell::new(0))), value: UnsafeCell::new(value) }
    }

    /// Gives it a name, for those who look on.
    pub(crate) const fn set_name(&mut self, name: &'static str) {
        self.queue.set_name(name);
    }

    pub(crate) fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized, K: Access> Sharing<T, K> {
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Lends it to look at, if nobody has it alone or waits.
    pub(crate) fn try_look(&self) -> Option<Look<'_, T, K>> {
        self.queue.with(|lent, line| lent.take(line, Want::Look, Turn::New)).then(|| self.a_look())
    }

    /// Lends it to one alone, if nobody has it.
    pub(crate) fn try_whole(&self) -> Option<Whole<'_, T, K>> {
        self.queue.with(|lent, line| lent.take(line, Want::Whole, Turn::New)).then(|| self.the_whole())
    }

    /// Lends it to look at, when those who came before had it.
    pub(crate) fn look(&self) -> impl Future<Output = Look<'_, T, K>> + Awaits {
        self.wait(Want::Look, || self.a_look())
    }

    /// Lends it to one alone, when those who came before had it.
    pub(crate) fn whole(&self) -> impl Future<Output = Whole<'_, T, K>> + Awaits {
        self.wait(Want::Whole, || self.the_whole())
    }

    fn wait<L>(&self, want: Want, lend: impl Fn() -> L) -> impl Future<Output = L> + Awaits {
        let take = move |lent: &Lent, line: &Line<Want>, turn| lent.take(line, want, turn).then(&lend);
        Waiting::asking(&self.queue, want, take, Lent::put)
    }

    /// It is noted as lent, to whom this goes.
    const fn a_look(&self) -> Look<'_, T, K> {
        Look { sharing: self, _value: PhantomData }
    }

    /// As above.
    const fn the_whole(&self) -> Whole<'_, T, K> {
        Whole { sharing: self, _value: PhantomData }
    }

    fn give_back(&self, want: Want) {
        let mut back = Some(want);
        self.queue.serve(|lent, line| lent.put(line, back.take()));
    }
}

impl Held for Lent {}

impl Lent {
    /// Notes that it is lent, to one whose turn it is; or it has to wait.
    fn take(&self, line: &Line<Want>, want: Want, turn: Turn<Want>) -> bool {
        turn == Turn::Granted(want) || (!line.is_waited_in() || fault!("readers-overtake")) && self.lend(want)
    }

    fn lend(&self, want: Want) -> bool {
        let count = self.0.get();
        let is_free = match want {
            Want::Look => count < WHOLE - 1,
            Want::Whole => count == 0,
        };
        if is_free {
            self.0.set(if want == Want::Look { count + 1 } else { WHOLE });
        }
        is_free
    }

    /// Takes it back, if it comes back; then the first in line gets it, if that may be.
    fn put(&self, line: &Line<Want>, back: Option<Want>) -> Option<Waker> {
        match back {
            Some(Want::Look) => self.0.set(self.0.get() - 1),
            Some(Want::Whole) => self.0.set(0),
            None => {}
        }
        loop {
            let want = line.first_asks().filter(|want| self.lend(*want))?;
            if let Ok(Some(waker)) = line.grant(want) {
                return Some(waker);
            }
        }
    }
}

impl<T: ?Sized, K: Access> Deref for Look<'_, T, K> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: ONE-OR-LOOKS.
        unsafe { &*self.sharing.value.get() }
    }
}

impl<T: ?Sized, K: Access> Deref for Whole<'_, T, K> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: ONE-OR-LOOKS.
        unsafe { &*self.sharing.value.get() }
    }
}

impl<T: ?Sized, K: Access> DerefMut for Whole<'_, T, K> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: ONE-OR-LOOKS.
        unsafe { &mut *self.sharing.value.get() }
    }
}

impl<T: ?Sized, K: Access> Drop for Look<'_, T, K> {
    fn drop(&mut self) {
        self.sharing.give_back(Want::Look);
    }
}

impl<T: ?Sized, K: Access> Drop for Whole<'_, T, K> {
    fn drop(&mut self) {
        self.sharing.give_back(Want::Whole);
    }
}
