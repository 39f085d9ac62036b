//! A connection.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{self, Shutdown, SocketAddr};

use super::bytes;
use super::whole::{ReceiveExact, SendAll};
use crate::net::{ConnectOptions, ToAddresses};
use crate::platform::bytes::make_quiet;
use crate::reactor::{Done, Side, Source};

/// A TCP connection.
///
/// Every call takes `&self`: one task may [`receive`](TcpStream::receive) while another [sends](TcpStream::send_all). A
/// second one on the same side gets [`ResourceBusy`](io::ErrorKind::ResourceBusy).
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
/// For libraries it is an [`AsyncRead`](futures_io::AsyncRead) and [`AsyncWrite`](futures_io::AsyncWrite), the traits of
/// `futures-io`, and so is `&TcpStream`: `futures`, `futures-lite` and smol's crates take both as they are.
///
/// It is closed when dropped, or by [`close`](TcpStream::close). One that waits for data costs some hundred bytes; hold no
/// buffer meanwhile by waiting with [`readable`](TcpStream::readable).
pub struct TcpStream {
    source: Source<net::TcpStream>,
}

impl TcpStream {
    /// Connects to the first of `addresses` that answers: how they are tried is said at
    /// [`ConnectOptions::connect`].
    ///
    /// ```no_run
    /// # giambio::run(async {
    /// let stream = giambio::net::TcpStream::connect("localhost:1500").await?;
    /// # Ok::<(), std::io::Error>(()) });
    /// ```
    ///
    /// # Errors
    /// That of the address, or of several [`AddressErrors`](crate::net::AddressErrors), which has the error of each;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for what is no address; what [`lookup`](crate::net::lookup) says of a
    /// name.
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// **Restartable.** Connections that were being made are closed.
    pub async fn connect(addresses: impl ToAddresses) -> io::Result<TcpStream> {
        ConnectOptions::new().connect(addresses).await
    }

    /// `socket` must be in non-blocking mode.
    pub(super) fn from_nonblocking(socket: net::TcpStream) -> TcpStream {
        make_quiet(&socket);
        TcpStream { source: Source::new(socket) }
    }

    /// Takes over a connection of the standard library, as `From` does.
    ///
    /// It may have clones, so on Windows each of its calls makes one more to the system: see [`into_std`](TcpStream::into_std).
    #[must_use]
    pub fn from_std(socket: net::TcpStream) -> TcpStream {
        match socket.set_nonblocking(true) {
            Ok(()) => {
                let stream = TcpStream::from_nonblocking(socket);
                stream.source.share(); // it may have clones
                stream
            }
            Err(_) => TcpStream { source: Source::closed() },
        }
    }

