//! A scope with a deadline.

use core::cell::Cell;
use core::pin::Pin;
use core::ptr;

use super::entry::Entry;
use super::heap::{Heap, What};
use crate::fault::fault;
use crate::kernel::clock::Current;
use crate::kernel::context::{Context, with};
use crate::kernel::scope::cancel::cancel;
use crate::kernel::scope::node::{CANCELLED, EXPIRED, HOLD, Node, POLLING, SHIELD, Scoped, SubScope, TIMED};
use crate::kernel::used::{DEADLINES, HOLDS};
use crate::reason::Reason;

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
