//! What takes connections at a path.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use socket2::{SockRef, Type};

use super::address::{naming, of_path};
use super::fresh::Fresh;
use crate::net::listener::{Listener, Listens};
use crate::reactor::Descriptor;

/// A socket that takes connections at a path: see [`UnixStream`](super::UnixStream).
///
/// What it can do stands at [`Listener`].
pub type UnixListener = Listener<net::UnixListener>;

/// A [`UnixListener`] whose path is its own: [`UnixListener::bind_fresh`].
pub type FreshUnixListener = Listener<Fresh<net::UnixListener>>;

impl UnixListener {
    /// Listens at a path, where this makes a file. It is left there in the end, and none that is there before is removed.
    ///
    /// ```
    /// use giambio::net::unix::UnixListener;
    /// use std::fs;
    /// use std::io::ErrorKind;
    ///
    /// let path = std::env::temp_dir().join(format!("giambio-listener-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    /// drop(listener);
    /// fs::remove_file(&path)?; // or the next one could not listen here
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse): something is there already. [`NotFound`](io::ErrorKind::NotFound): the folder
    /// is not. [`PermissionDenied`](io::ErrorKind::PermissionDenied). [`InvalidInput`](io::ErrorKind::InvalidInput): the path
    /// is longer than an address may be, some hundred bytes, or empty.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        UnixListener::bind_addr(&of_path(path.as_ref())?)
    }

    /// As [`bind`](UnixListener::bind), at an address, which on Linux may be [a name that is no
    /// path](super#names-that-are-no-paths).
    ///
    /// # Errors
    /// As [`bind`](UnixListener::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixListener> {
        let listener = net::UnixListener::bind_addr(address).map_err(naming(address))?;
        listener.set_nonblocking(true)?;
        Ok(UnixListener::from_nonblocking(listener))
    }

    /// Listens at a path that is its own: a socket that nobody listens at any more, which a program has left there that was
    /// killed, is removed before, and this one when it is closed or dropped.
    ///
    /// ```
    /// use giambio::net::unix::UnixListener;
    /// use std::io::ErrorKind;
    ///
    /// let path = std::env::temp_dir().join(format!("giambio-fresh-{}", std::process::id()));
    /// drop(UnixListener::bind(&path)?); // it is left there
    /// let listener = UnixListener::bind_fresh(&path)?;
    /// assert_eq!(UnixListener::bind_fresh(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    /// drop(listener);
    /// assert!(!path.exists());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// Whether somebody listens there it finds out by a visit, so a listener in use accepts a connection that ends at once. Two
    /// programs that begin at the same moment may both find what is stale, and one may then remove what the other has made: let
    /// one service manager start them. The path is removed by the process that made it, if it still leads to this socket.
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse): somebody listens there, or what is there is no socket. Else as
    /// [`bind`](UnixListener::bind).
    pub fn bind_fresh(path: impl AsRef<Path>) -> io::Result<FreshUnixListener> {
        let path = path.as_ref();
        let address = of_path(path)?;
        let fresh = Fresh::bind(path, Type::STREAM, || net::UnixListener::bind_addr(&address))?;
        fresh.set_nonblocking(true)?;
        Ok(FreshUnixListener::from_nonblocking(fresh))
    }
}

impl Descriptor for net::UnixListener {
    /// Each call of `accept` sets it, anyway.
    const RELIES_ON_MODE: bool = false;

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.set_nonblocking(nonblocking)
    }

    fn end(&self) {
        // It is refused where a listener is no connection.
        let _ = SockRef::from(self).shutdown(Shutdown::Both);
    }
}

impl Listens for net::UnixListener {
    type Stream = net::UnixStream;

    fn accept_now(&self) -> io::Result<(net::UnixStream, SocketAddr)> {
        self.accept()
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn pending_error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
}
