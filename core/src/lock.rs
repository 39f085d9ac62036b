//! What tasks share with interrupts, or with other threads: a short lock for it, and who has to be fit for that.

/// With feature `std` a mutex, else a critical section. Nothing under it panics or calls out.
pub(crate) struct Lock<T>(imp::Mutex<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Lock(imp::Mutex::new(value))
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        imp::with(&self.0, f)
    }
}

#[cfg(feature = "std")]
mod imp {
    pub(super) use std::sync::Mutex;

    pub(super) fn with<T, R>(mutex: &Mutex<T>, f: impl FnOnce(&T) -> R) -> R {
        // Nothing under the lock panics, so poison can't mean a torn state.
        f(&mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    pub(super) use critical_section::Mutex;

    pub(super) fn with<T, R>(mutex: &Mutex<T>, f: impl FnOnce(&T) -> R) -> R {
        critical_section::with(|cs| f(mutex.borrow(cs)))
    }
}

/// What a runtime's seams must be, given from where they may be reached. With feature `std`:
/// anything, since a runtime keeps to its thread. Without it: `Sync`, since an interrupt may ask
/// for the time while a task does.
#[cfg(feature = "std")]
pub trait Reachable {}

#[cfg(feature = "std")]
impl<T: ?Sized> Reachable for T {}

/// What a runtime's seams must be, given from where they may be reached. With feature `std`:
/// anything, since a runtime keeps to its thread. Without it: `Sync`, since an interrupt may ask
/// for the time while a task does.
#[cfg(not(feature = "std"))]
pub trait Reachable: Sync {}

#[cfg(not(feature = "std"))]
impl<T: Sync + ?Sized> Reachable for T {}
