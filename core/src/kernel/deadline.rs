//! What waits for a deadline: a sleeping future, or a scope that ends then. The deadlines of a runtime are in its
//! [`TimerQueue`], through entries that lie in the futures that wait; so setting one never fails and needs no room.
//!
//! # Invariants
//! * **ONE-HOME**: an entry is in at most one heap, the one that `home` names; it leaves it when it fires, when it is
//!   removed, and when it or the heap dies.

use core::cell::Cell;
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::Waker;

use super::clock::Current;
use super::context::{Context, with};
#[cfg(feature = "hooks")]
use super::debugger_slot::Who;
use super::pin_ref::PinRef;
use super::scope::cancel::cancel;
use super::scope::node::{CANCELLED, EXPIRED, HOLD, Node, POLLING, SHIELD, Scoped, SubScope, TIMED};
use super::scope::shields::tell_of_grace;
use super::timer::{Popped, Timer, TimerQueue};
use super::used::{DEADLINES, HOLDS};
use super::waker::Kept;
use crate::fault::fault;
use crate::reason::Reason;

/// One deadline, in ticks.
pub(crate) struct Entry {
    timer: Timer<Alarm>,
}

/// What comes with a deadline.
struct Alarm {
    home: Cell<*const Heap>,
    state: Cell<State>,
    /// The rate of the clock that the deadline is a reading of; 0: not known. Without `std` all have the same.
    #[cfg(feature = "std")]
    hz: Cell<u64>,
    what: What,
}

/// How far the sleep is that an entry is in.
#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    /// It has begun, and waits for its deadline.
    Waits,
    /// It has begun when its time had passed.
    AtOnce,
    /// The deadline has come.
    Fired,
}

/// What happens at the deadline.
pub(crate) enum What {
    /// A sleeping future is woken.
    Wake {
        waker: Kept,
        /// Who sleeps, and since when, for the debugger.
        #[cfg(feature = "hooks")]
        sleeper: Cell<Option<(Who, u64)>>,
    },
    /// The scope whose [`Timed`] this entry is in expires.
    Expire { node: Cell<*const Node> },
}

impl Entry {
    pub(crate) const fn sleeping(until: u64) -> Self {
        let what = What::Wake {
            waker: Kept::new(),
            #[cfg(feature = "hooks")]
            sleeper: Cell::new(None),
        };
        Self::new(what, until)
    }

    const fn new(what: What, deadline: u64) -> Self {
        let alarm = Alarm {
            home: Cell::new(ptr::null()),
            state: Cell::new(State::New),
            #[cfg(feature = "std")]
            hz: Cell::new(0),
            what,
        };
        Entry { timer: Timer::new(alarm, deadline) }
    }

    fn alarm(&self) -> &Alarm {
        self.timer.with()
    }

    /// Its sleep begins, perhaps anew: in another runtime, while the first one's timers have it still, in the order of its
    /// deadline by that one's clock.
    pub(crate) fn begin(&self, deadline: u64, at_once: bool) {
        if !fault!("sleeps-kept-by-another-runtime") {
            self.disarm();
        }
        self.timer.set_deadline(deadline);
        self.alarm().state.set(if at_once { State::AtOnce } else { State::Waits });
    }

    /// What a sleep that has not begun ends by.
    pub(crate) fn note(&self, deadline: u64) {
        self.timer.set_deadline(deadline);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.alarm().state.get() != State::New
    }

    /// Had its time passed when the sleep began? Then it yields once and is over.
    pub(crate) fn is_over_at_once(&self) -> bool {
        self.alarm().state.get() == State::AtOnce
    }

    /// Has the deadline come?
    pub(crate) fn has_fired(&self) -> bool {
        self.alarm().state.get() == State::Fired
    }

    pub(crate) fn is_in(&self, heap: *const Heap) -> bool {
        self.alarm().home.get() == heap
    }

    pub(crate) fn deadline(&self) -> u64 {
        self.timer.deadline()
    }

    /// The deadline is a reading of this clock.
    pub(crate) fn note_rate(&self, clock: &Current) {
        #[cfg(feature = "std")]
        self.alarm().hz.set(clock.hz());
        #[cfg(not(feature = "std"))]
        let _ = clock;
    }

    /// The deadline by this clock, where another runtime may have noted it.
    pub(crate) fn deadline_by(&self, clock: &Current) -> u64 {
        #[cfg(feature = "std")]
        if self.alarm().hz.get() != 0 {
            return crate::time::convert(self.deadline(), self.alarm().hz.get(), clock.hz());
        }
        let _ = clock;
        self.deadline()
    }

    /// Replaces the waker of a sleeping entry.
    pub(crate) fn store_waker(&self, new: &Waker) {
        if let What::Wake { waker, .. } = &self.alarm().what
            && !waker.is(new)
        {
            // The old one may be foreign, and is dropped when the new one is there (NO-CALL-OUT).
            drop(waker.replace(new.clone()));
        }
    }

    /// Notes who sleeps, for the debugger.
    #[cfg(feature = "hooks")]
    pub(crate) fn note_sleeper(&self, who: Who, since: u64) {
        if let What::Wake { sleeper, .. } = &self.alarm().what {
            sleeper.set(Some((who, since)));
        }
    }

