//! What the futures and ends of all channels have in common: the channel.

use super::buffer::Store;
use super::buffered::Buffered;
use crate::kernel::wait_queue::{Access, Side};

/// A channel, as its ends and futures have it: [`Channel`](super::Channel), `Priority`, `Growable`, `GrowablePriority`,
/// `Unbounded`. Nobody else can implement it.
pub trait Carrier {
    /// What goes through it.
    type Value;

    #[doc(hidden)]
    type Store: Store<Value = Self::Value>;
    #[doc(hidden)]
    type Access: Access;
    #[doc(hidden)]
    fn buffered(&self) -> &Buffered<Self::Store, Self::Access>;
}

/// What has ends that are counted: all [`Carrier`]s, [`Rendezvous`](super::Rendezvous), [`Pipe`](super::Pipe). Nobody else can
/// implement it.
pub trait Ends {
    #[doc(hidden)]
    fn comes(&self, side: Side);
    #[doc(hidden)]
    fn goes(&self, side: Side);
}

impl<C: Carrier> Ends for C {
    fn comes(&self, side: Side) {
        self.buffered().end_comes(side);
    }

    fn goes(&self, side: Side) {
        self.buffered().end_goes(side);
    }
}
