//! A source's descriptor for others: borrowed, or as a bare number.

#[cfg(unix)]
pub(crate) use std::os::fd::AsFd as Lends;
#[cfg(windows)]
pub(crate) use std::os::windows::io::AsSocket as Lends;

use super::descriptor::lent;
use super::source::{Descriptor, Source};

#[cfg(unix)]
impl<S: Descriptor> Source<S> {
    /// The descriptor, which is open as long as this is there.
    ///
    /// # Panics
    /// If it is closed.
    pub(crate) fn borrow(&self) -> std::os::fd::BorrowedFd<'_> {
        use std::os::fd::AsRawFd;
        lent(self, self.lend(|io| io.as_fd().as_raw_fd()))
    }

    /// Its number, or -1 once closed.
    pub(crate) fn number(&self) -> std::os::fd::RawFd {
        use std::os::fd::AsRawFd;
        self.raw(|io| io.as_fd().as_raw_fd()).unwrap_or(-1)
    }
}

#[cfg(windows)]
impl<S: Descriptor + Lends> Source<S> {
    /// The socket, which is open as long as this is there.
    ///
    /// # Panics
    /// If it is closed.
    pub(crate) fn borrow(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        use std::os::windows::io::AsRawSocket;
        lent(self, self.lend(|io| io.as_socket().as_raw_socket()))
    }

    /// Its number, or that of no socket once closed.
    pub(crate) fn number(&self) -> std::os::windows::io::RawSocket {
        use std::os::windows::io::{AsRawSocket, RawSocket};
        self.raw(|io| io.as_socket().as_raw_socket()).unwrap_or(RawSocket::MAX)
    }
}
