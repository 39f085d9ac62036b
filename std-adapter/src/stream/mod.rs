//! Byte streams: what all of them have in common, whatever they are over.
//!
//! [`ByteStream<S>`](ByteStream) is a socket or an end of a pipe, `S`, that waits without stopping the thread. Its instances
//! have names of their own, and constructors and options beside what is here: [`net::TcpStream`](crate::net::TcpStream) is a
//! `ByteStream` over [`std::net::TcpStream`], and so are the pipes of a [child](crate::process::Child); on Unix there are
//! `net::unix::UnixStream` and the ends of any `pipe`.
//!
//! Code that serves any of them takes a `ByteStream<S>`, and says what it wants to do with it: [`Receives`], [`Sends`], or
//! [`Connection`], which is both.
//!
//! ```
//! use giambio::net::{TcpListener, TcpStream};
//! use giambio::stream::{ByteStream, Connection};
//! use std::io;
//!
//! async fn echo<S: Connection>(stream: &ByteStream<S>) -> io::Result<()> {
//!     let mut buffer = [0; 1024];
//!     loop {
//!         match stream.receive(&mut buffer).await? {
//!             0 => return Ok(()),
//!             count => stream.send_all(&buffer[..count]).await?,
//!         }
//!     }
//! }
//! # giambio::run(async {
//! # let listener = TcpListener::bind("127.0.0.1:0").await?;
//! # let client = TcpStream::connect(listener.local_addr()?).await?;
//! # client.send_all(b"hello").await?;
//! # client.shutdown(std::net::Shutdown::Write)?;
//! # echo(&listener.accept().await?.0).await?;
//! # client.receive_exact(&mut [0; 5]).await
//! # })?;
//! # Ok::<(), io::Error>(())
//! ```
//!
//! All of it, as a whole or in pieces: [`receive_to_end`](ByteStream::receive_to_end); [`Buffered`] for lines and frames;
//! [`copy`] and [`copy_both`] from one to another. What is no descriptor has the same: two ends in memory ([`duplex`]), and
//! the streams of other libraries ([`Foreign`]). Code for all of that, and halves, takes an [`Incoming`] or an [`Outgoing`].
//!
//! # How one is added
//! A kind of stream is a descriptor for which [`Receives`], [`Sends`] or both say how bytes are moved now, without waiting
//! (`stream/kind.rs`). All that waits, counts, splits and closes is here, once.

mod all;
mod alone;
mod buffered;
mod calls;
mod copy;
mod duplex;
#[cfg(feature = "embedded-io-async")]
mod embedded_io;
mod ends;
mod foreign;
mod frame;
mod futures_io;
mod halves;
mod incoming;
mod kind;
mod outgoing;
#[cfg(any(unix, feature = "process"))]
mod pipe;
mod pump;
mod stdin;
mod to_end;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;

pub use all::{ReceiveExact, SendAll};
pub use buffered::{Buffered, Lines};
pub use copy::{Copy, CopyBoth, copy, copy_both};
pub use duplex::{Duplex, duplex};
pub use foreign::Foreign;
pub use frame::SendFrame;
pub use halves::{ReceiveHalf, ReuniteError, SendHalf};
pub use incoming::Incoming;
pub use kind::{Connection, Receives, Sends};
pub use outgoing::Outgoing;
#[cfg(unix)]
pub use pipe::pipe;
#[cfg(any(unix, feature = "process"))]
pub use pipe::{PipeReceiver, PipeSender};
pub use to_end::ReceiveToEnd;

use crate::reactor::{Closed, Descriptor, Direction, Done, Source};

