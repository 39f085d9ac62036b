//! An interrupt wakes, and no more: so the program has promised.

use core::cell::Cell;

pub(crate) use super::words::masked as within;

pub(crate) fn transaction<R>(f: impl FnOnce() -> R) -> R {
    f()
}

pub(crate) type Word = Cell<u32>;
pub(crate) type Half = Cell<u16>;
pub(crate) type Mark = Cell<u8>;
pub(crate) type Place<T> = Cell<*const T>;

// What `one_context!` defines: without it the program does not link.
unsafe extern "Rust" {
    safe static _GIAMBIO_ONE_CONTEXT: ();
}

/// Nobody looks: it is there to be linked.
#[expect(dead_code)]
struct Promise(*const ());

// SAFETY: nobody reads it.
unsafe impl Sync for Promise {}

#[used]
static PROMISE: Promise = Promise(&raw const _GIAMBIO_ONE_CONTEXT);
