//! A child as the system has it: when it ends, what it gets, and that it is reaped.
//!
//! As long as nobody has reaped a child, its number means nobody else. Only its [`Running`] reaps it, and sends nothing
//! afterwards. So what is sent goes to the child or to nobody. A group is killed before its leader is reaped, for the same
//! reason; or at once afterwards, where the system or others have reaped it, or nothing tells in time that it has ended.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::{Command, ExitStatus};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use giambio_core::{__fault as fault, sleep};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, WaitStatus, getpgid, kill_process, kill_process_group, test_kill_process, waitpid};

use super::reaper;
use crate::call::Awaited;
use crate::pool::Pool;
use crate::reactor::{Descriptor, Direction, Done, Source};
use crate::signal::Signal;
use crate::stream::{PipeReceiver, PipeSender};
use crate::sys::children::Listed;
use crate::sys::exit::{self, Exit};
use crate::sys::process::Process;

/// For those whose end nothing tells. Each has a thread, or it would have to wait for the end of others.
static WATCHERS: Pool = Pool::new("giambio process", 1 << 16);

/// How soon to look again, where nothing tells and no thread waits.
const MOMENT: Duration = Duration::from_millis(10);

/// A child, until it is reaped. Dropped before, it is killed.
pub(super) struct Running {
    child: Pid,
    is_group: bool,
    /// Whose child.
    process: Process,
    /// Where a signal that ends this process finds it.
    listed: Listed,
    /// Tells of its end.
    exit: Option<Source<Exit>>,
    /// Waits for its end where that does not.
    waiting: RefCell<Option<Waiting>>,
    state: Cell<State>,
}

type Waiting = Pin<Box<dyn Future<Output = ()>>>;

#[derive(Clone, Copy, Debug)]
enum State {
    Runs,
    Ended(ExitStatus),
    /// Somebody else has waited for it, or SIGCHLD is ignored.
    Lost,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("child", &self.child).field("state", &self.state.get()).finish_non_exhaustive()
    }
}

impl Descriptor for Exit {
    const RELIES_ON_MODE: bool = false;

    fn set_nonblocking(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn end(&self) {}
}

impl Running {
    /// Starts a child, which from then on ends, whatever comes; and what it is to the standard library.
    pub(super) fn start(command: &mut Command, is_group: bool) -> io::Result<(Running, std::process::Child)> {
        reaper::look();
        let child = command.spawn()?;
        Ok((Running::new(Pid::from_child(&child), is_group), child))
    }

