//! A path that belongs to a socket: what a dead one has left there is removed before, and it is removed in the end.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{self, SocketAddr};
use std::path::{self, Path, PathBuf};

use socket2::{Domain, Socket, Type};

use super::address::of_path;
use crate::net::datagram::{Datagrams, Then};
use crate::net::listener::Listens;
use crate::net::received::Received;
use crate::net::system;
use crate::reactor::Descriptor;
use crate::sys::process::Process;

/// A socket of the standard library whose path is removed with it. What is made by
/// [`UnixListener::bind_fresh`](super::UnixListener::bind_fresh) and
/// [`UnixDatagram::bind_fresh`](super::UnixDatagram::bind_fresh) is over one.
#[derive(Debug)]
pub struct Fresh<S> {
    place: Place,
    socket: S,
}

impl<S> Fresh<S> {
    /// Binds at a path as `bind` does, and takes away what a dead socket has left there.
    pub(super) fn bind(path: &Path, kind: Type, bind: impl Fn() -> io::Result<S>) -> io::Result<Fresh<S>> {
        let socket = match bind() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path, kind)?;
                bind()
            }
            bound => bound,
        };
        let socket = socket.map_err(|error| io::Error::new(error.kind(), format!("{path:?}: {error}")))?;
        let place = Place::of(path)?;
        Ok(Fresh { place, socket })
    }

    /// The socket, and its path.
    pub fn as_socket(&self) -> (&S, &Path) {
        (&self.socket, &self.place.path)
    }
}

/// Removes the file of a socket that nobody has any more. Whatever else is there stays, and is an error that says what it is.
fn remove_stale(path: &Path, kind: Type) -> io::Result<()> {
    let in_use = |what| io::Error::new(io::ErrorKind::AddrInUse, format!("{path:?} {what}"));
    let before = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !before.file_type().is_socket() {
        return Err(in_use("is there, and is no socket: choose another path, or remove it"));
    }
    let visitor = Socket::new(Domain::UNIX, kind, None)?;
    visitor.set_nonblocking(true)?;
    match visitor.connect(&system::address_of(&of_path(path)?)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        // It has no room for one more, or is of another kind: somebody is there.
        _ => return Err(in_use("is the address of a socket that is in use")),
    }
    match fs::symlink_metadata(path) {
        Ok(now) if (now.dev(), now.ino()) != (before.dev(), before.ino()) => {
            Err(in_use("was taken by another socket just now"))
        }
        _ => fs::remove_file(path),
    }
}

/// Where a socket is, as long as that is its own.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Which file it is: somebody may have put another one there.
    file: (u64, u64),
    /// A fork has a copy of this, and the path is not its own.
    process: Process,
}

impl Place {
    fn of(path: &Path) -> io::Result<Place> {
        let path = path::absolute(path)?;
        let file = which(&path)?;
        Ok(Place { path, file, process: Process::remembered() })
    }
}

fn which(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.process == Process::current() && which(&self.path).is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl<S: AsFd> AsFd for Fresh<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl<S: Descriptor> Descriptor for Fresh<S>
where
    Fresh<S>: AsFd,
{
    const RELIES_ON_MODE: bool = S::RELIES_ON_MODE;

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    fn end(&self) {
        self.socket.end();
    }
}

impl Listens for Fresh<net::UnixListener> {
    type Stream = net::UnixStream;

    fn accept_now(&self) -> io::Result<(net::UnixStream, SocketAddr)> {
        self.socket.accept_now()
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_address()
    }

    fn pending_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.pending_error()
    }
}

impl Datagrams for Fresh<net::UnixDatagram> {
    type Address = SocketAddr;

    fn receive_now(&self, buffer: &mut [u8], then: Then) -> io::Result<(Received, SocketAddr)> {
        self.socket.receive_now(buffer, then)
    }

    fn send_now(&self, data: &[u8]) -> io::Result<()> {
        self.socket.send_now(data)
    }

    fn is_receiver_full(error: &io::Error) -> bool {
        net::UnixDatagram::is_receiver_full(error)
    }

    fn longest(&self) -> Option<usize> {
        self.socket.longest()
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_address()
    }

    fn peer_address(&self) -> io::Result<SocketAddr> {
        self.socket.peer_address()
    }

    fn pending_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.pending_error()
    }
}
