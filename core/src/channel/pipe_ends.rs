//! The ends of a pipe.

use super::ends::{Receiver, Sender};
use super::errors::{Closed, TrySendError};
use super::pipe::Pipe;
use super::whole::{ReceiveExact, SendAll};
use crate::kernel::wait_queue::Access;

impl<'a, const N: usize, K: Access> Sender<'a, Pipe<N, K>> {
    /// As [`Pipe::try_send`].
    ///
    /// # Errors
    /// No byte has room, or it is closed.
    pub fn try_send(&self, data: &[u8]) -> Result<usize, TrySendError<()>> {
        self.channel().try_send(data)
    }

    /// As [`Pipe::send`].
    ///
    /// # Errors
    /// It is closed, or is while this waits.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation)
    #[track_caller]
    pub fn send(&self, data: &[u8]) -> impl Future<Output = Result<usize, Closed>> {
        self.channel().send(data)
    }

    /// As [`Pipe::send_all`].
    ///
    /// # Errors
    /// It is closed, or is before all is sent.
    ///
    /// # Cancellation
    /// [**Lossy**](crate#cancellation): see [`Pipe::send_all`].
    #[track_caller]
    pub fn send_all<'d>(
        &'d self,
        data: &'d [u8],
    ) -> SendAll<'d, Pipe<N, K>, impl Future<Output = Option<u64>> + use<'a, 'd, N, K>> {
        self.channel().send_all(data)
    }
}

impl<'a, const N: usize, K: Access> Receiver<'a, Pipe<N, K>> {
    /// As [`Pipe::try_receive`].
    pub fn try_receive(&self, buffer: &mut [u8]) -> Option<usize> {
        self.channel().try_receive(buffer)
    }

    /// As [`Pipe::receive`].
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation)
    #[track_caller]
    pub fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = usize> {
        self.channel().receive(buffer)
    }

    /// As [`Pipe::receive_exact`].
    ///
    /// # Errors
    /// It is closed, and there are not so many.
    ///
    /// # Cancellation
    /// [**Lossy**](crate#cancellation): see [`Pipe::receive_exact`].
    #[track_caller]
    pub fn receive_exact<'b>(
        &'b self,
        buffer: &'b mut [u8],
    ) -> ReceiveExact<'b, Pipe<N, K>, impl Future<Output = Option<u64>> + use<'a, 'b, N, K>> {
        self.channel().receive_exact(buffer)
    }
}
