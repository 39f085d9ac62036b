//! How long a program lives: as long as the code beside it, or until it ends by itself.

use std::future::poll_fn;
use std::io;
use std::process::{ExitStatus, Output};
use std::task::ready;
use std::time::Duration;

use giambio_core::{finally, move_on_after, poll_proceed, sleep};

use super::child::Child;
use super::communicate::Said;
use super::out_of_time::OutOfTime;
use super::spawn::Spawn;

/// How soon to try again where a program is open for writing, and how often.
const UNTIL_CLOSED: Duration = Duration::from_millis(5);
const MOST_ATTEMPTS: usize = 100;

/// Starts a program, and runs `body` beside it. When `body` ends, however that is, the program is asked to end by SIGTERM ([on
/// Windows](super#on-windows) by Ctrl+Break), killed after its [grace](Spawn::grace), and waited for; then its status is
/// returned with the value of `body`. One that is to end by itself is [waited for](Child::wait) in `body`.
///
/// ```
/// use giambio::process::{Spawn, run_in};
/// use std::process::Stdio;
///
/// giambio::run(async {
///     let cat = Spawn::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped());
///     let (said, ended) = run_in(cat, async |cat| {
///         let (said, _) = cat.communicate(b"meow").await?;
///         cat.wait().await?;
///         Ok::<_, std::io::Error>(said)
///     })
///     .await?;
///     assert_eq!(said?, b"meow");
///     assert!(ended.success());
///     Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// `stdin` is closed before, if it is a pipe; what comes out after `body` is not received. With a
/// [group](Spawn::group) all signals go to the group.
///
/// Starting a program takes the system a moment, some hundred microseconds most often, in which the thread waits. One that
/// somebody has open for writing can't be started; it is tried for half a second, for what was written just now may be open by
/// accident in a program that another thread starts just then.
///
/// # Errors
/// [`NotStarted`](super::NotStarted), with the path. Else as [`Child::wait`], and
/// [`TimedOut`](io::ErrorKind::TimedOut) if the program was killed and hangs in the system all the same. `body` has run then.
///
/// # Panics
/// As `body`, when the program has ended.
///
/// # Cancellation
/// Cancelling a scope around it drops `body` at its next suspension, and waits until the program has ended: at most for its
/// grace, and the moment that killing takes. In code that is cancelled already nothing is started. Dropping it (it has lost
/// in a `select!`) drops `body` and kills the program at once, without a grace; a thread reaps it.
#[track_caller]
pub fn run_in<R>(
    spawn: impl Into<Spawn>,
    body: impl AsyncFnOnce(&Child) -> R,
) -> impl Future<Output = io::Result<(R, ExitStatus)>> {
    async {
        // In cancelled code nothing begins.
        poll_fn(|cx| {
            ready!(poll_proceed(cx)).made_progress();
            std::task::Poll::Ready(())
        })
        .await;
        let spawn = spawn.into();
        let grace = spawn.grace;
        let child = started(spawn).await?;
        let value = finally(child.beside(body(&child)), async || child.end(grace).await).await;
        Ok((value, child.outcome()?))
    }
}

/// Starts it. One that is busy has just been written, most often, by this program: who wrote it has closed it, but a program
/// that another thread starts meanwhile has inherited it open, for the moment until it begins.
async fn started(mut spawn: Spawn) -> io::Result<Child> {
    let mut attempts = 0;
    loop {
        match Child::start(&mut spawn) {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && attempts < MOST_ATTEMPTS => {
                attempts += 1;
                sleep(UNTIL_CLOSED).await;
            }
            started => return started,
        }
    }
}

/// Runs a program until it ends by itself. Of its pipes, if it is to have some, all are closed: nobody could use them.
///
/// ```
/// # giambio::run(async {
/// use giambio::process::{Spawn, status};
///
/// assert!(status(Spawn::new("test").args(["1", "-lt", "2"])).await?.success());
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// As [`run_in`].
///
/// # Cancellation
/// As [`run_in`]: the program ends.
#[track_caller]
pub fn status(spawn: impl Into<Spawn>) -> impl Future<Output = io::Result<ExitStatus>> {
    async {
        let (ended, _) = run_in(spawn, async |child| {
            // Nobody else has their ends, and the program might wait for them.
            child.close_pipes();
            child.wait().await
        })
        .await?;
        ended
    }
}

/// Runs a program until it ends by itself, and collects its output. It has no input; what [`Spawn::stdin`], [`Spawn::stdout`]
/// and [`Spawn::stderr`] chose stays so. (What was chosen for a [`Command`](std::process::Command) does not.)
///
/// ```
/// # giambio::run(async {
/// use giambio::process::{Spawn, output};
///
/// let said = output(Spawn::new("echo").arg("hello")).await?;
/// assert_eq!(said.stdout, b"hello\n");
/// assert!(said.status.success() && said.stderr.is_empty());
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// As [`run_in`], and as [`Child::communicate`].
///
/// # Cancellation
/// As [`run_in`]: the program ends, and its output is lost. With [`output_within`] that of a program that takes too long is
/// not.
#[track_caller]
pub fn output(spawn: impl Into<Spawn>) -> impl Future<Output = io::Result<Output>> {
    async {
        let (said, status) = run_in(spawn.into().captured(), async |child| {
            let said = child.communicate(&[]).await?;
            child.wait().await?;
            io::Result::Ok(said)
        })
        .await?;
        let (stdout, stderr) = said?;
        Ok(Output { status, stdout, stderr })
    }
}

/// As [`output`], of a program that has so much time. If it has not ended then, it is asked to end, and killed after its
/// [grace](Spawn::grace); what it has said in its time is in the error, [`OutOfTime`](super::OutOfTime).
///
/// # Errors
/// [`TimedOut`](io::ErrorKind::TimedOut), with an [`OutOfTime`](super::OutOfTime). Else as [`output`].
///
/// # Cancellation
/// As [`run_in`]: the program ends, and its output is lost.
#[track_caller]
pub fn output_within(given: Duration, spawn: impl Into<Spawn>) -> impl Future<Output = io::Result<Output>> {
    async move {
        let mut spawn = spawn.into().captured();
        let program = spawn.command().get_program().to_owned();
        let (said, status) = run_in(spawn, async |child| {
            let mut said = Said::by(child);
            let all = async {
                child.talk(&[], &mut said).await?;
                child.wait().await
            };
            let in_time = move_on_after(given, all).await.transpose()?.is_some();
            io::Result::Ok((in_time, child.try_wait()?.is_some(), said.so_far()))
        })
        .await?;
        let (in_time, had_ended, (stdout, stderr)) = said?;
        let output = Output { status, stdout, stderr };
        if in_time { Ok(output) } else { Err(OutOfTime::error(program, given, had_ended, output)) }
    }
}