/// A stream of bytes over `S`, a socket or an end of a pipe.
///
/// Every call takes `&self`: one task may [`receive`](ByteStream::receive) while another [sends](ByteStream::send_all). A
/// second one in the same direction gets [`ResourceBusy`](io::ErrorKind::ResourceBusy).
///
/// For libraries it is an [`AsyncRead`](::futures_io::AsyncRead) and [`AsyncWrite`](::futures_io::AsyncWrite), the traits of
/// `futures-io`, and so is `&ByteStream`: `futures`, `futures-lite` and smol's crates take both as they are. With feature
/// `embedded-io-async` it is a `Read` and `Write` of that crate, too, for drivers that are to run on boards and here.
///
/// It is closed when dropped, or by [`close`](ByteStream::close). One that waits for data costs some hundred bytes; hold no
/// buffer meanwhile by waiting with [`readable`](ByteStream::readable).
///
/// ```
/// use giambio::net::{TcpListener, TcpStream};
/// use std::io::{ErrorKind, IoSlice, IoSliceMut};
///
/// # giambio::run(async {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let one = TcpStream::from_std(std::net::TcpStream::connect(listener.local_addr()?)?); // as `TcpStream::from`
/// let (other, _) = listener.accept().await?;
/// assert_eq!(one.peer_addr()?, other.local_addr()?);
///
/// let mut buffer = [0; 16];
/// assert_eq!(other.try_receive(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock); // nothing yet
/// one.writable().await?;
/// assert_eq!(one.try_send(b"he")? + one.send(b"ll").await? + one.send_vectored(&[IoSlice::new(b"o")]).await?, 5);
/// assert!(other.peek(&mut buffer).await? > 0); // it is there still
/// let (head, tail) = buffer.split_at_mut(1);
/// assert!(other.receive_vectored(&mut [IoSliceMut::new(head), IoSliceMut::new(tail)]).await? > 0);
/// assert!(other.take_error()?.is_none());
///
/// other.close();
/// assert!(other.receive(&mut buffer).await.is_err());
/// let _blocking: std::net::TcpStream = one.into_std()?;
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct ByteStream<S: Descriptor> {
    source: Source<S>,
}

impl<S: Descriptor> ByteStream<S> {
    /// Over what is in non-blocking mode, and nobody else's.
    pub(crate) fn from_nonblocking(io: S) -> ByteStream<S> {
        ByteStream { source: Source::new(io) }
    }

    /// Takes over what the standard library has, as `From` does.
    ///
    /// A socket may have clones, so on Windows each of its calls makes one more to the system: see
    /// [`into_std`](ByteStream::into_std).
    #[must_use]
    pub fn from_std(io: S) -> ByteStream<S> {
        match io.set_nonblocking(true) {
            Ok(()) => {
                let stream = ByteStream::from_nonblocking(io);
                stream.source.share(); // it may have clones
                stream
            }
            Err(_) => ByteStream { source: Source::closed() },
        }
    }

    /// Gives it back to the standard library, in blocking mode.
    ///
    /// All clones of a socket are in one mode. A stream of this crate over a clone of this one goes on without blocking the
    /// thread. On Windows, which has no calls for that, it sets the mode back before each, and blocks only if another
    /// thread changes it just then.
    ///
    /// # Errors
    /// [`Closed`], or the system refuses to change the mode.
    pub fn into_std(self) -> io::Result<S> {
        let io = self.source.take().ok_or_else(Closed::error)?;
        io.set_nonblocking(false)?;
        Ok(io)
    }

    /// Closes the stream now. Tasks that wait for it are woken and get [`Closed`], as does every later call.
    /// Closing twice does nothing.
    ///
    /// What was sent is still delivered, unless data was waiting to be received by a socket: then the peer gets a reset. A
    /// descriptor that was borrowed, as by `as_fd`, stays open until this is dropped; the connection is ended in both
    /// directions, for its clones too.
    ///
    /// The `close` that `futures` and others have for an `AsyncWrite` is another one: it ends the direction of sending, as
    /// [`shutdown`](ByteStream::shutdown) does. `stream.close()` is always this one; that one is written
    /// `AsyncWriteExt::close(&mut stream).await`.
    pub fn close(&self) {
        self.source.close();
    }

    pub(crate) fn source(&self) -> &Source<S> {
        &self.source
    }
}

