//! The clock of the operating system.

use std::time::Instant;

use giambio_core::{Clock, Tick};

/// Nanoseconds since the clock was made, from [`std::time::Instant`]: monotonic, and what `run` uses by default.
///
/// ```
/// use giambio::{Clock, StdClock};
///
/// let clock = StdClock::new();
/// let first = clock.now();
/// assert!(clock.now() >= first);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StdClock {
    start: Instant,
}

impl StdClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> StdClock {
        StdClock { start: Instant::now() }
    }
}

impl Default for StdClock {
    fn default() -> StdClock {
        StdClock::new()
    }
}

impl Clock for StdClock {
    const HZ: u64 = 1_000_000_000;

    fn now(&self) -> Tick {
        // 2^64 ns are 584 years.
        Tick(self.start.elapsed().as_nanos() as u64)
    }
}
