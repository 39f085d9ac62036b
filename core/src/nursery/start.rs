//! A child that says when it is ready, and a caller who waits for that.

use alloc::rc::Rc;
use core::cell::Cell;
use core::fmt;

use super::child::Child;
use super::delay::Delay;
use super::scope::NurseryScope;
use crate::fault::fault;
use crate::name::{Name, Started};
use crate::reason::{Cancelled, Reason};
use crate::storage::Storage;
use crate::sync::Event;
use crate::task::Task;

/// By this a child that was [started](NurseryScope::start) says that it is ready. If it is dropped, the child never will be,
/// which its caller is told.
#[must_use = "the caller waits until it is set"]
pub struct Ready<T> {
    start: Rc<Start<T>>,
}

impl<T> Ready<T> {
    /// Hands `value` to the caller, who goes on, and so does the child.
    pub fn set(self, value: T) {
        self.start.decide(State::Ready(value));
    }
}

impl<T> Drop for Ready<T> {
    fn drop(&mut self) {
        self.start.decide(State::Never);
    }
}

impl<T> fmt::Debug for Ready<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

/// What a child and its caller share.
struct Start<T> {
    state: Cell<State<T>>,
    is_decided: Event,
}

enum State<T> {
    /// The child has not said anything.
    Open,
    Ready(T),
    Never,
    /// The caller has its answer, or is gone.
    Over,
}

impl<T> Start<T> {
    /// The first answer counts.
    fn decide(&self, answer: State<T>) {
        let now = self.state.replace(State::Over);
        match now {
            State::Open => {
                self.state.set(answer);
                self.is_decided.set();
            }
            other => self.state.set(other),
        }
    }

    /// May the caller still be told of a failure?
    fn takes_failure(&self) -> bool {
        let state = self.state.replace(State::Over);
        let takes = matches!(state, State::Open | State::Never);
        self.state.set(state);
        takes
    }
}

/// Says that a child which is gone will never be ready.
struct Ends<T>(Rc<Start<T>>);

impl<T> Drop for Ends<T> {
    fn drop(&mut self) {
        self.0.decide(State::Never);
    }
}

/// The caller, who waits. Gone before there was an answer, it takes the child along.
struct Caller<'scope, 'env, E, S, T> {
    scope: &'scope NurseryScope<'scope, 'env, E, S>,
    task: Option<Task<'scope, ()>>,
    start: Rc<Start<T>>,
    failure: Rc<Cell<Option<E>>>,
}

impl<'scope, 'env: 'scope, E, S, T> Caller<'scope, 'env, E, S, T> {
    async fn answer(mut self) -> Result<T, E>
    where
        E: From<Cancelled>,
    {
        self.start.is_decided.wait().await;
        if let State::Ready(value) = self.start.state.replace(State::Over) {
            self.task = None;
            return Ok(value);
        }
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        // Cancelled, ended, or going on: it keeps the nursery's promises, and is none of the caller's business any longer.
        let ended = self.task.take().filter(Task::is_finished);
        let cancelled = match ended {
            Some(task) => task.await.err(),
            None => None,
        };
        let never = Reason::Because("the child that was started has ended, or gone on, without being ready");
        Err(cancelled.unwrap_or(Cancelled { reason: never }).into())
    }
}

impl<E, S, T> Drop for Caller<'_, '_, E, S, T> {
    fn drop(&mut self) {
        drop(self.start.state.replace(State::Over));
        if let Some(error) = self.failure.take()
            && !fault!("failure-lost-with-its-caller")
        {
            self.scope.fail(error);
        }
        if let Some(task) = self.task.take() {
            task.cancel();
        }
    }
}

impl<'scope, 'env: 'scope, E: 'env, S: Storage + 'env> NurseryScope<'scope, 'env, E, S> {
    /// Starts a child and waits until it is ready: until it has made its socket, opened its file, read its settings. What it is
    /// ready with is handed out, and it runs on as any other child.
    ///
    /// In an arena it waits for room first.
    ///
    /// # Errors
    /// What the child fails with before it is ready: that is the caller's, and the nursery knows nothing of it. What it fails
    /// with later ends the nursery. If it ends, is cancelled or drops its [`Ready`] without being ready: [`Cancelled`], with
    /// the reason.
    ///
    /// # Cancellation
    /// [**Restartable; starts anew.**](crate#cancellation) Dropped before the child is ready, it cancels the child.
    ///
    /// # Panics
    /// As [`spawn`](NurseryScope::spawn). A panic of the child is the nursery's.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use giambio_core::{Runtime, VirtualClock};
    /// use giambio_core::{Cancelled, Ready, checkpoint, nursery};
    ///
    /// async fn serve(ready: Ready<u16>) -> Result<(), Cancelled> {
    ///     checkpoint().await; // bind, listen
    ///     ready.set(4242);
    ///     core::future::pending().await // serve
    /// }
    ///
    /// # let clock: VirtualClock = VirtualClock::new();
    /// # let port =
    /// # pin!(Runtime::new(&clock, async {
    /// nursery(async |n| {
    ///     let port = n.start(serve).await?;
    ///     // Somebody listens at `port` from here on.
    ///     n.cancel_children();
    ///     Ok::<_, Cancelled>(port)
    /// })
    /// .await
    /// # })).run(&mut |_| {});
    /// # assert_eq!(port, Ok(4242));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn start<T, F>(&'scope self, child: F) -> impl Future<Output = Result<T, E>>
    where
        F: AsyncFnOnce(Ready<T>) -> Result<(), E> + 'scope,
        T: 'scope,
        E: From<Cancelled>,
    {
        self.child().called(Started).start(child)
    }
}

impl<'scope, 'env: 'scope, E: 'env, S: Storage + 'env, N: Name, D: Delay> Child<'scope, 'env, E, S, N, D> {
    /// As [`NurseryScope::start`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancellation
    /// As there.
    ///
    /// # Panics
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn start<T, F>(self, child: F) -> impl Future<Output = Result<T, E>>
    where
        F: AsyncFnOnce(Ready<T>) -> Result<(), E> + 'scope,
        T: 'scope,
        E: From<Cancelled>,
    {
        let start = Rc::new(Start { state: Cell::new(State::Open), is_decided: Event::new() });
        let failure = Rc::new(Cell::new(None));
        let mut caller = Caller { scope: self.nursery(), task: None, start, failure };
        let (start, failure) = (Rc::clone(&caller.start), Rc::clone(&caller.failure));
        let ready = Ready { start: Rc::clone(&start) };
        // However the child ends, and if it never begins, and whatever became of its `Ready`.
        let ends = Ends(Rc::clone(&start));
        let spawning = self.spawn_wait(async move {
            let _ends = ends;
            match child(ready).await {
                Err(error) if start.takes_failure() => {
                    failure.set(Some(error));
                    Ok(())
                }
                outcome => outcome,
            }
        });
        async move {
            caller.task = Some(spawning.await);
            caller.answer().await
        }
    }
}
