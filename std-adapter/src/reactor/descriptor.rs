//! What the compiler can't see of descriptors: how long a number means what it did.
//!
//! # Invariants
//! * **REGISTERED-WHILE-OPEN**: a source is removed from the poller before it is closed. `Source` owns both the socket and its
//!   registration, and lets go of the socket only through `Source::take`, which removes it first. The bell is removed when the
//!   poller is dropped. In a child of a fork neither is done: a kqueue does not outlive a fork, so that its number may be
//!   another descriptor's by now, and what is removed from an epoll is removed for the parent too.
//! * **LENT-STAYS-OPEN**: a descriptor that was lent, by `Source::lend`, is closed when the source is dropped or taken over by
//!   value, and not before: who borrowed it borrows the source. What its number means may change, in one step: of a pipe that
//!   was closed it is an end of another.

#[cfg(unix)]
#[cfg_attr(not(feature = "fs"), allow(unused_imports, reason = "files use it"))]
pub(crate) use of_unix::close;
#[cfg(unix)]
pub(super) use of_unix::lent;
#[cfg(unix)]
#[allow(unused_imports, reason = "sockets use it")]
pub(crate) use of_unix::peer_of;
#[cfg(unix)]
pub(crate) use of_unix::replace;
#[cfg(windows)]
pub(super) use of_windows::lent;

#[cfg(unix)]
mod of_unix {
    use std::io;
    use std::mem::ManuallyDrop;
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

    use rustix::io::{FdFlags, dup2, fcntl_setfd};

    /// Closes it, and says what the system has to say.
    #[cfg_attr(not(feature = "fs"), allow(dead_code, reason = "files use it"))]
    pub(crate) fn close(io: OwnedFd) -> io::Result<()> {
        // SAFETY: it is open, and nobody's any more: `into_raw_fd` has given it up.
        match unsafe { libc::close(io.into_raw_fd()) } {
            0 => Ok(()),
            _ => match io::Error::last_os_error() {
                // It is closed, or will be: another call would close what has got its number since.
                error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                error => Err(error),
            },
        }
    }

    /// Has the number of `old` mean what `new` does. What it meant before is closed, as far as this process has it.
    pub(crate) fn replace(old: &impl AsFd, new: &impl AsFd) -> io::Result<()> {
        // SAFETY: it is not closed here, by `ManuallyDrop`, and its owner finds it open: `dup2` gives a number a new meaning
        // in one step.
        let mut place = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(old.as_fd().as_raw_fd()) });
        dup2(new, &mut place)?;
        Ok(fcntl_setfd(&*place, FdFlags::CLOEXEC)?)
    }

    /// The process, if it can be known, the user and the group at the other end of a connection on this machine.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[allow(dead_code, reason = "sockets use it")]
    pub(crate) fn peer_of(socket: BorrowedFd<'_>) -> io::Result<(Option<u32>, u32, u32)> {
        let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
        let mut size = size_of_val(&peer) as libc::socklen_t;
        let (number, into) = (socket.as_raw_fd(), (&raw mut peer).cast());
        // SAFETY: the system writes no more than `size` bytes, and `peer` has that many, for any of which it is good.
        match unsafe { libc::getsockopt(number, libc::SOL_SOCKET, libc::SO_PEERCRED, into, &raw mut size) } {
            0 => Ok((u32::try_from(peer.pid).ok().filter(|pid| *pid > 0), peer.uid, peer.gid)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The user and the group at the other end of a connection on this machine.
    #[cfg(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly"
    ))]
    #[allow(dead_code, reason = "sockets use it")]
    pub(crate) fn peer_of(socket: BorrowedFd<'_>) -> io::Result<(Option<u32>, u32, u32)> {
        let (mut user, mut group) = (0, 0);
        // SAFETY: the system writes a number to each.
        match unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut user, &raw mut group) } {
            0 => Ok((None, user, group)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Here the system has other ways to tell, and nobody has asked for them yet.
    #[cfg(any(target_os = "illumos", target_os = "solaris"))]
    #[allow(dead_code, reason = "sockets use it")]
    pub(crate) fn peer_of(_: BorrowedFd<'_>) -> io::Result<(Option<u32>, u32, u32)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The descriptor that `_source` has lent, by this number.
    pub(in crate::reactor) fn lent<S>(_source: &S, number: RawFd) -> BorrowedFd<'_> {
        // SAFETY: it is open as long as its source is there, by LENT-STAYS-OPEN.
        unsafe { BorrowedFd::borrow_raw(number) }
    }
}

#[cfg(windows)]
mod of_windows {
    use std::os::windows::io::{BorrowedSocket, RawSocket};

    /// The socket that `_source` has lent, by this number.
    pub(in crate::reactor) fn lent<S>(_source: &S, number: RawSocket) -> BorrowedSocket<'_> {
        // SAFETY: it is open as long as its source is there, by LENT-STAYS-OPEN.
        unsafe { BorrowedSocket::borrow_raw(number) }
    }
}

/// Has `poller` report `source`, or the bell.
#[cfg(any(giambio_portable, not(any(target_os = "linux", target_os = "android"))))]
pub(super) fn watch(
    poller: &polling::Poller,
    source: impl polling::AsRawSource,
    interest: polling::Event,
    mode: polling::PollMode,
) -> std::io::Result<()> {
    // SAFETY: it is removed before it is closed, by REGISTERED-WHILE-OPEN.
    unsafe { poller.add_with_mode(source, interest, mode) }
}
