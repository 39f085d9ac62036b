//! Conformance, area *nursery*: who runs when, who waits for whom, and what is left at the end.
#![cfg(feature = "alloc")]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use crate::common::*;
use giambio_core::{
    Cancelled, Next, Nursery, Reason, Runtime, SpawnError, Status, Task, VirtualClock, cancel_scope, checkpoint,
    move_on_after, nursery, shield, sleep,
};

// ------------------------------------------------------------------------ the ordinary life

#[test]
fn the_bodys_value_is_the_nurserys() {
    let value = run_virtual(nursery(async |_| Ok::<_, ()>(42)));
    assert_eq!(value, Ok(42));
}

#[test]
fn a_nursery_ends_when_its_last_child_has_ended() {
    run_virtual(async {
        let value = nursery(async |n| {
            n.spawn(async { Ok(sleep(secs(2)).await) });
            n.spawn(async { Ok(sleep(secs(3)).await) });
            n.spawn(async { Ok(sleep(secs(1)).await) });
            Ok::<_, ()>("body")
        })
        .await;
        assert_eq!((value, now()), (Ok("body"), secs(3)));
    });
}

#[test]
fn a_nursery_waits_for_its_body_when_the_children_are_done() {
    run_virtual(async {
        nursery(async |n| {
            n.spawn(async { Ok(()) });
            sleep(secs(5)).await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(5));
    });
}

#[test]
fn children_run_concurrently() {
    // Two naps of two seconds take two seconds: the tutorial's timing line.
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            for name in ["child", "child1"] {
                n.spawn(async move {
                    log.at(&format!("{name} begins"));
                    sleep(secs(2)).await;
                    log.at(&format!("{name} ends"));
                    Ok(())
                });
            }
            log.at("body done");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        log.at("all done");
        assert_eq!(
            log.take(),
            ["0 body done", "0 child begins", "0 child1 begins", "2 child ends", "2 child1 ends", "2 all done"]
        );
    });
}

#[test]
fn a_child_does_not_run_before_its_spawner_waits() {
    run_virtual(async {
        let ran = &Cell::new(0);
        nursery(async |n| {
            n.spawn(async move { Ok(ran.set(ran.get() + 1)) });
            n.spawn(async move { Ok(ran.set(ran.get() + 1)) });
            assert_eq!((ran.get(), n.live()), (0, 2));
            checkpoint().await;
            assert_eq!((ran.get(), n.live()), (2, 0));
            Ok::<_, ()>(())
        })
        .await
    })
    .unwrap();
}

