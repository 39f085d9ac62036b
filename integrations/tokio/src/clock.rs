//! The time as tokio has it.

use std::sync::OnceLock;
use std::time::Duration;

use giambio::StdClock;
use giambio_core::{Clock, Tick};
use tokio::time::Instant;

/// Nanoseconds by tokio's clock, which tests may pause. While they don't, its readings are those of [`StdClock`]: moments can
/// be compared between guests, and with those of `giambio::run`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokioClock {
    /// How far it was behind the first reading of all when this was made: it was paused before that.
    behind: Duration,
}

/// A moment, and what [`StdClock`] said just before: so this is not ahead of that one.
static START: OnceLock<(std::time::Instant, u64)> = OnceLock::new();

fn start() -> (std::time::Instant, u64) {
    *START.get_or_init(|| {
        let tick = StdClock::new().now().0;
        (std::time::Instant::now(), tick)
    })
}

impl TokioClock {
    pub(crate) fn new() -> TokioClock {
        let (start, _) = start();
        TokioClock { behind: start.saturating_duration_since(Instant::now().into_std()) }
    }

    /// When that is for tokio; not later than it can reckon.
    pub(crate) fn instant(self, tick: Tick) -> Instant {
        const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        let (start, first) = start();
        let span = Duration::from_nanos(tick.0.saturating_sub(first));
        Instant::from_std(start + span.min(FAR) - self.behind)
    }
}

impl Clock for TokioClock {
    const HZ: u64 = 1_000_000_000;
    /// Paused, it moves in whole milliseconds, and only when it is told to.
    const LAG: u64 = 0;

    fn now(&self) -> Tick {
        let (start, first) = start();
        let since = (Instant::now().into_std() + self.behind).saturating_duration_since(start);
        Tick(first.saturating_add(since.as_nanos() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_for_tokio_and_for_giambio() {
        let clock = TokioClock::new();
        let before = clock.now();
        assert!(StdClock::new().now() >= before);
        assert!(clock.instant(before) <= Instant::now());
        assert_eq!(clock.instant(Tick(before.0 + 5)) - clock.instant(before), Duration::from_nanos(5));
        assert!(clock.instant(Tick(u64::MAX)) > Instant::now() + Duration::from_secs(3600));
    }

    #[test]
    fn a_clock_that_was_paused_before_the_first_reading_goes_on_from_there() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        start();
        runtime.block_on(async {
            let clock = TokioClock::new();
            let (before, theirs) = (clock.now(), Instant::now());
            assert_eq!(clock.instant(before), theirs);
            tokio::time::advance(Duration::from_millis(3)).await;
            assert_eq!(clock.now(), Tick(before.0 + 3_000_000));
        });
    }
}
