//! A program that runs beside the code that started it.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::task::Context;
use std::time::Duration;

use giambio_core::sync::Condition;
use giambio_core::{__fault as fault, is_cancelled, move_on_after};

use super::not_started::NotStarted;
use super::spawn::Spawn;
use super::system::{Running, receiver, sender};
use crate::signal::Signal;
use crate::stream::{PipeReceiver, PipeSender};

/// How long a child that was killed is waited for. Only one that hangs in the system itself takes so long.
const LAST: Duration = Duration::from_secs(10);

/// A program that runs, or has run, for the code that [`run_in`](super::run_in()) runs beside it.
///
/// Any number of tasks may wait for it, and send it signals.
#[derive(Debug)]
pub struct Child {
    running: Running,
    /// It has ended, as far as will ever be known.
    is_over: Cell<bool>,
    /// Whoever runs beside it looks whether it has ended. Else those who wait do.
    is_watched: Cell<bool>,
    /// One of these has changed, or who has looked is gone.
    changed: Condition,
    stdin: Option<PipeSender>,
    stdout: Option<PipeReceiver>,
    stderr: Option<PipeReceiver>,
    pub(super) output_limit: usize,
}

impl Child {
    pub(super) fn start(spawn: &mut Spawn) -> io::Result<Child> {
        let is_group = spawn.group;
        let command = spawn.settled();
        let started = Running::start(command, is_group);
        let (running, mut child) = started.map_err(|error| NotStarted::error(command, error))?;
        Ok(Child {
            running,
            is_over: Cell::new(false),
            is_watched: Cell::new(false),
            changed: Condition::new(),
            stdin: child.stdin.take().map(sender).transpose()?,
            stdout: child.stdout.take().map(receiver).transpose()?,
            stderr: child.stderr.take().map(receiver).transpose()?,
            output_limit: spawn.output_limit,
        })
    }

    /// Its number with the system.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Closes all that there is of them.
    pub(super) fn close_pipes(&self) {
        let ends = [&self.stdout, &self.stderr];
        ends.into_iter().flatten().for_each(PipeReceiver::close);
        if let Some(stdin) = &self.stdin {
            stdin.close();
        }
    }

    /// Where its input goes in, if [`Spawn::stdin`] is a pipe. Many programs end when it is [closed](PipeSender::close).
    #[must_use]
    pub fn stdin(&self) -> Option<&PipeSender> {
        self.stdin.as_ref()
    }

    /// Where its output comes out, if [`Spawn::stdout`] is a pipe. One that nobody takes it from waits when the pipe is full.
    #[must_use]
    pub fn stdout(&self) -> Option<&PipeReceiver> {
        self.stdout.as_ref()
    }

    /// Where its complaints come out, if [`Spawn::stderr`] is a pipe.
    #[must_use]
    pub fn stderr(&self) -> Option<&PipeReceiver> {
        self.stderr.as_ref()
    }

    /// Waits until it has ended by itself or by a signal; any number of tasks may.
    ///
    /// Its pipes stay as they are: who waits for a program that reads to the end of its input closes [`stdin`](Child::stdin)
    /// before.
    ///
    /// ```
    /// use giambio::process::{Spawn, run_in};
    ///
    /// # giambio::run(async {
    /// let (ended, _) = run_in(Spawn::new("sh").args(["-c", "exit 3"]), async |child| child.wait().await).await?;
    /// assert_eq!(ended?.code(), Some(3));
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Nobody knows how it ended: another part of the program has waited for all children, or SIGCHLD is ignored.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = io::Result<ExitStatus>> {
        async {
            let _looks = Looks(self);
            let mut over = pin!(self.changed.wait_for(|| self.is_over.get().then_some(())));
            poll_fn(|cx| {
                if !self.is_watched.get() && !fault!("end-unseen-in-shields") {
                    self.look(cx);
                }
                over.as_mut().poll(cx)
            })
            .await;
            self.outcome()
        }
    }

