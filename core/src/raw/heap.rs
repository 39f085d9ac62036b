//! Deadlines, soonest first: a pairing heap through entries that lie in the futures that wait.
//!
//! Most deadlines guard work that finishes in time, so the common life of an entry is "insert,
//! then remove" with nothing due. Both are a few pointer writes here: an insertion compares with
//! the root alone, and a removed entry that has no children is cut out of its siblings.
//!
//! | operation | cost |
//! | --- | --- |
//! | insert | O(1) |
//! | look at the soonest | O(1) |
//! | remove, move | O(log n) amortised; O(1) for an entry without children |
//! | take the soonest | O(log n) amortised |
//!
//! Nothing allocates and nothing can be full. Equal deadlines come out in the order they were
//! set: each carries a number. From Fredman, Sedgewick, Sleator and Tarjan, "The pairing heap: a
//! new form of self-adjusting heap", Algorithmica 1 (1986), in its two-pass form.
//!
//! # Invariants
//! * **HEAP-ORDER**: no entry is sooner than its parent.
//! * **ONE-HOME**: an entry is in at most one heap, the one that `home` names; it leaves it when
//!   it fires, when it is removed, and when it or the heap dies.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr;
use core::task::Waker;

use super::node::{Node, Scoped, TIMED};
use super::port::with;
use super::waker::Kept;
#[cfg(feature = "hooks")]
use crate::hooks::TaskInfo;

/// One deadline.
pub(crate) struct Entry {
    child: Cell<*const Entry>,
    next: Cell<*const Entry>,
    /// The sibling before, or the parent of a first child.
    prev: Cell<*const Entry>,
    home: Cell<*const Heap>,
    /// In ticks.
    deadline: Cell<u64>,
    number: Cell<u32>,
    fired: Cell<bool>,
    what: What,
    _pinned: PhantomPinned,
}

/// What happens at the deadline.
pub(crate) enum What {
    /// A sleeping future is woken.
    Wake {
        waker: Kept,
        /// Who sleeps, and since when, for the debugger.
        #[cfg(feature = "hooks")]
        sleeper: Cell<Option<(TaskInfo<'static>, u64)>>,
    },
    /// The scope whose [`Timed`] this entry is in expires.
    Expire(Cell<*const Node>),
}

impl Entry {
    pub(crate) const fn sleeping() -> Self {
        Self::new(What::Wake {
            waker: Kept::new(),
            #[cfg(feature = "hooks")]
            sleeper: Cell::new(None),
        })
    }

    const fn new(what: What) -> Self {
        Entry {
            child: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            home: Cell::new(ptr::null()),
            deadline: Cell::new(u64::MAX),
            number: Cell::new(0),
            fired: Cell::new(false),
            what,
            _pinned: PhantomPinned,
        }
    }

    /// Has the deadline come?
    pub(crate) fn has_fired(&self) -> bool {
        self.fired.get()
    }

    pub(crate) fn is_in(&self, heap: *const Heap) -> bool {
        self.home.get() == heap
    }

    pub(crate) fn deadline(&self) -> u64 {
        self.deadline.get()
    }

    /// Replaces the waker of a sleeping entry.
    pub(crate) fn store_waker(&self, new: &Waker) {
        if let What::Wake { waker, .. } = &self.what {
            waker.keep(new);
        }
    }

    /// Notes who sleeps, for the debugger.
    #[cfg(feature = "hooks")]
    pub(crate) fn note_sleeper(&self, who: Option<TaskInfo<'static>>, since: u64) {
        if let What::Wake { sleeper, .. } = &self.what {
            sleeper.set(who.map(|who| (who, since)));
        }
    }

    /// Sets, or sets anew, this entry in `heap`.
    pub(crate) fn arm(self: Pin<&Self>, heap: *const Heap, deadline: u64) {
        with(|_| {
            self.leave();
            // SAFETY: the caller's heap is its runtime's, which is having its turn (PINNED).
            if let Some(heap) = unsafe { heap.as_ref() } {
                self.fired.set(false);
                self.deadline.set(deadline);
                heap.insert(self.get_ref());
            }
        });
    }

    /// Takes the entry out of its heap.
    pub(crate) fn disarm(&self) {
        with(|_| self.leave());
    }

    fn leave(&self) {
        // SAFETY: ONE-HOME, and PINNED for the heap: it forgets its entries when it dies.
        if let Some(heap) = unsafe { self.home.get().as_ref() } {
            heap.remove(self);
        }
    }

