//! Moves bytes from one end to another until there are no more: one direction of a copy.

use std::io;
use std::task::{Context, Poll, ready};

use super::incoming::Incoming;
use super::outgoing::Outgoing;

/// What is received at once, at first and when there is much.
const SMALL: usize = 8 << 10;
const LARGE: usize = 128 << 10;

/// Which end has failed.
pub(super) enum Failed {
    Receiving(io::Error),
    Sending(io::Error),
}

impl From<Failed> for io::Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Receiving(error) | Failed::Sending(error) => error,
        }
    }
}

pub(super) struct Pump<'a, R: Incoming + ?Sized, W: Outgoing + ?Sized> {
    from: &'a R,
    to: &'a W,
    receiving: R::Claim<'a>,
    sending: W::Claim<'a>,
    buffer: Vec<u8>,
    /// What was received and not yet sent: the part of the buffer from here
    start: usize,
    /// to here.
    end: usize,
    sent: u64,
    /// Nothing more comes.
    has_ended: bool,
    is_over: bool,
}

impl<'a, R: Incoming + ?Sized, W: Outgoing + ?Sized> Pump<'a, R, W> {
    pub(super) fn new(from: &'a R, to: &'a W) -> Self {
        Pump {
            from,
            to,
            receiving: Default::default(),
            sending: Default::default(),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            sent: 0,
            has_ended: false,
            is_over: false,
        }
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Tells the one that it was sent to that nothing will follow.
    pub(super) fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.to.poll_finish(cx).map_err(Failed::Sending)
    }

    /// Ready when all that came has been sent.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        while !self.is_over {
            while self.start < self.end {
                let rest = &self.buffer[self.start..self.end];
                match ready!(self.to.poll_send(cx, &mut self.sending, rest)).map_err(Failed::Sending)? {
                    0 => return Poll::Ready(Err(Failed::Sending(io::ErrorKind::WriteZero.into()))),
                    count => {
                        self.start += count;
                        self.sent += count as u64;
                    }
                }
            }
            // While nothing comes, what was sent is brought on its way.
            let flushed = self.to.poll_flush(cx).map_err(Failed::Sending)?;
            if self.has_ended {
                ready!(flushed);
                self.is_over = true;
                break;
            }
            // Who waits long has little room; who has much to move gets more.
            if self.buffer.len() < LARGE && self.end == self.buffer.len() {
                self.buffer.resize((self.end * 4).clamp(SMALL, LARGE), 0);
            }
            (self.start, self.end) = (0, 0);
            let received = ready!(self.from.poll_receive(cx, &mut self.receiving, &mut self.buffer));
            match received.map_err(Failed::Receiving)? {
                0 => self.has_ended = true,
                count => self.end = count,
            }
        }
        Poll::Ready(Ok(()))
    }
}
