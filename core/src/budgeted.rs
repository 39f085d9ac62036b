//! A share of the task's budget for futures that know nothing of it.

use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::call_site::CallSite;
use crate::fault::fault;
use crate::gate::poll_proceed;
use crate::kernel::emit;
use crate::kernel::wait_queue::Awaits;
use crate::task_info::WaitsFor;

/// Makes a future of another library a good neighbour: each time it is ready counts as one of the 128 leaf operations that
/// a task may finish in one poll, and cancelled code waits instead of polling it (laws FAIR, CANCEL-ALWAYS-WORKS).
///
/// This crate's own futures do so by themselves. A channel of another library that is never empty is always ready, so a
/// loop over it never suspends: other tasks stand still, and no deadline or cancellation is noticed, until it is empty.
///
/// When the budget is used up, `future` is not polled, and the task is woken, to come again when those that are ready have had
/// their turn. What was ready stays where it is, and is there then: nothing has been taken. So it is in cancelled code, also
/// where `future` was not polled before, which then never begins. A poll in which `future` waits costs nothing.
///
/// # Cancellation
/// As `future`: dropping this drops it, between two of its polls.
///
/// # Panics
/// As `future`.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, move_on_after};
/// # struct Receiver<'c>(&'c VirtualClock);
/// # impl Receiver<'_> {
/// #     async fn recv(&mut self) -> Option<u32> { self.0.advance(Duration::from_micros(1)); Some(7) }
/// # }
/// use giambio_core::budgeted;
///
/// /// From somebody's channel, into which others send without a pause.
/// async fn sum(receiver: &mut Receiver<'_>, sum: &mut u32) {
///     while let Some(value) = budgeted(receiver.recv()).await {
///         *sum += value;
///     }
/// }
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// # let (mut receiver, mut total) = (Receiver(&clock), 0);
/// assert!(move_on_after(Duration::from_millis(5), sum(&mut receiver, &mut total)).await.is_none());
/// # assert!(total > 0);
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
#[cfg_attr(feature = "hooks", track_caller)]
pub fn budgeted<F: Future>(future: F) -> impl Future<Output = F::Output> {
    Budgeted { future }
}

pin_project! {
    struct Budgeted<F> {
        #[pin]
        future: F,
    }
}

/// What a leaf future of this crate is called.
pub(crate) trait Named {
    const NAME: &'static str;
}

/// The same for one of this crate's own, which says what it waits for, and where that was asked for.
pub(crate) fn leaf<N: Named, F: Future + Awaits>(future: F, place: CallSite) -> impl Future<Output = F::Output> {
    budgeted(tells::<N, F>(future, place))
}

/// Says to those who look on that a leaf waits, for what, and where that was asked for.
pub(crate) fn tell<N: Named>(what: &impl Awaits, place: CallSite) {
    emit::waits(|| {
        let (name, task) = what.awaits();
        WaitsFor { what: N::NAME, name, task, asked_at: place.location() }
    });
}

/// What is in a leaf and says what that waits for.
pub(crate) fn tells<N: Named, F: Future + Awaits>(future: F, place: CallSite) -> impl Future<Output = F::Output> {
    Tells { future, place, name: PhantomData::<N> }
}

pin_project! {
    struct Tells<F, N> {
        #[pin]
        future: F,
        place: CallSite,
        name: PhantomData<N>,
    }
}

impl<F: Future + Awaits, N: Named> Future for Tells<F, N> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Poll::Ready(value) = this.future.as_mut().poll(cx) else {
            tell::<N>(&*this.future, *this.place);
            return Poll::Pending;
        };
        Poll::Ready(value)
    }
}

impl<F: Future> Future for Budgeted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let go = ready!(poll_proceed(cx));
        let value = ready!(self.project().future.poll(cx));
        if !fault!("budgeted-without-budget") {
            go.made_progress();
        }
        Poll::Ready(value)
    }
}
