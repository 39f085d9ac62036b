//! Where zero is: what the work costs without a runtime. There are no wake-ups, no handles and no results here, so
//! nothing complete can reach it. Tasks are boxed futures in a queue, polled in turn with a waker that does nothing;
//! a tree is boxed futures that their parent awaits in turn; timers are entries of a BTreeMap.

mod system;

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, pending, poll_fn};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bench_common::{BATCH, Meter, SelfWake, TREE, WARM_UP, far, name_and_size, resident_bytes, timed};
use micro_suite::{Crowd, arguments, lacks, with_state};

fn main() {
    let (bench, n) = arguments();
    block_on(measure(&bench, n)).print();
}

async fn measure(bench: &str, n: u64) -> Meter {
    match name_and_size(bench) {
        ("spawn_seq", None) => {
            spawn(WARM_UP, 1).await;
            timed(n, spawn(n, 1)).await
        }
        ("spawn_batch", size) => {
            let size = size.unwrap_or(BATCH);
            spawn(1, size).await;
            timed(n.div_ceil(size) * size, spawn(n, size)).await
        }
        ("tree", None) => trees(n.div_ceil(TREE)).await,
        ("selfwake", Some(tasks)) => timed(n, yields(n, tasks)).await,
        ("pingpong", None) => timed(n, ping_pong(n)).await,
        ("timer_cancel", Some(live)) => replace_timers(n, live),
        ("timer_set", None) => set_timers(n),
        ("timer_fire", None) => system::fire_timers(n),
        ("cancel_all", None) => cancel_all(n),
        ("wake", None) => system::wake(n),
        ("parked", None) => memory(n),
        _ => lacks(bench),
    }
}

type Queue = VecDeque<Pin<Box<dyn Future<Output = ()>>>>;

fn drain(queue: &mut Queue) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Some(mut task) = queue.pop_front() {
        if task.as_mut().poll(&mut cx).is_pending() {
            queue.push_back(task);
        }
    }
}

async fn spawn(n: u64, batch: u64) {
    let mut queue = Queue::with_capacity(batch as usize);
    for _ in 0..n.div_ceil(batch) {
        for i in 0..batch {
            queue.push_back(Box::pin(async move {
                black_box(i);
            }));
        }
        drain(&mut queue);
    }
}

async fn yields(n: u64, tasks: u64) {
    let mut queue = Queue::with_capacity(tasks as usize);
    for _ in 0..tasks {
        queue.push_back(Box::pin(async move {
            for _ in 0..n / tasks {
                SelfWake::default().await;
            }
        }));
    }
    drain(&mut queue);
}

async fn ping_pong(n: u64) {
    let places: [Rc<Cell<Option<u64>>>; 2] = Default::default();
    places[0].set(Some(0));
    let mut queue = Queue::new();
    for player in 0..2 {
        let (from, to) = (places[player].clone(), places[1 - player].clone());
        queue.push_back(Box::pin(async move {
            for _ in 0..n {
                let value = poll_fn(|_| from.take().map_or(Poll::Pending, Poll::Ready)).await;
                to.set(Some(value + 1));
            }
        }));
    }
    drain(&mut queue);
}

macro_rules! level {
    ($name:ident, $child:ident) => {
        async fn $name() -> u64 {
            type Task = Pin<Box<dyn Future<Output = u64>>>;
            let children: [Task; 10] = std::array::from_fn(|_| Box::pin($child()) as Task);
            let mut sum = 1;
            for child in children {
                sum += child.await;
            }
            sum
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
            let root: Pin<Box<dyn Future<Output = u64>>> = Box::pin(level5());
            assert_eq!(root.await, TREE);
        }
    };
    timed(count * TREE, work).await
}

fn replace_timers(n: u64, live: u64) -> Meter {
    let start = Instant::now();
    let key = |i| (start + far(i), i);
    let mut timers: BTreeMap<_, _> = (0..live).map(|i| (key(i), Waker::noop().clone())).collect();
    let mut meter = Meter::new();
    meter.start();
    for i in 0..n {
        timers.remove(&key(i));
        timers.insert(key(i + live), Waker::noop().clone());
    }
    meter.stop(n);
    meter
}

fn set_timers(n: u64) -> Meter {
    let start = Instant::now();
    let key = |i| (start + far(i), i);
    let mut timers = BTreeMap::new();
    let mut meter = Meter::new();
    meter.start();
    for i in 0..n {
        timers.insert(key(i), Waker::noop().clone());
    }
    for i in 0..n {
        timers.remove(&key(i));
    }
    meter.stop(n);
    meter
}

fn cancel_all(n: u64) -> Meter {
    let crowd = Crowd::default();
    let mut queue = Queue::with_capacity(n as usize);
    for i in 0..n {
        queue.push_back(Box::pin(crowd.clone().join(i)));
    }
    poll_all(&mut queue);
    let mut meter = Meter::new();
    meter.start();
    drop(queue);
    meter.stop(n);
    assert_eq!(crowd.count(), 0);
    meter
}

fn memory(n: u64) -> Meter {
    let before = resident_bytes();
    let mut meter = Meter::new();
    meter.start();
    let mut queue = Queue::with_capacity(n as usize);
    for i in 0..n {
        queue.push_back(Box::pin(with_state(i)));
    }
    poll_all(&mut queue);
    meter.stop(n);
    meter.tell("resident", (resident_bytes() - before) / n as f64);
    meter
}

fn poll_all(queue: &mut Queue) {
    queue.push_back(Box::pin(pending()));
    let mut cx = Context::from_waker(Waker::noop());
    for task in queue {
        assert!(task.as_mut().poll(&mut cx).is_pending());
    }
}

fn block_on<F: Future>(main: F) -> F::Output {
    let mut main = pin!(main);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = main.as_mut().poll(&mut cx) {
            return value;
        }
    }
}
