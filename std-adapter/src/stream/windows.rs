//! The socket of a stream, on Windows.

use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

use super::ByteStream;
use crate::reactor::Descriptor;

impl<S: Descriptor + AsSocket> AsSocket for ByteStream<S> {
    /// The socket, to set options and ask about them. It stays open as long as it is borrowed: [`close`](ByteStream::close)
    /// then ends the connection, and the socket is closed when the stream is dropped.
    ///
    /// Who has borrowed it may set its mode, so from then on each call of the stream sets it back, by one more to the system.
    ///
    /// # Panics
    /// After [`close`](ByteStream::close).
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.source().borrow()
    }
}

impl<S: Descriptor + AsSocket> AsRawSocket for ByteStream<S> {
    /// The socket, or `RawSocket::MAX` (`INVALID_SOCKET`) once closed. It stays the stream's, whose calls go on as after
    /// [`as_socket`](AsSocket::as_socket).
    fn as_raw_socket(&self) -> RawSocket {
        self.source().number()
    }
}
