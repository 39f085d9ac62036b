//! Tasks that wait: what they take of memory, and what they cost when nothing happens.

use std::convert::Infallible;
use std::future::pending;
use std::hint::black_box;
use std::time::Duration;

use bench_common::{Meter, far, resident_bytes, sleeps};
use giambio::{checkpoint, nursery, sleep};

/// Bytes of `n` tasks that wait, each with 64 bytes of state.
pub(crate) async fn memory(n: u64) -> Meter {
    let mut meter = Meter::new();
    let Ok(()) = nursery(async |scope| {
        let before = resident_bytes();
        meter.start();
        for i in 0..n {
            scope.spawn(async move {
                let state = [i; 8];
                pending::<()>().await;
                black_box(state);
                Ok::<_, Infallible>(())
            });
            if i % 100 == 0 {
                checkpoint().await;
            }
        }
        for _ in 0..100 {
            checkpoint().await;
        }
        meter.stop(n);
        meter.tell("resident", (resident_bytes() - before) / n as f64);
        scope.cancel_children();
        Ok(())
    })
    .await;
    meter
}

/// So many tasks sleep for long; what the process does in `n` milliseconds.
pub(crate) async fn idle(n: u64, tasks: u64) -> Meter {
    let mut meter = Meter::new();
    let Ok(()) = nursery(async |scope| {
        for i in 0..tasks {
            scope.spawn(async move {
                sleep(far(i)).await;
                Ok::<_, Infallible>(())
            });
        }
        sleep(Duration::from_millis(50)).await;
        let before = sleeps();
        meter.start();
        sleep(Duration::from_millis(n)).await;
        meter.stop(n);
        meter.tell("sleeps", (sleeps() - before) as f64);
        scope.cancel_children();
        Ok(())
    })
    .await;
    meter
}
