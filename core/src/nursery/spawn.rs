//! The four ways to start a child: at once, for `()` or for a value; if there is room; as soon as there is.

use super::child::{Child, started_in};
use super::scope::NurseryScope;
use super::spawn_error::SpawnError;
use crate::kernel::in_place::Moving;
use crate::kernel::spawn as kernel;
use crate::name::Label;
use crate::storage::{Storage, Unbounded};
use crate::task::Task;

impl<'scope, 'env: 'scope, E: 'env, S: Storage + 'env> NurseryScope<'scope, 'env, E, S> {
    /// Prepares a child with a name, as a daemon, or with a delay; see [`Child`].
    ///
    /// ```
    /// use core::time::Duration;
    /// use giambio_core::{nursery, testing};
    ///
    /// let name = testing::run(nursery(async |n| {
    ///     let child = n.child().name("heartbeat").daemon().after(Duration::from_secs(1)).spawn(core::future::pending());
    ///     Ok::<_, ()>(child.name().to_owned())
    /// }));
    /// assert_eq!(name, Ok("heartbeat".to_owned()));
    /// ```
    pub fn child(&'scope self) -> Child<'scope, 'env, E, S> {
        Child::new(self)
    }

    /// Starts a child: it is polled in the nursery's next pass for the first time, after those
    /// that are ready already. In a nursery that was cancelled it is dropped instead, and its
    /// handle says so.
    ///
    /// Only for nurseries on the heap. In an arena: [`try_spawn`](NurseryScope::try_spawn),
    /// [`spawn_wait`](NurseryScope::spawn_wait).
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
        self.child().begin(child)
    }

    /// As [`spawn`](NurseryScope::spawn), for a child with a result of its own, which its handle gets.
    ///
    /// ```
    /// use giambio_core::{Cancelled, nursery, testing};
    ///
    /// let sum: Result<u32, Cancelled> = testing::run(nursery(async |n| {
    ///     let (one, two) = (n.spawn_value(async { Ok(1) }), n.spawn_value(async { Ok(2) }));
    ///     Ok(one.await? + two.await?)
    /// }));
    /// assert_eq!(sum, Ok(3));
    /// ```
    ///
    /// # Panics
    /// As [`spawn`](NurseryScope::spawn).
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
        self.child().begin(child)
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

    /// Starts a child as soon as there is room for it. Those who wait are served in the order in
    /// which they came.
    ///
    /// ```
    /// use giambio_core::{Arena, nursery_in, sleep, testing};
    /// use core::time::Duration;
    ///
    /// static ROOM: Arena<1, 512> = Arena::new();
    ///
    /// let ended: Result<(), ()> = testing::run(nursery_in(&ROOM, async |n| {
    ///     for _ in 0..3 {
    ///         n.spawn_wait(async { Ok(sleep(Duration::from_secs(1)).await) }).await; // one after the other
    ///     }
    ///     Ok(())
    /// }));
    /// assert_eq!(ended, Ok(()));
    /// ```
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Dropped before there was room, it drops `child`, which
    /// was never polled; a place that was granted at the same time goes to the next.
    ///
    /// An example is at [`Arena`](crate::Arena).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_wait<F>(&'scope self, child: F) -> impl Future<Output = Task<'scope, ()>>
    where
        F: Future<Output = Result<(), E>> + 'scope,
    {
        kernel::spawn_wait(self.cell(), child, Label::here(()), false, started_in(self, ()))
    }
}
