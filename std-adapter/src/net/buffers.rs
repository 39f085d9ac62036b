//! How much the system holds for a connection, of whatever kind.

use std::io;

use socket2::SockRef;

use crate::stream::{ByteStream, Connection};

///
/// ```
/// use giambio::net::{TcpListener, TcpStream};
///
/// # giambio::run(async {
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let stream = TcpStream::connect(listener.local_addr()?).await?;
/// # let (peer, _) = listener.accept().await?;
/// stream.set_send_buffer_size(1 << 16)?;
/// stream.set_receive_buffer_size(1 << 16)?;
/// assert!(stream.send_buffer_size()? > 0 && stream.receive_buffer_size()? > 0);
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Buffers of the system
impl<S: Connection> ByteStream<S> {
    /// How many bytes the system may hold that were sent but not delivered.
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed), or the system's.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        self.source().with(|socket| SockRef::from(socket).send_buffer_size())
    }

    /// Asks for [`send_buffer_size`](ByteStream::send_buffer_size); the system may round it, or double it as Linux does.
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed), or the system's.
    pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.source().with(|socket| SockRef::from(socket).set_send_buffer_size(bytes))
    }

    /// How many bytes the system may hold that wait to be received.
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed), or the system's.
    pub fn receive_buffer_size(&self) -> io::Result<usize> {
        self.source().with(|socket| SockRef::from(socket).recv_buffer_size())
    }

    /// Asks for [`receive_buffer_size`](ByteStream::receive_buffer_size); the system may round it, or double it as Linux does.
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed), or the system's.
    pub fn set_receive_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.source().with(|socket| SockRef::from(socket).set_recv_buffer_size(bytes))
    }
}
