//! When a child begins: at once, or after a sleep.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::kernel::in_place::Moving;
use crate::sleep::{Sleep, sleep};

/// When a child begins. Who begins at once pays nothing for others that don't.
pub trait Delay: Copy + 'static {
    /// What is spawned for a child.
    type Delayed<F: Future>: Future<Output = F::Output>;

    /// The child, with what comes before it.
    fn before<F: Future>(self, child: F) -> Self::Delayed<F>;

    /// Has it spawned. If it is left where it was, so is the child.
    fn spawn<F: Future, R>(self, child: &mut Moving<F>, spawn: impl FnOnce(&mut Moving<Self::Delayed<F>>) -> R) -> R;

    /// How long it is, where there is one.
    fn span(self) -> Option<Duration>;
}

impl Delay for () {
    type Delayed<F: Future> = F;

    fn before<F: Future>(self, child: F) -> F {
        child
    }

    fn spawn<F: Future, R>(self, child: &mut Moving<F>, spawn: impl FnOnce(&mut Moving<F>) -> R) -> R {
        spawn(child)
    }

    fn span(self) -> Option<Duration> {
        None
    }
}

impl Delay for Duration {
    type Delayed<F: Future> = After<F>;

    fn before<F: Future>(self, child: F) -> After<F> {
        After { sleep: Some(sleep(self)), child }
    }

    fn spawn<F: Future, R>(self, child: &mut Moving<F>, spawn: impl FnOnce(&mut Moving<After<F>>) -> R) -> R {
        let mut delayed = delay(self, child);
        let result = spawn(&mut delayed);
        undo(&mut delayed, child);
        result
    }

    fn span(self) -> Option<Duration> {
        Some(self)
    }
}

// Functions of their own, since each has room for copies in its frame.

fn delay<F>(delay: Duration, child: &mut Moving<F>) -> Moving<After<F>> {
    Moving::Here(After { sleep: Some(sleep(delay)), child: child.take() })
}

/// Puts the child back, if it was left.
fn undo<F>(delayed: &mut Moving<After<F>>, child: &mut Moving<F>) {
    if let Moving::Here(_) = delayed {
        *child = Moving::Here(delayed.take().child);
    }
}

pin_project! {
    /// A future, and a sleep before it.
    ///
    /// # Cancellation
    /// As the future.
    #[derive(Debug)]
    pub struct After<F> {
        #[pin]
        sleep: Option<Sleep>,
        #[pin]
        child: F,
    }
}

impl<F: Future> Future for After<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(cx));
            this.sleep.set(None);
        }
        this.child.poll(cx)
    }
}
