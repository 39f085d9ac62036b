//! What the futures and ends of all channels have in common: the channel.

use super::buffer::Buffer;
use super::buffered::Buffered;
use crate::kernel::wait_queue::Access;

/// A channel, as its ends and futures have it: [`Channel`](super::Channel), `Priority`, `Growable`, `Unbounded`. Nobody else can implement it.
pub trait Carrier {
    /// What goes through it.
    type Value;

    #[doc(hidden)]
    type Buffer: Buffer<Value = Self::Value>;
    #[doc(hidden)]
    type Access: Access;
    #[doc(hidden)]
    fn buffered(&self) -> &Buffered<Self::Buffer, Self::Access>;
}
