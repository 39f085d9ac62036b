//! Unix.

#[path = "bytes/unix.rs"]
pub(crate) mod bytes;
#[path = "ctrl_c/unix.rs"]
mod ctrl_c;
#[path = "process/unix.rs"]
mod process;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use rustix::io::Errno;

pub(crate) use ctrl_c::CtrlC;
pub(crate) use process::Process;

use super::{AfterAccept, Again};
use crate::net::{TcpListener, TcpStream};

/// As the standard library: a port may be bound again while old connections linger in TIME_WAIT.
pub(crate) const REUSE_ADDRESS: bool = true;

/// The system keeps it in 16 bits, Apple's in hundredths of a second; what is more would become something else, even zero.
pub(crate) const LONGEST_LINGER: Duration =
    Duration::from_secs(if cfg!(target_vendor = "apple") { 327 } else { 32_767 });

#[cfg(not(any(target_os = "solaris", target_os = "illumos")))]
pub(crate) fn set_reuse_port(socket: &socket2::Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(any(target_os = "solaris", target_os = "illumos"))]
pub(crate) fn set_reuse_port(_: &socket2::Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn is_not_ours(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT))
}

pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::INPROGRESS)
}

pub(crate) fn after_accept(error: &io::Error) -> AfterAccept {
    match Errno::from_io_error(error) {
        // macOS may return a connection that was reset meanwhile, with an address of no bytes. The standard library can't
        // tell what that is, and has closed the connection.
        None if error.kind() == io::ErrorKind::InvalidInput => AfterAccept::TakeNext,
        // The last: watching the listener would take more than the system's limit for watches.
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::NOSPC) => AfterAccept::TryLater,
        // Linux reports errors of the network that are pending on the new connection here, and what a firewall has
        // against it.
        Some(
            Errno::CONNABORTED
            | Errno::CONNRESET
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::INTR
            | Errno::NETDOWN
            | Errno::NETUNREACH
            | Errno::NOPROTOOPT
            | Errno::OPNOTSUPP
            | Errno::PERM
            | Errno::PROTO
            | Errno::PROTONOSUPPORT
            | Errno::SOCKTNOSUPPORT
            | Errno::TIMEDOUT,
        ) => AfterAccept::TakeNext,
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "illumos", target_os = "solaris"))]
        Some(Errno::NONET) => AfterAccept::TakeNext,
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "illumos", target_os = "solaris"))]
        Some(Errno::NOSR) => AfterAccept::TryLater,
        _ => AfterAccept::GiveUp,
    }
}

impl AsFd for TcpStream {
    /// The descriptor, to set options and ask about them. It stays open as long as it is borrowed: [`close`](TcpStream::close) then ends the
    /// connection, and the descriptor is closed when the stream is dropped.
    ///
    /// # Panics
    /// After [`close`](TcpStream::close).
    fn as_fd(&self) -> BorrowedFd<'_> {
        let raw = self.lend(|socket| socket.as_raw_fd());
        // SAFETY: it is open as long as `self` is there, by LENT-STAYS-OPEN.
        unsafe { BorrowedFd::borrow_raw(raw) }
    }
}

impl AsRawFd for TcpStream {
    /// The descriptor, or -1 once closed. It stays the stream's: don't close it, nor read or write it.
    fn as_raw_fd(&self) -> RawFd {
        self.raw(|socket| socket.as_raw_fd()).unwrap_or(-1)
    }
}

impl AsFd for TcpListener {
    /// The descriptor, to set options and ask about them. It stays open as long as it is borrowed: [`close`](TcpListener::close) then ends the
    /// listening where the system can, and the descriptor is closed when the listener is dropped.
    ///
    /// # Panics
    /// After [`close`](TcpListener::close).
    fn as_fd(&self) -> BorrowedFd<'_> {
        let raw = self.lend(|socket| socket.as_raw_fd());
        // SAFETY: it is open as long as `self` is there, by LENT-STAYS-OPEN.
        unsafe { BorrowedFd::borrow_raw(raw) }
    }
}

impl AsRawFd for TcpListener {
    /// The descriptor, or -1 once closed. It stays the listener's: don't close it, nor accept from it.
    fn as_raw_fd(&self) -> RawFd {
        self.raw(|socket| socket.as_raw_fd()).unwrap_or(-1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_without_an_address_is_passed_over_and_a_listener_that_does_not_listen_is_not() {
        assert_eq!(after_accept(&io::ErrorKind::InvalidInput.into()), AfterAccept::TakeNext);
        assert_eq!(after_accept(&Errno::INVAL.into()), AfterAccept::GiveUp);
    }
}
