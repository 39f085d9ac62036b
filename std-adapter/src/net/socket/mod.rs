//! Sockets of kinds that have no type of their own here.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::time::Duration;

use giambio_core::sleep;
use socket2::{SockAddr, Type};

use super::connecting::is_connected;
use super::descriptor::descriptor;
use super::received::Received;
use super::system;
use crate::reactor::{Closed, Direction, Done, Source};
use crate::sys::errno::is_in_progress;

/// How soon to ask again whether a listener has room for a connection: nobody tells.
const UNTIL_ROOM: Duration = Duration::from_millis(5);

/// A socket of any kind that the system has, over what `socket2` makes: of sequenced packets, of netlink, of Bluetooth, raw
/// ones.
///
/// What has a type of its own is better off with that: [`TcpStream`](super::TcpStream), [`TcpListener`](super::TcpListener),
/// [`UdpSocket`](super::UdpSocket), and those of `net::unix`. Their addresses are easier, and they know more about errors.
///
/// ```
/// use giambio::net::Socket;
/// use socket2::{Domain, Type};
/// use std::net::SocketAddr;
///
/// giambio::run(async {
///     let here = SocketAddr::from(([127, 0, 0, 1], 0)).into();
///     let (one, other) = (socket2::Socket::new(Domain::IPV4, Type::DGRAM, None)?, socket2::Socket::new(Domain::IPV4, Type::DGRAM, None)?);
///     one.bind(&here)?;
///     other.bind(&here)?;
///     let (one, other) = (Socket::new(one)?, Socket::new(other)?);
///     one.send_to(b"hello", &other.local_addr()?).await?;
///     let mut buffer = [0; 64];
///     let (received, from) = other.receive_from(&mut buffer).await?;
///     assert!(received.length == 5 && from.as_socket() == one.local_addr()?.as_socket());
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// One task may receive while another sends. While a task *waits* in one direction, a second one in the same gets
/// [`ResourceBusy`](io::ErrorKind::ResourceBusy): accepting is receiving, connecting is sending. Options are set with
/// `socket2::SockRef::from(&socket)`.
pub struct Socket {
    source: Source<socket2::Socket>,
    /// What it receives are bytes, and no messages that could be cut.
    is_stream: bool,
    /// A connection is being made.
    is_connecting: Cell<bool>,
}

impl Socket {
    /// Takes over a socket, which is put into non-blocking mode.
    ///
    /// # Errors
    /// The system refuses to change the mode, or to say what it is.
    pub fn new(socket: socket2::Socket) -> io::Result<Socket> {
        socket.set_nonblocking(true)?;
        let is_stream = socket.r#type()? == Type::STREAM;
        let source = Source::new(socket);
        source.share(); // it may have clones
        Ok(Socket { source, is_stream, is_connecting: Cell::new(false) })
    }

    /// Gives it back, in blocking mode.
    ///
    /// # Errors
    /// [`Closed`], or the system refuses to change the mode.
    pub fn into_inner(self) -> io::Result<socket2::Socket> {
        let socket = self.source.take().ok_or_else(Closed::error)?;
        socket.set_nonblocking(false)?;
        Ok(socket)
    }

