//! A value that is lent to one at a time, first come, first served.
//!
//! # Invariants
//! * **ONE-LOAN**: while it is noted as lent, one [`Loan`] exists, or is on its way, as a grant, to one who waits. Only a loan
//!   leads to the value.

use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::task::Waker;

use super::foreign::wake;
use super::wait_queue::{Access, Awaits, Crosses, Held, Line, Turn, WaitQueue, Waiting};
use crate::flag::Flag;
use crate::task_info::TaskId;

/// What everybody may know of who has the value. It is short, and calls nobody.
pub(crate) trait Notes {
    /// The running code has got it.
    fn is_lent(&self);
    /// It is back, or on its way to the next.
    fn is_back(&self);
    /// Which task has it, if that is known.
    fn holder(&self) -> Option<TaskId>;
}

/// A value, and beside it what everybody may know of who has it.
pub(crate) struct Lending<T: ?Sized, N: Notes, K: Access> {
    queue: WaitQueue<Lent<N>, (), K>,
    value: UnsafeCell<T>,
}

struct Lent<N> {
    is_lent: Cell<Flag>,
    notes: N,
}

/// The value, until this is dropped.
pub(crate) struct Loan<'a, T: ?Sized, N: Notes, K: Access> {
    lending: &'a Lending<T, N, K>,
    /// It crosses threads as a reference does.
    _value: PhantomData<&'a mut T>,
}

// SAFETY: ONE-LOAN: whichever thread has the loan has the value; all else lies under a lock for these kinds.
unsafe impl<T: ?Sized + Send, N: Notes + Send, K: Crosses> Sync for Lending<T, N, K> {}

impl<T, N: Notes, K: Access> Lending<T, N, K> {
    pub(crate) const fn new(value: T, notes: N) -> Self {
        let lent = Lent { is_lent: Cell::new(Flag::NO), notes };
        Lending { queue: WaitQueue::new(lent), value: UnsafeCell::new(value) }
    }

    /// Gives it a name, for those who look on.
    pub(crate) const fn set_name(&mut self, name: &'static str) {
        self.queue.set_name(name);
    }

    pub(crate) fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized, N: Notes, K: Access> Lending<T, N, K> {
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Looks at the notes, and whether it is lent.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&N, bool) -> R) -> R {
        self.queue.with(|lent, _| f(&lent.notes, lent.is_lent.get().is()))
    }

    /// Lends it, if nobody has it.
    pub(crate) fn try_lend(&self) -> Option<Loan<'_, T, N, K>> {
        self.queue.with(|lent, _| {
            if lent.is_lent.replace(Flag::YES).is() {
                return None;
            }
            lent.notes.is_lent();
            Some(self.loan())
        })
    }

    /// Lends it to those who come, in their order. Who would have to wait asks `refuse` before.
    pub(crate) fn lend<E>(
        &self,
        refuse: impl Fn(&N) -> Option<E>,
    ) -> impl Future<Output = Result<Loan<'_, T, N, K>, E>> + Awaits {
        let take = move |lent: &Lent<N>, _: &Line<()>, turn| {
            if turn != Turn::Granted(()) && lent.is_lent.replace(Flag::YES).is() {
                return refuse(&lent.notes).map(Err);
            }
            lent.notes.is_lent();
            Some(Ok(self.loan()))
        };
        let pass_on = |lent: &Lent<N>, line: &Line<()>, late: Option<()>| late.and_then(|()| lent.pass_on(line));
        Waiting::granted(&self.queue, take, pass_on)
    }

    /// It is noted as lent, to whom this goes.
    const fn loan(&self) -> Loan<'_, T, N, K> {
        Loan { lending: self, _value: PhantomData }
    }
}

impl<N: Notes> Held for Lent<N> {
    fn holder(&self) -> Option<TaskId> {
        self.notes.holder()
    }
}

impl<N: Notes> Lent<N> {
    /// To the first who waits, or to whoever comes; returns whom to wake.
    fn pass_on(&self, line: &Line<()>) -> Option<Waker> {
        self.notes.is_back();
        line.grant(()).unwrap_or_else(|()| {
            self.is_lent.set(Flag::NO);
            None
        })
    }
}

impl<T: ?Sized, N: Notes, K: Access> Deref for Loan<'_, T, N, K> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: ONE-LOAN.
        unsafe { &*self.lending.value.get() }
    }
}

impl<T: ?Sized, N: Notes, K: Access> DerefMut for Loan<'_, T, N, K> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: ONE-LOAN.
        unsafe { &mut *self.lending.value.get() }
    }
}

impl<T: ?Sized, N: Notes, K: Access> Drop for Loan<'_, T, N, K> {
    fn drop(&mut self) {
        wake(self.lending.queue.with(|lent, line| lent.pass_on(line)));
    }
}
