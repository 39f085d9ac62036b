//! What the reactor remembers of each source: is it ready, and who waits for it.
//!
//! A source has two halves that know nothing of each other, so that one task may read while another writes. A half is
//! *ready* until a call has shown that it is not: sockets start out ready, and a call is tried before anything waits.
//!
//! # Why no event gets lost
//! The system reports an edge only once. Three rules make that enough:
//! * Only [`Half::event`] sets `ready`, and only while the thread waits in the reactor. So between a call that found
//!   nothing and the note that it did, no event can slip in: one that happened meanwhile is still with the system.
//! * A call that moved fewer bytes than asked has emptied (or filled) the socket, and what arrives after it makes a
//!   new edge. So a short count clears `ready` as well, and saves the call that would have said "would block".
//! * That conclusion is wrong where something other than bytes is waiting behind them: the end of the stream, an error,
//!   urgent data. Events of these kinds are *lasting*: after one, only "would block" itself clears `ready`.

use std::task::Waker;

/// The two directions in which a source can be waited for. Accepting is reading, connecting is writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Read,
    Write,
}

/// Names a slot of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(super) u32);

/// What the system said about one side of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signal {
    /// A call would not wait.
    pub(super) ready: bool,
    /// And a short count does not mean that this changed.
    pub(super) lasting: bool,
}

/// One event: a key and the news about both sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) key: Key,
    pub(super) read: Signal,
    pub(super) write: Signal,
}

/// One direction of one source.
#[derive(Debug)]
pub(super) struct Half {
    ready: bool,
    lasting: bool,
    claimed: bool,
    waker: Option<Waker>,
}

impl Half {
    const fn new() -> Half {
        Half { ready: true, lasting: false, claimed: false, waker: None }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Records an event; the waker is to be woken once nothing is borrowed.
    #[must_use]
    fn event(&mut self, signal: Signal) -> Option<Waker> {
        self.lasting |= signal.lasting;
        if !signal.ready {
            return None;
        }
        self.ready = true;
        self.waker.take()
    }

    /// A call said that it would block.
    pub(super) fn blocked(&mut self) {
        self.ready = false;
    }

    /// A call moved fewer bytes than it was asked to.
    pub(super) fn fell_short(&mut self) {
        self.ready = self.lasting;
    }

    /// Ready for good: the source is closed, and every call says so at once.
    #[must_use]
    pub(super) fn open_for_good(&mut self) -> Option<Waker> {
        self.event(Signal { ready: true, lasting: true })
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.waker.is_some()
    }

    pub(super) fn awaited_by(&self, waker: &Waker) -> bool {
        self.waker.as_ref().is_some_and(|known| known.will_wake(waker))
    }

    /// Replaces the waker; the old one is to be dropped once nothing is borrowed.
    #[must_use]
    pub(super) fn await_by(&mut self, waker: Waker) -> Option<Waker> {
        self.waker.replace(waker)
    }

    pub(super) fn is_claimed(&self) -> bool {
        self.claimed
    }

    pub(super) fn claim(&mut self) {
        self.claimed = true;
    }

    /// Ends a claim; the waker is to be dropped once nothing is borrowed.
    #[must_use]
    pub(super) fn release(&mut self) -> Option<Waker> {
        self.claimed = false;
        self.waker.take()
    }
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) read: Half,
    pub(super) write: Half,
}

impl Slot {
    const fn new() -> Slot {
        Slot { read: Half::new(), write: Half::new() }
    }

    pub(super) fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Read => &mut self.read,
            Side::Write => &mut self.write,
        }
    }
}

const _: () = assert!(size_of::<Slot>() <= 48, "an idle connection should stay small: look at the fields of `Half`");

/// All sources of a reactor. Slots are reused; the memory stays at its peak.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Table {
    pub(super) fn insert(&mut self) -> Key {
        if let Some(index) = self.free.pop() {
            self.slots[index as usize] = Slot::new();
            return Key(index);
        }
        let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 sockets are open");
        self.slots.push(Slot::new());
        Key(index)
    }

    /// Frees a slot; what it held is to be dropped once nothing is borrowed.
    #[must_use]
    pub(super) fn remove(&mut self, key: Key) -> Slot {
        self.free.push(key.0);
        std::mem::replace(&mut self.slots[key.0 as usize], Slot::new())
    }

    pub(super) fn slot(&mut self, key: Key) -> &mut Slot {
        &mut self.slots[key.0 as usize]
    }

    /// Records an event and gives back who waits for it. An event for a slot that was freed or reused meanwhile
    /// costs its new user one call in vain.
    pub(super) fn event(&mut self, event: Event) -> [Option<Waker>; 2] {
        match self.slots.get_mut(event.key.0 as usize) {
            Some(slot) => [slot.read.event(event.read), slot.write.event(event.write)],
            None => [None, None],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGE: Signal = Signal { ready: true, lasting: false };
    const LASTING: Signal = Signal { ready: true, lasting: true };

    #[test]
    fn a_new_half_is_tried_before_it_is_waited_for() {
        assert!(Half::new().is_ready());
    }

    #[test]
    fn a_short_count_clears_until_the_next_edge() {
        let mut half = Half::new();
        half.fell_short();
        assert!(!half.is_ready());
        assert!(half.event(EDGE).is_none());
        assert!(half.is_ready());
    }

    #[test]
    fn after_the_peer_has_ended_a_short_count_proves_nothing() {
        let mut half = Half::new();
        assert!(half.event(LASTING).is_none());
        half.fell_short();
        assert!(half.is_ready());
        half.blocked();
        assert!(!half.is_ready(), "the system's own word counts");
    }

    #[test]
    fn an_event_wakes_once() {
        let mut half = Half::new();
        half.blocked();
        assert!(half.await_by(Waker::noop().clone()).is_none());
        assert!(half.event(EDGE).is_some());
        assert!(half.event(EDGE).is_none());
    }

    #[test]
    fn no_news_about_a_side_leaves_it_asleep() {
        let mut half = Half::new();
        half.blocked();
        assert!(half.await_by(Waker::noop().clone()).is_none());
        assert!(half.event(Signal::default()).is_none());
        assert!(!half.is_ready() && half.is_awaited());
    }

    #[test]
    fn a_reused_slot_starts_afresh_and_a_stale_event_only_makes_it_ready() {
        let mut table = Table::default();
        let key = table.insert();
        table.slot(key).read.claim();
        table.slot(key).read.fell_short();
        drop(table.remove(key));
        let again = table.insert();
        assert_eq!(again, key);
        assert!(!table.slot(again).read.is_claimed());
        table.slot(again).read.blocked();
        let woken = table.event(Event { key, read: EDGE, write: Signal::default() });
        assert!(woken.iter().all(Option::is_none));
        assert!(table.slot(again).read.is_ready());
        assert!(table.event(Event { key: Key(99), read: EDGE, write: EDGE }).iter().all(Option::is_none));
    }
}
