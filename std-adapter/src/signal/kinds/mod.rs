//! Which signals there are.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fmt;

use crate::sys::signals::FIRST_SIGNAL;

/// A signal: what the system, a terminal or another process tells this one, by a number.
///
/// Ctrl+C is [`Signal::INT`] everywhere. All others are of one family of systems alone.
///
/// ```
/// use giambio::signal::Signal;
///
/// assert_eq!(Signal::from_raw(Signal::INT.as_raw()), Signal::INT);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

/// Names for numbers.
macro_rules! signals {
    ($($name:ident = $number:expr, $text:literal, $means:literal;)*) => {
        impl Signal {
            $(
                #[doc = $means]
                pub const $name: Signal = Signal($number);
            )*

            pub(super) fn name(self) -> Option<&'static str> {
                $(
                    if self == Signal::$name {
                        return Some($text);
                    }
                )*
                None
            }
        }
    };
}

use signals;

impl Signal {
    /// The signal with this number. There may be none.
    #[must_use]
    pub const fn from_raw(number: i32) -> Signal {
        Signal(number)
    }

    /// Its number.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Some of the 64 signals from the [`FIRST_SIGNAL`] on, each a bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(u64);

impl Set {
    /// All of these, or the first that can't be in a set.
    pub(crate) fn of(signals: impl IntoIterator<Item = Signal>) -> Result<Set, Signal> {
        signals.into_iter().try_fold(Set(0), |Set(bits), signal| match Set::bit(signal) {
            Some(bit) => Ok(Set(bits | bit)),
            None => Err(signal),
        })
    }

    fn bit(signal: Signal) -> Option<u64> {
        1_u64.checked_shl(u32::try_from(signal.0.checked_sub(FIRST_SIGNAL)?).ok()?)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Signal> {
        (0..64).filter(move |at| self.0 & (1 << at) != 0).map(|at| Signal(at + FIRST_SIGNAL))
    }
}
