//! Unix: signals come through a pipe that our own reactor watches.

#[path = "bytes/unix.rs"]
pub(crate) mod bytes;
#[path = "process/unix.rs"]
mod process;

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::io::Errno;
use signal_hook::SigId;
use signal_hook::consts::SIGINT;
use signal_hook::low_level::{pipe, unregister};

pub(crate) use process::Process;

use super::{AfterAccept, Again};
use crate::net::{TcpListener, TcpStream};
use crate::reactor::{Done, Side, Source};

/// The write end belongs to the signal's handler, which `watch` takes off again. It does so before the pipe is closed: to write
/// to one that nobody reads is a signal of its own.
#[derive(Debug)]
pub(crate) struct CtrlC {
    _watch: Handlers,
    pipe: Source<UnixStream>,
}

/// Handlers of the signal, taken off when dropped.
#[derive(Debug, Default)]
struct Handlers(Vec<SigId>);

impl Drop for Handlers {
    fn drop(&mut self) {
        for id in self.0.drain(..) {
            unregister(id);
        }
    }
}

impl CtrlC {
    pub(crate) fn new(again: Again) -> io::Result<CtrlC> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let mut handlers = Handlers::default();
        if again == Again::Kill {
            // Handlers run in the order in which they were added: the first Ctrl+C finds the mark unset, then sets it.
            let pressed = Arc::new(AtomicBool::new(false));
            handlers.0.push(signal_hook::flag::register_conditional_default(SIGINT, pressed.clone())?);
            handlers.0.push(signal_hook::flag::register(SIGINT, pressed)?);
        }
        handlers.0.push(pipe::register(SIGINT, writer)?);
        Ok(CtrlC { _watch: handlers, pipe: Source::own(reader) })
    }

    pub(crate) fn poll_pressed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_io(cx, Side::Read, |mut pipe| {
            let mut bytes = [0; 64];
            pipe.read(&mut bytes).map(|_| Done::more(()))
        })
    }
}

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
