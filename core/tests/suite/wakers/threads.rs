//! Wakes by other threads.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use crate::common::*;
use giambio_core::{Runtime, Until, VirtualClock, checkpoint, move_on_after, nursery, sleep};

/// So long, and a test that waits for a lost wake has failed.
const WATCHDOG: Duration = Duration::from_secs(120);

struct Unpark(std::thread::Thread, AtomicBool);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.1.store(true, SeqCst);
        self.0.unpark();
    }
}

/// Runs on this thread, which sleeps until it is notified.
fn run_parked<F: Future>(main: F) -> F::Output {
    let unpark = Arc::new(Unpark(std::thread::current(), AtomicBool::new(false)));
    let clock: VirtualClock = VirtualClock::new();
    let runtime = pin!(Runtime::new(&clock, main).with_notify(unpark.clone().into()));
    runtime.run(&mut |until| match until {
        Until::Now => {}
        Until::At(tick) => clock.advance_to(tick),
        Until::OnWake => {
            while !unpark.1.swap(false, SeqCst) {
                let start = std::time::Instant::now();
                std::thread::park_timeout(WATCHDOG);
                assert!(start.elapsed() < WATCHDOG, "a wake was lost");
            }
        }
    })
}

/// A counter that others raise, and one task waits for.
#[derive(Default)]
struct Counter {
    value: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

impl Counter {
    fn raise(&self) {
        self.value.fetch_add(1, SeqCst);
        let waker = self.waker.lock().unwrap().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
    async fn reaches(&self, goal: u64) {
        poll_fn(|cx| {
            *self.waker.lock().unwrap() = Some(cx.waker().clone());
            if self.value.load(SeqCst) >= goal { Poll::Ready(()) } else { Poll::Pending }
        })
        .await
    }
}

#[test]
fn a_wake_from_another_thread_ends_the_wait() {
    let counter = Arc::new(Counter::default());
    let (go, gone) = mpsc::channel::<()>();
    let thread = std::thread::spawn({
        let counter = counter.clone();
        move || {
            while gone.recv().is_ok() {
                counter.raise();
            }
        }
    });
    run_parked(async {
        for i in 1..=1_000 {
            let mut waits = pin!(counter.reaches(i));
            assert!(poll_once(waits.as_mut()).await.is_pending());
            go.send(()).unwrap();
            waits.await;
        }
    });
    drop(go);
    thread.join().unwrap();
}

#[test]
fn eight_threads_wake_at_once_and_no_wake_is_lost() {
    const EACH: u64 = 20_000;
    let counters: Arc<Vec<Counter>> = Arc::new((0..16).map(|_| Counter::default()).collect());
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let counters = counters.clone();
            std::thread::spawn(move || {
                let mut rng = Rng(thread);
                for i in 0..EACH {
                    counters[(i % 16) as usize].raise();
                    if rng.one_in(64) {
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    run_parked(async {
        nursery(async |n| {
            for counter in &counters[..8] {
                n.spawn(async {
                    for step in 1..=EACH / 16 {
                        counter.reaches(step * 8).await;
                    }
                    Ok(())
                });
            }
            n.spawn(nursery(async |n| {
                for counter in &counters[8..] {
                    n.spawn(async { Ok(counter.reaches(EACH / 16 * 8).await) });
                }
                Ok(())
            }));
            Ok::<_, ()>(())
        })
        .await
    })
    .unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn threads_wake_while_tasks_come_and_go() {
    // Wakers of tasks that end, of places reused, of a runtime that ends.
    let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..8)
        .map(|seed| {
            let (wakers, stop) = (wakers.clone(), stop.clone());
            std::thread::spawn(move || {
                let mut rng = Rng(seed);
                while !stop.load(SeqCst) {
                    let waker = {
                        let mut wakers = wakers.lock().unwrap();
                        let len = wakers.len() as u64;
                        if len == 0 {
                            drop(wakers);
                            std::thread::yield_now();
                            continue;
                        }
                        let i = rng.below(len) as usize;
                        if len > 200 { wakers.swap_remove(i) } else { wakers[i].clone() }
                    };
                    waker.wake_by_ref();
                    waker.wake();
                }
            })
        })
        .collect();
    for round in 0..20 {
        let live = Live::new();
        run_parked(async {
            nursery(async |n| {
                for i in 0..200u64 {
                    let task = n.spawn(async {
                        let _object = live.object();
                        let mut polls = 0;
                        poll_fn(|cx| {
                            wakers.lock().unwrap().push(cx.waker().clone());
                            polls += 1;
                            // Woken by the others, or not: its own wake is enough.
                            cx.waker().wake_by_ref();
                            if polls > 3 { Poll::Ready(()) } else { Poll::Pending }
                        })
                        .await;
                        Ok(())
                    });
                    if (i + round) % 3 == 0 {
                        checkpoint().await;
                        task.cancel();
                    }
                }
                Ok::<_, ()>(())
            })
            .await
        })
        .unwrap();
        assert_eq!(live.left(), 0);
    }
    stop.store(true, SeqCst);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_waker_may_be_fired_after_its_thread_ended() {
    let (send, receive) = mpsc::channel::<Waker>();
    std::thread::spawn(move || {
        run_virtual(async {
            poll_fn(|cx| {
                send.send(cx.waker().clone()).unwrap();
                Poll::Ready(())
            })
            .await;
            nursery(async |n| {
                n.spawn(poll_fn(|cx| {
                    send.send(cx.waker().clone()).unwrap();
                    Poll::Ready(Ok(()))
                }));
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
        });
    })
    .join()
    .unwrap();
    let wakers: Vec<Waker> = receive.iter().collect();
    assert_eq!(wakers.len(), 2);
    for waker in &wakers {
        waker.wake_by_ref();
        waker.wake_by_ref();
    }
    // Nor do they wake anybody in a later thread.
    let polls = std::thread::spawn(move || {
        let polls = Cell::new(0);
        run_virtual(async {
            nursery(async |n| {
                n.child().daemon().spawn(counted(&polls, forever()));
                for _ in 0..3 {
                    checkpoint().await;
                    wakers.iter().for_each(Waker::wake_by_ref);
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
        });
        polls.get()
    });
    assert_eq!(polls.join().unwrap(), 1);
}

#[test]
fn a_forgotten_nursery_may_be_woken_from_other_threads() {
    let counter = Arc::new(Counter::default());
    {
        let mut waits = Box::pin(nursery(async |n| {
            let counter = counter.clone();
            n.spawn(async move { Ok(counter.reaches(1).await) });
            Ok::<_, ()>(())
        }));
        assert!(poll_with_nobody(waits.as_mut()).is_pending());
        assert!(poll_with_nobody(waits.as_mut()).is_pending());
        std::mem::forget(waits);
    }
    let raises = counter.clone();
    std::thread::spawn(move || raises.raise()).join().unwrap();
    run_virtual(async { sleep(secs(1)).await });
}

#[test]
fn every_thread_has_a_runtime_of_its_own() {
    let threads: Vec<_> = (0..8u64)
        .map(|seed| {
            std::thread::spawn(move || {
                run_virtual(async {
                    let late = move_on_after(
                        secs(50),
                        nursery(async |n| {
                            for i in 0..100 {
                                n.spawn(async move { Ok(sleep(secs(i + seed)).await) });
                            }
                            Ok::<_, ()>(())
                        }),
                    )
                    .await;
                    assert_eq!((late, now()), (None, secs(50)));
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_notification_may_come_while_the_runtime_is_being_dropped() {
    let counter = Arc::new(Counter::default());
    let stop = Arc::new(AtomicBool::new(false));
    let thread = std::thread::spawn({
        let (counter, stop) = (counter.clone(), stop.clone());
        move || {
            while !stop.load(SeqCst) {
                counter.raise();
            }
        }
    });
    for _ in 0..2_000 {
        let (woken, notify) = Woken::new();
        let clock: VirtualClock = VirtualClock::new();
        let mut runtime = Box::pin(Runtime::new(&clock, counter.reaches(u64::MAX)).with_notify(notify));
        let _ = runtime.as_mut().turn();
        drop(runtime);
        drop(woken);
    }
    stop.store(true, SeqCst);
    thread.join().unwrap();
}