    fn new(child: Pid, is_group: bool) -> Running {
        Running {
            child,
            is_group,
            process: Process::remembered(),
            listed: Listed::new(child, is_group),
            exit: Exit::of(child).ok().map(Source::new),
            waiting: RefCell::default(),
            state: Cell::new(State::Runs),
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.as_raw_nonzero().get().cast_unsigned()
    }

    /// How it ended, as far as is known.
    pub(super) fn status(&self) -> io::Result<Option<ExitStatus>> {
        match self.state.get() {
            State::Runs if self.process != Process::current() => Err(lost()),
            State::Runs => Ok(None),
            State::Ended(status) => Ok(Some(status)),
            State::Lost => Err(lost()),
        }
    }

    /// Waits until it has ended, and reaps it. For one at a time.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let mut waiting = self.waiting.borrow_mut();
        if let (Some(exit), None) = (&self.exit, &*waiting) {
            let told = exit.poll_io(cx, Direction::Read, |exit| {
                let status = self.reap_by(Some(exit))?;
                status.map(Done::more).ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            if told.is_pending() || !self.runs() {
                return told;
            }
            // It can't be registered.
        }
        loop {
            let can_tell = match self.reap() {
                Ok(Some(status)) => return Poll::Ready(Ok(status)),
                Err(error) if !self.runs() => return Poll::Ready(Err(error)),
                asked => asked.is_ok(),
            };
            let wait = waiting.get_or_insert_with(|| match can_tell {
                true => Box::pin(wait_otherwise(self.child)),
                false => Box::pin(sleep(MOMENT)), // it runs still, as far as is known
            });
            ready!(wait.as_mut().poll(cx));
            *waiting = None;
        }
    }

    /// As far as is known, it runs, and is ours.
    pub(super) fn runs(&self) -> bool {
        matches!(self.status(), Ok(None))
    }

    /// Reaps it, if it has ended.
    pub(super) fn reap(&self) -> io::Result<Option<ExitStatus>> {
        match &self.exit {
            Some(source) => source.with(|exit| self.reap_by(Some(exit))),
            None => self.reap_by(None),
        }
    }

    fn reap_by(&self, exit: Option<&Exit>) -> io::Result<Option<ExitStatus>> {
        if !self.runs() {
            return self.status();
        }
        match self.waited(exit) {
            Ok(None) => Ok(None),
            Ok(Some((_, status))) => {
                self.state.set(State::Ended(ExitStatus::from_raw(status.as_raw())));
                self.status()
            }
            Err(error) if Errno::from_io_error(&error) == Some(Errno::CHILD) => {
                self.state.set(State::Lost);
                self.status()
            }
            Err(error) => Err(error),
        }
    }

    /// Only of the leader of a group it has to be known that it has ended, before it is reaped.
    fn waited(&self, exit: Option<&Exit>) -> io::Result<Option<(Pid, WaitStatus)>> {
        let mut leaves_group = self.is_group && !fault!("group-outlives-its-leader");
        if leaves_group {
            match exit::is_over(exit, self.child) {
                Ok(false) => return Ok(None),
                Ok(true) => {
                    let _ = kill_process_group(self.child, rustix::process::Signal::KILL);
                    leaves_group = false;
                }
                // Others have reaped it; or nothing tells, for want of descriptors.
                Err(_) => {}
            }
        }
        self.listed.take_out();
        let how = exit::reaping(exit);
        let reaped = retry_on_intr(|| waitpid(Some(self.child), how));
        if matches!(reaped, Ok(None)) {
            self.listed.put_back();
        }
        if leaves_group && !matches!(reaped, Ok(None)) {
            self.kill_rest();
        }
        Ok(reaped?)
    }

    /// Kills what a leader that was reaped has left of its group. The number of a group that has members is given to no
    /// process: if one has it, nobody is left.
    fn kill_rest(&self) {
        if test_kill_process(self.child) == Err(Errno::SRCH) {
            let _ = kill_process_group(self.child, rustix::process::Signal::KILL);
        }
    }

    /// Asks it to end. Could it be asked?
    pub(super) fn ask(&self) -> bool {
        // What can't be sent to another user's process is told by the status that never comes.
        let _ = self.signal(Signal::TERM);
        // One that was halted hears nothing before it goes on.
        let _ = self.signal(Signal::CONT);
        true
    }

    pub(super) fn kill(&self) -> io::Result<()> {
        self.signal(Signal::KILL)
    }

    /// Sends a signal, to it or its group. One that was reaped gets none, and nor does anybody else.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let _ = self.reap();
        if !self.runs() {
            return Ok(());
        }
        let known = rustix::process::Signal::from_named_raw(signal.as_raw()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{signal} can't be sent: it has no name"))
        })?;
        let to_all = if self.is_group { kill_process_group(self.child, known) } else { Ok(()) };
        // A leader may have gone to another group. As long as it isn't reaped its number is its own.
        let is_one_of_them =
            self.is_group && (fault!("leader-leaves-its-group") || getpgid(Some(self.child)) == Ok(self.child));
        match if is_one_of_them { to_all } else { kill_process(self.child, known) } {
            // It has ended.
            Err(Errno::SRCH) => Ok(()),
            sent => Ok(sent?),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if fault!("child-outlives-its-scope") {
            return;
        }
        let _ = self.kill();
        let _ = self.reap();
        if self.runs() {
            self.listed.take_out();
            reaper::leave(self.child);
        }
    }
}

/// Waits on a thread; without one, for a moment, after which it is time to look.
async fn wait_otherwise(child: Pid) {
    let waited = match Awaited::start(&WATCHERS, move || exit::wait_for(child)) {
        Ok(waiting) => waiting.outcome().await,
        Err(error) => Err(error),
    };
    match waited {
        Err(error) if Errno::from_io_error(&error) != Some(Errno::CHILD) => sleep(MOMENT).await,
        _ => {}
    }
}

fn lost() -> io::Error {
    io::Error::other(
        "nobody knows how the child has ended: somebody else has waited for it, this process ignores SIGCHLD, or it is the \
         child of the process that this one was forked from",
    )
}

/// Our end of a pipe that it reads.
pub(super) fn sender(end: impl Into<OwnedFd>) -> io::Result<PipeSender> {
    let end = PipeWriter::from(end.into());
    end.set_nonblocking(true)?;
    Ok(PipeSender::from_nonblocking(end))
}

/// Our end of a pipe that it writes.
pub(super) fn receiver(end: impl Into<OwnedFd>) -> io::Result<PipeReceiver> {
    let end = PipeReader::from(end.into());
    end.set_nonblocking(true)?;
    Ok(PipeReceiver::from_nonblocking(end))
}

/// Is this error of starting that it is no program?
pub(super) fn is_no_program(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::NOEXEC)
}

/// Is it that there are too many programs?
pub(super) fn is_too_many(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::AGAIN)
}

pub(super) const NO_SUCH_PROGRAM: &str = "; or what the first line of the script names is not there";
pub(super) const NOT_EXECUTABLE: &str = "; it is no file that may be executed: see its mode and its directories'";
pub(super) const NO_PROGRAM: &str = "; it is no program for this system, nor a script that begins with `#!`";
