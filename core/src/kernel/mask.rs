//! What keeps interrupts out, and cells that an interrupt may look at.
//!
//! With feature `std` the runtime's own state belongs to one thread, and needs no lock: other threads leave their wakes in a
//! [mailbox](super::memory::mailbox). Without it there is one state for the whole program, inside a critical section, so that an
//! interrupt may wake tasks as directly as a task does.

#[cfg(feature = "std")]
mod imp {
    use core::cell::Cell;

    /// Keeps interrupts out. With `std` there are none.
    pub(crate) fn masked<R>(f: impl FnOnce() -> R) -> R {
        f()
    }

    /// A word that an interrupt may look at.
    pub(crate) type Word = Cell<u32>;
    /// Half of one.
    pub(crate) type Half = Cell<u16>;
    /// A quarter of one.
    pub(crate) type Byte = Cell<u8>;
    /// A pointer that an interrupt may look at.
    pub(crate) type Pointer<T> = Cell<*const T>;
}

#[cfg(not(feature = "std"))]
mod imp {
    use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, Ordering::Relaxed};

    /// Keeps interrupts out.
    pub(crate) fn masked<R>(f: impl FnOnce() -> R) -> R {
        critical_section::with(|_| f())
    }

    /// A word that an interrupt may look at: loads and stores, which is all that each processor has.
    pub(crate) struct Word(AtomicU32);
    /// Half of one.
    pub(crate) struct Half(AtomicU16);
    /// A quarter of one.
    pub(crate) struct Byte(AtomicU8);

    macro_rules! like_a_cell {
        ($name:ident, $atomic:ident, $int:ident) => {
            impl $name {
                #[allow(dead_code, reason = "with a heap, blocks begin as zeros")]
                pub(crate) const fn new(value: $int) -> Self {
                    $name($atomic::new(value))
                }

                pub(crate) fn get(&self) -> $int {
                    self.0.load(Relaxed)
                }

                pub(crate) fn set(&self, value: $int) {
                    self.0.store(value, Relaxed);
                }
            }
        };
    }
    like_a_cell!(Word, AtomicU32, u32);
    like_a_cell!(Half, AtomicU16, u16);
    like_a_cell!(Byte, AtomicU8, u8);

    /// A pointer that an interrupt may look at.
    pub(crate) struct Pointer<T>(AtomicPtr<T>);

    impl<T> Pointer<T> {
        pub(crate) const fn new(value: *const T) -> Self {
            Pointer(AtomicPtr::new(value.cast_mut()))
        }

        pub(crate) fn get(&self) -> *const T {
            self.0.load(Relaxed)
        }

        pub(crate) fn set(&self, value: *const T) {
            self.0.store(value.cast_mut(), Relaxed);
        }
    }
}

/// Are there interrupts? They may come between any two steps.
pub(crate) const HAS_INTERRUPTS: bool = cfg!(not(feature = "std"));

pub(crate) use imp::{Byte, Half, Pointer, Word, masked};
