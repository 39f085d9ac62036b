//! Ctrl+C, as something to await.
//!
//! While anybody watches, Ctrl+C does not end the process by itself. When nobody does any more, it does again what it did
//! before: it ends the process, or calls the handler of another library, which is called meanwhile, too. Where it is
//! ignored it stays so, and nobody sees it: as in what a shell script starts in the background, which a key is not for.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use giambio_core::cancel_scope;

use crate::platform;

/// Waits for Ctrl+C, pressed after this future was first polled.
///
/// ```no_run
/// # giambio::run(async {
/// giambio::ctrl_c().await?;
/// println!("Ctrl+C detected, exiting");
/// # Ok::<(), std::io::Error>(()) });
/// ```
///
/// In a process that ignores Ctrl+C, as what a script starts by `server &` does, it [never comes](self).
///
/// Often [`run_or_ctrl_c`](crate::run_or_ctrl_c()) is all that is needed. To miss none of several, keep a [`CtrlC`].
///
/// # Errors
/// The system refuses to tell, most often for want of descriptors.
///
/// # Cancellation
/// **Lossy**: what is pressed between two calls is not seen by the second. [`CtrlC`] sees it.
pub async fn ctrl_c() -> io::Result<()> {
    CtrlC::new()?.pressed().await
}

/// Watches for Ctrl+C from when it is made until it is dropped. Any number may watch, on any threads; each sees all.
///
/// ```no_run
/// # giambio::run(async {
/// let mut presses = giambio::signal::CtrlC::new()?;
/// loop {
///     presses.pressed().await?;
///     println!("reloading");
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), std::io::Error>(()) });
/// ```
#[derive(Debug)]
pub struct CtrlC(platform::CtrlC);

impl CtrlC {
    /// Starts to watch.
    ///
    /// # Errors
    /// The system refuses to tell, most often for want of descriptors.
    pub fn new() -> io::Result<CtrlC> {
        platform::CtrlC::new(platform::Again::Report).map(CtrlC)
    }

    /// Starts to watch; a second Ctrl+C ends the process.
    pub(crate) fn last_chance() -> io::Result<CtrlC> {
        platform::CtrlC::new(platform::Again::Kill).map(CtrlC)
    }

    /// Waits until Ctrl+C was pressed since this watch began, or since the last call returned. Several in between count
    /// as one.
    ///
    /// # Errors
    /// The system's, if its pipe breaks; this does not happen in practice.
    ///
    /// # Cancellation
    /// **Restartable.**
    pub async fn pressed(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_pressed(cx)).await
    }

    pub(crate) fn poll_pressed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_pressed(cx)
    }
}

/// Ctrl+C ended the run, after everything in it was unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted by Ctrl+C")
    }
}

impl std::error::Error for Interrupted {}

/// Of the kind [`Other`](io::ErrorKind::Other), with the error kept inside. Not of the kind that has its name: who reads
/// or writes in a loop takes that for "try again".
impl From<Interrupted> for io::Error {
    fn from(error: Interrupted) -> Self {
        io::Error::other(error)
    }
}

/// Runs `main`, and cancels it when Ctrl+C is pressed.
pub(crate) async fn until_ctrl_c<F: Future>(
    mut main: Pin<Box<F>>,
    mut presses: CtrlC,
) -> Result<F::Output, Interrupted> {
    let outcome = cancel_scope(async move |scope| {
        poll_fn(|cx| {
            if !scope.is_cancelled() && presses.poll_pressed(cx).is_ready() {
                scope.interrupt();
            }
            main.as_mut().poll(cx)
        })
        .await
    });
    outcome.await.map_err(|_| Interrupted)
}
