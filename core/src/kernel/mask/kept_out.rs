//! Whoever interrupts may do what it likes: it finds whole transactions, and words that are loaded and stored at once.

pub(crate) use super::words::{Byte as Mark, Half, Pointer as Place, Word, masked as transaction};

pub(crate) fn within<R>(f: impl FnOnce() -> R) -> R {
    f()
}
