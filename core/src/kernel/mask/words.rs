//! Critical sections, and cells of loads and stores, which is all that each processor has.

use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering::Relaxed};
#[cfg(not(all(feature = "one-context", not(feature = "hooks"))))]
use core::sync::atomic::{AtomicU16, AtomicU32};

pub(crate) fn masked<R>(f: impl FnOnce() -> R) -> R {
    critical_section::with(|_| f())
}

/// Where a test has an interrupt come: around each look at what it may change, and so between a look and the change that
/// follows.
fn point() {
    #[cfg(giambio_interrupts)]
    critical_section::with(|_| {});
}

macro_rules! cells {
    ($($name:ident $atomic:ident $int:ident,)*) => {
        $(
            pub(crate) struct $name($atomic);

            #[allow(dead_code, reason = "not everything is used with each set of features")]
            impl $name {
                pub(crate) const fn new(value: $int) -> Self {
                    $name($atomic::new(value))
                }

                pub(crate) fn get(&self) -> $int {
                    point();
                    let value = self.0.load(Relaxed);
                    point();
                    value
                }

                pub(crate) fn set(&self, value: $int) {
                    self.0.store(value, Relaxed);
                    point();
                }
            }
        )*
    };
}
#[cfg(not(all(feature = "one-context", not(feature = "hooks"))))]
cells! { Word AtomicU32 u32, Half AtomicU16 u16, }
cells! { Byte AtomicU8 u8, }

pub(crate) struct Pointer<T>(AtomicPtr<T>);

impl<T> Pointer<T> {
    pub(crate) const fn new(value: *const T) -> Self {
        Pointer(AtomicPtr::new(value.cast_mut()))
    }

    pub(crate) fn get(&self) -> *const T {
        point();
        let value = self.0.load(Relaxed);
        point();
        value.cast_const()
    }

    pub(crate) fn set(&self, value: *const T) {
        self.0.store(value.cast_mut(), Relaxed);
        point();
    }
}