    /// Sets this entry, which is in no heap, in `heap`.
    pub(crate) fn arm(self: Pin<&Self>, heap: *const Heap, deadline: u64) {
        // SAFETY: the caller's heap is its runtime's, which is having its turn (PINNED).
        if let Some(heap) = unsafe { heap.as_ref() } {
            self.alarm().state.set(State::Waits);
            self.alarm().home.set(heap);
            // SAFETY: LIVE: pinned, and its destructor takes it out.
            let timer = unsafe { PinRef::new(NonNull::from(&self.get_ref().timer)) };
            // SAFETY: ONE-HOME: it has left the other.
            with(|_| unsafe { heap.queue.insert(timer, deadline) });
        }
    }

    /// Takes the entry out of its heap.
    pub(crate) fn disarm(&self) {
        // It comes into a heap only by the code that it is in, and so does it here.
        if !self.alarm().home.get().is_null() {
            with(|_| self.leave());
        }
    }

    fn leave(&self) {
        // SAFETY: ONE-HOME, and PINNED for the heap: it forgets its entries when it dies.
        if let Some(heap) = unsafe { self.alarm().home.replace(ptr::null()).as_ref() } {
            // SAFETY: LIVE: pinned, for it is in a heap; MEMBER: its home says in which.
            unsafe { heap.queue.remove(PinRef::new(NonNull::from(&self.timer))) };
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Entry").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}

/// A scope with a deadline. The scope comes first (WHOLE-POINTER).
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Timed {
    pub(crate) scope: SubScope,
    entry: Entry,
    looked_at: Cell<u32>,
}

impl Timed {
    pub(crate) fn new(flags: u16) -> Self {
        if flags & HOLD != 0 {
            HOLDS.note();
        }
        let what = What::Expire { node: Cell::new(ptr::null()) };
        Timed { scope: SubScope::new(flags | TIMED), entry: Entry::new(what, u64::MAX), looked_at: Cell::new(0) }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.scope.node
    }

    /// Sets the deadline, in ticks of the heap's runtime.
    pub(crate) fn arm(self: Pin<&Self>, heap: *const Heap, deadline: u64) {
        DEADLINES.note();
        if let What::Expire { node } = &self.entry.alarm().what {
            node.set(self.node_ptr());
        }
        // SAFETY: structural: a field of a pinned value, and nothing moves it out.
        let entry = unsafe { self.map_unchecked(|timed| &timed.entry) };
        entry.disarm();
        entry.arm(heap, deadline);
    }

    /// The same, or expires at once if the time has come.
    pub(crate) fn arm_or_expire(self: Pin<&Self>, heap: *const Heap, deadline: u64, now: u64) {
        // Another runtime's timers may have it still.
        self.entry.disarm();
        if deadline > now {
            if deadline != u64::MAX {
                self.arm(heap, deadline);
            }
            return;
        }
        let foreign = with(|context| {
            self.node().set(EXPIRED);
            // As a wake does: whoever goes on polling above looks again.
            context.stop.set(1);
            // While it is being polled it sees for itself.
            if self.node().has(POLLING) {
                return None;
            }
            // SAFETY: PINNED; good for the whole.
            unsafe { context.wake_node(self.node_ptr()) }
        });
        if let Some(foreign) = foreign {
            foreign.wake();
        }
    }

    /// Has the deadline passed, or was the scope cancelled?
    pub(crate) fn is_over(&self) -> bool {
        self.node().has(EXPIRED | CANCELLED)
    }

    /// What is inside is safe from cancellations outside from now on.
    pub(crate) fn raise_shield(self: Pin<&Self>) {
        // SAFETY: PINNED; good for the whole.
        with(|context| unsafe { context.raise_shield(self.node_ptr()) });
    }

    /// Lets go of the scopes around, if it held them.
    pub(crate) fn let_go(self: Pin<&Self>) {
        // SAFETY: PINNED; good for the whole.
        if let Some(foreign) = with(|context| unsafe { context.let_go(self.node_ptr()) }) {
            foreign.wake();
        }
    }

    /// Takes the deadline away.
    pub(crate) fn disarm(&self) {
        with(|_| self.node().clear(EXPIRED));
        self.entry.disarm();
    }

    /// As for its entry.
    pub(crate) fn note_rate(&self, clock: &Current) {
        self.entry.note_rate(clock);
    }

    /// As for its entry.
    pub(crate) fn deadline_by(&self, clock: &Current) -> u64 {
        self.entry.deadline_by(clock)
    }

    pub(crate) fn is_armed_in(&self, heap: *const Heap) -> bool {
        self.entry.is_in(heap)
    }

    /// Where [`asking`](super::scope::asking) notes in which poll of its task the scope was looked at.
    pub(crate) fn looked_at(&self) -> &Cell<u32> {
        &self.looked_at
    }

    /// Cancels the scope and wakes all that has to notice. There is nothing left to come due.
    pub(crate) fn cancel(self: Pin<&Self>, reason: Reason) {
        if !fault!("cancelled-and-expired") {
            self.entry.disarm();
        }
        // SAFETY: pinned and alive, and made from the whole.
        unsafe { cancel(self.node_ptr(), reason) };
    }
}

impl Drop for Timed {
    /// The node goes before the entry, and with it a waker whose destructor may be anybody's code: no runtime that has its
    /// turn in there may find the deadline, which leads to the node.
    fn drop(&mut self) {
        if !fault!("dying-scopes-expire") {
            self.entry.disarm();
        }
    }
}

// SAFETY: `repr(C)`, the scope first; linked through `Entered` and `arm`, which ask for a pin.
unsafe impl Scoped for Timed {}

/// The deadline in ticks of a scope that has one.
///
/// # Safety
/// It is alive, and the pointer is good for the whole.
pub(crate) unsafe fn deadline_of(at: *const Node) -> Option<u64> {
    // SAFETY: by contract; WHOLE-POINTER: the flag says that the node starts a `Timed`.
    let timed = unsafe { (*at).has(TIMED).then(|| &*at.cast::<Timed>()) }?;
    (!timed.entry.alarm().home.get().is_null()).then(|| timed.entry.deadline())
}

impl Context {
    /// The soonest deadline in ticks of the scopes around the running code, up to a shield.
    pub(crate) fn effective_deadline(&self) -> u64 {
        let mut soonest = u64::MAX;
        let mut at = self.node.get();
        // SAFETY: PINNED: what is being polled is alive, and so is all around it.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.has(CANCELLED | EXPIRED) {
                return 0;
            }
            // SAFETY: PINNED, as above; good for the whole.
            if let Some(deadline) = unsafe { deadline_of(at) } {
                soonest = soonest.min(deadline);
            }
            if node.has(SHIELD) {
                break;
            }
            at = node.parent.get();
        }
        soonest
    }
}

/// The deadlines of one runtime. Pinned with it: entries know where it is.
pub(crate) struct Heap {
    queue: TimerQueue<Alarm>,
}

/// What to do about an entry that has come due.
pub(crate) struct Due {
    /// A waker that isn't ours.
    pub(crate) foreign: Option<Waker>,
    /// Another, of the scope that a grace holds.
    pub(crate) looker: Option<Waker>,
    /// Who slept, and since when.
    #[cfg(feature = "hooks")]
    pub(crate) sleeper: Option<(Who, u64)>,
}

impl Due {
    const NOBODY: Due = Due {
        foreign: None,
        looker: None,
        #[cfg(feature = "hooks")]
        sleeper: None,
    };
}

impl Heap {
    pub(crate) const fn new() -> Self {
        Heap { queue: TimerQueue::new() }
    }

