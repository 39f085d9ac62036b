//! Tasks, as those see them who did not write them: an id, a name, a state, a handle.

use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use crate::cancel::{Cancelled, Reason};
use crate::gate::{poll_gate, poll_waits};
use crate::hooks::{self, TaskInfo};
use crate::raw::handle::Handle;
use crate::raw::waker;

/// Names one task. No other task has the same while this one lives; later it may come again,
/// where there is a heap after some 16 million tasks in the same place.
///
/// It prints as numbers that a person can say: `task 12` is the first task in place 12, `task 12.3` the one in that place
/// after three others were there. On a thread that isn't the first to have a runtime, the thread's number comes before, as
/// in `task 2/12.3`. Without a heap a task has the number of its place alone, which says where in memory that is.
/// The root task is `main`.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{TaskId, current_task};
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// assert_eq!(current_task(), Some(TaskId::MAIN));
/// # })).run(&mut |_| {});
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(usize);

impl TaskId {
    /// The root task of a runtime.
    pub const MAIN: TaskId = TaskId(usize::MAX);

    pub(crate) const fn new(name: usize) -> Self {
        TaskId(name)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            usize::MAX => f.write_str("main"),
            0 => f.write_str("no task"),
            name => {
                f.write_str("task ")?;
                waker::say(name, f)
            }
        }
    }
}

/// What a child is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Will be polled in the next pass.
    Ready,
    /// Its code is running: it, or a child of its own, is asking.
    Running,
    /// Waits for something.
    Waiting,
    /// Was cancelled, and is dropped in the next pass, or when its shields and clean-ups are done.
    Cancelling,
    /// Has ended by itself, with a value.
    Finished,
    /// Was dropped since it was cancelled, or has failed.
    Cancelled,
}

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
/// **Restartable** (by reference). No result is lost.
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
    reason: Reason,
    scope: PhantomData<&'scope mut &'scope ()>,
}

// The place of the result is in the nursery.
impl<T> Unpin for Task<'_, T> {}

impl<T> Task<'_, T> {
    pub(crate) fn new(handle: Handle<T>) -> Self {
        Task { handle: Some(handle), reason: Reason::Requested, scope: PhantomData }
    }

    /// The handle of a child that was dropped before it could begin.
    pub(crate) fn never(reason: Reason) -> Self {
        Task { handle: None, reason, scope: PhantomData }
    }

    /// Cancels the child: it is dropped at its next suspension, but for shields and clean-ups in
    /// it. The nursery goes on. No effect on a child that is over.
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
        self.handle.as_ref().map_or(TaskId::new(0), Handle::id)
    }

    /// The name it was spawned with, else the type of its future.
    pub fn name(&self) -> &str {
        self.handle.as_ref().map_or("(never started)", Handle::name)
    }

    /// Tells the debugger that the child begins only after a delay.
    pub(crate) fn tell_scheduled(&self, delay: core::time::Duration) {
        hooks::scheduled(|| TaskInfo { id: self.id(), name: self.name() }, delay);
    }

    /// What the child is doing.
    pub fn status(&self) -> Status {
        self.handle.as_ref().map_or(Status::Cancelled, Handle::status)
    }
}

impl<T> Future for Task<'_, T> {
    type Output = Result<T, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(poll_gate(cx));
        let Some(handle) = &self.handle else {
            return Poll::Ready(Err(Cancelled { reason: self.reason }));
        };
        if handle.poll_done(cx).is_pending() {
            return poll_waits();
        }
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