#[test]
fn a_body_is_polled_only_when_it_was_woken() {
    run_virtual(async {
        let (polls, event) = (&Cell::new(0), Event::new());
        nursery(async |n| {
            for _ in 0..10 {
                n.spawn(async {
                    for _ in 0..10 {
                        checkpoint().await;
                    }
                    Ok(())
                });
            }
            n.spawn(async {
                sleep(secs(1)).await;
                event.set();
                Ok(())
            });
            counted(polls, event.wait()).await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_child_is_polled_only_when_it_was_woken() {
    run_virtual(async {
        let (polls, event) = (&Cell::new(0), &Event::new());
        nursery(async |n| {
            n.spawn(async move { Ok(counted(polls, event.wait()).await) });
            for _ in 0..100 {
                checkpoint().await;
            }
            assert_eq!(polls.get(), 1);
            event.set();
            event.set();
            event.wake();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 2, "three wakes, one poll");
    });
}

#[test]
fn children_borrow_what_lives_outside_the_nursery() {
    run_virtual(async {
        let mut parts = [0; 8];
        let (mut left, mut right) = (String::new(), String::from("right"));
        let sum = Cell::new(0);
        nursery(async |n| {
            for (i, chunk) in parts.chunks_mut(3).enumerate() {
                let sum = &sum;
                n.spawn(async move {
                    for part in chunk {
                        checkpoint().await;
                        *part = i + 1;
                        sum.set(sum.get() + *part);
                    }
                    Ok(())
                });
            }
            n.spawn(async {
                left.push_str("left");
                Ok(())
            });
            n.spawn(async {
                checkpoint().await;
                right.clear();
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(parts, [1, 1, 1, 2, 2, 2, 3, 3]);
        assert_eq!((left.as_str(), right.as_str(), sum.get()), ("left", "", 15));
    });
}

#[test]
fn children_spawn_children() {
    fn grow<'scope>(
        n: Nursery<'scope, '_, ()>,
        depth: u32,
        count: &'scope Cell<u32>,
    ) -> Pin<Box<dyn Future<Output = Result<(), ()>> + 'scope>> {
        Box::pin(async move {
            count.set(count.get() + 1);
            if depth > 0 {
                n.spawn(grow(n, depth - 1, count));
                checkpoint().await;
                n.spawn(grow(n, depth - 1, count));
            }
            Ok(())
        })
    }
    run_virtual(async {
        let count = Cell::new(0);
        nursery(async |n| {
            n.spawn(grow(n, 9, &count));
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(count.get(), 1023);
    });
}

#[test]
fn a_child_of_an_inner_nursery_spawns_into_the_outer_one() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |outer| {
            nursery(async |inner| {
                inner.spawn(async {
                    outer.spawn(async {
                        sleep(secs(3)).await;
                        log.at("the outer child ends");
                        Ok(())
                    });
                    Ok(())
                });
                Ok::<_, ()>(())
            })
            .await?;
            log.at("the inner nursery ends");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["0 the inner nursery ends", "3 the outer child ends"]);
    });
}

#[test]
fn the_nursery_goes_on_while_only_grandchildren_are_left() {
    run_virtual(async {
        nursery(async |n| {
            n.spawn(async {
                sleep(secs(1)).await;
                n.spawn(async {
                    sleep(secs(1)).await;
                    n.spawn(async { Ok(sleep(secs(1)).await) });
                    Ok(())
                });
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(3));
    });
}

// ------------------------------------------------------------------------- empty, deep, many

#[test]
fn an_empty_nursery_still_checkpoints() {
    let _alone = alone();
    let (clock, polls) = (VirtualClock::<1_000>::new(), Cell::new(0));
    let mut runtime = pin!(Runtime::new(&clock, counted(&polls, nursery(async |_| Ok::<_, ()>(1)))));
    assert_eq!(runtime.as_mut().turn(), Next::Finished(Ok(1)));
    assert_eq!(polls.get(), 2);
}

#[test]
fn empty_nurseries_in_a_loop_let_others_run() {
    run_virtual(async {
        let rounds = &Cell::new(0);
        nursery(async |n| {
            n.spawn(async {
                while rounds.get() < 1_000_000 {
                    nursery(async |_| Ok::<_, ()>(())).await?;
                    rounds.set(rounds.get() + 1);
                }
                Ok(())
            });
            for _ in 0..10 {
                checkpoint().await;
            }
            assert!(rounds.get() < 1_000, "the loop ran alone for {} rounds", rounds.get());
            rounds.set(1_000_000);
            Ok::<_, ()>(())
        })
        .await
    })
    .unwrap();
}

#[test]
fn an_empty_nursery_notices_that_it_is_cancelled() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.cancel();
            let _ = nursery(async |_| Ok::<_, ()>(())).await;
            unreachable!("an empty nursery is a checkpoint");
        })
        .await;
        assert_eq!(result, Err::<(), _>(Cancelled { reason: Reason::Requested }));
    });
}

type Deep<'a> = Pin<Box<dyn Future<Output = Result<u32, u32>> + 'a>>;

/// Nurseries in nurseries, by turns as a child and in the body; `leaf` is the innermost.
fn nest<'a>(depth: u32, live: &'a Live, leaf: &'a dyn Fn() -> Deep<'a>) -> Deep<'a> {
    Box::pin(async move {
        let _object = live.object();
        if depth == 0 {
            return leaf().await;
        }
        nursery(async |n| {
            let inner = nest(depth - 1, live, leaf);
            if depth.is_multiple_of(2) {
                return Ok(inner.await? + 1);
            }
            n.spawn(async { inner.await.map(drop) });
            Ok(depth)
        })
        .await
    })
}

#[test]
fn nurseries_nest_5_000_deep() {
    on_big_stack(|| {
        let live = Live::new();
        let value = run_virtual(nest(5_000, &live, &|| {
            Box::pin(async {
                sleep(secs(1)).await;
                Ok(0)
            })
        }));
        assert_eq!((value, live.left()), (Ok(5_000), 0));
    });
}

#[test]
fn values_come_up_from_nurseries_through_their_handles() {
    fn sum(depth: u32) -> Deep<'static> {
        Box::pin(async move {
            if depth == 0 {
                sleep(secs(1)).await;
                return Ok(0);
            }
            nursery(async |n| {
                let task = n.spawn_value(sum(depth - 1));
                Ok(task.await.map_err(|_| 0u32)? + 1)
            })
            .await
        })
    }
    // Deeper than what a turn may poll.
    on_big_stack(|| assert_eq!(run_virtual(sum(300)), Ok(300)));
}

#[test]
fn an_error_comes_up_from_5_000_nurseries() {
    on_big_stack(|| {
        let live = Live::new();
        let value = run_virtual(nest(5_000, &live, &|| {
            Box::pin(async {
                sleep(secs(1)).await;
                Err(7)
            })
        }));
        assert_eq!((value, live.left()), (Err(7), 0));
    });
}

#[test]
fn a_cancellation_goes_down_5_000_nurseries() {
    on_big_stack(|| {
        let live = Live::new();
        let value = run_virtual(async {
            let deep = nest(5_000, &live, &|| Box::pin(forever()));
            let value = move_on_after(secs(1), deep).await;
            assert_eq!(now(), secs(1));
            value
        });
        assert_eq!((value, live.made(), live.left()), (None, 5_001, 0));
    });
}

#[test]
fn a_shield_1_000_nurseries_down_delays_the_cancellation() {
    on_big_stack(|| {
        let live = Live::new();
        run_virtual(async {
            let deep = nest(1_000, &live, &|| {
                Box::pin(async {
                    shield(sleep(secs(2))).await;
                    forever().await
                })
            });
            assert_eq!(move_on_after(secs(1), deep).await, None);
            assert_eq!(now(), secs(2));
        });
        assert_eq!(live.left(), 0);
    });
}

#[test]
fn nurseries_5_000_deep_are_dropped_half_way() {
    on_big_stack(|| {
        let _alone = alone();
        let live = Live::new();
        let clock: VirtualClock = VirtualClock::new();
        {
            let deep = nest(5_000, &live, &|| Box::pin(forever()));
            let mut runtime = pin!(Runtime::new(&clock, deep));
            assert_eq!(settle(runtime.as_mut()), Next::OnWake);
        }
        assert_eq!((live.made(), live.left()), (5_001, 0));
    });
}

#[test]
fn a_hundred_thousand_children_run_at_once() {
    run_virtual(async {
        let (live, sum) = (&Live::new(), &Cell::new(0u64));
        nursery(async |n| {
            for i in 0..100_000 {
                n.spawn(async move {
                    let _object = live.object();
                    sleep(secs(1 + i % 3)).await;
                    sum.set(sum.get() + i);
                    Ok(())
                });
            }
            assert_eq!(n.live(), 100_000);
            sleep(millis(500)).await;
            assert_eq!(live.left(), 100_000);
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!((now(), live.left(), sum.get()), (secs(3), 0, 4_999_950_000));
    });
}

#[test]
fn a_hundred_thousand_children_are_cancelled_at_once() {
    run_virtual(async {
        let (live, event) = (&Live::new(), &Event::new());
        let result = nursery(async |n| {
            for i in 0..100_000u32 {
                n.spawn(async move {
                    let _object = live.object();
                    match i % 3 {
                        0 => forever().await,
                        1 => sleep(secs(1 << 30)).await,
                        _ => {
                            let _ = cancel_scope(async |_| forever::<()>().await).await;
                        }
                    }
                    event.set();
                    Ok(())
                });
            }
            sleep(secs(1)).await;
            assert_eq!(live.left(), 100_000);
            Err::<(), _>("enough")
        })
        .await;
        assert_eq!((result, now(), live.left()), (Err("enough"), secs(1), 0));
        assert!(!event.is_set());
    });
}

#[test]
fn a_nursery_does_not_grow_while_a_million_children_come_and_go() {
    run_virtual(async {
        let done = &Cell::new(0u32);
        nursery(async |n| {
            let mut early = 0;
            for wave in 0..a_million() / 100 {
                for i in 0..100 {
                    let child = async move {
                        if i % 4 == 0 {
                            checkpoint().await;
                        }
                        done.set(done.get() + 1);
                        Ok(())
                    };
                    match i % 3 {
                        0 => drop(n.spawn_value(child)),
                        1 => n.spawn_value(child).await.unwrap(),
                        _ => drop(n.spawn(child)),
                    }
                }
                while n.live() > 0 {
                    checkpoint().await;
                }
                if wave == 100 {
                    early = CountingAlloc::bytes();
                }
            }
            let late = CountingAlloc::bytes();
            // Memory of children is kept for those to come, as much as there ever was: that may be a child or two more.
            assert!(late <= early + 1024, "{early} bytes after 10,000 children, {late} after all");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(done.get(), a_million());
    });
}

#[test]
fn a_nursery_gives_all_memory_back() {
    fn once() {
        run_virtual(async {
            nursery(async |n| {
                for i in 0..1_000 {
                    let task = n.spawn_value(async move { Ok(sleep(millis(i % 7)).await) });
                    if i % 2 == 0 {
                        task.cancel();
                    }
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
        });
    }
    once(); // what the thread keeps for later
    let before = CountingAlloc::bytes();
    for _ in 0..10 {
        once();
    }
    assert_eq!(CountingAlloc::bytes(), before);
}

// -------------------------------------------------------------------------------- failures

#[test]
fn a_body_that_fails_cancels_the_children() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        let result = nursery(async |n| {
            n.spawn(async {
                let (_object, _end) = (live.object(), log.on_drop("child drops"));
                forever().await
            });
            sleep(secs(1)).await;
            log.add("body fails");
            Err::<(), _>("body")
        })
        .await;
        log.add("parent resumes");
        assert_eq!((result, now(), live.left()), (Err("body"), secs(1), 0));
        assert_eq!(log.take(), ["body fails", "child drops", "parent resumes"]);
    });
}

#[test]
fn a_body_that_fails_at_once_leaves_its_children_unpolled() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            let object = live.object();
            n.spawn(async move {
                let _object = object;
                unreachable!("the nursery was cancelled before the child's first poll")
            });
            Err::<(), _>(1)
        })
        .await;
        assert_eq!((result, live.made(), live.left()), (Err(1), 1, 0));
    });
}

#[test]
fn a_childs_failure_wakes_the_body_and_the_siblings_that_sleep() {
    run_virtual(async {
        let log = &Log::new();
        let result = nursery(async |n| {
            n.spawn(async {
                let _end = log.on_drop("sibling drops");
                Ok(sleep(secs(100)).await)
            });
            n.spawn(async {
                sleep(secs(1)).await;
                log.add("child fails");
                Err("child")
            });
            let _end = log.on_drop("body drops");
            sleep(secs(100)).await;
            unreachable!("the body is dropped where it waits");
            #[allow(unreachable_code)]
            Ok(())
        })
        .await;
        assert_eq!((result, now()), (Err("child"), secs(1)));
        let mut events = log.take();
        assert_eq!(events.remove(0), "child fails");
        events.sort();
        assert_eq!(events, ["body drops", "sibling drops"]);
    });
}

#[test]
fn a_childs_failure_is_the_result_though_the_body_has_ended() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            n.spawn(async {
                sleep(secs(2)).await;
                Err("late")
            });
            Ok(live.object())
        })
        .await;
        assert_eq!((result.err(), now(), live.left()), (Some("late"), secs(2), 0));
    });
}

