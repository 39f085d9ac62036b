//! A socket that takes connections.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{self, SocketAddr};
use std::time::Duration;

use giambio_core::{__fault as fault, sleep};
use socket2::SockRef;

use super::line::Line;
use super::{ListenOptions, TcpStream};
use crate::foreign::First;
use crate::net::{Closed, ToAddresses};
use crate::platform::{self, AfterAccept};
use crate::reactor::{Done, Side, Source};

/// How soon to try again when descriptors have run out. The system tells of a connection only once and
/// of freed descriptors not at all, so time is the only thing to wait for.
const UNTIL_DESCRIPTORS: Duration = Duration::from_millis(20);

/// So many broken connections are passed over at a stretch. What goes on for longer may be there to stay, as a firewall's
/// rule, and must not keep a CPU busy.
const BROKEN_AT_A_STRETCH: u32 = 100;

/// A TCP socket that takes connections.
///
/// ```
/// use giambio::net::{TcpListener, TcpStream};
///
/// giambio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?; // port 0: the system picks one
///     let address = listener.local_addr()?;
///     let client = TcpStream::connect(address).await?;
///     let (server, peer) = listener.accept().await?;
///     assert_eq!(peer, client.local_addr()?);
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TcpListener {
    source: Source<net::TcpListener>,
    /// Who accepts.
    line: Line,
}

impl TcpListener {
    /// Listens at the first of `addresses` that can be had. To listen at all of them: [`ListenOptions::bind_all`].
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`PermissionDenied`](io::ErrorKind::PermissionDenied) and others, if all
    /// fail; of several, [`AddressErrors`](crate::net::AddressErrors) has each. [`InvalidInput`](io::ErrorKind::InvalidInput)
    /// for what is no address. What [`lookup`](crate::net::lookup) says of a name.
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn bind(addresses: impl ToAddresses) -> io::Result<TcpListener> {
        ListenOptions::new().bind(addresses).await
    }

    /// Takes over a listener of the standard library, as `From` does.
    #[must_use]
    pub fn from_std(socket: net::TcpListener) -> TcpListener {
        let source = match socket.set_nonblocking(true) {
            Ok(()) => Source::new(socket),
            Err(_) => Source::closed(),
        };
        TcpListener::over(source)
    }

    pub(super) fn over(source: Source<net::TcpListener>) -> TcpListener {
        TcpListener { source, line: Line::default() }
    }

    /// Gives the listener back to the standard library, in blocking mode.
    ///
    /// All clones of a socket are in one mode. A `TcpListener` of this crate over a clone of this one sets it back whenever it
    /// accepts, for it must not block the thread.
    ///
    /// # Errors
    /// [`Closed`], or the system refuses to change the mode.
    pub fn into_std(self) -> io::Result<net::TcpListener> {
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
    /// **Restartable.** A connection is taken only by the poll that returns it. The next in line has its turn then.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let place = self.line.join();
        poll_fn(|cx| {
            let turn = place.poll_turn(cx);
            if turn.is_pending() {
                self.source.expect_loop();
            }
            turn
        })
        .await;
        let mut broken = 0;
        loop {
            let error = match self.source.attempt(Some(Side::Read), accept).await {
                Ok(accepted) => return Ok(accepted),
                Err(error) => error,
            };
            match platform::after_accept(&error) {
                AfterAccept::TakeNext if broken < BROKEN_AT_A_STRETCH => broken += 1,
                AfterAccept::TakeNext | AfterAccept::TryLater => {
                    broken = 0;
                    sleep(UNTIL_DESCRIPTORS).await;
                }
                AfterAccept::GiveUp => return Err(error),
            }
        }
    }

    /// Takes a connection if one waits now, and no task waits for it. Never waits. Passes over what is broken, as [`accept`](TcpListener::accept) does.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; the system's if it can't be taken.
    pub fn try_accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        if !self.line.is_empty() {
            return self.source.with(|_| Err(io::ErrorKind::WouldBlock.into()));
        }
        let mut broken = 0;
        loop {
            match self.source.try_io(Some(Side::Read), accept) {
                Err(error)
                    if broken < BROKEN_AT_A_STRETCH && platform::after_accept(&error) == AfterAccept::TakeNext =>
                {
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
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(net::TcpListener::local_addr)
    }

    /// How many routers a packet of a connection that is accepted from now on may pass.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn ttl(&self) -> io::Result<u32> {
        self.source.with(net::TcpListener::ttl)
    }

    /// Sets [`ttl`](TcpListener::ttl).
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.source.with(|listener| listener.set_ttl(ttl))
    }

    /// Is it for IPv6 alone? `false`: connections of IPv4 come as IPv6 with mapped addresses.
    ///
    /// # Errors
    /// [`Closed`], or the system's, as for a listener of IPv4.
    pub fn only_v6(&self) -> io::Result<bool> {
        self.source.with(|listener| SockRef::from(listener).only_v6())
    }

    /// An error that is pending on the listener, if there is one. Asking clears it.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.with(net::TcpListener::take_error)
    }

    /// What `name` says of the socket, which stays open as long as this is there.
    pub(crate) fn lend<T>(&self, name: impl FnOnce(&net::TcpListener) -> T) -> T {
        self.source.lend(name)
    }

    pub(crate) fn raw<T>(&self, look: impl FnOnce(&net::TcpListener) -> T) -> io::Result<T> {
        self.source.with(|socket| Ok(look(socket)))
    }
}

/// Takes a connection, without waiting. No flag of the call says so, and the listener's mode is shared by all its clones, each of which
/// may have changed it: so it is set each time (0.2 µs of the 30 that a connection takes).
fn accept(listener: &net::TcpListener) -> io::Result<Done<(TcpStream, SocketAddr)>> {
    if !fault!("accept-may-block") {
        listener.set_nonblocking(true)?;
    }
    let (socket, peer) = listener.accept()?;
    socket.set_nonblocking(true)?;
    Ok(Done::more((TcpStream::from_nonblocking(socket), peer)))
}

impl From<net::TcpListener> for TcpListener {
    /// Takes over a listener of the standard library. Should the system refuse to make it non-blocking, it is closed,
    /// and every call says so.
    fn from(socket: net::TcpListener) -> TcpListener {
        TcpListener::from_std(socket)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
