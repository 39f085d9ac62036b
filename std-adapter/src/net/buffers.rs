//! How much the system holds for a connection, of whatever kind.

use std::io;

use socket2::SockRef;

use crate::stream::{ByteStream, Connection};

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
