//! The two directions of a connection, for two owners.
//!
//! A stream can be used from several tasks by `&`, so this is only for code that wants to hand out one direction and
//! no more, or whose two tasks share no owner.

use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::ops::Deref;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::ByteStream;
use super::all::{ReceiveExact, SendAll};
use super::ends::{PollReceive, PollSend, incoming, outgoing};
use super::kind::Connection;

/// The receiving direction of a stream: of one that is borrowed, from [`split`](ByteStream::split), as
/// `ReceiveHalf<&TcpStream>`; or of one that both halves own, from [`into_split`](ByteStream::into_split), as
/// `ReceiveHalf<Rc<TcpStream>>`.
#[derive(Debug)]
pub struct ReceiveHalf<P>(P);

/// The sending direction of a stream: of one that is borrowed, from [`split`](ByteStream::split), as `SendHalf<&TcpStream>`;
/// or of one that both halves own, from [`into_split`](ByteStream::into_split), as `SendHalf<Rc<TcpStream>>`.
///
/// Dropping it does not tell the peer that nothing will follow; [`shutdown`](SendHalf::shutdown) does.
#[derive(Debug)]
pub struct SendHalf<P>(P);

impl<S: Connection> ByteStream<S> {
    /// Lends out the two directions.
    #[must_use]
    pub fn split(&self) -> (ReceiveHalf<&Self>, SendHalf<&Self>) {
        (ReceiveHalf(self), SendHalf(self))
    }

    /// Gives the two directions to two owners. The connection is closed when both are dropped.
    ///
    /// ```
    /// # use giambio::net::{TcpListener, TcpStream};
    /// # giambio::run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let client = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (server, _) = listener.accept().await?;
    /// let (receive, send) = client.into_split();
    /// send.send_all(b"that is all").await?;
    /// send.shutdown()?;
    /// # let mut buffer = [0; 11];
    /// # server.receive_exact(&mut buffer).await?;
    /// let stream = receive.reunite(send).expect("they are of one stream");
    /// # drop(stream);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn into_split(self) -> (ReceiveHalf<Rc<Self>>, SendHalf<Rc<Self>>) {
        let stream = Rc::new(self);
        (ReceiveHalf(stream.clone()), SendHalf(stream))
    }
}

impl<S: Connection, P: Deref<Target = ByteStream<S>>> ReceiveHalf<P> {
    /// As [`ByteStream::receive`].
    ///
    /// # Errors
    /// As [`ByteStream::receive`].
    ///
    /// # Panics
    /// As [`ByteStream::receive`].
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.0.receive(buffer)
    }

    /// As [`ByteStream::receive_vectored`].
    ///
    /// # Errors
    /// As [`ByteStream::receive`].
    ///
    /// # Panics
    /// As [`ByteStream::receive`].
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn receive_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> impl Future<Output = io::Result<usize>> {
        self.0.receive_vectored(buffers)
    }

    /// As [`ByteStream::receive_exact`].
    ///
    /// # Errors
    /// As [`ByteStream::receive_exact`].
    ///
    /// # Panics
    /// As [`ByteStream::receive`].
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): see [`ByteStream::receive_exact`].
    #[track_caller]
    pub fn receive_exact<'a>(&'a self, buffer: &'a mut [u8]) -> ReceiveExact<'a, ByteStream<S>> {
        self.0.receive_exact(buffer)
    }

    /// As [`ByteStream::peek`].
    ///
    /// # Errors
    /// As [`ByteStream::receive`].
    ///
    /// # Panics
    /// As [`ByteStream::receive`].
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.0.peek(buffer)
    }

    /// The whole stream, for its addresses and options.
    #[must_use]
    pub fn stream(&self) -> &ByteStream<S> {
        &self.0
    }
}

impl<S: Connection, P: Deref<Target = ByteStream<S>>> SendHalf<P> {
    /// As [`ByteStream::send`].
    ///
    /// # Errors
    /// As [`ByteStream::send`].
    ///
    /// # Panics
    /// As [`ByteStream::send`].
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn send(&self, data: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.0.send(data)
    }

    /// As [`ByteStream::send_vectored`].
    ///
    /// # Errors
    /// As [`ByteStream::send`].
    ///
    /// # Panics
    /// As [`ByteStream::send`].
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn send_vectored(&self, data: &[IoSlice<'_>]) -> impl Future<Output = io::Result<usize>> {
        self.0.send_vectored(data)
    }

    /// As [`ByteStream::send_all`].
    ///
    /// # Errors
    /// As [`ByteStream::send_all`].
    ///
    /// # Panics
    /// As [`ByteStream::send`].
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): see [`ByteStream::send_all`].
    #[track_caller]
    pub fn send_all<'a>(&'a self, data: &'a [u8]) -> SendAll<'a, ByteStream<S>> {
        self.0.send_all(data)
    }

    /// Tells the peer that nothing will follow.
    ///
    /// # Errors
    /// As [`shutdown`](ByteStream::shutdown) of a socket.
    pub fn shutdown(&self) -> io::Result<()> {
        S::finish(self.0.source())
    }

    /// The whole stream, for its addresses and options.
    #[must_use]
    pub fn stream(&self) -> &ByteStream<S> {
        &self.0
    }
}

impl<S: Connection> ReceiveHalf<Rc<ByteStream<S>>> {
    /// Puts the two directions together again.
    ///
    /// # Errors
    /// [`ReuniteError`] with both halves, if they are not of one stream.
    #[expect(clippy::missing_panics_doc, reason = "only these two halves hold the stream")]
    pub fn reunite(self, send: SendHalf<Rc<ByteStream<S>>>) -> Result<ByteStream<S>, ReuniteError<Rc<ByteStream<S>>>> {
        if !Rc::ptr_eq(&self.0, &send.0) {
            return Err(ReuniteError(self, send));
        }
        drop(send);
        Ok(Rc::into_inner(self.0).expect("a stream has two halves, and both are here"))
    }
}

/// The halves are of two streams. Here they are again.
#[derive(Debug)]
pub struct ReuniteError<P>(pub ReceiveHalf<P>, pub SendHalf<P>);

impl<P> fmt::Display for ReuniteError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the two halves are not of one stream")
    }
}

impl<P: fmt::Debug> Error for ReuniteError<P> {}

incoming! {
    (S: Connection, P: Deref<Target = ByteStream<S>>) ReceiveHalf<P>, ByteStream<S>, stream;
}

outgoing! {
    (S: Connection, P: Deref<Target = ByteStream<S>>) SendHalf<P>, ByteStream<S>, stream;
}
