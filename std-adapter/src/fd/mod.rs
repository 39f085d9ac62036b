//! The low door: waits for any descriptor of the system's, a socket on Windows, and leaves it to the program what to do with
//! it.
//!
//! What libraries and the system hand out are descriptors that nobody here knows: an inotify, a timerfd, a terminal, a pin of
//! a GPIO, a connection to a database that a library in C has made. [`Fd`] waits until one is ready, and has the program's
//! own call made then. Sockets and streams of bytes have better doors: [`net`](crate::net) and [`stream`](crate::stream), if
//! feature `net` is on.
//!
//! ```
//! use std::net::UdpSocket;
//! use giambio::fd::Fd;
//!
//! let (one, other) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
//! giambio::run(async {
//!     let other = Fd::new(other)?;
//!     one.send_to(b"hello", other.get_ref().local_addr()?)?;
//!     let mut buffer = [0; 16];
//!     let (count, from) = other.read_with(|socket| socket.recv_from(&mut buffer)).await?;
//!     assert_eq!((&buffer[..count], from), (&b"hello"[..], one.local_addr()?));
//!     Ok::<(), std::io::Error>(())
//! })?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod twin;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fmt;
use std::io;

use twin::{Lends, Twin, Urgent, look};

pub use crate::reactor::Closed;
use crate::reactor::{Direction, Done, Source};

/// Something with a descriptor, which is waited for: `T` is [`AsFd`](std::os::fd::AsFd) on Unix, `AsSocket` on Windows. It
/// may be borrowed.
///
/// One task may wait to read while another waits to write; a second one for the same gets
/// [`ResourceBusy`](io::ErrorKind::ResourceBusy).
///
/// # A second descriptor
/// The system is asked about a duplicate, which this has to itself: whatever becomes of `T`'s own descriptor, no other one is
/// ever taken for it, and one descriptor may have several `Fd`s. Each costs a descriptor, until it is [closed](Fd::close) or
/// dropped.
///
/// # What can't be waited for
/// Of a regular file and a folder every system says that they are always ready, and reading them blocks all the same. They
/// are refused, and so is whatever else the system won't tell about: [`unblock`](crate::unblock()) reads them on another
/// thread.
pub struct Fd<T> {
    twin: Source<Twin>,
    urgent: Urgent,
    io: T,
    /// It was in blocking mode, and that was changed.
    was_blocking: bool,
}

