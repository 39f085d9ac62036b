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
//! # kqueue
//! It runs in no check, so here is what its manual pages and `polling` 3.11 say that epoll does otherwise, and why no
//! event gets lost by it. The tests that are named hold on Linux and Windows, each way.
//! * Adding a source (`EV_ADD`) looks at it at once: `what_is_there_before_a_source_is_added_is_reported`.
//! * An edge (`EV_CLEAR`) comes with all that arrives: `data_that_comes_while_some_is_unread_is_reported_again`.
//! * Each side is a filter of its own, so news about both are two events, in any order, and the sides know nothing of each
//!   other: `no_news_about_a_direction_leaves_it_asleep` in `readiness.rs`.
//! * `EV_EOF` is the end of the stream and a reset alike, for `polling` does not pass on which, and comes while data is still
//!   unread: nothing is concluded from it, the next call says what it is. On the filter for reading it is reported for
//!   both sides, which costs a writer one call in vain: `an_end_behind_unread_data_hides_neither`.
//! * `EV_ERROR` only answers a change, and `add` returns it, but for two that `polling` leaves out: ENOENT, that a filter to
//!   be deleted is not there, and EPIPE, that the other end has gone, which `EV_EOF` on the other filter reports. `wait`
//!   makes no changes, so an `EV_ERROR` is never among the events.
//! * `EV_ONESHOT` would disarm one filter and not both; where there are edges it is not used.
//! * Closing a descriptor ends its registration, but `polling` has a list of numbers of its own, which only
//!   `remove` shortens: `a_number_that_is_used_again_can_be_added_again`. What the system refuses is in it, too.
//! * A kqueue in a kqueue, as `sys/exit.rs` has them, has the filter for reading alone: EINVAL for the other, EOPNOTSUPP on
//!   DragonFly.

#[cfg_attr(unix, path = "bell/unix.rs")]
#[cfg_attr(windows, path = "bell/windows.rs")]
mod bell;
#[cfg_attr(unix, path = "sources/unix.rs")]
#[cfg_attr(windows, path = "sources/windows.rs")]
mod sources;

use std::io;
use std::mem;
use std::num::NonZeroUsize;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use bell::BELL;
pub(super) use bell::Bell;
use polling::PollMode;
pub(crate) use sources::AsSource;
#[cfg(windows)]
pub(crate) use sources::Kind;

use super::limit::Limit;
use super::readiness::Signal;
use super::registry::{Event, Key};
use crate::sys::process::Process;

/// No wait is longer: macOS refuses more than 100,000,000 s (xnu, `itimerfix`), and `polling` takes more than 49 days
/// for "without end" on Windows. A wait that ends too early costs one turn in vain.
const LONGEST: Duration = Duration::from_secs(1_000_000);

#[derive(Debug)]
pub(super) struct Poller {
    poller: Arc<polling::Poller>,
    mode: PollMode,
    bell: Bell,
    /// Whose this is.
    process: Process,
}

impl Poller {
    /// Must the system be told of each wait for a source? It may have to be; `arm` knows.
    pub(super) const MUST_BE_ARMED: bool = true;

    pub(super) fn new() -> io::Result<Poller> {
        let poller = Arc::new(polling::Poller::new()?);
        let mode = if poller.supports_edge() && !wants_oneshot() { PollMode::Edge } else { PollMode::Oneshot };
        let bell = Bell::new(&poller, mode)?;
        Ok(Poller { poller, mode, bell, process: Process::current() })
    }

    /// Starts afresh in a process that was forked.
    pub(super) fn renew(&mut self) -> io::Result<()> {
        let poller = Arc::new(polling::Poller::new()?);
        self.bell.renew(&poller, self.mode)?;
        self.process = Process::current();
        mem::forget(mem::replace(&mut self.poller, poller));
        Ok(())
    }

    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Room for the events of one wait.
    pub(super) fn events(&self, capacity: NonZeroUsize) -> Events {
        Events {
            list: polling::Events::with_capacity(capacity),
            both_sides: !self.reports_edges(),
            #[cfg(unix)]
            poller: self.poller.clone(),
        }
    }

    fn reports_edges(&self) -> bool {
        self.mode == PollMode::Edge
    }

