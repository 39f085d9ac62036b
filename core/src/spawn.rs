//! Starting children: at once, if there is room, or as soon as there is; for `()` or for a value.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::debugger::Event;
use crate::kernel::emit::tell_of;
use crate::kernel::in_place::Moving;
use crate::kernel::spawn as kernel;
use crate::kernel::task::handle::Handle;
use crate::name::{Label, Name, TaskName};
use crate::nursery::Scope;
use crate::sleep::{Sleep, sleep};
use crate::storage::{Heap, Storage, Unbounded};
use crate::task::Task;

/// Why a child wasn't started. The future is handed back, never polled.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError<F> {
    /// All places of the arena are taken. Await a child and try again, use
    /// [`spawn_wait`](Scope::spawn_wait), or enlarge the arena.
    Full {
        /// How many places there are.
        capacity: usize,
        /// The future that was to be spawned.
        future: F,
    },
    /// The nursery was cancelled. Let the cancellation reach you; trying again fails too.
    Cancelled {
        /// The future that was to be spawned.
        future: F,
    },
}

impl<F> SpawnError<F> {
    /// The future that was to be spawned.
    pub fn into_future(self) -> F {
        match self {
            SpawnError::Full { future, .. } | SpawnError::Cancelled { future } => future,
        }
    }
}

impl<F> fmt::Display for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::Full { capacity, .. } => {
                write!(f, "no room for another child: all {capacity} places are taken")
            }
            SpawnError::Cancelled { .. } => f.write_str("the nursery was cancelled"),
        }
    }
}

impl<F> fmt::Debug for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnError::Full { capacity, .. } => {
                f.debug_struct("Full").field("capacity", capacity).finish_non_exhaustive()
            }
            SpawnError::Cancelled { .. } => f.debug_struct("Cancelled").finish_non_exhaustive(),
        }
    }
}

impl<F> core::error::Error for SpawnError<F> {}

/// A child about to be spawned, with a name or as a daemon: what [`Scope::child`] returns.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{checkpoint, nursery};
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # let result: Result<(), ()> =
/// # pin!(Runtime::new(&clock, async {
/// nursery(async |n| {
///     n.child().name("heartbeat").daemon().spawn(async {
///         loop {
///             checkpoint().await; // until the others have ended
///         }
///     });
///     n.child().name("worker").spawn(async { Ok(()) });
///     Ok(())
/// })
/// .await
/// # })).run(&mut |_| {});
/// # assert_eq!(result, Ok(()));
/// ```
#[must_use = "a child isn't started before one of the `spawn` methods is called"]
pub struct Child<'scope, 'env: 'scope, E: 'env, S: 'env = Heap, N = ()> {
    scope: &'scope Scope<'scope, 'env, E, S>,
    name: N,
    daemon: bool,
}

impl<'scope, 'env, E, S, N> Child<'scope, 'env, E, S, N> {
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
    pub fn name(self, name: impl Into<TaskName>) -> Child<'scope, 'env, E, S, TaskName> {
        Child { scope: self.scope, name: name.into(), daemon: self.daemon }
    }

    /// Makes the child a daemon: it doesn't keep the nursery open, and is cancelled when the body
    /// and all other children have ended.
    pub fn daemon(mut self) -> Self {
        self.daemon = true;
        self
    }

    /// Makes the child begin only after `delay`.
    pub fn after(self, delay: Duration) -> Delayed<'scope, 'env, E, S, N> {
        Delayed { child: self, delay }
    }
}

impl<'scope, 'env, E, S: Storage, N: Name> Child<'scope, 'env, E, S, N> {
    /// As [`Scope::spawn`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn<F>(self, child: F) -> Task<'scope, ()>
    where
        F: Future<Output = Result<(), E>> + 'scope,
        S: Unbounded,
    {
        self.start(&mut Moving::Here(child))
    }

    /// As [`Scope::spawn_value`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_value<F, T>(self, child: F) -> Task<'scope, T>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
        S: Unbounded,
    {
        self.start(&mut Moving::Here(child))
    }

    /// As [`Scope::try_spawn`].
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

