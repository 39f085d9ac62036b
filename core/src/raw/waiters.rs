//! A first-in, first-out list of futures that wait for something that is handed to them.
//!
//! What is handed over lies in the waiter, so nobody can snatch it, and a waiter that is dropped
//! with it hands it on (`take_grant`). The owner keeps the list under a [`Lock`](super::port::Lock);
//! waiters are touched only under it.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr;
use core::task::Waker;

use super::waker::Kept;

/// The list. The first waiter came first.
pub(crate) struct WaitList {
    first: Cell<*const Waiter>,
}

// SAFETY: the list, and the waiters in it, are touched only under their owner's lock.
unsafe impl Send for WaitList {}

/// One who waits, in a pinned future (PINNED).
pub(crate) struct Waiter {
    prev: Cell<*const Waiter>,
    next: Cell<*const Waiter>,
    linked: Cell<bool>,
    waker: Kept,
    grant: Cell<Option<u32>>,
    _pinned: PhantomPinned,
}

impl Waiter {
    pub(crate) const fn new() -> Self {
        Waiter {
            prev: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            linked: Cell::new(false),
            waker: Kept::new(),
            grant: Cell::new(None),
            _pinned: PhantomPinned,
        }
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
        WaitList { first: Cell::new(ptr::null()) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_null()
    }

    /// Adds a waiter at the end, unless it is in the list.
    ///
    /// # Safety
    /// Under the lock; the waiter calls [`remove`](WaitList::remove) before it dies.
    pub(crate) unsafe fn push(&self, waiter: Pin<&Waiter>) {
        let waiter = waiter.get_ref();
        if waiter.linked.replace(true) {
            return;
        }
        // SAFETY: PINNED: links lead to live waiters; the list is circular.
        match unsafe { self.first.get().as_ref() } {
            None => {
                waiter.prev.set(waiter);
                waiter.next.set(waiter);
                self.first.set(waiter);
            }
            Some(first) => {
                let last = first.prev.replace(waiter);
                waiter.prev.set(last);
                waiter.next.set(first);
                // SAFETY: as above.
                unsafe { &*last }.next.set(waiter);
            }
        }
    }

    /// Takes a waiter out, wherever it is.
    pub(crate) fn remove(&self, waiter: &Waiter) {
        if !waiter.linked.replace(false) {
            return;
        }
        let (prev, next) = (waiter.prev.get(), waiter.next.get());
        if ptr::eq(next, waiter) {
            self.first.set(ptr::null());
            return;
        }
        // SAFETY: PINNED, and the list is circular.
        unsafe { &*prev }.next.set(next);
        // SAFETY: as above.
        unsafe { &*next }.prev.set(prev);
        if ptr::eq(self.first.get(), waiter) {
            self.first.set(next);
        }
    }

    /// Hands something to the first waiter: `Ok` with its waker, `Err` if nobody waits.
    pub(crate) fn grant(&self, what: u32) -> Result<Option<Waker>, u32> {
        // SAFETY: PINNED.
        let Some(first) = (unsafe { self.first.get().as_ref() }) else { return Err(what) };
        self.remove(first);
        first.grant.set(Some(what));
        Ok(first.waker.take())
    }
}