    pub(super) fn add(&self, source: &impl AsSource, key: Key) -> io::Result<()> {
        let edges = self.reports_edges();
        let added = sources::add(&self.poller, source, interest(key, edges, edges), self.mode);
        let Err(error) = added else { return Ok(()) };
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Err(error); // it is somebody's
        }
        let _ = self.remove(source);
        // A kqueue can be read, and nothing else: the system refuses to be asked for more.
        if !edges || !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) {
            return Err(error);
        }
        sources::add(&self.poller, source, interest(key, true, false), self.mode).inspect_err(|_| {
            let _ = self.remove(source);
        })
    }

    pub(super) fn arm(&self, source: &impl AsSource, key: Key, read: bool, write: bool) -> io::Result<()> {
        if self.reports_edges() {
            return Ok(());
        }
        sources::modify(&self.poller, source, interest(key, read, write), self.mode)
    }

    pub(super) fn remove(&self, source: &impl AsSource) -> io::Result<()> {
        sources::delete(&self.poller, source)
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
        if self.process.keeps(&self.poller) {
            self.bell.take_down(&self.poller);
        }
    }
}

/// What is urgent is read, where the system tells of it.
fn interest(key: Key, read: bool, write: bool) -> polling::Event {
    let mut interest = polling::Event::new(key.0 as usize, read, write);
    interest.set_priority(read);
    interest
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
    /// Where they come from. In a child of a fork, where they came from: a kqueue has no number that could be kept.
    #[cfg(unix)]
    poller: Arc<polling::Poller>,
}

#[cfg(unix)]
impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poller.as_fd()
    }
}

impl Events {
    /// Was there no room for more?
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= self.list.capacity().get()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.list.iter().filter(|event| event.key != BELL).map(|event| {
            let signal = |ready| Signal { ready: ready || self.both_sides, lasting: true };
            let readable = event.readable || event.is_priority();
            Event { key: Key(event.key as u32), read: signal(readable), write: signal(event.writable) }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::time::Instant;

    use super::*;
    use crate::reactor::notifier::Bell as _;

    const KEY: Key = Key(7);

    /// A connection: our end, which does not block, and the peer's.
    fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, _) = listener.accept().unwrap();
        ours.set_nonblocking(true).unwrap();
        (ours, peer)
    }

    /// Waits until the poller says that `source` can be read.
    fn until_readable(poller: &Poller, source: &TcpStream) {
        let mut events = poller.events(NonZeroUsize::MIN);
        let began = Instant::now();
        poller.arm(source, KEY, true, false).unwrap();
        loop {
            let limit = Limit::At { moment: 0, is_steady: true, left: &|| Duration::from_secs(1) };
            poller.wait(&mut events, limit).unwrap();
            if events.iter().any(|event| event.key == KEY && event.read.ready) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "nothing is reported");
        }
    }

    #[test]
    fn what_is_there_before_a_source_is_added_is_reported() {
        let poller = Poller::new().unwrap();
        let (ours, mut peer) = connection();
        peer.write_all(b"x").unwrap();
        ours.set_nonblocking(false).unwrap();
        assert_eq!(ours.peek(&mut [0]).unwrap(), 1, "it has arrived");
        ours.set_nonblocking(true).unwrap();
        poller.add(&ours, KEY).unwrap();
        until_readable(&poller, &ours);
        poller.remove(&ours).unwrap();
    }

    #[test]
    fn data_that_comes_while_some_is_unread_is_reported_again() {
        let poller = Poller::new().unwrap();
        let (mut ours, mut peer) = connection();
        poller.add(&ours, KEY).unwrap();
        for _ in 0..3 {
            peer.write_all(b"xx").unwrap();
            until_readable(&poller, &ours);
            assert_eq!(ours.read(&mut [0]).unwrap(), 1);
        }
        poller.remove(&ours).unwrap();
    }

    #[test]
    fn an_end_behind_unread_data_hides_neither() {
        let poller = Poller::new().unwrap();
        let (mut ours, mut peer) = connection();
        poller.add(&ours, KEY).unwrap();
        peer.write_all(b"x").unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        until_readable(&poller, &ours);
        assert_eq!(ours.read(&mut [0; 2]).unwrap(), 1);
        while let Err(error) = ours.read(&mut [0; 2]) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            until_readable(&poller, &ours);
        }
        poller.remove(&ours).unwrap();
    }

    #[test]
    fn a_number_that_is_used_again_can_be_added_again() {
        let poller = Poller::new().unwrap();
        for _ in 0..10 {
            let (ours, peer) = connection();
            poller.add(&ours, KEY).unwrap();
            drop(peer);
            until_readable(&poller, &ours);
            poller.remove(&ours).unwrap();
        }
    }

    #[test]
    fn no_wait_is_longer_than_every_system_takes() {
        for (left, asked) in [
            (Duration::from_nanos(1), Duration::from_nanos(1)),
            (LONGEST, LONGEST),
            (Duration::from_secs(60 * 24 * 3600), LONGEST), // without end on Windows
            (Duration::from_secs(100_000_001), LONGEST),    // an error on macOS
            (Duration::MAX, LONGEST),
        ] {
            assert_eq!(timeout(Limit::At { moment: 0, is_steady: true, left: &|| left }), Some(asked), "{left:?}");
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
