//! Control blocks: what a waker names, and the ready list of a nursery.
//!
//! ```text
//!  FREE ── claim ──► LIVE ◄─ pop ── LIVE+QUEUED          a wake queues, a pass pops
//!    ▲                 │  ── wake ─►    │
//!    └── release ──────┘◄── pop ────────┘ (finished while queued: released when popped)
//! ```
//!
//! A block is never freed (STATIC-BLOCKS), only reused, with the next generation.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::node::{Head, Node};

/// One control block: 24 bytes on 64-bit targets, 12 on a small one.
pub(crate) struct Block {
    /// The node of the task, which starts its cell; null for a free block.
    pub(crate) cell: Cell<*const Node>,
    /// The next in a ready list, or in the list of free blocks.
    pub(crate) next: Cell<*const Block>,
    /// Generation (upper 24 bits) and flags. Written by the owner alone; other threads read it to
    /// ignore stale wakes early.
    word: AtomicU32,
    /// Its own index in the table.
    #[cfg(feature = "alloc")]
    pub(crate) slot: Cell<u32>,
}

/// In use by a task.
pub(crate) const LIVE: u32 = 1;
/// In a ready list (the root: to be polled in the next turn).
pub(crate) const QUEUED: u32 = 2;
/// Was woken directly since its last poll.
pub(crate) const DIRECT: u32 = 8;

/// Woken itself, not only through a child of a nursery in its code: so its own code may run.
pub(crate) const WOKEN: u32 = 4;

/// How many bits of a generation a waker carries.
#[cfg(all(feature = "alloc", target_pointer_width = "64"))]
pub(crate) const GENERATION_BITS: u32 = 24;
/// How many bits of a generation a waker carries.
#[cfg(all(feature = "alloc", not(target_pointer_width = "64")))]
pub(crate) const GENERATION_BITS: u32 = 8;

#[cfg(feature = "alloc")]
const GENERATION_MASK: u32 = (1 << GENERATION_BITS) - 1;

impl Block {
    pub(crate) const fn new() -> Self {
        Block {
            cell: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            word: AtomicU32::new(0),
            #[cfg(feature = "alloc")]
            slot: Cell::new(0),
        }
    }

    #[inline]
    pub(crate) fn has(&self, flag: u32) -> bool {
        self.word.load(Relaxed) & flag != 0
    }

    #[inline]
    pub(crate) fn set(&self, flag: u32) {
        self.word.store(self.word.load(Relaxed) | flag, Relaxed);
    }

    /// Clears a flag; was it set?
    #[inline]
    pub(crate) fn take(&self, flag: u32) -> bool {
        let word = self.word.load(Relaxed);
        self.word.store(word & !flag, Relaxed);
        word & flag != 0
    }

    #[inline]
    pub(crate) fn clear(&self, flag: u32) {
        self.word.store(self.word.load(Relaxed) & !flag, Relaxed);
    }

    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        (self.word.load(Relaxed) >> 8) & GENERATION_MASK
    }

    /// Is it in use, in this generation?
    #[cfg(feature = "alloc")]
    #[inline]
    pub(crate) fn is_live_in(&self, generation: u32) -> bool {
        let word = self.word.load(Relaxed);
        word & ((GENERATION_MASK << 8) | LIVE) == ((generation << 8) | LIVE)
    }

    /// When its task was put on the ready list, counted in wakes; of a live block.
    #[inline]
    pub(crate) fn queued_at(&self) -> Option<u32> {
        // SAFETY: a live block's cell is alive and pinned, and starts with a `Head`.
        unsafe { self.cell.get().cast::<Head>().as_ref() }.map(|head| head.queued_at.get())
    }

    /// Free to live.
    pub(crate) fn claim(&self, cell: *const Node) {
        debug_assert!(!self.has(LIVE | QUEUED));
        self.cell.set(cell);
        self.set(LIVE | WOKEN);
    }

    /// Live to free: from here on the old wakers are stale.
    pub(crate) fn release(&self) {
        debug_assert!(self.has(LIVE) && !self.has(QUEUED));
        self.cell.set(ptr::null());
        let word = self.word.load(Relaxed);
        self.word.store((word & !0xff).wrapping_add(0x100), Relaxed);
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
    len: Cell<u32>,
}

impl ReadyList {
    pub(crate) const fn new() -> Self {
        ReadyList { head: Cell::new(ptr::null()), tail: Cell::new(ptr::null()), len: Cell::new(0) }
    }

    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.len.get()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    /// Appends a block that isn't in any list.
    #[inline]
    pub(crate) fn push(&self, block: &'static Block) {
        block.set(QUEUED);
        block.next.set(ptr::null());
        let tail = self.tail.replace(block);
        if tail.is_null() {
            self.head.set(block);
        } else {
            // SAFETY: STATIC-BLOCKS.
            unsafe { &*tail }.next.set(block);
        }
        self.len.set(self.len.get() + 1);
    }

    /// The one that was queued first.
    #[inline]
    pub(crate) fn first(&self) -> Option<&'static Block> {
        // SAFETY: STATIC-BLOCKS; the head is null or a block.
        unsafe { self.head.get().as_ref() }
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<&'static Block> {
        // SAFETY: STATIC-BLOCKS; the head is null or a block.
        let block: &'static Block = unsafe { self.head.get().as_ref() }?;
        let next = block.next.get();
        self.head.set(next);
        if next.is_null() {
            self.tail.set(ptr::null());
        }
        self.len.set(self.len.get() - 1);
        block.clear(QUEUED | DIRECT);
        Some(block)
    }
}
