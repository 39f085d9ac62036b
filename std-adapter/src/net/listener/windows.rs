//! The socket of a listener, on Windows.

use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

use super::{Listener, Listens};

impl<L: Listens + AsSocket> AsSocket for Listener<L> {
    /// The socket, to set options and ask about them. It stays open as long as it is borrowed: [`close`](Listener::close) then
    /// ends the listening where the system can, and the socket is closed when the listener is dropped.
    ///
    /// # Panics
    /// After [`close`](Listener::close).
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.source().borrow()
    }
}

impl<L: Listens + AsSocket> AsRawSocket for Listener<L> {
    /// The socket, or `RawSocket::MAX` (`INVALID_SOCKET`) once closed. It stays the listener's.
    fn as_raw_socket(&self) -> RawSocket {
        self.source().number()
    }
}
