//! The descriptor of a stream, on Unix.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use super::ByteStream;
use crate::reactor::Descriptor;

impl<S: Descriptor> AsFd for ByteStream<S> {
    /// The descriptor, to set options and ask about them. It stays open as long as it is borrowed: [`close`](ByteStream::close)
    /// then ends the connection, and the descriptor is closed when the stream is dropped.
    ///
    /// # Panics
    /// After [`close`](ByteStream::close).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source().borrow()
    }
}

impl<S: Descriptor> AsRawFd for ByteStream<S> {
    /// The descriptor, or -1 once closed. It stays the stream's: don't close it, nor read or write it.
    fn as_raw_fd(&self) -> RawFd {
        self.source().number()
    }
}
