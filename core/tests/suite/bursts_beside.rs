//! Bursts: what else is ready is not forgotten, and a deadline gives one last poll in them too.
#![cfg(feature = "alloc")]
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

use crate::common::{Event, *};
use giambio_core::*;

type N = Result<(), ()>;

/// What `program` logs in `steps` polls of single turns and of bursts.
fn both<F: Future<Output = ()>>(steps: usize, len: usize, program: impl Fn(Rc<Log>) -> F) -> [Vec<String>; 2] {
    [false, true].map(|bursts| {
        let log = Rc::new(Log::new());
        let clock = VirtualClock::<1_000_000_000>::new();
        let mut runtime = pin!(Runtime::new(&clock, program(log.clone())));
        for _ in 0..steps {
            let next = if bursts { runtime.as_mut().burst() } else { runtime.as_mut().turn() };
            if let Next::Finished(()) = next {
                break;
            }
            if let Next::At(tick) = next {
                clock.advance_to(tick)
            }
        }
        let mut log = log.take();
        log.truncate(len);
        log
    })
}

async fn busy(log: &Log, name: &str) {
    loop {
        log.add(name);
        checkpoint().await;
    }
}

#[test]
fn two_nurseries_in_one_task_take_turns_in_bursts() {
    let _alone = alone();
    let clock = VirtualClock::<1_000_000_000>::new();
    let polls = [Cell::new(0), Cell::new(0)];
    let always = async |polls: &Cell<u32>| {
        loop {
            polls.set(polls.get() + 1);
            checkpoint().await;
        }
    };
    let mut runtime = pin!(Runtime::new(&clock, async {
        let [one, two] = polls.each_ref().map(|polls| {
            nursery::<(), (), _>(async move |n| {
                n.spawn(async move { always(polls).await });
                Ok(())
            })
        });
        let _ = futures::join!(one, two);
    }));
    for _ in 0..100 {
        let _ = runtime.as_mut().burst();
    }
    let [one, two] = polls.each_ref().map(Cell::get);
    assert!(one.abs_diff(two) <= 64, "{one} polls of the one, {two} of the other");
}

#[test]
fn the_body_of_the_root_takes_turns_with_a_grandchild_in_bursts() {
    let _alone = alone();
    let [turns, bursts] = both(40, 20, |log| async move {
        let log = &*log;
        let _: N = nursery(async |n| {
            n.spawn(async {
                nursery(async |n| {
                    n.spawn(async {
                        busy(log, "grandchild").await;
                        Ok(())
                    });
                    Ok(())
                })
                .await
            });
            busy(log, "body").await;
            Ok(())
        })
        .await;
    });
    assert_eq!(turns, bursts);
}

/// A deadline gives one last poll.
#[test]
fn after_the_deadline_there_is_one_last_poll() {
    let _alone = alone();
    let polls = [false, true].map(|bursts| {
        let clock = VirtualClock::<1_000_000_000>::new();
        let polls = Cell::new(0);
        let mut runtime = pin!(Runtime::new(
            &clock,
            move_on_after(
                Duration::from_nanos(5),
                nursery::<(), (), _>(async |n| {
                    n.spawn(async {
                        sleep(Duration::from_nanos(5)).await;
                        for _ in 0..10 {
                            polls.set(polls.get() + 1);
                            checkpoint().await;
                        }
                        Ok(())
                    });
                    Ok(())
                })
            )
        ));
        let mut result = None;
        for _ in 0..100 {
            let next = if bursts { runtime.as_mut().burst() } else { runtime.as_mut().turn() };
            match next {
                Next::Finished(r) => {
                    result = Some(r);
                    break;
                }
                Next::At(tick) => clock.advance_to(tick),
                _ => {}
            }
        }
        (result.map(|r| r.is_some()), polls.get())
    });
    assert_eq!(polls[0], polls[1]);
}

