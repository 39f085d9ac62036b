//! Scopes with a deadline around a future that doesn't know of it.

use core::convert;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use pin_project_lite::pin_project;

use super::state::{Deadline, ScopeState};
use crate::kernel::root::{read_clock, with_clock};
use crate::reason::TimedOut;
use crate::time::Instant;

/// Runs `body` for at most `span`, counted from the first poll: `None` if it didn't end in time.
///
/// A body that becomes ready at the same time as the deadline passes keeps its value; and one
/// whose time is over before it begins still runs to its first suspension.
///
/// `body` is held once, in what this returns. To hold it elsewhere give a `Box::pin(body)`, or a
/// `pin!(body)`: in a build without optimization, which copies what is moved, some 300 KiB are
/// all that 2 MiB of stack have room for.
///
/// A body that is lent (`work.as_mut()` of a pinned one) may be polled on afterwards. But if it was in a shield or a
/// clean-up when its time was over, the rest of it was dropped while that was waited for. Then there is nothing to go on
/// with, and polling it panics.
///
/// # Cancellation
/// As `body`.
///
/// # Panics
/// When polled outside a runtime.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{move_on_after, sleep};
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// assert_eq!(move_on_after(Duration::from_secs(1), async { 7 }).await, Some(7));
/// assert_eq!(move_on_after(Duration::from_secs(1), sleep(Duration::from_secs(2))).await, None);
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
#[doc(alias = "timeout")]
pub fn move_on_after<T>(span: Duration, body: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    Bounded { body: Some(body), scope: ScopeState::new(Deadline::After(span)), end: Result::ok }
}

/// As [`move_on_after`], with the moment instead of the span.
///
/// # Cancellation
/// As `body`.
///
/// # Panics
/// When polled outside a runtime.
pub fn move_on_at<T>(deadline: Instant, body: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    Bounded { body: Some(body), scope: ScopeState::new(Deadline::at(deadline)), end: Result::ok }
}

/// As [`move_on_after`], with an error instead of `None`.
///
/// # Errors
/// [`TimedOut`] if `body` didn't end in time.
///
/// # Cancellation
/// As `body`.
///
/// # Panics
/// When polled outside a runtime.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{TimedOut, fail_after, sleep};
///
/// async fn fetch() -> Result<(), TimedOut> {
///     fail_after(Duration::from_secs(1), sleep(Duration::from_secs(2))).await
/// }
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// assert!(fetch().await.is_err());
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
#[doc(alias = "timeout")]
pub fn fail_after<T>(span: Duration, body: impl Future<Output = T>) -> impl Future<Output = Result<T, TimedOut>> {
    let end = move |outcome: Result<T, Instant>| outcome.map_err(|deadline| TimedOut { deadline, given: span });
    Bounded { body: Some(body), scope: ScopeState::new(Deadline::After(span)), end }
}

/// As [`fail_after`], with the moment instead of the span.
///
/// # Errors
/// [`TimedOut`] if `body` didn't end in time.
///
/// # Cancellation
/// As `body`.
///
/// # Panics
/// When polled outside a runtime.
pub fn fail_at<T>(deadline: Instant, body: impl Future<Output = T>) -> impl Future<Output = Result<T, TimedOut>> {
    let end = convert::identity;
    let bounded = Bounded { body: Some(body), scope: ScopeState::new(Deadline::at(deadline)), end };
    Measured { bounded, deadline, given: None }
}

pin_project! {
    /// A scope around a future that doesn't know of it; `end` makes of its outcome what is wanted. It holds the future
    /// once, which an `async fn` would do twice.
    struct Bounded<F, M> {
        #[pin]
        body: Option<F>,
        #[pin]
        scope: ScopeState,
        end: M,
    }
}

impl<F: Future, M: Fn(Result<F::Output, Instant>) -> R, R> Future for Bounded<F, M> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let this = self.project();
        let scope = this.scope.as_ref();
        let deadline = |_| scope.deadline().unwrap_or(Instant::MAX);
        scope.poll(this.body, cx).map(|outcome| (this.end)(outcome.map_err(deadline)))
    }
}

pin_project! {
    /// The same, with how much time was left at the first poll.
    struct Measured<F, M> {
        #[pin]
        bounded: Bounded<F, M>,
        deadline: Instant,
        given: Option<Duration>,
    }
}

impl<F: Future, M: Fn(Result<F::Output, Instant>) -> Result<T, Instant>, T> Future for Measured<F, M> {
    type Output = Result<T, TimedOut>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (deadline, given) = (*this.deadline, this.given);
        // Where there is no clock, the deadline says so.
        let left = || with_clock(|clock, _| deadline - clock.instant(read_clock())).unwrap_or_default();
        let given = *given.get_or_insert_with(left);
        this.bounded.poll(cx).map_err(|deadline| TimedOut { deadline, given })
    }
}
