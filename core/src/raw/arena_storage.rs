//! The slots of an arena, free list and waiters.

use core::cell::{Cell, UnsafeCell};
use core::future::poll_fn;
use core::mem::MaybeUninit;
use core::pin::{Pin, pin};
use core::ptr::NonNull;
use core::task::{Context, Poll, Waker, ready};

#[cfg(not(feature = "alloc"))]
use super::block::Block;
use super::foreign::wake;
use super::place::{Claim, Place};
use super::port::Lock;
use super::waiters::{WaitList, Waiter};
use crate::gate::{poll_gate, poll_waits};
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
    waiters: WaitList,
}

/// See [`Arena`](crate::Arena).
pub(crate) struct Slots<const TASKS: usize, const BYTES: usize> {
    slots: [Slot<BYTES>; TASKS],
    free: Lock<Free>,
}

// SAFETY: a slot's memory belongs to who claimed it, or to the free list, which is touched under the
// lock; blocks are touched inside `with` (ONE-CONTEXT).
unsafe impl<const TASKS: usize, const BYTES: usize> Sync for Slots<TASKS, BYTES> {}

impl<const TASKS: usize, const BYTES: usize> Slots<TASKS, BYTES> {
    pub(crate) const fn new() -> Self {
        Slots {
            slots: [const { Slot::new() }; TASKS],
            free: Lock::new(Free {
                first: Cell::new(NONE),
                fresh: Cell::new(0),
                used: Cell::new(0),
                waiters: WaitList::new(),
            }),
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.free.with(|free| free.used.get()) as usize
    }

    /// Where a free slot keeps its link.
    fn link_in(&self, index: u32) -> *mut u32 {
        self.slots[index as usize].memory.get().cast()
    }

    fn take(&self) -> Option<u32> {
        self.free.with(|free| {
            let index = match free.first.get() {
                NONE if (free.fresh.get() as usize) < TASKS => free.fresh.replace(free.fresh.get() + 1),
                NONE => return None,
                link => {
                    // SAFETY: in the free list: `give_back` has left the link there.
                    free.first.set(unsafe { self.link_in(link - 1).read() });
                    link - 1
                }
            };
            free.used.set(free.used.get() + 1);
            Some(index)
        })
    }

    /// To the first who waits, else to the free list. The waker is for outside of the lock.
    fn give_back(&self, index: u32) -> Option<Waker> {
        self.free.with(|free| match free.waiters.grant(index) {
            Ok(waker) => waker,
            Err(index) => {
                // SAFETY: the slot was a child's, and a child is larger than a link. It is given back, so nobody else
                // looks at its memory (NEVER-REUSED-UNDROPPED).
                unsafe { self.link_in(index).write(free.first.replace(index + 1)) };
                free.used.set(free.used.get() - 1);
                None
            }
        })
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
        let waiting = pin!(Waiting { slots: self, waiter: Waiter::new() });
        let waiting = waiting.into_ref();
        poll_fn(|cx| waiting.poll(cx)).await
    }
}

/// Waits for a slot; hands it on if dropped with one.
struct Waiting<const TASKS: usize, const BYTES: usize> {
    slots: &'static Slots<TASKS, BYTES>,
    waiter: Waiter,
}

impl<const TASKS: usize, const BYTES: usize> Waiting<TASKS, BYTES> {
    fn poll(self: Pin<&Self>, cx: &mut Context<'_>) -> Poll<u32> {
        ready!(poll_gate(cx));
        let new = cx.waker().clone();
        let (index, old) = self.slots.free.with(|free| {
            if let Some(index) = self.waiter.take_grant() {
                return (Some(index), Some(new));
            }
            // SAFETY: structural: a field of a pinned value, and nothing moves it out.
            let waiter = unsafe { self.map_unchecked(|waiting| &waiting.waiter) };
            let old = waiter.set_waker(new);
            // SAFETY: under the lock, and our destructor removes it.
            unsafe { free.waiters.push(waiter) };
            (None, old)
        });
        // A foreign waker may panic when it is dropped.
        let granted = index.map(|index| Granted { slots: self.slots, index });
        drop(old);
        if let Some(granted) = granted {
            return Poll::Ready(granted.keep());
        }
        // A slot may have become free before we were in the list.
        let Some(index) = self.slots.take() else { return poll_waits() };
        let granted = Granted { slots: self.slots, index };
        self.leave();
        Poll::Ready(granted.keep())
    }

    /// Leaves the queue; what was granted meanwhile goes on to the next.
    fn leave(&self) {
        let granted = self.slots.free.with(|free| {
            free.waiters.remove(&self.waiter);
            self.waiter.take_grant()
        });
        if let Some(index) = granted {
            wake(self.slots.give_back(index));
        }
    }
}

impl<const TASKS: usize, const BYTES: usize> Drop for Waiting<TASKS, BYTES> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A slot on its way to who waited for it; goes to the next if that fails.
struct Granted<const TASKS: usize, const BYTES: usize> {
    slots: &'static Slots<TASKS, BYTES>,
    index: u32,
}

impl<const TASKS: usize, const BYTES: usize> Granted<TASKS, BYTES> {
    fn keep(self) -> u32 {
        core::mem::ManuallyDrop::new(self).index
    }
}

impl<const TASKS: usize, const BYTES: usize> Drop for Granted<TASKS, BYTES> {
    fn drop(&mut self) {
        wake(self.slots.give_back(self.index));
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
