//! The descriptor of a socket of any kind, on Unix.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use super::Socket;

impl AsFd for Socket {
    /// The descriptor, to set options and ask about them. It stays open as long as it is borrowed.
    ///
    /// # Panics
    /// After [`close`](Socket::close).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source().borrow()
    }
}

impl AsRawFd for Socket {
    /// The descriptor, or -1 once closed. It stays the socket's: don't close it, nor read or write it.
    fn as_raw_fd(&self) -> RawFd {
        self.source().number()
    }
}
