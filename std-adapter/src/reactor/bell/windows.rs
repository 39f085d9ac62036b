//! Windows: a packet that `polling` posts to its completion port.

use std::io;
use std::sync::Arc;

use polling::{PollMode, Poller};

use crate::reactor::notifier;

/// It is no source, and no key is its own; this one is `polling`'s.
pub(super) const BELL: usize = usize::MAX;

/// Ends a wait from any thread.
#[derive(Clone, Debug)]
pub(in crate::reactor) struct Bell(Arc<Poller>);

impl Bell {
    pub(super) fn new(poller: &Arc<Poller>, _: PollMode) -> io::Result<Bell> {
        Ok(Bell(poller.clone()))
    }

    /// There is no fork.
    pub(super) fn renew(&self, _: &Arc<Poller>, _: PollMode) -> io::Result<()> {
        Ok(())
    }

    /// The packet is gone when it has been taken.
    pub(super) fn heard(&self, _: &Poller, _: PollMode) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn take_down(&self, _: &Poller) {}
}

impl notifier::Bell for Bell {
    fn ring(&self) {
        // A refused ring can only mean that the poller is beyond use, and then the wait itself reports it.
        let _ = self.0.notify();
    }
}
