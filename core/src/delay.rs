//! Delays for drivers that are written for `embedded-hal-async`.

use core::time::Duration;

use embedded_hal_async::delay::DelayNs;

use crate::sleep::sleep;

/// Waits by [`sleep`](crate::sleep()), for drivers that take a `DelayNs`. Any number of them may
/// be made; each costs nothing.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, Until, VirtualClock, clock};
/// use giambio_core::Delay;
/// # use core::time::Duration;
/// # use embedded_hal_async::delay::DelayNs;
///
/// /// A driver that knows nothing of giambio.
/// async fn start_sensor(delay: &mut impl DelayNs) {
///     // … power on …
///     delay.delay_ms(20).await;
/// }
///
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// # let start = clock();
/// start_sensor(&mut Delay).await;
/// # assert_eq!(clock() - start, Duration::from_millis(20));
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Delay;

impl DelayNs for Delay {
    /// Never less than that. As every sleep: dropping it takes its timer away.
    async fn delay_ns(&mut self, ns: u32) {
        sleep(Duration::from_nanos(ns.into())).await
    }

    async fn delay_us(&mut self, us: u32) {
        sleep(Duration::from_micros(us.into())).await
    }

    async fn delay_ms(&mut self, ms: u32) {
        sleep(Duration::from_millis(ms.into())).await
    }
}
