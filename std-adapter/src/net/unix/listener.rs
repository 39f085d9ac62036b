//! What takes connections at a path.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use socket2::SockRef;

use crate::net::listener::{Listener, Listens};
use crate::reactor::Descriptor;

/// A socket that takes connections at a path: see [`UnixStream`](super::UnixStream).
///
/// What it can do stands at [`Listener`].
pub type UnixListener = Listener<net::UnixListener>;

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
    /// [`AddrInUse`](io::ErrorKind::AddrInUse): something is there already. [`NotFound`](io::ErrorKind::NotFound): the folder is
    /// not. [`PermissionDenied`](io::ErrorKind::PermissionDenied). [`InvalidInput`](io::ErrorKind::InvalidInput): the path is
    /// longer than an address may be, some hundred bytes.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        let listener = net::UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(UnixListener::from_nonblocking(listener))
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
