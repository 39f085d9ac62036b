//! Why a child wasn't started.

use core::fmt;

#[cfg(doc)]
use super::scope::NurseryScope;

/// Why a child wasn't started. The future is handed back, never polled.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError<F> {
    /// All places of the arena are taken. Await a child and try again, use
    /// [`spawn_wait`](NurseryScope::spawn_wait), or enlarge the arena.
    Full {
        /// How many places there are.
        capacity: usize,
        /// The future that was to be spawned.
        future: F,
    },
    /// The nursery was cancelled. Let the cancellation reach you; trying again fails too.
    Cancelled {
        /// The future that was to be spawned.
        future: F,
    },
}

impl<F> SpawnError<F> {
    /// The future that was to be spawned.
    ///
    /// ```
    /// use giambio_core::SpawnError;
    ///
    /// let refused = SpawnError::Cancelled { future: core::future::ready(42) };
    /// assert_eq!(refused.into_future().into_inner(), 42);
    /// ```
    pub fn into_future(self) -> F {
        match self {
            SpawnError::Full { future, .. } | SpawnError::Cancelled { future } => future,
        }
    }
}

impl<F> fmt::Display for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::Full { capacity, .. } => {
                write!(f, "no room for another child: all {capacity} places are taken")
            }
            SpawnError::Cancelled { .. } => f.write_str("the nursery was cancelled"),
        }
    }
}

impl<F> fmt::Debug for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::Full { capacity, .. } => {
                f.debug_struct("Full").field("capacity", capacity).finish_non_exhaustive()
            }
            SpawnError::Cancelled { .. } => f.debug_struct("Cancelled").finish_non_exhaustive(),
        }
    }
}

impl<F> core::error::Error for SpawnError<F> {}
