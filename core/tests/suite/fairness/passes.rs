//! Passes: a turn makes many of them, a nursery several within one poll, and what else is ready is not forgotten (law FAIR).
#![cfg(feature = "alloc")]

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::common::*;
use giambio_core::{Next, Runtime, Tick, Until, VirtualClock, checkpoint, move_on_after, nursery, sleep};

/// What `program` logs first, so many lines.
fn logged<F: Future<Output = ()>>(lines: usize, program: impl Fn(Rc<Log>) -> F) -> Vec<String> {
    let _alone = alone();
    let (clock, log) = (VirtualClock::<1>::new(), Rc::new(Log::new()));
    let mut runtime = pin!(Runtime::new(&clock, program(log.clone())));
    for _ in 0..10 {
        match runtime.as_mut().turn() {
            Next::Finished(()) => break,
            Next::Wait(Until::At(tick)) => clock.advance_to(tick),
            Next::Wait(Until::Now | Until::OnWake) => {}
        }
    }
    let mut log = log.take();
    log.truncate(lines);
    log
}

async fn endless(polls: &Cell<u32>) -> Result<(), ()> {
    loop {
        polls.set(polls.get() + 1);
        checkpoint().await;
    }
}

async fn busy(log: &Log, name: &str) -> Result<(), ()> {
    loop {
        log.add(name);
        checkpoint().await;
    }
}

#[test]
fn tasks_bodies_and_timers_take_turns() {
    let log = logged(30, async |log| {
        let log = &*log;
        nursery::<_, (), _>(async |n| {
            for name in ["a", "b"] {
                n.spawn(nursery(async move |inner| {
                    for child in ["1", "2"] {
                        inner.spawn(async move {
                            for step in 0..3 {
                                log.add(format!("{name}{child} {step}"));
                                checkpoint().await;
                            }
                            sleep(secs(5)).await;
                            log.add(format!("{name}{child} awake"));
                            Ok(())
                        });
                        log.add(format!("{name} body"));
                        checkpoint().await;
                    }
                    Ok(())
                }));
            }
            for _ in 0..4 {
                log.add("outer body");
                checkpoint().await;
            }
            Ok(())
        })
        .await
        .unwrap();
    });
    #[rustfmt::skip]
    assert_eq!(
        log,
        [
            "outer body", "a body", "a1 0", "b body", "b1 0",
            "a1 1", "a body", "b1 1", "b body", "outer body",
            "a1 2", "a2 0", "b1 2", "b2 0", "outer body",
            "a2 1", "b2 1", "outer body",
            "a2 2", "b2 2",
            "a1 awake", "a2 awake", "b1 awake", "b2 awake",
        ]
    );
}

#[test]
fn a_body_takes_turns_with_the_child_that_wakes_it() {
    let _alone = alone();
    for body_first in [false, true] {
        let (log, body) = (&Log::new(), &RefCell::new(None::<Waker>));
        let child = || {
            poll_fn(move |cx| {
                log.add("child");
                let body = body.borrow();
                let mut wakers = [body.as_ref(), Some(cx.waker())];
                if !body_first {
                    wakers.reverse();
                }
                wakers.into_iter().flatten().for_each(Waker::wake_by_ref);
                Poll::Pending
            })
        };
        let clock: VirtualClock = VirtualClock::new();
        let mut runtime = pin!(Runtime::new(
            &clock,
            nursery::<(), (), _>(async |n| {
                n.spawn(child());
                poll_fn(|cx| {
                    log.add("body");
                    *body.borrow_mut() = Some(cx.waker().clone());
                    Poll::Pending
                })
                .await
            })
        ));
        for _ in 0..10 {
            assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
        }
        let log = log.take();
        assert!(log.len() > 300, "{} polls", log.len());
        assert!(log.windows(3).all(|three| three.iter().any(|who| who == "body")), "{log:?}");
    }
}