#[test]
fn a_failure_of_an_inner_nursery_stays_there_until_someone_passes_it_on() {
    run_virtual(async {
        let value = nursery(async |n| {
            n.spawn(async {
                let inner = nursery(async |n| {
                    n.spawn(async { Err("inner") });
                    forever::<Result<(), _>>().await
                })
                .await;
                assert_eq!(inner, Err("inner"));
                Ok(())
            });
            sleep(secs(1)).await;
            Ok::<_, ()>(3)
        })
        .await;
        assert_eq!((value, now()), (Ok(3), secs(1)));
    });
}

// ------------------------------------------------------------------ spawning while cancelled

#[test]
fn a_child_spawned_into_a_cancelled_nursery_is_dropped_before_its_first_poll() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            n.spawn(async move {
                // The shield holds the nursery open while it is being cancelled.
                shield(async {
                    sleep(secs(2)).await;
                    assert!(n.is_cancelled());
                    let object = live.object();
                    let task = n.spawn_value(async move {
                        let _object = object;
                        unreachable!("it never starts");
                        #[allow(unreachable_code)]
                        Ok(1)
                    });
                    assert_eq!(task.await, Err(Cancelled { reason: Reason::Failed }));
                    assert_eq!(live.left(), 0);
                })
                .await;
                Ok(())
            });
            sleep(secs(1)).await;
            Err::<(), _>("body")
        })
        .await;
        assert_eq!((result, now(), live.made()), (Err("body"), secs(2), 1));
    });
}

