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
//! With `std` the heap's tree holds the soonest deadlines only, and a [`Wheel`] the others, in no order: so the cost
//! of a timer is the same among a million as among ten. The wheel takes 1.4 KiB, which a microcontroller has better
//! uses for.
//!
//! Nothing allocates and nothing can be full. Equal deadlines come out in the order they were
//! set: each carries a number. From Fredman, Sedgewick, Sleator and Tarjan, "The pairing heap: a
//! new form of self-adjusting heap", Algorithmica 1 (1986), in its two-pass form.
//!
//! # Invariants
//! * **HEAP-ORDER**: no entry is sooner than its parent.
//! * **ONE-HOME**: an entry is in at most one heap, the one that `home` names, or in its wheel; it
//!   leaves it when it fires, when it is removed, and when it or the heap dies.
//! * **TREE-FIRST**: an entry in the tree comes in the unit that the wheel has reached, or before it;
//!   so all of the wheel's are later.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr;
use core::task::Waker;

use super::node::{Node, Scoped, TIMED};
use super::port::{Pointer, with};
use super::waker::Kept;
#[cfg(feature = "std")]
use super::wheel::{Left, Slot, Wheel};
use crate::fault::fault;
#[cfg(feature = "hooks")]
use crate::hooks::TaskInfo;
use crate::time::AnyClock;

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
    /// For the sleep that it is in: whether it has begun, and whether its time had passed then.
    begun: Cell<bool>,
    at_once: Cell<bool>,
    #[cfg(feature = "std")]
    slot: Cell<Slot>,
    /// The rate of the clock that the deadline is a reading of; 0: not known. Without `std` all have the same.
    #[cfg(feature = "std")]
    hz: Cell<u64>,
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
    pub(crate) const fn sleeping(until: u64) -> Self {
        let what = What::Wake {
            waker: Kept::new(),
            #[cfg(feature = "hooks")]
            sleeper: Cell::new(None),
        };
        Self::new(what, until)
    }

    const fn new(what: What, deadline: u64) -> Self {
        Entry {
            child: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            home: Cell::new(ptr::null()),
            deadline: Cell::new(deadline),
            number: Cell::new(0),
            fired: Cell::new(false),
            begun: Cell::new(false),
            at_once: Cell::new(false),
            #[cfg(feature = "std")]
            slot: Cell::new(Slot::NONE),
            #[cfg(feature = "std")]
            hz: Cell::new(0),
            what,
            _pinned: PhantomPinned,
        }
    }

    /// Its sleep begins.
    pub(crate) fn begin(&self, deadline: u64, at_once: bool) {
        self.deadline.set(deadline);
        self.begun.set(true);
        self.at_once.set(at_once);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Had its time passed when the sleep began? Then it yields once and is over.
    pub(crate) fn is_over_at_once(&self) -> bool {
        self.at_once.get()
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

    /// The deadline is a reading of this clock.
    pub(crate) fn note_rate(&self, clock: &dyn AnyClock) {
        #[cfg(feature = "std")]
        self.hz.set(clock.hz());
        #[cfg(not(feature = "std"))]
        let _ = clock;
    }

    /// The deadline by this clock, where another runtime may have noted it.
    pub(crate) fn deadline_by(&self, clock: &dyn AnyClock) -> u64 {
        #[cfg(feature = "std")]
        if self.hz.get() != 0 {
            return crate::time::convert(self.deadline(), self.hz.get(), clock.hz());
        }
        let _ = clock;
        self.deadline()
    }

    /// Replaces the waker of a sleeping entry.
    pub(crate) fn store_waker(&self, new: &Waker) {
        if let What::Wake { waker, .. } = &self.what {
            waker.keep(new);
        }
    }

    /// Notes who sleeps, for the debugger.
    #[cfg(feature = "hooks")]
    pub(crate) fn note_sleeper(&self, who: TaskInfo<'static>, since: u64) {
        if let What::Wake { sleeper, .. } = &self.what {
            sleeper.set(Some((who, since)));
        }
    }

    /// Sets, or sets anew, this entry in `heap`. Inside `with`.
    fn arm(self: Pin<&Self>, heap: *const Heap, deadline: u64) {
        self.leave();
        // SAFETY: the caller's heap is its runtime's, which is having its turn (PINNED).
        if let Some(heap) = unsafe { heap.as_ref() } {
            self.fired.set(false);
            self.deadline.set(deadline);
            heap.insert(self.get_ref());
        }
    }

    /// Sets this entry in `heap`, to wake a future.
    pub(crate) fn arm_for(self: Pin<&Self>, heap: *const Heap, deadline: u64, new: &Waker) {
        let What::Wake { waker, .. } = &self.what else { return };
        let new = new.clone();
        // The old one may be foreign, and is dropped outside of `with` (NO-CALL-OUT).
        drop(with(|_| {
            self.arm(heap, deadline);
            waker.replace(new)
        }));
    }

    /// Takes the entry out of its heap.
    pub(crate) fn disarm(&self) {
        // It comes into a heap only by the code that it is in, and so does it here.
        if !self.home.get().is_null() {
            with(|_| self.leave());
        }
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

/// What the wheel links.
#[cfg(feature = "std")]
impl Entry {
    /// Before and after.
    pub(super) fn links(&self) -> (*const Entry, *const Entry) {
        (self.prev.get(), self.next.get())
    }

    pub(super) fn link(&self, prev: *const Entry, next: *const Entry) {
        self.prev.set(prev);
        self.next.set(next);
    }

    pub(super) fn set_prev(&self, prev: *const Entry) {
        self.prev.set(prev);
    }

    pub(super) fn set_next(&self, next: *const Entry) {
        self.next.set(next);
    }

    pub(super) fn slot(&self) -> Slot {
        self.slot.get()
    }

    pub(super) fn set_slot(&self, slot: Slot) {
        self.slot.set(slot);
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
    pub(crate) const fn new(flags: u16) -> Self {
        Timed { node: Node::new(flags | TIMED), entry: Entry::new(What::Expire(Cell::new(ptr::null())), u64::MAX) }
    }

    /// Sets the deadline, in ticks of the heap's runtime.
    pub(crate) fn arm(self: Pin<&Self>, heap: *const Heap, deadline: u64) {
        if let What::Expire(node) = &self.entry.what {
            node.set(self.node_ptr());
        }
        // SAFETY: structural: a field of a pinned value, and nothing moves it out.
        let entry = unsafe { self.map_unchecked(|timed| &timed.entry) };
        with(|_| entry.arm(heap, deadline));
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
        self.node.has(super::node::EXPIRED | super::node::CANCELLED)
    }

    /// Takes the deadline away.
    pub(crate) fn disarm(&self) {
        with(|_| self.node.clear(super::node::EXPIRED));
        self.entry.disarm();
    }

    /// As for its entry.
    pub(crate) fn note_rate(&self, clock: &dyn AnyClock) {
        self.entry.note_rate(clock);
    }

    /// As for its entry.
    pub(crate) fn deadline_by(&self, clock: &dyn AnyClock) -> u64 {
        self.entry.deadline_by(clock)
    }

    pub(crate) fn is_armed_in(&self, heap: *const Heap) -> bool {
        self.entry.is_in(heap)
    }

    /// Cancels the scope and wakes all that has to notice. There is nothing left to come due.
    pub(crate) fn cancel(self: Pin<&Self>, reason: crate::cancel::Reason) {
        if !fault!("cancelled-and-expired") {
            self.entry.disarm();
        }
        // SAFETY: pinned and alive, and made from the whole.
        unsafe { super::cancelling::cancel(self.node_ptr(), reason) };
    }
}

// SAFETY: `repr(C)`, the node first; linked through `Entered` and `arm`, which ask for a pin.
unsafe impl Scoped for Timed {}

impl super::state::State {
    /// The soonest deadline in ticks of the scopes around the running code, up to a shield.
    pub(crate) fn effective_deadline(&self) -> u64 {
        let mut soonest = u64::MAX;
        let mut at = self.now.node.get();
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
    root: Pointer<Entry>,
    numbers: Cell<u32>,
    #[cfg(feature = "std")]
    far: Far,
}

/// What comes later than the tree.
#[cfg(feature = "std")]
struct Far {
    wheel: Wheel,
    /// How many entries are in the tree, and with how many it is time to sort them into the wheel.
    near: Cell<u32>,
    near_limit: Cell<u32>,
}

/// With so few entries a tree costs what the wheel costs.
#[cfg(feature = "std")]
const FEW: u32 = 64;

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
        Heap {
            root: Pointer::new(ptr::null()),
            numbers: Cell::new(0),
            #[cfg(feature = "std")]
            far: Far { wheel: Wheel::new(), near: Cell::new(0), near_limit: Cell::new(FEW) },
        }
    }

    /// Is no deadline set?
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        #[cfg(feature = "std")]
        if !self.far.wheel.is_empty() {
            return false;
        }
        self.root.get().is_null()
    }

    /// The soonest deadline.
    #[inline]
    pub(crate) fn soonest(&self) -> Option<u64> {
        self.first().map(Entry::deadline)
    }

    #[inline]
    fn first(&self) -> Option<&Entry> {
        #[cfg(feature = "std")]
        if self.root.get().is_null() && !self.far.wheel.is_empty() {
            self.fetch();
        }
        // SAFETY: PINNED: entries in the heap are alive.
        unsafe { self.root.get().as_ref() }
    }

    fn insert(&self, entry: &Entry) {
        let number = self.numbers.get().wrapping_add(1);
        self.numbers.set(number);
        entry.number.set(number);
        entry.home.set(self);
        #[cfg(feature = "std")]
        {
            // SAFETY: PINNED, and ONE-HOME: it was in none until now.
            if unsafe { self.far.wheel.take_in(entry) } {
                return;
            }
            let near = self.far.near.get() + 1;
            self.far.near.set(near);
            if near > self.far.near_limit.get() {
                self.plant(entry);
                return self.sort_anew();
            }
        }
        self.plant(entry);
    }

    /// Puts the entry into the tree.
    fn plant(&self, entry: &Entry) {
        // SAFETY: PINNED: null or a live entry; `entry` is in no heap (ONE-HOME).
        self.root.set(unsafe { meld(self.root.get(), entry) });
    }

    fn remove(&self, entry: &Entry) {
        #[cfg(feature = "std")]
        if entry.slot() == Slot::NONE {
            self.far.near.set(self.far.near.get() - 1);
            self.uproot(entry);
        } else {
            // SAFETY: ONE-HOME: it is in this one's.
            unsafe { self.far.wheel.take_out(entry) };
        }
        #[cfg(not(feature = "std"))]
        self.uproot(entry);
        entry.next.set(ptr::null());
        entry.prev.set(ptr::null());
        entry.home.set(ptr::null());
    }

    /// Takes the entry out of the tree.
    fn uproot(&self, entry: &Entry) {
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
    }

    /// Fires the soonest entry if it is due. Ours are woken, a foreign waker is handed out.
    pub(crate) fn fire(&self, now: u64) -> Option<Due> {
        with(|state| {
            let entry = self.first()?;
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

#[cfg(feature = "std")]
impl Heap {
    /// The tree is empty, and what is soonest in the wheel becomes the tree.
    #[cold]
    fn fetch(&self) {
        let mut near = 0;
        for entry in self.far.wheel.go_on() {
            near += 1;
            // SAFETY: PINNED.
            self.plant_anew(unsafe { &*entry });
        }
        self.set_near(near);
    }

    /// Many were set that come before all of the wheel: it begins anew, at the soonest of them. That costs each entry a
    /// move, and as many as a fourth of them were set since it was done last.
    #[cold]
    fn sort_anew(&self) {
        let Some(soonest) = self.soonest() else { return };
        // The tree's, as a list through `next`: a list of siblings takes the place of their parent.
        let mut near = ptr::null();
        let mut at = self.root.replace(ptr::null());
        // SAFETY: PINNED, here and below.
        while let Some(entry) = unsafe { at.as_ref() } {
            let children = entry.child.replace(ptr::null());
            let mut last = children;
            // SAFETY: see above.
            while let Some(next) = unsafe { last.as_ref() }.map(|last| last.next.get()).filter(|next| !next.is_null()) {
                last = next;
            }
            // SAFETY: see above.
            match unsafe { last.as_ref() } {
                Some(last) => {
                    last.next.set(entry.next.get());
                    at = children;
                }
                None => at = entry.next.get(),
            }
            entry.next.set(near);
            near = entry;
        }
        let mut count = 0;
        for entry in self.far.wheel.begin_at(soonest).chain(Left::of(near)) {
            // SAFETY: PINNED, and ONE-HOME: all have left the tree and the wheel.
            unsafe {
                if !self.far.wheel.take_in(&*entry) {
                    count += 1;
                    self.plant_anew(&*entry);
                }
            }
        }
        self.set_near(count);
    }

    /// With links that mean nothing any more.
    fn plant_anew(&self, entry: &Entry) {
        entry.link(ptr::null(), ptr::null());
        self.plant(entry);
    }

    fn set_near(&self, near: u32) {
        self.far.near.set(near);
        self.far.near_limit.set(near.saturating_mul(2).saturating_add(FEW + self.far.wheel.len() / 4));
    }
}

impl Drop for Heap {
    /// The entries live on, in no heap: their next poll sets them again.
    fn drop(&mut self) {
        with(|_| {
            while let Some(entry) = self.first() {
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
