//! moro-local, the structured peer: a scope over FuturesUnordered. What each benchmark does is said in `micro-suite`.

use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::Poll;

use bench_common::{BATCH, Meter, SelfWake, TREE, WARM_UP, name_and_size, resident_bytes, timed};
use micro_suite::{Crowd, Player, arguments, lacks, with_state};
use moro_local::async_scope;

fn main() {
    let (bench, n) = arguments();
    futures::executor::block_on(measure(&bench, n)).print();
}

async fn measure(bench: &str, n: u64) -> Meter {
    match name_and_size(bench) {
        ("spawn_seq", None) => sequence(n, 0).await,
        ("spawn_among", Some(parked)) => sequence(n, parked).await,
        ("spawn_batch", size) => batches(n, size.unwrap_or(BATCH)).await,
        ("tree", None) => trees(n.div_ceil(TREE)).await,
        ("selfwake", Some(tasks)) => timed(n, yields(n, tasks)).await,
        ("pingpong", None) => timed(n, ping_pong(n, 0)).await,
        ("depth", Some(depth)) => timed(n, ping_pong(n, depth)).await,
        ("cancel_all", None) => cancel_all(n).await,
        ("parked", None) => memory(n).await,
        _ => lacks(bench),
    }
}

async fn sequence(n: u64, parked: u64) -> Meter {
    async_scope!(|scope| {
        for _ in 0..parked {
            drop(scope.spawn(std::future::pending::<()>()));
        }
        let one_by_one = async |n| {
            for i in 0..n {
                black_box(scope.spawn(async move { black_box(i) }).await);
            }
        };
        one_by_one(WARM_UP).await;
        let meter = timed(n, one_by_one(n)).await;
        scope.terminate::<()>(meter).await;
        unreachable!()
    })
    .await
}

/// One scope for each batch.
async fn batches(n: u64, size: u64) -> Meter {
    let batches = async |count| {
        for _ in 0..count {
            async_scope!(|scope| {
                let mut tasks = Vec::with_capacity(size as usize);
                for i in 0..size {
                    tasks.push(scope.spawn(async move { black_box(i) }));
                }
                for task in tasks {
                    black_box(task.await);
                }
            })
            .await;
        }
    };
    batches(1).await;
    timed(n.div_ceil(size) * size, batches(n.div_ceil(size))).await
}

macro_rules! level {
    ($name:ident, $child:ident) => {
        async fn $name() -> u64 {
            async_scope!(|scope| {
                let children: [_; 10] = std::array::from_fn(|_| scope.spawn($child()));
                let mut sum = 1;
                for child in children {
                    sum += child.await;
                }
                sum
            })
            .await
        }
    };
}
async fn leaf() -> u64 {
    black_box(1)
}
level!(level1, leaf);
level!(level2, level1);
level!(level3, level2);
level!(level4, level3);
level!(level5, level4);

async fn trees(count: u64) -> Meter {
    level5().await;
    let work = async {
        for _ in 0..count {
            assert_eq!(level5().await, TREE);
        }
    };
    timed(count * TREE, work).await
}

async fn yields(n: u64, tasks: u64) {
    async_scope!(|scope| {
        for _ in 0..tasks {
            drop(scope.spawn(async move {
                for _ in 0..n / tasks {
                    SelfWake::default().await;
                }
            }));
        }
    })
    .await
}

type Boxed = Pin<Box<dyn Future<Output = u64>>>;

async fn ping_pong(n: u64, depth: u64) {
    let (first, second) = Player::pair();
    let second: Boxed = Box::pin(second.play(n));
    let second = (0..depth).fold(second, |inner, _| Box::pin(alone(inner)));
    let sum = async_scope!(|scope| {
        let (first, second) = (scope.spawn(first.play(n)), scope.spawn(second));
        first.await + second.await
    });
    black_box(sum.await);
}

/// In a scope of its own.
async fn alone(inner: Boxed) -> u64 {
    async_scope!(|scope| scope.spawn(inner).await).await
}

async fn cancel_all(n: u64) -> Meter {
    let crowd = Crowd::default();
    let mut meter = Meter::new();
    async_scope!(|scope| {
        for i in 0..n {
            drop(scope.spawn(crowd.clone().join(i)));
        }
        while crowd.count() < n {
            SelfWake::default().await;
        }
        meter.start();
        scope.terminate::<()>(()).await
    })
    .await;
    meter.stop(n);
    assert_eq!(crowd.count(), 0);
    meter
}

async fn memory(n: u64) -> Meter {
    let before = resident_bytes();
    let mut meter = Meter::new();
    meter.start();
    let mut run = pin!(async_scope!(|scope| {
        for i in 0..n {
            drop(scope.spawn(with_state(i)));
        }
    }));
    for _ in 0..n / 32 {
        poll_fn(|cx| {
            assert!(run.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    meter.stop(n);
    meter.tell("resident", (resident_bytes() - before) / n as f64);
    meter
}
