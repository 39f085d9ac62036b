//! TCP: a connection.

use std::io::{self, IoSliceMut};
use std::net::{self, SocketAddr};

use crate::net::connection::connection;
use crate::net::system;
use crate::reactor::Done;
use crate::stream::{ByteStream, Receives};

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

connection!(net::TcpStream, SocketAddr);

impl Receives for net::TcpStream {
    fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Done<usize>> {
        system::receive(self, buffer)
    }

    fn receive_vectored_now(&self, buffers: &mut [IoSliceMut<'_>], room: usize) -> io::Result<Done<usize>> {
        system::receive_vectored(self, buffers, room)
    }
}
