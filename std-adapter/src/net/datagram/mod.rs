//! What all sockets of datagrams have in common, whatever their addresses are.

mod too_long;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fmt;
use std::io;
use std::time::Duration;

use giambio_core::sleep;
pub use too_long::TooLong;

use super::received::Received;
use crate::reactor::{Closed, Descriptor, Direction, Done, Source};
use crate::sys::errno::is_too_long;

/// How soon to ask again whether a receiver has room: nobody tells.
pub(super) const UNTIL_ROOM: Duration = Duration::from_millis(5);

/// What a [`DatagramSocket`] may be over.
///
/// It is a bound for code that is for all kinds of such sockets; none can be added from outside.
pub trait Datagrams: Descriptor {
    /// Where a socket is.
    type Address;

    /// Takes a datagram, or looks at it, without waiting.
    #[doc(hidden)]
    fn receive_now(&self, buffer: &mut [u8], then: Then) -> io::Result<(Received, Self::Address)>;

    /// Sends to who this is connected to, without waiting.
    #[doc(hidden)]
    fn send_now(&self, data: &[u8]) -> io::Result<()>;

    /// Does this error of sending mean that the receiver has no room, though this socket has? Nobody tells when there is.
    #[doc(hidden)]
    fn is_receiver_full(_: &io::Error) -> bool {
        false
    }

    /// How many bytes a datagram may have.
    #[doc(hidden)]
    fn longest(&self) -> Option<usize>;

    #[doc(hidden)]
    fn local_address(&self) -> io::Result<Self::Address>;

    #[doc(hidden)]
    fn peer_address(&self) -> io::Result<Self::Address>;

    #[doc(hidden)]
    fn pending_error(&self) -> io::Result<Option<io::Error>>;
}

/// What becomes of a datagram that was received.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is gone.
    Taken,
    /// The next call gets it, too.
    Left,
}

/// A socket of datagrams over `S`: [`UdpSocket`](super::UdpSocket) is one over [`std::net::UdpSocket`], and on Unix there is
/// `net::unix::UnixDatagram`.
///
/// Every call takes `&self`: one task may receive while another sends. While a task *waits* in one direction, a second one in
/// the same gets [`ResourceBusy`](io::ErrorKind::ResourceBusy).
///
/// ```
/// use giambio::net::UdpSocket;
/// use std::io::ErrorKind;
///
/// # giambio::run(async {
/// let server = UdpSocket::from_std(std::net::UdpSocket::bind("127.0.0.1:0")?); // as `UdpSocket::from`
/// let client = UdpSocket::bind("127.0.0.1:0").await?;
/// client.connect(server.local_addr()?).await?;
/// assert_eq!(client.peer_addr()?, server.local_addr()?);
///
/// let mut buffer = [0; 1500];
/// assert_eq!(client.try_receive(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
/// client.writable().await?;
/// client.try_send(b"hello")?; // or: client.send(b"hello").await?
/// server.readable().await?;
/// assert_eq!(server.peek(&mut buffer).await?.length, 5); // it is there still
/// assert_eq!(server.receive(&mut buffer).await?.length, 5);
/// assert!(server.take_error()?.is_none());
///
/// server.close();
/// assert!(server.try_receive(&mut buffer).is_err());
/// let _blocking: std::net::UdpSocket = client.into_std()?;
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct DatagramSocket<S: Datagrams> {
    source: Source<S>,
}

impl<S: Datagrams> DatagramSocket<S> {
    /// Takes over a socket of the standard library, as `From` does.
    ///
    /// It may have clones, so on Windows each of its calls makes one more to the system: see
    /// [`into_std`](DatagramSocket::into_std).
    #[must_use]
    pub fn from_std(socket: S) -> DatagramSocket<S> {
        let source = match socket.set_nonblocking(true) {
            Ok(()) => Source::new(socket),
            Err(_) => Source::closed(),
        };
        source.share(); // it may have clones
        DatagramSocket { source }
    }

