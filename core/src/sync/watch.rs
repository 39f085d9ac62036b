//! A value that is looked at, and waited for when it changes.

use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::fmt;

use super::{Access, Local, Shared};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::wait_queue::{Held, WaitQueue, Waiting};

/// The latest of a value: a setting, a state, a measurement. Any number of tasks look at it, and wait for it to change; what
/// they were too slow to see they never see.
///
/// To carry each value, take a channel. To say that no more come, let the value say so: `Watch<Option<T>>`.
///
/// Tasks of the same runtime use it; of kind [`Shared`] interrupt handlers and (with feature `std`) other threads too.
///
/// What is given to [`read`](Watch::read) and its kin runs while nobody else can look: with `Shared` under the short lock. So
/// it must be short. It may look at the same watch, but not change it, which is a panic.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock, checkpoint, nursery};
/// use giambio_core::sync::Watch;
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let main = async {
/// let level = Watch::new(20);
/// nursery(async |n| {
///     n.spawn(async {
///         let mut watcher = level.watcher();
///         let low = watcher.wait_for(|level| (*level < 10).then_some(*level)).await;
///         assert_eq!(low, 7);
///         Ok::<(), ()>(())
///     });
///     level.set(15);
///     # checkpoint().await;
///     level.set(7);
///     Ok(())
/// })
/// .await
/// # };
/// # pin!(Runtime::new(&time, main)).run(&mut |_| {}).unwrap();
/// ```
pub struct Watch<T, K: Access = Local> {
    queue: WaitQueue<Watched<T>, Infallible, K>,
}

struct Watched<T> {
    value: RefCell<T>,
    /// How often it has changed, and round again.
    version: Cell<usize>,
}

/// One who looks at a [`Watch`], and knows what it has seen.
pub struct Watcher<'a, T, K: Access = Local> {
    watch: &'a Watch<T, K>,
    seen: usize,
}

impl<T> Watch<T> {
    /// A watch with a first value, for the tasks of one runtime.
    pub const fn new(value: T) -> Self {
        Self::of(value)
    }
}

impl<T> Watch<T, Shared> {
    /// A watch with a first value, for tasks, interrupts and threads.
    pub const fn shared(value: T) -> Self {
        Self::of(value)
    }
}

impl<T, K: Access> Watch<T, K> {
    const fn of(value: T) -> Self {
        Watch { queue: WaitQueue::new(Watched { value: RefCell::new(value), version: Cell::new(0) }) }
    }

    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.queue.set_name(name);
        self
    }

    /// Changes the value, and tells all who wait; returns the old one.
    ///
    /// # Panics
    /// In code that looks at the value, or changes it. If wakers of other executors panic, with the first of these panics,
    /// when all are told.
    pub fn set(&self, value: T) -> T {
        self.update(|place| core::mem::replace(place, value))
    }

    /// Changes the value in its place, and tells all who wait; returns what `change` does.
    ///
    /// ```
    /// use giambio_core::sync::Watch;
    ///
    /// let readings = Watch::new(vec![20]);
    /// let mut watcher = readings.watcher();
    /// let count = readings.update(|readings| {
    ///     readings.push(7);
    ///     readings.len()
    /// });
    /// assert!(count == 2 && watcher.has_changed());
    /// assert_eq!(watcher.read(|readings| readings.last().copied()), Some(7)); // now it is seen
    /// assert!(!watcher.has_changed());
    /// ```
    ///
    /// # Panics
    /// If `change` panics, of which nobody is told; or if it looks at this watch, or changes it. And as [`set`](Watch::set).
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        self.queue.calling().tell_if(|watched| {
            let result = watched.change(change);
            watched.version.set(watched.version.get().wrapping_add(1));
            (result, true)
        })
    }

    /// Looks at the value.
    ///
    /// # Panics
    /// If `look` panics. In code that changes the value.
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        self.queue.calling().with(|watched| watched.look(look))
    }

    /// A copy of the value.
    ///
    /// # Panics
    /// In code that changes the value.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.read(T::clone)
    }

    /// One who looks at it, for whom the value that is there now is seen.
    pub fn watcher(&self) -> Watcher<'_, T, K> {
        Watcher { watch: self, seen: self.queue.calling().with(|watched| watched.version.get()) }
    }
}

