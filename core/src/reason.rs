//! Why something was cancelled, and what those get who wait for it.

use core::fmt;
use core::time::Duration;

use crate::time::Instant;

/// Why something was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Somebody asked for it.
    Requested,
    /// A deadline passed.
    Deadline,
    /// It failed itself, or a sibling did.
    Failed,
    /// A sibling won the [race](crate::NurseryScope::race).
    RaceWon,
    /// It was a daemon, and what it served has ended.
    BodyFinished,
    /// Ctrl+C, or another order from outside to end the program.
    Interrupted,
    /// Somebody asked for it, and said why.
    Because(&'static str),
}

impl Reason {
    pub(crate) fn code(self) -> u8 {
        match self {
            Reason::Requested => 0,
            Reason::Deadline => 1,
            Reason::Failed => 2,
            Reason::RaceWon => 3,
            Reason::BodyFinished => 4,
            Reason::Interrupted => 5,
            Reason::Because(_) => 6,
        }
    }

    /// The text of [`Because`](Reason::Because) is kept by the scope alone.
    pub(crate) fn from_code(code: u8) -> Self {
        match code {
            1 => Reason::Deadline,
            2 => Reason::Failed,
            3 => Reason::RaceWon,
            4 => Reason::BodyFinished,
            5 => Reason::Interrupted,
            _ => Reason::Requested,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Requested => "it was asked for",
            Reason::Deadline => "the deadline passed",
            Reason::Failed => "a task failed",
            Reason::RaceWon => "another won the race",
            Reason::BodyFinished => "what it served has ended",
            Reason::Interrupted => "the program was interrupted",
            Reason::Because(text) => text,
        })
    }
}

/// The work was cancelled before it ended.
///
/// ```
/// use giambio_core::{Cancelled, Reason};
/// let cancelled = Cancelled { reason: Reason::Because("the user left") };
/// assert_eq!(cancelled.to_string(), "cancelled: the user left");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled {
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cancelled: {}", self.reason)
    }
}

impl core::error::Error for Cancelled {}

/// The work didn't end in time.
///
/// ```
/// # use core::time::Duration;
/// use giambio_core::{fail_after, sleep, testing};
///
/// let second = Duration::from_secs(1);
/// let error = testing::run(fail_after(second, sleep(2 * second))).unwrap_err();
/// assert_eq!(error.to_string(), "timed out after 1s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// When it should have ended.
    pub deadline: Instant,
    /// How long it was given: what [`fail_after`](crate::fail_after) was called with, and with [`fail_at`](crate::fail_at)
    /// the time from its first poll to the deadline.
    pub given: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.given.is_zero() {
            return f.write_str("timed out: no time was left");
        }
        write!(f, "timed out after {:?}", self.given)
    }
}

impl core::error::Error for TimedOut {}
