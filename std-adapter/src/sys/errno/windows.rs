//! Windows: the numbers of its sockets.

use std::io;

use windows_sys::Win32::Networking::WinSock as winsock;

use super::AfterAccept;

/// Does this error of listening mean that there is no such address here?
pub(crate) fn is_not_ours(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(winsock::WSAEADDRNOTAVAIL | winsock::WSAEAFNOSUPPORT | winsock::WSAEPROTONOSUPPORT)
    )
}

/// Does this error of `connect` mean that it goes on in the background, from now on or already?
pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(winsock::WSAEWOULDBLOCK | winsock::WSAEALREADY))
}

/// Does this error of sending mean that a datagram is too long?
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(winsock::WSAEMSGSIZE)
}

/// Is this error of receiving about a datagram that was sent before, which nobody received?
pub(crate) fn is_of_another(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(winsock::WSAECONNRESET | winsock::WSAENETRESET))
}

/// Is this error of `accept` about one connection, about the lack of something, or about the listener?
pub(crate) fn after_accept(error: &io::Error) -> AfterAccept {
    match error.raw_os_error() {
        Some(winsock::WSAEMFILE | winsock::WSAENOBUFS | winsock::WSA_NOT_ENOUGH_MEMORY) => AfterAccept::TryLater,
        Some(
            winsock::WSAECONNABORTED
            | winsock::WSAECONNREFUSED
            | winsock::WSAECONNRESET
            | winsock::WSAEHOSTUNREACH
            | winsock::WSAEINTR
            | winsock::WSAENETDOWN
            | winsock::WSAENETRESET
            | winsock::WSAENETUNREACH
            | winsock::WSAETIMEDOUT,
        ) => AfterAccept::TakeNext,
        _ => AfterAccept::GiveUp,
    }
}

/// The standard library has no word for sending after `shutdown(Shutdown::Write)`.
pub(crate) fn send_error(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(winsock::WSAESHUTDOWN) => io::Error::new(io::ErrorKind::BrokenPipe, error),
        _ => error,
    }
}
