//! Every system that the crate `polling` knows: kqueue, IOCP, event ports; and epoll, to test this file on Linux.
//!
//! Where the system reports edges (kqueue, epoll), a source is added once for everything. Elsewhere it is armed again
//! for each wait, and one event disarms both sides, so both are told: the one without news tries in vain
//! and arms again.
//!
//! `polling` does not tell enough about why a source is ready to conclude anything from a short count, so each event is
//! taken as lasting: a message costs one more call here than in `epoll.rs`.
//!
//! # Invariant
//! **REGISTERED-WHILE-OPEN**: a source is removed from the poller before it is closed. `Source` owns both the
//! socket and its registration, and lets go of the socket only through `Source::take`, which removes it first.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use polling::AsSource;
use polling::PollMode;

use super::Limit;
use super::table::{Event, Key, Signal};

#[derive(Debug)]
pub(super) struct Poller {
    poller: Arc<polling::Poller>,
    mode: PollMode,
}

impl Poller {
    /// Must the system be told of each wait for a source? It may have to be; `arm` knows.
    pub(super) const MUST_BE_ARMED: bool = true;

    pub(super) fn new() -> io::Result<Poller> {
        let poller = Arc::new(polling::Poller::new()?);
        let mode = if poller.supports_edge() { PollMode::Edge } else { PollMode::Oneshot };
        Ok(Poller { poller, mode })
    }

    pub(super) fn bell(&self) -> Bell {
        Bell(self.poller.clone())
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
        let timeout = match limit {
            Limit::Now => Some(Duration::ZERO),
            Limit::Never => None,
            Limit::At { left, .. } => Some(left()),
        };
        events.list.clear();
        match self.poller.wait(&mut events.list, timeout) {
            // `polling` over poll(2) says this when a notification was taken twice.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            waited => waited.map(drop),
        }
    }
}

/// Where the system puts the events of one wait.
pub(super) struct Events {
    list: polling::Events,
    both_sides: bool,
}

impl Events {
    pub(super) fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.list.iter().map(|event| {
            let signal = |ready| Signal { ready: ready || self.both_sides, lasting: true };
            Event { key: Key(event.key as u32), read: signal(event.readable), write: signal(event.writable) }
        })
    }
}

/// Ends a wait from any thread.
#[derive(Clone, Debug)]
pub(super) struct Bell(Arc<polling::Poller>);

impl Bell {
    pub(super) fn ring(&self) {
        // A refused ring can only mean that the poller is beyond use, and then the wait itself reports it.
        let _ = self.0.notify();
    }
}
