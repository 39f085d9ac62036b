//! [`Heap`]: an allocation for each child.

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::future::ready;
use core::ptr::NonNull;

use super::cell::claim_block;
use super::place::{Claim, Place};
use crate::storage::{Heap, Storage};

// SAFETY: allocations stay where they are until they are released.
unsafe impl Place for Heap {
    fn claim<C>(&self) -> Option<Claim> {
        const { assert!(size_of::<C>() != 0) };
        let block = claim_block()?;
        let layout = Layout::new::<C>();
        // SAFETY: the size isn't zero.
        let memory = unsafe { alloc(layout) };
        match NonNull::new(memory) {
            Some(memory) => Some(Claim { memory, block }),
            None => handle_alloc_error(layout),
        }
    }

    fn room<C>(&self) -> impl Future<Output = Claim> {
        match self.claim::<C>() {
            Some(claim) => ready(claim),
            None => panic!("giambio: {} tasks on one thread is all there can be", self.capacity()),
        }
    }

    unsafe fn release<C>(&self, memory: NonNull<u8>) {
        // SAFETY: by contract, allocated above with the same layout.
        unsafe { dealloc(memory.as_ptr(), Layout::new::<C>()) };
    }
}

impl Storage for Heap {
    fn capacity(&self) -> usize {
        super::table::CAPACITY
    }
}
