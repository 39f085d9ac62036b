//! A socket of any kind as others see it, on Windows.

use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

use super::Socket;

impl AsSocket for Socket {
    /// The socket, to set options and ask about them. It stays open as long as it is borrowed.
    ///
    /// # Panics
    /// After [`close`](Socket::close).
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.source().borrow()
    }
}

impl AsRawSocket for Socket {
    /// The socket, or `RawSocket::MAX` (`INVALID_SOCKET`) once closed. It stays this one's.
    fn as_raw_socket(&self) -> RawSocket {
        self.source().number()
    }
}
