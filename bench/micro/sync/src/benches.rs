//! What each benchmark does, written once.

use std::future::poll_fn;
use std::hint::black_box;
use std::pin::pin;
use std::task::Poll;

use bench_common::Gate;
use micro_suite::lacks;

use crate::executors::Executor;
use crate::libraries::{Bell, Broadcast, Channel, Library, Lock, OneShot, Permits, Watch};

pub(crate) fn run<E: Executor, L: Library>(bench: &str, n: u64) {
    let mut words = bench.split('_');
    let name = words.next().unwrap_or_default();
    let sizes: Vec<u64> = words.clone().map_while(|word| word.parse().ok()).collect();
    let gate = match (name, &sizes[..]) {
        ("lock", []) => alone::<E>(n, uncontended::<L::Lock>(n)),
        ("lock", [tasks]) => hand_over::<E, L::Lock>(n, *tasks),
        ("permit", []) => alone::<E>(n, permits::<L::Permits>(n)),
        ("pass", []) => alone::<E>(n, pass::<L::Channel<16>>(n)),
        ("channel", [1, tasks]) => channel::<E, L::Channel<1>>(n, *tasks, 1),
        ("channel", [16, tasks]) => channel::<E, L::Channel<16>>(n, *tasks, 1),
        ("channel", [1024, tasks]) => channel::<E, L::Channel<1024>>(n, *tasks, 1),
        ("crowd", [16, tasks]) => channel::<E, L::Channel<16>>(n, *tasks, tasks / 2),
        ("oneshot", []) => alone::<E>(n, one_shots::<L::OneShot>(n)),
        ("broadcast", [10]) => broadcast::<E, L::Broadcast<10>>(n, 10),
        ("broadcast", [1000]) => broadcast::<E, L::Broadcast<1000>>(n, 1000),
        ("watch", [10]) => watch::<E, L::Watch>(n, 10),
        ("bell", []) => bells::<E, L::Bell>(n),
        ("pause", [tasks]) => pauses::<E>(n, *tasks),
        ("waiter", []) => waiter::<E, L>(words.next().unwrap_or_default(), n),
        _ => lacks(bench),
    };
    gate.print();
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// Tasks that do this, each with its number, once all of them are there.
fn side_by_side<E: Executor, F: Future<Output = ()> + 'static>(n: u64, tasks: u64, make: impl Fn(u64) -> F) -> Gate {
    let gate = Gate::new(tasks as usize, n);
    let task = |number| {
        let (gate, work) = (gate.clone(), make(number));
        async move {
            gate.enter().await;
            work.await;
            gate.leave();
        }
    };
    E::run((0..tasks).map(task).collect(), &gate);
    gate
}

fn alone<E: Executor>(n: u64, work: impl Future<Output = ()> + 'static) -> Gate {
    let work = std::cell::Cell::new(Some(work));
    side_by_side::<E, _>(n, 1, |_| work.take().expect("it is the only one"))
}

async fn uncontended<L: Lock>(n: u64) {
    let lock = L::new();
    for _ in 0..n {
        *lock.lock().await += 1;
    }
}

fn hand_over<E: Executor, L: Lock>(n: u64, tasks: u64) -> Gate {
    let lock = leak(L::new());
    let each = n / tasks;
    side_by_side::<E, _>(each * tasks, tasks, |_| async move {
        for _ in 0..each {
            let mut guard = lock.lock().await;
            *guard += 1;
            E::pause().await;
            drop(guard);
        }
    })
}

async fn permits<P: Permits>(n: u64) {
    let permits = P::new();
    for _ in 0..n {
        drop(permits.acquire().await);
    }
}

async fn pass<C: Channel>(n: u64) {
    let (mut sender, mut receiver) = C::new();
    for i in 0..n {
        C::send(&mut sender, i).await;
        black_box(C::receive(&mut receiver).await);
    }
}

