//! The ends of a channel, which are counted: when the last of a side is dropped, the channel is closed.

use core::fmt;

use super::carrier::{Carrier, Ends};
use super::deliver::deliver;
use super::errors::{Closed, TryReceiveError, TrySendError};
use super::send::Send;
use super::slot::Slot;
use crate::call_site::CallSite;
use crate::kernel::wait_queue::Side;

/// An end to send by, as [`Channel::sender`](super::Channel::sender) makes it. It borrows the channel.
///
/// A clone is one more. When all are dropped, the channel is closed: who receives gets what is still in it, and then
/// [`Closed`]. So give each task that sends one of its own, and keep none yourself.
///
/// ```
/// use giambio_core::{channel::Channel, nursery, testing};
///
/// let channel = Channel::<u32, 4>::new();
/// let sum = testing::run(nursery(async |n| {
///     for number in 1..=3 {
///         let sender = channel.sender(); // made here, before the first task can end
///         n.spawn(async move { sender.send(number).await });
///     }
///     let mut sum = 0;
///     while let Ok(number) = channel.receive().await {
///         sum += number;
///     }
///     Ok(sum)
/// }));
/// assert_eq!(sum, Ok(6));
/// ```
pub struct Sender<'a, C: Ends>(&'a C);

/// An end to receive by, as [`Channel::receiver`](super::Channel::receiver) makes it. It borrows the channel.
///
/// A clone is one more, and values go to each of them in turn. When all are dropped, the channel is closed: who sends gets
/// its value back, in [`SendError`](super::SendError). What is still in the channel stays there, for
/// [`drain`](super::Channel::drain).
///
/// ```
/// use giambio_core::channel::{Channel, SendError};
///
/// # giambio_core::testing::run(async {
/// let channel = Channel::<u32, 4>::new();
/// let receiver = channel.receiver();
/// channel.send(1).await.unwrap();
/// drop(receiver);
/// assert_eq!(channel.send(2).await, Err(SendError(2)));
/// assert_eq!(channel.drain().collect::<Vec<_>>(), [1]);
/// # });
/// ```
pub struct Receiver<'a, C: Ends>(&'a C);

impl<'a, C: Ends> Sender<'a, C> {
    pub(super) fn new(channel: &'a C) -> Self {
        channel.comes(Side::Sends);
        Sender(channel)
    }

    /// The channel.
    pub const fn channel(&self) -> &'a C {
        self.0
    }
}

impl<'a, C: Carrier> Sender<'a, C> {
    /// As [`Channel::try_send`](super::Channel::try_send).
    ///
    /// # Errors
    /// The channel is full, or closed; the value is handed back.
    pub fn try_send(&self, value: C::Value) -> Result<(), TrySendError<C::Value>> {
        self.0.buffered().try_send(value)
    }

    /// As [`Channel::send`](super::Channel::send).
    ///
    /// # Errors
    /// The channel is closed; the value is handed back.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) [`Send::into_value`] hands the value back.
    #[track_caller]
    pub fn send(&self, value: C::Value) -> Send<'a, C> {
        Send::new(self.0, value)
    }

    /// As [`Channel::try_slot`](super::Channel::try_slot).
    ///
    /// # Errors
    /// The channel is full, or closed.
    pub fn try_slot(&self) -> Result<Slot<'a, C>, TrySendError<()>> {
        self.0.buffered().try_slot().map(|()| Slot::new(self.0))
    }

    /// As [`Channel::slot`](super::Channel::slot).
    ///
    /// # Errors
    /// The channel is closed.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) A place that it had been promised goes to the next.
    #[track_caller]
    pub fn slot(&self) -> impl Future<Output = Result<Slot<'a, C>, Closed>> + use<'a, C> {
        Slot::wait(self.0)
    }
}

impl<'a, C: Ends> Receiver<'a, C> {
    pub(super) fn new(channel: &'a C) -> Self {
        channel.comes(Side::Receives);
        Receiver(channel)
    }

    /// The channel.
    pub const fn channel(&self) -> &'a C {
        self.0
    }
}

impl<'a, C: Carrier> Receiver<'a, C> {
    /// As [`Channel::try_receive`](super::Channel::try_receive).
    ///
    /// # Errors
    /// No value is there, or none will ever be.
    pub fn try_receive(&self) -> Result<C::Value, TryReceiveError> {
        self.0.buffered().try_receive()
    }

    /// As [`Channel::receive`](super::Channel::receive).
    ///
    /// # Errors
    /// The channel is closed, and nothing is left in it.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) No value is lost.
    #[track_caller]
    pub fn receive(&self) -> impl Future<Output = Result<C::Value, Closed>> + use<'a, C> {
        deliver(self.0.buffered().receive(CallSite::here()))
    }

    /// As [`Channel::drain`](super::Channel::drain).
    pub fn drain(&self) -> impl Iterator<Item = C::Value> + use<'a, C> {
        self.0.buffered().drain()
    }
}

impl<C: Ends> Clone for Sender<'_, C> {
    fn clone(&self) -> Self {
        Sender::new(self.0)
    }
}

impl<C: Ends> Clone for Receiver<'_, C> {
    fn clone(&self) -> Self {
        Receiver::new(self.0)
    }
}

impl<C: Ends> Drop for Sender<'_, C> {
    fn drop(&mut self) {
        self.0.goes(Side::Sends);
    }
}

impl<C: Ends> Drop for Receiver<'_, C> {
    fn drop(&mut self) {
        self.0.goes(Side::Receives);
    }
}

impl<C: Ends + fmt::Debug> fmt::Debug for Sender<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(self.0).finish()
    }
}

impl<C: Ends + fmt::Debug> fmt::Debug for Receiver<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(self.0).finish()
    }
}