#[test]
fn a_deadline_of_zero_gives_one_poll() {
    let _alone = alone();
    let polls = [false, true].map(|bursts| {
        let clock = VirtualClock::<1_000_000_000>::new();
        let polls = Cell::new(0);
        let mut runtime = pin!(Runtime::new(
            &clock,
            move_on_after(
                Duration::ZERO,
                nursery::<(), (), _>(async |n| {
                    n.spawn(async {
                        for _ in 0..10 {
                            polls.set(polls.get() + 1);
                            checkpoint().await;
                        }
                        Ok(())
                    });
                    Ok(())
                })
            )
        ));
        let mut result = None;
        for _ in 0..100 {
            let next = if bursts { runtime.as_mut().burst() } else { runtime.as_mut().turn() };
            if let Next::Finished(r) = next {
                result = Some(r);
                break;
            }
        }
        (result.map(|r| r.is_some()), polls.get())
    });
    assert_eq!(polls[0], polls[1]);
}

/// The order of the wakes, between turns too.
#[test]
fn a_task_woken_once_more_does_not_put_back_those_behind_it() {
    let _alone = alone();
    let logs = [false, true].map(|bursts| {
        let log = Log::new();
        let events: [Event; 4] = Default::default();
        let [c, x, p, t] = &events;
        let clock = VirtualClock::<1_000_000_000>::new();
        let mut runtime = pin!(Runtime::new(&clock, async {
            let _: N = nursery(async |n| {
                n.spawn(async {
                    nursery(async |n| {
                        n.spawn(async {
                            c.wait().await;
                            log.add("c");
                            Ok(())
                        });
                        t.wait().await;
                        log.add("t");
                        Ok(())
                    })
                    .await
                });
                n.spawn(async {
                    x.wait().await;
                    log.add("x");
                    Ok(())
                });
                p.wait().await;
                log.add("p");
                Ok(())
            })
            .await;
        }));
        for fired in [false, true] {
            for _ in 0..10 {
                let _ = if bursts { runtime.as_mut().burst() } else { runtime.as_mut().turn() };
                if log.has("p") {
                    break;
                }
            }
            if !fired {
                for e in &events {
                    e.set()
                }
            }
        }
        log.take()
    });
    assert_eq!(logs[0], logs[1]);
}

/// What a burst allowed ends with it.
#[test]
fn a_burst_inside_a_foreign_executor_leaves_nothing_behind() {
    let _alone = alone();
    let polls = Cell::new(0);
    let once = Cell::new(false);
    let mut run = pin!(nursery::<(), (), _>(async |n| {
        n.spawn(async {
            for _ in 0..9 {
                if once.replace(false) {
                    let clock = VirtualClock::<1_000_000_000>::new();
                    let mut r = pin!(Runtime::new(&clock, forever::<()>()));
                    let _ = r.as_mut().burst();
                    forever::<()>().await;
                }
                checkpoint().await;
            }
            forever().await
        });
        n.spawn(async {
            nursery(async |n| {
                n.spawn(async {
                    loop {
                        polls.set(polls.get() + 1);
                        checkpoint().await
                    }
                });
                Ok(())
            })
            .await
        });
        Ok(())
    }));
    let (_w, waker) = Woken::new();
    let mut seen = vec![];
    for round in 0..10 {
        once.set(round == 2);
        let _ = run.as_mut().poll(&mut Context::from_waker(&waker));
        seen.push(polls.replace(0));
    }
    assert!(seen.iter().all(|n| *n <= 1), "{seen:?}");
}

/// A task whose wake was served in a burst is not before one that was woken later and before its next.
#[test]
fn a_task_served_in_a_burst_goes_behind_one_it_wakes() {
    let _alone = alone();
    let [turns, bursts] = both(40, 20, |log| async move {
        let log = &*log;
        let (b, x) = (Event::new(), Event::new());
        let (b, x) = (&b, &x);
        let _: N = nursery(async |n| {
            n.spawn(async move {
                nursery(async |n| {
                    n.spawn(async move {
                        log.add("c1");
                        sleep(Duration::from_nanos(5)).await;
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
                })
                .await
            });
            n.spawn(async move {
                x.wait().await;
                log.add("x");
                Ok(())
            });
            Ok(())
        })
        .await;
    });
    assert_eq!(turns, bursts);
}