/// Neither a child that is always ready, nor a body or the root task that only wakes itself, may keep the loop.
#[test]
fn a_turn_is_over_after_64_polls_of_whom_else_nobody_keeps_waiting() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let polls = Cell::new(0);
    let mut child = pin!(Runtime::new(
        &clock,
        nursery::<(), (), _>(async |n| {
            n.spawn(endless(&polls));
            Ok(())
        })
    ));
    let mut root = pin!(Runtime::new(&clock, endless(&polls)));
    let mut body = pin!(Runtime::new(&clock, nursery::<(), (), _>(async |_| endless(&polls).await)));
    for _ in 0..10 {
        polls.set(0);
        assert_eq!(child.as_mut().turn(), Next::Wait(Until::Now));
        assert!((32..=64).contains(&polls.get()), "{} polls of the child", polls.get());
        // The first of each turn is not counted.
        polls.set(0);
        assert_eq!(root.as_mut().turn(), Next::Wait(Until::Now));
        assert_eq!(polls.get(), 65, "polls of the root");
        polls.set(0);
        assert_eq!(body.as_mut().turn(), Next::Wait(Until::Now));
        assert_eq!(polls.get(), 65, "polls of the body");
    }
}

/// It waits for at most one turn.
#[test]
fn a_busy_nursery_does_not_starve_what_is_beside_it_in_its_task() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let (inside, beside) = (Cell::new(0), Cell::new(0));
    let mut runtime = pin!(Runtime::new(&clock, async {
        let nursery = nursery::<(), (), _>(async |n| {
            n.spawn(endless(&inside));
            Ok(())
        });
        let _ = futures::join!(nursery, endless(&beside));
    }));
    for _ in 0..20 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
    }
    assert!(beside.get() >= 20, "{} polls", beside.get());
}

#[test]
fn two_nurseries_in_one_task_take_turns() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let polls = [Cell::new(0), Cell::new(0)];
    let mut runtime = pin!(Runtime::new(&clock, async {
        let [one, two] = polls.each_ref().map(|polls| {
            nursery::<(), (), _>(async move |n| {
                n.spawn(endless(polls));
                Ok(())
            })
        });
        let _ = futures::join!(one, two);
    }));
    for _ in 0..100 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
    }
    let [one, two] = polls.each_ref().map(Cell::get);
    assert!(one.abs_diff(two) <= 64, "{one} polls of the one, {two} of the other");
}

#[test]
fn the_body_of_the_root_takes_turns_with_a_grandchild() {
    let log = logged(20, async |log| {
        let log = &*log;
        let _ = nursery(async |n| {
            n.spawn(nursery(async |n| {
                n.spawn(busy(log, "grandchild"));
                Ok(())
            }));
            busy(log, "body").await
        })
        .await;
    });
    assert!(log.windows(3).all(|three| three.iter().any(|name| name != "body")), "{log:?}");
    assert!(log.windows(3).all(|three| three.iter().any(|name| name != "grandchild")), "{log:?}");
    assert_eq!((log.len(), log.iter().filter(|name| *name == "body").count()), (20, 10));
}

/// A timer that is due is looked at after at most 64 polls, however busy the tasks are.
#[test]
fn timers_fire_between_turns() {
    let _alone = alone();
    let clock = VirtualClock::<1>::new();
    let (fired, polls) = (Cell::new(false), Cell::new(0));
    let mut runtime = pin!(Runtime::new(
        &clock,
        nursery(async |n| {
            n.child().daemon().spawn(endless(&polls));
            n.spawn(async {
                sleep(secs(1)).await;
                fired.set(true);
                Ok(())
            });
            Ok::<_, ()>(())
        })
    ));
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
    clock.advance_to(Tick(1));
    let _ = runtime.as_mut().turn();
    assert!(fired.get());
}

/// Code whose deadline has passed is polled once more, however many passes a turn may make.
#[test]
fn after_the_deadline_there_is_one_last_poll() {
    for deadline in [0, 5] {
        let polls = Cell::new(0);
        let busy = nursery::<(), (), _>(async |n| {
            n.spawn(async {
                if deadline > 0 {
                    sleep(secs(deadline)).await;
                }
                endless(&polls).await
            });
            Ok(())
        });
        assert_eq!(run_virtual(move_on_after(secs(deadline), busy)), None);
        assert_eq!(polls.get(), 1, "after {deadline} seconds");
    }
}

