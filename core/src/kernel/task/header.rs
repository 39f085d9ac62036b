//! What each task starts with: its scope, its place in lists, and its name.
//!
//! ```text
//!  free ── claim ──► live ◄─ take ── live+QUEUED          a wake queues, a pass takes
//!    ▲                 │  ── wake ─►    │
//!    └── release ──────┘◄── take ───────┘ (over while queued: released when taken)
//! ```
//!
//! A header is never freed (NEVER-FREED), only used again, by the next task. One whose task is over says `QUEUED`, in whatever
//! queue it is or is not: so a wake of it, by a name that has come round, ends where most do that change nothing.

use core::cell::Cell;
#[cfg(feature = "std")]
use core::sync::atomic::{AtomicU32, Ordering::Relaxed, Ordering::Release};
use core::task::{Context, Poll};

use crate::kernel::list::{Linked, Links};
use crate::kernel::mask::Byte;
use crate::kernel::pin_ref::PinRef;
use crate::kernel::scope::node::{DONE, Node, ROOT, TASK};
#[cfg(feature = "hooks")]
use crate::name::{Label, TaskName};

/// A task: good for ever, whatever became of it (NEVER-FREED).
pub(crate) type TaskRef = PinRef<Header>;

// What wakes change.
/// In a run queue (the root: to be polled, in this turn or the next), or not live.
pub(crate) const QUEUED: u8 = 1;
/// Woken itself, not only through a child of a nursery in its code: so its own code may run.
pub(crate) const DIRECT: u8 = 1 << 1;
/// Woken by a nursery in its code, for its children.
pub(crate) const CHILD: u8 = 1 << 2;
/// By more than one.
pub(crate) const MANY: u8 = 1 << 3;
/// Woken since somebody looked; see [`asking`](crate::kernel::scope::asking).
pub(crate) const AGAIN: u8 = 1 << 4;
/// Of what a poll was woken for: it is in the body of a nursery.
pub(crate) const IN_BODY: u8 = 1 << 5;
/// A debugger was told who woke it, or need not be.
pub(crate) const TOLD_OF: u8 = 1 << 6;
/// Is over, and in a run queue: to be freed when it is taken. Or its result is being dropped: to be freed after that.
pub(crate) const OVER: u8 = 1 << 7;

/// What each task starts with: 64 bytes on 64-bit targets with `std`. The node comes first (WHOLE-POINTER).
#[repr(C)]
#[cfg_attr(all(feature = "std", not(target_pointer_width = "64")), repr(align(16)))]
pub(crate) struct Header {
    pub(crate) node: Node,
    /// The next in a run queue, or in the list of what is free.
    pub(crate) next: Cell<Option<TaskRef>>,
    /// None for a root task.
    pub(crate) vtable: Cell<Option<&'static VTable>>,
    siblings: Links<Header>,
    /// Thread and, below, generation: what the wakers of its present task say. Written by the owner alone; other threads read
    /// it to ignore stale wakes early.
    #[cfg(feature = "std")]
    key: AtomicU32,
    /// Counts the polls that a direct wake has led to, so that a nursery in its code knows whether its body was woken since it
    /// polled that. Before the count could come round, it is polled anyway (`Context::epoch`).
    pub(crate) direct: Cell<u16>,
    /// Changed with interrupts kept out.
    pub(crate) wake: Byte,
}

/// What depends on the type of the future.
pub(crate) struct VTable {
    pub(crate) poll: unsafe fn(TaskRef, &mut Context<'_>) -> Poll<Outcome>,
    pub(crate) drop_future: unsafe fn(TaskRef),
    pub(crate) drop_output: unsafe fn(TaskRef),
    /// Takes the nursery's node, which is good for the whole nursery.
    pub(crate) release: unsafe fn(TaskRef, *const Node),
    /// Good for as long as the cell is.
    pub(crate) name: unsafe fn(TaskRef) -> *const str,
    #[cfg(feature = "hooks")]
    pub(crate) copy_label: unsafe fn(TaskRef) -> Label<TaskName>,
    pub(crate) output: unsafe fn(TaskRef) -> *mut (),
}

/// How a child ended by itself.
#[derive(PartialEq)]
pub(crate) enum Outcome {
    Value,
    Error,
}

impl Header {
    /// A free one, that no waker leads to yet. Without a heap it is all zeros, and takes no room in an image.
    pub(crate) const fn new(#[cfg(feature = "std")] owner: u32) -> Self {
        Header {
            node: Node::new(0),
            next: Cell::new(None),
            vtable: Cell::new(None),
            siblings: Links::new(),
            #[cfg(feature = "std")]
            key: AtomicU32::new(owner),
            direct: Cell::new(0),
            wake: Byte::new(0),
        }
    }

