//! Spawning tasks and awaiting them.

use std::convert::Infallible;
use std::future::pending;
use std::hint::black_box;

use bench_common::{Meter, TREE, WARM_UP, timed};
use giambio::{Nursery, Task, nursery};

async fn number(i: u64) -> Result<u64, Infallible> {
    Ok(black_box(i))
}

/// One after the other, among so many that wait.
pub(crate) async fn sequence(n: u64, parked: u64) -> Meter {
    let Ok(meter) = nursery(async |scope| {
        for _ in 0..parked {
            scope.spawn(pending());
        }
        one_by_one(scope, WARM_UP).await;
        let meter = timed(n, one_by_one(scope, n)).await;
        scope.cancel_children();
        Ok::<_, Infallible>(meter)
    })
    .await;
    meter
}

async fn one_by_one(nursery: Nursery<'_, '_, Infallible>, n: u64) {
    for i in 0..n {
        let _ = black_box(nursery.spawn_value(number(i)).await);
    }
}

/// So many at once, then all of them awaited.
pub(crate) async fn batches(n: u64, size: u64) -> Meter {
    let Ok(meter) = nursery(async |scope| {
        let mut tasks = Vec::with_capacity(size as usize);
        batch(scope, size, &mut tasks).await;
        let work = async {
            for _ in 0..n.div_ceil(size) {
                batch(scope, size, &mut tasks).await;
            }
        };
        Ok::<_, Infallible>(timed(n.div_ceil(size) * size, work).await)
    })
    .await;
    meter
}

async fn batch<'scope>(nursery: Nursery<'scope, '_, Infallible>, size: u64, tasks: &mut Vec<Task<'scope, u64>>) {
    for i in 0..size {
        tasks.push(nursery.spawn_value(number(i)));
    }
    for task in tasks.drain(..) {
        let _ = black_box(task.await);
    }
}

/// Nurseries in nurseries, each with ten children that it awaits.
pub(crate) async fn trees(count: u64) -> Meter {
    level5().await;
    let work = async {
        for _ in 0..count {
            assert_eq!(level5().await, TREE);
        }
    };
    timed(count * TREE, work).await
}

async fn leaf() -> u64 {
    black_box(1)
}

macro_rules! level {
    ($name:ident, $child:ident) => {
        async fn $name() -> u64 {
            let Ok(sum) = nursery(async |n| {
                let children: [_; 10] =
                    std::array::from_fn(|_| n.spawn_value(async { Ok::<_, Infallible>($child().await) }));
                let mut sum = 1;
                for child in children {
                    sum += child.await.unwrap_or(0);
                }
                Ok(sum)
            })
            .await;
            sum
        }
    };
}
level!(level1, leaf);
level!(level2, level1);
level!(level3, level2);
level!(level4, level3);
level!(level5, level4);