    fn is_sooner(&self, other: &Entry) -> bool {
        match self.deadline.get().cmp(&other.deadline.get()) {
            core::cmp::Ordering::Less => true,
            core::cmp::Ordering::Greater => false,
            core::cmp::Ordering::Equal => (self.number.get().wrapping_sub(other.number.get()) as i32) < 0,
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
        f.debug_struct("Entry").field("deadline", &self.deadline.get()).finish_non_exhaustive()
    }
}

/// A scope with a deadline. The node comes first (WHOLE-POINTER).
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Timed {
    pub(crate) node: Node,
    entry: Entry,
}

impl Timed {
    pub(crate) const fn new(flags: u32) -> Self {
        Timed { node: Node::new(flags | TIMED), entry: Entry::new(What::Expire(Cell::new(ptr::null()))) }
    }

    /// Sets the deadline, in ticks of the heap's runtime.
    pub(crate) fn arm(self: Pin<&Self>, heap: *const Heap, deadline: u64) {
        if let What::Expire(node) = &self.entry.what {
            node.set(self.node_ptr());
        }
        // SAFETY: structural: a field of a pinned value, and nothing moves it out.
        unsafe { self.map_unchecked(|timed| &timed.entry) }.arm(heap, deadline);
    }

    /// The same, or expires at once if the time has come.
    pub(crate) fn arm_or_expire(self: Pin<&Self>, heap: *const Heap, deadline: u64, now: u64) {
        if deadline > now {
            if deadline != u64::MAX {
                self.arm(heap, deadline);
            }
            return;
        }
        let foreign = with(|state| {
            self.node.set(super::node::EXPIRED);
            // As a wake does: bursts that go on above look again.
            state.count_wake();
            // While it is being polled it sees for itself.
            if self.node.has(super::node::POLLING) {
                return None;
            }
            state.wake_node(self.node_ptr())
        });
        if let Some(foreign) = foreign {
            foreign.wake();
        }
    }

    /// Has the deadline passed, or was the scope cancelled?
    pub(crate) fn is_over(&self) -> bool {
        with(|_| self.node.has(super::node::EXPIRED | super::node::CANCELLED))
    }

    /// Takes the deadline away.
    pub(crate) fn disarm(&self) {
        with(|_| self.node.clear(super::node::EXPIRED));
        self.entry.disarm();
    }

    pub(crate) fn is_armed_in(&self, heap: *const Heap) -> bool {
        self.entry.is_in(heap)
    }

    /// Cancels the scope and wakes all that has to notice.
    pub(crate) fn cancel(self: Pin<&Self>, reason: crate::cancel::Reason) {
        // SAFETY: pinned and alive, and made from the whole.
        unsafe { Node::cancel(self.node_ptr(), reason) };
    }
}

// SAFETY: `repr(C)`, the node first; linked through `Entered` and `arm`, which ask for a pin.
unsafe impl Scoped for Timed {}

impl super::state::State {
    /// The soonest deadline in ticks of the scopes around the running code, up to a shield.
    pub(crate) fn effective_deadline(&self) -> u64 {
        let mut soonest = u64::MAX;
        let mut at = self.node.get();
        // SAFETY: PINNED: links lead to live nodes.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.has(super::node::CANCELLED | super::node::EXPIRED) {
                return 0;
            }
            if node.has(TIMED) {
                // SAFETY: WHOLE-POINTER: the flag says that the node starts a `Timed`.
                let timed = unsafe { &*at.cast::<Timed>() };
                if !timed.entry.home.get().is_null() {
                    soonest = soonest.min(timed.entry.deadline());
                }
            }
            if node.has(super::node::SHIELD) {
                break;
            }
            at = node.parent.get();
        }
        soonest
    }
}

/// The deadlines of one runtime. Pinned with it: entries know where it is.
pub(crate) struct Heap {
    root: Cell<*const Entry>,
    numbers: Cell<u32>,
}

/// What to do about an entry that has come due.
pub(crate) struct Due {
    /// A waker that isn't ours.
    pub(crate) foreign: Option<Waker>,
    /// Who slept, and since when.
    #[cfg(feature = "hooks")]
    pub(crate) sleeper: Option<(TaskInfo<'static>, u64)>,
}

impl Heap {
    pub(crate) const fn new() -> Self {
        Heap { root: Cell::new(ptr::null()), numbers: Cell::new(0) }
    }

    /// The soonest deadline.
    #[inline]
    pub(crate) fn soonest(&self) -> Option<u64> {
        // SAFETY: PINNED: entries in the heap are alive.
        unsafe { self.root.get().as_ref() }.map(Entry::deadline)
    }

