//! A child about to be spawned, and all that can be said about it before.

use core::fmt;
use core::time::Duration;

use super::delay::Delay;
use super::scope::NurseryScope;
use super::spawn_error::SpawnError;
use crate::debugger::Event;
use crate::kernel::emit::tell_of;
use crate::kernel::in_place::Moving;
use crate::kernel::spawn as kernel;
use crate::kernel::task::handle::Handle;
use crate::kernel::used::DAEMONS;
use crate::name::{Label, Name, TaskName};
use crate::storage::{Heap, Storage, Unbounded};
use crate::task::Task;

/// A child about to be spawned, with a name, as a daemon, or after a delay: what [`NurseryScope::child`] returns.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{clock, nursery, sleep};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let result: Result<(), ()> =
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// nursery(async |n| {
///     n.child().name("heartbeat").daemon().spawn(async {
///         loop {
///             sleep(Duration::from_secs(1)).await; // until the others have ended
///         }
///     });
///     n.child().name("worker").after(Duration::from_secs(2)).spawn(async move {
///         assert_eq!(clock() - start, Duration::from_secs(2));
///         Ok(())
///     });
///     Ok(())
/// })
/// .await
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// # assert_eq!(result, Ok(()));
/// ```
#[must_use = "a child isn't started before one of the `spawn` methods is called"]
pub struct Child<'scope, 'env: 'scope, E: 'env, S: 'env = Heap, N = (), D = ()> {
    scope: &'scope NurseryScope<'scope, 'env, E, S>,
    name: N,
    delay: D,
    daemon: bool,
}

impl<'scope, 'env, E, S> Child<'scope, 'env, E, S> {
    pub(super) fn new(scope: &'scope NurseryScope<'scope, 'env, E, S>) -> Self {
        Child { scope, name: (), delay: (), daemon: false }
    }
}

impl<'scope, 'env, E, S, N, D> Child<'scope, 'env, E, S, N, D> {
    #[cfg(feature = "alloc")]
    pub(super) fn nursery(&self) -> &'scope NurseryScope<'scope, 'env, E, S> {
        self.scope
    }
}

impl<'scope, 'env, E, S, N, D> Child<'scope, 'env, E, S, N, D> {
    /// Gives the child a name, for handles, debuggers and the messages of [`testing`](crate::testing).
    ///
    /// Any text will do; [`TaskName`] says which costs what. A literal needs no heap, and is the only text that there is
    /// without one. What is made for this call is written `&format!(…)` or `format!(…)`; a `&str` that is shorter lived
    /// than the program, `text.to_owned()`. Children without a name are called by the type of their future, and pay nothing
    /// for others having one.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, VirtualClock};
    /// use giambio_core::nursery;
    ///
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # let result: Result<(), ()> =
    /// # pin!(Runtime::new(&clock, async {
    /// nursery(async |n| {
    ///     n.child().name("acceptor").spawn(async { Ok(()) });
    ///     for number in 1..=3 {
    ///         let client = n.child().name(&format!("client {number}")).spawn(async { Ok(()) });
    ///         assert_eq!(client.name(), format!("client {number}"));
    ///     }
    ///     Ok(())
    /// })
    /// .await
    /// # })).run(&mut |_| {});
    /// # assert_eq!(result, Ok(()));
    /// ```
    pub fn name(self, name: impl Into<TaskName>) -> Child<'scope, 'env, E, S, TaskName, D> {
        let Child { scope, name: _, delay, daemon } = self;
        Child { scope, name: name.into(), delay, daemon }
    }

    /// Gives it the name of its kind.
    pub(crate) fn called<K>(self, kind: K) -> Child<'scope, 'env, E, S, K, D> {
        let Child { scope, name: _, delay, daemon } = self;
        Child { scope, name: kind, delay, daemon }
    }

    /// Makes the child a daemon: it doesn't keep the nursery open, and is cancelled when the body
    /// and all other children have ended.
    pub fn daemon(mut self) -> Self {
        DAEMONS.note();
        self.daemon = true;
        self
    }

    /// Makes the child begin only after `delay`, counted from when it is started. Until then it sleeps, and holds the
    /// nursery open.
    pub fn after(self, delay: Duration) -> Child<'scope, 'env, E, S, N, Duration> {
        let Child { scope, name, delay: _, daemon } = self;
        Child { scope, name, delay, daemon }
    }
}

impl<'scope, 'env, E, S: Storage, N: Name, D: Delay> Child<'scope, 'env, E, S, N, D> {
    /// As [`NurseryScope::spawn`].
    ///
    /// # Panics
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn<F>(self, child: F) -> Task<'scope, ()>
    where
        F: Future<Output = Result<(), E>> + 'scope,
        S: Unbounded,
    {
        self.begin(&mut Moving::Here(child))
    }

