//! embassy-executor on its platform for std. Its tasks live in storage that was leaked beforehand; it allocates
//! nothing, and has no join: a signal or a counter stands in for it. What each benchmark does is said in `micro-suite`.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::hint::black_box;
use std::rc::Rc;

use bench_common::{BATCH, Meter, SelfWake, WARM_UP, name_and_size, timed};
use embassy_executor::raw::TaskStorage;
use embassy_executor::{Executor, Spawner};
use embassy_futures::yield_now;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::signal::Signal;
use micro_suite::{arguments, lacks};

type Bell = Signal<NoopRawMutex, u64>;

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// Room for so many tasks of what `make` makes.
fn rooms<F: Future + 'static>(count: u64, _make: &impl Fn(u64) -> F) -> &'static [TaskStorage<F>] {
    (0..count).map(|_| TaskStorage::new()).collect::<Vec<_>>().leak()
}

fn start<F: Future + 'static>(spawner: Spawner, room: &'static TaskStorage<F>, future: F) {
    spawner.spawn(room.spawn(|| future).unwrap());
}

/// Rings when so many have called.
#[derive(Clone, Copy)]
struct Counter {
    left: &'static Cell<u64>,
    bell: &'static Bell,
}

impl Counter {
    fn new(count: u64) -> Counter {
        Counter { left: leak(Cell::new(count)), bell: leak(Signal::new()) }
    }

    fn call(self) {
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0 {
            self.bell.signal(0);
        }
    }
}

async fn sequence(spawner: Spawner, n: u64) -> Meter {
    let bell: &'static Bell = leak(Signal::new());
    let make = |i| async move { bell.signal(black_box(i)) };
    let room = &rooms(1, &make)[0];
    let one_by_one = async |n| {
        for i in 0..n {
            start(spawner, room, make(i));
            black_box(bell.wait().await);
        }
    };
    one_by_one(WARM_UP).await;
    timed(n, one_by_one(n)).await
}

async fn batches(spawner: Spawner, n: u64, size: u64) -> Meter {
    let counter = Counter::new(size);
    let make = |i| async move {
        black_box(i);
        counter.call();
    };
    let rooms = rooms(size, &make);
    let batches = async |count| {
        for _ in 0..count {
            counter.left.set(size);
            for i in 0..size {
                start(spawner, &rooms[i as usize], make(i));
            }
            counter.bell.wait().await;
            SelfWake::default().await; // the last caller's room is free once it has returned
        }
    };
    batches(1).await;
    timed(n.div_ceil(size) * size, batches(n.div_ceil(size))).await
}

async fn yields<Y: Future<Output = ()> + 'static>(spawner: Spawner, n: u64, tasks: u64, pause: fn() -> Y) {
    let counter = Counter::new(tasks);
    let make = |_| async move {
        for _ in 0..n / tasks {
            pause().await;
        }
        counter.call();
    };
    let rooms = rooms(tasks, &make);
    for i in 0..tasks {
        start(spawner, &rooms[i as usize], make(i));
    }
    counter.bell.wait().await;
}

/// Over its own channel, with room for one.
async fn ping_pong(spawner: Spawner, n: u64) {
    type Way = Channel<NoopRawMutex, u64, 1>;
    let (there, back): (&'static Way, &'static Way) = (leak(Way::new()), leak(Way::new()));
    let counter = Counter::new(2);
    let make = |player| async move {
        let (sender, receiver) = if player == 0 { (there, back) } else { (back, there) };
        if player == 0 {
            sender.send(0).await;
        }
        for i in 0..n {
            black_box(receiver.receive().await);
            if player == 1 || i + 1 < n {
                sender.send(i).await;
            }
        }
        counter.call();
    };
    let rooms = rooms(2, &make);
    for player in 0..2 {
        start(spawner, &rooms[player as usize], make(player));
    }
    counter.bell.wait().await;
}

async fn measure(spawner: Spawner, bench: String, n: u64) -> Meter {
    match name_and_size(&bench) {
        ("spawn_seq", None) => sequence(spawner, n).await,
        ("spawn_batch", size) => batches(spawner, n, size.unwrap_or(BATCH)).await,
        ("yield", Some(tasks)) => timed(n, yields(spawner, n, tasks, yield_now)).await,
        ("selfwake", Some(tasks)) => timed(n, yields(spawner, n, tasks, SelfWake::default)).await,
        ("pingpong", None) => timed(n, ping_pong(spawner, n)).await,
        _ => lacks(&bench),
    }
}

fn main() {
    let (bench, n) = arguments();
    let result: Rc<RefCell<Option<Meter>>> = Rc::default();
    let ours = result.clone();
    leak_mut(Executor::new()).run_until(
        move |spawner| {
            let make = |_| {
                let (ours, bench) = (ours.clone(), bench.clone());
                async move {
                    let meter = measure(spawner, bench, n).await;
                    *ours.borrow_mut() = Some(meter);
                }
            };
            start(spawner, &rooms(1, &make)[0], make(0));
        },
        || result.borrow().is_some(),
    );
    result.take().unwrap().print();
}

fn leak_mut<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}
