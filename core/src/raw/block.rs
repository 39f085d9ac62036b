//! Control blocks: what a waker names, and the ready list of a nursery.
//!
//! ```text
//!  free ── claim ──► live ◄─ pop ── live+QUEUED          a wake queues, a pass pops
//!    ▲                 │  ── wake ─►    │
//!    └── release ──────┘◄── pop ────────┘ (finished while queued: released when popped)
//! ```
//!
//! A block is never freed (STATIC-BLOCKS), only reused, with the next generation.

use core::cell::Cell;
use core::ptr;
#[cfg(feature = "alloc")]
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::node::Node;
use super::port::{Byte, Half};
#[cfg(feature = "alloc")]
use super::table::GENERATION;

/// One control block: 32 bytes on 64-bit targets, 16 (without a heap) or 20 on a small one.
///
/// Flags and counts are changed only inside `with`, and may be looked at outside.
/// What a wake has to touch lies together here: the task's cell is looked at only for where it belongs.
pub(crate) struct Block {
    /// The node of the task, which starts its cell; null for a free block.
    pub(crate) cell: Cell<*const Node>,
    /// The next in a ready list, or in the list of free blocks.
    pub(crate) next: Cell<*const Block>,
    /// What the wakers of its present task say: generation, thread, slot. Written by the owner alone; other threads
    /// read it to ignore stale wakes early.
    #[cfg(feature = "alloc")]
    name: AtomicUsize,
    /// When its task was put on the ready list, counted in wakes.
    pub(crate) queued_at: Cell<u32>,
    /// Counts direct wakes, so that a nursery in the task's code knows whether its body may have been woken since it
    /// last looked. When the count comes round, all of them are told (`State::refresh`).
    pub(crate) direct: Half,
    flags: Byte,
}

/// In a ready list (the root: to be polled in the next turn).
pub(crate) const QUEUED: u8 = 1;
/// Woken itself, not only through a child of a nursery in its code: so its own code may run.
pub(crate) const WOKEN: u8 = 2;
/// Such a wake was counted in `direct`, and nobody has looked since.
pub(crate) const DIRECT: u8 = 4;
/// In use by a child.
const CHILD: u8 = 8;
/// In use by a root task. A free block has no flag at all.
const OF_ROOT: u8 = 16;
/// What stays while its task lives.
const LIVE: u8 = CHILD | OF_ROOT;

impl Block {
    /// A free one, in a `static`; those of a table begin as zeros.
    #[cfg(not(feature = "alloc"))]
    pub(crate) const fn new() -> Self {
        Block {
            cell: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            queued_at: Cell::new(0),
            direct: Half::new(0),
            flags: Byte::new(0),
        }
    }

    /// Is it in use by a task?
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        self.flags.get() != 0
    }

    #[inline]
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags.get() & flag != 0
    }

    #[inline]
    pub(crate) fn set(&self, flag: u8) {
        self.flags.set(self.flags.get() | flag);
    }

    #[inline]
    pub(crate) fn clear(&self, flag: u8) {
        self.flags.set(self.flags.get() & !flag);
    }

    /// Its task is about to be polled: all wakes so far are seen by that. Was it woken itself?
    #[inline]
    pub(crate) fn begin_poll(&self) -> bool {
        let flags = self.flags.get();
        self.flags.set(flags & LIVE);
        flags & WOKEN != 0
    }

    /// Is it a child's that waits, and was not woken since its last poll, with a count that doesn't come round next? Then
    /// this is what the count will be.
    #[inline]
    pub(crate) fn at_rest(&self) -> Option<u16> {
        if self.flags.get() == CHILD { self.direct.get().checked_add(1) } else { None }
    }

    /// Does one more wake change nothing? So it is if it is free (whose name may have come round), and if it was woken
    /// itself and is queued, with nobody having looked at its count since. With `std` the latter is seldom worth the question.
    #[inline]
    pub(crate) fn ignores_wakes(&self) -> bool {
        let flags = self.flags.get();
        flags == 0 || cfg!(not(feature = "std")) && flags & !LIVE == QUEUED | WOKEN | DIRECT
    }

    /// Notes a direct wake of a child at rest, which is put on a ready list.
    #[inline]
    pub(crate) fn rouse(&self, count: u16) {
        self.flags.set(CHILD | QUEUED | WOKEN | DIRECT);
        self.direct.set(count);
    }

    /// Counts a direct wake, once until the task is polled or somebody looks.
    #[inline]
    pub(crate) fn count_direct(&self) {
        if !self.has(DIRECT) {
            self.set(DIRECT);
            self.direct.set(self.direct.get().wrapping_add(1));
        }
    }

    /// How often its task was woken directly, as far as it matters: the next such wake makes it another number.
    #[inline]
    pub(crate) fn look_at_wakes(&self) -> u16 {
        self.clear(DIRECT);
        self.direct.get()
    }

    /// What wakers of its task say.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn name(&self) -> usize {
        self.name.load(Relaxed)
    }

    /// A block that is used for the first time gets its name.
    #[cfg(feature = "alloc")]
    pub(crate) fn christen(&self, name: usize) {
        self.name.store(name, Relaxed);
    }

    /// Free to live, for a child.
    #[inline]
    pub(crate) fn claim(&self, cell: *const Node) {
        debug_assert!(!self.is_live() && !self.has(QUEUED));
        self.cell.set(cell);
        self.flags.set(CHILD | WOKEN);
    }

    /// Free to live, for a root task.
    pub(crate) fn claim_for_root(&self, cell: *const Node) {
        self.claim(cell);
        self.flags.set(OF_ROOT | WOKEN);
    }

    /// Live to free: from here on the old wakers are stale.
    #[inline]
    pub(crate) fn release(&self) {
        debug_assert!(self.is_live() && !self.has(QUEUED));
        self.cell.set(ptr::null());
        self.flags.set(0);
        #[cfg(feature = "alloc")]
        self.name.store(self.name().wrapping_add(GENERATION), Relaxed);
    }
}

