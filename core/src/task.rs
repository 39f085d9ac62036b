//! The handle to a task.

use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use crate::gate::poll_proceed;
use crate::kernel::emit::Told;
use crate::kernel::task::handle::Handle;
use crate::reason::{Cancelled, Reason};
use crate::task_info::{Status, TaskId};

/// The handle to a child: await it for the child's result, or drop it and forget about it.
///
/// Dropping it detaches: the child runs on, and the nursery still waits for it and still fails
/// with it. It may be awaited by anybody in the nursery, and by `&mut` more than once (the result
/// comes once).
///
/// # Errors
/// Awaiting says [`Cancelled`] if the child was cancelled, with the reason, or if it failed:
/// its error belongs to the nursery's caller, so here the reason is [`Reason::Failed`].
///
/// # Cancellation
/// [**Restartable**](crate#cancellation) (by reference). No result is lost.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{checkpoint, nursery};
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # let result: Result<i32, giambio_core::Cancelled> =
/// # pin!(Runtime::new(&clock, async {
/// nursery(async |n| {
///     let answer = n.child().name("thinker").spawn_value(async {
///         checkpoint().await;
///         Ok(42)
///     });
///     assert_eq!(answer.name(), "thinker");
///     Ok(answer.await?)
/// })
/// .await
/// # })).run(&mut |_| {});
/// # assert_eq!(result, Ok(42));
/// ```
pub struct Task<'scope, T> {
    /// `None`: the nursery was cancelled already, and the child never existed.
    handle: Option<Handle<T>>,
    /// Why there is no handle, as a [code](Reason::code): few bytes, for handles are kept by the thousand.
    reason: u8,
    scope: PhantomData<&'scope mut &'scope ()>,
}

// The place of the result is in the nursery.
impl<T> Unpin for Task<'_, T> {}

impl<T> Task<'_, T> {
    pub(crate) fn new(handle: Handle<T>) -> Self {
        Task { handle: Some(handle), reason: Reason::Requested.code(), scope: PhantomData }
    }

    /// The handle of a child that was dropped before it could begin.
    pub(crate) fn never(reason: Reason) -> Self {
        Task { handle: None, reason: reason.code(), scope: PhantomData }
    }

    /// Cancels the child: it is dropped at its next suspension, but for shields and clean-ups in
    /// it. The nursery goes on. No effect on a child that is over.
    ///
    /// ```
    /// use giambio_core::{nursery, testing};
    ///
    /// let ended: Result<(), ()> = testing::run(nursery(async |n| {
    ///     let child = n.spawn(core::future::pending());
    ///     child.cancel();
    ///     assert!(child.await.is_err());
    ///     Ok(()) // the nursery is as it was
    /// }));
    /// assert_eq!(ended, Ok(()));
    /// ```
    pub fn cancel(&self) {
        if let Some(handle) = &self.handle {
            handle.cancel();
        }
    }

    /// Is the child over, one way or another?
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(Handle::is_done)
    }

    /// Which task it is; no other has this id as long as this handle is kept. That of nobody, which prints as `no task`,
    /// if the child was never started.
    pub fn id(&self) -> TaskId {
        self.handle.as_ref().map_or(TaskId::NONE, Handle::id)
    }

    /// The name it was spawned with, else the type of its future (or nothing, without features `hooks` and `alloc`).
    pub fn name(&self) -> &str {
        self.handle.as_ref().map_or("(never started)", Handle::name)
    }

    /// As a debugger is told of it, if it was started and somebody looks.
    pub(crate) fn told(&self) -> Option<Told> {
        self.handle.as_ref()?.told()
    }

    /// What the child is doing.
    pub fn status(&self) -> Status {
        self.handle.as_ref().map_or(Status::Cancelled, Handle::status)
    }
}

impl<T> Future for Task<'_, T> {
    type Output = Result<T, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let go = ready!(poll_proceed(cx));
        let Some(handle) = &self.handle else {
            go.made_progress();
            return Poll::Ready(Err(Cancelled { reason: Reason::from_code(self.reason) }));
        };
        ready!(handle.poll_done(cx));
        go.made_progress();
        Poll::Ready(handle.take().map_err(|reason| Cancelled { reason }))
    }
}

impl<T> fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("status", &self.status())
            .finish()
    }
}
