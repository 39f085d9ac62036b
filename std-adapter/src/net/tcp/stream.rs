//! TCP: a connection.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{self, Shutdown, SocketAddr};

use crate::net::system;
use crate::reactor::{Descriptor, Done, Source};
use crate::stream::{ByteStream, Connection, Receives, Sends};

/// A TCP connection.
///
/// Every call takes `&self`: one task may [`receive`](TcpStream::receive) while another [sends](TcpStream::send_all). A
/// second one in the same direction gets [`ResourceBusy`](io::ErrorKind::ResourceBusy).
///
/// ```
/// use giambio::net::{TcpListener, TcpStream};
///
/// giambio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let client = TcpStream::connect(listener.local_addr()?).await?;
///     let (server, _) = listener.accept().await?;
///
///     client.send_all(b"hello").await?;
///     let mut buffer = [0; 1024];
///     let count = server.receive(&mut buffer).await?;
///     assert_eq!(&buffer[..count], b"hello");
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// What it has in common with all streams stands at [`ByteStream`].
pub type TcpStream = ByteStream<net::TcpStream>;

impl Descriptor for net::TcpStream {
    const RELIES_ON_MODE: bool = system::RELIES_ON_MODE;

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.set_nonblocking(nonblocking)
    }

    fn prepare(&self) {
        system::make_quiet(self);
    }

    fn end(&self) {
        // It is refused where there is no connection any more.
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Receives for net::TcpStream {
    fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Done<usize>> {
        system::receive(self, buffer)
    }

    fn receive_vectored_now(&self, buffers: &mut [IoSliceMut<'_>], room: usize) -> io::Result<Done<usize>> {
        system::receive_vectored(self, buffers, room)
    }
}

impl Sends for net::TcpStream {
    fn send_now(&self, data: &[u8]) -> io::Result<Done<usize>> {
        system::send(self, data)
    }

    fn send_vectored_now(&self, data: &[IoSlice<'_>], length: usize) -> io::Result<Done<usize>> {
        system::send_vectored(self, data, length)
    }

    fn finish(source: &Source<Self>) -> io::Result<()> {
        source.with(|socket| socket.shutdown(Shutdown::Write))
    }
}

impl Connection for net::TcpStream {
    type Address = SocketAddr;

    fn peek_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        system::peek(self, buffer)
    }

    fn shutdown_now(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
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