/// From many to as many as there are receivers.
fn channel<E: Executor, C: Channel>(n: u64, tasks: u64, receivers: u64) -> Gate {
    let (sender, receiver) = C::new();
    let (first_sender, first_receiver) = (std::cell::Cell::new(Some(sender)), std::cell::Cell::new(Some(receiver)));
    let senders = tasks - receivers;
    // As many for each.
    let n = n / (senders * receivers) * senders * receivers;
    let end = |number: u64| {
        if number < senders {
            let sender = first_sender.take().expect("it is put back");
            if number + 1 < senders {
                first_sender.set(Some(C::one_more_sender(&sender)));
            }
            (Some(sender), None)
        } else {
            let receiver = first_receiver.take().expect("it is put back");
            if number + 1 < tasks {
                first_receiver.set(Some(C::one_more_receiver(&receiver)));
            }
            (None, Some(receiver))
        }
    };
    side_by_side::<E, _>(n, tasks, |number| {
        let (sender, receiver) = end(number);
        async move {
            if let Some(mut sender) = sender {
                for i in 0..n / senders {
                    C::send(&mut sender, i).await;
                }
                // Others may have to receive what is in it still, so it stays open.
                std::mem::forget(sender);
            }
            if let Some(mut receiver) = receiver {
                for _ in 0..n / receivers {
                    black_box(C::receive(&mut receiver).await);
                }
                std::mem::forget(receiver);
            }
        }
    })
}

async fn one_shots<O: OneShot>(n: u64) {
    for i in 0..n {
        black_box(O::once(i).await);
    }
}

fn broadcast<E: Executor, B: Broadcast>(n: u64, subscribers: u64) -> Gate {
    let broadcast = leak(B::new());
    let each = n.div_ceil(subscribers);
    side_by_side::<E, _>(each * subscribers, subscribers + 1, |number| {
        // Before anything is sent.
        let subscriber = (number < subscribers).then(|| broadcast.subscribe());
        async move {
            let Some(mut subscriber) = subscriber else {
                for i in 0..each {
                    broadcast.send(i);
                    E::pause().await;
                }
                return;
            };
            for i in 0..each {
                assert_eq!(B::receive(&mut subscriber).await, i);
            }
        }
    })
}

fn watch<E: Executor, W: Watch>(n: u64, watchers: u64) -> Gate {
    let watch = leak(W::new());
    let each = n.div_ceil(watchers);
    side_by_side::<E, _>(each * watchers, watchers + 1, |number| {
        let watcher = (number < watchers).then(|| watch.watcher());
        async move {
            let Some(mut watcher) = watcher else {
                for i in 1..=each {
                    watch.set(i);
                    E::pause().await;
                }
                return;
            };
            for i in 1..=each {
                assert_eq!(W::changed(&mut watcher).await, i);
            }
        }
    })
}

fn bells<E: Executor, B: Bell>(n: u64) -> Gate {
    let (there, back): (&B, &B) = (leak(B::new()), leak(B::new()));
    side_by_side::<E, _>(n, 2, |number| async move {
        let (mine, theirs) = if number == 0 { (back, there) } else { (there, back) };
        if number == 0 {
            theirs.ring();
        }
        for i in 0..n {
            mine.wait().await;
            if number == 1 || i + 1 < n {
                theirs.ring();
            }
        }
    })
}

fn pauses<E: Executor>(n: u64, tasks: u64) -> Gate {
    side_by_side::<E, _>(n / tasks * tasks, tasks, |_| async move {
        for _ in 0..n / tasks {
            E::pause().await;
        }
    })
}

fn waiter<E: Executor, L: Library>(what: &str, n: u64) -> Gate {
    let (gate, bytes) = match what {
        "lock" => {
            let lock = leak(L::Lock::new());
            let bytes = size_of_val(&lock.lock());
            let work = async move {
                let _held = lock.lock().await;
                for _ in 0..n {
                    given_up(lock.lock()).await;
                }
            };
            (alone::<E>(n, work), bytes)
        }
        "receive" => {
            let (sender, mut receiver) = L::Channel::<16>::new();
            let bytes = size_of_val(&L::Channel::<16>::receive(&mut receiver));
            let work = async move {
                for _ in 0..n {
                    given_up(L::Channel::<16>::receive(&mut receiver)).await;
                }
                drop(sender);
            };
            (alone::<E>(n, work), bytes)
        }
        "bell" => {
            let bell = leak(L::Bell::new());
            let bytes = size_of_val(&bell.wait());
            let work = async move {
                for _ in 0..n {
                    given_up(bell.wait()).await;
                }
            };
            (alone::<E>(n, work), bytes)
        }
        _ => lacks(what),
    };
    gate.tell("waiter", bytes as f64);
    gate
}

/// Polls it once, and drops it.
async fn given_up(future: impl Future) {
    let mut future = pin!(future);
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}