#[test]
fn a_busy_daemon_is_not_polled_on_when_the_body_has_ended() {
    let polls = Cell::new(0);
    let result = run_virtual(nursery(async |n| {
        n.child().daemon().spawn(endless(&polls));
        for _ in 0..3 {
            checkpoint().await;
        }
        Ok::<_, ()>(())
    }));
    assert_eq!((result, polls.get()), (Ok(()), 4));
}

/// Here the first child wakes the body, by its end or itself, and a grandchild is in the same pass, behind it.
#[test]
fn a_nursery_does_not_go_on_in_the_pass_in_which_a_body_around_it_was_woken() {
    for ends in [false, true] {
        let (polls, seen, event) = (Cell::new(0), Cell::new(0), &Event::new());
        run_virtual(nursery::<_, (), _>(async |n| {
            let first = n.spawn(async {
                checkpoint().await;
                if !ends {
                    event.set();
                    forever::<()>().await;
                }
                Ok(())
            });
            n.child().daemon().spawn(nursery(async |n| {
                n.spawn(endless(&polls));
                Ok(())
            }));
            if ends {
                first.await.unwrap();
            } else {
                event.wait().await;
                first.cancel();
            }
            seen.set(polls.get());
            Ok(())
        }))
        .unwrap();
        assert!(seen.get() <= 4, "{} polls before the body's, ends: {ends}", seen.get());
    }
}

/// The order of the wakes, between turns too.
#[test]
fn a_task_woken_once_more_does_not_put_back_those_behind_it() {
    let _alone = alone();
    let log = Log::new();
    let events: [Event; 4] = Default::default();
    let [c, x, p, t] = &events;
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(
        &clock,
        nursery::<_, (), _>(async |n| {
            n.spawn(nursery(async |n| {
                n.spawn(async {
                    c.wait().await;
                    log.add("c");
                    Ok(())
                });
                t.wait().await;
                log.add("t");
                Ok(())
            }));
            n.spawn(async {
                x.wait().await;
                log.add("x");
                Ok(())
            });
            p.wait().await;
            log.add("p");
            Ok(())
        })
    ));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    events.iter().for_each(Event::set);
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
    assert_eq!(log.take(), ["c", "t", "x", "p"]);
}

/// In somebody else's executor a poll is one pass, since nobody here knows who else is ready there; also after a turn of a
/// runtime inside.
#[test]
fn a_turn_inside_a_foreign_executor_leaves_nothing_behind() {
    let _alone = alone();
    let (polls, once) = (Cell::new(0), Cell::new(false));
    let mut run = pin!(nursery::<(), (), _>(async |n| {
        n.spawn(async {
            for _ in 0..9 {
                if once.replace(false) {
                    let clock: VirtualClock = VirtualClock::new();
                    let mut inner = pin!(Runtime::new(&clock, forever::<()>()));
                    assert_eq!(inner.as_mut().turn(), Next::Wait(Until::OnWake));
                    forever::<()>().await;
                }
                checkpoint().await;
            }
            forever().await
        });
        n.spawn(nursery(async |n| {
            n.spawn(endless(&polls));
            Ok(())
        }));
        Ok(())
    }));
    let (_woken, waker) = Woken::new();
    for round in 0..10 {
        once.set(round == 2);
        assert!(run.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(polls.replace(0), 1, "polls in round {round}");
    }
}

/// A task whose wake was served in a pass is not before one that was woken later and before its next.
#[test]
fn a_task_served_in_a_pass_goes_behind_one_that_it_wakes() {
    let log = logged(20, async |log| {
        let log = &*log;
        let (b, x) = (&Event::new(), &Event::new());
        let _ = nursery::<_, (), _>(async |n| {
            n.spawn(nursery(async |n| {
                n.spawn(async {
                    log.add("c1");
                    sleep(secs(5)).await;
                    log.add("c2");
                    b.set();
                    foreign_yield().await;
                    log.add("c3");
                    x.set();
                    foreign_yield().await;
                    log.add("c4");
                    foreign_yield().await;
                    log.add("c5");
                    Ok(())
                });
                b.wait().await;
                log.add("b");
                Ok(())
            }));
            n.spawn(async {
                x.wait().await;
                log.add("x");
                Ok(())
            });
            Ok(())
        })
        .await;
    });
    assert_eq!(log, ["c1", "c2", "c3", "b", "x", "c4", "c5"]);
}
