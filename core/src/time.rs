//! Moments, spans and the clock that a runtime reads them from.
//!
//! The core counts in the clock's own ticks, 64 bits wide and never backwards; people write
//! [`Duration`] and [`Instant`], which count nanoseconds. A span becomes ticks rounded up, and a
//! reading becomes an [`Instant`] rounded down, so nothing fires early (law NEVER-EARLY). What is
//! too far away for 64 bits saturates, and the last moment of all, [`Instant::MAX`], never comes.

use core::cell::Cell;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

use crate::fault::fault;
use crate::lock::{Lock, Reachable};

/// A reading of a [`Clock`], in its own ticks.
///
/// ```
/// use giambio_core::Tick;
/// assert!(Tick(3) < Tick(4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

/// Tells a runtime the time.
///
/// # Contract
/// `now` never goes back. A clock that breaks this makes sleeps longer, nothing worse.
///
/// Without feature `std` a runtime may read it with interrupts kept out, so `now` must not wait for one, nor for another core.
///
/// ```
/// use giambio_core::{Clock, Tick};
/// use core::sync::atomic::{AtomicU32, Ordering};
///
/// /// Counted by a timer interrupt, 1,000 times a second.
/// static MILLIS: AtomicU32 = AtomicU32::new(0);
///
/// struct Millis;
/// impl Clock for Millis {
///     const HZ: u64 = 1_000;
///     fn now(&self) -> Tick {
///         Tick(MILLIS.load(Ordering::Relaxed).into())
///     }
/// }
/// assert_eq!(Millis.now(), Tick(0));
/// ```
pub trait Clock: Reachable {
    /// Ticks in a second.
    const HZ: u64;

    /// How far, in ticks, real time may be ahead of a reading. A counter that was just read may be
    /// about to step, so a sleep of `n` ticks must wait for `n + 1` steps: hence 1. A clock that
    /// only moves when it is told to, or is much finer than anyone cares, says 0.
    const LAG: u64 = 1;

    /// The time now.
    fn now(&self) -> Tick;
}

impl<C: Clock + ?Sized> Clock for &C {
    const HZ: u64 = C::HZ;
    const LAG: u64 = C::LAG;

    fn now(&self) -> Tick {
        (**self).now()
    }
}

/// Declares the clock of the program, once: `clock!(Millis = Millis);`, the type and a value of it, which a `static` holds.
///
/// With feature `clock`, and without `std`, all runtimes of the program go by it; those that they are given must have its
/// rate, and are not read. So what is known of it is a constant when the program is linked, and
/// `sleep(Duration::from_millis(10))` is the number of its ticks: declare it where the program is put together, with `lto =
/// "fat"`. With the feature and without a declaration, or with two, the program does not link. Without the feature this
/// declares nothing that is used, and each runtime goes by the clock that it is given.
///
/// ```
/// use giambio_core::{Clock, Tick};
///
/// struct Millis;
/// impl Clock for Millis {
///     const HZ: u64 = 1_000;
///     fn now(&self) -> Tick {
///         # let millis = 0;
///         Tick(millis) // counted by a timer interrupt
///     }
/// }
/// giambio_core::clock!(Millis = Millis);
/// ```
#[macro_export]
macro_rules! clock {
    ($clock:ty = $value:expr) => {
        const _: () = {
            static CLOCK: $clock = $value;
            #[unsafe(no_mangle)]
            fn _giambio_now() -> u64 {
                $crate::Clock::now(&CLOCK).0
            }
            #[unsafe(no_mangle)]
            static _GIAMBIO_HZ: u64 = <$clock as $crate::Clock>::HZ;
            #[unsafe(no_mangle)]
            static _GIAMBIO_LAG: u64 = <$clock as $crate::Clock>::LAG;
        };
    };
}

/// So many ticks and so many billionths of one: what a span or a moment is by a clock, without an error that could add up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    pub(crate) ticks: u64,
    pub(crate) rest: u32,
}

impl Moment {
    pub(crate) const fn at(ticks: u64) -> Self {
        Moment { ticks, rest: 0 }
    }

