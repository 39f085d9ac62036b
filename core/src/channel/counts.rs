//! How many ends a channel has.

use crate::kernel::wait_queue::Side;

/// The ends of each side.
pub(super) struct Counts {
    senders: usize,
    receivers: usize,
}

impl Counts {
    pub(super) const fn new() -> Self {
        Counts { senders: 0, receivers: 0 }
    }

    /// One more.
    pub(super) fn come(&mut self, side: Side) {
        *self.of(side) += 1;
    }

    /// One fewer; was it the last of its side?
    pub(super) fn go(&mut self, side: Side) -> bool {
        let count = self.of(side);
        *count -= 1;
        *count == 0
    }

    const fn of(&mut self, side: Side) -> &mut usize {
        match side {
            Side::Sends => &mut self.senders,
            Side::Receives => &mut self.receivers,
        }
    }
}
