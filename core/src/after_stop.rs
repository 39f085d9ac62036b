//! A scope whose time begins to run when a stop is asked for.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::budgeted::budgeted;
use crate::cancel::{Deadline, ScopeState};
use crate::fault::fault;
use crate::kernel::scope::stop;
use crate::stop::is_stopping;

/// Runs `body`, and from when a scope around is [asked to stop](is_stopping) for at most `grace`: `None` if it didn't end in
/// that time, and was cancelled, with its clean-ups. With a grace of zero a stop cancels it at its next suspension.
///
/// It is for a program, or a part of one, that may not look for a stop, or not soon enough. (What it waits for that may be
/// cut short at once, and lose nothing, is for [`until_stopped`](crate::until_stopped()), which drops it.)
///
/// As with [`move_on_after`](crate::move_on_after()), a body that becomes ready as the grace is over keeps its value, `body`
/// is held once, and one that is lent may be polled on afterwards unless it was in a shield or a clean-up.
///
/// # Cancellation
/// As `body`.
///
/// # Panics
/// When a stop is asked for, and this is polled outside a runtime.
///
/// ```
/// use core::time::Duration;
/// use giambio_core::{cancel_scope, finally, move_on_after_stop, nursery, sleep, testing};
///
/// const SECOND: Duration = Duration::from_secs(1);
///
/// testing::run(cancel_scope(async |scope| {
///     nursery(async |n| {
///         n.spawn(async {
///             let upload = finally(sleep(3600 * SECOND), async || println!("the half of it is removed"));
///             assert_eq!(move_on_after_stop(5 * SECOND, upload).await, None);
///             assert_eq!(move_on_after_stop(5 * SECOND, async { "quick" }).await, Some("quick"));
///             Ok::<_, ()>(())
///         });
///         sleep(SECOND).await;
///         scope.ask_to_stop(); // in a program by `run_until_stopped`
///         Ok(())
///     })
///     .await
/// }))
/// .unwrap()
/// .unwrap();
/// ```
#[doc(alias = "graceful_shutdown")]
pub fn move_on_after_stop<T>(grace: Duration, body: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    AfterStop {
        stopping: Some(budgeted(stop::asked(is_stopping))),
        body: Some(body),
        scope: ScopeState::new(Deadline::None),
        grace,
    }
}

pin_project! {
    struct AfterStop<S, F> {
        // `None`: it was asked for.
        #[pin]
        stopping: Option<S>,
        #[pin]
        body: Option<F>,
        #[pin]
        scope: ScopeState,
        grace: Duration,
    }
}

impl<S: Future, F: Future> Future for AfterStop<S, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let mut this = self.project();
        let scope = this.scope.as_ref();
        let asked = this.stopping.as_mut().as_pin_mut().map(|stopping| stopping.poll(cx));
        if asked.is_some_and(|asked| asked.is_ready()) && !fault!("graces-without-an-end") {
            this.stopping.set(None);
            scope.set_time(*this.grace);
        }
        scope.poll(this.body, cx).map(Result::ok)
    }
}