/// Was the wake numbered `a` before the one numbered `b`? The numbers come round.
#[inline]
pub(crate) fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

/// First in, first out; linked through the blocks.
pub(crate) struct ReadyList {
    head: Cell<*const Block>,
    tail: Cell<*const Block>,
    /// How many were ever appended; it comes round.
    pushed: Cell<u32>,
}

impl ReadyList {
    pub(crate) const fn new() -> Self {
        ReadyList { head: Cell::new(ptr::null()), tail: Cell::new(ptr::null()), pushed: Cell::new(0) }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    /// Appends a block that isn't in any list, and is marked QUEUED. Was the list empty?
    #[inline]
    pub(crate) fn push(&self, block: &'static Block) -> bool {
        self.pushed.set(self.pushed.get().wrapping_add(1));
        block.next.set(ptr::null());
        let tail = self.tail.replace(block);
        // SAFETY: STATIC-BLOCKS.
        match unsafe { tail.as_ref() } {
            Some(tail) => tail.next.set(block),
            None => self.head.set(block),
        }
        tail.is_null()
    }

    /// Puts a block that isn't in any list, and is marked QUEUED, before all others.
    #[cfg(feature = "std")]
    pub(crate) fn push_front(&self, block: &'static Block) {
        let head = self.head.replace(block);
        block.next.set(head);
        if head.is_null() {
            self.tail.set(block);
        }
    }

    /// How many were ever appended; it comes round.
    #[inline]
    pub(crate) fn pushed(&self) -> u32 {
        self.pushed.get()
    }

    /// The block that waits longest.
    #[inline]
    pub(crate) fn first(&self) -> Option<&'static Block> {
        // SAFETY: STATIC-BLOCKS.
        unsafe { self.head.get().as_ref() }
    }

    /// The block that came last; null if the list is empty.
    #[inline]
    pub(crate) fn last(&self) -> *const Block {
        self.tail.get()
    }

    /// Takes the first block out. It keeps its flags: `begin_poll` or `clear` is next.
    #[inline]
    pub(crate) fn pop(&self) -> Option<&'static Block> {
        let block = self.first()?;
        let next = block.next.get();
        self.head.set(next);
        if next.is_null() {
            self.tail.set(ptr::null());
        }
        Some(block)
    }

    /// The first block, if there is no other.
    #[inline]
    pub(crate) fn only(&self) -> Option<&'static Block> {
        self.first().filter(|first| ptr::eq(*first, self.tail.get()))
    }

    /// Takes all blocks out, at once.
    #[inline]
    pub(crate) fn clear(&self) {
        self.head.set(ptr::null());
        self.tail.set(ptr::null());
    }

    /// Is there no block in it but this one?
    #[inline]
    pub(crate) fn is_empty_but_for(&self, block: *const Block) -> bool {
        self.is_empty() || (self.head.get() == block && self.tail.get() == block)
    }
}
