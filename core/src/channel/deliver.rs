//! A value that is delivered when whoever goes on over its place is woken.

use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use crate::gate::poll_proceed;

pin_project! {
    /// A leaf future around one that says what it got, and whom to wake over that.
    pub(super) struct Deliver<F> {
        #[pin]
        future: F,
    }
}

pub(super) const fn deliver<F>(future: F) -> Deliver<F> {
    Deliver { future }
}

impl<O, F: Future<Output = (O, Option<Waker>)>> Future for Deliver<F> {
    type Output = O;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let go = ready!(poll_proceed(cx));
        let Poll::Ready((got, waker)) = self.project().future.poll(cx) else {
            go.waits_for("channel");
            return Poll::Pending;
        };
        go.made_progress();
        if let Some(waker) = waker {
            waker.wake();
        }
        Poll::Ready(got)
    }
}