#[test]
fn try_spawn_hands_the_future_back_when_the_nursery_is_cancelled() {
    run_virtual(async {
        let tried = &Cell::new(false);
        let result = nursery(async |n| {
            n.spawn(async move {
                shield(async {
                    sleep(secs(2)).await;
                    let error = n.try_spawn(std::future::ready(Ok(()))).unwrap_err();
                    assert!(matches!(error, SpawnError::Cancelled { .. }));
                    assert_eq!(error.into_future().await, Ok::<(), &str>(()));
                    let error = n.try_spawn_value(std::future::ready(Ok(5))).unwrap_err();
                    assert_eq!(error.into_future().await, Ok(5));
                    tried.set(true);
                })
                .await;
                Ok(())
            });
            sleep(secs(1)).await;
            Err::<(), _>("body")
        })
        .await;
        assert_eq!((result, tried.get()), (Err("body"), true));
    });
}

#[test]
fn a_destructor_may_spawn_into_the_nursery_that_is_being_cancelled() {
    run_virtual(async {
        let (live, destructors) = (&Live::new(), &Cell::new(0));
        let result = nursery(async |n| {
            for _ in 0..10 {
                n.spawn(async move {
                    let _spawns = on_drop(|| {
                        destructors.set(destructors.get() + 1);
                        let object = live.object();
                        n.spawn(async move {
                            let _object = object;
                            unreachable!("the nursery is cancelled")
                        });
                    });
                    forever().await
                });
            }
            checkpoint().await;
            Err::<(), _>("body")
        })
        .await;
        assert_eq!(result, Err("body"));
        assert_eq!((destructors.get(), live.made(), live.left()), (10, 10, 0));
    });
}