    /// Over one in non-blocking mode, which is nobody else's.
    pub(super) fn from_nonblocking(socket: S) -> DatagramSocket<S> {
        DatagramSocket { source: Source::new(socket) }
    }

    /// Gives it back to the standard library, in blocking mode, which all clones of a socket share. A socket of this crate
    /// over a clone goes on without blocking the thread.
    ///
    /// # Errors
    /// [`Closed`], or the system refuses to change the mode.
    pub fn into_std(self) -> io::Result<S> {
        let socket = self.source.take().ok_or_else(Closed::error)?;
        socket.set_nonblocking(false)?;
        Ok(socket)
    }

    /// Closes the socket now. Tasks that wait for it are woken and get [`Closed`], as does every later call. Closing twice does
    /// nothing.
    ///
    /// A descriptor that was borrowed, as by `as_fd`, stays open until this is dropped.
    pub fn close(&self) {
        self.source.close();
    }

    /// Where this is; tells the port if it was bound to port 0.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn local_addr(&self) -> io::Result<S::Address> {
        self.source.with(S::local_address)
    }

    /// To whom this is connected.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected): to nobody; also [`Closed`].
    pub fn peer_addr(&self) -> io::Result<S::Address> {
        self.source.with(S::peer_address)
    }

    /// An error that is pending on the socket, if there is one. Asking clears it.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.with(S::pending_error)
    }

    pub(super) fn source(&self) -> &Source<S> {
        &self.source
    }
}

/// # Receiving
impl<S: Datagrams> DatagramSocket<S> {
    /// Waits for a datagram and moves it to `buffer`. Of one that is longer than this the rest is gone, which [`Received`]
    /// tells.
    ///
    /// Of a socket that is [connected](super::UdpSocket::connect), it is one from there.
    ///
    /// # Errors
    /// What the network has to say about what was sent before, as [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) on a
    /// connected socket: what comes later can be received all the same. [`ResourceBusy`](io::ErrorKind::ResourceBusy) while
    /// another task receives; [`Closed`].
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) A datagram is taken only by the poll that returns it.
    #[track_caller]
    pub fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<Received>> {
        self.source.attempt(Some(Direction::Read), move |socket| receive(socket, buffer, Then::Taken))
    }

    /// As [`receive`](DatagramSocket::receive); tells also who has sent it.
    ///
    /// # Errors
    /// As [`receive`](DatagramSocket::receive).
    ///
    /// # Panics
    /// As [`receive`](DatagramSocket::receive).
    ///
    /// # Cancellation
    /// As [`receive`](DatagramSocket::receive).
    #[track_caller]
    pub fn receive_from(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<(Received, S::Address)>> {
        self.source.attempt(Some(Direction::Read), move |socket| receive_from(socket, buffer, Then::Taken))
    }

    /// As [`receive`](DatagramSocket::receive), but the datagram stays, to be received whole.
    ///
    /// # Errors
    /// As [`receive`](DatagramSocket::receive).
    ///
    /// # Panics
    /// As [`receive`](DatagramSocket::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<Received>> {
        self.source.attempt(Some(Direction::Read), move |socket| receive(socket, buffer, Then::Left))
    }

    /// As [`receive_from`](DatagramSocket::receive_from), but the datagram stays, to be received whole.
    ///
    /// # Errors
    /// As [`receive`](DatagramSocket::receive).
    ///
    /// # Panics
    /// As [`receive`](DatagramSocket::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn peek_from(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<(Received, S::Address)>> {
        self.source.attempt(Some(Direction::Read), move |socket| receive_from(socket, buffer, Then::Left))
    }

    /// Moves a datagram to `buffer` if there is one now. Never waits.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; else as [`receive`](DatagramSocket::receive).
    pub fn try_receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.source.try_io(Some(Direction::Read), |socket| receive(socket, buffer, Then::Taken))
    }

    /// As [`try_receive`](DatagramSocket::try_receive); tells also who has sent it.
    ///
    /// # Errors
    /// As [`try_receive`](DatagramSocket::try_receive).
    pub fn try_receive_from(&self, buffer: &mut [u8]) -> io::Result<(Received, S::Address)> {
        self.source.try_io(Some(Direction::Read), |socket| receive_from(socket, buffer, Then::Taken))
    }

    /// Waits until [`try_receive`](DatagramSocket::try_receive) may succeed. It may be a false alarm.
    ///
    /// # Errors
    /// As [`receive`](DatagramSocket::receive).
    ///
    /// # Panics
    /// As [`receive`](DatagramSocket::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        self.source.attempt(Some(Direction::Read), |_| Ok(Done::more(())))
    }
}

