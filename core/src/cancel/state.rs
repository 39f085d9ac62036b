//! What a cancel scope is made of: a node, a timer, and what the handle may set.

use core::cell::Cell;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::fault::fault;
use crate::kernel::deadline::Timed;
use crate::kernel::in_place::clear;
use crate::kernel::root::{read_clock, with_clock};
use crate::kernel::scope::asking::Round;
use crate::kernel::scope::entered::Entered;
use crate::kernel::scope::node::{CANCELLED, Node};
use crate::reason::{Cancelled, Reason};
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
    pub(super) const fn at(instant: Instant) -> Self {
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
    pub(crate) fn new(deadline: Deadline) -> Self {
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

    pub(crate) fn cancel(self: Pin<&Self>, reason: Reason) {
        self.timed().cancel(reason);
    }

    /// The same with a reason for the one who awaits the scope, unless it was cancelled before.
    pub(super) fn cancel_because(self: Pin<&Self>, why: &'static str) {
        if !self.is_cancelled() {
            self.because.set(Some(why));
            self.cancel(Reason::Requested);
        }
    }

    pub(super) fn node(&self) -> &Node {
        self.timed.node()
    }

    /// Was it cancelled itself?
    pub(super) fn is_cancelled(&self) -> bool {
        self.node().has(CANCELLED)
    }

    pub(super) fn reason(&self) -> Reason {
        match self.because.get() {
            Some(text) => Reason::Because(text),
            None => self.node().reason(),
        }
    }

    pub(super) fn set_deadline(self: Pin<&Self>, deadline: Option<Instant>) {
        self.timed.disarm();
        self.deadline.set(deadline.map_or(Deadline::None, Deadline::at));
        self.arm();
    }

    /// So much time, from now on.
    pub(crate) fn set_time(self: Pin<&Self>, span: Duration) {
        self.timed.disarm();
        self.deadline.set(Deadline::After(span));
        self.arm();
    }

    /// Its own deadline, where it is known.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.get().instant()
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
            let now = read_clock();
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