// -------------------------------------------------------------- never polled, dropped, forgotten

#[test]
fn a_nursery_that_is_never_polled_does_nothing() {
    let live = Live::new();
    let object = live.object();
    let future = nursery(async |_| {
        let _object = object;
        unreachable!("nobody polls it");
        #[allow(unreachable_code)]
        Ok::<_, ()>(())
    });
    drop(future);
    assert_eq!(live.left(), 0);
}

#[test]
fn a_nursery_dropped_half_way_drops_body_and_children() {
    run_virtual(async {
        let live = &Live::new();
        {
            let mut future = pin!(nursery(async |n| {
                for i in 0..10 {
                    n.spawn(async move {
                        let _object = live.object();
                        if i % 2 == 0 { Ok(()) } else { forever().await }
                    });
                }
                let _object = live.object();
                forever::<Result<(), ()>>().await
            }));
            assert!(poll_once(future.as_mut()).await.is_pending());
            assert_eq!((live.made(), live.left()), (11, 6));
        }
        assert_eq!(live.left(), 0);
        sleep(secs(1)).await; // the runtime is none the worse
    });
}

#[test]
fn a_nursery_forgotten_half_way_merely_stops_its_children() {
    // Law NESTED-POLL: never polled again, never dropped, their memory never used again.
    run_virtual(async {
        let (live, event, polls) = (&Live::new(), &Event::new(), Cell::new(0));
        let polls = &polls;
        {
            let mut future = Box::pin(nursery(async |n| {
                for _ in 0..10 {
                    n.spawn(async move {
                        let _object = live.object();
                        counted(polls, event.wait()).await;
                        unreachable!("it is never polled again");
                        #[allow(unreachable_code)]
                        Ok(())
                    });
                }
                Ok::<_, ()>(())
            }));
            assert!(poll_once(future.as_mut()).await.is_pending());
            mem::forget(future);
        }
        assert_eq!((live.left(), polls.get()), (10, 10));
        event.set();
        sleep(secs(1)).await;
        assert_eq!((live.left(), polls.get()), (10, 10));
    });
}

#[test]
fn a_nursery_may_be_moved_between_runtimes_half_way() {
    // A wake between the two counts.
    let _alone = alone();
    let (event, log) = (Event::new(), Log::new());
    let mut half = Box::pin(nursery(async |n| {
        n.spawn(async {
            event.wait().await;
            log.add("child");
            Ok(())
        });
        event.wait().await;
        log.add("body");
        Ok::<_, ()>(5)
    }));
    run_virtual(async { assert!(poll_once(half.as_mut()).await.is_pending()) });
    event.set();
    assert_eq!(run_virtual(half), Ok(5));
    assert_eq!(log.take(), ["child", "body"]);
}

#[test]
fn a_nursery_may_begin_outside_any_runtime() {
    let _alone = alone();
    let event = Event::new();
    let mut half = Box::pin(nursery(async |n| {
        n.spawn(async { Ok(event.wait().await) });
        sleep_after(&event).await;
        Ok::<_, ()>(())
    }));
    async fn sleep_after(event: &Event) {
        event.wait().await;
        sleep(secs(1)).await;
    }
    assert!(poll_with_nobody(half.as_mut()).is_pending());
    assert!(poll_with_nobody(half.as_mut()).is_pending());
    event.set();
    assert_eq!(run_virtual(half), Ok(()));
}

// ---------------------------------------------------------------------------------- handles

#[test]
fn a_handle_gives_the_childs_value() {
    run_virtual(async {
        let value = nursery(async |n| {
            let slow = n.spawn_value(async {
                sleep(secs(2)).await;
                Ok(String::from("slow"))
            });
            let fast = n.spawn_value(async { Ok(3) });
            assert!(!slow.is_finished() && !fast.is_finished());
            let fast = fast.await.unwrap();
            assert!(!slow.is_finished());
            sleep(secs(3)).await;
            assert!(slow.is_finished());
            Ok::<_, ()>((slow.await.unwrap(), fast))
        })
        .await;
        assert_eq!((value, now()), (Ok((String::from("slow"), 3)), secs(3)));
    });
}

