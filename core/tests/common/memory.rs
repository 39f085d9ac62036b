//! An allocator that counts.

use std::cell::Cell;
use std::future::Future;
use std::task::Wake;

use giambio_core::Clock;

/// Counts the bytes that a thread has allocated and not freed yet.
pub(crate) struct CountingAlloc;

#[global_allocator]
static ALLOCATOR: CountingAlloc = CountingAlloc;

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

impl CountingAlloc {
    /// Bytes that this thread has allocated and not freed.
    pub(crate) fn bytes() -> isize {
        BYTES.get()
    }
    /// How often this thread has allocated.
    pub(crate) fn calls() -> u64 {
        CALLS.get()
    }
    fn count(bytes: isize) {
        // Fails only while the thread ends.
        let _ = BYTES.try_with(|all| all.set(all.get() + bytes));
        if bytes > 0 {
            let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        }
    }
}

// SAFETY: all work is the system allocator's; the counters don't allocate.
unsafe impl std::alloc::GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        Self::count(layout.size() as isize);
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { std::alloc::System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: std::alloc::Layout) {
        Self::count(-(layout.size() as isize));
        // SAFETY: as above; `ptr` came from `System`.
        unsafe { std::alloc::System.dealloc(ptr, layout) }
    }
}
