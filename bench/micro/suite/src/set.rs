//! For sets of futures: they poll what is in them when they are polled, and have no timers and no threads.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::Pin;
use std::task::Poll;

use bench_common::{BATCH, Meter, SelfWake, TREE, WARM_UP, name_and_size, resident_bytes, timed};

use crate::{Crowd, Player, arguments, lacks, with_state};

/// A set of futures.
pub trait Set: 'static {
    type Of<F: Future>;
    fn empty<F: Future>() -> Self::Of<F>;
    fn push<F: Future>(set: &mut Self::Of<F>, future: F);
    /// The value of the next that ends; `None` if there is none.
    fn next<F: Future>(set: &mut Self::Of<F>) -> impl Future<Output = Option<F::Output>>;
}

/// The `main` of a set's program; `block_on` polls it.
pub fn main_of_set<S: Set>(block_on: impl FnOnce(Pin<Box<dyn Future<Output = Meter>>>) -> Meter) {
    let (bench, n) = arguments();
    block_on(Box::pin(measure::<S>(bench, n))).print();
}

async fn measure<S: Set>(bench: String, n: u64) -> Meter {
    match name_and_size(&bench) {
        ("spawn_seq", None) => sequence::<S>(n, 0).await,
        ("spawn_among", Some(parked)) => sequence::<S>(n, parked).await,
        ("spawn_batch", size) => batches::<S>(n, size.unwrap_or(BATCH)).await,
        ("tree", None) => trees::<S>(n.div_ceil(TREE)).await,
        ("selfwake", Some(tasks)) => timed(n, yields::<S>(n, tasks)).await,
        ("pingpong", None) => timed(n, ping_pong::<S>(n, 0)).await,
        ("depth", Some(depth)) => timed(n, ping_pong::<S>(n, depth)).await,
        ("cancel_all", None) => cancel_all::<S>(n).await,
        ("parked", None) => memory::<S>(n).await,
        _ => lacks(&bench),
    }
}

async fn number(i: u64) -> u64 {
    black_box(i)
}

/// A number, or for ever.
async fn number_or_wait(i: Option<u64>) -> u64 {
    match i {
        Some(i) => black_box(i),
        None => std::future::pending().await,
    }
}

/// All that are pushed, until all have ended.
async fn each<S: Set, F: Future>(count: u64, make: impl Fn(u64) -> F, mut take: impl FnMut(F::Output)) {
    let mut set = S::empty::<F>();
    for i in 0..count {
        S::push(&mut set, make(i));
    }
    while let Some(value) = S::next(&mut set).await {
        take(value);
    }
}

async fn sequence<S: Set>(n: u64, parked: u64) -> Meter {
    let mut set = S::empty();
    for _ in 0..parked {
        S::push(&mut set, number_or_wait(None));
    }
    let mut one_by_one = async |n| {
        for i in 0..n {
            S::push(&mut set, number_or_wait(Some(i)));
            black_box(S::next(&mut set).await);
        }
    };
    one_by_one(WARM_UP).await;
    timed(n, one_by_one(n)).await
}

async fn batches<S: Set>(n: u64, size: u64) -> Meter {
    let mut set = S::empty();
    let mut batches = async |count| {
        for _ in 0..count {
            for i in 0..size {
                S::push(&mut set, number(i));
            }
            while let Some(value) = S::next(&mut set).await {
                black_box(value);
            }
        }
    };
    batches(1).await;
    timed(n.div_ceil(size) * size, batches(n.div_ceil(size))).await
}

macro_rules! level {
    ($name:ident, $child:ident) => {
        async fn $name<S: Set>() -> u64 {
            let mut sum = 1;
            each::<S, _>(10, |_| $child::<S>(), |value| sum += value).await;
            sum
        }
    };
}
#[allow(clippy::extra_unused_type_parameters, reason = "like the levels above it")]
async fn leaf<S: Set>() -> u64 {
    black_box(1)
}
level!(level1, leaf);
level!(level2, level1);
level!(level3, level2);
level!(level4, level3);
level!(level5, level4);

async fn trees<S: Set>(count: u64) -> Meter {
    level5::<S>().await;
    let work = async {
        for _ in 0..count {
            assert_eq!(level5::<S>().await, TREE);
        }
    };
    timed(count * TREE, work).await
}

async fn yields<S: Set>(n: u64, tasks: u64) {
    let task = |_| async move {
        for _ in 0..n / tasks {
            SelfWake::default().await;
        }
    };
    each::<S, _>(tasks, task, |()| ()).await
}

type Boxed = Pin<Box<dyn Future<Output = u64>>>;

async fn ping_pong<S: Set>(n: u64, depth: u64) {
    let (first, second) = Player::pair();
    let second: Boxed = Box::pin(second.play(n));
    let second = (0..depth).fold(second, |inner, _| Box::pin(alone::<S>(inner)));
    let mut set = S::empty::<Boxed>();
    S::push(&mut set, Box::pin(first.play(n)));
    S::push(&mut set, second);
    while let Some(sum) = S::next(&mut set).await {
        black_box(sum);
    }
}

/// In a set of its own.
async fn alone<S: Set>(inner: Boxed) -> u64 {
    let mut set = S::empty();
    S::push(&mut set, inner);
    S::next(&mut set).await.expect("there is one")
}

/// Polls what is in the set once.
async fn poll_all<S: Set, F: Future>(set: &mut S::Of<F>, is_done: impl Fn() -> bool) {
    while !is_done() {
        let mut next = std::pin::pin!(S::next(set));
        poll_fn(|cx| {
            assert!(next.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
    }
}

async fn cancel_all<S: Set>(n: u64) -> Meter {
    let crowd = Crowd::default();
    let mut set = S::empty();
    for i in 0..n {
        S::push(&mut set, crowd.clone().join(i));
    }
    poll_all::<S, _>(&mut set, || crowd.count() == n).await;
    let mut meter = Meter::new();
    meter.start();
    drop(set);
    meter.stop(n);
    assert_eq!(crowd.count(), 0);
    meter
}

async fn memory<S: Set>(n: u64) -> Meter {
    let polled = Cell::new(0);
    let before = resident_bytes();
    let mut meter = Meter::new();
    meter.start();
    let mut set = S::empty();
    for i in 0..n {
        S::push(&mut set, with_state(i));
    }
    poll_all::<S, _>(&mut set, || polled.replace(polled.get() + 1) > n / 32).await;
    meter.stop(n);
    meter.tell("resident", (resident_bytes() - before) / n as f64);
    meter
}
