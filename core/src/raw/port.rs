//! Where the state of a thread lives, and what keeps others out of it.
//!
//! With feature `std` there is one [`State`] a thread and nothing to lock: other threads leave
//! their wakes in an [inbox](super::inbox). Without it there is one for the whole program, inside
//! a critical section, so that an interrupt may wake tasks as directly as a task does.

use super::current::Current;
use super::state::State;

#[cfg(feature = "std")]
mod imp {
    use core::cell::Cell;

    use super::{Current, State};

    std::thread_local! {
        // Constant and without a destructor: reached by one address computation, and still
        // usable from destructors that run while the thread ends.
        static STATE: State = const { State::new() };
    }

    #[inline]
    pub(crate) fn with<R>(f: impl FnOnce(&State) -> R) -> R {
        STATE.with(f)
    }

    #[inline]
    pub(crate) fn now<R>(f: impl FnOnce(&Current) -> R) -> R {
        STATE.with(|state| f(&state.now))
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

    use super::{Current, State};

    // `used` keeps it in one piece: the compiler would take it apart, and then load the address of each word anew.
    #[used]
    static STATE: State = State::new();

    #[inline]
    pub(crate) fn with<R>(f: impl FnOnce(&State) -> R) -> R {
        critical_section::with(|_| f(&STATE))
    }

    #[inline]
    pub(crate) fn now<R>(f: impl FnOnce(&Current) -> R) -> R {
        f(&STATE.now)
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

                #[inline]
                pub(crate) fn get(&self) -> $int {
                    self.0.load(Relaxed)
                }

                #[inline]
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

        #[inline]
        pub(crate) fn get(&self) -> *const T {
            self.0.load(Relaxed)
        }

        #[inline]
        pub(crate) fn set(&self, value: *const T) {
            self.0.store(value.cast_mut(), Relaxed);
        }
    }
}

pub(crate) use imp::{Byte, Half, Pointer, Word, now, with};

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
