//! Waiting for Ctrl+C.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use giambio_core::cancel_scope;

use super::interrupted::Interrupted;
use super::kinds::Signal;
use super::patience::Patience;
use super::signals::Signals;

/// Waits for Ctrl+C, pressed after this future was first polled.
///
/// ```no_run
/// # giambio::run(async {
/// giambio::ctrl_c().await?;
/// println!("Ctrl+C detected, exiting");
/// # Ok::<(), std::io::Error>(()) });
/// ```
///
/// In a process that ignores Ctrl+C, as what a script starts by `server &` does, it [never comes](super).
///
/// Often [`run_or_ctrl_c`](crate::run_or_ctrl_c()) is all that is needed. To miss none of several, keep a [`CtrlC`].
///
/// # Errors
/// The system refuses to tell, most often for want of descriptors.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation): what is pressed between two calls is not seen by the second. [`CtrlC`] sees it.
#[track_caller]
pub fn ctrl_c() -> impl Future<Output = io::Result<()>> {
    async { CtrlC::new()?.pressed().await }
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
pub struct CtrlC(Signals);

impl CtrlC {
    /// Starts to watch.
    ///
    /// # Errors
    /// The system refuses to tell, most often for want of descriptors.
    pub fn new() -> io::Result<CtrlC> {
        Signals::new([Signal::INT]).map(CtrlC)
    }

    /// Starts to watch; a second Ctrl+C ends the process.
    pub(crate) fn last_chance() -> io::Result<CtrlC> {
        Signals::with([Signal::INT], Patience::For(1)).map(CtrlC)
    }

    /// Waits until Ctrl+C was pressed since this watch began, or since the last call returned. Several in between count
    /// as one.
    ///
    /// # Errors
    /// The system's, if its pipe breaks; this does not happen in practice.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn pressed(&mut self) -> impl Future<Output = io::Result<()>> {
        poll_fn(|cx| self.poll_pressed(cx))
    }

    pub(crate) fn poll_pressed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_next(cx).map_ok(|_| ())
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