    /// How it has ended, if it has. Never waits.
    ///
    /// ```
    /// use giambio::process::{Spawn, run_in};
    ///
    /// # giambio::run(async {
    /// let (running, ended) = run_in(Spawn::new("sleep").arg("1000"), async |child| child.try_wait()).await?;
    /// assert!(running?.is_none() && !ended.success()); // it was stopped when the block was left
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`wait`](Child::wait).
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.running.reap()
    }

    /// Sends a signal, to the program or its [group](Spawn::group). If it has ended, this does nothing.
    ///
    /// ```
    /// use giambio::process::{Spawn, run_in};
    /// use giambio::signal::Signal;
    /// use std::os::unix::process::ExitStatusExt;
    ///
    /// # giambio::run(async {
    /// let work = async |child: &giambio::process::Child| {
    ///     child.signal(Signal::USR1)?;
    ///     child.wait().await
    /// };
    /// let (_, ended) = run_in(Spawn::new("sleep").arg("1000"), work).await?;
    /// assert!(ended.signal().is_some());
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// On Windows there is one that can be sent: `Signal::BREAK`, Ctrl+Break, to a program that has this one's console.
    ///
    /// # Errors
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied): it runs as another user.
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): no signal has this number, or one that has no name, or that can't be
    /// sent. Others of the system's, on Windows: this program has no console.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.running.signal(signal)
    }

    /// Kills it, or its [group](Spawn::group). If it has ended, this does nothing.
    ///
    /// ```
    /// use giambio::process::{Spawn, run_in};
    /// use std::os::unix::process::ExitStatusExt;
    ///
    /// # giambio::run(async {
    /// let (_, ended) = run_in(Spawn::new("sleep").arg("1000"), async |child| child.kill()).await?;
    /// assert_eq!(ended.signal(), Some(9));
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied): it runs as another user.
    pub fn kill(&self) -> io::Result<()> {
        self.running.kill()
    }

    /// How it has ended, once it has.
    pub(super) fn outcome(&self) -> io::Result<ExitStatus> {
        self.running.status()?.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::TimedOut,
                format!("process {} was killed and does not end: it hangs in the system", self.id()),
            )
        })
    }

    /// Runs `body`, and tells of the child's end meanwhile: whoever waits for it in there need not look. In cancelled code,
    /// which gets no further, what a shield holds in there has to.
    pub(super) async fn beside<R>(&self, body: impl Future<Output = R>) -> R {
        let mut body = pin!(body);
        poll_fn(|cx| {
            if !is_cancelled() {
                self.is_watched.set(true);
                self.look(cx);
            } else if self.is_watched.take() {
                self.changed.notify_all();
            }
            body.as_mut().poll(cx)
        })
        .await
    }

    /// Looks whether it has ended. The end wakes who was the last to look, and he all the others.
    fn look(&self, cx: &mut Context<'_>) {
        if !self.is_over.get() && self.running.poll_ended(cx).is_ready() {
            self.is_over.set(true);
            self.changed.notify_all();
        }
    }

    /// Has it end: asks it to, gives it `grace`, kills it.
    pub(super) async fn end(&self, grace: Duration) {
        let _ = self.running.reap();
        if !self.running.runs() {
            return;
        }
        if let Some(stdin) = &self.stdin {
            stdin.close();
        }
        // One that can't be asked may still see that its input is over.
        let is_given_grace = grace > Duration::ZERO && !fault!("grace-not-given");
        if is_given_grace
            && (self.running.ask() || self.stdin.is_some())
            && move_on_after(grace, self.ended()).await.is_some()
        {
            return;
        }
        let _ = self.kill();
        move_on_after(LAST, self.ended()).await;
    }

    /// Waits where nobody else does.
    async fn ended(&self) {
        let _ = poll_fn(|cx| self.running.poll_ended(cx)).await;
    }
}

/// Somebody who waits. When he gives up, the others look: he may be the one whom the end would have woken.
struct Looks<'a>(&'a Child);

impl Drop for Looks<'_> {
    fn drop(&mut self) {
        if !self.0.is_over.get() && !self.0.is_watched.get() {
            self.0.changed.notify_all();
        }
    }
}
