//! Counts what a program allocates, without a change to the program: `LD_PRELOAD=liballoc_count.so program`.
//! It stands before glibc's functions and calls them.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
}

fn count(size: usize) {
    CALLS.fetch_add(1, Relaxed);
    BYTES.fetch_add(size as u64, Relaxed);
}

/// Allocations and bytes so far.
#[unsafe(no_mangle)]
pub extern "C" fn bench_heap_so_far(counts: &mut [u64; 2]) {
    *counts = [CALLS.load(Relaxed), BYTES.load(Relaxed)];
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    count(size);
    // SAFETY: the caller's promise.
    unsafe { __libc_malloc(size) }
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calloc(number: usize, size: usize) -> *mut c_void {
    count(number * size);
    // SAFETY: the caller's promise.
    unsafe { __libc_calloc(number, size) }
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
    count(size);
    // SAFETY: the caller's promise.
    unsafe { __libc_realloc(old, size) }
}

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(place: *mut *mut c_void, align: usize, size: usize) -> i32 {
    count(size);
    // SAFETY: the caller's promise.
    unsafe { *place = __libc_memalign(align, size) };
    // SAFETY: as above.
    if unsafe { (*place).is_null() } { 12 } else { 0 } // ENOMEM
}
