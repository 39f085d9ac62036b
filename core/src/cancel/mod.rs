//! Cancel scopes: code that can be told to stop, by hand or by a deadline.
//!
//! A scope's code is dropped at its next suspension after the scope was cancelled, however deep in
//! it that is, whether it was awaited or spawned (law CANCEL-ALWAYS-WORKS). Only
//! [shields and clean-ups](crate::shield()) in it run on, and the scope is left when they are done.
//! So whoever cancelled knows, when the scope has been left, that nothing of it is alive.
//!
//! A deadline is noticed a little differently: when it passes, the code gets one last poll, so
//! that what became ready at the same time still counts.

mod deadline;
mod handle;
mod state;

use core::pin::{Pin, pin};
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

pub use deadline::{fail_after, fail_at, move_on_after, move_on_at};
pub use handle::CancelScope;
pub(crate) use state::{Deadline, ScopeState, poll_cut_short};

use crate::reason::Cancelled;

/// Runs `body` in a scope that it, or anything it lends the handle to, may cancel.
///
/// # Errors
/// [`Cancelled`] with the reason, if the scope was cancelled before `body` ended. A `body` that
/// ends without another suspension keeps its value.
///
/// # Cancellation
/// As its body. If a scope around it is cancelled this never returns: that scope drops it.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{cancel_scope, clock, sleep};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let result = cancel_scope(async |scope| {
///     scope.set_deadline(Some(clock() + Duration::from_secs(1)));
///     sleep(Duration::from_secs(5)).await;
/// })
/// .await;
/// assert!(result.is_err());
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub async fn cancel_scope<'env, T, F>(body: F) -> Result<T, Cancelled>
where
    F: for<'s> AsyncFnOnce(CancelScope<'s, 'env>) -> T,
{
    let scope = pin!(ScopeState::new(Deadline::None));
    let scope = scope.into_ref();
    let body = pin!(Some(body(CancelScope::new(scope))));
    InScope { body, scope }.await
}

pin_project! {
    /// A scope whose body has the handle to it.
    struct InScope<'s, F> {
        body: Pin<&'s mut Option<F>>,
        scope: Pin<&'s ScopeState>,
    }
}

impl<F: Future> Future for InScope<'_, F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.scope.poll(this.body.as_mut(), cx)
    }
}
