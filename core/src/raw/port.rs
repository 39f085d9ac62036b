//! Where the state of a thread lives, and what keeps others out of it.
//!
//! With feature `std` there is one [`State`] a thread and nothing to lock: other threads leave
//! their wakes in an [inbox](super::inbox). Without it there is one for the whole program, inside
//! a critical section, so that an interrupt may wake tasks as directly as a task does.

use super::state::State;

#[cfg(feature = "std")]
mod imp {
    use super::State;

    std::thread_local! {
        // Constant and without a destructor: reached by one address computation, and still
        // usable from destructors that run while the thread ends.
        static STATE: State = const { State::new() };
    }

    #[inline]
    pub(crate) fn with<R>(f: impl FnOnce(&State) -> R) -> R {
        STATE.with(f)
    }

    /// A short lock for what threads share: a `static` arena.
    pub(crate) struct Lock<T>(std::sync::Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Lock(std::sync::Mutex::new(value))
        }

        pub(crate) fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
            // Nothing under the lock panics or calls out, so poison can't mean a torn state.
            f(&self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
        }
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use super::State;
    use critical_section::Mutex;

    static STATE: Mutex<State> = Mutex::new(State::new());

    #[inline]
    pub(crate) fn with<R>(f: impl FnOnce(&State) -> R) -> R {
        critical_section::with(|cs| f(STATE.borrow(cs)))
    }

    /// A short lock: a critical section.
    pub(crate) struct Lock<T>(Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Lock(Mutex::new(value))
        }

        pub(crate) fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
            critical_section::with(|cs| f(self.0.borrow(cs)))
        }
    }
}

pub(crate) use imp::{Lock, with};

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