/// # Receiving
impl<S: Receives> ByteStream<S> {
    /// Waits for data and moves it to `buffer`; returns how many bytes. 0 says that the peer has sent everything it will
    /// (or that `buffer` is empty: that waits for nothing).
    ///
    /// # Errors
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset) and other errors of the network;
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task receives; [`Closed`].
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) Data is taken only by the poll that returns it.
    #[track_caller]
    pub fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        // An `async fn` would hold its arguments twice.
        self.source.attempt(Direction::Read.unless(buffer.is_empty()), move |io| calls::receive(io, buffer))
    }

    /// Like [`receive`](ByteStream::receive), into several buffers, at most 1,024 of them, each filled before the next.
    ///
    /// # Errors
    /// As [`receive`](ByteStream::receive).
    ///
    /// # Panics
    /// As [`receive`](ByteStream::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn receive_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> impl Future<Output = io::Result<usize>> {
        let direction = Direction::Read.unless(calls::are_empty(buffers));
        self.source.attempt(direction, move |io| calls::receive_vectored(io, buffers))
    }

    /// Moves data to `buffer` if there is some now. Never waits.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; else as [`receive`](ByteStream::receive).
    pub fn try_receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.try_io(Direction::Read.unless(buffer.is_empty()), |io| calls::receive(io, buffer))
    }

    /// Waits until [`try_receive`](ByteStream::try_receive) may succeed, so that no buffer need be held meanwhile:
    ///
    /// ```
    /// # use giambio::net::TcpStream;
    /// # use std::io;
    /// async fn receive(stream: &TcpStream, shared: &std::cell::RefCell<[u8; 4096]>) -> io::Result<Vec<u8>> {
    ///     loop {
    ///         stream.readable().await?;
    ///         let mut buffer = shared.borrow_mut();
    ///         match stream.try_receive(&mut *buffer) {
    ///             Err(error) if error.kind() == io::ErrorKind::WouldBlock => {} // a false alarm
    ///             received => return received.map(|count| buffer[..count].to_vec()),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`receive`](ByteStream::receive).
    ///
    /// # Panics
    /// As [`receive`](ByteStream::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        self.source.attempt(Some(Direction::Read), |_| Ok(Done::more(())))
    }
}

/// # Sending
impl<S: Sends> ByteStream<S> {
    /// Waits for room and sends the beginning of `data`; returns how many bytes, which is 0 only if there are none.
    ///
    /// # Errors
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe), [`ConnectionReset`](io::ErrorKind::ConnectionReset) and other
    /// errors of the network; [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task sends;
    /// [`Closed`].
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) Data is sent only by the poll that returns the count.
    #[track_caller]
    pub fn send(&self, data: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.source.attempt(Direction::Write.unless(data.is_empty()), move |io| calls::send(io, data))
    }

    /// Like [`send`](ByteStream::send), from several buffers, at most 1,024 of them, one after the other.
    ///
    /// # Errors
    /// As [`send`](ByteStream::send).
    ///
    /// # Panics
    /// As [`send`](ByteStream::send).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn send_vectored(&self, data: &[IoSlice<'_>]) -> impl Future<Output = io::Result<usize>> {
        let direction = Direction::Write.unless(calls::are_empty(data));
        self.source.attempt(direction, move |io| calls::send_vectored(io, data))
    }

    /// Sends the beginning of `data` if there is room now. Never waits.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; else as [`send`](ByteStream::send).
    pub fn try_send(&self, data: &[u8]) -> io::Result<usize> {
        self.source.try_io(Direction::Write.unless(data.is_empty()), |io| calls::send(io, data))
    }

    /// Waits until [`try_send`](ByteStream::try_send) may succeed. It may be a false alarm.
    ///
    /// # Errors
    /// As [`send`](ByteStream::send).
    ///
    /// # Panics
    /// As [`send`](ByteStream::send).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        self.source.attempt(Some(Direction::Write), |_| Ok(Done::more(())))
    }
}

/// # Sockets
impl<S: Connection> ByteStream<S> {
    /// Waits for data and copies it to `buffer`, but leaves it to be received.
    ///
    /// # Errors
    /// As [`receive`](ByteStream::receive).
    ///
    /// # Panics
    /// As [`receive`](ByteStream::receive).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.source.attempt(Direction::Read.unless(buffer.is_empty()), move |io| calls::peek(io, buffer))
    }

    /// Ends one direction or both, while the connection stays open: after `Shutdown::Write` the peer receives what was sent
    /// before, then the end.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) if the connection is over already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.source.shut_down(how, |socket| socket.shutdown_now(how))
    }

    /// This end's address.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn local_addr(&self) -> io::Result<S::Address> {
        self.source.with(S::local_address)
    }

    /// The peer's address.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the connection is over.
    pub fn peer_addr(&self) -> io::Result<S::Address> {
        self.source.with(S::peer_address)
    }

    /// An error that is pending on the connection, if there is one. Asking clears it.
    ///
    /// # Errors
    /// [`Closed`], or the system's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.with(S::pending_error)
    }
}

impl<S: Descriptor> From<S> for ByteStream<S> {
    /// Takes over what the standard library has. Should the system refuse to make it non-blocking, it is closed,
    /// and every call says so.
    fn from(io: S) -> ByteStream<S> {
        ByteStream::from_std(io)
    }
}

impl<S: Descriptor> fmt::Debug for ByteStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
