//! TCP: what takes connections.

use std::io;
use std::net::{self, Shutdown, SocketAddr};

use socket2::SockRef;

use crate::net::listener::{Listener, Listens};
use crate::reactor::Descriptor;

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
///
/// What it can do stands at [`Listener`], but for its options.
pub type TcpListener = Listener<net::TcpListener>;

impl TcpListener {
    /// How many routers a packet of a connection that is accepted from now on may pass.
    ///
    /// ```
    /// use giambio::net::TcpListener;
    ///
    /// # giambio::run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// listener.set_ttl(32)?;
    /// assert_eq!(listener.ttl()?, 32);
    /// assert!(listener.only_v6().is_err()); // it is one of IPv4
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed), or the system's.
    pub fn ttl(&self) -> io::Result<u32> {
        self.source().with(net::TcpListener::ttl)
    }

    /// Sets [`ttl`](TcpListener::ttl).
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed), or the system's.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.source().with(|listener| listener.set_ttl(ttl))
    }

    /// Is it for IPv6 alone? `false`: connections of IPv4 come as IPv6 with mapped addresses.
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed), or the system's, as for a listener of IPv4.
    pub fn only_v6(&self) -> io::Result<bool> {
        self.source().with(|listener| SockRef::from(listener).only_v6())
    }
}

impl Descriptor for net::TcpListener {
    /// Each call of `accept` sets it, anyway.
    const RELIES_ON_MODE: bool = false;

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.set_nonblocking(nonblocking)
    }

    fn end(&self) {
        // It is refused where a listener is no connection.
        let _ = SockRef::from(self).shutdown(Shutdown::Both);
    }
}

impl Listens for net::TcpListener {
    type Stream = net::TcpStream;

    fn accept_now(&self) -> io::Result<(net::TcpStream, SocketAddr)> {
        self.accept()
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn pending_error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
}
