//! What takes connections, of whatever kind.

mod line;
mod retry;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fmt;
use std::future::poll_fn;
use std::io;

use giambio_core::__fault as fault;

use self::line::{Line, Place, giving_way};
use self::retry::passes_over;
pub(super) use self::retry::retrying;
use crate::foreign::First;
use crate::reactor::{Closed, Descriptor, Direction, Done, Source};
use crate::stream::{ByteStream, Connection};
use crate::sys::errno::{AfterAccept, after_accept};

/// What a [`Listener`] may be over.
///
/// It is a bound for code that is for all kinds of listeners; none can be added from outside.
pub trait Listens: Descriptor {
    /// What a connection is.
    type Stream: Connection;

    /// Takes a connection, without waiting if this is in non-blocking mode.
    #[doc(hidden)]
    fn accept_now(&self) -> io::Result<(Self::Stream, <Self::Stream as Connection>::Address)>;

    #[doc(hidden)]
    fn local_address(&self) -> io::Result<<Self::Stream as Connection>::Address>;

    #[doc(hidden)]
    fn pending_error(&self) -> io::Result<Option<io::Error>>;
}

/// A connection, and its peer's address.
type Accepted<L> = (ByteStream<<L as Listens>::Stream>, <<L as Listens>::Stream as Connection>::Address);

/// A socket that takes connections, over `L`: [`TcpListener`](super::TcpListener) is one over [`std::net::TcpListener`], and on
/// Unix there is `net::unix::UnixListener`.
///
/// ```
/// use giambio::net::{TcpListener, TcpStream};
/// use std::io::ErrorKind;
///
/// # giambio::run(async {
/// let listener = TcpListener::from_std(std::net::TcpListener::bind("127.0.0.1:0")?); // as `TcpListener::from`
/// assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock); // nobody comes
/// let _client = TcpStream::connect(listener.local_addr()?).await?;
/// let (_stream, _peer) = listener.accept().await?;
/// assert!(listener.take_error()?.is_none());
///
/// let listener = TcpListener::from(listener.into_std()?); // there and back
/// listener.close();
/// assert!(listener.accept().await.is_err());
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Listener<L: Listens> {
    source: Source<L>,
    /// Who accepts.
    line: Line,
}

impl<L: Listens> Listener<L> {
    /// Takes over a listener of the standard library, as `From` does.
    #[must_use]
    pub fn from_std(socket: L) -> Listener<L> {
        let source = match socket.set_nonblocking(true) {
            Ok(()) => Source::new(socket),
            Err(_) => Source::closed(),
        };
        Listener { source, line: Line::default() }
    }

    /// Over one in non-blocking mode.
    pub(super) fn from_nonblocking(socket: L) -> Listener<L> {
        Listener { source: Source::new(socket), line: Line::default() }
    }

    /// Gives the listener back to the standard library, in blocking mode.
    ///
    /// All clones of a socket are in one mode. A listener of this crate over a clone of this one sets it back whenever it
    /// accepts, for it must not block the thread.
    ///
    /// # Errors
    /// [`Closed`], or the system refuses to change the mode.
    pub fn into_std(self) -> io::Result<L> {
        let socket = self.source.take().ok_or_else(Closed::error)?;
        socket.set_nonblocking(false)?;
        Ok(socket)
    }

    /// Waits for a connection; returns it and the peer's address.
    ///
    /// A connection that broke before it was accepted, or that a firewall forbids, is passed over. When the process (or the
    /// system) has no descriptors or memory left, this waits until there are some, and takes the connections that came
    /// meanwhile.
    ///
    /// Several tasks may accept from one listener: connections go to them in the order in which they began to wait. Whose turn
    /// it is keeps it until it is polled or dropped.
    ///
    /// # Errors
    /// [`Closed`]; what else the system may say about the listener itself.
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) A connection is taken only by the poll that returns it. The next in line
    /// has its turn then.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<Accepted<L>>> {
        self.accept_in_turn()
    }

    async fn accept_in_turn(&self) -> io::Result<Accepted<L>> {
        giving_way(|| async {
            let _turn = self.turn().await;
            retrying(async || self.source.attempt(Some(Direction::Read), accept).await, |_| ()).await
        })
        .await
    }

    /// As [`accept`](Listener::accept), but tells of each error.
    #[track_caller]
    pub(super) fn accept_once(&self) -> impl Future<Output = io::Result<Accepted<L>>> {
        giving_way(|| async {
            let _turn = self.turn().await;
            self.source.attempt(Some(Direction::Read), accept).await
        })
    }

    /// Waits for its turn, which lasts until what this returns is dropped.
    async fn turn(&self) -> Place<'_> {
        let place = self.line.join();
        poll_fn(|cx| {
            let turn = place.poll_turn(cx);
            if turn.is_pending() {
                self.source.expect_loop();
            }
            turn
        })
        .await;
        place
    }

    /// Takes a connection if one waits now, and no task waits for it. Never waits. Passes over what is broken, as
    /// [`accept`](Listener::accept) does.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; the system's if it can't be taken.
    pub fn try_accept(&self) -> io::Result<Accepted<L>> {
        if !self.line.is_empty() {
            return self.source.with(|_| Err(io::ErrorKind::WouldBlock.into()));
        }
        let mut broken = 0;
        loop {
            match self.source.try_io(Some(Direction::Read), accept) {
                Err(error) if passes_over(broken) && after_accept(&error) == AfterAccept::TakeNext => {
                    broken += 1;
                }
                tried => return tried,
            }
        }
    }

    /// Stops listening now. Tasks that wait for a connection are woken and get [`Closed`], as does every later call.
    /// Closing twice does nothing.
    ///
    /// A descriptor that was borrowed, as by `as_fd`, stays open until this is dropped. Until then the port is not free, and
    /// systems other than Linux may go on taking connections, which nobody gets.
    pub fn close(&self) {
        let mut first = First::new();
        first.catch(|| self.source.close());
        first.catch(|| self.line.end());
        first.resume();
    }

    /// Where this listens; tells the port if it was bound to port 0.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn local_addr(&self) -> io::Result<<L::Stream as Connection>::Address> {
        self.source.with(L::local_address)
    }

    /// An error that is pending on the listener, if there is one. Asking clears it.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.with(L::pending_error)
    }

    pub(super) fn source(&self) -> &Source<L> {
        &self.source
    }
}

/// Takes a connection, without waiting. No flag of the call says so, and the listener's mode is shared by all its clones,
/// each of which may have changed it: so it is set each time (0.2 µs of the 30 that a connection takes).
fn accept<L: Listens>(listener: &L) -> io::Result<Done<Accepted<L>>> {
    if !fault!("accept-may-block") {
        listener.set_nonblocking(true)?;
    }
    let (socket, peer) = listener.accept_now()?;
    socket.set_nonblocking(true)?;
    Ok(Done::more((ByteStream::from_nonblocking(socket), peer)))
}

impl<L: Listens> From<L> for Listener<L> {
    /// Takes over a listener of the standard library. Should the system refuse to make it non-blocking, it is closed,
    /// and every call says so.
    fn from(socket: L) -> Listener<L> {
        Listener::from_std(socket)
    }
}

impl<L: Listens> fmt::Debug for Listener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
