//! Awaiting the operations of `embedded-hal-nb`: those that return [`nb::Result`].
//!
//! An `nb` operation says `WouldBlock` and nothing about when to try again. Who knows that is the
//! user, and there are two good answers: *an interrupt will wake us* ([`wait`], with the waker
//! stored where the interrupt finds it) and *look again every so often* ([`poll_every`]). Neither
//! is a busy wait.

use core::future::poll_fn;
use core::task::{Poll, Waker, ready};
use core::time::Duration;

use crate::gate::poll_proceed;
use crate::sleep::sleep;

/// Awaits an operation whose interrupt wakes the task: `register` stores the waker where the
/// interrupt handler finds it, then `operation` is tried. In that order, so that an interrupt in
/// between isn't lost.
///
/// # Errors
/// Those of `operation`.
///
/// # Cancellation
/// As `operation`: between two tries nothing is held.
///
/// ```
/// # use core::pin::pin;
/// # use core::task::Waker;
/// # use giambio_core::{Runtime, VirtualClock};
/// # struct Uart(u8);
/// # impl Uart {
/// #     fn read(&mut self) -> nb::Result<u8, ()> {
/// #         self.0 += 1;
/// #         if self.0 < 3 { Err(nb::Error::WouldBlock) } else { Ok(b'x') }
/// #     }
/// # }
/// # struct Slot; // stands for a static that the interrupt handler takes the waker from
/// # impl Slot { fn set(&self, waker: &Waker) { waker.wake_by_ref() } }
/// # static RX_WAKER: Slot = Slot;
/// # let clock: VirtualClock = VirtualClock::new();
/// # let byte =
/// # pin!(Runtime::new(&clock, async {
/// # let mut uart = Uart(0);
/// giambio_core::nb::wait(|waker| RX_WAKER.set(waker), || uart.read()).await
/// # })).run(&mut |_| {});
/// # assert_eq!(byte, Ok(b'x'));
/// ```
#[cfg_attr(feature = "hooks", track_caller)]
pub fn wait<T, E>(
    mut register: impl FnMut(&Waker),
    mut operation: impl FnMut() -> nb::Result<T, E>,
) -> impl Future<Output = Result<T, E>> {
    poll_fn(move |cx| {
        let go = ready!(poll_proceed(cx));
        register(cx.waker());
        let result = match operation() {
            Ok(value) => Ok(value),
            Err(nb::Error::Other(error)) => Err(error),
            Err(nb::Error::WouldBlock) => return Poll::Pending,
        };
        go.made_progress();
        Poll::Ready(result)
    })
}

/// Awaits an operation by trying it now and then every `period`.
///
/// # Errors
/// Those of `operation`.
///
/// # Cancellation
/// As `operation`: between two tries nothing is held.
///
/// # Panics
/// When polled outside a runtime.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use core::time::Duration;
/// use giambio_core::{clock, nb::poll_every};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// let mut tries = 0;
/// let result: Result<&str, ()> = poll_every(Duration::from_millis(1), || {
///     tries += 1;
///     if tries < 4 { Err(nb::Error::WouldBlock) } else { Ok("sent") }
/// })
/// .await;
/// assert_eq!(result, Ok("sent"));
/// assert_eq!(clock() - start, Duration::from_millis(3));
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
#[cfg_attr(feature = "hooks", track_caller)]
pub fn poll_every<T, E>(
    period: Duration,
    mut operation: impl FnMut() -> nb::Result<T, E>,
) -> impl Future<Output = Result<T, E>> {
    async move {
        loop {
            poll_fn(poll_proceed).await.made_progress();
            match operation() {
                Ok(value) => return Ok(value),
                Err(nb::Error::Other(error)) => return Err(error),
                Err(nb::Error::WouldBlock) => sleep(period).await,
            }
        }
    }
}
