//! Is a source ready, and who waits for it.
//!
//! A source has two directions that know nothing of each other, so that one task may read while another writes. A direction is
//! *ready* until a call has shown that it is not: sockets start out ready, and a call is tried before anything waits.
//!
//! # Why no event gets lost
//! The system reports an edge only once. Three rules make that enough:
//! * Only [`Readiness::event`] makes one ready, and only while the thread waits in the reactor. So between a call that found
//!   nothing and the note that it did, no event can slip in: one that happened meanwhile is still with the system.
//! * A call that moved fewer bytes than asked has emptied (or filled) the socket, and what arrives after it makes a
//!   new edge. So a short count is as good as "would block", and saves the call that would have said it.
//! * That conclusion is wrong where something other than bytes is waiting behind them: the end of the stream, an error,
//!   urgent data. Events of these kinds are *lasting*: after one, only "would block" itself counts.

use std::cell::Cell;
use std::task::Waker;

use crate::foreign::discard;

/// The two directions in which a source can be waited for. Accepting is reading, connecting is writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    /// The direction that a call has to itself and waits for: none if it moves nothing.
    pub(crate) fn unless(self, moves_nothing: bool) -> Option<Direction> {
        (!moves_nothing).then_some(self)
    }

    /// What those wait for who look for it.
    pub(super) const fn awaited(self) -> &'static str {
        match self {
            Direction::Read => "readiness to read",
            Direction::Write => "readiness to write",
        }
    }
}

/// What the system said about one direction of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signal {
    /// A call would not wait.
    pub(super) ready: bool,
    /// And a short count does not mean that this changed.
    pub(super) lasting: bool,
}

/// Nothing is known but that a call may find something else than before.
pub(super) const AGAIN: Signal = Signal { ready: true, lasting: false };

/// One direction of one source.
#[derive(Default)]
pub(super) struct Readiness {
    marks: Cell<u8>,
    waker: Cell<Option<Waker>>,
}

/// A call has shown that the next one would block. Not set at first: calls are tried before they wait.
const DRAINED: u8 = 1;
/// An event was lasting.
const LASTING: u8 = 2;
/// A future has this direction for itself.
const CLAIMED: u8 = 4;
/// The source was made by the runtime for itself: looking at it is not I/O of the program. Kept with reading.
const OWN: u8 = 8;
/// The program has borrowed the descriptor. Kept with reading.
const LENT: u8 = 16;
/// The source was closed while its descriptor was lent. Kept with reading.
const OVER: u8 = 32;
/// The source was registered by a process that this one was forked from. Kept with reading.
const LOST: u8 = 64;
/// Others than the source may have the descriptor, too, and change its mode. Kept with reading.
const SHARED: u8 = 128;

impl Readiness {
    fn has(&self, mark: u8) -> bool {
        self.marks.get() & mark != 0
    }

    fn set(&self, mark: u8) {
        self.marks.set(self.marks.get() | mark);
    }

    fn clear(&self, mark: u8) {
        self.marks.set(self.marks.get() & !mark);
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.has(DRAINED)
    }

    /// Records an event, and says whom to wake.
    #[must_use]
    pub(super) fn event(&self, signal: Signal) -> Option<Waker> {
        if signal.lasting {
            self.set(LASTING);
        }
        if !signal.ready {
            return None;
        }
        self.clear(DRAINED);
        self.waker.take()
    }

    /// The source was closed, which every call says at once, whoever had this direction for himself; and whom to wake.
    #[must_use]
    pub(super) fn closed(&self) -> Option<Waker> {
        self.clear(CLAIMED);
        self.event(Signal { ready: true, lasting: true })
    }

    /// A call said that it would block.
    pub(super) fn blocked(&self) {
        self.set(DRAINED);
    }

    /// A call moved fewer bytes than it was asked to.
    pub(super) fn fell_short(&self) {
        if !self.has(LASTING) {
            self.set(DRAINED);
        }
    }

    pub(super) fn is_awaited(&self) -> bool {
        let waker = self.waker.take();
        let awaited = waker.is_some();
        self.waker.set(waker);
        awaited
    }

