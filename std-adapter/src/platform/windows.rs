//! Windows: Ctrl+C comes on a thread of the system's own.
//!
//! # Invariant
//! **HANDLER-IS-STATIC**: the handler is a plain function and touches only statics, so it may be called at any time until
//! the process ends.

#[path = "bytes/windows.rs"]
pub(crate) mod bytes;

use std::io;
use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use giambio_core::poll_proceed;
use windows_sys::Win32::Networking::WinSock as winsock;
use windows_sys::Win32::System::Console::{CTRL_C_EVENT, SetConsoleCtrlHandler};

use super::{AfterAccept, Again};
use crate::foreign::First;
use crate::net::{TcpListener, TcpStream};

static WATCHES: Mutex<Vec<Arc<Watch>>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Watch {
    again: Again,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pressed: bool,
    pressed_before: bool,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(crate) struct CtrlC(Arc<Watch>);

impl CtrlC {
    pub(crate) fn new(again: Again) -> io::Result<CtrlC> {
        static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
        let installed = INSTALLED.get_or_init(|| {
            // SAFETY: `on_ctrl` may be called at any time, by HANDLER-IS-STATIC.
            match unsafe { SetConsoleCtrlHandler(Some(on_ctrl), 1) } {
                0 => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
                _ => Ok(()),
            }
        });
        installed.map_err(io::Error::from_raw_os_error)?;
        let watch = Arc::new(Watch { again, state: Mutex::default() });
        lock(&WATCHES).push(watch.clone());
        Ok(CtrlC(watch))
    }

    pub(crate) fn poll_pressed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let go = ready!(poll_proceed(cx));
        // Cloned and dropped outside of the lock: it may be somebody's code.
        let new = cx.waker().clone();
        let mut state = lock(&self.0.state);
        if std::mem::take(&mut state.pressed) {
            go.made_progress();
            return Poll::Ready(Ok(()));
        }
        let old = state.waker.replace(new);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl Drop for CtrlC {
    fn drop(&mut self) {
        lock(&WATCHES).retain(|watch| !Arc::ptr_eq(watch, &self.0));
    }
}

/// 1: handled; 0: the next handler's turn, at last the system's, which ends the process.
extern "system" fn on_ctrl(event: u32) -> i32 {
    if event != CTRL_C_EVENT {
        return 0;
    }
    let watches = lock(&WATCHES).clone();
    let mut handled = i32::from(!watches.is_empty());
    let mut first = First::new();
    for watch in watches {
        let mut state = lock(&watch.state);
        if watch.again == Again::Kill && state.pressed_before {
            handled = 0;
        }
        state.pressed = true;
        state.pressed_before = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            first.catch(|| waker.wake());
        }
    }
    // On this thread there is nobody to whom a panic could go.
    std::mem::forget(first);
    handled
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// There is no fork: each process begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process;

impl Process {
    pub(crate) fn remembered() -> Process {
        Process
    }

    #[inline]
    pub(crate) fn current() -> Process {
        Process
    }
}

/// On Windows the option means something else: that a port may be taken from who has it.
pub(crate) const REUSE_ADDRESS: bool = false;

/// The system keeps it in 16 bits; what is more would become something else.
pub(crate) const LONGEST_LINGER: Duration = Duration::from_secs(32_767);

pub(crate) fn set_reuse_port(_: &socket2::Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn is_not_ours(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(winsock::WSAEADDRNOTAVAIL | winsock::WSAEAFNOSUPPORT | winsock::WSAEPROTONOSUPPORT)
    )
}

pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

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

impl AsSocket for TcpStream {
    /// The socket, to set options and ask about them. It stays open as long as it is borrowed: [`close`](TcpStream::close) then ends the
    /// connection, and the socket is closed when the stream is dropped.
    ///
    /// Who has borrowed it may set its mode, so from then on each call of the stream sets it back, by one more to the system.
    ///
    /// # Panics
    /// After [`close`](TcpStream::close).
    fn as_socket(&self) -> BorrowedSocket<'_> {
        let raw = self.lend(|socket| socket.as_raw_socket());
        // SAFETY: it is open as long as `self` is there, by LENT-STAYS-OPEN.
        unsafe { BorrowedSocket::borrow_raw(raw) }
    }
}

impl AsRawSocket for TcpStream {
    /// The socket, or `RawSocket::MAX` (`INVALID_SOCKET`) once closed. It stays the stream's, whose calls go on as after
    /// [`as_socket`](AsSocket::as_socket).
    fn as_raw_socket(&self) -> RawSocket {
        self.raw(|socket| socket.as_raw_socket()).unwrap_or(RawSocket::MAX)
    }
}

impl AsSocket for TcpListener {
    /// The socket, to set options and ask about them. It stays open as long as it is borrowed: [`close`](TcpListener::close) then ends the
    /// listening where the system can, and the socket is closed when the listener is dropped.
    ///
    /// # Panics
    /// After [`close`](TcpListener::close).
    fn as_socket(&self) -> BorrowedSocket<'_> {
        let raw = self.lend(|socket| socket.as_raw_socket());
        // SAFETY: it is open as long as `self` is there, by LENT-STAYS-OPEN.
        unsafe { BorrowedSocket::borrow_raw(raw) }
    }
}

impl AsRawSocket for TcpListener {
    /// The socket, or `RawSocket::MAX` (`INVALID_SOCKET`) once closed. It stays the listener's.
    fn as_raw_socket(&self) -> RawSocket {
        self.raw(|socket| socket.as_raw_socket()).unwrap_or(RawSocket::MAX)
    }
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;

    use super::*;

    #[test]
    fn a_mode_that_is_set_by_the_raw_socket_makes_no_call_wait() -> io::Result<()> {
        crate::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let stream = TcpStream::connect(listener.local_addr()?).await?;
            let raw = stream.as_raw_socket();
            // SAFETY: it is open as long as `stream` is there, which is not closed.
            let borrowed = unsafe { BorrowedSocket::borrow_raw(raw) };
            let socket = SockRef::from(&borrowed);
            socket.set_read_timeout(Some(Duration::from_millis(100)))?; // what waits says `TimedOut`
            socket.set_nonblocking(false)?;
            assert_eq!(stream.try_receive(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            Ok(())
        })
    }
}
