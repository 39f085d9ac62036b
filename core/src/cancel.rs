//! Cancel scopes: code that can be told to stop, by hand or by a deadline.
//!
//! A scope's code is dropped at its next suspension after the scope was cancelled, however deep in
//! it that is, whether it was awaited or spawned (law CANCEL-ALWAYS-WORKS). Only
//! [shields and clean-ups](crate::shield()) in it run on, and the scope is left when they are done.
//! So whoever cancelled knows, when the scope has been left, that nothing of it is alive.
//!
//! A deadline is noticed a little differently: when it passes, the code gets one last poll, so
//! that what became ready at the same time still counts.

use core::cell::Cell;
use core::convert;
use core::fmt;
use core::marker::PhantomData;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::fault::fault;
use crate::kernel::deadline::Timed;
use crate::kernel::in_place::clear;
use crate::kernel::root::with_clock;
use crate::kernel::scope::asking::Round;
use crate::kernel::scope::entered::Entered;
use crate::kernel::scope::node::{CANCELLED, Node};
use crate::reason::{Cancelled, Reason, TimedOut};
use crate::sleep::no_runtime;
use crate::time::{Instant, Moment};

pin_project! {
    /// A scope's node and timer, and what the handle may set.
    pub(crate) struct ScopeState {
        #[pin]
        timed: Timed,
        deadline: Cell<Deadline>,
        has_begun: Cell<bool>,
        because: Cell<Option<&'static str>>,
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Deadline {
    None,
    /// Counted from the first poll.
    After(Duration),
    /// The same since then; the timer has the ticks.
    Begun(Instant),
    /// This makes ticks of it. The division comes with those who use it.
    At(Instant, fn(Instant, u64) -> Moment),
}

impl Deadline {
    const fn at(instant: Instant) -> Self {
        Deadline::At(instant, Moment::of)
    }

    /// Where it is known.
    fn instant(self) -> Option<Instant> {
        match self {
            Deadline::Begun(instant) | Deadline::At(instant, _) => Some(instant),
            Deadline::None | Deadline::After(_) => None,
        }
    }
}

impl ScopeState {
    pub(crate) const fn new(deadline: Deadline) -> Self {
        ScopeState {
            timed: Timed::new(0),
            deadline: Cell::new(deadline),
            has_begun: Cell::new(false),
            because: Cell::new(None),
        }
    }

    fn timed(self: Pin<&Self>) -> Pin<&Timed> {
        self.project_ref().timed
    }

    pub(crate) fn cancel(self: Pin<&Self>) {
        self.timed().cancel(Reason::Requested);
    }

    fn reason(&self) -> Reason {
        match self.because.get() {
            Some(text) => Reason::Because(text),
            None => self.timed.node().reason(),
        }
    }

    /// Sets the timer where the deadline says so and it isn't set in this runtime.
    fn arm(self: Pin<&Self>) {
        if matches!(self.deadline.get(), Deadline::None) {
            return;
        }
        let armed = with_clock(|clock, heap| {
            if self.timed.is_armed_in(heap) || self.timed.is_over() {
                return;
            }
            let now = clock.now();
            let ticks = match self.deadline.get() {
                Deadline::None => return,
                Deadline::After(span) => {
                    let ticks = clock.end_of(now, span);
                    self.deadline.set(Deadline::Begun(clock.instant(ticks)));
                    ticks
                }
                // One that another runtime has begun goes on in this one.
                Deadline::Begun(_) => self.timed.deadline_by(clock),
                Deadline::At(instant, moment) => moment(instant, clock.hz()).ticks(),
            };
            self.timed.note_rate(clock);
            self.timed().arm_or_expire(heap, ticks, now);
        });
        if armed.is_none() {
            no_runtime("a deadline");
        }
    }

    /// One poll of a scope and its body.
    pub(crate) fn poll<F: Future>(
        self: Pin<&Self>,
        mut body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Cancelled>> {
        let timed = self.timed();
        let entered = Entered::new(timed, cx);
        self.arm();
        let round = Round::begin(entered.node, CANCELLED, cx);
        if fault!("no-last-poll-at-the-deadline") && timed.node().is_expired() {
            timed.cancel(Reason::Deadline);
        }
        // What is entered in cancelled code still runs to its first suspension.
        if !self.has_begun.replace(true) || !entered.must_drop() {
            let Some(future) = body.as_mut().as_pin_mut() else { return poll_cut_short(entered.is_cancelled()) };
            if let Poll::Ready(value) = future.poll(cx) {
                clear(body);
                return Poll::Ready(Ok(value));
            }
            if timed.node().is_expired() {
                timed.cancel(Reason::Deadline);
            }
            if !entered.must_drop()
                && !round.is_some_and(|round| entered.is_forsaken(round, timed.get_ref().looked_at(), cx))
            {
                return Poll::Pending;
            }
        }
        clear(body);
        if timed.node().has(CANCELLED) || fault!("outer-scope-catches") {
            Poll::Ready(Err(Cancelled { reason: self.reason() }))
        } else {
            // A scope around this one was cancelled, and drops it.
            Poll::Pending
        }
    }
}

/// What comes of a future that was cut short: nothing, and who cut it short is about to drop it. But where it was polled by
/// reference, it may live on after that scope; `is_cancelled` says whether the code around it is cancelled still.
///
/// # Panics
/// If it isn't: there it would wait for ever.
pub(crate) fn poll_cut_short<T>(is_cancelled: bool) -> Poll<T> {
    assert!(
        is_cancelled || fault!("cut-short-waits-for-ever"),
        "giambio: a future was polled on, by reference, after a cancelled scope in which it was polled before had cut it \
         short: what it had begun is dropped, and there is no result. Begin it anew, or keep it out of that scope: in a \
         task of its own, say, whose handle is awaited there"
    );
    Poll::Pending
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
        let deadline = |_| scope.deadline.get().instant().unwrap_or(Instant::MAX);
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
        let left = || with_clock(|clock, _| deadline - clock.instant(clock.now())).unwrap_or_default();
        let given = *given.get_or_insert_with(left);
        this.bounded.poll(cx).map_err(|deadline| TimedOut { deadline, given })
    }
}

pin_project! {
    /// A scope whose body has the handle to it.
    struct InScope<'s, F> {
        body: Pin<&'s mut Option<F>>,
        scope: Pin<&'s ScopeState>,
    }
}

impl<F: Future> Future for InScope<'_, F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.scope.poll(this.body.as_mut(), cx)
    }
}

