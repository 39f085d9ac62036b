//! A connection by a path.

use std::io::{self, IoSliceMut};
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;
use std::time::Duration;

use giambio_core::sleep;
use socket2::{Domain, Socket, Type};

use super::address::{naming, of_path};
use crate::net::connecting::connected;
use crate::net::connection::connection;
use crate::net::system;
use crate::reactor::Done;
use crate::stream::{ByteStream, Receives};

/// How soon to ask again whether a listener has room for a connection: nobody tells.
const UNTIL_ROOM: Duration = Duration::from_millis(5);

/// A connection to a program on the same machine.
///
/// ```
/// use giambio::net::unix::{UnixListener, UnixStream};
///
/// giambio::run(async {
///     let path = std::env::temp_dir().join(format!("giambio-stream-{}", std::process::id()));
///     let listener = UnixListener::bind(&path)?;
///     let client = UnixStream::connect(&path).await?;
///     let (server, _) = listener.accept().await?;
///
///     client.send_all(b"hello").await?;
///     let mut buffer = [0; 5];
///     server.receive_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"hello");
///     std::fs::remove_file(path)
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// What it has in common with all streams stands at [`ByteStream`]. Descriptors that a peer passes along with its data are
/// closed, unless they are [received](UnixStream::receive_with_fds).
pub type UnixStream = ByteStream<net::UnixStream>;

impl UnixStream {
    /// Connects to who listens at a path.
    ///
    /// While as many connections as the listener's backlog has room for wait to be accepted, this asks again every 5 ms, since
    /// the system tells nobody of room. (Some systems refuse at once: [`ConnectionRefused`](io::ErrorKind::ConnectionRefused).)
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound): there is no such path. [`ConnectionRefused`](io::ErrorKind::ConnectionRefused):
    /// nobody listens there any more. [`PermissionDenied`](io::ErrorKind::PermissionDenied).
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): the path is longer than an address may be, some hundred bytes.
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) A connection that was being made is closed.
    #[track_caller]
    pub fn connect(path: impl AsRef<Path>) -> impl Future<Output = io::Result<UnixStream>> {
        let address = of_path(path.as_ref());
        async move { UnixStream::connect_addr(&address?).await }
    }

    /// As [`connect`](UnixStream::connect), to an address, which on Linux may be
    /// [a name that is no path](super#names-that-are-no-paths).
    ///
    /// # Errors
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Panics
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Cancellation
    /// As [`connect`](UnixStream::connect).
    #[track_caller]
    pub fn connect_addr(address: &SocketAddr) -> impl Future<Output = io::Result<UnixStream>> {
        async move {
            let to = system::address_of(address)?;
            loop {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                socket.set_nonblocking(true)?;
                match connected(socket, &to).await {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(UNTIL_ROOM).await,
                    ended => return ended.map_err(naming(address)),
                }
            }
        }
    }

    /// Two ends of a connection that has no address.
    ///
    /// ```
    /// use giambio::net::unix::UnixStream;
    ///
    /// giambio::run(async {
    ///     let (one, other) = UnixStream::pair()?;
    ///     one.send_all(b"ping").await?;
    ///     let mut buffer = [0; 4];
    ///     other.receive_exact(&mut buffer).await
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// The system's, for want of descriptors most often.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = net::UnixStream::pair()?;
        one.set_nonblocking(true)?;
        other.set_nonblocking(true)?;
        Ok((UnixStream::from_nonblocking(one), UnixStream::from_nonblocking(other)))
    }
}

connection!(net::UnixStream, SocketAddr);

impl Receives for net::UnixStream {
    fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Done<usize>> {
        let room = buffer.len();
        system::receive_vectored(self, &mut [IoSliceMut::new(buffer)], room)
    }

    fn receive_vectored_now(&self, buffers: &mut [IoSliceMut<'_>], room: usize) -> io::Result<Done<usize>> {
        system::receive_vectored(self, buffers, room)
    }
}
