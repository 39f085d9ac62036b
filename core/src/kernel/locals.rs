//! The task-locals that are set around the running code: a list on the stack, innermost first.
//!
//! # Invariant
//! * **FRAMES**: what is in the list lies in the frame of a call of [`Key::with_value`] that has not ended, on this thread,
//!   and the frame borrows key and value. It is taken out when the frame ends, by return or by panic; one that never ends (a
//!   coroutine that is forgotten) keeps its memory. Without feature `std` the list is the program's: it changes in
//!   transactions, and who looks is counted by the entry that the look comes in by. From there it goes outwards: so a frame may
//!   end if nobody looks who came in there or further inside. Else another thread or core looks, which ends the program. (An
//!   interrupt's look is over before what it interrupted goes on.)

use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::AtomicU8;

use super::context::{looked_at, out_of_order};
use super::mask::{OTHERS_MAY_POLL, Pointer, Word, transaction};
use crate::fault::fault;

/// A value and its key, in the frame of the poll that it is set for.
struct Entry {
    key: *const (),
    value: *const (),
    outer: Cell<*const Entry>,
    looks: Looks,
}

/// How many looks that came in here are under way; nothing is counted where nobody else polls.
struct Looks([Word; OTHERS_MAY_POLL as usize]);

impl Looks {
    const fn new() -> Self {
        Looks([const { Word::new(0) }; OTHERS_MAY_POLL as usize])
    }

    fn are_there(&self) -> bool {
        self.0.first().is_some_and(|count| count.get() != 0) && !fault!("looks-unnoticed")
    }

    fn begin(&self) {
        if let Some(count) = self.0.first() {
            count.set(count.get().wrapping_add(1));
        }
    }

    fn end(&self) {
        if let Some(count) = self.0.first() {
            count.set(count.get().wrapping_sub(1));
        }
    }
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
            outer: Cell::new(ptr::null()),
            looks: Looks::new(),
        };
        transaction(|| {
            innermost(|list| {
                entry.outer.set(list.get());
                list.set(&entry);
            });
        });
        let _taken_out = TakenOut(&entry);
        f()
    }

    /// Looks at what is set around the running code, innermost first, if anything is.
    pub(crate) fn with_found<R>(&self, f: impl FnOnce(Option<&T>) -> R) -> R {
        let look = Look::begin();
        let mut at = look.0;
        // SAFETY: FRAMES: the look is counted.
        while let Some(entry) = unsafe { at.as_ref() } {
            if ptr::eq(entry.key, self.address()) {
                // SAFETY: FRAMES: the frame of the entry borrows the value, and ends after the look; and it borrows the key,
                // so that this is the same one, with values of this type.
                return f(Some(unsafe { &*entry.value.cast::<T>() }));
            }
            at = entry.outer.get();
        }
        f(None)
    }
}

/// While this lives, so does the entry that it came in by, and all that is outside of that.
struct Look(*const Entry);

impl Look {
    fn begin() -> Self {
        transaction(|| {
            let at = innermost(Pointer::get);
            // SAFETY: FRAMES.
            if let Some(entry) = unsafe { at.as_ref() } {
                entry.looks.begin();
            }
            Look(at)
        })
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if OTHERS_MAY_POLL {
            // SAFETY: FRAMES: the look is counted.
            transaction(|| unsafe { self.0.as_ref() }.inspect(|entry| entry.looks.end()));
        }
    }
}

/// Takes an entry out of the list, when the frame that it lies in ends, one way or another.
struct TakenOut<'e>(&'e Entry);

impl Drop for TakenOut<'_> {
    fn drop(&mut self) {
        match transaction(|| innermost(|list| take_out(list, self.0))) {
            TakeOut::Done => {}
            TakeOut::LookedAt => looked_at(),
            TakeOut::Missing => out_of_order(),
        }
    }
}

enum TakeOut {
    Done,
    LookedAt,
    Missing,
}

fn take_out(list: &Pointer<Entry>, entry: &Entry) -> TakeOut {
    if entry.looks.are_there() {
        return TakeOut::LookedAt;
    }
    if !ptr::eq(list.get(), entry) {
        return take_out_from_below(list.get(), entry);
    }
    list.set(entry.outer.get());
    TakeOut::Done
}

/// A coroutine that was left in the middle of a poll ends before what began after it.
#[cold]
fn take_out_from_below(mut at: *const Entry, entry: &Entry) -> TakeOut {
    // SAFETY: FRAMES: what is in the list lies in a frame that has not ended.
    while let Some(inner) = unsafe { at.as_ref() } {
        if inner.looks.are_there() {
            return TakeOut::LookedAt;
        }
        at = inner.outer.get();
        if ptr::eq(at, entry) {
            inner.outer.set(entry.outer.get());
            return TakeOut::Done;
        }
    }
    // It is in another thread's.
    TakeOut::Missing
}
