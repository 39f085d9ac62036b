//! What the handler knows of a watch.
//!
//! # Invariants
//! * **SLOTS-STAY**: a slot is leaked and used again, so a handler may look at it at any time.
//! * **ENDS-ARE-OPEN**: an end in a slot is open until no handler can have read it there: a watch takes it out, and then waits
//!   for the handlers that have begun. It holds the lock of the dispositions meanwhile, which no handler takes, so that nobody
//!   else gets the slot.

use std::ffi::c_int;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::thread;

use crate::signal::kinds::{Set, Signal};
use crate::signal::patience::Patience;
use crate::sys::process::Process;

/// No descriptor.
const NONE: c_int = -1;

/// As many signals as there may be are borne.
const ENDLESS: u32 = u32::MAX;

/// What the handler knows of a watch.
#[derive(Debug)]
pub(super) struct Slot {
    /// Where to write; [`NONE`]: it is nobody's. Written last.
    end: AtomicI32,
    process: AtomicU32,
    /// Its number with the system: ours changes a moment after a fork, and the signal may come first.
    pid: AtomicU32,
    /// Which signals it is for, and which have come, by their bits.
    watched: [AtomicU32; 2],
    arrived: [AtomicU32; 2],
    /// How many have come, and how many are borne before one ends the process.
    count: AtomicU32,
    patience: AtomicU32,
    next: *const Slot,
}

// SAFETY: `next` never changes, and leads to a leaked slot; the rest are atomics.
unsafe impl Sync for Slot {}
// SAFETY: as above.
unsafe impl Send for Slot {}

static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());

/// How many handlers may have read an end, and not yet written to it.
static BUSY: AtomicUsize = AtomicUsize::new(0);

impl Slot {
    fn all() -> impl Iterator<Item = &'static Slot> {
        // SAFETY: null, or leaked (SLOTS-STAY).
        let slot = |slot: *const Slot| unsafe { slot.as_ref() };
        std::iter::successors(slot(SLOTS.load(SeqCst)), move |last| slot(last.next))
    }

    /// One for a watch, whose end stays open until the slot is [left](Slot::leave). For who has the lock.
    pub(super) fn take(process: Process, signals: Set, patience: Patience, end: BorrowedFd<'_>) -> &'static Slot {
        let slot = Slot::free().unwrap_or_else(Slot::add);
        slot.process.store(process.number(), SeqCst);
        slot.pid.store(std::process::id(), SeqCst);
        slot.patience.store(if let Patience::For(most) = patience { most } else { ENDLESS }, SeqCst);
        slot.count.store(0, SeqCst);
        for (at, word) in signals.words().into_iter().enumerate() {
            slot.watched[at].store(word, SeqCst);
            slot.arrived[at].store(0, SeqCst);
        }
        slot.end.store(end.as_raw_fd(), SeqCst);
        slot
    }

    /// For who has the lock.
    fn free() -> Option<&'static Slot> {
        Slot::all().find(|slot| slot.end.load(SeqCst) == NONE)
    }

    /// For who has the lock.
    fn add() -> &'static Slot {
        let new: &'static Slot = Box::leak(Box::new(Slot {
            end: AtomicI32::new(NONE),
            process: AtomicU32::new(0),
            pid: AtomicU32::new(0),
            watched: [const { AtomicU32::new(0) }; 2],
            arrived: [const { AtomicU32::new(0) }; 2],
            count: AtomicU32::new(0),
            patience: AtomicU32::new(ENDLESS),
            next: SLOTS.load(SeqCst),
        }));
        SLOTS.store(ptr::from_ref(new).cast_mut(), SeqCst);
        new
    }

    /// Nobody's from now on, and no handler has its end any more. For who has the lock.
    pub(super) fn leave(&self) {
        self.end.store(NONE, SeqCst);
        while BUSY.load(SeqCst) > 0 {
            thread::yield_now();
        }
    }

    /// Takes out the first of the signals that have come. For who has the watch.
    pub(super) fn take_arrived(&self) -> Option<Signal> {
        self.arrived.iter().enumerate().find_map(|(at, word)| {
            let bits = word.load(SeqCst);
            word.fetch_and(!(bits & bits.wrapping_neg()), SeqCst);
            Set::first_of(at, bits)
        })
    }

    /// How many have come.
    pub(super) fn count(&self) -> u32 {
        self.count.load(SeqCst)
    }

    /// A signal has come, whose bit this is, in that word. For the handler.
    fn hear(&self, word: usize, bit: u32) -> Heard {
        let end = self.end.load(SeqCst);
        if end == NONE || self.watched[word].load(SeqCst) & bit == 0 {
            return Heard::NotWatched;
        }
        if self.process.load(SeqCst) != Process::current().number() || self.pid.load(SeqCst) != std::process::id() {
            return Heard::ByItsParent;
        }
        let patience = match self.patience.load(SeqCst) {
            ENDLESS => Patience::Endless,
            most => Patience::For(most),
        };
        let is_over = patience.is_over_after(self.count.fetch_add(1, SeqCst));
        self.arrived[word].fetch_or(bit, SeqCst);
        // SAFETY: it is open, by ENDS-ARE-OPEN.
        let end = unsafe { BorrowedFd::borrow_raw(end) };
        // A pair that takes no more says it already.
        let _ = rustix::io::write(end, &[1]);
        if is_over { Heard::TooOften } else { Heard::Watched }
    }
}

/// What becomes of a signal by the watches for it. Of several the last is what counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Heard {
    NotWatched,
    /// By the process that this one was forked from.
    ByItsParent,
    Watched,
    /// It is to end the process.
    TooOften,
}

/// Tells each watch for a signal of it. For the handler.
pub(super) fn tell_all(word: usize, bit: u32) -> Heard {
    BUSY.fetch_add(1, SeqCst);
    let heard = Slot::all().map(|slot| slot.hear(word, bit)).fold(Heard::NotWatched, Heard::max);
    BUSY.fetch_sub(1, SeqCst);
    heard
}

/// The handlers that were at work are of the process that this one was forked from. For who has the lock.
pub(super) fn forget_handlers() {
    BUSY.store(0, SeqCst);
}