impl<T, K: Access> Watcher<'_, T, K> {
    /// Waits until there is a value that this one has not seen; at once if there is. From then on it is seen.
    ///
    /// ```
    /// use giambio_core::{nursery, sync::Watch, testing};
    ///
    /// let level = Watch::new(20);
    /// let seen: Result<u32, ()> = testing::run(nursery(async |n| {
    ///     let mut watcher = level.watcher();
    ///     n.spawn(async {
    ///         level.set(15);
    ///         Ok(())
    ///     });
    ///     watcher.changed().await;
    ///     Ok(level.get())
    /// }));
    /// assert_eq!(seen, Ok(15));
    /// ```
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) A value is seen only when this ends.
    #[track_caller]
    pub fn changed(&mut self) -> impl Future<Output = ()> {
        self.wait_for_change(false, |_| Some(()))
    }

    /// Has the value changed since this one has seen it? It stays so. Never waits.
    pub fn has_changed(&self) -> bool {
        self.watch.queue.calling().with(|watched| watched.version.get() != self.seen)
    }

    /// Looks at the value, which is seen then.
    ///
    /// # Panics
    /// If `look` panics. In code that changes the value.
    pub fn read<R>(&mut self, look: impl FnOnce(&T) -> R) -> R {
        let seen = &mut self.seen;
        self.watch.queue.calling().with(|watched| {
            *seen = watched.version.get();
            watched.look(look)
        })
    }

    /// Looks at the value, and again whenever it has changed, until `look` finds what it looks for.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) What `look` has found is delivered in the same step.
    ///
    /// # Panics
    /// If `look` panics; others wait on as before.
    #[track_caller]
    pub fn wait_for<R>(&mut self, look: impl FnMut(&T) -> Option<R>) -> impl Future<Output = R> {
        self.wait_for_change(true, look)
    }

    #[track_caller]
    fn wait_for_change<R>(
        &mut self,
        mut looks_at_once: bool,
        mut look: impl FnMut(&T) -> Option<R>,
    ) -> impl Future<Output = R> {
        let Watcher { watch, seen } = self;
        let take = move |watched: &Watched<T>, _: &_, _| {
            let version = watched.version.get();
            if version == *seen && !core::mem::take(&mut looks_at_once) && !fault!("seen-values-are-seen-again") {
                return None;
            }
            let found = watched.look(&mut look);
            *seen = version;
            found
        };
        leaf::<AWatch, _>(Waiting::new(watch.queue.calling(), take), CallSite::here())
    }
}

impl<T> Watched<T> {
    fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        let Ok(value) = self.value.try_borrow() else {
            panic!("giambio: a `Watch` is looked at by the code that changes its value")
        };
        look(&value)
    }

    fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let Ok(mut value) = self.value.try_borrow_mut() else {
            panic!("giambio: a `Watch` is changed by the code that looks at its value or changes it")
        };
        change(&mut value)
    }
}

struct AWatch;

impl Named for AWatch {
    const NAME: &'static str = "watch";
}

impl<T> Held for Watched<T> {}

impl<T: Default> Default for Watch<T> {
    fn default() -> Self {
        Watch::new(T::default())
    }
}

impl<T: Default> Default for Watch<T, Shared> {
    fn default() -> Self {
        Watch::shared(T::default())
    }
}

impl<T, K: Access> Clone for Watcher<'_, T, K> {
    fn clone(&self) -> Self {
        Watcher { watch: self.watch, seen: self.seen }
    }
}

impl<T, K: Access> fmt::Debug for Watch<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl<T, K: Access> fmt::Debug for Watcher<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("has_changed", &self.has_changed()).finish_non_exhaustive()
    }
}
