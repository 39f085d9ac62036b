//! Waiting for time again and again.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::call_site::CallSite;
use crate::kernel::clock::{Due, Period, Target};
use crate::kernel::deadline::Entry;
use crate::kernel::root::{read_clock, with_clock};
use crate::sleep::{no_runtime, poll_entry};
use crate::time::Instant;

/// Ticks at a fixed rate, without drift: each tick is due one period after the one before was
/// due, however late it was noticed. Ticks that were missed come at once, one after the other,
/// unless [`skip_missed`](Interval::skip_missed) drops them.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{clock, interval};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// let mut ticks = interval(Duration::from_millis(10));
/// for n in 1..=3 {
///     assert_eq!(ticks.tick().await, start + n * Duration::from_millis(10));
/// }
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
#[derive(Clone)]
pub struct Interval {
    due: Due,
    period: Period,
    /// Skips what was missed: only some intervals need it, so that others don't have the code.
    skip: Option<fn(&mut Interval)>,
}

/// Ticks every `period`, the first time after one period from now. Taken to a runtime with a clock of another rate, it
/// begins anew there.
///
/// # Panics
/// Outside a runtime, or if the period is zero.
pub fn interval(period: Duration) -> Interval {
    begin(checked(period))
}

fn begin(period: Period) -> Interval {
    match with_clock(|clock, _| Due::from_now(clock, read_clock(), &period)) {
        Some(due) => Interval { due, period, skip: None },
        None => no_runtime("interval"),
    }
}

/// Ticks at `first`, then every `period`.
///
/// # Panics
/// If the period is zero.
///
/// ```
/// use core::time::Duration;
/// use giambio_core::{Instant, interval_at};
/// let ticks = interval_at(Instant::from_nanos(0), Duration::from_secs(1));
/// assert_eq!(ticks.period(), Duration::from_secs(1));
/// ```
pub fn interval_at(first: Instant, period: Duration) -> Interval {
    Interval { due: Due::first(first), period: checked(period), skip: None }
}

fn checked(period: Duration) -> Period {
    assert!(!period.is_zero(), "giambio: an interval's period must be longer than zero");
    Period::new(period)
}

impl core::fmt::Debug for Interval {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Interval").field("due", &self.due).field("period", &self.period()).finish_non_exhaustive()
    }
}

impl Interval {
    /// Waits for the next tick; says when it was due.
    ///
    /// # Cancellation
    /// [**Restartable.**](crate#cancellation) A tick that was waited for in vain is the next one again.
    ///
    /// # Panics
    /// When polled outside a runtime.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        let noted = self.due.noted();
        NextTick { interval: self, place: CallSite::here(), entry: Entry::sleeping(noted) }
    }

    /// From now on, of several ticks whose time has passed before anyone waited for them one comes, the first, and the others
    /// are left out; the beat stays the same.
    ///
    /// ```
    /// use core::time::Duration;
    /// use giambio_core::{clock, interval, sleep, testing};
    ///
    /// testing::run(async {
    ///     let start = clock();
    ///     let mut ticks = interval(Duration::from_secs(1)).skip_missed();
    ///     sleep(Duration::from_millis(3500)).await; // three are late
    ///     assert_eq!(ticks.tick().await, start + Duration::from_secs(1)); // at once
    ///     assert_eq!(ticks.tick().await, start + Duration::from_secs(4));
    /// });
    /// ```
    pub fn skip_missed(mut self) -> Self {
        self.skip = Some(|this| {
            let late = with_clock(|clock, _| clock.instant(read_clock()) - this.due.instant(clock));
            // In 64 bits, which is what instants have: wider numbers cost a small chip much code.
            let nanos = |span| (Instant::from_nanos(0) + span).as_nanos();
            let period = nanos(this.period());
            let missed = nanos(late.unwrap_or_default()).div_ceil(period).saturating_mul(period);
            with_clock(|clock, _| this.due.step(clock, &Period::new(Duration::from_nanos(missed))));
        });
        self
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period.span()
    }
}

pin_project! {
    /// The next tick of an interval. No `async fn`, which would have a state of its own.
    struct NextTick<'a> {
        interval: &'a mut Interval,
        place: CallSite,
        #[pin]
        entry: Entry,
    }
}

impl Future for NextTick<'_> {
    type Output = Instant;

    #[inline] // so that who doesn't ask when it was due has no code for it: 92 bytes less of flash with two tasks
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        let mut this = self.project();
        let interval = &mut **this.interval;
        ready!(interval.poll_tick(this.entry.as_ref(), *this.place, cx));
        // It may have come by another clock than the one that it was begun by.
        with_clock(|clock, _| interval.due.came(clock, this.entry.deadline_by(clock)));
        // Most callers don't ask when it was due, and have no code for it then.
        let due = with_clock(|clock, _| interval.due.instant(clock)).unwrap_or(Instant::MAX);
        interval.step();
        // Polled on, it waits for the tick after this one (law NEVER-EARLY).
        this.entry.set(Entry::sleeping(interval.due.noted()));
        Poll::Ready(due)
    }
}

impl Interval {
    fn poll_tick(&mut self, entry: Pin<&Entry>, place: CallSite, cx: &mut Context<'_>) -> Poll<()> {
        if !Due::IS_NOTED && !entry.has_begun() {
            match with_clock(|clock, _| self.due.by(clock, read_clock, &self.period)) {
                Some(ticks) => entry.note(ticks),
                None => no_runtime("interval"),
            }
        }
        poll_entry(entry, cx, place, &Target::Ticks)
    }

    /// One period on.
    fn step(&mut self) {
        with_clock(|clock, _| self.due.step(clock, &self.period));
        if let Some(skip) = self.skip {
            skip(self);
        }
    }
}
