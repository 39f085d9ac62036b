//! By which clock a deadline is counted: with `std` those of a program may differ in their rates, without it all have the same.

use crate::kernel::clock::Current;

#[cfg(feature = "std")]
mod imp {
    use core::cell::Cell;

    use super::Current;

    /// The rate of the clock that a deadline is a reading of; 0: not known.
    pub(crate) struct Rate(Cell<u64>);

    impl Rate {
        pub(crate) const fn new() -> Self {
            Rate(Cell::new(0))
        }

        pub(crate) fn note(&self, clock: &Current) {
            self.0.set(clock.hz());
        }

        /// The deadline by this clock.
        pub(crate) fn convert(&self, deadline: u64, clock: &Current) -> u64 {
            match self.0.get() {
                0 => deadline,
                hz => crate::time::convert(deadline, hz, clock.hz()),
            }
        }
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use super::Current;

    pub(crate) struct Rate;

    impl Rate {
        pub(crate) const fn new() -> Self {
            Rate
        }

        pub(crate) fn note(&self, _: &Current) {}

        pub(crate) fn convert(&self, deadline: u64, _: &Current) -> u64 {
            deadline
        }
    }
}

pub(super) use imp::Rate;
