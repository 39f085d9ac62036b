//! A value that many look at, and one changes, also while they wait.

use core::fmt;
use core::ops::{Deref, DerefMut};

use super::{Access, Local, Shared};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::kernel::sharing::{Look, Sharing, Whole};
use crate::then::Then;

/// A value that any number of tasks look at, or one changes: as a [`Mutex`](super::Mutex), where most only look, and wait while
/// they do.
///
/// First come, first served: who wants to change it waits for those who look, and who comes then waits behind it. So
/// nobody waits for ever; but a task that looks at it twice at once, with one who wants to change it in between, does. Who
/// looks can't go on to change it: unlock it first, and look again.
///
/// Tasks of the same runtime use it; of kind [`Shared`], for a `static`, those of other threads too.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, clock, nursery, sleep};
/// use giambio_core::sync::RwLock;
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let main = async {
/// let routes = RwLock::new(vec!["home"]);
/// nursery(async |n| {
///     for _ in 0..10 {
///         n.spawn(async {
///             let routes = routes.read().await;
///             sleep(Duration::from_secs(1)).await; // all ten at once
///             assert_eq!(routes.len(), 1);
///             Ok::<(), ()>(())
///         });
///     }
///     sleep(Duration::from_millis(1)).await;
///     routes.write().await.push("away"); // when they have done
///     Ok(())
/// })
/// .await?;
/// assert_eq!(routes.into_inner(), ["home", "away"]);
/// # assert_eq!(clock().as_nanos(), 1_000_000_000);
/// # Ok::<(), ()>(())
/// # };
/// # pin!(Runtime::new(&time, main)).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) }).unwrap();
/// ```
pub struct RwLock<T: ?Sized, K: Access = Local> {
    sharing: Sharing<T, K>,
}

/// The value in an [`RwLock`], to look at, until this is dropped.
#[must_use = "dropped, the lock is unlocked again"]
pub struct ReadGuard<'a, T: ?Sized, K: Access = Local> {
    look: Look<'a, T, K>,
}

/// The value in an [`RwLock`], to change, until this is dropped.
#[must_use = "dropped, the lock is unlocked again"]
pub struct WriteGuard<'a, T: ?Sized, K: Access = Local> {
    whole: Whole<'a, T, K>,
}

impl<T> RwLock<T> {
    /// A lock with a value in it, for the tasks of one runtime.
    pub const fn new(value: T) -> Self {
        RwLock { sharing: Sharing::new(value) }
    }
}

impl<T> RwLock<T, Shared> {
    /// A lock with a value in it, for the tasks of all threads.
    pub const fn shared(value: T) -> Self {
        RwLock { sharing: Sharing::new(value) }
    }
}

impl<T, K: Access> RwLock<T, K> {
    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.sharing.set_name(name);
        self
    }

    /// The value, which nobody uses any more.
    pub fn into_inner(self) -> T {
        self.sharing.into_inner()
    }
}

impl<T: ?Sized, K: Access> RwLock<T, K> {
    /// Waits until those who came before and change it have done so, and locks it to look.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Dropped after its turn had come, it leaves that to the next.
    #[track_caller]
    pub fn read(&self) -> impl Future<Output = ReadGuard<'_, T, K>> {
        Then::new(leaf::<ALock, _>(self.sharing.look(), CallSite::here()), |look| ReadGuard { look })
    }

    /// Waits until those who came before have unlocked it, and locks it to change it.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Dropped after its turn had come, it leaves that to the next;
    /// dropped before, it lets those look who came after it.
    #[track_caller]
    pub fn write(&self) -> impl Future<Output = WriteGuard<'_, T, K>> {
        Then::new(leaf::<ALock, _>(self.sharing.whole(), CallSite::here()), |whole| WriteGuard { whole })
    }

    /// Locks it to look, if nobody changes it or waits. Never waits.
    pub fn try_read(&self) -> Option<ReadGuard<'_, T, K>> {
        self.sharing.try_look().map(|look| ReadGuard { look })
    }

    /// Locks it to change it, if it isn't locked. Never waits.
    pub fn try_write(&self) -> Option<WriteGuard<'_, T, K>> {
        self.sharing.try_whole().map(|whole| WriteGuard { whole })
    }

    /// The value: who has the lock itself needs not lock it.
    ///
    /// ```
    /// use giambio_core::sync::RwLock;
    ///
    /// let mut routes = RwLock::new(vec!["home"]);
    /// routes.get_mut().push("away");
    /// assert_eq!(routes.into_inner(), ["home", "away"]);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.sharing.get_mut()
    }
}

impl<T: ?Sized, K: Access> Deref for ReadGuard<'_, T, K> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.look
    }
}

impl<T: ?Sized, K: Access> Deref for WriteGuard<'_, T, K> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.whole
    }
}

impl<T: ?Sized, K: Access> DerefMut for WriteGuard<'_, T, K> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.whole
    }
}

struct ALock;

impl Named for ALock {
    const NAME: &'static str = "lock";
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T: Default> Default for RwLock<T, Shared> {
    fn default() -> Self {
        RwLock::shared(T::default())
    }
}

impl<T: ?Sized, K: Access> fmt::Debug for RwLock<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").finish_non_exhaustive()
    }
}

impl<T: ?Sized + fmt::Debug, K: Access> fmt::Debug for ReadGuard<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug, K: Access> fmt::Debug for WriteGuard<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