    /// Is a task in it that isn't over?
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        self.node.has(TASK | ROOT) && !self.node.has(DONE)
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.node.has(DONE)
    }

    /// Is it to be polled?
    #[inline]
    pub(crate) fn is_queued(&self) -> bool {
        self.wake.get() & QUEUED != 0
    }

    // Flags of its cell.
    #[inline]
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.node.more.get() & flag != 0
    }

    #[inline]
    pub(crate) fn set(&self, flag: u8) {
        self.node.more.set(self.node.more.get() | flag);
    }

    #[inline]
    pub(crate) fn clear(&self, flag: u8) {
        self.node.more.set(self.node.more.get() & !flag);
    }

    /// Its task is over: from here on its wakers are stale.
    #[inline]
    pub(crate) fn retire(&self) {
        #[cfg(feature = "std")]
        {
            let key = self.key.load(Relaxed);
            self.key.store(key & !GENERATIONS | key.wrapping_add(1) & GENERATIONS, Release);
        }
    }

    /// Thread and generation.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn key(&self) -> u32 {
        self.key.load(Relaxed)
    }
}

impl Linked for Header {
    fn links(&self) -> &Links<Self> {
        &self.siblings
    }
}

/// How many bits of a key say the generation; the thread is above them. As many have room beside an address.
#[cfg(all(feature = "std", target_pointer_width = "64"))]
pub(crate) const GENERATION_BITS: u32 = 16;
/// How many bits of a key say the generation; the thread is above them. As many are free in the address of a header.
#[cfg(all(feature = "std", not(target_pointer_width = "64")))]
pub(crate) const GENERATION_BITS: u32 = 4;

#[cfg(feature = "std")]
pub(crate) const GENERATIONS: u32 = (1 << GENERATION_BITS) - 1;

/// Where the thread begins in a key.
#[cfg(feature = "std")]
pub(crate) const THREAD_SHIFT: u32 = 16;

/// Where the generation lies in a name: above or below the address.
#[cfg(feature = "std")]
const NAME_SHIFT: u32 = if GENERATION_BITS == 16 { usize::BITS - GENERATION_BITS } else { 0 };

#[cfg(feature = "std")]
const NAME_MASK: usize = (GENERATIONS as usize) << NAME_SHIFT;

/// Can headers lie in this memory?
#[cfg(feature = "std")]
pub(crate) fn has_room_for_names(address: usize) -> bool {
    address & NAME_MASK == 0
}

/// What a waker of a task says: its address, and with `std` the generation in bits that no address has.
#[inline]
pub(crate) fn name(task: TaskRef) -> *const () {
    #[cfg(feature = "std")]
    return task
        .as_ptr()
        .cast::<()>()
        .map_addr(|address| address | ((task.key() & GENERATIONS) as usize) << NAME_SHIFT);
    #[cfg(not(feature = "std"))]
    task.as_ptr().cast()
}

/// The header that a name leads to, and whether its task is still the one.
///
/// # Safety
/// The name is one that [`name`] gave.
#[inline]
pub(crate) unsafe fn named(name: *const ()) -> TaskRef {
    #[cfg(feature = "std")]
    let name = name.map_addr(|address| address & !NAME_MASK);
    // SAFETY: by contract a header's address, which is never null, and NEVER-FREED.
    unsafe { PinRef::new(core::ptr::NonNull::new_unchecked(name.cast_mut().cast())) }
}

/// The generation that a name says.
#[cfg(feature = "std")]
#[inline]
pub(crate) fn generation_of(name: *const ()) -> u32 {
    ((name.addr() & NAME_MASK) >> NAME_SHIFT) as u32
}
