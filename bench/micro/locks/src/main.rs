//! `locks-micro VARIANT BENCH N`: does N operations with the lock of a library and prints what one costs. The tasks are giambio's
//! in each case, so that the locks alone differ.
//!
//! | benchmark | one operation |
//! | --- | --- |
//! | `lock` | a mutex that nobody else wants is locked and unlocked |
//! | `lock_K` | a mutex goes from one to the next of K tasks, each of which holds it while it yields |
//! | `permit` | a permit of a semaphore is taken and given back |
//! | `waiter` | nothing; it tells the bytes of a future that waits for the lock |

use std::convert::Infallible;

use bench_common::{Meter, argument, limit_life, name_and_size, timed};
use giambio::{checkpoint, nursery, sync};
use micro_suite::lacks;

/// A library's mutex around a number.
trait Lock {
    fn new() -> Self;
    /// Locks it, changes the number, does `meanwhile`, unlocks it.
    fn hold(&self, meanwhile: impl Future<Output = ()>) -> impl Future<Output = ()>;
    /// How large the future is that waits.
    fn bytes_of_a_waiter(&self) -> usize;
    /// Takes a permit of a semaphore with one, and gives it back, so often.
    async fn permits(_n: u64) {
        lacks("permit")
    }
}

macro_rules! lock {
    ($name:ty, $new:expr, |$permits:ident| $permit:block) => {
        impl Lock for $name {
            fn new() -> Self {
                $new
            }
            async fn hold(&self, meanwhile: impl Future<Output = ()>) {
                let mut guard = self.lock().await;
                *guard += 1;
                meanwhile.await;
            }
            fn bytes_of_a_waiter(&self) -> usize {
                size_of_val(&self.lock())
            }
            async fn permits($permits: u64) {
                $permit
            }
        }
    };
}

lock!(sync::Mutex<u64>, sync::Mutex::new(0), |n| {
    let semaphore = sync::Semaphore::new(1);
    for _ in 0..n {
        drop(semaphore.acquire(1).await);
    }
});
lock!(sync::Mutex<u64, sync::Shared>, sync::Mutex::shared(0), |n| {
    let semaphore = sync::Semaphore::shared(1);
    for _ in 0..n {
        drop(semaphore.acquire(1).await);
    }
});
lock!(tokio::sync::Mutex<u64>, tokio::sync::Mutex::new(0), |n| {
    let semaphore = tokio::sync::Semaphore::new(1);
    for _ in 0..n {
        drop(semaphore.acquire().await);
    }
});
lock!(async_lock::Mutex<u64>, async_lock::Mutex::new(0), |n| {
    let semaphore = async_lock::Semaphore::new(1);
    for _ in 0..n {
        drop(semaphore.acquire().await);
    }
});
lock!(futures::lock::Mutex<u64>, futures::lock::Mutex::new(0), |_n| { lacks("permit") });

fn main() {
    limit_life();
    let (bench, n) = micro_suite::arguments();
    match argument(1).as_deref() {
        Some("giambio") => run::<sync::Mutex<u64>>(&bench, n),
        Some("giambio-shared") => run::<sync::Mutex<u64, sync::Shared>>(&bench, n),
        Some("tokio") => run::<tokio::sync::Mutex<u64>>(&bench, n),
        Some("async-lock") => run::<async_lock::Mutex<u64>>(&bench, n),
        Some("futures") => run::<futures::lock::Mutex<u64>>(&bench, n),
        _ => panic!("usage: locks-micro VARIANT BENCH N"),
    }
}

fn run<L: Lock>(bench: &str, n: u64) {
    let meter = giambio::run(async {
        match name_and_size(bench) {
            ("lock", None) => timed(n, uncontended::<L>(n)).await,
            ("lock", Some(tasks)) => hand_over::<L>(n, tasks).await,
            ("permit", None) => timed(n, L::permits(n)).await,
            ("waiter", None) => {
                let mut meter = Meter::new();
                meter.tell("waiter", L::new().bytes_of_a_waiter() as f64);
                meter
            }
            _ => lacks(bench),
        }
    });
    meter.print();
}

async fn uncontended<L: Lock>(n: u64) {
    let lock = L::new();
    for _ in 0..n {
        lock.hold(std::future::ready(())).await;
    }
}

async fn hand_over<L: Lock>(n: u64, tasks: u64) -> Meter {
    let (lock, begin, left) =
        (&L::new(), &sync::Barrier::new(tasks as usize + 1), &sync::Barrier::new(tasks as usize + 1));
    let mut meter = Meter::new();
    let Ok(()) = nursery(async |scope| {
        for _ in 0..tasks {
            scope.spawn(async move {
                begin.wait().await;
                for _ in 0..n / tasks {
                    lock.hold(checkpoint()).await;
                }
                left.wait().await;
                Ok::<_, Infallible>(())
            });
        }
        // All are there before the first operation counts.
        while begin.waiting() < tasks as usize {
            checkpoint().await;
        }
        meter.start();
        begin.wait().await;
        left.wait().await;
        meter.stop(n / tasks * tasks);
        Ok(())
    })
    .await;
    meter
}
