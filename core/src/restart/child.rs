//! A child that is begun anew when it has failed.

use super::{Attempt, Restart, keep_running};
use crate::name::Name;
use crate::nursery::{Child, Delay};
use crate::storage::{Heap, Storage, Unbounded};
use crate::task::Task;
use crate::then::Then;

/// A child about to be spawned that is begun anew when it has failed: what [`Child::restart`] returns.
#[derive(Debug)]
#[must_use = "a child isn't started before one of the `spawn` methods is called"]
pub struct RestartedChild<'scope, 'env: 'scope, E: 'env, S: 'env = Heap, N = (), D = ()> {
    child: Child<'scope, 'env, E, S, N, D>,
    policy: Restart,
}

impl<'scope, 'env: 'scope, E: 'env, S: Storage + 'env, N: Name, D: Delay> Child<'scope, 'env, E, S, N, D> {
    /// Has the child begun anew when it has failed, as `policy` says: with a back-off in between, at most so often. All that
    /// time it is one task, with one handle; its siblings know nothing of it. What shall survive lies outside, and the child
    /// borrows it.
    ///
    /// It fails for good, and ends the nursery, with its last error: when the limit is reached, or it fails after a stop was
    /// asked for. A cancellation is no failure, nor is a stop while it waits to be begun anew; a panic is the nursery's, as
    /// of any child.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, Until, VirtualClock};
    /// use core::cell::Cell;
    /// use core::time::Duration;
    /// use giambio_core::{Restart, nursery, sleep};
    ///
    /// const POLICY: Restart = Restart::on_error()
    ///     .backoff(Duration::from_secs(1), Duration::from_secs(60))
    ///     .limit(5, Duration::from_secs(600));
    ///
    /// # let time: VirtualClock = VirtualClock::new();
    /// # let result: Result<(), &str> =
    /// # pin!(Runtime::new(&time, async {
    /// let copied = Cell::new(0); // survives
    /// nursery(async |n| {
    ///     n.child().name("copier").restart(POLICY).spawn_with(async |_attempt| {
    ///         while copied.get() < 10 {
    ///             sleep(Duration::from_millis(10)).await;
    ///             copied.set(copied.get() + 1);
    ///             if copied.get() == 4 {
    ///                 return Err("connection lost");
    ///             }
    ///         }
    ///         Ok(())
    ///     });
    ///     Ok(())
    /// })
    /// .await
    /// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
    /// # assert_eq!(result, Ok(()));
    /// ```
    pub fn restart(self, policy: Restart) -> RestartedChild<'scope, 'env, E, S, N, D> {
        RestartedChild { child: self, policy }
    }
}

impl<'scope, 'env: 'scope, E: 'env, S: Storage + 'env, N: Name, D: Delay> RestartedChild<'scope, 'env, E, S, N, D> {
    /// Starts the child: calls `work` for each attempt, as [`keep_running`].
    ///
    /// Only for nurseries on the heap. In an arena: [`spawn_wait_with`](RestartedChild::spawn_wait_with).
    ///
    /// # Panics
    /// As [`NurseryScope::spawn`](crate::NurseryScope::spawn).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_with<F>(self, work: F) -> Task<'scope, ()>
    where
        F: AsyncFnMut(Attempt) -> Result<(), E> + 'scope,
        S: Unbounded,
    {
        self.child.spawn(Then::new(keep_running(self.policy, work), done))
    }

    /// The same as soon as there is room for it.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Dropped before there was room, it drops `work`, which was never
    /// called.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use core::time::Duration;
    /// # use giambio_core::{Runtime, Until, VirtualClock};
    /// use giambio_core::{Arena, Restart, nursery_in};
    ///
    /// static DRIVERS: Arena<1, 512> = Arena::new();
    ///
    /// # let time: VirtualClock = VirtualClock::new();
    /// # let result: Result<(), &str> =
    /// # pin!(Runtime::new(&time, async {
    /// nursery_in(&DRIVERS, async |n| {
    ///     let sensor = async |attempt: giambio_core::Attempt| if attempt.restarts < 2 { Err("no answer") } else { Ok(()) };
    ///     n.child().restart(Restart::on_error()).spawn_wait_with(sensor).await;
    ///     Ok(())
    /// })
    /// .await
    /// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
    /// # assert_eq!(result, Ok(()));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_wait_with<F>(self, work: F) -> impl Future<Output = Task<'scope, ()>>
    where
        F: AsyncFnMut(Attempt) -> Result<(), E> + 'scope,
    {
        self.child.spawn_wait(Then::new(keep_running(self.policy, work), done))
    }

    /// As [`spawn_with`](RestartedChild::spawn_with), of work that returns a value: the handle gives it, or `None` where a stop
    /// was asked for during a back-off.
    ///
    /// # Panics
    /// As [`spawn_with`](RestartedChild::spawn_with).
    ///
    /// ```
    /// use giambio_core::{Attempt, Restart, nursery, testing};
    ///
    /// let value = testing::run(nursery(async |n| {
    ///     let ask = async |attempt: Attempt| if attempt.restarts < 2 { Err("no answer") } else { Ok(42) };
    ///     let answer = n.child().name("asker").restart(Restart::on_error()).spawn_value_with(ask);
    ///     Ok(answer.await)
    /// }));
    /// assert_eq!(value, Ok(Ok(Some(42))));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn spawn_value_with<F, T>(self, work: F) -> Task<'scope, Option<T>>
    where
        F: AsyncFnMut(Attempt) -> Result<T, E> + 'scope,
        T: 'scope,
        S: Unbounded,
    {
        self.child.spawn_value(keep_running(self.policy, work))
    }
}

/// How a child ends: well, also if it was stopped.
fn done<E>(outcome: Result<Option<()>, E>) -> Result<(), E> {
    outcome.map(|_| ())
}
