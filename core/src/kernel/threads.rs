//! Which thread has which home: made when it is first needed, and handed on when the thread has ended and no task of it is
//! left.

use super::context::Context;
use super::memory::home::Home;

impl Context {
    /// This thread's home, made when first needed.
    ///
    /// # Panics
    /// If there are too many.
    pub(crate) fn home(&self) -> &'static Home {
        match self.home.get() {
            Some(home) => home,
            None => self.create_home_or_panic(),
        }
    }

    #[cold]
    fn create_home_or_panic(&self) -> &'static Home {
        match self.create_home() {
            Some(home) => home,
            None => imp::too_many(),
        }
    }

    /// The same; `None` if there are too many.
    #[cfg(feature = "std")]
    pub(crate) fn try_home(&self) -> Option<&'static Home> {
        self.home.get().or_else(|| self.create_home())
    }

    fn create_home(&self) -> Option<&'static Home> {
        let home = imp::create()?;
        self.home.set(Some(home));
        #[cfg(feature = "std")]
        self.owner.set(home.owner());
        Some(home)
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use super::Home;
    use alloc::boxed::Box;

    /// The one of the program.
    pub(super) fn create() -> Option<&'static Home> {
        Some(Box::leak(Box::new(Home::new())))
    }

    pub(super) fn too_many() -> ! {
        unreachable!("there is one for all threads")
    }
}

#[cfg(feature = "std")]
mod imp {
    use alloc::boxed::Box;
    use alloc::vec::Vec;
    use core::cell::Cell;
    use core::ptr;
    use core::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Mutex, PoisonError};
    use std::thread::{self, LocalKey, ThreadId};

    use super::Home;
    use crate::fault::fault;
    use crate::kernel::context::{NOBODY, with};

    /// How many threads there can be with a home.
    pub(crate) const THREADS: u32 = 1 << 12;

    static COUNT: AtomicU32 = AtomicU32::new(0);
    /// Homes whose thread has ended.
    static RETIRED: Mutex<Vec<&'static Home>> = Mutex::new(Vec::new());
    /// Homes whose thread is ending or has ended, with tasks alive.
    static LEAVING: Mutex<Vec<(ThreadId, &'static Home)>> = Mutex::new(Vec::new());

    pub(super) fn too_many() -> ! {
        panic!("giambio: {}", super::TooManyThreads(()))
    }

    fn leaving<R>(look: impl FnOnce(&mut Vec<(ThreadId, &'static Home)>) -> R) -> R {
        look(&mut LEAVING.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives this thread's home to the next thread that needs one.
    pub(crate) fn retire(home: &'static Home) {
        home.ownerless.store(false, Ordering::Relaxed);
        leaving(|homes| homes.retain(|(_, left)| !ptr::eq(*left, home)));
        with(|context| {
            context.home.set(None);
            context.owner.set(NOBODY);
        });
        RETIRED.lock().unwrap_or_else(PoisonError::into_inner).push(home);
    }

    /// The home that this thread has had all the time.
    ///
    /// Where thread-locals are kept by keys of the operating system (Windows with the GNU toolchain, OpenBSD, Android,
    /// illumos), they are all freed when a thread ends, in any order, and a destructor that asks for one again
    /// gets a new one. The thread's [`Context`](super::Context) may forget its home this way, but
    /// must not get another: there are tasks in this one.
    fn former() -> Option<&'static Home> {
        // The second is not touched before the first is gone, or it would go soon, too.
        let noted = RETIRE.try_with(|retire| retire.0.get()).or_else(|_| RETIRE_LATE.try_with(|retire| retire.0.get()));
        if let Ok(Some((_, home))) = noted {
            return Some(home);
        }
        leaving(|homes| {
            if homes.is_empty() {
                return None;
            }
            let this = thread::current().id();
            homes.iter().find(|(thread, _)| *thread == this).map(|(_, home)| *home)
        })
    }

    /// A home for this thread: the one it had, one of a thread that has ended, or a new one. `None`: all numbers of
    /// threads are in use.
    pub(super) fn create() -> Option<&'static Home> {
        if let Some(home) = former() {
            return Some(home);
        }
        let retired = RETIRED.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let home = match retired {
            Some(home) => home,
            None => {
                let number =
                    COUNT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < THREADS).then_some(n + 1));
                Box::leak(Box::new(Home::new(number.ok()?)))
            }
        };
        let owned = (thread::current().id(), home);
        // Fails while the thread ends: for the first when its destructor has run. If both are gone, it retires with its last
        // task.
        let is_noted = |last: &'static LocalKey<Retire>| last.try_with(|retire| retire.0.set(Some(owned))).is_ok();
        if !is_noted(&RETIRE) && (fault!("late-homes-are-kept") || !is_noted(&RETIRE_LATE)) {
            leaving(|homes| homes.push(owned));
            home.ownerless.store(true, Ordering::Relaxed);
        }
        Some(home)
    }

    struct Retire(Cell<Option<(ThreadId, &'static Home)>>);

    std::thread_local! {
        static RETIRE: Retire = const { Retire(Cell::new(None)) };
        /// Of a home that the destructor of another thread-local has made, after that of the first.
        static RETIRE_LATE: Retire = const { Retire(Cell::new(None)) };
    }

    impl Drop for Retire {
        fn drop(&mut self) {
            let Some((thread, home)) = self.0.get() else { return };
            leaving(|homes| homes.push((thread, home)));
            with(|context| context.spare.close());
            home.notify.close();
            if home.live() == 0 {
                retire(home);
            } else {
                // Tasks in other thread-locals, or forgotten.
                home.ownerless.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(feature = "std")]
pub(crate) use imp::{THREADS, retire};

/// As many threads have a runtime as can have one, or have ended and left tasks alive.
///
/// Let threads end, and with them their runtimes; or have fewer threads do more each.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyThreads(pub(crate) ());

#[cfg(feature = "std")]
impl core::fmt::Display for TooManyThreads {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{THREADS} threads have a runtime, which is as many as there can be: let some of them end first")
    }
}

#[cfg(feature = "std")]
impl core::error::Error for TooManyThreads {}