    /// Rounded up.
    pub(crate) fn ticks(self) -> u64 {
        let up = self.rest > 0 && !fault!("spans-rounded-down");
        self.ticks.saturating_add(up.into())
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn later(self, span: Moment) -> Self {
        let rest = self.rest + span.rest;
        let (carry, rest) = if rest < NANOS as u32 { (0, rest) } else { (1, rest - NANOS as u32) };
        // With the last tick of all there is no rest, so this doesn't come round.
        Moment { ticks: self.ticks.saturating_add(span.ticks.wrapping_add(carry)), rest }
    }

    /// Of an instant, by a clock of that rate. A function of its own, not one of the clock's, so that only those programs
    /// have it that sleep until an instant.
    pub(crate) fn of(instant: Instant, hz: u64) -> Self {
        match instant {
            Instant::MAX => Moment::at(u64::MAX),
            Instant(nanos) if hz == NANOS => Moment::at(nanos),
            Instant(nanos) => moment(hz, Duration::from_nanos(nanos)),
        }
    }

    /// By a clock of that rate, rounded down; saturates.
    pub(crate) fn instant(self, hz: u64) -> Instant {
        Instant(nanos_at(hz, self))
    }
}

pub(crate) const NANOS: u64 = 1_000_000_000;

/// Nanoseconds in a tick, where that is a whole number: then small numbers do, and one division or none. `hz` is a
/// constant of the clock's, so of the two ways the compiler keeps one.
const fn whole_nanos(hz: u64) -> Option<u32> {
    if NANOS.is_multiple_of(hz) { Some((NANOS / hz) as u32) } else { None }
}

/// Exact, but that it saturates.
pub(crate) fn moment(hz: u64, span: Duration) -> Moment {
    let (part, rest) = match whole_nanos(hz) {
        // What is left of a tick's nanoseconds is less than a second's worth of ticks.
        Some(nanos) => ((span.subsec_nanos() / nanos).into(), span.subsec_nanos() % nanos * hz as u32),
        None => match u64::from(span.subsec_nanos()).checked_mul(hz) {
            Some(product) => (product / NANOS, (product % NANOS) as u32),
            None => {
                let product = u128::from(span.subsec_nanos()) * u128::from(hz);
                ((product / u128::from(NANOS)) as u64, (product % u128::from(NANOS)) as u32)
            }
        },
    };
    match span.as_secs().checked_mul(hz).and_then(|whole| whole.checked_add(part)) {
        Some(ticks) if ticks < u64::MAX => Moment { ticks, rest },
        _ => Moment::at(u64::MAX),
    }
}

/// Rounded up; saturates.
fn span_to_ticks(hz: u64, span: Duration) -> u64 {
    moment(hz, span).ticks()
}

/// Rounded down; saturates.
fn nanos_at(hz: u64, Moment { ticks, rest }: Moment) -> u64 {
    if let Some(tick) = whole_nanos(hz) {
        // So many billionths of a tick are as many nanoseconds as there are ticks in a second, less.
        return ticks.saturating_mul(tick.into()).saturating_add((rest / hz as u32).into());
    }
    let (secs, part) = (ticks / hz, ticks % hz);
    let part = match part.checked_mul(NANOS).and_then(|product| product.checked_add(rest.into())) {
        Some(product) => product / hz,
        None => ((u128::from(part) * u128::from(NANOS) + u128::from(rest)) / u128::from(hz)) as u64,
    };
    secs.checked_mul(NANOS).and_then(|whole| whole.checked_add(part)).unwrap_or(u64::MAX)
}

/// A reading of a clock of one rate, as the same time since its start by a clock of another.
#[cfg(feature = "std")]
pub(crate) fn convert(ticks: u64, from_hz: u64, to_hz: u64) -> u64 {
    if ticks == u64::MAX || from_hz == to_hz {
        return ticks;
    }
    Moment::of(Moment::at(ticks).instant(from_hz), to_hz).ticks()
}

/// A span in nanoseconds, if 64 bits hold it; without the 128 bits that `Duration::as_nanos` makes a small chip compute in.
fn nanos_of(span: Duration) -> Option<u64> {
    span.as_secs().checked_mul(NANOS)?.checked_add(span.subsec_nanos().into())
}

/// A moment, in nanoseconds since the clock of the runtime started.
///
/// Arithmetic saturates: adding a span that leads beyond 64 bits (584 years) gives
/// [`Instant::MAX`], which never comes.
///
/// ```
/// use core::time::Duration;
/// use giambio_core::Instant;
///
/// let start = Instant::from_nanos(1_000);
/// let end = start + Duration::from_nanos(500);
/// assert_eq!(end - start, Duration::from_nanos(500));
/// assert_eq!(start - end, Duration::ZERO);
/// assert_eq!(start + Duration::MAX, Instant::MAX);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// Never.
    pub const MAX: Instant = Instant(u64::MAX);

