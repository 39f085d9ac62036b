//! What a program uses of the kernel, so that a chip has no code for the rest.
//!
//! A flag that nobody sets is a constant to a linker that optimizes the whole program, and what hangs on it is gone; and who
//! sets it stands where its use begins, so that a program without that has nobody who does.

#[cfg(not(feature = "std"))]
mod imp {
    use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

    /// Whether something was ever used.
    pub(crate) struct Used(AtomicBool);

    impl Used {
        pub(super) const fn new() -> Self {
            Used(AtomicBool::new(false))
        }

        /// It is used from now on.
        pub(crate) fn note(&self) {
            self.0.store(true, Relaxed);
        }

        /// Was it ever?
        pub(crate) fn is(&self) -> bool {
            self.0.load(Relaxed)
        }
    }
}

#[cfg(feature = "std")]
mod imp {
    /// A server's bytes are not counted.
    pub(crate) struct Used;

    impl Used {
        pub(super) const fn new() -> Self {
            Used
        }

        /// It is used from now on.
        pub(crate) fn note(&self) {}

        /// Was it ever?
        pub(crate) fn is(&self) -> bool {
            true
        }
    }
}

pub(crate) use imp::Used;

/// Was anything ever to be watched?
pub(crate) fn is_anything_watched() -> bool {
    HOLDS.is() || FOREIGNS.is()
}

/// May any code be cancelled, or be dropped with its nursery?
pub(crate) fn may_be_cut_off() -> bool {
    CANCELS.is() || CLOSES.is()
}

/// May any child be over?
pub(crate) fn may_be_over() -> bool {
    ENDS.is() || may_be_cut_off()
}

/// Something was cancelled.
pub(crate) static CANCELS: Used = Used::new();
/// Something has held the scopes around it: a shield, a clean-up.
pub(crate) static HOLDS: Used = Used::new();
/// Something was polled with a waker that isn't its task's.
pub(crate) static FOREIGNS: Used = Used::new();
/// A nursery was polled in the code of a task.
pub(crate) static NURSERIES: Used = Used::new();
/// A child had a result that somebody may ask for.
pub(crate) static RESULTS: Used = Used::new();
/// A nursery was dropped.
pub(crate) static CLOSES: Used = Used::new();
/// A child has ended by itself.
pub(crate) static ENDS: Used = Used::new();
/// Somebody has waited for room in an arena.
pub(crate) static ROOM_AWAITED: Used = Used::new();
/// A scope had a deadline.
pub(crate) static DEADLINES: Used = Used::new();
/// There was a daemon.
pub(crate) static DAEMONS: Used = Used::new();
/// A nursery was a race.
pub(crate) static RACES: Used = Used::new();
/// Somebody has waited for a child.
pub(crate) static AWAITS: Used = Used::new();
