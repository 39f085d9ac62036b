//! Memory of large children that are over, kept for those to come: one list a size, each thread's own. (Small ones lie behind
//! their headers, see [`slab`](super::slab).)
//!
//! Only with feature `std`: a small chip has no memory to keep aside.
//!
//! A nursery that starts and ends children all the time so asks the allocator for nothing once it is warm. What is kept is
//! bounded, by `LIMIT` a thread, and goes back when the thread ends. `--cfg giambio_no_spare` keeps nothing, so that tools
//! that look for uses of freed memory see each of them.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};

use crate::fault::fault;

/// What two sizes differ by, and the alignment of all.
const GRAIN: usize = 16;

/// Allocators that round to the grain keep a word of their own with each piece: these sizes lose nothing by that.
const fn size_of_list(list: usize) -> usize {
    list * GRAIN + GRAIN + GRAIN / 2
}

/// How many sizes are kept; larger children, of more than a KiB, are rare and cost more than the allocator does.
const SIZES: usize = 64;

/// How many bytes a thread keeps at most.
const LIMIT: usize = if cfg!(giambio_no_spare) { 0 } else { 8 << 20 };

/// A thread's lists.
pub(crate) struct Spare {
    lists: [Cell<*mut Free>; SIZES],
    /// What is in the lists.
    bytes: Cell<usize>,
}

/// What a piece of memory holds while it is kept.
struct Free {
    next: *mut Free,
}

/// The list for this type of place, if there is one.
const fn list_of<C>() -> Option<usize> {
    let list = size_of::<C>().saturating_sub(size_of_list(0)).div_ceil(GRAIN);
    if align_of::<C>() <= GRAIN && list < SIZES { Some(list) } else { None }
}

/// The memory that a `C` gets.
const fn layout_of<C>() -> Layout {
    match list_of::<C>() {
        // The size can't overflow: it is at most that of the largest list.
        Some(list) => match Layout::from_size_align(size_of_list(list), GRAIN) {
            Ok(layout) => layout,
            Err(_) => Layout::new::<C>(),
        },
        None => Layout::new::<C>(),
    }
}

impl Spare {
    pub(crate) const fn new() -> Self {
        Spare { lists: [const { Cell::new(ptr::null_mut()) }; SIZES], bytes: Cell::new(0) }
    }

    fn take(&self, list: usize) -> Option<NonNull<u8>> {
        let first = NonNull::new(self.lists[list].get())?;
        // SAFETY: SPARE-IS-FREE: what is in a list was released, holds a `Free` and is nobody else's.
        let next = unsafe { first.as_ref() }.next;
        self.lists[list].set(if fault!("spare-memory-given-twice") { first.as_ptr() } else { next });
        self.bytes.set(self.bytes.get() - size_of_list(list));
        Some(first.cast())
    }

    fn keep(&self, list: usize, memory: NonNull<u8>) -> bool {
        let bytes = self.bytes.get() + size_of_list(list);
        if bytes > LIMIT {
            return false;
        }
        self.bytes.set(bytes);
        // SAFETY: SPARE-IS-FREE: the caller gives it away, and it is large and aligned enough by `layout_of`.
        unsafe { memory.cast::<Free>().write(Free { next: self.lists[list].replace(memory.cast().as_ptr()) }) };
        true
    }

    /// Gives all back, and keeps nothing from now on: the thread ends.
    pub(crate) fn close(&self) {
        for list in 0..SIZES {
            while let Some(memory) = self.take(list) {
                let bytes = size_of_list(list);
                // SAFETY: it came from `alloc` with this size and alignment (`layout_of`), which were good then.
                unsafe { dealloc(memory.as_ptr(), Layout::from_size_align_unchecked(bytes, GRAIN)) };
            }
        }
        self.bytes.set(LIMIT);
    }
}

impl Spare {
    /// Memory for a `C`; `None`: the allocator has none.
    pub(crate) fn claim<C>(&self) -> Option<NonNull<u8>> {
        if size_of::<C>() == 0 {
            return Some(NonNull::<C>::dangling().cast());
        }
        let spare = const { list_of::<C>() }.and_then(|list| self.take(list));
        // SAFETY: the size isn't zero.
        spare.or_else(|| NonNull::new(unsafe { alloc(const { layout_of::<C>() }) }))
    }

    /// Takes it back.
    ///
    /// # Safety
    /// It came from `claim::<C>`, on this thread, and nothing refers to it any more.
    pub(crate) unsafe fn release<C>(&self, memory: NonNull<u8>) {
        if size_of::<C>() == 0 {
            return;
        }
        let kept = const { list_of::<C>() }.is_some_and(|list| self.keep(list, memory));
        if !kept {
            // SAFETY: by contract, from `alloc` with this layout.
            unsafe { dealloc(memory.as_ptr(), const { layout_of::<C>() }) };
        }
    }
}
