//! A pointer to a pinned value: what intrusive lists and heaps are made of.

use core::ops::Deref;
use core::ptr::NonNull;

/// Leads to a value that is pinned and alive (LIVE).
pub(crate) struct PinRef<T>(NonNull<T>);

impl<T> PinRef<T> {
    /// # Safety
    /// LIVE: the value stays alive and where it is until no copy of this is used any more. Lists, heaps and queues use theirs
    /// until the value is taken out of them.
    pub(crate) const unsafe fn new(value: NonNull<T>) -> Self {
        PinRef(value)
    }

    /// Its address. Good for the whole of what the value starts, if `new` was given such a pointer (WHOLE-POINTER).
    pub(crate) const fn as_ptr(self) -> *const T {
        self.0.as_ptr()
    }

    /// Is it the same value?
    pub(crate) fn is(self, other: PinRef<T>) -> bool {
        self.0 == other.0
    }
}

impl<T> Clone for PinRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for PinRef<T> {}

impl<T> Deref for PinRef<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: LIVE, as promised to `new`.
        unsafe { self.0.as_ref() }
    }
}

impl<T> core::fmt::Debug for PinRef<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}
