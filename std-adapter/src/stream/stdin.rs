//! The standard input among the streams.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::AsyncRead;

use super::ends::PollReceive;
use crate::stdio::{Place, Stdin};

impl PollReceive for Stdin {
    /// Any number may wait: each gets what comes first for it.
    type Claim<'a> = Place;

    fn poll_receive(&self, cx: &mut Context<'_>, place: &mut Place, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_received(cx, Some(place), buffer)
    }
}

impl AsyncRead for &Stdin {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_received(cx, None, buffer)
    }
}
