//! How often to measure: as often as is enough, or until time is up.

use std::time::{Duration, Instant};

/// A part goes on with its next round for so long. On a busy machine what was disturbed is measured again, and takes
/// longer.
const LIMIT: Duration = Duration::from_secs(240);
const QUICK_LIMIT: Duration = Duration::from_secs(30);

/// The rounds of a part, which tell how it gets on.
pub(crate) struct Rounds {
    part: &'static str,
    next: usize,
    all: usize,
    until: Instant,
}

impl Rounds {
    pub(crate) fn new(part: &'static str, all: usize, quick: bool) -> Rounds {
        Rounds { part, next: 0, all, until: Instant::now() + if quick { QUICK_LIMIT } else { LIMIT } }
    }
}

impl Iterator for Rounds {
    type Item = usize;

    /// There is always a first one.
    fn next(&mut self) -> Option<usize> {
        let round = self.next;
        if round == self.all {
            return None;
        }
        if round > 0 && Instant::now() > self.until {
            eprintln!("{}: {round} of {} rounds, then time was up", self.part, self.all);
            return None;
        }
        self.next += 1;
        eprintln!("{}: round {} of {}", self.part, round + 1, self.all);
        Some(round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_first_round_and_there_are_no_more_than_asked_for() {
        let mut late = Rounds { until: Instant::now() - Duration::from_secs(1), ..Rounds::new("echo", 3, true) };
        assert_eq!((late.next(), late.next()), (Some(0), None));
        assert_eq!(Rounds::new("echo", 3, true).count(), 3);
    }
}
