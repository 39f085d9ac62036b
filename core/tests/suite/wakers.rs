//! Conformance, area *wakers*. Laws WAKERS-ARE-NAMES and NO-LOST-WAKE.
#![cfg(feature = "alloc")]

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use crate::common::*;
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use giambio_core::{Next, Runtime, VirtualClock, checkpoint, nursery, sleep};

// ------------------------------------------------------------------------------ stale and unused

#[test]
fn a_waker_kept_after_its_task_ended_wakes_nobody() {
    run_virtual(async {
        let (wakers, before, polls) = (&Wakers::new(), &Cell::new(0), &Cell::new(0));
        nursery(async |n| {
            let task = n.spawn(counted(before, wakers.wait()));
            checkpoint().await;
            task.cancel();
            let _ = task.await;
            // Bystanders as large as the task: one of them lives where it was.
            for _ in 0..10 {
                n.child().daemon().spawn(counted(polls, forever()));
            }
            checkpoint().await;
            checkpoint().await;
            for _ in 0..10 {
                wakers.fire();
                checkpoint().await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        // Without `std` a name has no generation, and may cost who lives there now a poll in vain.
        let in_vain = if cfg!(feature = "std") { 0 } else { 10 };
        assert!(polls.get() <= 10 + in_vain, "one poll for each, whatever was fired, and not {}", polls.get());
    });
}

#[test]
fn a_waker_of_a_place_that_was_reused_many_times_wakes_nobody() {
    // A waker of 32 bits counts 16 tasks of a place; then it may cost one a poll in vain.
    const TIMES: usize = if cfg!(target_pointer_width = "64") { 1_000 } else { 15 };
    run_virtual(async {
        let (wakers, before, polls) = (&Wakers::new(), &Cell::new(0), &Cell::new(0));
        nursery(async |n| {
            for i in 0..TIMES {
                let task = n.spawn(counted(before, wakers.wait()));
                checkpoint().await;
                checkpoint().await;
                task.cancel();
                let _ = task.await;
                if i % 100 == 0 {
                    wakers.fire();
                }
            }
            assert_eq!(wakers.polls(), TIMES);
            n.child().daemon().spawn(counted(polls, forever()));
            checkpoint().await;
            checkpoint().await;
            wakers.fire();
            checkpoint().await;
            checkpoint().await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        // Without `std` it counts nothing.
        assert!(polls.get() <= if cfg!(feature = "std") { 1 } else { 2 }, "{} polls", polls.get());
    });
}

/// After as many tasks in a place as a waker can count, an old one says the same as that of the task to come.
#[test]
fn a_waker_whose_count_has_come_round_does_nothing_to_a_place_that_is_free() {
    const ROUND: usize = if cfg!(target_pointer_width = "64") { 1 << 16 } else { 16 };
    run_virtual(async {
        let (wakers, polls) = (&Wakers::new(), &Cell::new(0));
        nursery(async |n| {
            for i in 0..ROUND {
                let child = async move { if i == 0 { wakers.wait().await } else { Ok(()) } };
                let task = n.spawn(counted(polls, child));
                checkpoint().await;
                task.cancel();
                let _ = task.await;
            }
            assert_eq!(polls.get() as usize, ROUND);
            // Free, and then somebody else's.
            wakers.fire();
            checkpoint().await;
            n.spawn(counted(polls, async { Ok(()) }));
            checkpoint().await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get() as usize, ROUND + 1);
    });
}

#[test]
fn a_waker_kept_after_the_runtime_ended_is_harmless() {
    let wakers = Wakers::new();
    for _ in 0..3 {
        run_virtual(async {
            let _ = poll_once(pin!(wakers.wait::<()>())).await;
            nursery(async |n| {
                n.child().daemon().spawn(wakers.wait());
                for _ in 0..3 {
                    checkpoint().await;
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            wakers.fire();
        });
        let _alone = alone();
        wakers.fire();
    }
    // And a runtime that was dropped half-way.
    {
        let _alone = alone();
        let clock: VirtualClock = VirtualClock::new();
        let mut runtime = pin!(Runtime::new(&clock, wakers.wait::<()>()));
        assert_eq!(runtime.as_mut().turn(), Next::OnWake);
        wakers.fire();
        assert_eq!(runtime.as_mut().turn(), Next::OnWake);
        wakers.fire();
    }
    let _alone = alone();
    wakers.fire();
    run_virtual(async {
        wakers.fire();
        sleep(secs(1)).await;
    });
}

#[test]
fn a_waker_never_used_costs_nothing() {
    run_virtual(async {
        nursery(async |n| {
            n.spawn(poll_fn(|cx| {
                let wakers: Vec<_> = (0..1_000).map(|_| cx.waker().clone()).collect();
                assert!(wakers.iter().all(|waker| waker.will_wake(cx.waker())));
                Poll::Ready(Ok(()))
            }));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn tasks_have_wakers_of_their_own() {
    run_virtual(async {
        let wakers = &RefCell::new(Vec::new());
        let take = &|| {
            poll_fn(|cx| {
                wakers.borrow_mut().push(cx.waker().clone());
                Poll::Ready(())
            })
        };
        nursery(async |n| {
            for _ in 0..10 {
                n.child().daemon().spawn(async {
                    take().await;
                    forever().await
                });
            }
            take().await;
            checkpoint().await;
            checkpoint().await;
            let wakers = wakers.borrow();
            assert_eq!(wakers.len(), 11);
            for (i, waker) in wakers.iter().enumerate() {
                assert!(!wakers[..i].iter().any(|other| waker.will_wake(other)));
                assert!(waker.will_wake(&waker.clone()));
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

// ----------------------------------------------------------------------------------- no lost wake

#[test]
fn a_wake_during_the_own_poll_is_seen_by_a_later_poll() {
    run_virtual(async {
        let polls = &Cell::new(0);
        nursery(async |n| {
            n.spawn(poll_fn(|cx| {
                polls.set(polls.get() + 1);
                if polls.get() == 5 {
                    return Poll::Ready(Ok(()));
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            }));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 5);
        // The main task, and a body.
        foreign_yield().await;
        nursery(async |_| Ok::<_, ()>(foreign_yield().await)).await.unwrap();
    });
}

#[test]
fn a_wake_after_the_task_was_polled_in_this_pass_is_seen_in_the_next() {
    run_virtual(async {
        let (wakers, polls) = (&Wakers::new(), &Cell::new(0));
        nursery(async |n| {
            n.child().daemon().spawn(counted(polls, wakers.wait()));
            n.spawn(async {
                wakers.fire(); // the other one had its poll just now
                Ok(())
            });
            for _ in 0..5 {
                checkpoint().await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn many_wakes_are_one_poll() {
    run_virtual(async {
        let (wakers, polls) = (&Wakers::new(), &Cell::new(0));
        nursery(async |n| {
            n.child().daemon().spawn(counted(polls, wakers.wait()));
            checkpoint().await;
            checkpoint().await;
            for _ in 0..100 {
                wakers.fire();
            }
            for _ in 0..5 {
                checkpoint().await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_wake_between_two_turns_is_seen() {
    let _alone = alone();
    let (clock, events) = (VirtualClock::<1_000>::new(), [Event::new(), Event::new(), Event::new()]);
    let mut runtime = pin!(Runtime::new(
        &clock,
        nursery(async |n| {
            n.spawn(async { Ok(events[0].wait().await) });
            n.spawn(nursery(async |n| {
                n.spawn(async { Ok(events[1].wait().await) });
                Ok(())
            }));
            Ok::<_, ()>(events[2].wait().await)
        })
    ));
    for event in &events {
        assert_eq!(settle(runtime.as_mut()), Next::OnWake);
        assert!(!runtime.is_ready());
        event.set();
        assert!(runtime.is_ready());
    }
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
}

#[test]
fn a_wake_before_the_first_turn_is_no_trouble() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let event = Event::new();
    let mut waits = Box::pin(nursery(async |n| {
        n.spawn(async { Ok(event.wait().await) });
        Ok::<_, ()>(())
    }));
    assert!(poll_with_nobody(waits.as_mut()).is_pending());
    assert!(poll_with_nobody(waits.as_mut()).is_pending());
    event.set();
    let mut runtime = pin!(Runtime::new(&clock, waits));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
}

#[test]
fn a_nursery_wakes_whoever_polled_it_last() {
    let _alone = alone();
    let event = Event::new();
    let mut waits = pin!(nursery(async |n| {
        n.spawn(async { Ok(event.wait().await) });
        Ok::<_, ()>(())
    }));
    let (first, first_waker) = Woken::new();
    let (second, second_waker) = Woken::new();
    for _ in 0..3 {
        assert!(waits.as_mut().poll(&mut Context::from_waker(&first_waker)).is_pending());
    }
    assert!(waits.as_mut().poll(&mut Context::from_waker(&second_waker)).is_pending());
    first.take();
    second.take();
    event.set();
    assert_eq!((first.take(), second.take() > 0), (0, true));
    let mut polls = 0;
    while waits.as_mut().poll(&mut Context::from_waker(&second_waker)).is_pending() {
        polls += 1;
        assert!(second.take() > 0 && polls < 5);
    }
}

#[test]
fn a_nursery_in_a_foreign_executor_is_woken_for_everything() {
    let log = Log::new();
    let event = Event::new();
    let value = run_foreign(nursery(async |n| {
        n.spawn(async {
            for _ in 0..100 {
                checkpoint().await;
            }
            log.add("child");
            event.set();
            Ok(())
        });
        n.spawn(nursery(async |n| {
            n.spawn(async {
                event.wait().await;
                foreign_yield().await;
                log.add("grandchild");
                Ok(())
            });
            Ok(())
        }));
        let task = n.spawn_value(async { Ok(5) });
        event.wait().await;
        Ok::<_, ()>(task.await.unwrap())
    }));
    assert_eq!(value, Ok(5));
    assert_eq!(log.take(), ["child", "grandchild"]);
    // More children than a turn polls, and a failure among them.
    let result = run_foreign(nursery(async |n| {
        for i in 0..1_000 {
            n.spawn(async move {
                checkpoint().await;
                if i == 999 { Err(i) } else { Ok(()) }
            });
        }
        Ok(())
    }));
    assert_eq!(result, Err(999));
}

#[test]
fn the_executor_of_another_library_runs_nurseries() {
    let _alone = alone();
    let event = Event::new();
    let value = futures::executor::block_on(nursery(async |n| {
        n.spawn(async { Ok(event.wait().await) });
        checkpoint().await;
        event.set();
        Ok::<_, ()>(3)
    }));
    assert_eq!(value, Ok(3));
}

// ------------------------------------------------------------------------------- foreign sets

#[test]
fn nurseries_work_in_join() {
    run_virtual(async {
        let nap = |span| {
            nursery(async move |n| {
                n.spawn(async move { Ok(sleep(secs(span)).await) });
                sleep(secs(1)).await;
                Ok::<_, ()>(now())
            })
        };
        let times = futures::join!(nap(3), nap(2), nap(5));
        assert_eq!((times, now()), ((Ok(secs(1)), Ok(secs(1)), Ok(secs(1))), secs(5)));
    });
}

#[test]
fn a_neighbour_in_join_that_yields_takes_no_wake_away() {
    // Found by the random programs: the body waits for a child that ends at once.
    run_virtual(async {
        let waits = nursery(async |n| {
            let task = n.spawn_value(async { Ok(5) });
            Ok::<_, ()>(task.await.unwrap())
        });
        assert_eq!(futures::join!(checkpoint(), waits), ((), Ok(5)));
        let waits = nursery(async |n| {
            let task = n.spawn_value(async { Ok(5) });
            Ok::<_, ()>(task.await.unwrap())
        });
        assert_eq!(futures::join!(waits, foreign_yield()), (Ok(5), ()));
    });
}

#[test]
fn nurseries_work_in_select_and_the_loser_is_dropped() {
    run_virtual(async {
        let live = &Live::new();
        let racer = |span| {
            nursery(async move |n| {
                n.spawn(async move {
                    let _object = live.object();
                    Ok(sleep(secs(span)).await)
                });
                Ok::<_, ()>(span)
            })
        };
        let winner = futures::select_biased! {
            value = pin!(racer(4).fuse()) => value,
            value = pin!(racer(2).fuse()) => value,
        };
        assert_eq!((winner, now(), live.left()), (Ok(2), secs(2), 0));
    });
}

#[test]
fn nurseries_work_in_a_set_that_polls_with_wakers_of_its_own() {
    run_virtual(async {
        let mut set = FuturesUnordered::new();
        for i in 0..50u64 {
            set.push(nursery(async move |n| {
                for k in 0..5 {
                    n.spawn(async move {
                        checkpoint().await;
                        sleep(secs(i * 7 % 50 + k)).await;
                        Ok(())
                    });
                }
                Ok::<_, ()>(i * 7 % 50)
            }));
        }
        let mut order = Vec::new();
        while let Some(value) = set.next().await {
            let value = value.unwrap();
            assert_eq!(now(), secs(value + 4));
            order.push(value);
        }
        assert_eq!((order.len(), order.is_sorted()), (50, true));
    });
}

#[test]
fn children_may_hold_foreign_sets_and_foreign_channels() {
    run_virtual(async {
        let (sender, mut receiver) = futures::channel::mpsc::channel::<u32>(2);
        let sum = &Cell::new(0);
        nursery(async |n| {
            for i in 0..10 {
                let mut sender = sender.clone();
                n.spawn(async move {
                    for k in 0..10 {
                        futures::SinkExt::send(&mut sender, i * 10 + k).await.unwrap();
                    }
                    Ok(())
                });
            }
            drop(sender);
            n.spawn(async move {
                while let Some(value) = receiver.next().await {
                    sum.set(sum.get() + value);
                }
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(sum.get(), 4_950);
    });
}

#[test]
fn a_pausing_combinator_loses_no_wake() {
    // Woken while shut; polled later, after a wake of somebody else.
    run_virtual(async {
        let (open, event, other) = (&Cell::new(true), &Event::new(), &Event::new());
        let log = &Log::new();
        nursery(async |n| {
            n.spawn(async {
                let inner = nursery(async |n| {
                    n.spawn(async {
                        event.wait().await;
                        log.add("inner child");
                        Ok(())
                    });
                    event.wait().await;
                    log.add("inner body");
                    Ok::<_, ()>(())
                });
                let mut inner = pin!(pausing(open, inner));
                let mut other = pin!(other.wait());
                poll_fn(|cx| {
                    let _ = other.as_mut().poll(cx);
                    inner.as_mut().poll(cx)
                })
                .await
            });
            checkpoint().await;
            checkpoint().await;
            open.set(false);
            event.set();
            for _ in 0..5 {
                checkpoint().await;
            }
            assert!(log.take().is_empty());
            open.set(true);
            for _ in 0..5 {
                checkpoint().await;
            }
            other.wake();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        let mut seen = log.take();
        seen.sort();
        assert_eq!(seen, ["inner body", "inner child"]);
    });
}

#[test]
fn a_pausing_combinator_inside_another_loses_no_wake() {
    for seed in 0..100 {
        run_virtual(async {
            let rng = &RefCell::new(Rng(seed));
            let doors = &[const { Cell::new(true) }; 4];
            let done = &Cell::new(0);
            let kick = &Wakers::new();
            let main = nursery(async |n| {
                for door in doors {
                    n.spawn(kicked(
                        kick,
                        pausing(
                            door,
                            nursery(async |n| {
                                for _ in 0..3 {
                                    n.spawn(kicked(
                                        kick,
                                        pausing(door, async move {
                                            for _ in 0..5 {
                                                let span = rng.borrow_mut().below(3);
                                                if span == 0 { checkpoint().await } else { sleep(secs(span)).await }
                                            }
                                            done.set(done.get() + 1);
                                            Ok(())
                                        }),
                                    ));
                                }
                                Ok(())
                            }),
                        ),
                    ));
                }
                // Doors open and shut at random; all open in the end, with one kick for everybody.
                for _ in 0..30 {
                    let (door, open, span) = {
                        let mut rng = rng.borrow_mut();
                        (rng.below(4) as usize, rng.one_in(2), rng.below(1_000))
                    };
                    doors[door].set(open);
                    sleep(millis(span)).await;
                }
                for door in doors {
                    door.set(true);
                }
                kick.fire();
                Ok::<_, ()>(())
            });
            main.await.unwrap();
            assert_eq!(done.get(), 12, "seed {seed}");
        });
    }

    /// Leaves its waker, so that it can be polled for no reason.
    fn kicked<'a, F: Future + 'a>(wakers: &'a Wakers, inner: F) -> impl Future<Output = F::Output> + 'a {
        let mut inner = Box::pin(inner);
        let mut kick = Box::pin(wakers.wait::<()>());
        poll_fn(move |cx| {
            let _ = Pin::new(&mut kick).poll(cx);
            inner.as_mut().poll(cx)
        })
    }
}

#[test]
fn a_destructor_that_fires_wakers_is_no_trouble() {
    run_virtual(async {
        let wakers = &Wakers::new();
        let result = nursery(async |n| {
            for _ in 0..20 {
                n.spawn(async {
                    let _fires = on_drop(|| wakers.fire());
                    wakers.wait().await
                });
            }
            n.spawn(nursery(async |n| {
                let _fires = on_drop(|| wakers.fire());
                n.spawn(wakers.wait());
                wakers.wait().await
            }));
            checkpoint().await;
            checkpoint().await;
            Err::<(), _>("enough")
        })
        .await;
        assert_eq!(result, Err("enough"));
        wakers.fire();
    });
}

// ------------------------------------------------------------------------------------- threads

#[cfg(feature = "std")]
mod threads {
    use super::*;
    use giambio_core::{Until, move_on_after};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    use std::sync::{Arc, Mutex, mpsc};
    use std::task::{Wake, Waker};
    use std::time::Duration;

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
}
