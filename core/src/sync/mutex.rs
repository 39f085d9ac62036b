//! A value for one task at a time, also while that one waits.

use core::cell::Cell;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::panic::{Location, RefUnwindSafe, UnwindSafe};

use super::inside::{Inside, is_inside};
use super::{Access, Local, Shared};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::gate::is_cancelled;
use crate::kernel::lending::{Lending, Loan, Notes};
use crate::kernel::task::id::Noted;
use crate::panics::is_panicking;
use crate::shield::shield;
use crate::task_info::TaskId;
use crate::then::Then;

/// A value for one task at a time, first come, first served: for what has to stay as it is while its user waits, such as a bus,
/// a connection or a file.
///
/// On one thread tasks switch only where they await. So what is not used across an `await` needs no mutex: there a
/// [`Cell`] or a [`RefCell`](core::cell::RefCell) does.
///
/// Tasks of the same runtime use it; of kind [`Shared`], for a `static`, those of other threads too.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, nursery, sleep};
/// use giambio_core::sync::Mutex;
///
/// struct Bus { transfers: u32 }
///
/// async fn transfer(bus: &Mutex<Bus>) -> Result<(), &'static str> {
///     let mut bus = bus.lock().await;
///     sleep(Duration::from_millis(1)).await; // nobody else is on the bus meanwhile
///     bus.transfers += 1;
///     Ok(())
/// }
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let main = async {
/// let bus = Mutex::new(Bus { transfers: 0 });
/// nursery(async |n| {
///     n.spawn(transfer(&bus));
///     n.spawn(transfer(&bus));
///     Ok(())
/// })
/// .await?;
/// assert_eq!(bus.into_inner().transfers, 2);
/// # Ok::<(), &str>(())
/// # };
/// # pin!(Runtime::new(&time, main)).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) }).unwrap();
/// ```
///
/// # When a holder is cut off
/// A cancelled task is dropped where it waits, and its guards with it, half-way perhaps. The next holder is told by
/// [`is_torn`](MutexGuard::is_torn). What must not be cut off runs in [`use_shielded`](Mutex::use_shielded).
///
/// # Deadlocks
/// Who locks it again inside of its own [`use_shielded`](Mutex::use_shielded) would wait for ever, which is a panic. Of a guard
/// nobody knows by whom it will be dropped, or when: who waits while it has one itself, waits. [`holder`](Mutex::holder) says
/// who has it.
pub struct Mutex<T: ?Sized, K: Access = Local> {
    lending: Lending<Contents<T>, Holder, K>,
}

/// The value in a [`Mutex`], until this is dropped.
#[must_use = "dropped, the mutex is unlocked again"]
pub struct MutexGuard<'a, T: ?Sized, K: Access = Local> {
    /// When it was locked.
    was_cut_off: bool,
    loan: Loan<'a, Contents<T>, Holder, K>,
}

struct Contents<T: ?Sized> {
    is_torn: bool,
    value: T,
}

struct Holder {
    task: Cell<Noted>,
    /// In which runtime the code of a `use_shielded` is being polled, if it is.
    inside: Cell<usize>,
}

/// It would wait for itself.
struct Held;

impl<T> Mutex<T> {
    /// A mutex with a value in it, for the tasks of one runtime.
    pub const fn new(value: T) -> Self {
        Self::of(value)
    }
}

impl<T> Mutex<T, Shared> {
    /// A mutex with a value in it, for the tasks of all threads.
    pub const fn shared(value: T) -> Self {
        Self::of(value)
    }
}

impl<T, K: Access> Mutex<T, K> {
    const fn of(value: T) -> Self {
        let nobody = Holder { task: Cell::new(Noted::NOBODY), inside: Cell::new(0) };
        Mutex { lending: Lending::new(Contents { is_torn: false, value }, nobody) }
    }

    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    ///
    /// ```
    /// use giambio_core::sync::{Mutex, Shared};
    ///
    /// static SETTINGS: Mutex<u32, Shared> = Mutex::shared(0).named("settings");
    /// # assert!(!SETTINGS.is_locked());
    /// ```
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.lending.set_name(name);
        self
    }

    /// The value, which nobody uses any more.
    pub fn into_inner(self) -> T {
        self.lending.into_inner().value
    }
}

impl<T: ?Sized, K: Access> Mutex<T, K> {
    /// Waits until those who came before have unlocked it, and locks it.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Dropped after its turn had come, it leaves that to the next.
    ///
    /// # Panics
    /// In code that runs in a [`use_shielded`](Mutex::use_shielded) of the same mutex, and in children that it waits for: it
    /// would wait for itself.
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T, K>> {
        self.lock_at(Location::caller())
    }

