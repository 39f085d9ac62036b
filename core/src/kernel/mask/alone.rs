//! There are no interrupts.

use core::cell::Cell;

pub(crate) fn masked<R>(f: impl FnOnce() -> R) -> R {
    f()
}

pub(crate) use masked as transaction;
pub(crate) use masked as within;

pub(crate) type Word = Cell<u32>;
pub(crate) type Half = Cell<u16>;
pub(crate) type Byte = Cell<u8>;
pub(crate) type Mark = Cell<u8>;
pub(crate) type Pointer<T> = Cell<*const T>;
pub(crate) type Place<T> = Cell<*const T>;
