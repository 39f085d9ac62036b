//! How many ends a channel has.

use core::cell::Cell;

use crate::kernel::wait_queue::Side;

/// The ends of each side.
pub(super) struct Counts {
    senders: Cell<usize>,
    receivers: Cell<usize>,
}

impl Counts {
    pub(super) const fn new() -> Self {
        Counts { senders: Cell::new(0), receivers: Cell::new(0) }
    }

    /// One more.
    pub(super) fn come(&self, side: Side) {
        self.of(side).update(|count| count + 1);
    }

    /// One fewer; was it the last of its side?
    pub(super) fn go(&self, side: Side) -> bool {
        let count = self.of(side);
        count.update(|count| count - 1);
        count.get() == 0
    }

    const fn of(&self, side: Side) -> &Cell<usize> {
        match side {
            Side::Sends => &self.senders,
            Side::Receives => &self.receivers,
        }
    }
}
