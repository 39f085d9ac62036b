//! Unix: `errno`.

use std::io;

use rustix::io::Errno;

use super::AfterAccept;

/// Does this error of listening mean that there is no such address here?
pub(crate) fn is_not_ours(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT))
}

/// Does this error of `connect` mean that it goes on in the background, from now on or already?
pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::INPROGRESS | Errno::ALREADY))
}

/// Does this error of sending mean that a datagram is too long?
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::MSGSIZE)
}

/// Does this error of sending on this machine mean that the receiver has no room? Where there is kqueue, the sender's own
/// socket counts as one that has room meanwhile.
pub(crate) fn is_receiver_full(error: &io::Error) -> bool {
    let is_told_so = cfg!(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly"
    ));
    is_told_so && Errno::from_io_error(error) == Some(Errno::NOBUFS)
}

/// Is this error of `accept` about one connection, about the lack of something, or about the listener?
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_without_an_address_is_passed_over_and_a_listener_that_does_not_listen_is_not() {
        assert_eq!(after_accept(&io::ErrorKind::InvalidInput.into()), AfterAccept::TakeNext);
        assert_eq!(after_accept(&Errno::INVAL.into()), AfterAccept::GiveUp);
    }
}
