//! Sending and receiving all of a buffer, with a count that outlives a cancellation.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::ByteStream;
use super::ends::{PollReceive, PollSend};
use super::kind::{Receives, Sends};

impl<S: Receives> ByteStream<S> {
    /// Fills `buffer` to the end. The future tells how far it got: [`ReceiveExact::received`].
    ///
    /// # Errors
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the stream ends before; else as [`receive`](ByteStream::receive).
    ///
    /// # Panics
    /// As [`receive`](ByteStream::receive).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): what was received is in `buffer`, and only the future knows how much. Await it
    /// by `&mut`, and ask it afterwards; or go on by awaiting it again.
    #[track_caller]
    pub fn receive_exact<'a>(&'a self, buffer: &'a mut [u8]) -> ReceiveExact<'a, Self> {
        ReceiveExact::new(self, buffer)
    }
}

impl<S: Sends> ByteStream<S> {
    /// Sends all of `data`. The future tells how far it got: [`SendAll::sent`].
    ///
    /// # Errors
    /// As [`send`](ByteStream::send).
    ///
    /// # Panics
    /// As [`send`](ByteStream::send).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): only the future knows how much was sent. To know it after a cancellation, await
    /// the future by `&mut` and ask it afterwards, or go on by awaiting it again:
    ///
    /// ```
    /// # use giambio::net::TcpStream;
    /// # use std::time::Duration;
    /// async fn send_for_a_second(stream: &TcpStream, data: &[u8]) -> std::io::Result<usize> {
    ///     let mut sending = stream.send_all(data);
    ///     if let Some(sent) = giambio::move_on_after(Duration::from_secs(1), &mut sending).await {
    ///         sent?;
    ///     }
    ///     Ok(sending.sent())
    /// }
    /// ```
    #[track_caller]
    pub fn send_all<'a>(&'a self, data: &'a [u8]) -> SendAll<'a, Self> {
        SendAll::new(self, data)
    }
}

/// Made by [`ByteStream::send_all`].
///
/// It may be awaited by `&mut`, given up, asked how far it got, and awaited again. From when it first waits until it
/// completes or is dropped, nothing else can be sent, but by a clean-up beside it when both are cancelled.
///
/// # Errors
/// As [`ByteStream::send_all`].
///
/// # Cancellation
/// As [`ByteStream::send_all`].
#[must_use = "nothing is sent until this is awaited"]
pub struct SendAll<'a, W: PollSend + ?Sized> {
    to: &'a W,
    data: &'a [u8],
    sent: usize,
    claim: W::Claim<'a>,
}

impl<'a, W: PollSend + ?Sized> SendAll<'a, W> {
    pub(super) fn new(to: &'a W, data: &'a [u8]) -> Self {
        SendAll { to, data, sent: 0, claim: Default::default() }
    }

    /// How many bytes the system has taken so far.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent
    }
}

// Nothing in it is polled by its address.
impl<W: PollSend + ?Sized> Unpin for SendAll<'_, W> {}

impl<W: PollSend + ?Sized> Future for SendAll<'_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let SendAll { to, data, sent, claim } = self.get_mut();
        while *sent < data.len() {
            match ready!(to.poll_send(cx, claim, &data[*sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *sent += count,
            }
        }
        to.poll_flush(cx)
    }
}

impl<W: PollSend + ?Sized> fmt::Debug for SendAll<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendAll").field("length", &self.data.len()).field("sent", &self.sent).finish()
    }
}

/// Made by [`ByteStream::receive_exact`].
///
/// It may be awaited by `&mut`, given up, asked how far it got, and awaited again. From when it first waits until it
/// completes or is dropped, nothing else can be received, but by a clean-up beside it when both are cancelled.
///
/// # Errors
/// As [`ByteStream::receive_exact`].
///
/// # Cancellation
/// As [`ByteStream::receive_exact`].
#[must_use = "nothing is received until this is awaited"]
pub struct ReceiveExact<'a, R: PollReceive + ?Sized> {
    from: &'a R,
    buffer: &'a mut [u8],
    received: usize,
    claim: R::Claim<'a>,
}

impl<'a, R: PollReceive + ?Sized> ReceiveExact<'a, R> {
    pub(super) fn new(from: &'a R, buffer: &'a mut [u8]) -> Self {
        ReceiveExact { from, buffer, received: 0, claim: Default::default() }
    }

    /// What was received so far: the beginning of the buffer.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.buffer[..self.received]
    }
}

// Nothing in it is polled by its address.
impl<R: PollReceive + ?Sized> Unpin for ReceiveExact<'_, R> {}

impl<R: PollReceive + ?Sized> Future for ReceiveExact<'_, R> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ReceiveExact { from, buffer, received, claim } = self.get_mut();
        while *received < buffer.len() {
            match ready!(from.poll_receive(cx, claim, &mut buffer[*received..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                count => *received += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<R: PollReceive + ?Sized> fmt::Debug for ReceiveExact<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveExact").field("length", &self.buffer.len()).field("received", &self.received).finish()
    }
}
