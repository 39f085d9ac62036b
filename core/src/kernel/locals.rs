//! The task-locals that are set around the running code: a list on the stack, innermost first.
//!
//! # Invariant
//! * **FRAMES**: what is in the list lies in the frame of a call of [`Key::with_value`] that has not ended, on this thread,
//!   and the frame borrows key and value. It is taken out when the frame ends, by return or by panic; one that never ends (a
//!   coroutine that is forgotten) keeps its memory.

use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Release, SeqCst};
use core::sync::atomic::{AtomicU8, compiler_fence};

use super::context::out_of_order;
use super::mask::Pointer;

/// A value and its key, in the frame of the poll that it is set for.
struct Entry {
    key: *const (),
    value: *const (),
    outer: Cell<*const Entry>,
}

#[cfg(feature = "std")]
mod imp {
    use super::{Entry, Pointer, ptr};

    std::thread_local! {
        static INNERMOST: Pointer<Entry> = const { Pointer::new(ptr::null()) };
    }

    pub(super) fn innermost<R>(f: impl FnOnce(&Pointer<Entry>) -> R) -> R {
        INNERMOST.with(f)
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use super::{Entry, Pointer, ptr};

    static INNERMOST: Pointer<Entry> = Pointer::new(ptr::null());

    pub(super) fn innermost<R>(f: impl FnOnce(&Pointer<Entry>) -> R) -> R {
        f(&INNERMOST)
    }
}

use imp::innermost;

/// A key: it is told from others by its address, so it has one of its own while it is borrowed. What could not change would
/// not: `&CONSTANT` would lie in a `static`, and equal ones in the same.
pub(crate) struct Key<T> {
    _own_address: AtomicU8,
    /// Neither a longer-lived `T` nor a shorter-lived one will do: it is put in here and got out.
    _values: PhantomData<Cell<T>>,
}

// SAFETY: there is no `T` in it. A value is found on the thread that polls, where it was set.
#[cfg(feature = "std")]
unsafe impl<T> Sync for Key<T> {}

// SAFETY: there is no `T` in it. But an interrupt may look up what it interrupted has set.
#[cfg(not(feature = "std"))]
unsafe impl<T: Sync> Sync for Key<T> {}

impl<T> Key<T> {
    pub(crate) const fn new() -> Self {
        Key { _own_address: AtomicU8::new(0), _values: PhantomData }
    }

    fn address(&self) -> *const () {
        ptr::from_ref(self).cast()
    }

    /// Runs `f` with a value set.
    pub(crate) fn with_value<R>(&self, value: &T, f: impl FnOnce() -> R) -> R {
        let entry = Entry {
            key: self.address(),
            value: ptr::from_ref(value).cast(),
            outer: Cell::new(innermost(Pointer::get)),
        };
        // An interrupt that finds it finds it whole.
        compiler_fence(Release);
        innermost(|list| list.set(&entry));
        let _taken_out = TakenOut(&entry);
        f()
    }

    /// Looks at what is set around the running code, innermost first, if anything is.
    pub(crate) fn with_found<R>(&self, f: impl FnOnce(Option<&T>) -> R) -> R {
        let mut at = innermost(Pointer::get);
        compiler_fence(Acquire);
        // SAFETY: FRAMES.
        while let Some(entry) = unsafe { at.as_ref() } {
            if ptr::eq(entry.key, self.address()) {
                // SAFETY: FRAMES: the frame of the entry borrows the value, and is below this one; and it borrows the key, so
                // that this is the same one, with values of this type.
                return f(Some(unsafe { &*entry.value.cast::<T>() }));
            }
            at = entry.outer.get();
        }
        f(None)
    }
}

/// Takes an entry out of the list, when the frame that it lies in ends, one way or another.
struct TakenOut<'e>(&'e Entry);

impl Drop for TakenOut<'_> {
    fn drop(&mut self) {
        if !innermost(|list| {
            let is_last = ptr::eq(list.get(), self.0);
            if is_last {
                list.set(self.0.outer.get());
            }
            is_last
        }) {
            take_out_from_below(self.0);
        }
        // An interrupt finds it no more before its memory is used for something else.
        compiler_fence(SeqCst);
    }
}

/// A coroutine that was left in the middle of a poll ends before what began after it.
#[cold]
fn take_out_from_below(entry: &Entry) {
    let mut at = innermost(Pointer::get);
    // SAFETY: FRAMES: what is in the list lies in a frame that has not ended.
    while let Some(inner) = unsafe { at.as_ref() } {
        at = inner.outer.get();
        if ptr::eq(at, entry) {
            return inner.outer.set(entry.outer.get());
        }
    }
    // It is in another thread's.
    out_of_order();
}
