//! Other executors, and combinators of other libraries around and inside nurseries.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::common::{Event, *};
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use giambio_core::{Instant, cancel_scope, checkpoint, clock, nursery, sleep};

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

/// A nursery that one task polls with the waker of another one, which then asks for it.
#[test]
fn a_nursery_polled_with_another_tasks_waker_wakes_that_task() {
    let end = run_limited(async {
        let helper_waker = RefCell::new(None::<Waker>);
        let asked = Cell::new(0);
        let done = Cell::new(false);
        let event = Event::new();
        nursery(async |n| {
            // The task whose waker is lent. It waits in the body of a nursery of its own.
            n.spawn(nursery(async |_| {
                poll_fn(|cx| {
                    asked.set(asked.get() + 1);
                    *helper_waker.borrow_mut() = Some(cx.waker().clone());
                    if asked.get() > 1 { Poll::Ready(Ok::<_, ()>(())) } else { Poll::Pending }
                })
                .await
            }));
            n.spawn(async {
                checkpoint().await;
                let mut inner = Box::pin(nursery(async |inner| {
                    inner.spawn(async {
                        event.wait().await;
                        Ok::<_, ()>(())
                    });
                    forever::<Result<(), ()>>().await
                }));
                let waker = helper_waker.borrow().clone().unwrap();
                for _ in 0..3 {
                    let _ = inner.as_mut().poll(&mut Context::from_waker(&waker));
                }
                checkpoint().await;
                checkpoint().await;
                let before = asked.get();
                event.set(); // wakes the child, hence its nursery, hence the one who lent the waker
                for _ in 0..5 {
                    checkpoint().await;
                }
                done.set(asked.get() > before);
                n.cancel_children();
                Ok(())
            });
            Ok(())
        })
        .await
        .unwrap_or_default();
        done.get()
    });
    assert_eq!(end, Some(true), "the task that lent its waker was not asked");
}

#[test]
fn a_nursery_that_was_polled_in_a_scope_that_is_gone_still_wakes_the_body_around_it() {
    let end = run_limited(async {
        let event = Event::new();
        nursery(async |n| {
            let event_ref = &event;
            type Boxed<'a> = Pin<Box<dyn Future<Output = Result<(), ()>> + 'a>>;
            let inner: Rc<RefCell<Boxed<'_>>> = Rc::new(RefCell::new(Box::pin(nursery(async move |inner| {
                inner.spawn(async move {
                    event_ref.wait().await;
                    Ok(())
                });
                Ok(())
            }))));
            n.spawn(async {
                for _ in 0..5 {
                    checkpoint().await;
                }
                event.set();
                Ok(())
            });
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                if polls <= 3 {
                    // Polled inside a scope that ends at once.
                    let mut scope =
                        Box::pin(cancel_scope(async |_| poll_fn(|cx| inner.borrow_mut().as_mut().poll(cx)).await));
                    if let Poll::Ready(end) = scope.as_mut().poll(cx) {
                        return Poll::Ready(end.unwrap());
                    }
                    return Poll::Pending;
                }
                inner.borrow_mut().as_mut().poll(cx)
            })
            .await
        })
        .await
    });
    assert_eq!(end, Some(Ok(())), "the body was never polled again");
}

/// A nursery in a foreign set is polled with a waker of that, and what lies beside it with the task's own.
#[test]
fn a_nursery_beside_a_set_with_another_is_polled_when_its_child_is_woken() {
    let woken_at = Cell::new(Instant::MAX);
    let end = run_limited(nursery(async |_| {
        let in_a_set: FuturesUnordered<_> = [nursery(async |n| {
            n.spawn(async { Ok(sleep(secs(1)).await) });
            Ok::<_, ()>(())
        })]
        .into_iter()
        .collect();
        let beside = nursery(async |n| {
            n.spawn(async {
                sleep(secs(2)).await;
                Ok(woken_at.set(clock()))
            });
            Ok::<_, ()>(sleep(secs(9)).await)
        });
        let (_, end) = futures::join!(in_a_set.collect::<Vec<_>>(), beside);
        end
    }));
    assert_eq!((end, woken_at.get()), (Some(Ok(())), Instant::from_nanos(2_000_000_000)));
}
