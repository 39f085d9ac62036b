//! What keeps interrupts out, and cells that an interrupt may look at.
//!
//! With feature `std` the runtime's own state belongs to one thread, and needs no lock: other threads leave their wakes in a
//! [mailbox](super::memory::mailbox). Without it there is one state for the whole program, and an interrupt wakes tasks as directly
//! as a task does. That is all it may do (ONE-CONTEXT): so what a wake changes is changed in critical sections, and nothing else.

#[cfg(feature = "std")]
mod imp {
    use core::cell::Cell;

    /// Keeps interrupts out. With `std` there are none.
    #[inline(always)]
    pub(crate) fn masked<R>(f: impl FnOnce() -> R) -> R {
        f()
    }

    /// A byte that an interrupt may look at.
    pub(crate) type Byte = Cell<u8>;
    /// A pointer that an interrupt may look at.
    pub(crate) type Pointer<T> = Cell<*const T>;
}

#[cfg(not(feature = "std"))]
mod imp {
    use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering::Relaxed};

    /// Keeps interrupts out.
    #[inline(always)]
    pub(crate) fn masked<R>(f: impl FnOnce() -> R) -> R {
        critical_section::with(|_| f())
    }

    /// Where a test has an interrupt come, beside the ends of sections in which they are kept out.
    #[inline(always)]
    fn point() {
        #[cfg(giambio_interrupts)]
        critical_section::with(|_| {});
    }

    /// A byte that an interrupt may look at: loads and stores, which is all that each processor has.
    pub(crate) struct Byte(AtomicU8);

    impl Byte {
        #[allow(dead_code, reason = "with a heap, headers begin as zeros")]
        pub(crate) const fn new(value: u8) -> Self {
            Byte(AtomicU8::new(value))
        }

        #[inline]
        pub(crate) fn get(&self) -> u8 {
            point();
            self.0.load(Relaxed)
        }

        #[inline]
        pub(crate) fn set(&self, value: u8) {
            self.0.store(value, Relaxed);
            point();
        }
    }

    /// A pointer that an interrupt may look at.
    pub(crate) struct Pointer<T>(AtomicPtr<T>);

    impl<T> Pointer<T> {
        pub(crate) const fn new(value: *const T) -> Self {
            Pointer(AtomicPtr::new(value.cast_mut()))
        }

        #[inline]
        pub(crate) fn get(&self) -> *const T {
            point();
            self.0.load(Relaxed)
        }

        #[inline]
        pub(crate) fn set(&self, value: *const T) {
            self.0.store(value.cast_mut(), Relaxed);
            point();
        }
    }
}

/// Are there interrupts? They may come between any two steps.
pub(crate) const HAS_INTERRUPTS: bool = cfg!(not(feature = "std"));

pub(crate) use imp::{Byte, Pointer, masked};