/// # Sending
impl<S: Datagrams> DatagramSocket<S> {
    /// Waits for room and sends `data` as one datagram to who this is connected to. The system takes it whole or not at all.
    ///
    /// # Errors
    /// [`TooLong`]; what the network has to say about what was sent before, as
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused): `data` was not sent then;
    /// [`NotConnected`](io::ErrorKind::NotConnected), or another one, if it is connected to nobody;
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task waits to send; [`Closed`].
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) It is sent only by the poll that returns.
    #[track_caller]
    pub fn send(&self, data: &[u8]) -> impl Future<Output = io::Result<()>> {
        async move {
            loop {
                let sending = self.source.attempt(Some(Direction::Write), |socket| send(socket, data, S::send_now));
                match sending.await {
                    Err(error) if S::is_receiver_full(&error) => Box::pin(sleep(UNTIL_ROOM)).await,
                    sent => return sent,
                }
            }
        }
    }

    /// Sends `data` as one datagram, if there is room now. Never waits.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; else as [`send`](DatagramSocket::send).
    pub fn try_send(&self, data: &[u8]) -> io::Result<()> {
        let sent = self.source.try_io(Some(Direction::Write), |socket| send(socket, data, S::send_now));
        sent.map_err(would_block::<S>)
    }

    /// Waits until [`try_send`](DatagramSocket::try_send) may succeed. It may be a false alarm.
    ///
    /// # Errors
    /// As [`send`](DatagramSocket::send).
    ///
    /// # Panics
    /// As [`send`](DatagramSocket::send).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        self.source.attempt(Some(Direction::Write), |_| Ok(Done::more(())))
    }
}

/// However many bytes come, the next datagram may be there already.
fn receive<S: Datagrams>(socket: &S, buffer: &mut [u8], then: Then) -> io::Result<Done<Received>> {
    socket.receive_now(buffer, then).map(|(received, _)| Done::more(received))
}

fn receive_from<S: Datagrams>(socket: &S, buffer: &mut [u8], then: Then) -> io::Result<Done<(Received, S::Address)>> {
    socket.receive_now(buffer, then).map(Done::more)
}

/// That the receiver has no room is no other error than that there is none here.
pub(super) fn would_block<S: Datagrams>(error: io::Error) -> io::Error {
    if S::is_receiver_full(&error) { io::ErrorKind::WouldBlock.into() } else { error }
}

/// Sends by `call`, and says of what is too long how long it is.
pub(super) fn send<S: Datagrams>(
    socket: &S,
    data: &[u8],
    call: impl FnOnce(&S, &[u8]) -> io::Result<()>,
) -> io::Result<Done<()>> {
    match call(socket, data) {
        Err(error) if is_too_long(&error) => Err(TooLong::error(data.len(), socket.longest())),
        sent => sent.map(Done::more),
    }
}

impl<S: Datagrams> From<S> for DatagramSocket<S> {
    /// Takes over a socket of the standard library. Should the system refuse to make it non-blocking, it is closed,
    /// and every call says so.
    fn from(socket: S) -> DatagramSocket<S> {
        DatagramSocket::from_std(socket)
    }
}

impl<S: Datagrams> fmt::Debug for DatagramSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
