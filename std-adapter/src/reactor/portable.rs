//! Every system that the crate `polling` knows: kqueue, IOCP, event ports; and epoll, to test this file on Linux.
//!
//! Where the system reports edges (kqueue, epoll), a source is added once for everything. Elsewhere it is armed again
//! for each wait, and one event disarms both sides, so both are told: the one without news tries in vain
//! and arms again.
//!
//! `polling` does not tell enough about why a source is ready to conclude anything from a short count, so each event is
//! taken as lasting: a message costs one more call here than in `epoll.rs`.
//!
//! On Linux, the environment variable `GIAMBIO_PORTABLE=oneshot` has this file do what it does where edges are not
//! reported, so that both ways are tested there.
//!
//! # Invariant
//! **REGISTERED-WHILE-OPEN**: a source is removed from the poller before it is closed. `Source` owns both the
//! socket and its registration, and lets go of the socket only through `Source::take`, which removes it first. The bell
//! is removed when the poller is dropped.

#[cfg_attr(unix, path = "bell/unix.rs")]
#[cfg_attr(windows, path = "bell/windows.rs")]
mod bell;

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

pub(super) use bell::Bell;
pub(crate) use polling::AsSource;
use polling::PollMode;

use super::Limit;
use super::table::{Event, Key, Signal};

/// The key of the bell, where it is a source. The highest one is `polling`'s own.
const BELL: usize = usize::MAX - 1;

/// No wait is longer: macOS refuses more than 100,000,000 s (xnu, `itimerfix`), and `polling` takes more than 49 days
/// for "without end" on Windows. A wait that ends too early costs one turn in vain.
const LONGEST: Duration = Duration::from_secs(1_000_000);

#[derive(Debug)]
pub(super) struct Poller {
    poller: Arc<polling::Poller>,
    mode: PollMode,
    bell: Bell,
}

impl Poller {
    /// Must the system be told of each wait for a source? It may have to be; `arm` knows.
    pub(super) const MUST_BE_ARMED: bool = true;

    pub(super) fn new() -> io::Result<Poller> {
        let poller = Arc::new(polling::Poller::new()?);
        let mode = if poller.supports_edge() && !wants_oneshot() { PollMode::Edge } else { PollMode::Oneshot };
        let bell = Bell::new(&poller, mode)?;
        Ok(Poller { poller, mode, bell })
    }

    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Room for the events of one wait.
    pub(super) fn events(&self, capacity: NonZeroUsize) -> Events {
        Events { list: polling::Events::with_capacity(capacity), both_sides: !self.reports_edges() }
    }

    fn reports_edges(&self) -> bool {
        self.mode == PollMode::Edge
    }

    pub(super) fn add(&self, source: &impl AsSource, key: Key) -> io::Result<()> {
        let edges = self.reports_edges();
        let interest = polling::Event::new(key.0 as usize, edges, edges);
        // SAFETY: the caller removes the source before it closes it, by REGISTERED-WHILE-OPEN.
        unsafe { self.poller.add_with_mode(&source.source(), interest, self.mode) }
    }

    pub(super) fn arm(&self, source: &impl AsSource, key: Key, read: bool, write: bool) -> io::Result<()> {
        if self.reports_edges() {
            return Ok(());
        }
        self.poller.modify_with_mode(source.source(), polling::Event::new(key.0 as usize, read, write), self.mode)
    }

    pub(super) fn remove(&self, source: &impl AsSource) -> io::Result<()> {
        self.poller.delete(source.source())
    }

    /// Waits for events. May return early and without any.
    pub(super) fn wait(&self, events: &mut Events, limit: Limit<'_>) -> io::Result<()> {
        events.list.clear();
        match self.poller.wait(&mut events.list, timeout(limit)) {
            Ok(_) => {}
            // `polling` over poll(2) says this when a notification was taken twice.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if events.list.iter().any(|event| event.key == BELL) {
            self.bell.heard(&self.poller, self.mode)?;
        }
        Ok(())
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.bell.take_down(&self.poller);
    }
}

fn timeout(limit: Limit<'_>) -> Option<Duration> {
    match limit {
        Limit::Now => Some(Duration::ZERO),
        Limit::Never => None,
        Limit::At { left, .. } => Some(left().min(LONGEST)),
    }
}

/// Only tests do.
fn wants_oneshot() -> bool {
    cfg!(giambio_portable) && std::env::var_os("GIAMBIO_PORTABLE").is_some_and(|wanted| wanted == "oneshot")
}

/// Where the system puts the events of one wait.
pub(super) struct Events {
    list: polling::Events,
    both_sides: bool,
}

impl Events {
    pub(super) fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.list.iter().filter(|event| event.key != BELL).map(|event| {
            let signal = |ready| Signal { ready: ready || self.both_sides, lasting: true };
            Event { key: Key(event.key as u32), read: signal(event.readable), write: signal(event.writable) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_longer_than_every_system_takes() {
        for (left, asked) in [
            (Duration::from_nanos(1), Duration::from_nanos(1)),
            (LONGEST, LONGEST),
            (Duration::from_secs(60 * 24 * 3600), LONGEST), // without end on Windows
            (Duration::from_secs(100_000_001), LONGEST),    // an error on macOS
            (Duration::MAX, LONGEST),
        ] {
            assert_eq!(timeout(Limit::At { moment: 0, left: &|| left }), Some(asked), "{left:?}");
        }
        assert_eq!(timeout(Limit::Never), None);
    }

    #[test]
    fn a_bell_that_nobody_hears_can_be_rung_for_ever_and_outlives_its_poller() {
        let poller = Poller::new().unwrap();
        let bell = poller.bell();
        let mut events = poller.events(NonZeroUsize::MIN);
        for _ in 0..3 {
            (0..100_000).for_each(|_| bell.ring());
            poller.wait(&mut events, Limit::Never).unwrap();
            assert_eq!(events.iter().count(), 0);
        }
        drop(poller);
        bell.ring();
    }
}