impl<T: Lends> Fd<T> {
    /// Waits for `io` from now on, which is put into non-blocking mode.
    ///
    /// The mode belongs to what was opened, and not to the descriptor: clones have it too, and other processes that have
    /// inherited one. For those there is [`in_its_mode`](Fd::in_its_mode).
    ///
    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported): it [can't be waited for](Fd#what-cant-be-waited-for). The system's, for
    /// want of descriptors most often. `io` is dropped then, and its mode is as before.
    pub fn new(io: T) -> io::Result<Fd<T>> {
        let mut fd = Fd::in_its_mode(io)?;
        fd.was_blocking = fd.twin.with(Twin::unblock)?;
        Ok(fd)
    }

    /// Waits for `io` from now on, and leaves its mode as it is: in blocking mode, a call may block the thread, unless it
    /// says itself that it must not, as one with `MSG_DONTWAIT` does. So may a read after [`readable`](Fd::readable), if
    /// somebody else reads first.
    ///
    /// ```
    /// use std::net::UdpSocket;
    /// use giambio::fd::Fd;
    ///
    /// # giambio::run(async {
    /// let ours = UdpSocket::bind("127.0.0.1:0")?;
    /// let clone = ours.try_clone()?; // another thread has it, say, and wants it to block
    /// let fd = Fd::in_its_mode(clone)?;
    /// ours.send_to(b"hello", ours.local_addr()?)?;
    /// fd.readable().await?;
    /// assert_eq!(fd.get_ref().recv(&mut [0; 16])?, 5);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Fd::new).
    pub fn in_its_mode(io: T) -> io::Result<Fd<T>> {
        let twin = Source::new(Twin::of(&io)?);
        twin.register().map_err(Twin::refused)?;
        Ok(Fd { twin, urgent: Urgent::default(), io, was_blocking: false })
    }

    /// What is waited for.
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// Gives it back in the mode in which it came; on Windows, which does not tell it, in blocking mode. It may be
    /// [closed](Fd::close) here.
    ///
    /// ```
    /// use std::net::UdpSocket;
    /// use giambio::fd::Fd;
    ///
    /// # giambio::run(async {
    /// let fd = Fd::new(UdpSocket::bind("127.0.0.1:0")?)?;
    /// let socket: UdpSocket = fd.into_inner()?; // it blocks again
    /// assert!(socket.local_addr().is_ok());
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// The system refuses to change the mode. `T` is dropped then.
    pub fn into_inner(self) -> io::Result<T> {
        if self.was_blocking {
            match self.twin.take() {
                Some(twin) => twin.block()?,
                None => Twin::of(&self.io)?.block()?,
            }
        }
        Ok(self.io)
    }

    /// Ends all waiting. Tasks that wait are woken and get [`Closed`], as does every later call. Closing twice does nothing.
    ///
    /// `T` itself may be borrowed, and so stays open until this is dropped.
    ///
    /// ```
    /// use std::net::UdpSocket;
    /// use giambio::fd::{Closed, Fd};
    ///
    /// # giambio::run(async {
    /// let fd = Fd::new(UdpSocket::bind("127.0.0.1:0")?)?;
    /// fd.close();
    /// let error = fd.readable().await.unwrap_err();
    /// assert!(error.get_ref().is_some_and(|inside| inside.is::<Closed>()));
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn close(&self) {
        self.twin.close();
        self.urgent.close();
    }

    /// Waits until the system says that it can be read, or that there will never be anything: then reading says so.
    ///
    /// On Unix the system is asked each time, whoever has read meanwhile. On Windows it may be a false alarm.
    ///
    /// ```
    /// use std::net::UdpSocket;
    /// use giambio::fd::Fd;
    ///
    /// # giambio::run(async {
    /// let fd = Fd::new(UdpSocket::bind("127.0.0.1:0")?)?;
    /// fd.writable().await?;
    /// fd.get_ref().send_to(b"hello", fd.get_ref().local_addr()?)?;
    /// fd.readable().await?;
    /// assert_eq!(fd.get_ref().recv(&mut [0; 16])?, 5);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task waits to read; [`Closed`].
    ///
    /// # Panics
    /// If it has to wait outside of a [`run`](crate::run()), where nobody looks at descriptors.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> {
        self.twin.attempt(Some(Direction::Read), look(Direction::Read))
    }

    /// Waits until the system says that it can be written, or that writing fails.
    ///
    /// On Unix the system is asked each time, whoever has written meanwhile. On Windows it may be a false alarm.
    ///
    /// # Errors
    /// As [`readable`](Fd::readable), for writing.
    ///
    /// # Panics
    /// As [`readable`](Fd::readable).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> {
        self.twin.attempt(Some(Direction::Write), look(Direction::Write))
    }

    /// Calls `f` until it no longer fails with [`WouldBlock`](io::ErrorKind::WouldBlock), and waits in between until it can
    /// be read.
    ///
    /// `f` should be one call to the system, and fail so only if that does: what it says of itself is believed, and then
    /// waited for is what comes next.
    ///
    /// # Errors
    /// Those of `f`, but for `WouldBlock` and [`Interrupted`](io::ErrorKind::Interrupted), after which it is called again;
    /// [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task waits to read; [`Closed`].
    ///
    /// # Panics
    /// As [`readable`](Fd::readable), and where `f` does.
    ///
    /// # Cancellation
    /// [**Restartable**](giambio_core#cancellation), if `f` has done nothing when it fails: it is called by the poll that
    /// returns what it did.
    #[track_caller]
    pub fn read_with<R>(&self, mut f: impl FnMut(&T) -> io::Result<R>) -> impl Future<Output = io::Result<R>> {
        self.twin.attempt_call(Direction::Read, move || f(&self.io))
    }

    /// As [`read_with`](Fd::read_with), and waits until it can be written.
    ///
    /// # Errors
    /// As [`read_with`](Fd::read_with), for writing.
    ///
    /// # Panics
    /// As [`read_with`](Fd::read_with).
    ///
    /// # Cancellation
    /// As [`read_with`](Fd::read_with).
    #[track_caller]
    pub fn write_with<R>(&self, mut f: impl FnMut(&T) -> io::Result<R>) -> impl Future<Output = io::Result<R>> {
        self.twin.attempt_call(Direction::Write, move || f(&self.io))
    }

    /// Calls `f` once, unless another task waits to read. Never waits, if `f` does not.
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use std::net::UdpSocket;
    /// use giambio::fd::Fd;
    ///
    /// # giambio::run(async {
    /// let fd = Fd::new(UdpSocket::bind("127.0.0.1:0")?)?;
    /// let mut buffer = [0; 16];
    /// let nothing = fd.try_read_with(|socket| socket.recv(&mut buffer));
    /// assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
    /// let here = fd.get_ref().local_addr()?;
    /// assert_eq!(fd.try_write_with(|socket| socket.send_to(b"hello", here))?, 5);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `f`; [`ResourceBusy`](io::ErrorKind::ResourceBusy) while another task waits to read; [`Closed`].
    pub fn try_read_with<R>(&self, f: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.try_with(Direction::Read, f)
    }

    /// Calls `f` once, unless another task waits to write. Never waits, if `f` does not.
    ///
    /// # Errors
    /// As [`try_read_with`](Fd::try_read_with), for writing.
    pub fn try_write_with<R>(&self, f: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.try_with(Direction::Write, f)
    }

    fn try_with<R>(&self, direction: Direction, f: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.twin.try_call(direction, || {
            self.twin.expect_open()?;
            f(&self.io).map(Done::more)
        })
    }
}

impl<T> fmt::Debug for Fd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fd").field(&self.twin).finish()
    }
}
