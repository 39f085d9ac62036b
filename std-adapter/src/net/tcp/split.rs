//! The two directions of a connection, for two owners.
//!
//! A stream can be used from several tasks by `&`, so this is only for code that wants to hand out one direction and
//! no more, or whose two tasks share no owner.

use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::ops::Deref;
use std::rc::Rc;

use super::{ReceiveExact, SendAll, TcpStream};

/// The receiving direction of a [`TcpStream`]: borrowed from [`TcpStream::split`], owned from [`TcpStream::into_split`].
#[derive(Debug)]
pub struct ReadHalf<S = Rc<TcpStream>>(pub(super) S);

/// The sending direction of a [`TcpStream`]: borrowed from [`TcpStream::split`], owned from [`TcpStream::into_split`].
///
/// Dropping it does not tell the peer that nothing will follow; [`shutdown`](WriteHalf::shutdown) does.
#[derive(Debug)]
pub struct WriteHalf<S = Rc<TcpStream>>(pub(super) S);

impl TcpStream {
    /// Lends out the two directions.
    #[must_use]
    pub fn split(&self) -> (ReadHalf<&TcpStream>, WriteHalf<&TcpStream>) {
        (ReadHalf(self), WriteHalf(self))
    }

    /// Gives the two directions to two owners. The connection is closed when both are dropped.
    ///
    /// ```
    /// # use giambio::net::{TcpListener, TcpStream};
    /// # giambio::run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let client = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (server, _) = listener.accept().await?;
    /// let (read, write) = client.into_split();
    /// write.send_all(b"that is all").await?;
    /// write.shutdown()?;
    /// # let mut buffer = [0; 11];
    /// # server.receive_exact(&mut buffer).await?;
    /// let stream = read.reunite(write).expect("they are of one stream");
    /// # drop(stream);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        let stream = Rc::new(self);
        (ReadHalf(stream.clone()), WriteHalf(stream))
    }
}

impl<S: Deref<Target = TcpStream>> ReadHalf<S> {
    /// As [`TcpStream::receive`].
    ///
    /// # Errors
    /// As [`TcpStream::receive`].
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.receive(buffer).await
    }

    /// As [`TcpStream::receive_vectored`].
    ///
    /// # Errors
    /// As [`TcpStream::receive`].
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn receive_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.receive_vectored(buffers).await
    }

    /// As [`TcpStream::receive_exact`].
    ///
    /// # Cancellation
    /// **Lossy**: see [`TcpStream::receive_exact`].
    pub fn receive_exact<'a>(&'a self, buffer: &'a mut [u8]) -> ReceiveExact<'a> {
        self.0.receive_exact(buffer)
    }

    /// As [`TcpStream::peek`].
    ///
    /// # Errors
    /// As [`TcpStream::receive`].
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.peek(buffer).await
    }

    /// The whole stream, for its addresses and options.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.0
    }
}

impl<S: Deref<Target = TcpStream>> WriteHalf<S> {
    /// As [`TcpStream::send`].
    ///
    /// # Errors
    /// As [`TcpStream::send`].
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.0.send(data).await
    }

    /// As [`TcpStream::send_vectored`].
    ///
    /// # Errors
    /// As [`TcpStream::send`].
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn send_vectored(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.send_vectored(data).await
    }

    /// As [`TcpStream::send_all`].
    ///
    /// # Cancellation
    /// **Lossy**: see [`TcpStream::send_all`].
    pub fn send_all<'a>(&'a self, data: &'a [u8]) -> SendAll<'a> {
        self.0.send_all(data)
    }

    /// Tells the peer that nothing will follow.
    ///
    /// # Errors
    /// As [`TcpStream::shutdown`].
    pub fn shutdown(&self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }

    /// The whole stream, for its addresses and options.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.0
    }
}

impl ReadHalf {
    /// Puts the two directions together again.
    ///
    /// # Errors
    /// [`ReuniteError`] with both halves, if they are not of one stream.
    pub fn reunite(self, write: WriteHalf) -> Result<TcpStream, ReuniteError> {
        if !Rc::ptr_eq(&self.0, &write.0) {
            return Err(ReuniteError(self, write));
        }
        drop(write);
        Ok(Rc::into_inner(self.0).expect("a stream has two halves, and both are here"))
    }
}

/// The halves are of two streams. Here they are again.
#[derive(Debug)]
pub struct ReuniteError(pub ReadHalf, pub WriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the two halves are not of one stream")
    }
}

impl Error for ReuniteError {}
