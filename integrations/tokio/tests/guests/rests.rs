//! A guest is polled when there is something to do, and not else; and its host has its turns.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use giambio::sync::Event;
use giambio::{checkpoint, move_on_after, nursery, sleep, wake_from_signal};
use giambio_tokio::guest;
use tokio::task::{LocalSet, spawn_local, yield_now};

use crate::hosts::{Counted, Failure, MS, current_thread, in_each_host, multi_thread};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_guest_that_waits_is_left_alone() {
    for runtime in [current_thread(), multi_thread()] {
        let (local, polls) = (LocalSet::new(), Rc::new(Cell::new(0)));
        let waits = guest(async {
            let never = Event::new();
            let _ = move_on_after(HOUR, never.wait()).await;
        });
        local.spawn_local(Counted(waits, polls.clone()));
        // The host has other things to do, and as many timers.
        local.block_on(&runtime, async {
            for _ in 0..100 {
                tokio::time::sleep(MS).await;
            }
        });
        assert!(polls.get() <= 2, "{} polls", polls.get());
    }
}

#[test]
fn a_sleep_costs_a_poll_or_two() {
    for runtime in [current_thread(), multi_thread()] {
        let polls = Rc::new(Cell::new(0));
        let sleeps = guest(async {
            for _ in 0..20 {
                sleep(2 * MS).await;
            }
        });
        runtime.block_on(Counted(sleeps, polls.clone()));
        assert!((20..=45).contains(&polls.get()), "{} polls", polls.get());
    }
}

#[test]
fn deadlines_that_keep_moving_away_wake_nobody() {
    let polls = Rc::new(Cell::new(0));
    let (local, runtime) = (LocalSet::new(), current_thread());
    let (event, done) = (Rc::new(Event::new()), Rc::new(Cell::new(false)));
    let (inside, is_done) = (event.clone(), done.clone());
    let busy = guest(async move {
        for _ in 0..50 {
            assert!(move_on_after(HOUR, inside.wait()).await.is_some());
            inside.clear();
        }
        is_done.set(true);
    });
    local.spawn_local(Counted(busy, polls.clone()));
    local.block_on(&runtime, async {
        while !done.get() {
            event.set();
            yield_now().await;
        }
    });
    assert!(polls.get() <= 60, "{} polls", polls.get());
}

#[test]
fn a_guest_that_is_always_ready_leaves_the_host_its_turns() {
    for runtime in [current_thread(), multi_thread()] {
        let local = LocalSet::new();
        let (steps, stop) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
        let (counts, is_over) = (steps.clone(), stop.clone());
        let greedy = guest(async move {
            nursery(async |n| {
                for _ in 0..10 {
                    n.spawn(async {
                        while !is_over.get() {
                            counts.set(counts.get() + 1);
                            checkpoint().await;
                        }
                        Ok::<_, Failure>(())
                    });
                }
                Ok(())
            })
            .await
            .unwrap();
        });
        local.block_on(&runtime, async {
            let task = spawn_local(greedy);
            let looks = steps.clone();
            let beside = spawn_local(async move {
                for _ in 0..100 {
                    let before = looks.get();
                    yield_now().await;
                    // tokio wakes those that yield now in one order, now in the other: so it may be two turns.
                    let between = looks.get() - before;
                    assert!(between <= 2 * 64, "{between} steps between two polls of another task");
                }
            });
            beside.await.unwrap();
            assert!(steps.get() >= 1000, "it had its turns: {} steps", steps.get());
            // Timers of the host's go off meanwhile.
            tokio::time::sleep(5 * MS).await;
            stop.set(true);
            task.await.unwrap();
        });
    }
}

