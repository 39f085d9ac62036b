//! Wakers of other executors: their functions are anybody's code, and may panic.
//!
//! A destructor that panics while a panic unwinds ends the process, and a loop that a panic leaves has not told the rest.
//! So where a destructor or a loop calls such a waker, or drops it, it does so here.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;
use std::thread;

/// The first of the panics of several calls, each of which is made whatever became of those before it.
#[must_use = "a panic that was caught has to go on"]
pub(crate) struct First(thread::Result<()>);

impl First {
    pub(crate) fn new() -> First {
        First(Ok(()))
    }

    /// Makes a call.
    pub(crate) fn catch(&mut self, call: impl FnOnce()) {
        match (catch_unwind(AssertUnwindSafe(call)), &self.0) {
            (Err(payload), Ok(())) => self.0 = Err(payload),
            (Err(payload), Err(_)) => dispose(payload),
            (Ok(()), _) => {}
        }
    }

    /// Has one been caught?
    pub(crate) fn has_caught(&self) -> bool {
        self.0.is_err()
    }

    /// The first panic goes on, unless another one is under way.
    pub(crate) fn resume(self) {
        match self.0 {
            Err(payload) if !thread::panicking() => resume_unwind(payload),
            Err(payload) => dispose(payload),
            Ok(()) => {}
        }
    }
}

/// Drops what a panic carries that is second to another. What its destructor has to add ends here.
fn dispose(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(second);
    }
}

/// Wakes each of them, whatever becomes of those before it.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    let mut first = First::new();
    for waker in wakers {
        first.catch(|| waker.wake());
    }
    first.resume();
}

/// Drops it in a destructor, if there is one. Its panic goes on, unless another one is under way.
pub(crate) fn discard(waker: Option<Waker>) {
    if let Some(waker) = waker {
        let mut first = First::new();
        first.catch(|| drop(waker));
        first.resume();
    }
}
