//! A descriptor that is waited for, on Unix.

use std::cell::OnceCell;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub(in crate::fd) use std::os::fd::AsFd as Lends;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use crate::reactor::{Closed, Descriptor, Direction, Done, Source};

/// A second descriptor of what is waited for, which nobody else has.
#[derive(Debug)]
pub(in crate::fd) struct Twin(OwnedFd);

impl Twin {
    /// A descriptor of what `io` has, if that can be waited for.
    pub(in crate::fd) fn of(io: &impl AsFd) -> io::Result<Twin> {
        let twin = File::from(io.as_fd().try_clone_to_owned()?);
        let kind = twin.metadata()?.file_type();
        match (kind.is_file(), kind.is_dir()) {
            (false, false) => Ok(Twin(twin.into())),
            (true, _) => Err(never_waits("a regular file")),
            (false, true) => Err(never_waits("a folder")),
        }
    }

    /// What it means that the system refuses to tell about it.
    pub(in crate::fd) fn refused(error: io::Error) -> io::Error {
        match Errno::from_io_error(&error) {
            // The first is Linux's word for a file without a way to wait for it, as /dev/null; the others are kqueue's.
            Some(Errno::PERM | Errno::INVAL | Errno::NODEV | Errno::NXIO | Errno::OPNOTSUPP) => {
                never_waits("what the system won't tell about")
            }
            _ => error,
        }
    }

    /// Puts it into non-blocking mode. Was it in the other?
    pub(in crate::fd) fn unblock(&self) -> io::Result<bool> {
        let mode = fcntl_getfl(&self.0)?;
        let was_blocking = !mode.contains(OFlags::NONBLOCK);
        if was_blocking {
            fcntl_setfl(&self.0, mode | OFlags::NONBLOCK)?;
        }
        Ok(was_blocking)
    }

    pub(in crate::fd) fn block(&self) -> io::Result<()> {
        Ok(fcntl_setfl(&self.0, fcntl_getfl(&self.0)? - OFlags::NONBLOCK)?)
    }

    /// Does the system say that it is so, or that it is at an end? Would block: neither.
    pub(in crate::fd) fn is(&self, wanted: PollFlags) -> io::Result<Done<()>> {
        let mut asked = [PollFd::new(&self.0, wanted)];
        match poll(&mut asked, Some(&Timespec::default()))? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(Done::more(())),
        }
    }
}

fn never_waits(what: &str) -> io::Error {
    let text = format!("{what} can't be waited for: read and write it on another thread, by `giambio::unblock`");
    io::Error::new(io::ErrorKind::Unsupported, text)
}

/// Asks the system whether it is ready.
pub(in crate::fd) fn look(direction: Direction) -> impl FnMut(&Twin) -> io::Result<Done<()>> + Unpin {
    let wanted = match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    };
    move |twin| twin.is(wanted)
}

impl AsFd for Twin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Descriptor for Twin {
    /// Its calls are the program's.
    const RELIES_ON_MODE: bool = false;

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        if nonblocking { self.unblock().map(|_| ()) } else { self.block() }
    }

    /// It is never lent.
    fn end(&self) {}
}

/// Who waits for what is urgent, apart from who reads: one more descriptor, once somebody does.
#[derive(Debug, Default)]
pub(in crate::fd) struct Urgent(OnceCell<Source<Twin>>);

impl Urgent {
    /// The descriptor for that, of `io`.
    #[allow(dead_code, reason = "not every system tells of what is urgent")]
    pub(in crate::fd) fn of(&self, io: &impl AsFd) -> io::Result<&Source<Twin>> {
        if self.0.get().is_none() {
            let _ = self.0.set(Source::new(Twin::of(io)?));
        }
        self.0.get().ok_or_else(Closed::error)
    }

    pub(in crate::fd) fn close(&self) {
        if let Some(twin) = self.0.get() {
            twin.close();
        }
    }
}