    /// The moment `nanos` nanoseconds after the clock's start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Instant(nanos)
    }

    /// Nanoseconds since the clock's start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it isn't.
    ///
    /// ```
    /// use core::time::Duration;
    /// use giambio_core::Instant;
    ///
    /// let (early, late) = (Instant::from_nanos(1_000), Instant::from_nanos(3_000));
    /// assert_eq!(late.duration_since(early), Duration::from_nanos(2_000));
    /// assert_eq!(late.as_nanos() - early.as_nanos(), 2_000);
    /// assert_eq!(late.checked_add(Duration::MAX), None); // `+` gives `Instant::MAX`
    /// ```
    pub const fn duration_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `span` later, or `None` if that is beyond 64 bits.
    pub fn checked_add(self, span: Duration) -> Option<Instant> {
        self.0.checked_add(nanos_of(span)?).map(Instant)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, span: Duration) -> Instant {
        self.checked_add(span).unwrap_or(Instant::MAX)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    fn sub(self, span: Duration) -> Instant {
        Instant(self.0.saturating_sub(nanos_of(span).unwrap_or(u64::MAX)))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

/// A clock that stands still until it is moved: for tests that never sleep.
///
/// ```
/// use core::time::Duration;
/// use giambio_core::{Clock, Tick, VirtualClock};
///
/// let clock: VirtualClock = VirtualClock::new();
/// clock.advance(Duration::from_millis(3));
/// assert_eq!(clock.now(), Tick(3_000_000)); // it counts nanoseconds, unless told otherwise
/// let slow = VirtualClock::<100>::new();
/// slow.advance(Duration::from_millis(11)); // 100 Hz: rounded up
/// assert_eq!(slow.now(), Tick(2));
/// ```
pub struct VirtualClock<const HZ: u64 = 1_000_000_000> {
    ticks: Lock<Cell<u64>>,
}

impl<const HZ: u64> VirtualClock<HZ> {
    /// A clock at tick 0.
    pub const fn new() -> Self {
        VirtualClock { ticks: Lock::new(Cell::new(0)) }
    }

    /// Moves the clock on by `span`, rounded up to ticks; stops at the last tick.
    pub fn advance(&self, span: Duration) {
        let span = span_to_ticks(HZ, span);
        self.ticks.with(|ticks| ticks.set(ticks.get().saturating_add(span)));
    }

    /// Moves the clock to `to`, unless it is there or beyond already.
    pub fn advance_to(&self, to: Tick) {
        self.ticks.with(|ticks| ticks.set(ticks.get().max(to.0)));
    }
}

impl<const HZ: u64> Default for VirtualClock<HZ> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const HZ: u64> core::fmt::Debug for VirtualClock<HZ> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("VirtualClock").field("now", &Clock::now(self)).finish()
    }
}

impl<const HZ: u64> Clock for VirtualClock<HZ> {
    const HZ: u64 = HZ;
    const LAG: u64 = 0;

    fn now(&self) -> Tick {
        Tick(self.ticks.with(Cell::get))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_become_ticks_rounded_up_and_never_overflow() {
        assert_eq!(span_to_ticks(1_000, Duration::from_nanos(1)), 1);
        assert_eq!(span_to_ticks(1_000, Duration::from_millis(1)), 1);
        assert_eq!(span_to_ticks(32_768, Duration::from_secs(1)), 32_768);
        assert_eq!(span_to_ticks(NANOS, Duration::from_nanos(7)), 7);
        assert_eq!(span_to_ticks(1, Duration::MAX), u64::MAX);
        assert_eq!(span_to_ticks(NANOS, Duration::MAX), u64::MAX);
        assert_eq!(span_to_ticks(u64::MAX, Duration::from_nanos(NANOS - 1)), 18_446_744_055_262_807_542);
    }

    #[test]
    fn ticks_become_nanoseconds_rounded_down() {
        let ticks_to_nanos = |hz, ticks| nanos_at(hz, Moment::at(ticks));
        assert_eq!(ticks_to_nanos(NANOS, 5), 5);
        assert_eq!(ticks_to_nanos(3, 1), 333_333_333);
        assert_eq!(ticks_to_nanos(1, u64::MAX), u64::MAX);
        assert_eq!(ticks_to_nanos(u64::MAX, u64::MAX), NANOS);
    }

    #[test]
    fn spans_that_are_counted_on_in_ticks_lose_nothing() {
        for hz in [1_000, 32_768, 1_000_000, 7, NANOS, 3 * NANOS, NANOS - 1] {
            for nanos in [1, 1_500_000, 333_333_333, 2_000_000_001] {
                let (mut at, span) = (Moment::at(0), Duration::from_nanos(nanos));
                for count in 1..=100 {
                    at = at.later(moment(hz, span));
                    assert_eq!(at.instant(hz), Instant(count * nanos), "{count} times {nanos} ns at {hz} Hz");
                }
            }
        }
    }
}
