//! Descriptors that go along with data to another program.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::SocketAddr;

use super::stream::UnixStream;
use crate::net::datagram::{DatagramSocket, Datagrams, send};
use crate::net::received::Received;
use crate::net::system;
use crate::reactor::{Direction, Done};

/// The descriptors that came along with data. No program that this one starts inherits them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Passed {
    /// In the order in which they were sent.
    pub fds: Vec<OwnedFd>,
    /// Were there more than there was room for, or than this process may have open? Those were closed.
    pub were_more: bool,
}

/// # Passing descriptors
/// What is passed is a duplicate: both programs have what is open then. 253 are the most at once.
///
/// ```
/// use std::fs::File;
/// use std::io::Read;
/// use std::os::fd::AsFd;
/// use giambio::net::unix::UnixStream;
///
/// giambio::run(async {
///     let (one, other) = UnixStream::pair()?;
///     let file = File::open("Cargo.toml")?;
///     one.send_with_fds(b"here it is", &[file.as_fd()]).await?;
///
///     let mut buffer = [0; 64];
///     let (count, mut passed) = other.receive_with_fds(&mut buffer, 1).await?;
///     assert!(count == 10 && !passed.were_more);
///     let mut text = String::new();
///     File::from(passed.fds.remove(0)).read_to_string(&mut text)?;
///     assert!(text.contains("giambio"));
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
impl UnixStream {
    /// Waits for room and sends the beginning of `data`, and all of `fds` along with its first byte; returns how many bytes.
    /// The rest is to be sent without them, as by [`send_all`](UnixStream::send_all).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): there is no byte that they could go along with, or there are too many
    /// of them. Linux takes no more while too many are on their way. Else as [`send`](UnixStream::send).
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) They are sent only by the poll that returns the count.
    #[track_caller]
    pub fn send_with_fds(&self, data: &[u8], fds: &[BorrowedFd<'_>]) -> impl Future<Output = io::Result<usize>> {
        self.source().attempt(Some(Direction::Write), move |socket| {
            if data.is_empty() {
                let text = "on a stream descriptors go along with bytes: send at least one";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            system::send_with_fds(socket, data, fds).map(Done::more)
        })
    }

    /// As [`receive`](UnixStream::receive), with the descriptors that come along, at most so many. 0 bytes say that the peer
    /// has sent everything. Descriptors come with the first byte that they were sent with, and what is received ends before
    /// the next ones.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for an empty buffer; else as [`receive`](UnixStream::receive).
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) They are taken only by the poll that returns them.
    #[track_caller]
    pub fn receive_with_fds(
        &self,
        buffer: &mut [u8],
        most: usize,
    ) -> impl Future<Output = io::Result<(usize, Passed)>> {
        self.source().attempt(Some(Direction::Read), move |socket| {
            if buffer.is_empty() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no room for a byte"));
            }
            let (received, fds, were_more) = system::receive_with_fds(socket, buffer, most)?;
            Ok(Done::more((received.length, Passed { fds, were_more })))
        })
    }
}

/// # Passing descriptors
/// What is passed is a duplicate: both programs have what is open then. 253 are the most at once.
impl<S: Datagrams<Address = SocketAddr> + AsFd> DatagramSocket<S> {
    /// As [`send`](DatagramSocket::send), with `fds` along.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): there are too many of them. Linux takes no more while too many are on
    /// their way. Else as [`send`](DatagramSocket::send).
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) They are sent only by the poll that returns.
    #[track_caller]
    pub fn send_with_fds(&self, data: &[u8], fds: &[BorrowedFd<'_>]) -> impl Future<Output = io::Result<()>> {
        let with_fds = move |socket: &S, data: &[u8]| system::send_with_fds(socket, data, fds).map(|_| ());
        self.source().attempt(Some(Direction::Write), move |socket| send(socket, data, with_fds))
    }

    /// As [`receive`](DatagramSocket::receive), with the descriptors that come along, at most so many.
    ///
    /// # Errors
    /// As [`receive`](DatagramSocket::receive).
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) They are taken only by the poll that returns them.
    #[track_caller]
    pub fn receive_with_fds(
        &self,
        buffer: &mut [u8],
        most: usize,
    ) -> impl Future<Output = io::Result<(Received, Passed)>> {
        self.source().attempt(Some(Direction::Read), move |socket| {
            let (received, fds, were_more) = system::receive_with_fds(socket, buffer, most)?;
            Ok(Done::more((received, Passed { fds, were_more })))
        })
    }
}
