//! Cancelling many tasks.

use std::convert::Infallible;

use bench_common::Meter;
use giambio::nursery;

use crate::parked::{Crowd, park};

/// `n` tasks that wait are cancelled at once; it is over when all of them are gone.
pub(crate) async fn all(n: u64) -> Meter {
    let mut meter = Meter::new();
    let crowd = Crowd::default();
    let Ok(()) = nursery(async |scope| {
        for i in 0..n {
            scope.spawn(park::<Infallible>(i, &crowd));
        }
        crowd.is_complete(n).await;
        meter.start();
        scope.cancel_children();
        Ok(())
    })
    .await;
    meter.stop(n);
    assert!(crowd.is_gone());
    meter
}