    pub(super) fn is_awaited_by(&self, waker: &Waker) -> bool {
        let known = self.waker.take();
        let same = known.as_ref().is_some_and(|known| known.will_wake(waker));
        self.waker.set(known);
        same
    }

    pub(super) fn await_by(&self, waker: Waker) {
        self.waker.set(Some(waker));
    }

    pub(super) fn is_claimed(&self) -> bool {
        self.has(CLAIMED)
    }

    pub(super) fn claim(&self) {
        self.set(CLAIMED);
    }

    /// Ends a claim, and withdraws the waker of who had it.
    pub(super) fn release(&self) {
        self.clear(CLAIMED);
        discard(self.waker.take());
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        discard(self.waker.take());
    }
}

/// Both directions of one source.
pub(super) struct Directions {
    read: Readiness,
    write: Readiness,
}

impl Directions {
    pub(super) fn new(is_own: bool) -> Directions {
        let (read, write) = (Readiness::default(), Readiness::default());
        if is_own {
            read.set(OWN);
        }
        Directions { read, write }
    }

    /// Is it the runtime's, and not the program's?
    pub(super) fn is_own(&self) -> bool {
        self.read.has(OWN)
    }

    pub(super) fn share(&self) {
        self.read.set(SHARED);
    }

    pub(super) fn is_shared(&self) -> bool {
        self.read.has(SHARED)
    }

    pub(super) fn lend(&self) {
        self.read.set(LENT);
    }

    pub(super) fn is_lent(&self) -> bool {
        self.read.has(LENT)
    }

    pub(super) fn end(&self) {
        self.read.set(OVER);
    }

    /// Was the source closed, though its descriptor is open still?
    pub(super) fn is_over(&self) -> bool {
        self.read.has(OVER)
    }

    /// The registration is another process's.
    pub(super) fn lose(&self) {
        self.read.set(LOST);
    }

    /// Was the registration lost since this was last asked?
    pub(super) fn take_loss(&self) -> bool {
        let lost = self.read.has(LOST);
        self.read.clear(LOST);
        lost
    }

    pub(super) fn of(&self, direction: Direction) -> &Readiness {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGE: Signal = Signal { ready: true, lasting: false };
    const LASTING: Signal = Signal { ready: true, lasting: true };

    #[test]
    fn a_new_direction_is_tried_before_it_is_waited_for() {
        assert!(Readiness::default().is_ready());
    }

    #[test]
    fn a_short_count_clears_until_the_next_edge() {
        let readiness = Readiness::default();
        readiness.fell_short();
        assert!(!readiness.is_ready());
        assert!(readiness.event(EDGE).is_none());
        assert!(readiness.is_ready());
    }

    #[test]
    fn after_the_peer_has_ended_a_short_count_proves_nothing() {
        let readiness = Readiness::default();
        assert!(readiness.event(LASTING).is_none());
        readiness.fell_short();
        assert!(readiness.is_ready());
        readiness.blocked();
        assert!(!readiness.is_ready(), "the system's own word counts");
    }

    #[test]
    fn an_event_wakes_once() {
        let readiness = Readiness::default();
        readiness.blocked();
        let waker = Waker::noop().clone();
        readiness.await_by(waker.clone());
        assert!(readiness.is_awaited() && readiness.is_awaited_by(&waker));
        assert!(readiness.event(EDGE).is_some());
        assert!(readiness.event(EDGE).is_none());
    }

    #[test]
    fn no_news_about_a_direction_leaves_it_asleep() {
        let readiness = Readiness::default();
        readiness.blocked();
        readiness.await_by(Waker::noop().clone());
        assert!(readiness.event(Signal::default()).is_none());
        assert!(!readiness.is_ready() && readiness.is_awaited());
    }

    #[test]
    fn a_claim_that_ends_takes_its_waker_along() {
        let readiness = Readiness::default();
        readiness.claim();
        readiness.await_by(Waker::noop().clone());
        readiness.release();
        assert!(!readiness.is_claimed() && !readiness.is_awaited());
    }
}