    /// As [`Scope::try_spawn_value`].
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
        match self.try_start(&mut child) {
            Ok(task) => Ok(task),
            Err(refusal) => Err(refusal.of(child, scope.storage().capacity())),
        }
    }

    /// As [`Scope::spawn_wait`].
    ///
    /// # Cancellation
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_wait<F>(self, child: F) -> impl Future<Output = Task<'scope, ()>>
    where
        F: Future<Output = Result<(), E>> + 'scope,
    {
        kernel::spawn_wait(self.scope.cell(), child, Label::here(self.name), self.daemon, task_of(self.scope))
    }

    /// As [`Scope::spawn_value_wait`].
    ///
    /// # Cancellation
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_value_wait<F, T>(self, child: F) -> impl Future<Output = Task<'scope, T>>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
    {
        kernel::spawn_wait(self.scope.cell(), child, Label::here(self.name), self.daemon, task_of(self.scope))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn start<F, T>(self, child: &mut Moving<F>) -> Task<'scope, T>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
        S: Unbounded,
    {
        let scope = self.scope;
        match self.try_start(child) {
            Ok(task) => task,
            Err(Refusal::Cancelled) => Task::never(scope.cell().closing_reason()),
            Err(Refusal::Full) => {
                panic!("giambio: {} tasks on one thread is all there can be", scope.storage().capacity())
            }
        }
    }

    /// After an error the child is where it was.
    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_start<F, T>(self, child: &mut Moving<F>) -> Result<Task<'scope, T>, Refusal>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
    {
        if self.scope.cell().children().is_closing() {
            return Err(Refusal::Cancelled);
        }
        let handle =
            kernel::spawn(self.scope.cell(), child, Label::here(self.name), self.daemon).ok_or(Refusal::Full)?;
        Ok(Task::new(handle))
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

/// The handle of a child that a storage may have had room for.
fn task_of<'scope, 'env, E, S, T>(
    scope: &'scope Scope<'scope, 'env, E, S>,
) -> impl FnOnce(Option<Handle<T>>) -> Task<'scope, T> {
    |handle| match handle {
        Some(handle) => Task::new(handle),
        None => Task::never(scope.cell().closing_reason()),
    }
}

impl<E, S, N: fmt::Debug> fmt::Debug for Child<'_, '_, E, S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("name", &self.name).field("daemon", &self.daemon).finish_non_exhaustive()
    }
}

/// A child that begins after a delay: what [`Child::after`] returns.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{clock, nursery};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let result: Result<(), ()> =
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// nursery(async |n| {
///     n.child().after(Duration::from_secs(2)).spawn(async move {
///         assert_eq!(clock() - start, Duration::from_secs(2));
///         Ok(())
///     });
///     Ok(())
/// })
/// .await
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// # assert_eq!(result, Ok(()));
/// ```
#[derive(Debug)]
#[must_use = "a child isn't started before one of the `spawn` methods is called"]
pub struct Delayed<'scope, 'env: 'scope, E: 'env, S: 'env = Heap, N = ()> {
    child: Child<'scope, 'env, E, S, N>,
    delay: Duration,
}

impl<'scope, 'env, E, S: Unbounded, N: Name> Delayed<'scope, 'env, E, S, N> {
    /// As [`Scope::spawn`], with a sleep before.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn<F>(self, child: F) -> Task<'scope, ()>
    where
        F: Future<Output = Result<(), E>> + 'scope,
    {
        let sleep = Some(sleep(self.delay));
        self.start(&mut Moving::Here(After { sleep, child }))
    }

    /// As [`Scope::spawn_value`], with a sleep before.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_value<F, T>(self, child: F) -> Task<'scope, T>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
    {
        let sleep = Some(sleep(self.delay));
        self.start(&mut Moving::Here(After { sleep, child }))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn start<F, T>(self, child: &mut Moving<F>) -> Task<'scope, T>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
    {
        let task = self.child.start(child);
        tell_of(&task.told(), |task| Event::TaskSchedule(task, self.delay));
        task
    }
}

pin_project! {
    /// A future, and a sleep before it.
    struct After<F> {
        #[pin]
        sleep: Option<Sleep>,
        #[pin]
        child: F,
    }
}

impl<F: Future> Future for After<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(cx));
            this.sleep.set(None);
        }
        this.child.poll(cx)
    }
}

