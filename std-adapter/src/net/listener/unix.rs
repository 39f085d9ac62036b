//! The descriptor of a listener, on Unix.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use super::{Listener, Listens};

impl<L: Listens> AsFd for Listener<L> {
    /// The descriptor, to set options and ask about them. It stays open as long as it is borrowed: [`close`](Listener::close)
    /// then ends the listening where the system can, and the descriptor is closed when the listener is dropped.
    ///
    /// # Panics
    /// After [`close`](Listener::close).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source().borrow()
    }
}

impl<L: Listens> AsRawFd for Listener<L> {
    /// The descriptor, or -1 once closed. It stays the listener's: don't close it, nor accept from it.
    fn as_raw_fd(&self) -> RawFd {
        self.source().number()
    }
}
