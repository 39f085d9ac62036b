//! [`Heap`]: an allocation for each child.

use alloc::alloc::handle_alloc_error;
use core::alloc::Layout;
use core::future::ready;
use core::ptr::NonNull;

use super::cell::claim_block;
use super::place::{Claim, Place};
#[cfg(feature = "std")]
use super::spare as memory;
use crate::storage::{Heap, Storage};

// SAFETY: allocations stay where they are until they are released.
unsafe impl Place for Heap {
    #[inline]
    fn claim<C>(&self) -> Option<Claim> {
        let block = claim_block()?;
        match memory::claim::<C>() {
            Some(memory) => Some(Claim { memory, block }),
            None => handle_alloc_error(Layout::new::<C>()),
        }
    }

    fn room<C>(&self) -> impl Future<Output = Claim> {
        match self.claim::<C>() {
            Some(claim) => ready(claim),
            None => panic!("giambio: {} tasks on one thread is all there can be", self.capacity()),
        }
    }

    unsafe fn release<C>(&self, place: NonNull<u8>) {
        // SAFETY: by contract; a nursery's cells are released on its own thread.
        unsafe { memory::release::<C>(place) };
    }
}

impl Storage for Heap {
    fn capacity(&self) -> usize {
        super::table::CAPACITY
    }
}

/// Straight from the allocator and back.
#[cfg(not(feature = "std"))]
mod memory {
    use super::{Layout, NonNull};

    pub(super) fn claim<C>() -> Option<NonNull<u8>> {
        const { assert!(size_of::<C>() != 0) };
        // SAFETY: the size isn't zero.
        NonNull::new(unsafe { alloc::alloc::alloc(Layout::new::<C>()) })
    }

    /// # Safety
    /// It came from `claim::<C>`, and nothing refers to it any more.
    pub(super) unsafe fn release<C>(memory: NonNull<u8>) {
        // SAFETY: by contract, allocated with the same layout.
        unsafe { alloc::alloc::dealloc(memory.as_ptr(), Layout::new::<C>()) };
    }
}
