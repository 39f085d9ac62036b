//! Datagrams between programs of one machine.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use giambio_core::sleep;
use socket2::{SockRef, Type};

use super::address::{naming, of_path};
use super::fresh::Fresh;
use crate::net::datagram::{DatagramSocket, Datagrams, Then, UNTIL_ROOM, send, would_block};
use crate::net::descriptor::descriptor;
use crate::net::received::Received;
use crate::net::system;
use crate::reactor::Descriptor as _;
use crate::sys::errno::is_receiver_full;

/// A socket of datagrams between programs of one machine. They get there, each once and in order; who sends waits while the
/// receiver has no room.
///
/// ```
/// use giambio::net::unix::UnixDatagram;
///
/// giambio::run(async {
///     let path = std::env::temp_dir().join(format!("giambio-datagram-{}", std::process::id()));
///     let server = UnixDatagram::bind_fresh(&path)?; // its path goes with it
///     let client = UnixDatagram::unbound()?;
///     client.send_to(b"hello", &path).await?;
///     let mut buffer = [0; 64];
///     let (received, from) = server.receive_from(&mut buffer).await?;
///     assert_eq!(&buffer[..received.length], b"hello");
///     assert!(from.is_unnamed()); // nobody could answer: a client that wants one is bound, too
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// What it has in common with all sockets of datagrams stands at [`DatagramSocket`]. Descriptors that are passed along are
/// closed, unless they are [received](UnixDatagram::receive_with_fds). A sender whose path fills an address whole, with no
/// room for a NUL behind it, as Linux allows, can't be named: then its address is unnamed.
pub type UnixDatagram = DatagramSocket<net::UnixDatagram>;

/// A [`UnixDatagram`] whose path is its own: [`UnixDatagram::bind_fresh`].
pub type FreshUnixDatagram = DatagramSocket<Fresh<net::UnixDatagram>>;

impl UnixDatagram {
    /// At no address: it can send, and nobody can answer.
    ///
    /// # Errors
    /// The system's, for want of descriptors most often.
    pub fn unbound() -> io::Result<UnixDatagram> {
        ours(net::UnixDatagram::unbound()?)
    }

    /// Two that are connected to each other, at no address.
    ///
    /// ```
    /// use giambio::net::unix::UnixDatagram;
    ///
    /// giambio::run(async {
    ///     let (one, other) = UnixDatagram::pair()?;
    ///     one.send(b"ping").await?;
    ///     let mut buffer = [0; 8];
    ///     assert_eq!(other.receive(&mut buffer).await?.length, 4);
    ///     # Ok::<(), std::io::Error>(())
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// The system's, for want of descriptors most often.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = net::UnixDatagram::pair()?;
        Ok((ours(one)?, ours(other)?))
    }

    /// Receives at a path, where this makes a file. It is left there in the end, and none that is there before is removed.
    ///
    /// # Errors
    /// As [`UnixListener::bind`](super::UnixListener::bind).
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixDatagram> {
        UnixDatagram::bind_addr(&of_path(path.as_ref())?)
    }

    /// As [`bind`](UnixDatagram::bind), at an address, which on Linux may be [a name that is no
    /// path](super#names-that-are-no-paths).
    ///
    /// # Errors
    /// As [`UnixListener::bind`](super::UnixListener::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixDatagram> {
        ours(net::UnixDatagram::bind_addr(address).map_err(naming(address))?)
    }

    /// Receives at a path that is its own: as [`UnixListener::bind_fresh`](super::UnixListener::bind_fresh).
    ///
    /// # Errors
    /// As [`UnixListener::bind_fresh`](super::UnixListener::bind_fresh).
    pub fn bind_fresh(path: impl AsRef<Path>) -> io::Result<FreshUnixDatagram> {
        let path = path.as_ref();
        let address = of_path(path)?;
        let fresh = Fresh::bind(path, Type::DGRAM, || net::UnixDatagram::bind_addr(&address))?;
        fresh.set_nonblocking(true)?;
        Ok(FreshUnixDatagram::from_nonblocking(fresh))
    }
}

fn ours(socket: net::UnixDatagram) -> io::Result<UnixDatagram> {
    socket.set_nonblocking(true)?;
    Ok(UnixDatagram::from_nonblocking(socket))
}

