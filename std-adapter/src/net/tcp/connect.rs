//! Making a connection.

use std::io;
use std::net::{self, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use super::TcpStream;
use crate::net::{ToAddresses, lookup};
use crate::platform;
use crate::reactor::{Done, Side};

/// What has to be settled before a connection is made. Most options of a stream can be set later, on [`TcpStream`].
///
/// ```
/// # use giambio::net::TcpListener;
/// use giambio::net::ConnectOptions;
///
/// giambio::run(async {
///     # let listener = TcpListener::bind("127.0.0.1:0").await?;
///     # let server = listener.local_addr()?;
///     let stream = ConnectOptions::new().local_address("127.0.0.2:0".parse().unwrap()).connect(server).await?;
///     assert_eq!(stream.local_addr()?.ip().to_string(), "127.0.0.2");
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until `connect` is called"]
pub struct ConnectOptions {
    local: Option<SocketAddr>,
    send_buffer: Option<usize>,
    receive_buffer: Option<usize>,
}

impl ConnectOptions {
    /// The system's defaults.
    pub fn new() -> ConnectOptions {
        ConnectOptions::default()
    }

    /// Connects from this address of ours; port 0 lets the system choose one.
    pub fn local_address(self, address: SocketAddr) -> ConnectOptions {
        ConnectOptions { local: Some(address), ..self }
    }

    /// How many bytes the system may hold that were sent but not delivered.
    pub fn send_buffer_size(self, bytes: usize) -> ConnectOptions {
        ConnectOptions { send_buffer: Some(bytes), ..self }
    }

    /// How many bytes the system may hold that wait to be received. Settled when the connection is made, because it limits the
    /// window that the peer is offered.
    pub fn receive_buffer_size(self, bytes: usize) -> ConnectOptions {
        ConnectOptions { receive_buffer: Some(bytes), ..self }
    }

    /// Connects to the first of `addresses` that answers.
    ///
    /// # Errors
    /// The error of the last address, if all fail; [`InvalidInput`](io::ErrorKind::InvalidInput) for what is no address.
    ///
    /// # Cancellation
    /// **Restartable.** A connection that was being made is closed.
    pub async fn connect(&self, addresses: impl ToAddresses) -> io::Result<TcpStream> {
        let mut last = no_address();
        for address in lookup(addresses).await? {
            match self.connect_one(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_one(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        if let Some(bytes) = self.send_buffer {
            socket.set_send_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(local) = self.local {
            socket.bind(&local.into())?;
        }
        let pending = match socket.connect(&address.into()) {
            Ok(()) => false,
            Err(error) if platform::is_in_progress(&error) => true,
            Err(error) => return Err(error),
        };
        let stream = TcpStream::from_nonblocking(socket.into());
        if pending {
            stream.source().attempt(Some(Side::Write), is_connected).await?;
        }
        Ok(stream)
    }
}

/// Has the connection come about? Would block: not yet.
fn is_connected(socket: &net::TcpStream) -> io::Result<Done<()>> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(Done::more(())),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error),
    }
}

pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "no address was given, or the name has none")
}
