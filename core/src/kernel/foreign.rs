//! Wakers of other executors: their functions are anybody's code, and may panic.
//!
//! A destructor that panics while a panic unwinds ends the process, and a loop that a panic leaves has not told the rest.
//! So where a destructor or a loop calls such a waker, or drops it, it does so here. Without `std` no panic is caught, and
//! all of this is a plain call.

use core::task::Waker;

use crate::fault::fault;
use crate::panics::First;

/// Wakes it, if there is one. Its panic goes on, unless another one is under way.
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        apart(|| waker.wake());
    }
}

/// Wakes all of them; the first panic goes on at the end.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    let mut first = First::new();
    for waker in wakers {
        first.catch(|| waker.wake());
    }
    first.resume();
}

/// Wakes two of them, if there are, as [`wake_all`].
pub(crate) fn wake_both(one: Option<Waker>, other: Option<Waker>) {
    match (one, other) {
        (None, None) => {}
        (one, None) => wake(one),
        (one, other) => wake_all(one.into_iter().chain(other)),
    }
}

/// Drops it, if there is one, as [`wake`] wakes it.
pub(crate) fn discard(waker: Option<Waker>) {
    if let Some(waker) = waker {
        apart(|| drop(waker));
    }
}

#[cold]
fn apart(call: impl FnOnce()) {
    if fault!("wakers-panic-in-destructors") {
        return call();
    }
    let mut first = First::new();
    first.catch(call);
    first.resume();
}
