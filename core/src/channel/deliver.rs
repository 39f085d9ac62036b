//! A value that is delivered when whoever goes on over its place is woken.

use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use crate::gate::poll_proceed;
use crate::panics::First;

/// Whom to wake, when nothing is held any more.
pub(super) trait Wakes {
    fn wake(self);
}

impl Wakes for Option<Waker> {
    fn wake(self) {
        if let Some(waker) = self {
            waker.wake();
        }
    }
}

impl<const N: usize> Wakes for [Option<Waker>; N] {
    fn wake(self) {
        let mut first = First::new();
        for waker in self.into_iter().flatten() {
            first.catch(|| waker.wake());
        }
        first.resume();
    }
}

pin_project! {
    /// A leaf future around one that says what it waits for, what it got, and whom to wake over that.
    pub(super) struct Deliver<F> {
        #[pin]
        future: F,
    }
}

pub(super) const fn deliver<F>(future: F) -> Deliver<F> {
    Deliver { future }
}

impl<O, W: Wakes, F: Future<Output = (O, W)>> Future for Deliver<F> {
    type Output = O;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let go = ready!(poll_proceed(cx));
        let (got, woken) = ready!(self.project().future.poll(cx));
        go.made_progress();
        woken.wake();
        Poll::Ready(got)
    }
}
