//! Any set of signals, as a stream of events.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use super::kinds::{Set, Signal};
use super::patience::Patience;
use super::system;

/// Watches for signals from when it is made until it is dropped. Any number may watch for the same, on any threads; each sees
/// all.
///
/// While anybody watches for a signal, it does not do what it did before; when nobody does any more, it does so again: see
/// [`signal`](super).
///
/// ```no_run
/// use giambio::signal::{Signal, Signals};
///
/// giambio::run(async {
///     let mut signals = Signals::new([Signal::INT])?; // on Unix, Signal::HUP too, or whichever
///     loop {
///         println!("here is how it goes, by {}", signals.next().await?);
///     }
///     # #[allow(unreachable_code)]
///     Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Signals(system::Watch);

impl Signals {
    /// Starts to watch.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): one of them can't be watched for: KILL and STOP, which no process sees;
    /// SEGV, BUS, FPE and ILL, after which a program can't go on; numbers that are none from 1 to 64. Else the system refuses
    /// to tell, most often for want of descriptors.
    pub fn new(signals: impl IntoIterator<Item = Signal>) -> io::Result<Signals> {
        Signals::with(signals, Patience::Endless)
    }

    pub(crate) fn with(signals: impl IntoIterator<Item = Signal>, patience: Patience) -> io::Result<Signals> {
        let unwatchable = |signal| {
            let text = format!("{signal} can't be watched for: no process sees it, or none can go on after it");
            io::Error::new(io::ErrorKind::InvalidInput, text)
        };
        let set = Set::of(signals).map_err(unwatchable)?;
        match set.iter().find(|signal| system::UNWATCHABLE.contains(signal)) {
            Some(signal) => Err(unwatchable(signal)),
            None => system::Watch::new(set, patience).map(Signals),
        }
    }

    /// Waits for a signal that came since this watch began and was not returned yet. Several of one kind in between count as
    /// one; of several kinds the lowest number is first.
    ///
    /// # Errors
    /// The system's, if its pipe breaks; this does not happen in practice.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[allow(clippy::should_implement_trait, reason = "it waits, as no iterator does")]
    #[track_caller]
    pub fn next(&mut self) -> impl Future<Output = io::Result<Signal>> {
        poll_fn(|cx| self.poll_next(cx))
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Signal>> {
        self.0.poll_next(cx)
    }

    /// How many have come, each counted.
    pub(crate) fn count(&self) -> u32 {
        self.0.count()
    }
}