    /// Gives the connection back to the standard library, in blocking mode.
    ///
    /// All clones of a socket are in one mode. A `TcpStream` of this crate over a clone of this one goes on without blocking
    /// the thread. On Windows, which has no calls for that, it sets the mode back before each, and blocks only if another
    /// thread changes it just then.
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed), or the system refuses to change the mode.
    pub fn into_std(self) -> io::Result<net::TcpStream> {
        let socket = self.source.take().ok_or_else(crate::net::Closed::error)?;
        socket.set_nonblocking(false)?;
        Ok(socket)
    }

    /// Waits for data and moves it to `buffer`; returns how many bytes. 0 says that the peer has sent everything it will
    /// (or that `buffer` is empty: that waits for nothing).
    ///
    /// # Errors
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset) and other errors of the network;
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task receives; [`Closed`](crate::net::Closed).
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// **Restartable.** Data is taken only by the poll that returns it.
    pub fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        // An `async fn` would hold its arguments twice.
        self.source.attempt(Side::Read.unless(buffer.is_empty()), move |socket| bytes::receive(socket, buffer))
    }

    /// Like [`receive`](TcpStream::receive), into several buffers, at most 1,024 of them, each filled before the next.
    ///
    /// # Errors
    /// As [`receive`](TcpStream::receive).
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn receive_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let side = Side::Read.unless(bytes::are_empty(buffers));
        self.source.attempt(side, |socket| bytes::receive_vectored(socket, buffers)).await
    }

    /// Fills `buffer` to the end. The future tells how far it got: [`ReceiveExact::received`].
    ///
    /// # Errors
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the stream ends before; else as [`receive`](TcpStream::receive).
    ///
    /// # Cancellation
    /// **Lossy**: what was received is in `buffer`, and only the future knows how much. Await it by `&mut`, and ask it
    /// afterwards; or go on by awaiting it again.
    pub fn receive_exact<'a>(&'a self, buffer: &'a mut [u8]) -> ReceiveExact<'a> {
        ReceiveExact::new(self, buffer)
    }

    /// Waits for data and copies it to `buffer`, but leaves it to be received.
    ///
    /// # Errors
    /// As [`receive`](TcpStream::receive).
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.attempt(Side::Read.unless(buffer.is_empty()), |socket| bytes::peek(socket, buffer)).await
    }

    /// Moves data to `buffer` if there is some now. Never waits.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; else as [`receive`](TcpStream::receive).
    pub fn try_receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.try_io(Side::Read.unless(buffer.is_empty()), |socket| bytes::receive(socket, buffer))
    }

    /// Waits until [`try_receive`](TcpStream::try_receive) may succeed, so that no buffer need be held meanwhile:
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
    /// As [`receive`](TcpStream::receive).
    ///
    /// # Cancellation
    /// **Restartable.**
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        self.source.attempt(Some(Side::Read), |_| Ok(Done::more(())))
    }

    /// Waits for room and sends the beginning of `data`; returns how many bytes, which is 0 only if there are none.
    ///
    /// # Errors
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe), [`ConnectionReset`](io::ErrorKind::ConnectionReset) and other
    /// errors of the network; [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task sends;
    /// [`Closed`](crate::net::Closed).
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// **Restartable.** Data is sent only by the poll that returns the count.
    pub fn send(&self, data: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.source.attempt(Side::Write.unless(data.is_empty()), move |socket| bytes::send(socket, data))
    }

    /// Like [`send`](TcpStream::send), from several buffers, at most 1,024 of them, one after the other.
    ///
    /// # Errors
    /// As [`send`](TcpStream::send).
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn send_vectored(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        let side = Side::Write.unless(bytes::are_empty(data));
        self.source.attempt(side, |socket| bytes::send_vectored(socket, data)).await
    }

    /// Sends all of `data`. The future tells how far it got: [`SendAll::written`].
    ///
    /// # Errors
    /// As [`send`](TcpStream::send).
    ///
    /// # Cancellation
    /// **Lossy**: only the future knows how much was sent. To know it after a cancellation, await the future by `&mut`
    /// and ask it afterwards, or go on by awaiting it again:
    ///
    /// ```
    /// # use giambio::net::TcpStream;
    /// # use std::time::Duration;
    /// async fn send_for_a_second(stream: &TcpStream, data: &[u8]) -> std::io::Result<usize> {
    ///     let mut sending = stream.send_all(data);
    ///     if let Some(sent) = giambio::move_on_after(Duration::from_secs(1), &mut sending).await {
    ///         sent?;
    ///     }
    ///     Ok(sending.written())
    /// }
    /// ```
    pub fn send_all<'a>(&'a self, data: &'a [u8]) -> SendAll<'a> {
        SendAll::new(self, data)
    }

    /// Sends the beginning of `data` if there is room now. Never waits.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none; else as [`send`](TcpStream::send).
    pub fn try_send(&self, data: &[u8]) -> io::Result<usize> {
        self.source.try_io(Side::Write.unless(data.is_empty()), |socket| bytes::send(socket, data))
    }

    /// Waits until [`try_send`](TcpStream::try_send) may succeed. It may be a false alarm.
    ///
    /// # Errors
    /// As [`send`](TcpStream::send).
    ///
    /// # Cancellation
    /// **Restartable.**
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        self.source.attempt(Some(Side::Write), |_| Ok(Done::more(())))
    }

    /// Ends one direction or both, while the connection stays open: after `Shutdown::Write` the peer receives what was sent
    /// before, then the end.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) if the connection is over already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.source.with(|socket| socket.shutdown(how))
    }

    /// Closes the connection now. Tasks that wait for it are woken and get [`Closed`](crate::net::Closed), as does every later call.
    /// Closing twice does nothing.
    ///
    /// What was sent is still delivered, unless data was waiting to be received: then the peer gets a reset. A descriptor that was
    /// borrowed, as by `as_fd`, stays open until this is dropped; the connection is ended in both directions, for its clones too.
    ///
    /// The `close` that `futures` and others have for an `AsyncWrite` is another one: it ends the direction of sending, as
    /// [`shutdown`](TcpStream::shutdown) does. `stream.close()` is always this one; that one is written
    /// `AsyncWriteExt::close(&mut stream).await`.
    pub fn close(&self) {
        self.source.close();
    }

    /// This end's address.
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed), or the system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(net::TcpStream::local_addr)
    }

    /// The peer's address.
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the connection is over.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(net::TcpStream::peer_addr)
    }

    /// What `name` says of the socket, which stays open as long as this is there.
    pub(crate) fn lend<T>(&self, name: impl FnOnce(&net::TcpStream) -> T) -> T {
        self.source.share();
        self.source.lend(name)
    }

    /// What `name` says of the socket to who borrows nothing.
    pub(crate) fn raw<T>(&self, name: impl FnOnce(&net::TcpStream) -> T) -> io::Result<T> {
        self.source.share();
        self.source.with(|socket| Ok(name(socket)))
    }

    pub(super) fn source(&self) -> &Source<net::TcpStream> {
        &self.source
    }
}

impl From<net::TcpStream> for TcpStream {
    /// Takes over a connection of the standard library. Should the system refuse to make it non-blocking, it is closed,
    /// and every call says so.
    fn from(socket: net::TcpStream) -> TcpStream {
        TcpStream::from_std(socket)
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
