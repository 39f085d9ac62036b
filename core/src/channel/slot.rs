//! A place that is kept for a value.

use core::fmt;
use core::mem::ManuallyDrop;

use super::carrier::Carrier;
use super::errors::Closed;
use crate::call_site::CallSite;

/// A place in a channel that is kept for somebody's value, by [`Channel::slot`](super::Channel::slot). What goes into it
/// never waits and is never refused. Dropped, it gives the place to the next who waits for one.
///
/// It may also be used when the channel is closed: those who receive wait for what comes into slots, or for their being
/// dropped, before they are told [`Closed`](super::Closed). One that is forgotten (`mem::forget`) keeps them waiting for ever.
#[must_use = "a slot that is dropped gives its place back"]
pub struct Slot<'a, C: Carrier>(&'a C);

impl<'a, C: Carrier> Slot<'a, C> {
    /// Which the channel has counted.
    pub(super) fn new(channel: &'a C) -> Self {
        Slot(channel)
    }

    /// Waits for one.
    #[cfg_attr(feature = "introspect", track_caller)]
    pub(super) fn wait(channel: &'a C) -> impl Future<Output = Result<Slot<'a, C>, Closed>> {
        channel.buffered().slot(|| Slot::new(channel), CallSite::here())
    }

    /// Puts a value into the place. Never waits.
    ///
    /// ```
    /// # #[cfg(feature = "heapless")] {
    /// use giambio_core::channel::Channel;
    ///
    /// let channel = Channel::<u8, 1>::new();
    /// let slot = channel.try_slot().unwrap();
    /// slot.send(7); // there is room for it: it was kept
    /// assert_eq!(channel.try_receive(), Ok(7));
    /// # }
    /// ```
    pub fn send(self, value: C::Value) {
        let slot = ManuallyDrop::new(self);
        slot.0.buffered().fill_slot(value);
    }
}

impl<C: Carrier> Drop for Slot<'_, C> {
    fn drop(&mut self) {
        self.0.buffered().return_slot();
    }
}

impl<C: Carrier> fmt::Debug for Slot<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}
