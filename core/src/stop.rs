//! The soft stop: "finish what you do, and begin nothing new".
//!
//! It is a second, milder level of every scope. A [cancellation](crate::cancel_scope) drops code wherever it waits; a stop is a
//! question, which only code that looks for it answers: a server that accepts no more, a worker that takes no more from its
//! queue, a connection that is idle. All else goes on until it ends by itself, or is cancelled after some time: a stop with a
//! grace is `scope.ask_to_stop()`, and later `scope.cancel()`; where others ask for it,
//! [`move_on_after_stop`](crate::move_on_after_stop()).
//!
//! What is asked of a scope is asked of all that runs inside it, children and shields too, and of what begins there later. It
//! can't be taken back.

use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::budgeted::{Named, budgeted, leaf, tell};
use crate::call_site::CallSite;
use crate::cancel::CancelScope;
use crate::fault::fault;
use crate::gate::is_cancelled;
use crate::kernel::context::with;
use crate::kernel::in_place::clear;
use crate::kernel::scope::stop;
use crate::kernel::wait_queue::Awaits;
use crate::nursery::NurseryScope;
use crate::task_info::TaskId;

impl CancelScope<'_, '_> {
    /// Asks all that runs in the scope to come to an end by itself: code that looks for it, by [`stopping`], [`is_stopping`] or
    /// [`until_stopped`]. Nothing is cancelled. It can't be taken back.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use core::time::Duration;
    /// # use giambio_core::{Runtime, Until, VirtualClock};
    /// use giambio_core::{cancel_scope, clock, nursery, sleep, stopping};
    /// # let time: VirtualClock = VirtualClock::new();
    /// # pin!(Runtime::new(&time, async {
    /// // Five seconds to come to an end, after a stop is asked.
    /// cancel_scope(async |scope| {
    ///     nursery(async |n| {
    ///         n.spawn(async {
    ///             stopping().await;
    ///             sleep(Duration::from_secs(1)).await; // the last client
    ///             Ok::<_, ()>(())
    ///         });
    ///         scope.ask_to_stop();
    ///         scope.set_deadline(Some(clock() + Duration::from_secs(5)));
    ///         Ok(())
    ///     })
    ///     .await
    /// })
    /// .await
    /// .expect("it was in time")
    /// .unwrap();
    /// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
    /// ```
    pub fn ask_to_stop(&self) {
        stop::ask(self.node());
    }
}

impl<'env, E: 'env, S: 'env> NurseryScope<'_, 'env, E, S> {
    /// Asks body and children to come to an end by themselves: code that looks for it, by [`stopping`], [`is_stopping`] or
    /// [`until_stopped`]. Nothing is cancelled, and more may be spawned. It can't be taken back.
    pub fn ask_to_stop(&self) {
        stop::ask(self.cell().children().node());
    }
}

/// Was a scope around the running code asked to stop?
///
/// It looks at each scope around; outside of a run none is.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{cancel_scope, is_stopping};
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let sum = cancel_scope(async |scope| {
///     let mut sum = 0;
///     for work in 1.. {
///         if is_stopping() {
///             break;
///         }
///         sum += work;
///         if work == 3 {
///             scope.ask_to_stop(); // somebody else, mostly
///         }
///     }
///     sum
/// });
/// assert_eq!(sum.await, Ok(6));
/// assert!(!is_stopping());
/// # })).run(&mut |_| {});
/// ```
pub fn is_stopping() -> bool {
    with(|context| context.is_asked_to_stop())
}

/// Waits until a scope around is asked to stop; at once if one was.
///
/// Whoever asks wakes all that wait for this on its thread, and those that were not asked wait on.
///
/// # Cancellation
/// [**Restartable.**](crate#cancellation) It has no effect of its own.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{nursery, stopping};
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// nursery(async |n| {
///     n.spawn(async {
///         stopping().await;
///         // Say goodbye, and end.
///         Ok::<_, ()>(())
///     });
///     n.ask_to_stop();
///     Ok(())
/// })
/// .await
/// .unwrap();
/// # })).run(&mut |_| {});
/// ```
#[cfg_attr(feature = "hooks", track_caller)]
pub fn stopping() -> impl Future<Output = ()> {
    leaf::<AStop, _>(stop::asked(is_stopping), CallSite::here())
}

struct AStop;

impl Named for AStop {
    const NAME: &'static str = stop::WORD;
}

/// It has no name of its own, and nobody has it.
impl Awaits for AStop {
    fn awaits(&self) -> (Option<&'static str>, Option<TaskId>) {
        (None, None)
    }
}

/// Runs `future` until a scope around is asked to stop: `None`, and it was dropped. For waits that may be cut short, for the
/// next client, the next message, the next tick.
///
/// Of a stop and a value that are both there, the stop comes first; `future` is not polled then.
///
/// # Cancellation
/// As `future`: dropping this drops it. So does a stop: what it has in hand is lost or not as its own documentation says.
///
/// # Panics
/// As `future`.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use giambio_core::{interval, nursery, sleep, until_stopped};
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let mut samples = 0;
/// nursery(async |n| {
///     n.spawn(async {
///         sleep(Duration::from_millis(35)).await;
///         n.ask_to_stop();
///         Ok::<_, ()>(())
///     });
///     let mut ticks = interval(Duration::from_millis(10));
///     while until_stopped(ticks.tick()).await.is_some() {
///         samples += 1;
///     }
///     Ok(())
/// })
/// .await
/// .unwrap();
/// assert_eq!(samples, 3); // after 10, 20 and 30 ms
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
#[cfg_attr(feature = "hooks", track_caller)]
pub fn until_stopped<F: Future>(future: F) -> impl Future<Output = Option<F::Output>> {
    UntilStopped { stopping: budgeted(stop::asked(is_stopping)), future: Some(future), place: CallSite::here() }
}

pin_project! {
    struct UntilStopped<S, F> {
        #[pin]
        stopping: S,
        #[pin]
        future: Option<F>,
        place: CallSite,
    }
}

impl<S: Future, F: Future> Future for UntilStopped<S, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let ended = match this.stopping.poll(cx) {
            Poll::Ready(_) => Poll::Ready(None),
            // Its share of the budget is spent: it is polled again, and then the stop is heard.
            Poll::Pending if is_stopping() && !is_cancelled() && !fault!("values-before-a-stop") => Poll::Pending,
            Poll::Pending => future.poll(cx).map(Some),
        };
        if ended.is_ready() {
            clear(this.future);
        } else {
            // After what `future` says: that is what the task waits for.
            tell::<AStop>(&AStop, *this.place);
        }
        ended
    }
}
