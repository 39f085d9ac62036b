//! What every leaf future asks before it does anything: may this code go on?

use core::fmt::Display;
use core::marker::PhantomData;
use core::task::{Context, Poll};

use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::context::{BUDGET, REFUSALS, now, with};
use crate::kernel::emit as hooks;
use crate::kernel::task::id::id_of;
use crate::task_info::{TaskId, WaitsFor};

/// The first thing in every leaf future's `poll`: `let go = ready!(poll_proceed(cx));`. A leaf that then is ready says so
/// by [`go.made_progress()`](Proceed::made_progress); one that waits just returns `Pending`.
///
/// `Pending` means that the code must stay where it is:
/// * it is in a cancelled scope, which drops it as soon as no shield inside is at work (law
///   CANCEL-ALWAYS-WORKS); no wake is needed;
/// * or the task has used up its budget of this poll, 128 leaf operations, so that others get
///   their turn (law FAIR); the task has been woken.
///
/// Code that does not suspend when it is refused, as a loop over `now_or_never`, can't give way: after 64 refusals in one
/// poll of a task its budget is full again, so that such code sees what is ready. (In cancelled code it does not: what
/// loops without suspending must ask [`is_cancelled`].) One that polls n futures, each once, and suspends with them has done
/// at most 128 + 2n operations.
///
/// Combinators need not call it. Outside a runtime it is always ready.
///
/// ```
/// use core::pin::Pin;
/// use core::task::{Context, Poll, ready};
/// use giambio_core::poll_proceed;
///
/// /// Ready when its flag is set, by somebody who also wakes the task.
/// struct Flag<'a>(&'a core::cell::Cell<bool>);
///
/// impl Future for Flag<'_> {
///     type Output = ();
///     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
///         let go = ready!(poll_proceed(cx));
///         if !self.0.get() {
///             return Poll::Pending;
///         }
///         go.made_progress();
///         Poll::Ready(())
///     }
/// }
/// ```
#[cfg_attr(not(feature = "std"), inline)]
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<Proceed> {
    let stays = is_cancelled() && !fault!("cancelled-code-goes-on");
    if stays || is_spent() && refuse(cx) { Poll::Pending } else { Poll::Ready(Proceed(PhantomData)) }
}

/// A leaf future may go on, by [`poll_proceed`]. Dropped, it takes nothing of the task's budget.
#[derive(Debug)]
#[must_use = "a leaf that is ready says so by `made_progress`, or its task never gives way"]
pub struct Proceed(PhantomData<*mut ()>); // of this poll, so of this thread

impl Proceed {
    /// The leaf is ready, with a value or an error: that is one of the 128 operations.
    pub fn made_progress(self) {
        spend();
    }

    /// The leaf waits, for this; a debugger that [wants](crate::Debugger::wants) to know what tasks wait for is told. Not to
    /// say so is no mistake.
    ///
    /// ```
    /// # use core::pin::Pin;
    /// # use core::task::{Context, Poll, ready};
    /// # use giambio_core::poll_proceed;
    /// # struct Button;
    /// # impl Button { fn is_pressed(&self, _: &mut Context<'_>) -> bool { true } }
    /// impl Future for Button {
    ///     type Output = ();
    ///     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
    ///         let go = ready!(poll_proceed(cx));
    ///         if !self.is_pressed(cx) {
    ///             go.waits_for("button");
    ///             return Poll::Pending;
    ///         }
    ///         go.made_progress();
    ///         Poll::Ready(())
    ///     }
    /// }
    /// ```
    pub fn waits_for(self, what: &'static str) {
        hooks::waits(|| WaitsFor::new(what));
    }

    /// The same, for one of several of its kind: `name` is written only if somebody wants to know it, and with feature `alloc`.
    ///
    /// ```
    /// # use core::pin::Pin;
    /// # use core::task::{Context, Poll, ready};
    /// # use giambio_core::poll_proceed;
    /// # struct Pin13;
    /// # impl Pin13 { fn is_high(&self, _: &mut Context<'_>) -> bool { true } }
    /// impl Future for Pin13 {
    ///     type Output = ();
    ///     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
    ///         let go = ready!(poll_proceed(cx));
    ///         if !self.is_high(cx) {
    ///             go.waits_for_this("pin", &13);
    ///             return Poll::Pending;
    ///         }
    ///         go.made_progress();
    ///         Poll::Ready(())
    ///     }
    /// }
    /// ```
    pub fn waits_for_this(self, what: &'static str, name: &dyn Display) {
        #[cfg(feature = "alloc")]
        if hooks::tells_waits() {
            let name = alloc::string::ToString::to_string(name);
            hooks::waits(|| WaitsFor { name: Some(&name), ..WaitsFor::new(what) });
        }
        #[cfg(not(feature = "alloc"))]
        {
            let _ = name;
            hooks::waits(|| WaitsFor::new(what));
        }
    }