    /// As [`NurseryScope::spawn_value`].
    ///
    /// # Panics
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_value<F, T>(self, child: F) -> Task<'scope, T>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
        S: Unbounded,
    {
        self.begin(&mut Moving::Here(child))
    }

    /// As [`NurseryScope::try_spawn`].
    ///
    /// # Errors
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_spawn<F>(self, child: F) -> Result<Task<'scope, ()>, SpawnError<F>>
    where
        F: Future<Output = Result<(), E>> + 'scope,
    {
        self.try_spawn_value(child)
    }

    /// As [`NurseryScope::try_spawn`], for a child with a result of its own, which its handle gets.
    ///
    /// # Errors
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_spawn_value<F, T>(self, child: F) -> Result<Task<'scope, T>, SpawnError<F>>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
    {
        let scope = self.scope;
        let mut child = Moving::Here(child);
        match self.try_begin(&mut child) {
            Ok(task) => Ok(task),
            Err(refusal) => Err(refusal.of(child, scope.storage().capacity())),
        }
    }

    /// As [`NurseryScope::spawn_wait`].
    ///
    /// # Cancellation
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_wait<F>(self, child: F) -> impl Future<Output = Task<'scope, ()>>
    where
        F: Future<Output = Result<(), E>> + 'scope,
    {
        let Child { scope, name, delay, daemon } = self;
        kernel::spawn_wait(scope.cell(), delay.before(child), Label::here(name), daemon, started_in(scope, delay))
    }

    /// As [`NurseryScope::spawn_wait`], for a child with a result of its own, which its handle gets.
    ///
    /// # Cancellation
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_value_wait<F, T>(self, child: F) -> impl Future<Output = Task<'scope, T>>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
    {
        let Child { scope, name, delay, daemon } = self;
        kernel::spawn_wait(scope.cell(), delay.before(child), Label::here(name), daemon, started_in(scope, delay))
    }

    /// Starts a child where there is always room.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn begin<F, T>(self, child: &mut Moving<F>) -> Task<'scope, T>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
        S: Unbounded,
    {
        let scope = self.scope;
        match self.try_begin(child) {
            Ok(task) => task,
            Err(Refusal::Cancelled) => Task::never(scope.cell().closing_reason()),
            Err(Refusal::Full) => {
                panic!("giambio: {} tasks on one thread is all there can be", scope.storage().capacity())
            }
        }
    }

    /// After an error the child is where it was.
    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_begin<F, T>(self, child: &mut Moving<F>) -> Result<Task<'scope, T>, Refusal>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
    {
        let Child { scope, name, delay, daemon } = self;
        if scope.cell().refuses() {
            return Err(Refusal::Cancelled);
        }
        let label = Label::here(name);
        let handle = delay.spawn(child, |child| kernel::spawn(scope.cell(), child, label, daemon));
        Ok(started(handle.ok_or(Refusal::Full)?, delay))
    }
}

/// The handle of a child that was started.
fn started<'scope, T>(handle: Handle<T>, delay: impl Delay) -> Task<'scope, T> {
    let task = Task::new(handle);
    if let Some(delay) = delay.span() {
        tell_of(&task.told(), |task| Event::TaskSchedule(task, delay));
    }
    task
}

/// The handle of a child that a storage may have had room for.
pub(super) fn started_in<'scope, 'env, E, S, T>(
    scope: &'scope NurseryScope<'scope, 'env, E, S>,
    delay: impl Delay,
) -> impl FnOnce(Option<Handle<T>>) -> Task<'scope, T> {
    move |handle| match handle {
        Some(handle) => started(handle, delay),
        None => Task::never(scope.cell().closing_reason()),
    }
}

/// Why there is no child: a [`SpawnError`] without the future.
enum Refusal {
    Full,
    Cancelled,
}

impl Refusal {
    // 136 bytes less where it is used once; without optimization it would widen its caller's frame.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn of<F>(self, child: Moving<F>, capacity: usize) -> SpawnError<F> {
        let Moving::Here(future) = child else { unreachable!("it was refused") };
        match self {
            Refusal::Full => SpawnError::Full { capacity, future },
            Refusal::Cancelled => SpawnError::Cancelled { future },
        }
    }
}

impl<E, S, N: fmt::Debug, D: fmt::Debug> fmt::Debug for Child<'_, '_, E, S, N, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("name", &self.name)
            .field("delay", &self.delay)
            .field("daemon", &self.daemon)
            .finish_non_exhaustive()
    }
}