    /// Is no deadline set?
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When to look again: at the soonest deadline or, where many come, somewhat before it.
    pub(crate) fn next(&self) -> Option<u64> {
        self.queue.next()
    }

    /// Prepares for what comes next, a part at a time; is there more to prepare?
    pub(crate) fn spread(&self) -> bool {
        self.queue.spread()
    }

    /// Fires the soonest entry if it is due. Ours are woken, a foreign waker is handed out.
    pub(crate) fn fire(&self, now: u64) -> Option<Due> {
        loop {
            match with(|context| self.fire_one(context, now)) {
                Popped::Due(due) => return Some(due),
                Popped::More => {}
                Popped::Nothing => return None,
            }
        }
    }

    fn fire_one(&self, context: &Context, now: u64) -> Popped<Due> {
        self.queue.pop(now).map(|timer| {
            let alarm = timer.with();
            alarm.home.set(ptr::null());
            alarm.state.set(State::Fired);
            #[cfg(feature = "std")]
            context.fired.set(context.fired.get().wrapping_add(1));
            match &alarm.what {
                What::Wake {
                    waker,
                    #[cfg(feature = "hooks")]
                    sleeper,
                } => Due {
                    foreign: waker.wake(context),
                    looker: None,
                    #[cfg(feature = "hooks")]
                    sleeper: sleeper.take(),
                },
                // A sleep's is the only kind that there is.
                What::Expire { .. } if !DEADLINES.is() => Due::NOBODY,
                What::Expire { node } => {
                    let whole = node.get();
                    // SAFETY: PINNED: the node lies beside the entry, in the same `Timed`.
                    let looker = unsafe { whole.as_ref() }.and_then(|node| {
                        node.set(EXPIRED);
                        // Who is polled no more hears nothing of the end of its grace.
                        if node.has(HOLD) { tell_of_grace(context, node) } else { None }
                    });
                    Due {
                        // SAFETY: as above; good for the whole.
                        foreign: unsafe { context.wake_node(whole) },
                        looker,
                        #[cfg(feature = "hooks")]
                        sleeper: None,
                    }
                }
            }
        })
    }
}

impl Drop for Heap {
    /// The entries live on, in no heap: their next poll sets them again.
    fn drop(&mut self) {
        with(|_| {
            while let Some(timer) = self.queue.pop_any() {
                timer.with().home.set(ptr::null());
            }
        });
    }
}