    fn lock_at(&self, caller: &'static Location<'static>) -> impl Future<Output = MutexGuard<'_, T, K>> {
        let refuse = |holder: &Holder| is_inside(holder.inside.get()).then_some(Held);
        let wait = leaf::<AMutex, _>(self.lending.lend(refuse), CallSite::at(caller));
        Then::new(wait, move |lent| match lent {
            Ok(loan) => MutexGuard { was_cut_off: is_panicking(), loan },
            Err(Held) => panic!(
                "giambio: the `lock` at {caller} is in a `use_shielded` of the same mutex, and would wait for itself for ever"
            ),
        })
    }

    /// Locks it, if it isn't locked. Never waits.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T, K>> {
        let loan = self.lending.try_lend()?;
        Some(MutexGuard { was_cut_off: is_cut_off(), loan })
    }

    /// Locks it, and runs `f` with the value to its end, even if a scope around is cancelled meanwhile: for what must not be
    /// left half done.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use core::time::Duration;
    /// # use giambio_core::{Runtime, Until, VirtualClock, move_on_after, sleep};
    /// use giambio_core::sync::Mutex;
    ///
    /// # let time: VirtualClock = VirtualClock::new();
    /// # pin!(Runtime::new(&time, async {
    /// let pair = Mutex::new((1, 1));
    /// let step = pair.use_shielded(async |(left, right)| {
    ///     *left += 1;
    ///     sleep(Duration::from_secs(2)).await;
    ///     *right += 1;
    /// });
    /// move_on_after(Duration::from_secs(1), step).await;
    /// assert_eq!(pair.into_inner(), (2, 2));
    /// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
    /// ```
    ///
    /// # Cancellation
    /// [**Restartable; loses its place**](crate#cancellation) until `f` begins. From then on cancelling a scope around it waits
    /// for `f`. Who drops it then, as a `select!` does, drops `f`; the value is [torn](MutexGuard::is_torn).
    ///
    /// # Panics
    /// As [`lock`](Mutex::lock); and with the panic of `f`, after which the value is torn.
    #[track_caller]
    pub fn use_shielded<R>(&self, f: impl AsyncFnOnce(&mut T) -> R) -> impl Future<Output = R> {
        let caller = Location::caller();
        async move {
            let mut guard = self.lock_at(caller).await;
            shield(async move {
                // Until the end is reached.
                let was_torn = core::mem::replace(&mut guard.loan.is_torn, true);
                let note = |runtime| self.lending.with(|holder, _| holder.inside.set(runtime));
                let result = Inside { future: f(&mut guard), note }.await;
                guard.loan.is_torn = was_torn;
                result
            })
            .await
        }
    }

    /// The value: who has the mutex itself needs no lock.
    ///
    /// ```
    /// use giambio_core::sync::Mutex;
    ///
    /// let mut count = Mutex::new(1);
    /// *count.get_mut() += 1;
    /// assert_eq!(count.into_inner(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.lending.get_mut().value
    }

    /// Is it locked?
    pub fn is_locked(&self) -> bool {
        self.lending.with(|_, is_lent| is_lent)
    }

    /// The task that has locked it; `None` also if that was outside of a runtime, and where it is on its way to one who waits.
    pub fn holder(&self) -> Option<TaskId> {
        self.lending.with(|holder, _| holder.holder())
    }
}

impl Notes for Holder {
    fn is_lent(&self) {
        self.task.set(Noted::current());
    }

    fn is_back(&self) {
        self.task.set(Noted::NOBODY);
    }

    fn holder(&self) -> Option<TaskId> {
        self.task.get().id()
    }
}

struct AMutex;

impl Named for AMutex {
    const NAME: &'static str = "mutex";
}

/// Is the running code being dropped, where it waits or where it panics?
fn is_cut_off() -> bool {
    is_cancelled() || is_panicking() && !fault!("a-panic-leaves-no-mark")
}

impl<T: ?Sized, K: Access> MutexGuard<'_, T, K> {
    /// Was a holder cut off while it had the value, and may have left it half changed? So it is
    /// * if it was dropped in cancelled code, or while a panic unwound it (a guard that was locked there in the first place,
    ///   in a destructor, does no harm);
    /// * if a [`use_shielded`](Mutex::use_shielded) did not come to its end.
    ///
    /// A guard that somebody else drops half-way, as a `select!` does, leaves no mark; but one in a child of a nursery that
    /// is dropped so does. The mark stays until somebody [mends](MutexGuard::mend) the value.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use core::time::Duration;
    /// # use giambio_core::{Runtime, Until, VirtualClock, move_on_after, sleep};
    /// use giambio_core::sync::Mutex;
    ///
    /// # let time: VirtualClock = VirtualClock::new();
    /// # pin!(Runtime::new(&time, async {
    /// let pair = Mutex::new((1, 1));
    /// let step = async {
    ///     let mut pair = pair.lock().await;
    ///     pair.0 += 1;
    ///     sleep(Duration::from_secs(2)).await;
    ///     pair.1 += 1;
    /// };
    /// move_on_after(Duration::from_secs(1), step).await;
    ///
    /// let mut guard = pair.lock().await;
    /// if guard.is_torn() {
    ///     guard.1 = guard.0;
    ///     guard.mend();
    /// }
    /// # assert_eq!(*guard, (2, 2));
    /// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
    /// ```
    pub fn is_torn(&self) -> bool {
        self.loan.is_torn
    }

    /// The value is whole again.
    pub fn mend(&mut self) {
        self.loan.is_torn = false;
    }
}

impl<T: ?Sized, K: Access> Drop for MutexGuard<'_, T, K> {
    fn drop(&mut self) {
        if !self.was_cut_off && is_cut_off() {
            self.loan.is_torn = true;
        }
    }
}

impl<T: ?Sized, K: Access> Deref for MutexGuard<'_, T, K> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.loan.value
    }
}

impl<T: ?Sized, K: Access> DerefMut for MutexGuard<'_, T, K> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.loan.value
    }
}

// What a panic leaves behind is marked.
impl<T: ?Sized, K: Access> UnwindSafe for Mutex<T, K> {}
impl<T: ?Sized, K: Access> RefUnwindSafe for Mutex<T, K> {}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T: Default> Default for Mutex<T, Shared> {
    fn default() -> Self {
        Mutex::shared(T::default())
    }
}

impl<T: ?Sized + fmt::Debug, K: Access> fmt::Debug for Mutex<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Mutex");
        match self.holder() {
            Some(task) => f.field("holder", &task),
            None if self.is_locked() => f.field("holder", &TaskId::NONE),
            None => &mut f,
        };
        f.finish_non_exhaustive()
    }
}

impl<T: ?Sized + fmt::Debug, K: Access> fmt::Debug for MutexGuard<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