    /// Connects to an address. A socket of datagrams is at once; it receives from there alone then.
    ///
    /// # Errors
    /// The system's: nobody is there, or there is no way. [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task
    /// sends; [`Closed`].
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) The connection is made all the same: connecting again waits for it,
    /// whatever the address.
    #[track_caller]
    pub fn connect(&self, address: &SockAddr) -> impl Future<Output = io::Result<()>> {
        async move {
            while !self.is_connecting.get() {
                match self.source.with(|socket| socket.connect(address)) {
                    Err(error) if is_in_progress(&error) => self.is_connecting.set(true),
                    // A listener on this machine has no room.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(UNTIL_ROOM).await,
                    connected => return connected,
                }
            }
            let connected = self.source.attempt(Some(Direction::Write), |socket| is_connected(socket.into())).await;
            // Another task's wait goes on.
            if !matches!(&connected, Err(error) if error.kind() == io::ErrorKind::ResourceBusy) {
                self.is_connecting.set(false);
            }
            connected
        }
    }

    /// Waits for a connection at a socket that listens; returns it and the peer's address.
    ///
    /// # Errors
    /// The system's, for want of descriptors: the connection is there still; or about a connection that broke before it was
    /// accepted: accept the next one. [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task accepts; [`Closed`].
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) A connection is taken only by the poll that returns it.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(Socket, SockAddr)>> {
        self.source.attempt(Some(Direction::Read), |socket| {
            // No flag of the call says that it must not wait, and clones may have changed the mode.
            socket.set_nonblocking(true)?;
            let (socket, peer) = socket.accept()?;
            Ok(Done::more((Socket::new(socket)?, peer)))
        })
    }

    /// Waits for a message, or for bytes of a stream, and moves it to `buffer`. What of a message does not fit is gone, which
    /// [`Received`] tells. Of a stream, 0 bytes say that it is over.
    ///
    /// ```
    /// use giambio::net::Socket;
    /// use socket2::{Domain, Type};
    /// use std::net::{Shutdown, SocketAddr};
    ///
    /// # giambio::run(async {
    /// let new = || socket2::Socket::new(Domain::IPV4, Type::STREAM, None).and_then(Socket::new);
    /// let listener = new()?;
    /// # let here = SocketAddr::from(([127, 0, 0, 1], 0)).into();
    /// socket2::SockRef::from(&listener).bind(&here)?;
    /// socket2::SockRef::from(&listener).listen(1)?;
    /// let client = new()?;
    /// client.connect(&listener.local_addr()?).await?;
    /// let (server, _) = listener.accept().await?;
    /// assert_eq!(client.peer_addr()?.as_socket(), listener.local_addr()?.as_socket());
    ///
    /// let mut buffer = [0; 16];
    /// assert!(server.try_receive(&mut buffer).is_err()); // nothing yet
    /// assert_eq!(client.send(b"hel").await? + client.try_send(b"lo")?, 5);
    /// client.shutdown(Shutdown::Write)?;
    /// assert!(server.receive(&mut buffer).await?.length > 0);
    /// assert!(server.take_error()?.is_none());
    ///
    /// client.close();
    /// let _blocking: socket2::Socket = server.into_inner()?;
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// The system's; [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task receives; [`Closed`].
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) What comes is taken only by the poll that returns it.
    #[track_caller]
    pub fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<Received>> {
        self.source.attempt(Some(Direction::Read), move |socket| self.receive_now(socket, buffer))
    }

    /// As [`receive`](Socket::receive); tells also who has sent it, if he has an address.
    ///
    /// Who it is the system is asked first, by a call of its own. So another process, or thread, must not receive from a
    /// clone meanwhile: it may take what this was told about.
    ///
    /// # Errors
    /// As [`receive`](Socket::receive).
    ///
    /// # Panics
    /// As [`receive`](Socket::receive).
    ///
    /// # Cancellation
    /// As [`receive`](Socket::receive).
    #[track_caller]
    pub fn receive_from(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<(Received, SockAddr)>> {
        self.source.attempt(Some(Direction::Read), move |socket| {
            socket.set_nonblocking(true)?;
            let from = socket.peek_sender()?;
            self.receive_now(socket, buffer).map(|done| Done::more((done.into_value(), from)))
        })
    }

    /// Moves what there is now to `buffer`. Never waits.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing; else as [`receive`](Socket::receive).
    pub fn try_receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.source.try_io(Some(Direction::Read), |socket| self.receive_now(socket, buffer))
    }

    fn receive_now(&self, socket: &socket2::Socket, buffer: &mut [u8]) -> io::Result<Done<Received>> {
        system::receive_any(socket, buffer, self.is_stream).map(Done::more)
    }

    /// Waits for room and sends `data` to who this is connected to; returns how many bytes. A message is sent whole, or not
    /// at all.
    ///
    /// # Errors
    /// The system's; [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task sends; [`Closed`].
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) Data is sent only by the poll that returns the count.
    #[track_caller]
    pub fn send(&self, data: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.source.attempt(Some(Direction::Write), move |socket| system::send_any(socket, data).map(Done::more))
    }

    /// As [`send`](Socket::send), to an address.
    ///
    /// # Errors
    /// As [`send`](Socket::send).
    ///
    /// # Panics
    /// As [`send`](Socket::send).
    ///
    /// # Cancellation
    /// As [`send`](Socket::send).
    #[track_caller]
    pub fn send_to(&self, data: &[u8], address: &SockAddr) -> impl Future<Output = io::Result<usize>> {
        self.source
            .attempt(Some(Direction::Write), move |socket| system::send_to_any(socket, data, address).map(Done::more))
    }

    /// Sends `data` if there is room now. Never waits.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; else as [`send`](Socket::send).
    pub fn try_send(&self, data: &[u8]) -> io::Result<usize> {
        self.source.try_io(Some(Direction::Write), |socket| system::send_any(socket, data).map(Done::more))
    }

    /// Ends one direction of a connection or both, while the socket stays open.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) if there is none; [`Closed`].
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.source.shut_down(how, |socket| socket.shutdown(how))
    }

    /// Closes the socket now. Tasks that wait for it are woken and get [`Closed`], as does every later call. Closing twice does
    /// nothing.
    ///
    /// A descriptor that was borrowed stays open until this is dropped; a connection is ended in both directions.
    pub fn close(&self) {
        self.source.close();
    }

    /// Where this is.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn local_addr(&self) -> io::Result<SockAddr> {
        self.source.with(socket2::Socket::local_addr)
    }

    /// To whom this is connected.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected): to nobody; [`Closed`].
    pub fn peer_addr(&self) -> io::Result<SockAddr> {
        self.source.with(socket2::Socket::peer_addr)
    }

    /// An error that is pending on the socket, if there is one. Asking clears it.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.with(socket2::Socket::take_error)
    }

    fn source(&self) -> &Source<socket2::Socket> {
        &self.source
    }
}

descriptor!(socket2::Socket);

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
