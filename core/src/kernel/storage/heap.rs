//! [`Heap`]: as many children as there is memory. Small ones lie behind their headers, in memory that is never freed; large
//! ones apart, so that no more is kept of them than that.

use alloc::alloc::handle_alloc_error;
use core::alloc::Layout;
use core::future::ready;
use core::mem::offset_of;
use core::ptr::NonNull;

use super::{Apart, Claim, Place, Slot, Whole};
use crate::call_site::CallSite;
use crate::kernel::context::with;
use crate::kernel::memory::home::CAPACITY;
use crate::kernel::memory::slab::{GRAIN, LARGEST, class_of};
use crate::kernel::task::header::TaskRef;
use crate::storage::{Heap, Storage};

/// Has a child room behind its header?
const fn is_whole<H, P>() -> bool {
    size_of::<Whole<H, P>>() <= LARGEST && align_of::<Whole<H, P>>() <= GRAIN && !cfg!(giambio_no_spare)
}

const fn class<H, P>() -> usize {
    class_of(if is_whole::<H, P>() { size_of::<Whole<H, P>>() } else { size_of::<Apart<H>>() })
}

/// A header of this class.
pub(crate) fn claim_header(class: usize) -> Option<TaskRef> {
    // In one step: an interrupt may claim one as well.
    with(|context| context.home().claim(class))
}

/// Takes it back.
pub(crate) fn release_header(class: usize, task: TaskRef) {
    with(|context| {
        let home = context.home();
        if home.release(class, task) {
            #[cfg(feature = "std")]
            crate::kernel::threads::retire(home);
        }
    });
}

// SAFETY: headers stay where they are for ever, allocations until they are released.
unsafe impl Place for Heap {
    unsafe fn claim<H, P>(&self) -> Option<Claim> {
        if const { is_whole::<H, P>() } {
            let task = claim_header(const { class::<H, P>() })?;
            // SAFETY: within the header's memory, which is as large as its class says.
            let place = unsafe { at_offset(task, const { offset_of!(Whole<H, P>, place) }) };
            return Some(Claim { task, place });
        }
        let Some(place) = memory::claim::<P>() else { handle_alloc_error(Layout::new::<P>()) };
        let task = match claim_header(const { class::<H, P>() }) {
            Some(task) => task,
            None => {
                // SAFETY: just claimed, and not used.
                unsafe { memory::release::<P>(place) };
                return None;
            }
        };
        // SAFETY: as above.
        Some(unsafe { claim_apart::<H>(task, place) })
    }

    unsafe fn room<H, P>(&self, _: CallSite) -> impl Future<Output = Claim> {
        // SAFETY: by contract.
        match unsafe { self.claim::<H, P>() } {
            Some(claim) => ready(claim),
            None => panic!("giambio: {} tasks on one thread is all there can be", self.capacity()),
        }
    }

    /// Nobody waits.
    fn wake_waiting(&self) {}

    unsafe fn place<H, P>(Slot(task): Slot) -> NonNull<P> {
        // SAFETY: by contract: as `claim` has it.
        unsafe {
            if const { is_whole::<H, P>() } {
                at_offset(task, const { offset_of!(Whole<H, P>, place) }).cast()
            } else {
                apart::<H>(task).cast()
            }
        }
    }

    unsafe fn release<H, P>(&self, Slot(task): Slot) {
        if const { !is_whole::<H, P>() } {
            // SAFETY: by contract; a nursery's children are released on its own thread.
            unsafe { memory::release::<P>(apart::<H>(task)) };
        }
        release_header(const { class::<H, P>() }, task);
    }
}

/// What lies so far behind the begin of a header.
///
/// # Safety
/// It is within the memory of its class.
unsafe fn at_offset(task: TaskRef, offset: usize) -> NonNull<u8> {
    // SAFETY: by contract.
    unsafe { NonNull::new_unchecked(task.as_ptr().cast_mut().cast::<u8>().add(offset)) }
}

/// A child whose place lies apart, in which its header says where.
///
/// # Safety
/// The header was claimed for an `Apart<H>`.
pub(super) unsafe fn claim_apart<H>(task: TaskRef, place: NonNull<u8>) -> Claim {
    // SAFETY: by contract.
    unsafe { at_offset(task, offset_of!(Apart<H>, place)).cast().write(place) };
    Claim { task, place }
}

/// The place of a child that lies apart.
///
/// # Safety
/// It was claimed so, with this `H`.
pub(super) unsafe fn apart<H>(task: TaskRef) -> NonNull<u8> {
    // SAFETY: by contract.
    unsafe { at_offset(task, offset_of!(Apart<H>, place)).cast::<NonNull<u8>>().read() }
}

impl Storage for Heap {
    fn capacity(&self) -> usize {
        CAPACITY
    }
}

/// From what the thread keeps.
#[cfg(feature = "std")]
mod memory {
    use super::{NonNull, with};

    pub(super) fn claim<P>() -> Option<NonNull<u8>> {
        with(|context| context.spare.claim::<P>())
    }

    /// # Safety
    /// It came from `claim::<P>`, on this thread, and nothing refers to it any more.
    pub(super) unsafe fn release<P>(place: NonNull<u8>) {
        // SAFETY: by contract.
        with(|context| unsafe { context.spare.release::<P>(place) });
    }
}

/// Straight from the allocator and back.
#[cfg(not(feature = "std"))]
mod memory {
    use super::{Layout, NonNull};

    pub(super) fn claim<P>() -> Option<NonNull<u8>> {
        if size_of::<P>() == 0 {
            return Some(NonNull::<P>::dangling().cast());
        }
        // SAFETY: the size isn't zero.
        NonNull::new(unsafe { alloc::alloc::alloc(Layout::new::<P>()) })
    }

    /// # Safety
    /// It came from `claim::<P>`, and nothing refers to it any more.
    pub(super) unsafe fn release<P>(place: NonNull<u8>) {
        if size_of::<P>() != 0 {
            // SAFETY: by contract, allocated with the same layout.
            unsafe { alloc::alloc::dealloc(place.as_ptr(), Layout::new::<P>()) };
        }
    }
}
