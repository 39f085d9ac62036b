//! A first-in, first-out list of futures that wait for something that is handed to them.
//!
//! What is handed over lies in the waiter, so nobody can snatch it, and a waiter that is dropped
//! with it hands it on (`take_grant`). The owner keeps the list under a [`Lock`](super::port::Lock);
//! waiters are touched only under it.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::Waker;

use super::waker::Kept;
use crate::kernel::list::{Linked, Links, List};
use crate::kernel::pin_ref::PinRef;

/// The list. The first waiter came first.
pub(crate) struct WaitList {
    list: List<Waiter>,
}

// SAFETY: the list, and the waiters in it, are touched only under their owner's lock.
unsafe impl Send for WaitList {}

/// One who waits, in a pinned future (PINNED).
pub(crate) struct Waiter {
    links: Links<Waiter>,
    waker: Kept,
    grant: Cell<Option<u32>>,
    _pinned: PhantomPinned,
}

impl Linked for Waiter {
    fn links(&self) -> &Links<Self> {
        &self.links
    }
}

impl Waiter {
    pub(crate) const fn new() -> Self {
        Waiter { links: Links::new(), waker: Kept::new(), grant: Cell::new(None), _pinned: PhantomPinned }
    }

    /// What was handed over, once. Call it under the lock.
    pub(crate) fn take_grant(&self) -> Option<u32> {
        self.grant.take()
    }

    /// Replaces the waker; the old one is returned, to be dropped outside of the lock.
    pub(crate) fn set_waker(&self, waker: Waker) -> Option<Waker> {
        self.waker.replace(waker)
    }
}

impl WaitList {
    pub(crate) const fn new() -> Self {
        WaitList { list: List::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds a waiter at the end, unless it is in the list.
    ///
    /// # Safety
    /// Under the lock; the waiter is in no other list, and calls [`remove`](WaitList::remove) before it dies.
    pub(crate) unsafe fn push(&self, waiter: Pin<&Waiter>) {
        if !waiter.links.are_used() {
            // SAFETY: LIVE: pinned, and by contract it leaves before it dies.
            self.list.push(unsafe { PinRef::new(NonNull::from(waiter.get_ref())) });
        }
    }

    /// Takes a waiter out, wherever it is.
    pub(crate) fn remove(&self, waiter: &Waiter) {
        if waiter.links.are_used() {
            // SAFETY: LIVE, for it is in a list; MEMBER: that is this one, by the contract of `push`.
            unsafe { self.list.remove(PinRef::new(NonNull::from(waiter))) };
        }
    }

    /// Hands something to the first waiter: `Ok` with its waker, `Err` if nobody waits.
    pub(crate) fn grant(&self, what: u32) -> Result<Option<Waker>, u32> {
        let Some(first) = self.list.first() else { return Err(what) };
        self.remove(&first);
        first.grant.set(Some(what));
        Ok(first.waker.take())
    }
}
