//! A child as the system has it: when it ends, what it gets, and what ends with it.
//!
//! As long as a handle of it is open, its number means nobody else, though it has ended. So what is sent goes to the child or
//! to nobody.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::pin::Pin;
use std::process::{Command, ExitStatus};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use giambio_core::{Sleep, sleep};
use windows_sys::Win32::Foundation::{ERROR_BAD_EXE_FORMAT, ERROR_EXE_MACHINE_TYPE_MISMATCH};

use super::spawn::Spawn;
use crate::reactor::{AsSource, Descriptor, Direction, Done, Kind, Source};
use crate::signal::Signal;
use crate::stream::{PipeReceiver, PipeSender};
use crate::sys::job::{self, Job};
use crate::sys::waitable::Waitable;

/// How soon to look again, where the system does not tell.
const MOMENT: Duration = Duration::from_millis(10);

/// What is told by those that were killed, as the standard library has it.
const KILLED: u32 = 1;

/// A child. Dropped before it has ended, it is killed.
pub(super) struct Running {
    child: RefCell<std::process::Child>,
    /// With all that it has started, if it is a group.
    job: Option<Job>,
    /// Tells of its end.
    exit: Source<Exit>,
    /// Waits until it is looked again.
    moment: RefCell<Option<Pin<Box<Sleep>>>>,
    ended: Cell<Option<ExitStatus>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("child", &self.id()).field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// A process, signalled when it has ended.
#[derive(Debug)]
struct Exit(Waitable);

impl AsSource for Exit {
    fn kind(&self) -> Kind<'_> {
        Kind::Handle(&self.0)
    }
}

impl Descriptor for Exit {
    const RELIES_ON_MODE: bool = false;

    fn set_nonblocking(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn end(&self) {}
}

/// Our ends of its pipes, as the standard library has them.
pub(super) struct Ends {
    pub(super) stdin: Option<std::process::ChildStdin>,
    pub(super) stdout: Option<std::process::ChildStdout>,
    pub(super) stderr: Option<std::process::ChildStderr>,
}

impl Running {
    /// Starts a child, which from then on ends, whatever comes.
    pub(super) fn start(command: &mut Command, is_group: bool) -> io::Result<(Running, Ends)> {
        let job = is_group.then(Job::new).transpose()?;
        let mut child = command.spawn()?;
        let ends = Ends { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() };
        let handle = child.as_handle().try_clone_to_owned();
        let child = RefCell::new(child);
        let exit = match handle {
            Ok(handle) => Source::new(Exit(Waitable::new(handle))),
            Err(_) => Source::closed(),
        };
        let running = Running { child, job, exit, moment: RefCell::default(), ended: Cell::new(None) };
        if let Some(job) = &running.job {
            job.take_in(&*running.child.borrow())?;
            job::resume(running.id())?;
        }
        Ok((running, ends))
    }

    pub(super) fn id(&self) -> u32 {
        self.child.borrow().id()
    }

    /// How it ended, as far as is known.
    pub(super) fn status(&self) -> io::Result<Option<ExitStatus>> {
        Ok(self.ended.get())
    }

    /// As far as is known, it runs.
    pub(super) fn runs(&self) -> bool {
        self.ended.get().is_none()
    }

    /// Waits until it has ended. For one at a time.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let told = self.exit.poll_io(cx, Direction::Read, |_| {
            self.reap()?.map(Done::more).ok_or_else(|| io::ErrorKind::WouldBlock.into())
        });
        if told.is_pending() || !self.runs() {
            return told;
        }
        // Nothing can tell.
        let mut moment = self.moment.borrow_mut();
        loop {
            if let Some(status) = self.reap()? {
                return Poll::Ready(Ok(status));
            }
            ready!(moment.get_or_insert_with(|| Box::pin(sleep(MOMENT))).as_mut().poll(cx));
            *moment = None;
        }
    }

    /// Looks whether it has ended. What is left of a group ends then, too.
    pub(super) fn reap(&self) -> io::Result<Option<ExitStatus>> {
        if self.runs() {
            self.ended.set(self.child.borrow_mut().try_wait()?);
            if let (false, Some(job)) = (self.runs(), &self.job) {
                let _ = job.end(KILLED); // or when the job is dropped
            }
        }
        self.status()
    }

    /// Asks it to end. Could it be asked?
    pub(super) fn ask(&self) -> bool {
        self.signal(Signal::BREAK).is_ok()
    }

    pub(super) fn kill(&self) -> io::Result<()> {
        let _ = self.reap();
        if !self.runs() {
            return Ok(());
        }
        let killed = self.child.borrow_mut().kill(); // it may not have come to be in the job
        match &self.job {
            Some(job) => job.end(KILLED),
            None => killed,
        }
    }

    /// Presses a key at it, and all of its group.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let _ = self.reap();
        if !self.runs() {
            return Ok(());
        }
        match signal {
            Signal::BREAK => job::press_break(self.id()),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{signal} can't be sent: Ctrl+Break is the only one that can"),
            )),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Our end of a pipe that it reads.
pub(super) fn sender(end: impl Into<OwnedHandle>) -> io::Result<PipeSender> {
    PipeSender::over(end.into())
}

/// Our end of a pipe that it writes.
pub(super) fn receiver(end: impl Into<OwnedHandle>) -> io::Result<PipeReceiver> {
    PipeReceiver::over(end.into())
}

/// Is this error of starting that it is no program?
pub(super) fn is_no_program(error: &io::Error) -> bool {
    let numbers = [ERROR_BAD_EXE_FORMAT, ERROR_EXE_MACHINE_TYPE_MISMATCH];
    error.raw_os_error().is_some_and(|number| numbers.contains(&number.cast_unsigned()))
}

/// Is it that there are too many programs? There is no number of them.
pub(super) fn is_too_many(_: &io::Error) -> bool {
    false
}

pub(super) const NO_SUCH_PROGRAM: &str = "; or a library that it needs is not there";
pub(super) const NOT_EXECUTABLE: &str = "; it is a folder, or this user may not execute it";
pub(super) const NO_PROGRAM: &str = "; it is no program for this system";

/// # On Windows
impl Spawn {
    /// [Flags](https://learn.microsoft.com/windows/win32/procthread/process-creation-flags) of `CreateProcess`, as
    /// `CREATE_NO_WINDOW`, beside those that are set anyway. Flags that were set for the [`command`](Spawn::command) are not
    /// kept.
    ///
    /// A program that gets a console of its own, or none, can't be asked to end by Ctrl+Break.
    pub fn creation_flags(mut self, flags: u32) -> Spawn {
        self.settings.flags = flags;
        self
    }
}
