//! The slots of an arena, free list and waiters.

use core::cell::{Cell, UnsafeCell};
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::task::Waker;

#[cfg(not(feature = "alloc"))]
use super::block::Block;
use super::foreign::wake;
use super::place::{Claim, Place};
use crate::budgeted::budgeted;
use crate::fault::fault;
use crate::kernel::wait_queue::{Line, Shared, Turn, WaitQueue, Waiting};
use crate::storage::Storage;

/// No slot: links are a slot's index plus 1, so that an empty arena is all zeros and takes no room in an image.
const NONE: u32 = 0;

/// Room for one child. Aligned for what futures commonly hold.
#[cfg_attr(target_pointer_width = "64", repr(C, align(16)))]
#[cfg_attr(not(target_pointer_width = "64"), repr(C, align(8)))]
struct Slot<const BYTES: usize> {
    /// A child's, or in the free list the link to the next.
    memory: UnsafeCell<MaybeUninit<[u8; BYTES]>>,
    #[cfg(not(feature = "alloc"))]
    block: Block,
}

impl<const BYTES: usize> Slot<BYTES> {
    const fn new() -> Self {
        Slot {
            memory: UnsafeCell::new(MaybeUninit::uninit()),
            #[cfg(not(feature = "alloc"))]
            block: Block::new(),
        }
    }
}

struct Free {
    /// The slot that was given back last.
    first: Cell<u32>,
    /// Slots from here on were never used.
    fresh: Cell<u32>,
    used: Cell<u32>,
}

/// See [`Arena`](crate::Arena).
pub(crate) struct Slots<const TASKS: usize, const BYTES: usize> {
    slots: [Slot<BYTES>; TASKS],
    /// Who waits is granted the index of a slot.
    free: WaitQueue<Free, u32, Shared>,
}

// SAFETY: a slot's memory belongs to who claimed it, or to the free list, which is touched under the
// lock; blocks are touched inside `with` (ONE-CONTEXT).
unsafe impl<const TASKS: usize, const BYTES: usize> Sync for Slots<TASKS, BYTES> {}

impl<const TASKS: usize, const BYTES: usize> Slots<TASKS, BYTES> {
    pub(crate) const fn new() -> Self {
        Slots {
            slots: [const { Slot::new() }; TASKS],
            free: WaitQueue::new(Free { first: Cell::new(NONE), fresh: Cell::new(0), used: Cell::new(0) }),
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.free.with(|free, _| free.used.get()) as usize
    }

    /// Where a free slot keeps its link.
    fn link_in(&self, index: u32) -> *mut u32 {
        self.slots[index as usize].memory.get().cast()
    }

    fn take(&self) -> Option<u32> {
        self.free.with(|free, _| self.take_from(free))
    }

    fn take_from(&self, free: &Free) -> Option<u32> {
        let index = match free.first.get() {
            NONE if (free.fresh.get() as usize) < TASKS => free.fresh.replace(free.fresh.get() + 1),
            NONE => return None,
            link => {
                // SAFETY: in the free list: `put` has left the link there.
                free.first.set(unsafe { self.link_in(link - 1).read() });
                link - 1
            }
        };
        free.used.set(free.used.get() + 1);
        Some(index)
    }

    /// To the first who waits, else to the free list. The waker is for outside of the lock.
    fn give_back(&self, index: u32) -> Option<Waker> {
        self.free.with(|free, line| self.put(free, line, index))
    }

    fn put(&self, free: &Free, line: &Line<u32>, index: u32) -> Option<Waker> {
        match line.grant(index) {
            Ok(waker) if !fault!("place-given-twice") => waker,
            handed => {
                // SAFETY: the slot was a child's, and a child is larger than a link. It is given back, so nobody else
                // looks at its memory (NEVER-REUSED-UNDROPPED).
                unsafe { self.link_in(index).write(free.first.replace(index + 1)) };
                free.used.set(free.used.get() - 1);
                handed.unwrap_or(None)
            }
        }
    }

    fn claim_at<C>(&'static self, index: u32) -> Option<Claim> {
        const {
            assert!(
                size_of::<C>() <= BYTES,
                "giambio: a child is too large for the slots of its arena; the next error shows by \
                 how many bytes: give `Arena<TASKS, BYTES>` at least that many more BYTES"
            );
            assert!(
                align_of::<C>() <= align_of::<Slot<BYTES>>(),
                "giambio: a child needs a stricter alignment than the slots of an arena have"
            );
        }
        // Fails with the two sizes in the message: `attempt to compute `BYTES - size`…`.
        const { BYTES - size_of::<C>() };
        let slot = &self.slots[index as usize];
        #[cfg(feature = "alloc")]
        let Some(block) = super::cell::claim_block() else {
            wake(self.give_back(index));
            return None;
        };
        #[cfg(not(feature = "alloc"))]
        let block = &slot.block;
        Some(Claim { memory: NonNull::from(&slot.memory).cast(), block })
    }

    async fn wait(&'static self) -> u32 {
        let take = |free: &Free, turn| match turn {
            Turn::Granted(index) => Some(index),
            // One may have become free before it is in line.
            _ => self.take_from(free),
        };
        let refuse = |free: &Free, line: &Line<u32>, index| self.put(free, line, index);
        budgeted(Waiting::new(&self.free, take, refuse)).await
    }
}

// SAFETY: slots lie in a `static`, and each belongs to one child until it is released.
unsafe impl<const TASKS: usize, const BYTES: usize> Place for &'static crate::Arena<TASKS, BYTES> {
    fn claim<C>(&self) -> Option<Claim> {
        let slots = self.slots();
        slots.take().and_then(|index| slots.claim_at::<C>(index))
    }

    async fn room<C>(&self) -> Claim {
        let slots = self.slots();
        let index = match slots.take() {
            Some(index) => index,
            None => slots.wait().await,
        };
        match slots.claim_at::<C>(index) {
            Some(claim) => claim,
            None => panic!("giambio: all control blocks of this thread are in use"),
        }
    }

    unsafe fn release<C>(&self, memory: NonNull<u8>) {
        let slots = self.slots();
        let start = slots.slots.as_ptr().addr();
        let index = (memory.addr().get() - start) / size_of::<Slot<BYTES>>();
        wake(slots.give_back(index as u32));
    }
}

impl<const TASKS: usize, const BYTES: usize> Storage for &'static crate::Arena<TASKS, BYTES> {
    fn capacity(&self) -> usize {
        TASKS
    }
}