impl<'scope, 'env: 'scope, E: 'env, S: Storage + 'env> Scope<'scope, 'env, E, S> {
    /// Prepares a child with a name, as a daemon, or with a delay; see [`Child`].
    pub fn child(&'scope self) -> Child<'scope, 'env, E, S> {
        Child { scope: self, name: (), daemon: false }
    }

    /// Starts a child: it is polled in the nursery's next pass for the first time, after those
    /// that are ready already. In a nursery that was cancelled it is dropped instead, and its
    /// handle says so.
    ///
    /// Only for nurseries on the heap. In an arena: [`try_spawn`](Scope::try_spawn),
    /// [`spawn_wait`](Scope::spawn_wait).
    ///
    /// A child may be large. An unoptimized build has two copies of it on the stack on its way to its place; for one of
    /// more than a third of the stack, spawn a `Box::pin(child)` that was made elsewhere.
    ///
    /// # Panics
    /// With more than 268 million tasks on one thread (262 thousand on 32-bit targets).
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, VirtualClock};
    /// use giambio_core::{Nursery, nursery};
    ///
    /// /// Children may spawn siblings, to any depth.
    /// async fn walk(n: Nursery<'_, '_, ()>, depth: u32) -> Result<(), ()> {
    ///     if depth > 0 {
    ///         n.spawn(walk(n, depth - 1));
    ///         n.spawn(walk(n, depth - 1));
    ///     }
    ///     Ok(())
    /// }
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # let result =
    /// # pin!(Runtime::new(&clock, async {
    /// nursery(async |n| walk(n, 3).await).await
    /// # })).run(&mut |_| {});
    /// # assert_eq!(result, Ok(()));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn<F>(&'scope self, child: F) -> Task<'scope, ()>
    where
        F: Future<Output = Result<(), E>> + 'scope,
        S: Unbounded,
    {
        let child = &mut Moving::Here(child);
        self.child().start(child)
    }

    /// As [`spawn`](Scope::spawn), for a child with a result of its own, which its handle gets.
    ///
    /// # Panics
    /// As [`spawn`](Scope::spawn).
    ///
    /// An example is at [`Task`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_value<F, T>(&'scope self, child: F) -> Task<'scope, T>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
        S: Unbounded,
    {
        let child = &mut Moving::Here(child);
        self.child().start(child)
    }

    /// Starts a child if there is room for it.
    ///
    /// # Errors
    /// With the future handed back: [`SpawnError::Full`] if the arena is full,
    /// [`SpawnError::Cancelled`] if the nursery was cancelled.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, VirtualClock};
    /// use giambio_core::{Arena, SpawnError, nursery_in};
    ///
    /// static ROOM: Arena<1, 256> = Arena::new();
    ///
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # let result: Result<(), ()> =
    /// # pin!(Runtime::new(&clock, async {
    /// nursery_in(&ROOM, async |n| {
    ///     assert!(n.try_spawn(async { Ok(()) }).is_ok());
    ///     let error = n.try_spawn(async { Ok(()) }).unwrap_err();
    ///     assert!(matches!(error, SpawnError::Full { capacity: 1, .. }));
    ///     error.into_future().await
    /// })
    /// .await
    /// # })).run(&mut |_| {});
    /// # assert_eq!(result, Ok(()));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_spawn<F>(&'scope self, child: F) -> Result<Task<'scope, ()>, SpawnError<F>>
    where
        F: Future<Output = Result<(), E>> + 'scope,
    {
        self.child().try_spawn_value(child)
    }

    /// As [`try_spawn`](Scope::try_spawn), for a child with a result of its own.
    ///
    /// # Errors
    /// As [`try_spawn`](Scope::try_spawn).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_spawn_value<F, T>(&'scope self, child: F) -> Result<Task<'scope, T>, SpawnError<F>>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
    {
        self.child().try_spawn_value(child)
    }

    /// Starts a child as soon as there is room for it. Those who wait are served in the order in
    /// which they came.
    ///
    /// # Cancellation
    /// **Restartable; loses its place.** Dropped before there was room, it drops `child`, which
    /// was never polled; a place that was granted at the same time goes to the next.
    ///
    /// An example is at [`Arena`](crate::Arena).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_wait<F>(&'scope self, child: F) -> impl Future<Output = Task<'scope, ()>>
    where
        F: Future<Output = Result<(), E>> + 'scope,
    {
        kernel::spawn_wait(self.cell(), child, Label::here(()), false, task_of(self))
    }

    /// As [`spawn_wait`](Scope::spawn_wait), for a child with a result of its own.
    ///
    /// # Cancellation
    /// As [`spawn_wait`](Scope::spawn_wait).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_value_wait<F, T>(&'scope self, child: F) -> impl Future<Output = Task<'scope, T>>
    where
        F: Future<Output = Result<T, E>> + 'scope,
        T: 'scope,
    {
        kernel::spawn_wait(self.cell(), child, Label::here(()), false, task_of(self))
    }
}