/// # Between programs of one machine
impl<S: Datagrams<Address = SocketAddr> + AsFd> DatagramSocket<S> {
    /// Sends to a path from now on, and receives from there alone. It may be called again.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound): there is no such path. [`ConnectionRefused`](io::ErrorKind::ConnectionRefused):
    /// nobody is there any more. [`InvalidInput`](io::ErrorKind::InvalidInput): the path can't be an address.
    /// [`Closed`](crate::net::Closed).
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.connect_addr(&of_path(path.as_ref())?)
    }

    /// As [`connect`](UnixDatagram::connect), to an address.
    ///
    /// # Errors
    /// As [`connect`](UnixDatagram::connect).
    pub fn connect_addr(&self, address: &SocketAddr) -> io::Result<()> {
        let to = system::address_of(address)?;
        self.source().with(|socket| SockRef::from(socket).connect(&to)).map_err(naming(address))
    }

    /// Waits for room and sends `data` as one datagram to a path.
    ///
    /// While the receiver has no room, this asks again every 5 ms, since the system tells nobody but who is
    /// [connected](UnixDatagram::connect). Any number of tasks may do so.
    ///
    /// # Errors
    /// [`TooLong`](crate::net::TooLong); [`NotFound`](io::ErrorKind::NotFound): there is no such path;
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused): nobody is there any more;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): the path can't be an address; [`Closed`](crate::net::Closed).
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) It is sent only by the poll that returns.
    #[track_caller]
    pub fn send_to(&self, data: &[u8], path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
        let address = of_path(path.as_ref());
        async move { self.send_to_addr(data, &address?).await }
    }

    /// As [`send_to`](UnixDatagram::send_to), to an address, as one that came with a datagram.
    ///
    /// # Errors
    /// As [`send_to`](UnixDatagram::send_to).
    ///
    /// # Panics
    /// As [`send_to`](UnixDatagram::send_to).
    ///
    /// # Cancellation
    /// As [`send_to`](UnixDatagram::send_to).
    #[track_caller]
    pub fn send_to_addr(&self, data: &[u8], address: &SocketAddr) -> impl Future<Output = io::Result<()>> {
        async move {
            let whither = system::address_of(address)?;
            let to = |socket: &S, data: &[u8]| system::send_to_any(socket, data, &whither).map(|_| ());
            loop {
                match self.source().attempt(None, |socket| send(socket, data, to)).await.map_err(would_block::<S>) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(UNTIL_ROOM).await,
                    sent => return sent.map_err(naming(address)),
                }
            }
        }
    }

    /// Sends `data` as one datagram to an address, if there is room now. Never waits.
    ///
    /// ```
    /// use giambio::net::unix::UnixDatagram;
    /// use std::os::unix::net::SocketAddr;
    ///
    /// # giambio::run(async {
    /// let path = std::env::temp_dir().join(format!("giambio-try-send-{}", std::process::id()));
    /// let (server, client) = (UnixDatagram::bind_fresh(&path)?, UnixDatagram::unbound()?);
    /// client.try_send_to_addr(b"hello", &SocketAddr::from_pathname(&path)?)?;
    /// assert_eq!(server.receive(&mut [0; 16]).await?.length, 5);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; else as [`send_to`](UnixDatagram::send_to).
    pub fn try_send_to_addr(&self, data: &[u8], address: &SocketAddr) -> io::Result<()> {
        let whither = system::address_of(address)?;
        let to = |socket: &S, data: &[u8]| system::send_to_any(socket, data, &whither).map(|_| ());
        let sent = self.source().try_io(None, |socket| send(socket, data, to));
        sent.map_err(would_block::<S>).map_err(naming(address))
    }
}

descriptor!(net::UnixDatagram);

impl Datagrams for net::UnixDatagram {
    type Address = SocketAddr;

    fn receive_now(&self, buffer: &mut [u8], then: Then) -> io::Result<(Received, SocketAddr)> {
        let (received, from) = system::receive_datagram(self, buffer, then == Then::Left)?;
        Ok((received, system::unix_address(from)?))
    }

    fn send_now(&self, data: &[u8]) -> io::Result<()> {
        system::send_datagram(self, data)
    }

    fn is_receiver_full(error: &io::Error) -> bool {
        is_receiver_full(error)
    }

    fn longest(&self) -> Option<usize> {
        SockRef::from(self).send_buffer_size().ok()
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn peer_address(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }

    fn pending_error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
}
