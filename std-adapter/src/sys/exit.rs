//! What becomes readable when a child of this process ends: on Linux a pidfd; where there is kqueue, one of those, of the
//! child's own. Elsewhere there is nothing, and a thread has to wait.
//!
//! # Invariants
//! * **KNOWN-BEFORE-REAPED**: an [`Exit`] is made for a child that nobody has waited for yet, and so its number means that
//!   child.

use std::io;

use rustix::process::Pid;

pub(crate) use system::Exit;
pub(crate) use waiting::{is_over, reaping, wait_for};

#[cfg(all(target_os = "linux", not(giambio_portable)))]
mod system {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    #[derive(Debug)]
    pub(crate) struct Exit(OwnedFd);

    impl Exit {
        /// Since Linux 5.3.
        pub(crate) fn of(child: Pid) -> io::Result<Exit> {
            Ok(Exit(pidfd_open(child, PidfdFlags::empty())?))
        }
    }

    impl AsFd for Exit {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}

#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
))]
mod system {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd};
    use std::sync::Arc;
    use std::time::Duration;

    use polling::os::kqueue::{PollerKqueueExt, Process, ProcessOps};
    use polling::{Events, PollMode, Poller};
    use rustix::io::Errno;
    use rustix::process::Pid;

    use crate::sys::process;

    /// It stays readable, for nothing disarms its filter but being asked.
    #[derive(Debug)]
    pub(crate) struct Exit {
        kqueue: Arc<Poller>,
        /// It was over before it could be watched, or when it was asked.
        is_over: std::cell::Cell<bool>,
        /// Whose this is.
        process: process::Process,
    }

    impl Exit {
        pub(crate) fn of(child: Pid) -> io::Result<Exit> {
            let kqueue = Arc::new(Poller::new()?);
            // SAFETY: it is a child, by KNOWN-BEFORE-REAPED.
            let process = unsafe { Process::from_pid(child.as_raw_nonzero(), ProcessOps::Exit) };
            let is_over = match kqueue.add_filter(process, 0, PollMode::Oneshot) {
                // Some systems don't find a child that is over already.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => true,
                added => added.map(|()| false)?,
            };
            Ok(Exit { kqueue, is_over: is_over.into(), process: process::Process::remembered() })
        }

        pub(crate) fn is_over(&self) -> io::Result<bool> {
            if !self.is_over.get() {
                let events = self.kqueue.wait(&mut Events::new(), Some(Duration::ZERO))?;
                self.is_over.set(events > 0);
            }
            Ok(self.is_over.get())
        }
    }

    impl Drop for Exit {
        fn drop(&mut self) {
            self.process.keeps(&self.kqueue);
        }
    }

    impl AsFd for Exit {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.kqueue.as_fd()
        }
    }
}

#[cfg(not(any(
    all(target_os = "linux", not(giambio_portable)),
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
)))]
mod system {
    use std::convert::Infallible;
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd};

    use rustix::process::Pid;

    #[derive(Debug)]
    pub(crate) struct Exit(Infallible);

    impl Exit {
        pub(crate) fn of(_: Pid) -> io::Result<Exit> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    impl AsFd for Exit {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match self.0 {}
        }
    }
}

#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
))]
mod waiting {
    use rustix::process::WaitOptions;

    use super::{Exit, Pid, io};

    /// How to reap the child. The end may be told before there is something to be reaped, and is told once: then that is
    /// waited for, a moment.
    pub(crate) fn reaping(exit: Option<&Exit>) -> WaitOptions {
        match exit.map(Exit::is_over) {
            Some(Ok(true)) => WaitOptions::empty(),
            _ => WaitOptions::NOHANG,
        }
    }

    /// Has the child ended? It is not reaped by that.
    pub(crate) fn is_over(exit: Option<&Exit>, _: Pid) -> io::Result<bool> {
        exit.map_or_else(|| Err(io::ErrorKind::Unsupported.into()), Exit::is_over)
    }

    /// Waits until the child has ended, without reaping it: not needed here, and not every of these systems has it.
    pub(crate) fn wait_for(_: Pid) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(not(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
)))]
mod waiting {
    use rustix::io::retry_on_intr;
    use rustix::process::{WaitId, WaitIdOptions, WaitOptions, waitid};

    use super::{Exit, Pid, io};

    /// How to reap the child.
    pub(crate) fn reaping(_: Option<&Exit>) -> WaitOptions {
        WaitOptions::NOHANG
    }

    /// Has the child ended? It is not reaped by that.
    pub(crate) fn is_over(_: Option<&Exit>, child: Pid) -> io::Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(waitid(WaitId::Pid(child), look)?.is_some())
    }

    /// Waits until the child has ended, without reaping it. Blocks.
    pub(crate) fn wait_for(child: Pid) -> io::Result<()> {
        let wait = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        retry_on_intr(|| waitid(WaitId::Pid(child), wait))?;
        Ok(())
    }
}
