//! Byte streams for drivers that are written for `embedded-io-async`.
//!
//! Each trait is there for the stream, for `&ByteStream`, and for the halves. What those traits do with all of a buffer is one
//! piece, as `send_all` is, and there is nothing to flush.

use std::io;
use std::ops::Deref;

use embedded_io_async::{ErrorType, Read, ReadExactError, Write};

use super::ByteStream;
use super::halves::{ReceiveHalf, SendHalf};
use super::kind::{Connection, Receives, Sends};
use crate::reactor::Descriptor;

impl<S: Descriptor> ErrorType for ByteStream<S> {
    type Error = io::Error;
}

impl<S: Descriptor> ErrorType for &ByteStream<S> {
    type Error = io::Error;
}

impl<P> ErrorType for ReceiveHalf<P> {
    type Error = io::Error;
}

impl<P> ErrorType for SendHalf<P> {
    type Error = io::Error;
}

/// For what leads to a stream by `$stream`.
macro_rules! reads {
    ([$($generics:tt)*] $type:ty, $self:ident => $stream:expr) => {
        impl<$($generics)*> Read for $type {
            async fn read(&mut $self, buffer: &mut [u8]) -> io::Result<usize> {
                $stream.receive(buffer).await
            }

            async fn read_exact(&mut $self, buffer: &mut [u8]) -> Result<(), ReadExactError<io::Error>> {
                $stream.receive_exact(buffer).await.map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => ReadExactError::UnexpectedEof,
                    _ => ReadExactError::Other(error),
                })
            }
        }
    };
}

/// As above.
macro_rules! writes {
    ([$($generics:tt)*] $type:ty, $self:ident => $stream:expr) => {
        impl<$($generics)*> Write for $type {
            async fn write(&mut $self, data: &[u8]) -> io::Result<usize> {
                $stream.send(data).await
            }

            async fn write_all(&mut $self, data: &[u8]) -> io::Result<()> {
                $stream.send_all(data).await
            }

            async fn flush(&mut $self) -> io::Result<()> {
                Ok(())
            }
        }
    };
}

reads!([S: Receives] ByteStream<S>, self => self);
reads!([S: Receives] &ByteStream<S>, self => self);
reads!([S: Connection, P: Deref<Target = ByteStream<S>>] ReceiveHalf<P>, self => self);
writes!([S: Sends] ByteStream<S>, self => self);
writes!([S: Sends] &ByteStream<S>, self => self);
writes!([S: Connection, P: Deref<Target = ByteStream<S>>] SendHalf<P>, self => self);
