//! Cancelling many tasks.

use std::convert::Infallible;

use bench_common::Meter;
use giambio::{checkpoint, nursery};
use micro_suite::Crowd;

/// `n` tasks that wait are cancelled at once; it is over when all of them are gone.
pub(crate) async fn all(n: u64) -> Meter {
    let mut meter = Meter::new();
    let crowd = Crowd::default();
    let Ok(()) = nursery(async |scope| {
        for i in 0..n {
            let crowd = crowd.clone();
            scope.spawn(async move {
                crowd.join(i).await;
                Ok::<_, Infallible>(())
            });
        }
        while crowd.count() < n {
            checkpoint().await;
        }
        meter.start();
        scope.cancel_children();
        Ok(())
    })
    .await;
    meter.stop(n);
    assert_eq!(crowd.count(), 0);
    meter
}
