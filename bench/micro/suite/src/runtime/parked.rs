//! Tasks that wait: cancelled, weighed, left alone.

use std::time::Duration;

use bench_common::{Meter, far, resident_bytes, sleeps};

use super::Runtime;
use crate::{Crowd, with_state};

/// Lets the others run. A yield won't do: on monoio it puts a task in front of all others.
async fn others<R: Runtime>() {
    R::sleep(Duration::from_millis(1)).await;
}

pub(super) async fn cancel_all<R: Runtime>(n: u64) -> Meter {
    let crowd = Crowd::default();
    let tasks = (0..n).map(|i| R::spawn(crowd.clone().join(i))).collect();
    while crowd.count() < n {
        others::<R>().await;
    }
    let mut meter = Meter::new();
    meter.start();
    R::cancel(tasks).await;
    while crowd.count() > 0 {
        others::<R>().await; // compio drops them after it has said so
    }
    meter.stop(n);
    meter
}

/// Without the handles, which are the benchmark's.
pub(super) async fn memory<R: Runtime>(n: u64) -> Meter {
    let mut tasks = Vec::with_capacity(n as usize);
    tasks.push(R::spawn(with_state(0)));
    let before = resident_bytes();
    let mut meter = Meter::new();
    meter.start();
    for i in 1..n {
        tasks.push(R::spawn(with_state(i)));
        if i % 1000 == 0 {
            others::<R>().await;
        }
    }
    others::<R>().await;
    meter.stop(n);
    let handles = size_of_val(&tasks[..]) as f64;
    meter.tell("resident", (resident_bytes() - before - handles) / n as f64);
    meter
}

pub(super) async fn idle<R: Runtime>(n: u64, tasks: u64) -> Meter {
    let tasks: Vec<_> = (0..tasks).map(|i| R::spawn(R::sleep(far(i)))).collect();
    R::sleep(Duration::from_millis(50)).await;
    let mut meter = Meter::new();
    let before = sleeps();
    meter.start();
    R::sleep(Duration::from_millis(n)).await;
    meter.stop(n);
    meter.tell("sleeps", (sleeps() - before) as f64);
    drop(tasks);
    meter
}
