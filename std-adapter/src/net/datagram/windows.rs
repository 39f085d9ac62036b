//! A socket of datagrams as others see it, on Windows.

use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

use super::{DatagramSocket, Datagrams};

impl<S: Datagrams + AsSocket> AsSocket for DatagramSocket<S> {
    /// The socket, to set options and ask about them. It stays open as long as it is borrowed: after
    /// [`close`](DatagramSocket::close), until this is dropped.
    ///
    /// Who has borrowed it may set its mode, so from then on each call sets it back, by one more to the system.
    ///
    /// # Panics
    /// After [`close`](DatagramSocket::close).
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.source().borrow()
    }
}

impl<S: Datagrams + AsSocket> AsRawSocket for DatagramSocket<S> {
    /// The socket, or `RawSocket::MAX` (`INVALID_SOCKET`) once closed. It stays this one's.
    fn as_raw_socket(&self) -> RawSocket {
        self.source().number()
    }
}
