//! The socket of what waits for one, on Windows.

use std::os::windows::io::{AsSocket, BorrowedSocket};

use super::Fd;

impl<T: AsSocket> AsSocket for Fd<T> {
    /// What is waited for.
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.io.as_socket()
    }
}
