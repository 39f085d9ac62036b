//! Sending and receiving all of a buffer, with a count that outlives a cancellation.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::ByteStream;
use super::calls::{receive, send};
use super::kind::{Receives, Sends};
use crate::reactor::{Claim, Direction};

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
    pub fn receive_exact<'a>(&'a self, buffer: &'a mut [u8]) -> ReceiveExact<'a, S> {
        ReceiveExact { stream: self, buffer, received: 0, claim: None }
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
    pub fn send_all<'a>(&'a self, data: &'a [u8]) -> SendAll<'a, S> {
        SendAll { stream: self, data, sent: 0, claim: None }
    }
}

/// Made by [`ByteStream::send_all`].
///
/// It may be awaited by `&mut`, given up, asked how far it got, and awaited again. From when it first waits until it
/// completes or is dropped, nothing else can be sent.
///
/// # Errors
/// As [`ByteStream::send_all`].
///
/// # Cancellation
/// As [`ByteStream::send_all`].
#[derive(Debug)]
#[must_use = "nothing is sent until this is awaited"]
pub struct SendAll<'a, S: Sends> {
    stream: &'a ByteStream<S>,
    data: &'a [u8],
    sent: usize,
    claim: Option<Claim<'a>>,
}

impl<S: Sends> SendAll<'_, S> {
    /// How many bytes the system has taken so far.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent
    }
}

impl<S: Sends> Future for SendAll<'_, S> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let SendAll { stream, data, sent, claim } = self.get_mut();
        while *sent < data.len() {
            let rest = &data[*sent..];
            let done = stream.source().poll_claimed(cx, Some(Direction::Write), claim, |io| send(io, rest));
            match ready!(done)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *sent += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Made by [`ByteStream::receive_exact`].
///
/// It may be awaited by `&mut`, given up, asked how far it got, and awaited again. From when it first waits until it
/// completes or is dropped, nothing else can be received.
///
/// # Errors
/// As [`ByteStream::receive_exact`].
///
/// # Cancellation
/// As [`ByteStream::receive_exact`].
#[derive(Debug)]
#[must_use = "nothing is received until this is awaited"]
pub struct ReceiveExact<'a, S: Receives> {
    stream: &'a ByteStream<S>,
    buffer: &'a mut [u8],
    received: usize,
    claim: Option<Claim<'a>>,
}

impl<S: Receives> ReceiveExact<'_, S> {
    /// What was received so far: the beginning of the buffer.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.buffer[..self.received]
    }
}

impl<S: Receives> Future for ReceiveExact<'_, S> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ReceiveExact { stream, buffer, received, claim } = self.get_mut();
        while *received < buffer.len() {
            let rest = &mut buffer[*received..];
            let done = stream.source().poll_claimed(cx, Some(Direction::Read), claim, |io| receive(io, rest));
            match ready!(done)? {
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                count => *received += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}