/// The handle to a [`cancel_scope`]; a copy is as good.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{Cancelled, Reason, cancel_scope, checkpoint};
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # let result =
/// # pin!(Runtime::new(&clock, async {
/// cancel_scope(async |scope| {
///     scope.cancel_because("enough");
///     checkpoint().await; // the scope is left here
///     unreachable!()
/// })
/// .await
/// # })).run(&mut |_| {});
/// # let result: Result<(), Cancelled> = result;
/// # assert_eq!(result, Err(Cancelled { reason: Reason::Because("enough") }));
/// ```
#[derive(Clone, Copy)]
pub struct CancelScope<'s, 'env> {
    scope: Pin<&'s ScopeState>,
    env: PhantomData<&'env mut &'env ()>,
}

impl CancelScope<'_, '_> {
    /// Cancels the scope: its code is dropped at its next suspension. Again: no effect.
    pub fn cancel(&self) {
        self.scope.cancel();
    }

    /// The same with a reason for the one who awaits the scope.
    pub fn cancel_because(&self, why: &'static str) {
        if !self.is_cancelled() {
            self.scope.because.set(Some(why));
            self.cancel();
        }
    }

    /// The same with [`Reason::Interrupted`]: for Ctrl+C and its like.
    pub fn interrupt(&self) {
        self.scope.timed().cancel(Reason::Interrupted);
    }

    pub(crate) fn node(&self) -> &Node {
        self.scope.timed.node()
    }

    /// Was the scope itself cancelled?
    pub fn is_cancelled(&self) -> bool {
        self.scope.timed.node().has(CANCELLED)
    }

    /// Why it was cancelled, if it was.
    pub fn reason(&self) -> Option<Reason> {
        self.is_cancelled().then(|| self.scope.reason())
    }

    /// Sets, moves or takes away the scope's deadline. One that has passed counts at the code's
    /// next suspension.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        self.scope.timed.disarm();
        self.scope.deadline.set(deadline.map_or(Deadline::None, Deadline::at));
        self.scope.arm();
    }

    /// The scope's own deadline; a scope around it may have a sooner one, see
    /// [`effective_deadline`](crate::effective_deadline).
    pub fn deadline(&self) -> Option<Instant> {
        self.scope.deadline.get().instant()
    }
}

impl fmt::Debug for CancelScope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScope").field("reason", &self.reason()).field("deadline", &self.deadline()).finish()
    }
}

/// Runs `body` in a scope that it, or anything it lends the handle to, may cancel.
///
/// # Errors
/// [`Cancelled`] with the reason, if the scope was cancelled before `body` ended. A `body` that
/// ends without another suspension keeps its value.
///
/// # Cancellation
/// As its body. If a scope around it is cancelled this never returns: that scope drops it.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{cancel_scope, clock, sleep};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let result = cancel_scope(async |scope| {
///     scope.set_deadline(Some(clock() + Duration::from_secs(1)));
///     sleep(Duration::from_secs(5)).await;
/// })
/// .await;
/// assert!(result.is_err());
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub async fn cancel_scope<'env, T, F>(body: F) -> Result<T, Cancelled>
where
    F: for<'s> AsyncFnOnce(CancelScope<'s, 'env>) -> T,
{
    let scope = pin!(ScopeState::new(Deadline::None));
    let scope = scope.into_ref();
    let body = pin!(Some(body(CancelScope { scope, env: PhantomData })));
    InScope { body, scope }.await
}

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
