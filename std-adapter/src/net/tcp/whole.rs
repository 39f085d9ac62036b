//! Sending and receiving all of a buffer, with a count that outlives a cancellation.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::TcpStream;
use crate::reactor::{Claim, Side};

/// Made by [`TcpStream::send_all`].
///
/// It may be awaited by `&mut`, given up, asked how far it got, and awaited again. From its first poll until it
/// completes or is dropped, other tasks can't send.
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

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.claim.is_none() {
            self.claim = Some(self.stream.claim(Side::Write)?);
        }
        while self.written < self.data.len() {
            match ready!(self.stream.poll_send(cx, &self.data[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Future for SendAll<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = ready!(self.poll_rest(cx));
        self.claim = None;
        Poll::Ready(sent)
    }
}

/// Made by [`TcpStream::receive_exact`].
///
/// It may be awaited by `&mut`, given up, asked how far it got, and awaited again. From its first poll until it
/// completes or is dropped, other tasks can't receive.
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

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.claim.is_none() {
            self.claim = Some(self.stream.claim(Side::Read)?);
        }
        while self.received < self.buffer.len() {
            match ready!(self.stream.poll_receive(cx, &mut self.buffer[self.received..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                count => self.received += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Future for ReceiveExact<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let received = ready!(self.poll_rest(cx));
        self.claim = None;
        Poll::Ready(received)
    }
}
