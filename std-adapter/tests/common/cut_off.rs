//! Futures that are cut off at each place where they wait.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use giambio::cancel_scope;

/// Polls `work` up to its suspension of that number, the first being 0, and drops it there, or cancels it and awaits its end.
/// Was it over before, in order?
pub(crate) async fn cut_off<T, E>(place: usize, is_dropped: bool, work: impl Future<Output = Result<T, E>>) -> bool {
    let mut suspensions = 0;
    let cut_off = cancel_scope(async |scope| {
        let mut work = pin!(work);
        poll_fn(|cx| {
            let polled = work.as_mut().poll(cx);
            if polled.is_pending() {
                if suspensions == place {
                    if is_dropped {
                        return Poll::Ready(false);
                    }
                    scope.cancel();
                }
                suspensions += 1;
            }
            polled.map(|ended| ended.is_ok())
        })
        .await
    });
    cut_off.await == Ok(true)
}
