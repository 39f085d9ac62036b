//! Ticks at a fixed rate.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::deadline::Entry;
use crate::kernel::root::with_clock;
use crate::sleep::{clock, no_runtime, poll_entry};
use crate::time::{Instant, Moment};

pin_project! {
    /// Waits until the clock reads what the entry says. It has nothing to convert, so that an interval doesn't have the
    /// code.
    struct Alarm {
        #[pin]
        entry: Entry,
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let entry = this.entry.as_ref();
        poll_entry(entry, cx, CallSite::NOWHERE, &|_, _| entry.deadline())
    }
}

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
    due: Instant,
    period: Duration,
    /// `due` by the clock of the runtime that it ticks in, which has so many ticks in a second; 0: none yet. Counted on
    /// in ticks, since to make ticks of an instant takes a long division.
    ticks: u64,
    rest: u32,
    hz: u64,
    /// What only some intervals need, so that others don't have the code: how to make ticks of `due`…
    convert: Option<fn(Instant, u64) -> Moment>,
    /// … and to skip what was missed.
    skip: Option<fn(&mut Interval)>,
}

/// Ticks every `period`, the first time after one period from now. Taken to a runtime with a clock of another rate, it
/// begins anew there.
///
/// # Panics
/// Outside a runtime, or if the period is zero.
pub fn interval(period: Duration) -> Interval {
    // When it is due is found there.
    let mut ticks = Interval::new(Instant::from_nanos(0), period, None);
    ticks.begin();
    ticks
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
    Interval::new(first, period, Some(Moment::of))
}

impl core::fmt::Debug for Interval {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Interval").field("due", &self.due).field("period", &self.period).finish_non_exhaustive()
    }
}

impl Interval {
    fn new(due: Instant, period: Duration, convert: Option<fn(Instant, u64) -> Moment>) -> Self {
        assert!(!period.is_zero(), "giambio: an interval's period must be longer than zero");
        Interval { due, period, ticks: 0, rest: 0, hz: 0, convert, skip: None }
    }

    /// Finds the ticks for `due`, or counts from now, if those there are aren't of the clock that runs.
    fn begin(&mut self) {
        let known = with_clock(|clock, _| {
            let hz = if fault!("rates-cut-short") { clock.hz() & 0xffff_ffff } else { clock.hz() };
            if core::mem::replace(&mut self.hz, hz) == hz {
                return;
            }
            let moment = match self.convert {
                Some(convert) => convert(self.due, hz),
                None => {
                    let now = clock.now();
                    self.due = clock.instant(now) + self.period;
                    Moment::at(now).later(clock.moment(self.period))
                }
            };
            self.set_moment(moment);
        });
        if known.is_none() {
            no_runtime("interval");
        }
    }

    /// One period on.
    fn step(&mut self, span: Duration) {
        self.due += span;
        if let Some(span) = with_clock(|clock, _| clock.moment(span)) {
            self.set_moment(self.moment().later(span));
        }
    }

    fn moment(&self) -> Moment {
        Moment { ticks: self.ticks, rest: self.rest }
    }

    fn set_moment(&mut self, moment: Moment) {
        (self.ticks, self.rest) = (moment.ticks, moment.rest);
    }

    /// Waits for the next tick; says when it was due.
    ///
    /// # Cancellation
    /// [**Restartable.**](crate#cancellation) A tick that was waited for in vain is the next one again.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        async move {
            self.begin();
            Alarm { entry: Entry::sleeping(self.moment().ticks()) }.await;
            let due = self.due;
            self.step(self.period);
            if let Some(skip) = self.skip {
                skip(self);
            }
            due
        }
    }

    /// From now on, ticks whose time has passed before anyone waited for them are left out; the
    /// beat stays the same.
    pub fn skip_missed(mut self) -> Self {
        self.skip = Some(|this| {
            // In 64 bits, which is what instants have: wider numbers cost a small chip much code.
            let period = (Instant::from_nanos(0) + this.period).as_nanos();
            let late = clock().as_nanos().saturating_sub(this.due.as_nanos());
            this.step(Duration::from_nanos(late.div_ceil(period).saturating_mul(period)));
        });
        self
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
}
