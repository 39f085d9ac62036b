//! [`Heap`]: an allocation for each child.

use alloc::alloc::handle_alloc_error;
use core::alloc::Layout;
use core::future::ready;
use core::ptr::NonNull;

use super::cell::claim_block;
use super::place::{Claim, Place};
use super::spare;
use crate::storage::{Heap, Storage};

// SAFETY: allocations stay where they are until they are released.
unsafe impl Place for Heap {
    #[inline]
    fn claim<C>(&self) -> Option<Claim> {
        let block = claim_block()?;
        match spare::claim::<C>() {
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

    unsafe fn release<C>(&self, memory: NonNull<u8>) {
        // SAFETY: by contract; a nursery's cells are released on its own thread.
        unsafe { spare::release::<C>(memory) };
    }
}

impl Storage for Heap {
    fn capacity(&self) -> usize {
        super::table::CAPACITY
    }
}
