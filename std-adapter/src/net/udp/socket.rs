//! UDP: a socket.

use std::io;
use std::net::{self, SocketAddr};

use socket2::SockRef;

use crate::net::address_errors::AddressErrors;
use crate::net::addresses::{ToAddresses, lookup};
use crate::net::datagram::{DatagramSocket, Datagrams, Then, send};
use crate::net::descriptor::descriptor;
use crate::net::received::Received;
use crate::net::system;
use crate::reactor::Direction;

/// What a datagram has room for at most, over IPv4 and over IPv6: 16 bits count its bytes with the headers', of 28 and of 8.
const LONGEST: (usize, usize) = (65_507, 65_527);

/// A UDP socket.
///
/// ```
/// use giambio::net::UdpSocket;
///
/// giambio::run(async {
///     let server = UdpSocket::bind("127.0.0.1:0").await?; // port 0: the system picks one
///     let client = UdpSocket::bind("127.0.0.1:0").await?;
///     client.connect(server.local_addr()?).await?;
///
///     client.send(b"hello").await?;
///     let mut buffer = [0; 1500];
///     let (received, peer) = server.receive_from(&mut buffer).await?;
///     server.send_to(&buffer[..received.length], peer).await?;
///     let received = client.receive(&mut buffer).await?;
///     assert_eq!(&buffer[..received.length], b"hello");
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// A datagram may get lost, come twice, or overtake another: who needs an answer asks again
/// ([`move_on_after`](crate::move_on_after()) ends the wait for one).
///
/// What it has in common with all sockets of datagrams stands at [`DatagramSocket`]. What has to be settled before it is
/// bound, as sharing a port, is settled with `socket2`, and what that makes is taken over:
/// `UdpSocket::from(std::net::UdpSocket::from(socket))`.
///
/// # Errors that come later
/// That nobody receives at an address the network tells by a message. A *connected* socket gets it as the error of a later
/// call, [`ConnectionRefused`](io::ErrorKind::ConnectionRefused), once, and can be used as before. One that is not connected
/// never hears of it, on Windows too, where the system would say `ConnectionReset` of a call that receives from somebody
/// else.
pub type UdpSocket = DatagramSocket<net::UdpSocket>;

impl UdpSocket {
    /// Takes the first of `addresses` that can be had.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`PermissionDenied`](io::ErrorKind::PermissionDenied) and others, if all
    /// fail; of several, [`AddressErrors`] has each. [`InvalidInput`](io::ErrorKind::InvalidInput) for what is no address.
    /// What [`lookup`] says of a name.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn bind(addresses: impl ToAddresses) -> impl Future<Output = io::Result<UdpSocket>> {
        async {
            first(lookup(addresses).await?, |address| {
                let socket = net::UdpSocket::bind(address)?;
                socket.set_nonblocking(true)?;
                Ok(UdpSocket::from_nonblocking(socket))
            })
        }
    }

    /// Sends to the first of `addresses` that it can from now on, and receives from there alone. It may be called again.
    ///
    /// # Errors
    /// Those of the system, as that there is no way to an address; of several addresses, [`AddressErrors`] has each. As
    /// [`bind`](UdpSocket::bind) otherwise.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn connect(&self, addresses: impl ToAddresses) -> impl Future<Output = io::Result<()>> {
        async { first(lookup(addresses).await?, |address| self.source().with(|socket| socket.connect(address))) }
    }

    /// Waits for room and sends `data` as one datagram to an address. The system takes it whole or not at all.
    ///
    /// # Errors
    /// [`TooLong`](crate::net::TooLong); [`PermissionDenied`](io::ErrorKind::PermissionDenied) for a
    /// [broadcast](UdpSocket::set_broadcast) that was not allowed; others of the network; on some systems, that it is
    /// connected; [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task waits to send;
    /// [`Closed`](crate::net::Closed).
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) It is sent only by the poll that returns.
    #[track_caller]
    pub fn send_to(&self, data: &[u8], address: impl Into<SocketAddr>) -> impl Future<Output = io::Result<()>> {
        let address = address.into();
        self.source().attempt(Some(Direction::Write), move |socket| {
            send(socket, data, |socket, data| system::send_to(socket, data, &address))
        })
    }

    /// Sends `data` as one datagram to an address, if there is room now. Never waits.
    ///
    /// ```
    /// use giambio::net::UdpSocket;
    ///
    /// # giambio::run(async {
    /// let (one, other) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    /// one.try_send_to(b"hello", other.local_addr()?)?;
    /// assert_eq!(other.receive(&mut [0; 16]).await?.length, 5);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; else as [`send_to`](UdpSocket::send_to).
    pub fn try_send_to(&self, data: &[u8], address: impl Into<SocketAddr>) -> io::Result<()> {
        let address = address.into();
        self.source().try_io(Some(Direction::Write), |socket| {
            send(socket, data, |socket, data| system::send_to(socket, data, &address))
        })
    }
}

/// What becomes of the first address for which `take` succeeds.
fn first<T>(addresses: Vec<SocketAddr>, take: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut errors = Vec::new();
    for &address in &addresses {
        match take(address) {
            Ok(taken) => return Ok(taken),
            Err(error) => errors.push((address, error)),
        }
    }
    Err(AddressErrors::into_one(addresses.len(), errors))
}

descriptor!(net::UdpSocket);

impl Datagrams for net::UdpSocket {
    type Address = SocketAddr;

    fn receive_now(&self, buffer: &mut [u8], then: Then) -> io::Result<(Received, SocketAddr)> {
        system::receive_from(self, buffer, then == Then::Left)
    }

    fn send_now(&self, data: &[u8]) -> io::Result<()> {
        system::send_datagram(self, data)
    }

    fn longest(&self) -> Option<usize> {
        let of_protocol = if self.local_addr().ok()?.is_ipv4() { LONGEST.0 } else { LONGEST.1 };
        Some(of_protocol.min(SockRef::from(self).send_buffer_size().unwrap_or(usize::MAX)))
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