#[test]
fn a_handle_is_awaited_by_a_sibling() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            let first = n.spawn_value(async {
                sleep(secs(1)).await;
                Ok(10)
            });
            let second = n.spawn_value(async move {
                let value = first.await.unwrap();
                log.at("second");
                Ok(value * 2)
            });
            n.spawn(async move {
                assert_eq!(second.await, Ok(20));
                log.at("third");
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 second", "1 third"]);
    });
}

#[test]
fn a_handle_goes_to_an_outer_task_and_outlives_its_child() {
    run_virtual(async {
        nursery(async |n| {
            let mailbox = Mailbox::new();
            let task = n.spawn_value(async { Ok(vec![1, 2, 3]) });
            mailbox.send(task);
            for _ in 0..10 {
                checkpoint().await;
            }
            // In the meantime the child's place may not have been given to others.
            for i in 0..10 {
                n.spawn_value(async move { Ok(vec![i]) });
            }
            checkpoint().await;
            let task = mailbox.receive().await;
            assert!(task.is_finished());
            assert_eq!(task.await, Ok(vec![1, 2, 3]));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_dropped_handle_detaches_the_child() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            drop(n.spawn(async {
                sleep(secs(1)).await;
                log.at("child");
                Ok(())
            }));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 child"]);
    });
}

#[test]
fn a_childs_value_is_dropped_once_whoever_holds_the_handle() {
    run_virtual(async {
        let live = &Live::new();
        let kept = nursery(async |n| {
            // never looked at, dropped before the end
            drop(n.spawn_value(async { Ok(live.object()) }));
            // never looked at, dropped after the end
            let late = n.spawn_value(async { Ok(live.object()) });
            // taken
            let taken = n.spawn_value(async { Ok(live.object()) });
            // the handle is dropped while it waits
            let waiting = n.spawn_value(async {
                sleep(secs(1)).await;
                Ok(live.object())
            });
            let mut waiting = Box::pin(waiting);
            assert!(poll_once(waiting.as_mut()).await.is_pending());
            drop(waiting);
            // the handle is forgotten; the nursery's end frees the value
            mem::forget(n.spawn_value(async { Ok(live.object()) }));
            let taken = taken.await.unwrap();
            sleep(secs(2)).await;
            assert!(late.is_finished());
            drop(late);
            Ok::<_, ()>(taken)
        })
        .await
        .unwrap();
        // The forgotten handle may keep its value for good, as the memory of a forgotten thing may.
        assert_eq!(live.made(), 5);
        assert!((1..=2).contains(&live.left()), "{} are left", live.left());
        drop(kept);
    });
}

#[test]
fn a_handle_cancels_its_child_alone() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        nursery(async |n| {
            let task = n.spawn_value(async {
                let _object = live.object();
                forever::<()>().await;
                Ok(1)
            });
            n.spawn(async {
                sleep(secs(2)).await;
                log.at("the sibling goes on");
                Ok(())
            });
            sleep(secs(1)).await;
            task.cancel();
            assert_eq!(task.status(), Status::Cancelling);
            assert_eq!(task.await, Err(Cancelled { reason: Reason::Requested }));
            assert_eq!((now(), live.left()), (secs(1), 0));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["2 the sibling goes on"]);
    });
}

