//! Spawning tasks and awaiting them.

use std::hint::black_box;

use bench_common::{Meter, TREE, WARM_UP, timed};

use super::Runtime;
use crate::Crowd;

pub(super) async fn sequence<R: Runtime>(n: u64, parked: u64) -> Meter {
    let crowd = Crowd::default();
    let others: Vec<_> = (0..parked).map(|i| R::spawn(crowd.clone().join(i))).collect();
    one_by_one::<R>(WARM_UP).await;
    let meter = timed(n, one_by_one::<R>(n)).await;
    drop(others);
    meter
}

async fn one_by_one<R: Runtime>(n: u64) {
    for i in 0..n {
        black_box(R::join(R::spawn(async move { black_box(i) })).await);
    }
}

pub(super) async fn batches<R: Runtime>(n: u64, size: u64) -> Meter {
    let mut tasks = Vec::with_capacity(size as usize);
    batch::<R>(size, &mut tasks).await;
    let work = async {
        for _ in 0..n.div_ceil(size) {
            batch::<R>(size, &mut tasks).await;
        }
    };
    timed(n.div_ceil(size) * size, work).await
}

async fn batch<R: Runtime>(size: u64, tasks: &mut Vec<R::Task<u64>>) {
    for i in 0..size {
        tasks.push(R::spawn(async move { black_box(i) }));
    }
    for task in tasks.drain(..) {
        black_box(R::join(task).await);
    }
}

pub(super) async fn trees<R: Runtime>(count: u64) -> Meter {
    level5::<R>().await;
    let work = async {
        for _ in 0..count {
            assert_eq!(R::join(R::spawn(level5::<R>())).await, TREE);
        }
    };
    timed(count * TREE, work).await
}

#[allow(clippy::extra_unused_type_parameters, reason = "like the levels above it")]
async fn leaf<R: Runtime>() -> u64 {
    black_box(1)
}

macro_rules! level {
    ($name:ident, $child:ident) => {
        async fn $name<R: Runtime>() -> u64 {
            let children: [_; 10] = std::array::from_fn(|_| R::spawn($child::<R>()));
            let mut sum = 1;
            for child in children {
                sum += R::join(child).await;
            }
            sum
        }
    };
}
level!(level1, leaf);
level!(level2, level1);
level!(level3, level2);
level!(level4, level3);
level!(level5, level4);
