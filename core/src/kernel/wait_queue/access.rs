//! Who may use what is waited for: tasks of one runtime, or everybody.

/// Who may use something that is waited for: [`Local`], the tasks of one runtime, or [`Shared`], everybody.
///
/// Where a type has this as a parameter, it is `Local` if nothing is said.
pub trait Access: Exclusion {}

impl Access for Local {}
impl Access for Shared {}

/// What everybody may use.
#[diagnostic::on_unimplemented(
    message = "this is for the tasks of one runtime, and has no lock",
    label = "not for a `static`, interrupts or other threads: it is of the kind `{Self}`",
    note = "of the kind `Shared` it is: `static EVENT: Event<Shared> = Event::shared();`, `Channel<u8, 8, Shared>`"
)]
pub(crate) trait Crosses: Access {}

impl Crosses for Shared {}

/// What keeps others out while somebody looks. Nobody else can implement it, for nobody else can name it.
pub trait Exclusion: 'static {
    /// What lies beside the state.
    type Guard: Send + Sync;
    /// Nobody looks.
    const OPEN: Self::Guard;
    /// Runs `f` alone.
    fn alone<R>(guard: &Self::Guard, f: impl FnOnce() -> R) -> R;
    /// The same where code of the program is called in there, which may come back, in this way too: it finds what is kept as
    /// it was left, as where there is no lock.
    fn alone_calling<R>(guard: &Self::Guard, f: impl FnOnce() -> R) -> R {
        Self::alone(guard, f)
    }
}

/// For the tasks of one runtime. It needs no lock.
#[derive(Clone, Copy, Debug)]
pub struct Local;

/// For tasks, interrupts and threads, in a `static` or borrowed: each use is a short critical section, with feature `std` a
/// mutex.
#[derive(Clone, Copy, Debug)]
pub struct Shared;

/// The guard of what is shared.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct ShortLock(imp::Lock);

impl Exclusion for Local {
    type Guard = ();
    const OPEN: () = ();

    fn alone<R>((): &(), f: impl FnOnce() -> R) -> R {
        f()
    }
}

impl Exclusion for Shared {
    type Guard = ShortLock;
    const OPEN: ShortLock = ShortLock(imp::Lock::new());

    fn alone<R>(guard: &ShortLock, f: impl FnOnce() -> R) -> R {
        guard.0.alone(f)
    }

    fn alone_calling<R>(guard: &ShortLock, f: impl FnOnce() -> R) -> R {
        guard.0.alone_calling(f)
    }
}

#[cfg(feature = "std")]
mod imp {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::sync::{Mutex, MutexGuard, TryLockError};

    use crate::fault::fault;

    /// A mutex that is open to whom its owner calls.
    pub(super) struct Lock {
        mutex: Mutex<()>,
        /// The thread that calls code of the program under the lock; 0: none does. Only who finds itself here learns anything.
        calls: AtomicUsize,
    }

    std::thread_local!(static HERE: u8 = const { 0 });

    impl Lock {
        pub(super) const fn new() -> Self {
            Lock { mutex: Mutex::new(()), calls: AtomicUsize::new(0) }
        }

        pub(super) fn alone<R>(&self, f: impl FnOnce() -> R) -> R {
            let _locked = self.lock();
            f()
        }

        // A panic comes from code of the program alone, which leaves nothing torn; so poison says nothing.
        fn lock(&self) -> MutexGuard<'_, ()> {
            self.mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
        }

        /// Locks it when the others let go; or it is open, to who comes back.
        #[cold]
        fn wait(&self) -> Option<MutexGuard<'_, ()>> {
            let is_called_from = self.calls.load(Relaxed) == here() && !fault!("who-comes-back-waits");
            (!is_called_from).then(|| self.lock())
        }

        pub(super) fn alone_calling<R>(&self, f: impl FnOnce() -> R) -> R {
            /// Puts back who called before, also if the code panics.
            struct Calls<'a>(&'a AtomicUsize, usize);
            impl Drop for Calls<'_> {
                fn drop(&mut self) {
                    self.0.store(self.1, Relaxed);
                }
            }
            let _locked = match self.mutex.try_lock() {
                Ok(locked) => Some(locked),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => self.wait(),
            };
            let _calls = Calls(&self.calls, self.calls.load(Relaxed));
            self.calls.store(here(), Relaxed);
            f()
        }
    }

    /// What no other thread has that lives.
    fn here() -> usize {
        HERE.with(|here| core::ptr::from_ref(here).addr())
    }
}

/// A critical section, which is open to who is in one.
#[cfg(not(feature = "std"))]
mod imp {
    pub(super) struct Lock(crate::lock::Lock<()>);

    impl Lock {
        pub(super) const fn new() -> Self {
            Lock(crate::lock::Lock::new(()))
        }

        pub(super) fn alone<R>(&self, f: impl FnOnce() -> R) -> R {
            self.0.with(|()| f())
        }

        pub(super) fn alone_calling<R>(&self, f: impl FnOnce() -> R) -> R {
            self.alone(f)
        }
    }
}
