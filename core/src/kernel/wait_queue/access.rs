//! Who may use what is waited for: tasks of one runtime, or everybody.

use crate::lock::Lock;

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
pub struct ShortLock(Lock<()>);

impl Exclusion for Local {
    type Guard = ();
    const OPEN: () = ();

    fn alone<R>((): &(), f: impl FnOnce() -> R) -> R {
        f()
    }
}

impl Exclusion for Shared {
    type Guard = ShortLock;
    const OPEN: ShortLock = ShortLock(Lock::new(()));

    fn alone<R>(guard: &ShortLock, f: impl FnOnce() -> R) -> R {
        guard.0.with(|()| f())
    }
}
