//! What every leaf future asks before it does anything: may this code go on?

use core::task::{Context, Poll};

use crate::raw::port::{now, with};
use crate::raw::state::BUDGET;
use crate::task_info::TaskId;

/// The first thing in every leaf future's `poll`: `ready!(poll_gate(cx))`.
///
/// `Pending` means that the code must stay where it is:
/// * it is in a cancelled scope, which drops it as soon as no shield inside is at work (law
///   CANCEL-ALWAYS-WORKS); no wake is needed;
/// * or the task has used up its budget of this poll, 128 leaf operations, so that others get
///   their turn (law FAIR); the task has been woken.
///
/// A leaf that goes on to wait has done nothing yet, and says so by [`poll_waits`]: else a task that waits for more
/// than 128 things at once would be woken by its budget, again and again.
///
/// Combinators need not call it. Outside a runtime it is always ready.
///
/// ```
/// use core::pin::Pin;
/// use core::task::{Context, Poll, ready};
/// use giambio_core::{poll_gate, poll_waits};
///
/// /// Ready when its flag is set, by somebody who also wakes the task.
/// struct Flag<'a>(&'a core::cell::Cell<bool>);
///
/// impl Future for Flag<'_> {
///     type Output = ();
///     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
///         ready!(poll_gate(cx));
///         if self.0.get() { Poll::Ready(()) } else { poll_waits() }
///     }
/// }
/// ```
#[inline]
pub fn poll_gate(cx: &mut Context<'_>) -> Poll<()> {
    enum May {
        GoOn,
        Wait,
        Yield,
    }
    let may = if with(|state| state.is_cancelled()) {
        May::Wait
    } else {
        now(|now| match now.spent.get() {
            BUDGET if !now.node.get().is_null() => May::Yield,
            BUDGET => May::GoOn,
            spent => {
                now.spent.set(spent + 1);
                May::GoOn
            }
        })
    };
    match may {
        May::GoOn => Poll::Ready(()),
        May::Wait => Poll::Pending,
        May::Yield => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }
}

/// Must the running code yield before it begins something that may end without waiting? Then its task is woken. Cancelled
/// code begins it in any case: it would not be polled again.
pub(crate) fn must_yield(cx: &mut Context<'_>) -> bool {
    let is_spent = now(|now| now.spent.get() == BUDGET && !now.node.get().is_null());
    let yields = is_spent && !is_cancelled();
    if yields {
        cx.waker().wake_by_ref();
    }
    yields
}

/// Something ended without waiting, which takes as much of the task's budget as a leaf operation.
pub(crate) fn spend() {
    now(|now| now.spent.set(BUDGET.min(now.spent.get() + 1)));
}

/// `Pending`, from a leaf future that [`poll_gate`] let through and that waits now: somebody has its waker. What it took
/// of the task's budget is given back.
///
/// A leaf that wakes itself, to be polled again in the next turn, returns plain `Pending`.
#[inline]
pub fn poll_waits<T>() -> Poll<T> {
    now(|now| now.spent.set(now.spent.get().saturating_sub(1)));
    Poll::Pending
}

/// Is the running code in a cancelled scope, and not shielded from it? Such code runs only until
/// its next suspension.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock, cancel_scope, is_cancelled};
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let _ = cancel_scope(async |scope| {
///     assert!(!is_cancelled());
///     scope.cancel();
///     assert!(is_cancelled());
/// }).await;
/// # })).run(&mut |_| {});
/// ```
#[inline]
pub fn is_cancelled() -> bool {
    with(|state| state.is_cancelled())
}

/// Wakes a task from a signal handler.
///
/// `Waker::wake` may be called from any thread, but not from a signal handler: a handler that runs
/// on the runtime's own thread may have interrupted it half-way through a list. This leaves the
/// wake in the runtime's inbox, with atomic operations alone, and calls the runtime's notifier
/// (see [`Runtime::with_notify`](crate::Runtime::with_notify)), which must be safe in a handler;
/// that of `giambio` is. The task is polled in a later turn.
///
/// Returns false, and does nothing, if the waker isn't one of this crate's. A nursery that runs in
/// somebody else's executor isn't notified.
///
/// ```
/// # use core::pin::pin;
/// # use core::task::Poll;
/// # use giambio_core::{Next, Runtime, VirtualClock};
/// use giambio_core::wake_from_signal;
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # let mut woken = false;
/// # let mut runtime = pin!(Runtime::new(&clock, core::future::poll_fn(|cx| {
/// #     if woken { return Poll::Ready(()) }
/// #     woken = true;
/// let waker = cx.waker().clone(); // kept where the handler finds it
/// // … and in the handler:
/// assert!(wake_from_signal(&waker));
/// #     Poll::Pending
/// # })));
/// # assert_eq!(runtime.as_mut().turn(), Next::Now);
/// # assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
/// ```
#[cfg(feature = "std")]
pub fn wake_from_signal(waker: &core::task::Waker) -> bool {
    crate::raw::waker::post(waker)
}

/// Is a runtime having its turn on this thread?
///
/// ```
/// assert!(!giambio_core::in_runtime());
/// ```
pub fn in_runtime() -> bool {
    now(|now| !now.runtime.get().is_null())
}

/// The task that is running, if one is.
///
/// ```
/// assert_eq!(giambio_core::current_task(), None);
/// ```
pub fn current_task() -> Option<TaskId> {
    crate::raw::cell::current_id()
}

/// How many timers have gone off on this thread, and round again: by it a loop knows that nobody waited for the moment at
/// which it looked.
#[cfg(feature = "std")]
#[doc(hidden)]
#[must_use]
pub fn __timers_fired() -> u32 {
    with(|state| state.fired.get())
}

/// How many control blocks of this thread are in use, for tests: one a task, one a runtime.
#[cfg(feature = "alloc")]
#[doc(hidden)]
pub fn __census() -> usize {
    with(|state| state.table.get().map_or(0, |table| table.live() as usize))
}
