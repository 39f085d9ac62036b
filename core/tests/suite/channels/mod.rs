//! Channels, a module a type. What holds of them by chance is in `random_channels`.

#[cfg(feature = "heapless")]
mod bounded;
#[cfg(feature = "heapless")]
mod broadcast;
#[cfg(feature = "alloc")]
mod growable;
mod oneshot;
#[cfg(feature = "heapless")]
mod priority;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Polls once, with a waker that counts.
fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}
