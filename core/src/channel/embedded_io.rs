//! Pipes as the byte streams of embedded libraries: the traits of `embedded-io-async`.
//!
//! Each is there for `&Pipe`, and for the ends, [`Receiver`] and [`Sender`]. What those traits do with all of a buffer is one
//! piece, as `send_all` is, and there is nothing to flush, since what was sent can be received at once.

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, ReadExactError, ReadReady, Write, WriteReady};

use super::ends::{Receiver, Sender};
use super::errors::Closed;
use super::pipe::Pipe;
use crate::kernel::wait_queue::Access;

impl Error for Closed {
    fn kind(&self) -> ErrorKind {
        ErrorKind::BrokenPipe
    }
}

/// For what leads to a pipe by `$pipe`.
macro_rules! reads {
    ($type:ty, $self:ident => $pipe:expr) => {
        impl<const N: usize, K: Access> Read for $type {
            async fn read(&mut $self, buffer: &mut [u8]) -> Result<usize, Closed> {
                Ok($pipe.receive(buffer).await)
            }

            async fn read_exact(&mut $self, buffer: &mut [u8]) -> Result<(), ReadExactError<Closed>> {
                $pipe.receive_exact(buffer).await.map_err(|_| ReadExactError::UnexpectedEof)
            }
        }

        impl<const N: usize, K: Access> ReadReady for $type {
            fn read_ready(&mut $self) -> Result<bool, Closed> {
                Ok(!$pipe.is_empty() || $pipe.is_closed())
            }
        }
    };
}

/// As above.
macro_rules! writes {
    ($type:ty, $self:ident => $pipe:expr) => {
        impl<const N: usize, K: Access> Write for $type {
            async fn write(&mut $self, data: &[u8]) -> Result<usize, Closed> {
                $pipe.send(data).await
            }

            async fn write_all(&mut $self, data: &[u8]) -> Result<(), Closed> {
                $pipe.send_all(data).await
            }

            async fn flush(&mut $self) -> Result<(), Closed> {
                Ok(())
            }
        }

        impl<const N: usize, K: Access> WriteReady for $type {
            fn write_ready(&mut $self) -> Result<bool, Closed> {
                if $pipe.is_closed() { Err(Closed) } else { Ok($pipe.len() < N) }
            }
        }
    };
}

impl<const N: usize, K: Access> ErrorType for &Pipe<N, K> {
    type Error = Closed;
}

impl<const N: usize, K: Access> ErrorType for Receiver<'_, Pipe<N, K>> {
    type Error = Closed;
}

impl<const N: usize, K: Access> ErrorType for Sender<'_, Pipe<N, K>> {
    type Error = Closed;
}

reads!(&Pipe<N, K>, self => self);
reads!(Receiver<'_, Pipe<N, K>>, self => self.channel());
writes!(&Pipe<N, K>, self => self);
writes!(Sender<'_, Pipe<N, K>>, self => self.channel());
