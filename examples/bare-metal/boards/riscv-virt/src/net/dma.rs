//! Memory that the card reads and writes: a few pages in a `static`, handed out once. There is no
//! address translation and no cache between the two.

use core::cell::{Cell, UnsafeCell};
use core::ptr::NonNull;

use critical_section::Mutex;
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

const PAGES: usize = 8;

#[repr(align(4096))]
struct Memory(UnsafeCell<[[u8; PAGE_SIZE]; PAGES]>);

// SAFETY: each page is given to one owner, by `USED`, which only grows.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory(UnsafeCell::new([[0; PAGE_SIZE]; PAGES]));
static USED: Mutex<Cell<usize>> = Mutex::new(Cell::new(0));

/// The pages of the driver's queues.
pub(super) struct Pages;

// SAFETY: pages are aligned, zeroed, and never given out twice; addresses are the same for the card.
unsafe impl Hal for Pages {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let first = critical_section::with(|cs| {
            let used = USED.borrow(cs);
            assert!(used.get() + pages <= PAGES, "the card wants more than {PAGES} pages");
            used.replace(used.get() + pages)
        });
        let start = MEMORY.0.get().cast::<u8>().wrapping_add(first * PAGE_SIZE);
        (start.addr() as PhysAddr, NonNull::new(start).expect("it lies in a static"))
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0 // they are handed out once
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, _: usize) -> NonNull<u8> {
        NonNull::new(address as usize as *mut u8).expect("no device is at 0")
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        buffer.cast::<u8>().addr().get() as PhysAddr
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}
