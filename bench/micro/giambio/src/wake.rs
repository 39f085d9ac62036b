//! A task woken by another thread.

use std::convert::Infallible;

use bench_common::{Bell, Meter};
use giambio::nursery;

/// `n` times, each time after the loop has gone to sleep.
pub(crate) async fn from_thread(n: u64) -> Meter {
    let mut meter = Meter::new();
    meter.start();
    let Ok(late) = nursery(async |scope| {
        let task = scope.spawn_value(async { Ok::<_, Infallible>(Bell::new(n).hear().await) });
        Ok(task.await.unwrap_or_default())
    })
    .await;
    meter.stop(n);
    meter.tell_lateness(late);
    meter
}
