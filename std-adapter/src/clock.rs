//! The clock of the operating system.

use std::sync::OnceLock;
use std::time::Instant;

use giambio_core::{Clock, Tick};

/// Nanoseconds since such a clock was first read in this process, from [`std::time::Instant`]: monotonic, and what `run`
/// uses by default.
///
/// All of them are one clock: a reading is good beside those of any other, on any thread, and one may be `static`.
///
/// While the machine is suspended it stands still on Linux and Apple's systems, and so do all deadlines: who sleeps for an hour
/// sleeps an hour in which the machine runs.
///
/// ```
/// use giambio::{Clock, StdClock};
///
/// static CLOCK: StdClock = StdClock::new();
///
/// let first = CLOCK.now();
/// assert!(StdClock::new().now() >= first);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct StdClock(());

impl StdClock {
    /// The clock.
    #[must_use]
    pub const fn new() -> StdClock {
        StdClock(())
    }
}

/// When the clock was first read.
static START: OnceLock<Instant> = OnceLock::new();

impl Clock for StdClock {
    const HZ: u64 = 1_000_000_000;

    fn now(&self) -> Tick {
        // 2^64 ns are 584 years.
        Tick(START.get_or_init(Instant::now).elapsed().as_nanos() as u64)
    }
}
