//! Sending and receiving all of a buffer, with a count that outlives a cancellation.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::TcpStream;
use super::bytes::{receive, send};
use crate::reactor::{Claim, Side};

/// Made by [`TcpStream::send_all`].
///
/// It may be awaited by `&mut`, given up, asked how far it got, and awaited again. From when it first waits until it
/// completes or is dropped, nothing else can be sent.
#[derive(Debug)]
#[must_use = "nothing is sent until this is awaited"]
pub struct SendAll<'a> {
    stream: &'a TcpStream,
    data: &'a [u8],
    written: usize,
    claim: Option<Claim<'a>>,
}

impl<'a> SendAll<'a> {
    pub(super) fn new(stream: &'a TcpStream, data: &'a [u8]) -> SendAll<'a> {
        SendAll { stream, data, written: 0, claim: None }
    }

    /// How many bytes the system has taken so far.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written
    }
}

impl Future for SendAll<'_> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let SendAll { stream, data, written, claim } = self.get_mut();
        while *written < data.len() {
            let rest = &data[*written..];
            let sent = stream.source().poll_claimed(cx, Some(Side::Write), claim, |socket| send(socket, rest));
            match ready!(sent)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *written += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Made by [`TcpStream::receive_exact`].
///
/// It may be awaited by `&mut`, given up, asked how far it got, and awaited again. From when it first waits until it
/// completes or is dropped, nothing else can be received.
#[derive(Debug)]
#[must_use = "nothing is received until this is awaited"]
pub struct ReceiveExact<'a> {
    stream: &'a TcpStream,
    buffer: &'a mut [u8],
    received: usize,
    claim: Option<Claim<'a>>,
}

impl<'a> ReceiveExact<'a> {
    pub(super) fn new(stream: &'a TcpStream, buffer: &'a mut [u8]) -> ReceiveExact<'a> {
        ReceiveExact { stream, buffer, received: 0, claim: None }
    }

    /// What was received so far: the beginning of the buffer.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.buffer[..self.received]
    }
}

impl Future for ReceiveExact<'_> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ReceiveExact { stream, buffer, received, claim } = self.get_mut();
        while *received < buffer.len() {
            let rest = &mut buffer[*received..];
            let got = stream.source().poll_claimed(cx, Some(Side::Read), claim, |socket| receive(socket, rest));
            match ready!(got)? {
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                count => *received += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}
