//! Bursts: many passes in one call, with the same order of polls and the same looks at timers.
//!
//! The runner has all other tests run in bursts too; here is what only shows from outside.
#![cfg(feature = "alloc")]
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::common::*;
use giambio_core::*;

/// A program in which tasks of several nurseries, bodies and timers take turns.
async fn program(log: &Log) {
    let result: Result<(), ()> = nursery(async |n| {
        for name in ["a", "b"] {
            n.spawn(async move {
                nursery(async |inner| {
                    for child in ["1", "2"] {
                        inner.spawn(async move {
                            for step in 0..3 {
                                log.add(format!("{name}{child} {step}"));
                                checkpoint().await;
                            }
                            sleep(Duration::from_nanos(5)).await;
                            log.add(format!("{name}{child} awake"));
                            Ok(())
                        });
                        log.add(format!("{name} body"));
                        checkpoint().await;
                    }
                    Ok(())
                })
                .await
            });
        }
        for _ in 0..4 {
            log.add("outer body");
            checkpoint().await;
        }
        Ok(())
    })
    .await;
    assert_eq!(result, Ok(()));
}

#[test]
fn a_burst_polls_in_the_order_of_single_turns() {
    let _alone = alone();
    let mut logs = [false, true].map(|bursts| {
        let log = Log::new();
        let clock = VirtualClock::<1_000_000_000>::new();
        let mut runtime = pin!(Runtime::new(&clock, program(&log)));
        loop {
            let next = if bursts { runtime.as_mut().burst() } else { runtime.as_mut().turn() };
            match next {
                Next::Finished(()) => break,
                Next::At(tick) => clock.advance_to(tick),
                Next::Now => {}
                Next::OnWake => panic!("deadlock"),
            }
        }
        log.take()
    });
    let [turns, bursts] = &mut logs;
    assert_eq!(turns, bursts);
    assert_eq!(turns.len(), 24);
}

#[test]
fn a_body_that_is_woken_in_a_burst_takes_turns_with_the_child_that_wakes_it() {
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
        let clock = VirtualClock::<1_000_000_000>::new();
        let mut runtime = pin!(Runtime::new(&clock, async {
            let result: Result<(), ()> = nursery(async |n| {
                n.spawn(child());
                poll_fn(|cx| {
                    log.add("body");
                    *body.borrow_mut() = Some(cx.waker().clone());
                    Poll::Pending
                })
                .await
            })
            .await;
            result
        }));
        for _ in 0..10 {
            assert_eq!(runtime.as_mut().burst(), Next::Now);
        }
        let log = log.take();
        assert!(log.len() > 300, "{} polls", log.len());
        assert!(log.windows(3).all(|three| three.iter().any(|who| who == "body")), "{log:?}");
    }
}

/// Polls of a child that is always ready until the burst comes back.
#[test]
fn a_burst_comes_back_after_64_polls() {
    let _alone = alone();
    let clock = VirtualClock::<1_000_000_000>::new();
    let polls = Cell::new(0);
    let mut runtime = pin!(Runtime::new(&clock, async {
        let result: Result<(), ()> = nursery(async |n| {
            n.spawn(async {
                loop {
                    polls.set(polls.get() + 1);
                    checkpoint().await;
                }
            });
            Ok(())
        })
        .await;
        result
    }));
    for _ in 0..10 {
        polls.set(0);
        assert_eq!(runtime.as_mut().burst(), Next::Now);
        assert!((32..=64).contains(&polls.get()), "{} polls", polls.get());
    }
}

/// Neither the root task nor a body that only wakes itself may keep the loop.
#[test]
fn a_body_that_wakes_itself_does_not_keep_the_loop() {
    let _alone = alone();
    let clock = VirtualClock::<1_000_000_000>::new();
    let polls = Cell::new(0);
    let endless = async || {
        loop {
            polls.set(polls.get() + 1);
            checkpoint().await;
        }
    };
    let mut root = pin!(Runtime::new(&clock, endless()));
    let mut body = pin!(Runtime::new(&clock, nursery::<(), (), _>(async |_| endless().await)));
    for _ in 0..10 {
        polls.set(0);
        assert_eq!(root.as_mut().burst(), Next::Now);
        assert!(polls.get() <= 65, "{} polls", polls.get());
        polls.set(0);
        assert_eq!(body.as_mut().burst(), Next::Now);
        assert!(polls.get() <= 130, "{} polls", polls.get());
    }
}

/// What the body's task does beside the nursery waits for at most one burst.
#[test]
fn a_burst_does_not_starve_what_is_beside_the_nursery() {
    let _alone = alone();
    let clock = VirtualClock::<1_000_000_000>::new();
    let beside = Cell::new(0);
    let mut runtime = pin!(Runtime::new(&clock, async {
        let busy = nursery::<(), (), _>(async |n| {
            n.spawn(async {
                loop {
                    checkpoint().await;
                }
            });
            Ok(())
        });
        let other = async {
            loop {
                beside.set(beside.get() + 1);
                checkpoint().await;
            }
        };
        let (_, ()) = futures::join!(busy, other);
    }));
    for _ in 0..20 {
        let _ = runtime.as_mut().burst();
    }
    assert!(beside.get() >= 10, "{} polls", beside.get());
}

/// A timer that is due is looked at after at most 64 polls, however busy the tasks are.
#[test]
fn timers_fire_between_bursts() {
    let _alone = alone();
    let clock = VirtualClock::<1_000_000_000>::new();
    let fired = Cell::new(false);
    let mut runtime = pin!(Runtime::new(&clock, async {
        let result: Result<(), ()> = nursery(async |n| {
            n.child().daemon().spawn(async {
                loop {
                    checkpoint().await;
                }
            });
            n.spawn(async {
                sleep(Duration::from_nanos(1)).await;
                fired.set(true);
                Ok(())
            });
            Ok(())
        })
        .await;
        result
    }));
    assert_eq!(runtime.as_mut().burst(), Next::Now);
    clock.advance_to(Tick(1));
    let _ = runtime.as_mut().burst();
    assert!(fired.get());
}