    fn insert(&self, entry: &Entry) {
        let number = self.numbers.get().wrapping_add(1);
        self.numbers.set(number);
        entry.number.set(number);
        entry.home.set(self);
        // SAFETY: PINNED: null or a live entry; `entry` is in no heap (ONE-HOME).
        self.root.set(unsafe { meld(self.root.get(), entry) });
    }

    fn remove(&self, entry: &Entry) {
        // SAFETY: PINNED for all that is linked; `entry` is in this heap (ONE-HOME).
        unsafe {
            let rest = pair(entry.child.replace(ptr::null()));
            if ptr::eq(self.root.get(), entry) {
                self.root.set(rest);
            } else {
                let prev = &*entry.prev.get();
                if ptr::eq(prev.child.get(), entry) {
                    prev.child.set(entry.next.get());
                } else {
                    prev.next.set(entry.next.get());
                }
                if let Some(next) = entry.next.get().as_ref() {
                    next.prev.set(prev);
                }
                self.root.set(meld(self.root.get(), rest));
            }
        }
        entry.next.set(ptr::null());
        entry.prev.set(ptr::null());
        entry.home.set(ptr::null());
    }

    /// Fires the soonest entry if it is due. Ours are woken, a foreign waker is handed out.
    pub(crate) fn fire(&self, now: u64) -> Option<Due> {
        with(|state| {
            // SAFETY: PINNED.
            let entry = unsafe { self.root.get().as_ref() }?;
            if entry.deadline() > now {
                return None;
            }
            self.remove(entry);
            entry.fired.set(true);
            Some(match &entry.what {
                What::Wake {
                    waker,
                    #[cfg(feature = "hooks")]
                    sleeper,
                } => Due {
                    foreign: match waker.take_foreign(state) {
                        Ok(block) => state.wake_block(block),
                        Err(foreign) => foreign,
                    },
                    #[cfg(feature = "hooks")]
                    sleeper: sleeper.take(),
                },
                What::Expire(node) => {
                    let node = node.get();
                    // SAFETY: PINNED: the node lies beside the entry, in the same `Timed`.
                    if let Some(node) = unsafe { node.as_ref() } {
                        node.set(super::node::EXPIRED);
                    }
                    Due {
                        foreign: state.wake_node(node),
                        #[cfg(feature = "hooks")]
                        sleeper: None,
                    }
                }
            })
        })
    }
}

impl Drop for Heap {
    /// The entries live on, in no heap: their next poll sets them again.
    fn drop(&mut self) {
        with(|_| {
            // SAFETY: PINNED.
            while let Some(entry) = unsafe { self.root.get().as_ref() } {
                self.remove(entry);
            }
        });
    }
}

/// Joins two heaps.
///
/// # Safety
/// Each is null or the live root of a heap without siblings.
unsafe fn meld(a: *const Entry, b: *const Entry) -> *const Entry {
    // SAFETY: by contract.
    let (Some(x), Some(y)) = (unsafe { a.as_ref() }, unsafe { b.as_ref() }) else {
        return if a.is_null() { b } else { a };
    };
    let (top, low) = if y.is_sooner(x) { (y, x) } else { (x, y) };
    let first = top.child.replace(low);
    low.next.set(first);
    low.prev.set(top);
    // SAFETY: PINNED: children are alive.
    if let Some(first) = unsafe { first.as_ref() } {
        first.prev.set(low);
    }
    top
}

/// Makes one heap of a list of siblings: in pairs from the left, then all from the right.
///
/// # Safety
/// `list` is null or the live first of a list of live siblings.
unsafe fn pair(mut list: *const Entry) -> *const Entry {
    // Pairs, last first, linked through `next`.
    let mut pairs: *const Entry = ptr::null();
    // SAFETY: by contract, here and below; each entry is unlinked before it is melded.
    while let Some(a) = unsafe { list.as_ref() } {
        let b = a.next.replace(ptr::null());
        // SAFETY: see above.
        list = unsafe { b.as_ref() }.map_or(ptr::null(), |b| b.next.replace(ptr::null()));
        // SAFETY: see above.
        let top = unsafe { meld(a, b) };
        // SAFETY: `meld` returned one of its two, and `a` isn't null.
        unsafe { &*top }.next.set(pairs);
        pairs = top;
    }
    let mut all: *const Entry = ptr::null();
    // SAFETY: see above.
    while let Some(top) = unsafe { pairs.as_ref() } {
        pairs = top.next.replace(ptr::null());
        // SAFETY: see above.
        all = unsafe { meld(all, top) };
    }
    // SAFETY: see above.
    if let Some(root) = unsafe { all.as_ref() } {
        root.prev.set(ptr::null());
        root.next.set(ptr::null());
    }
    all
}