    /// The same, with the place where the wait was asked for.
    pub(crate) fn waits_for_at(self, what: &'static str, place: CallSite) {
        hooks::waits(|| WaitsFor { asked_at: place.location(), ..WaitsFor::new(what) });
    }
}

/// Must the running code yield before it begins something that may end without waiting? Then its task is woken. Cancelled
/// code begins it in any case: it would not be polled again.
pub(crate) fn must_yield(cx: &mut Context<'_>) -> bool {
    is_spent() && !is_cancelled() && refuse(cx)
}

/// Something ended without waiting, which takes as much of the task's budget as a leaf operation.
pub(crate) fn spend() {
    if !fault!("budget-never-spent") {
        now(|now| now.spent.set(now.spent.get().wrapping_add(OPERATION)));
    }
}

/// An operation in `Context::spent`, where a refusal is 1: so the sign tells whether the budget is used up.
const OPERATION: u32 = (1 << 31) / BUDGET;

fn is_spent() -> bool {
    now(|now| (now.spent.get() as i32) < 0)
}

/// The budget is used up. Has the task wait for its next poll, and wakes it; false: it has been refused often enough in this
/// one, or there is no task.
#[cold]
fn refuse(cx: &mut Context<'_>) -> bool {
    let refuses = now(|now| {
        let spent = now.spent.get();
        let refuses = !now.node.get().is_null() && (spent % OPERATION < REFUSALS || fault!("refused-for-ever"));
        now.spent.set(if refuses { spent + 1 } else { 0 });
        refuses
    });
    if refuses {
        cx.waker().wake_by_ref();
    }
    refuses
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
pub fn is_cancelled() -> bool {
    with(|state| state.is_cancelled())
}

/// Wakes a task from a signal handler.
///
/// `Waker::wake` may be called from any thread, but not from a signal handler: a handler that runs
/// on the runtime's own thread may have interrupted it half-way through a list. This leaves the
/// wake in the mailbox of the task's thread, with atomic operations alone, and calls the runtime's notifier
/// (see [`Runtime::with_notify`](crate::Runtime::with_notify)), which must be safe in a handler;
/// that of `giambio` is. The task is polled in a later turn.
///
/// Returns false, and does nothing, if the waker isn't one of this crate's. A nursery that runs in
/// somebody else's executor isn't notified.
///
/// ```
/// # use core::pin::pin;
/// # use core::task::Poll;
/// # use giambio_core::{Next, Runtime, Until, VirtualClock};
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
/// # assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
/// # assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
/// ```
#[cfg(feature = "std")]
pub fn wake_from_signal(waker: &core::task::Waker) -> bool {
    crate::kernel::waker::post(waker)
}

/// Is a runtime having its turn on this thread?
///
/// ```
/// assert!(!giambio_core::in_runtime());
/// ```
pub fn in_runtime() -> bool {
    now(|now| !now.runtime.get().is_null())
}

/// Tells the runtime whose turn it is from all others at this moment; 0 where there is none.
pub(crate) fn current_runtime() -> usize {
    now(|now| now.runtime.get().addr())
}

/// The task that is running, if one is.
///
/// ```
/// assert_eq!(giambio_core::current_task(), None);
/// ```
pub fn current_task() -> Option<TaskId> {
    with(|context| context.task()).map(id_of)
}

/// How many timers have gone off on this thread, and round again: by it a loop knows that nobody waited for the moment at
/// which it looked.
#[cfg(feature = "std")]
#[doc(hidden)]
#[must_use]
pub fn __timers_fired() -> u32 {
    with(|state| state.fired.get())
}

/// How many headers of tasks of this thread are in use, for tests: one a child, one a root task.
#[cfg(feature = "alloc")]
#[doc(hidden)]
pub fn __census() -> usize {
    with(|state| state.home.get().map_or(0, |home| home.live()))
}
