//! What a leaf gives, made into something else: no `async` block does it without keeping what it was given a second time.

use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// `then` of what `future` gives.
    pub(crate) struct Then<F, T> {
        #[pin]
        future: F,
        then: T,
    }
}

impl<F: Future, O, T: Fn(F::Output) -> O> Then<F, T> {
    pub(crate) const fn new(future: F, then: T) -> Self {
        Then { future, then }
    }
}

impl<F: Future, O, T: Fn(F::Output) -> O> Future for Then<F, T> {
    type Output = O;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let this = self.project();
        this.future.poll(cx).map(this.then)
    }
}
