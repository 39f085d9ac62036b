//! What asks a program to end: to wait for, and to end by.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use giambio_core::{__fault as fault, cancel_scope};

use super::interrupted::Interrupted;
use super::kinds::Signal;
use super::patience::Patience;
use super::signals::Signals;
use super::system::ORDERS;

/// Waits until the program is asked to end, after this future was first polled: by SIGTERM or SIGINT, what `kill`, containers,
/// init systems and Ctrl+C send; on Windows by Ctrl+C, Ctrl+Break, or when the console is closed or the system goes down.
///
/// Often [`run_until_stopped`](crate::run_until_stopped()) is all that is needed.
///
/// ```no_run
/// # giambio::run(async {
/// let order = giambio::signal::terminate().await?;
/// println!("{order}: goodbye");
/// # Ok::<(), std::io::Error>(()) });
/// ```
///
/// # Errors
/// The system refuses to tell, most often for want of descriptors.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation): what comes between two calls is not seen by the second. [`Signals`] sees it.
#[track_caller]
pub fn terminate() -> impl Future<Output = io::Result<Signal>> {
    async { Signals::new(ORDERS)?.next().await }
}

/// Starts to watch for orders to end: two are reported, and the third ends the process.
pub(crate) fn orders() -> io::Result<Signals> {
    Signals::with(ORDERS, Patience::For(2))
}

/// Runs `main`. The first of `orders` asks it to stop, the second cancels it.
pub(crate) async fn until_stopped<F: Future>(
    mut main: Pin<Box<F>>,
    mut orders: Signals,
) -> Result<F::Output, Interrupted> {
    let outcome = cancel_scope(async move |scope| {
        poll_fn(|cx| {
            while !scope.is_cancelled()
                && let Poll::Ready(order) = orders.poll_next(cx)
            {
                // Also where both came before this look: what is in a shield hears of the first alone.
                if !fault!("two-orders-ask-nobody") || orders.count() < 2 {
                    scope.ask_to_stop();
                }
                if order.is_err() || orders.count() >= 2 {
                    scope.interrupt();
                }
            }
            main.as_mut().poll(cx)
        })
        .await
    });
    outcome.await.map_err(|_| Interrupted)
}