#[test]
fn a_guest_that_is_always_ready_keeps_its_own_timers_and_the_hosts() {
    in_each_host(|| async {
        let stop = &Cell::new(false);
        nursery(async |n| {
            n.spawn(async {
                while !stop.get() {
                    checkpoint().await;
                }
                Ok::<_, Failure>(())
            });
            sleep(3 * MS).await;
            tokio::time::sleep(3 * MS).await;
            tokio::spawn(tokio::time::sleep(MS)).await.unwrap();
            stop.set(true);
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn code_of_the_host_wakes_a_guest_on_the_same_thread() {
    for runtime in [current_thread(), multi_thread()] {
        let local = LocalSet::new();
        let (to, from) = (Rc::new(Event::new()), Rc::new(Event::new()));
        let (inside, back) = (to.clone(), from.clone());
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let answers = guest(async move {
            nursery(async |n| {
                // By giambio's means: a child deep inside is woken between two turns.
                n.spawn(async {
                    for _ in 0..10 {
                        inside.wait().await;
                        inside.clear();
                        back.set();
                    }
                    Ok::<_, Failure>(())
                });
                // By tokio's.
                for i in 0..10 {
                    assert_eq!(receiver.recv().await, Some(i));
                }
                Ok(())
            })
            .await
            .unwrap();
        });
        local.block_on(&runtime, async {
            let task = spawn_local(answers);
            for i in 0..10 {
                tokio::time::sleep(MS).await; // the guest is at rest
                to.set();
                from.wait().await;
                from.clear();
                tokio::time::sleep(MS).await;
                sender.send(i).await.unwrap();
            }
            task.await.unwrap();
        });
    }
}

/// Gives its waker away, and ends when it has been woken.
async fn until_woken(gives: impl FnOnce(Waker)) {
    let mut gives = Some(gives);
    poll_fn(|cx| match gives.take() {
        Some(gives) => {
            gives(cx.waker().clone());
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}

#[test]
fn a_wake_from_another_thread_ends_the_hosts_sleep() {
    in_each_host(|| async {
        for wakes in [Waker::wake as fn(Waker), |waker| assert!(wake_from_signal(&waker))] {
            let (sender, receiver) = mpsc::channel::<Waker>();
            let thread = thread::spawn(move || {
                for waker in receiver {
                    thread::sleep(5 * MS); // the host is asleep
                    wakes(waker);
                }
            });
            nursery(async |n| {
                n.spawn(async {
                    for _ in 0..3 {
                        until_woken(|waker| sender.send(waker).unwrap()).await;
                    }
                    drop(sender);
                    Ok::<_, Failure>(())
                });
                Ok(())
            })
            .await
            .unwrap();
            thread.join().unwrap();
        }
    });
}

#[test]
fn wakes_from_other_threads_at_any_moment_are_all_seen() {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(guest(async {
            let (sender, receiver) = mpsc::channel::<Waker>();
            let thread = thread::spawn(move || receiver.into_iter().for_each(Waker::wake));
            for _ in 0..2000 {
                until_woken(|waker| sender.send(waker).unwrap()).await;
            }
            drop(sender);
            thread.join().unwrap();
        }));
    }
}

#[test]
fn polls_for_no_reason_and_with_other_wakers_do_no_harm() {
    for runtime in [current_thread(), multi_thread()] {
        let slept = Rc::new(Cell::new(0));
        let inside = slept.clone();
        let event = Rc::new(Event::new());
        let (set, waits) = (event.clone(), event);
        let program = guest(async move {
            for _ in 0..5 {
                sleep(2 * MS).await;
                inside.set(inside.get() + 1);
            }
            waits.wait().await;
        });
        runtime.block_on(async {
            let program = pin!(program);
            let program = RefCell::new(program);
            let poll = |cx: &mut Context<'_>| program.borrow_mut().as_mut().poll(cx);
            while slept.get() < 5 {
                // In vain, by a waker that wakes nobody.
                for _ in 0..10 {
                    assert!(poll(&mut Context::from_waker(Waker::noop())).is_pending());
                }
                // Whoever polls last is woken.
                let before = slept.get();
                poll_fn(|cx| {
                    assert!(poll(cx).is_pending());
                    if slept.get() > before { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
            assert!(poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let ended = poll_fn(poll);
            let sets = async {
                tokio::time::sleep(2 * MS).await;
                set.set();
            };
            tokio::join!(ended, sets);
        });
    }
}
