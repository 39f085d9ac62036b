//! A socket that is waited for, on Windows.

use std::io;
use std::net::TcpStream;
use std::os::windows::io::{AsSocket, BorrowedSocket, OwnedSocket};

pub(in crate::fd) use std::os::windows::io::AsSocket as Lends;

use crate::reactor::{Descriptor, Direction, Done};

/// A second descriptor of the socket that is waited for, which nobody else has. To the standard library each socket has a mode,
/// of whatever kind it is.
#[derive(Debug)]
pub(in crate::fd) struct Twin(TcpStream);

impl Twin {
    /// A descriptor of what `io` has.
    pub(in crate::fd) fn of(io: &impl AsSocket) -> io::Result<Twin> {
        let twin: OwnedSocket = io.as_socket().try_clone_to_owned()?;
        Ok(Twin(twin.into()))
    }

    /// What it means that the system refuses to tell about it.
    pub(in crate::fd) fn refused(error: io::Error) -> io::Error {
        error
    }

    /// Puts it into non-blocking mode. Was it in the other? Nobody tells.
    pub(in crate::fd) fn unblock(&self) -> io::Result<bool> {
        self.0.set_nonblocking(true)?;
        Ok(true)
    }

    pub(in crate::fd) fn block(&self) -> io::Result<()> {
        self.0.set_nonblocking(false)
    }
}

/// Nobody can be asked whether it is ready. But each wait is told at once if it is, so the first answer is that it is not.
pub(in crate::fd) fn look(_: Direction) -> impl FnMut(&Twin) -> io::Result<Done<()>> + Unpin {
    let mut has_waited = false;
    move |_| {
        if has_waited {
            return Ok(Done::more(()));
        }
        has_waited = true;
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl AsSocket for Twin {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.0.as_socket()
    }
}

impl Descriptor for Twin {
    /// Its calls are the program's.
    const RELIES_ON_MODE: bool = false;

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }

    /// It is never lent.
    fn end(&self) {}
}

/// Who waits for what is urgent: nobody can.
#[derive(Debug, Default)]
pub(in crate::fd) struct Urgent;

impl Urgent {
    pub(in crate::fd) fn close(&self) {}
}
