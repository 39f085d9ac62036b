//! The ends of a rendezvous.

use super::ends::{Receiver, Sender};
use super::errors::{Closed, TryReceiveError, TrySendError};
use super::rendezvous::{HandOver, Rendezvous};
use crate::kernel::wait_queue::Access;

impl<'a, T, K: Access> Sender<'a, Rendezvous<T, K>> {
    /// As [`Rendezvous::try_send`].
    ///
    /// # Errors
    /// Nobody waits to receive, or it is closed; the value is handed back.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.channel().try_send(value)
    }

    /// As [`Rendezvous::send`].
    ///
    /// # Errors
    /// It is closed, or is while this waits; the value is handed back.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) [`HandOver::into_value`] hands the value back.
    #[track_caller]
    pub fn send(&self, value: T) -> HandOver<'a, T, K> {
        self.channel().send(value)
    }
}

impl<'a, T, K: Access> Receiver<'a, Rendezvous<T, K>> {
    /// As [`Rendezvous::try_receive`].
    ///
    /// # Errors
    /// No value is there, or none will ever be.
    pub fn try_receive(&self) -> Result<T, TryReceiveError> {
        self.channel().try_receive()
    }

    /// As [`Rendezvous::receive`].
    ///
    /// # Errors
    /// It is closed.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) No value is lost.
    #[track_caller]
    pub fn receive(&self) -> impl Future<Output = Result<T, Closed>> + use<'a, T, K> {
        self.channel().receive()
    }
}
