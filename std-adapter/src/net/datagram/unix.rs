//! The descriptor of a socket of datagrams, on Unix.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use super::{DatagramSocket, Datagrams};

impl<S: Datagrams> AsFd for DatagramSocket<S> {
    /// The descriptor, to set options and ask about them. It stays open as long as it is borrowed: after
    /// [`close`](DatagramSocket::close), until the socket is dropped.
    ///
    /// # Panics
    /// After [`close`](DatagramSocket::close).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source().borrow()
    }
}

impl<S: Datagrams> AsRawFd for DatagramSocket<S> {
    /// The descriptor, or -1 once closed. It stays the socket's: don't close it, nor read or write it.
    fn as_raw_fd(&self) -> RawFd {
        self.source().number()
    }
}