#[test]
fn a_child_cancelled_before_its_first_poll_never_runs() {
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            let object = live.object();
            let task = n.spawn(async move {
                let _object = object;
                unreachable!("it was cancelled in time")
            });
            task.cancel();
            assert!(task.await.is_err());
            assert_eq!(live.left(), 0);
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn cancelling_a_finished_child_changes_nothing() {
    run_virtual(async {
        nursery(async |n| {
            let task = n.spawn_value(async { Ok(1) });
            while !task.is_finished() {
                checkpoint().await;
            }
            task.cancel();
            task.cancel();
            assert_eq!(task.status(), Status::Finished);
            assert_eq!(task.await, Ok(1));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn the_handle_of_a_child_that_failed_says_so() {
    run_virtual(async {
        let seen = &RefCell::new(None);
        let result = nursery(async |n| {
            let task = n.spawn_value(async {
                sleep(secs(1)).await;
                Err::<u8, _>("bad")
            });
            n.spawn(async move {
                let seen_now = shield(task).await;
                *seen.borrow_mut() = Some(seen_now);
                Ok(())
            });
            Ok(())
        })
        .await;
        assert_eq!(result, Err("bad"));
        assert_eq!(seen.take(), Some(Err(Cancelled { reason: Reason::Failed })));
    });
}

#[test]
fn a_handle_says_how_its_child_is() {
    run_virtual(async {
        let event = &Event::new();
        nursery(async |n| {
            let own = Rc::new(RefCell::new(None::<Task<'_, Status>>));
            let inside = own.clone();
            let task = n.spawn_value(async move {
                let status = inside.borrow().as_ref().unwrap().status();
                event.wait().await;
                Ok(status)
            });
            assert_eq!(task.status(), Status::Ready);
            *own.borrow_mut() = Some(task);
            checkpoint().await;
            let task = own.take().unwrap();
            assert_eq!(task.status(), Status::Waiting);
            event.set();
            assert_eq!(task.status(), Status::Ready);
            checkpoint().await;
            assert_eq!(task.status(), Status::Finished);
            assert_eq!(task.await, Ok(Status::Running));

            let task = n.spawn(async {
                shield(sleep(secs(1))).await;
                Ok(())
            });
            checkpoint().await;
            task.cancel();
            assert_eq!(task.status(), Status::Cancelling);
            let other = n.spawn(forever());
            checkpoint().await;
            other.cancel();
            checkpoint().await;
            checkpoint().await;
            assert_eq!((other.status(), other.is_finished()), (Status::Cancelled, true));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn ids_tell_children_apart_and_names_are_kept() {
    run_virtual(async {
        let ids = &RefCell::new(Vec::new());
        nursery(async |n| {
            let mut tasks = Vec::new();
            for _ in 0..100 {
                tasks.push(n.spawn(async { Ok(ids.borrow_mut().push(giambio_core::current_task().unwrap())) }));
            }
            let named = n.child().name("reader").spawn(async { Ok(()) });
            assert_eq!(named.name(), "reader");
            assert!(tasks[0].name().contains("ids_tell_children_apart"), "{}", tasks[0].name());
            let expected: Vec<_> = tasks.iter().map(|task| task.id()).collect();
            for _ in 0..4 {
                checkpoint().await;
            }
            assert_eq!(*ids.borrow(), expected);
            for (i, id) in expected.iter().enumerate() {
                assert!(!expected[..i].contains(id), "two tasks are called {id:?}");
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn awaiting_a_cancelled_handle_twice_in_a_select_loses_nothing() {
    // A handle is `Unpin`, so it can be awaited by reference, given up, and awaited again.
    run_virtual(async {
        nursery(async |n| {
            let mut task = n.spawn_value(async {
                sleep(secs(3)).await;
                Ok("kept")
            });
            assert_eq!(move_on_after(secs(1), &mut task).await, None);
            assert_eq!(move_on_after(secs(1), &mut task).await, None);
            assert_eq!(move_on_after(secs(5), &mut task).await, Some(Ok("kept")));
            assert_eq!(now(), secs(3));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

// ---------------------------------------------------------------------- race, daemon, after

#[test]
fn in_a_race_the_first_child_ends_the_nursery() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        let result = nursery(async |n| {
            n.race();
            for i in [3, 1, 2] {
                n.spawn(async move {
                    let _object = live.object();
                    sleep(secs(i)).await;
                    log.at(&format!("{i} ends"));
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        })
        .await;
        assert_eq!((result, now(), live.left()), (Ok(()), secs(1), 0));
        assert_eq!(log.take(), ["1 1 ends"]);
    });
}

#[test]
fn the_losers_of_a_race_know_why_they_were_cancelled() {
    run_virtual(async {
        let reason = &Cell::new(None);
        nursery(async |n| {
            n.race();
            let loser = n.spawn(forever());
            n.spawn(async move {
                shield(async { reason.set(loser.await.err()) }).await;
                Ok(())
            });
            n.spawn(async { Ok(sleep(secs(1)).await) });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(reason.get(), Some(Cancelled { reason: Reason::RaceWon }));
    });
}

#[test]
fn a_loser_of_a_race_cleans_up_before_the_nursery_ends() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            n.race();
            n.spawn(async {
                giambio_core::finally(forever(), async || {
                    sleep(secs(5)).await;
                    log.at("loser cleaned up");
                })
                .await
            });
            n.spawn(async { Ok(sleep(secs(1)).await) });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["6 loser cleaned up"]);
    });
}

#[test]
fn a_daemon_does_not_keep_the_nursery_open() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        let reason = &Cell::new(None);
        let value = nursery(async |n| {
            let daemon = n.child().daemon().spawn(async {
                let _object = live.object();
                giambio_core::finally(forever(), async || {
                    sleep(secs(1)).await;
                    log.at("daemon cleaned up");
                })
                .await
            });
            n.child().daemon().spawn(async move {
                shield(async { reason.set(daemon.await.err()) }).await;
                Ok(())
            });
            n.spawn(async { Ok(sleep(secs(2)).await) });
            sleep(secs(1)).await;
            Ok::<_, ()>(9)
        })
        .await;
        assert_eq!((value, now(), live.left()), (Ok(9), secs(3), 0));
        assert_eq!(log.take(), ["3 daemon cleaned up"]);
        assert_eq!(reason.get(), Some(Cancelled { reason: Reason::BodyFinished }));
    });
}

#[test]
fn a_daemon_that_fails_fails_the_nursery() {
    run_virtual(async {
        let result = nursery(async |n| {
            n.child().daemon().spawn(async {
                sleep(secs(1)).await;
                Err("daemon")
            });
            sleep(secs(2)).await;
            Ok(())
        })
        .await;
        assert_eq!((result, now()), (Err("daemon"), secs(1)));
    });
}

#[test]
fn a_nursery_with_daemons_only_ends_with_its_body() {
    run_virtual(async {
        nursery(async |n| {
            n.child().daemon().spawn(forever());
            n.child().daemon().spawn(async {
                loop {
                    sleep(secs(1)).await;
                }
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(0));
    });
}

#[test]
fn a_child_may_start_after_a_while() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            for (name, delay) in [("three", 3), ("one", 1), ("none", 0), ("two", 2)] {
                n.child().after(secs(delay)).spawn(async move { Ok(log.at(name)) });
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["0 none", "1 one", "2 two", "3 three"]);
    });
}

#[test]
fn a_child_cancelled_before_its_delay_is_over_never_runs() {
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            let object = live.object();
            let task = n.child().after(secs(9)).spawn_value(async move {
                let _object = object;
                unreachable!("its time never came");
                #[allow(unreachable_code)]
                Ok(())
            });
            sleep(secs(1)).await;
            task.cancel();
            assert!(task.await.is_err());
            assert_eq!((live.left(), now()), (0, secs(1)));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(1));
    });
}

#[test]
fn spawn_wait_on_the_heap_finds_room_at_once() {
    run_virtual(async {
        let value = nursery(async |n| {
            let unit = n.spawn_wait(async { Ok(()) }).await;
            let value = n.spawn_value_wait(async { Ok(5) }).await;
            unit.await.unwrap();
            Ok::<_, ()>(value.await.unwrap())
        })
        .await;
        assert_eq!(value, Ok(5));
    });
}

#[test]
fn live_counts_the_children_that_are_not_finished() {
    run_virtual(async {
        nursery(async |n| {
            for i in 1..=5 {
                n.spawn(async move { Ok(sleep(secs(i)).await) });
            }
            sleep(millis(500)).await;
            for left in (0..=5).rev() {
                assert_eq!(n.live(), left);
                sleep(secs(1)).await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn an_error_type_may_borrow() {
    let text = String::from("borrowed");
    let result = run_virtual(nursery(async |n| {
        n.spawn(async { Err(text.as_str()) });
        Ok(())
    }));
    assert_eq!(result, Err("borrowed"));
}

#[test]
fn a_body_may_return_a_borrow_of_the_environment() {
    let text = String::from("borrowed");
    let result = run_virtual(nursery(async |n| {
        let task = n.spawn_value(async { Ok(&text[..3]) });
        Ok::<_, ()>(task.await.unwrap())
    }));
    assert_eq!(result, Ok("bor"));
}

#[test]
fn the_question_mark_converts_errors() {
    async fn work() -> Result<u8, Box<dyn std::error::Error>> {
        nursery(async |n| {
            n.spawn(async {
                checkpoint().await;
                let _: u8 = "x".parse()?;
                Ok(())
            });
            Ok("12".parse::<u8>()?)
        })
        .await
    }
    assert!(run_virtual(work()).unwrap_err().is::<std::num::ParseIntError>());
}

#[test]
fn a_nursery_is_a_future_like_any_other() {
    // Polled by hand, pinned, boxed, or behind `dyn`.
    let _alone = alone();
    let mut future: Pin<Box<dyn Future<Output = Result<u8, ()>>>> = Box::pin(nursery(async |n| {
        let task = n.spawn_value(async { Ok(1) });
        Ok(task.await.unwrap())
    }));
    for _ in 0..10 {
        if let Poll::Ready(value) = poll_with_nobody(future.as_mut()) {
            assert_eq!(value, Ok(1));
            return;
        }
    }
    panic!("ten polls are enough");
}
