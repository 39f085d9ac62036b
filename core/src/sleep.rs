//! Waiting for time: sleeps and intervals. The deadline lies in the future itself, so setting one
//! never fails and needs no room; see the core's timer queue for what each step costs.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::gate::{poll_gate, poll_waits};
use crate::hooks;
use crate::raw::heap::Entry;
use crate::raw::port::with;
use crate::raw::root::with_clock;
use crate::time::Instant;

#[cold]
pub(crate) fn no_runtime(what: &str) -> ! {
    panic!("giambio: `{what}` outside a runtime: run it inside `Runtime::turn` or `giambio::run`")
}

/// The time now, by the clock of the runtime that is running.
///
/// # Panics
/// Outside a runtime, where no clock is.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, clock, sleep};
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// sleep(Duration::from_secs(2)).await;
/// assert_eq!(clock() - start, Duration::from_secs(2));
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub fn clock() -> Instant {
    match with_clock(|clock, _| clock.instant(clock.now())) {
        Some(now) => now,
        None => no_runtime("clock()"),
    }
}

/// The soonest deadline of the scopes around the running code, `None` if there is none. In code
/// that is cancelled already it is the start of time. A shield hides what is outside of it.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, VirtualClock, clock, effective_deadline, move_on_after};
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// assert_eq!(effective_deadline(), None);
/// move_on_after(Duration::from_secs(5), async {
///     move_on_after(Duration::from_secs(9), async {
///         assert_eq!(effective_deadline(), Some(clock() + Duration::from_secs(5)));
///     }).await;
/// }).await;
/// # })).run(&mut |_| {});
/// ```
pub fn effective_deadline() -> Option<Instant> {
    match with(|state| state.effective_deadline()) {
        u64::MAX => None,
        ticks => with_clock(|clock, _| clock.instant(ticks)),
    }
}

#[derive(Clone, Copy)]
enum Target {
    After(Duration),
    At(Instant),
}

pin_project! {
    /// What [`sleep`] and [`sleep_until`] return.
    #[must_use = "a sleep does nothing unless it is awaited"]
    pub struct Sleep {
        target: Target,
        started: bool,
        // Its time had passed when it began: it yields once and is over.
        at_once: bool,
        #[pin]
        entry: Entry,
    }
}

impl core::fmt::Debug for Sleep {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut f = f.debug_tuple("Sleep");
        match &self.target {
            Target::After(span) => f.field(span),
            Target::At(instant) => f.field(instant),
        };
        f.finish()
    }
}

impl Sleep {
    const fn new(target: Target) -> Self {
        Sleep { target, started: false, at_once: false, entry: Entry::sleeping() }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(poll_gate(cx));
        let this = self.project();
        if *this.started && *this.at_once {
            hooks::slept_at_once();
            return Poll::Ready(());
        }
        if this.entry.has_fired() {
            return Poll::Ready(());
        }
        let entry = this.entry.as_ref();
        let in_time = with_clock(|clock, heap| {
            if *this.started && entry.is_in(heap) {
                return true;
            }
            let now = clock.now();
            let deadline = match *this.target {
                // A sleep that another runtime has begun goes on in this one.
                _ if *this.started => entry.deadline(),
                Target::After(Duration::ZERO) => now,
                Target::After(span) => now.saturating_add(clock.to_ticks(span)).saturating_add(clock.lag()),
                Target::At(instant) => clock.at(instant),
            };
            *this.started = true;
            *this.at_once = deadline <= now;
            if !*this.at_once && deadline != u64::MAX {
                entry.arm(heap, deadline);
            }
            #[cfg(feature = "hooks")]
            {
                let span = clock.instant(deadline) - clock.instant(now);
                let sleeper = hooks::before_sleep(span);
                entry.note_sleeper(sleeper.filter(|_| !*this.at_once), now);
            }
            !*this.at_once
        });
        match in_time {
            Some(true) => {
                this.entry.store_waker(cx.waker());
                return poll_waits();
            }
            Some(false) => cx.waker().wake_by_ref(),
            None => no_runtime("sleep"),
        }
        Poll::Pending
    }
}

/// Sleeps for `span`, counted from the first poll; never less by the runtime's clock. A span of
/// zero yields once, and one beyond 64 bits never ends.
///
/// # Cancellation
/// **Restartable; starts anew.** Dropping it takes its timer away, in constant time as a rule.
///
/// # Panics
/// When polled outside a runtime.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::sleep;
///
/// async fn sleep_double(n: u64) {
///     sleep(2 * Duration::from_secs(n)).await;
/// }
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, sleep_double(2))).run(&mut |until| {
/// #     if let Until::At(tick) = until { clock.advance_to(tick) }
/// # });
/// ```
pub fn sleep(span: Duration) -> Sleep {
    Sleep::new(Target::After(span))
}

/// Sleeps until `instant`. One that has passed yields once; [`Instant::MAX`] never comes.
///
/// # Cancellation
/// **Restartable.** Dropping it takes its timer away.
///
/// # Panics
/// When polled outside a runtime.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{clock, sleep_until};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let noon = clock() + Duration::from_secs(60);
/// sleep_until(noon).await;
/// assert_eq!(clock(), noon);
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub fn sleep_until(instant: Instant) -> Sleep {
    Sleep::new(Target::At(instant))
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
#[derive(Clone, Debug)]
pub struct Interval {
    due: Instant,
    period: Duration,
    skip_missed: bool,
}

/// Ticks every `period`, the first time after one period from now.
///
/// # Panics
/// Outside a runtime, or if the period is zero.
pub fn interval(period: Duration) -> Interval {
    interval_at(clock() + period, period)
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
    assert!(!period.is_zero(), "giambio: an interval's period must be longer than zero");
    Interval { due: first, period, skip_missed: false }
}

impl Interval {
    /// Waits for the next tick; says when it was due.
    ///
    /// # Cancellation
    /// **Restartable.** A tick that was waited for in vain is the next one again.
    pub async fn tick(&mut self) -> Instant {
        sleep_until(self.due).await;
        let due = self.due;
        self.due += self.period;
        if self.skip_missed {
            // In 64 bits, which is what instants have: wider numbers cost a small chip much code.
            let period = (Instant::from_nanos(0) + self.period).as_nanos();
            let late = clock().as_nanos().saturating_sub(self.due.as_nanos());
            let skipped = late.div_ceil(period).saturating_mul(period);
            self.due = Instant::from_nanos(self.due.as_nanos().saturating_add(skipped));
        }
        due
    }

    /// From now on, ticks whose time has passed before anyone waited for them are left out; the
    /// beat stays the same.
    pub fn skip_missed(mut self) -> Self {
        self.skip_missed = true;
        self
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
}

/// Gives other tasks a turn, and is a place where cancellation is noticed.
///
/// # Cancellation
/// **Restartable.** It has no effect of its own.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Next, Runtime, VirtualClock};
/// use giambio_core::checkpoint;
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # let mut runtime = pin!(Runtime::new(&clock, async {
/// for chunk in [1, 2, 3].chunks(2) {
///     // … something that takes long …
///     # let _ = chunk;
///     checkpoint().await;
/// }
/// # }));
/// # assert_eq!(runtime.as_mut().turn(), Next::Now);
/// ```
pub async fn checkpoint() {
    let mut yielded = false;
    poll_fn(|cx| {
        if !yielded {
            yielded = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        poll_gate(cx)
    })
    .await
}
