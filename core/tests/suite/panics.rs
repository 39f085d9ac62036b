//! Panics: they reach the nursery's caller and in the end `run`'s, with every task unwound. Law
//! NOTHING-LOST. Without feature `std` no panic can be caught, so there is nothing to test.
#![cfg(feature = "std")]

use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::task::Poll;

use crate::common::*;
use futures::FutureExt;
use giambio_core::{
    Runtime, VirtualClock, cancel_scope, checkpoint, finally, in_runtime, move_on_after, nursery, nursery_in, shield,
    sleep,
};

/// Runs it, and gives the number that it panicked with.
#[track_caller]
fn panic_of<F: Future>(main: F) -> u32 {
    match catch_unwind(AssertUnwindSafe(|| run_virtual(main))) {
        Ok(_) => panic!("it should have panicked"),
        Err(payload) => number(payload),
    }
}

#[track_caller]
fn number(payload: Box<dyn Any + Send>) -> u32 {
    match payload.downcast::<u32>() {
        Ok(number) => *number,
        Err(payload) => {
            let text = payload.downcast_ref::<String>().cloned();
            panic!("another panic: {:?}", text.or(payload.downcast_ref::<&str>().map(|text| text.to_string())))
        }
    }
}

async fn catch<F: Future>(future: F) -> Result<F::Output, u32> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(number)
}

#[test]
fn a_panic_in_a_child_reaches_the_caller_with_every_task_unwound() {
    let live = Live::new();
    let panic = panic_of(nursery(async |n| {
        for _ in 0..10 {
            n.spawn(async {
                let _object = live.object();
                nursery(async |n| {
                    n.spawn(async {
                        let _object = live.object();
                        forever().await
                    });
                    Ok(())
                })
                .await
            });
        }
        n.spawn(async {
            let _object = live.object();
            sleep(secs(1)).await;
            panic_any(7u32)
        });
        let _object = live.object();
        forever::<Result<(), ()>>().await
    }));
    assert_eq!((panic, live.made(), live.left()), (7, 22, 0));
}

#[test]
fn a_panic_in_the_body_is_no_different() {
    let live = Live::new();
    let panic = panic_of(nursery(async |n| {
        n.spawn(async {
            let _object = live.object();
            forever().await
        });
        checkpoint().await;
        checkpoint().await;
        if n.live() == 1 {
            panic_any(8u32);
        }
        Ok::<_, ()>(())
    }));
    assert_eq!((panic, live.made(), live.left()), (8, 1, 0));
}

#[test]
fn a_panic_in_the_main_task_reaches_the_caller() {
    let live = Live::new();
    let panic = panic_of(async {
        let _object = live.object();
        sleep(secs(1)).await;
        if true {
            panic_any(9u32);
        }
    });
    assert_eq!((panic, live.left()), (9, 0));
}

#[test]
fn a_panic_lets_the_clean_ups_of_the_siblings_run() {
    let log = Log::new();
    let panic = panic_of(async {
        nursery(async |n| {
            n.spawn(finally(forever(), async || {
                sleep(secs(3)).await;
                log.at("cleaned up");
            }));
            n.spawn(async {
                shield(sleep(secs(5))).await;
                log.at("shield ends");
                forever().await
            });
            n.spawn(async {
                sleep(secs(1)).await;
                panic_any(1u32)
            });
            finally(forever::<Result<(), ()>>(), async || {
                checkpoint().await;
                log.at("the body's too");
            })
            .await
        })
        .await
    });
    assert_eq!(panic, 1);
    assert_eq!(log.take(), ["1 the body's too", "4 cleaned up", "5 shield ends"]);
}

#[test]
fn a_panic_goes_on_in_the_nurserys_caller_who_may_catch_it() {
    run_virtual(async {
        let value = nursery(async |n| {
            let task = n.spawn_value(async {
                let caught = catch(nursery(async |n| {
                    n.spawn(async {
                        sleep(secs(1)).await;
                        panic_any(3u32)
                    });
                    forever::<Result<(), ()>>().await
                }))
                .await;
                Ok(caught)
            });
            n.spawn(async { Ok(sleep(secs(2)).await) });
            Ok::<_, ()>(task.await.unwrap())
        })
        .await;
        assert_eq!((value, now()), (Ok(Err(3)), secs(2)));
    });
}

#[test]
fn the_first_of_several_panics_goes_on() {
    let live = &Live::new();
    let panic = panic_of(nursery(async |n| {
        for i in 1..10u32 {
            n.spawn(async move {
                let _object = live.object();
                shield(sleep(secs(i.into()))).await;
                panic_any(i)
            });
        }
        Ok::<(), ()>(())
    }));
    assert_eq!((panic, live.made(), live.left()), (1, 9, 0));
}

#[test]
fn a_panic_outweighs_errors_before_and_after() {
    for panics_at in [1u64, 3] {
        let panic = panic_of(nursery(async |n| {
            n.spawn(async {
                shield(sleep(secs(2))).await;
                Err("error")
            });
            n.spawn(async move {
                shield(sleep(secs(panics_at))).await;
                panic_any(5u32)
            });
            Ok::<(), _>(())
        }));
        assert_eq!(panic, 5, "at {panics_at}");
    }
}

#[test]
fn a_panic_under_a_cancelled_scope_is_not_lost() {
    // The nursery was cancelled from outside; its caller is about to be dropped.
    let panic = panic_of(async {
        let _ = move_on_after(
            secs(1),
            nursery(async |n| {
                n.spawn(async {
                    shield(sleep(secs(2))).await;
                    panic_any(4u32)
                });
                Ok::<(), ()>(())
            }),
        )
        .await;
        sleep(secs(10)).await;
    });
    assert_eq!(panic, 4);
}

#[test]
fn a_panic_at_a_nurserys_first_poll_comes_out_of_cancelled_code() {
    let body = |n| nursery(async move |_| -> Result<(), ()> { panic_any(n) });
    assert_eq!(panic_of(move_on_after(secs(0), body(1_u32))), 1);
    let in_group = giambio_core::nursery_group(async |_| -> Result<(), ()> { panic_any(2_u32) });
    assert_eq!(panic_of(move_on_after(secs(0), in_group)), 2);
    static ARENA: giambio_core::Arena<2, 256> = giambio_core::Arena::new();
    let in_arena = nursery_in(&ARENA, async |_| -> Result<(), ()> { panic_any(3_u32) });
    assert_eq!(panic_of(move_on_after(secs(0), in_arena)), 3);
    // After an error, in a nursery further in.
    let further_in = nursery(async |n| {
        n.fail("earlier");
        nursery(async |_| -> Result<(), _> { panic_any(4_u32) }).await
    });
    assert_eq!(panic_of(move_on_after(secs(0), further_in)), 4);
}

#[test]
fn a_panic_of_a_child_that_cancels_the_scope_around_comes_out() {
    for daemon in [false, true] {
        let main = cancel_scope(async |scope| {
            nursery(async |n| {
                let child = async {
                    scope.cancel();
                    panic_any(5_u32)
                };
                match daemon {
                    true => drop(n.child().daemon().spawn(child)),
                    false => drop(n.spawn(child)),
                }
                n.spawn(async {
                    checkpoint().await;
                    Ok::<_, ()>(())
                });
                Ok(())
            })
            .await
        });
        assert_eq!(panic_of(main), 5);
    }
}

#[test]
fn a_panicking_destructor_of_a_body_that_is_dropped_at_the_first_poll_comes_out() {
    let main = cancel_scope(async |scope| {
        scope.cancel();
        nursery(async |_| -> Result<(), ()> {
            let _bomb = bomb(6);
            forever().await
        })
        .await
    });
    assert_eq!(panic_of(main), 6);
}

#[test]
fn a_panic_in_the_body_of_finally_waits_for_the_clean_up() {
    let log = Log::new();
    let panic = panic_of(finally(
        async {
            let _end = log.on_drop("body drops");
            sleep(secs(1)).await;
            panic_any(6u32)
        },
        async || {
            sleep(secs(1)).await;
            log.at("cleaned up");
        },
    ));
    assert_eq!(panic, 6);
    assert_eq!(log.take(), ["body drops", "2 cleaned up"]);
}

#[test]
fn of_the_panics_of_a_body_and_its_clean_up_the_bodys_comes_out() {
    async fn fails() -> u32 {
        sleep(secs(1)).await;
        panic_any(1_u32)
    }
    assert_eq!(panic_of(finally(fails(), async || panic_any(2_u32))), 1);
    // The clean-up waits first, or its call panics, or what it drops.
    let waits = async || {
        sleep(secs(1)).await;
        panic_any(2_u32)
    };
    assert_eq!(panic_of(finally(fails(), waits)), 1);
    fn calls() -> std::future::Ready<()> {
        panic_any(2_u32)
    }
    assert_eq!(panic_of(finally(fails(), calls)), 1);
    let drops = async || drop(bomb(2));
    assert_eq!(panic_of(finally(fails(), drops)), 1);
    // The destructor of the body counts as the body.
    let dropped = async {
        let _bomb = bomb(1);
        forever::<()>().await
    };
    assert_eq!(panic_of(move_on_after(secs(1), finally(dropped, async || panic_any(2_u32)))), 1);
    // Cut short by its grace, with a destructor that panics.
    let cut_short = async || {
        let _bomb = bomb(2);
        forever().await
    };
    assert_eq!(panic_of(move_on_after(secs(1), giambio_core::finally_for(secs(1), fails(), cut_short))), 1);
    // With a body that has a value, or none, the clean-up's comes out.
    assert_eq!(panic_of(finally(async { 1 }, async || panic_any(2_u32))), 2);
    assert_eq!(panic_of(finally(async { 1 }, calls)), 2);
    assert_eq!(panic_of(move_on_after(secs(1), finally(forever::<()>(), async || panic_any(2_u32)))), 2);
}

#[test]
fn a_clean_up_that_panics_lets_go_of_the_scopes_around_before_the_panic_goes_on() {
    run_virtual(async {
        let caught = catch(finally(async { panic_any(1_u32) }, async || panic_any(2_u32))).await;
        assert_eq!(caught, Err::<(), _>(1));
        assert_eq!(move_on_after(secs(1), forever::<()>()).await, None);
        assert_eq!(now(), secs(1));
    });
}

#[test]
fn a_panic_in_a_clean_up_comes_out_and_leaves_the_scopes_in_order() {
    run_virtual(async {
        let live = &Live::new();
        let caught = catch(move_on_after(
            secs(1),
            finally(forever::<()>(), async || {
                let _object = live.object();
                sleep(secs(1)).await;
                panic_any(2u32)
            }),
        ))
        .await;
        assert_eq!((caught, live.left()), (Err(2), 0));
        // Nothing is still shielded or cancelled.
        assert_eq!(move_on_after(secs(1), forever::<()>()).await, None);
        sleep(secs(1)).await;
        assert_eq!(now(), secs(4));
    });
}

#[test]
fn a_panic_in_a_clean_up_lets_the_other_clean_ups_run() {
    let log = Log::new();
    let panic = panic_of(async {
        let _ = move_on_after(
            secs(1),
            nursery(async |n| {
                n.spawn(finally(forever(), async || panic_any(2u32)));
                n.spawn(finally(forever(), async || {
                    sleep(secs(2)).await;
                    log.at("the other");
                }));
                Ok::<_, ()>(())
            }),
        )
        .await;
        sleep(secs(10)).await;
    });
    assert_eq!(panic, 2);
    assert_eq!(log.take(), ["3 the other"]);
}

/// Panics when it is dropped.
fn bomb(number: u32) -> impl Sized {
    on_drop(move || {
        if !std::thread::panicking() {
            panic_any(number)
        }
    })
}

#[test]
fn a_panicking_destructor_still_drops_the_rest() {
    // Cancelled, failed, or dropped half-way; the bomb first, in the middle, last.
    for position in [0, 5, 9] {
        for way in 0..3 {
            let live = Live::new();
            let main = async {
                let body = nursery(async |n| {
                    for i in 0..10 {
                        let object = live.object();
                        n.spawn(async move {
                            let _object = object;
                            let _bomb = (i == position).then(|| bomb(11));
                            forever().await
                        });
                    }
                    checkpoint().await;
                    checkpoint().await;
                    if way == 0 { Err::<(), _>(()) } else { forever().await }
                });
                match way {
                    0 | 1 => drop(move_on_after(secs(1), body).await),
                    _ => {
                        let mut body = Box::pin(body);
                        for _ in 0..3 {
                            assert!(poll_once(body.as_mut()).await.is_pending());
                        }
                        drop(body);
                    }
                }
                let _: () = sleep(secs(10)).await;
                unreachable!("the panic was lost");
                #[allow(unreachable_code)]
                Ok::<(), ()>(())
            };
            assert_eq!(panic_of(main), 11, "bomb {position}, way {way}");
            assert_eq!((live.made(), live.left()), (10, 0), "bomb {position}, way {way}");
        }
    }
}

#[test]
fn two_panicking_destructors_drop_the_rest_and_do_not_abort() {
    let live = Live::new();
    let panic = panic_of(async {
        nursery(async |n| {
            for i in 0..10u32 {
                let object = live.object();
                n.spawn(async move {
                    let _object = object;
                    let _bomb = (i % 2 == 0).then(|| bomb(i));
                    forever().await
                });
            }
            checkpoint().await;
            checkpoint().await;
            Err::<(), _>(())
        })
        .await
    });
    assert!(panic % 2 == 0);
    assert_eq!((live.made(), live.left()), (10, 0));
}

#[test]
fn a_destructor_that_panics_when_its_child_ends_is_a_panic_of_the_child() {
    run_virtual(async {
        let live = &Live::new();
        let caught = catch(nursery(async |n| {
            n.spawn(async {
                let _object = live.object();
                forever().await
            });
            n.spawn(async {
                checkpoint().await;
                let _bomb = bomb(12);
                Ok(())
            });
            Ok::<_, ()>(())
        }))
        .await;
        assert_eq!((caught, live.left()), (Err(12), 0));
    });
}

#[test]
fn a_value_whose_destructor_panics_is_no_trouble() {
    run_virtual(async {
        // A value nobody takes: dropped by the nursery.
        let live = &Live::new();
        let caught = catch(nursery(async |n| {
            drop(n.spawn_value(async { Ok(bomb(13)) }));
            n.spawn(async {
                let _object = live.object();
                forever().await
            });
            forever::<Result<(), ()>>().await
        }))
        .await;
        assert_eq!((caught, live.left()), (Err(13), 0));
        // Dropped by its handle.
        let caught = catch(nursery(async |n| {
            let task = n.spawn_value(async { Ok(bomb(14)) });
            while !task.is_finished() {
                checkpoint().await;
            }
            drop(task);
            Ok::<_, ()>(())
        }))
        .await;
        assert_eq!(caught, Err(14));
        // The body's value, when a child fails.
        let caught = catch(nursery(async |n| {
            n.spawn(async {
                sleep(secs(1)).await;
                Err(())
            });
            Ok(bomb(15))
        }))
        .await;
        assert_eq!(caught.map(drop), Err(15));
        sleep(secs(1)).await;
    });
}

#[test]
fn a_panicking_destructor_under_a_panic_of_a_sibling_does_not_abort() {
    let live = Live::new();
    let panic = panic_of(nursery(async |n| {
        for i in 0..3u32 {
            let object = live.object();
            n.spawn(async move {
                let _object = object;
                // Without the look at `panicking`: the nursery must not unwind through it.
                let _bomb = on_drop(move || panic_any(100 + i));
                forever().await
            });
        }
        n.spawn(async {
            sleep(secs(1)).await;
            panic_any(1u32)
        });
        Ok::<(), ()>(())
    }));
    assert_eq!((panic, live.left()), (1, 0));
}

#[test]
fn a_panic_in_a_destructor_of_an_arenas_child_frees_the_place() {
    static ARENA: giambio_core::Arena<4, 512> = giambio_core::Arena::new();
    let live = Live::new();
    let panic = panic_of(nursery_in(&ARENA, async |n| {
        for i in 0..4 {
            let object = live.object();
            n.try_spawn(async move {
                let _object = object;
                let _bomb = (i == 1).then(|| bomb(16));
                forever().await
            })
            .unwrap();
        }
        checkpoint().await;
        checkpoint().await;
        Err::<(), _>(())
    }));
    assert_eq!((panic, live.left(), ARENA.used()), (16, 0, 0));
}

#[test]
fn a_runtime_dropped_half_way_with_a_bomb_inside_drops_the_rest() {
    let live = Live::new();
    let clock: VirtualClock = VirtualClock::new();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let mut runtime = pin!(Runtime::new(
            &clock,
            nursery(async |n| {
                for i in 0..6 {
                    let object = live.object();
                    n.spawn(async move {
                        let _object = object;
                        let _bomb = (i == 2).then(|| bomb(17));
                        sleep(secs(1)).await;
                        Ok(())
                    });
                }
                Ok::<_, ()>(())
            })
        ));
        let _ = settle(runtime.as_mut());
    }));
    assert_eq!((number(caught.unwrap_err()), live.made(), live.left()), (17, 6, 0));
    assert!(!in_runtime());
    run_virtual(sleep(secs(1)));
}

#[test]
fn the_thread_is_as_good_as_new_after_a_panic() {
    for round in 0..10 {
        let panic = panic_of(cancel_scope(async |scope| {
            nursery(async |n| {
                for i in 0..10 {
                    n.spawn(finally(sleep_ok(i), async || checkpoint().await));
                }
                n.spawn(async {
                    sleep(secs(5)).await;
                    if round % 2 == 0 {
                        scope.cancel();
                    }
                    panic_any(round)
                });
                Ok::<(), ()>(())
            })
            .await
        }));
        assert_eq!(panic, round);
        assert!(!in_runtime());
        run_virtual(async {
            assert!(!giambio_core::is_cancelled());
            assert_eq!(move_on_after(secs(1), forever::<()>()).await, None);
            nursery(async |n| {
                let task = n.spawn_value(async { Ok(sleep(secs(1)).await) });
                assert!(task.await.is_ok());
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            assert_eq!(now(), secs(2));
        });
    }

    async fn sleep_ok(n: u64) -> Result<(), ()> {
        sleep(secs(n)).await;
        Ok(())
    }
}

#[test]
fn a_runtime_that_panicked_can_be_dropped() {
    let clock: VirtualClock = VirtualClock::new();
    let live = Live::new();
    let mut runtime = Box::pin(Runtime::new(&clock, async {
        let _object = live.object();
        checkpoint().await;
        if true {
            panic_any(1u32);
        }
    }));
    assert!(catch_unwind(AssertUnwindSafe(|| runtime.as_mut().turn())).is_err());
    assert!(!in_runtime());
    drop(runtime);
    assert_eq!(live.left(), 0);
}

#[test]
fn a_nursery_that_panicked_may_be_dropped_or_kept() {
    run_virtual(async {
        let live = &Live::new();
        let mut kept = Box::pin(nursery(async |n| {
            n.spawn(async {
                let _object = live.object();
                forever().await
            });
            n.spawn(async { panic_any(1u32) });
            Ok::<_, ()>(())
        }));
        let caught = catch(kept.as_mut()).await;
        assert_eq!((caught.map(drop), live.left()), (Err(1), 0));
        sleep(secs(1)).await;
        drop(kept);
        sleep(secs(1)).await;
    });
}

#[test]
fn a_panic_5_000_nurseries_down_comes_up() {
    use std::pin::Pin;
    fn nest<'a>(depth: u32, live: &'a Live) -> Pin<Box<dyn Future<Output = Result<(), ()>> + 'a>> {
        Box::pin(async move {
            let _object = live.object();
            if depth == 0 {
                checkpoint().await;
                panic_any(3u32);
            }
            nursery(async |n| {
                n.spawn(nest(depth - 1, live));
                Ok(())
            })
            .await
        })
    }
    on_big_stack(|| {
        let live = Live::new();
        assert_eq!(panic_of(nest(1_000, &live)), 3);
        assert_eq!((live.made(), live.left()), (1_001, 0));
    });
}

#[test]
fn a_panic_while_others_hold_the_handles_is_what_they_hear_of() {
    run_virtual(async {
        let heard = &Cell::new(None);
        let caught = catch(nursery(async |n| {
            let task = n.spawn_value(async {
                sleep(secs(1)).await;
                if now() == secs(1) {
                    panic_any(1u32);
                }
                Ok(5)
            });
            n.spawn(async {
                heard.set(Some(shield(task).await));
                Ok(())
            });
            Ok::<(), ()>(())
        }))
        .await;
        assert_eq!(caught, Err(1));
        assert!(matches!(heard.get(), Some(Err(_))), "{:?}", heard.get());
    });
}

#[test]
fn a_panic_in_a_foreign_wakers_wake_is_no_lasting_damage() {
    use std::task::{Context, RawWaker, RawWakerVTable, Waker};
    // A foreign executor whose waker panics when it is used.
    fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &VTABLE)
    }
    fn wake(_: *const ()) {
        panic_any(21u32)
    }
    fn nothing(_: *const ()) {}
    static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, nothing);
    // SAFETY: the functions keep the contract: they use no data, and are safe on any thread.
    let waker = unsafe { Waker::new(std::ptr::null(), &VTABLE) };
    let (for_child, for_body) = (Event::new(), Event::new());
    let live = Live::new();
    {
        let mut waits = Box::pin(nursery(async |n| {
            n.spawn(async {
                let _object = live.object();
                for_child.wait().await;
                Ok(())
            });
            for_body.wait().await;
            Ok::<_, ()>(())
        }));
        for _ in 0..3 {
            let poll = catch_unwind(AssertUnwindSafe(|| waits.as_mut().poll(&mut Context::from_waker(&waker))));
            assert!(!matches!(poll, Ok(Poll::Ready(_))));
        }
        for event in [&for_body, &for_child] {
            let _ = catch_unwind(AssertUnwindSafe(|| event.set()));
        }
        // It is still pending or ready, sound in any case, and goes on for a better executor.
        assert_eq!(run_virtual(waits), Ok(()));
    }
    assert_eq!(live.left(), 0);
}

/// A child with a result whose cell waits in the run queue, since the child has woken itself in its last poll.
async fn over_and_queued<T>(value: T) -> Result<T, ()> {
    // Then the body is polled between that and the next look at the queue.
    checkpoint().await;
    std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Ready(())
    })
    .await;
    Ok(value)
}

#[test]
fn a_result_that_panics_when_the_queue_drops_it_is_nobody_elses_panic() {
    let is_done = Cell::new(false);
    let number = panic_of(nursery(async |n| {
        n.spawn(async {
            checkpoint().await;
            // Must not be dropped with the panic of another.
            shield(async {
                checkpoint().await;
                sleep(secs(1)).await;
            })
            .await;
            is_done.set(true);
            Ok(())
        });
        let task = n.spawn_value(over_and_queued(on_drop(|| panic_any(7_u32))));
        checkpoint().await;
        drop(task);
        sleep(secs(2)).await;
        Ok::<_, ()>(())
    }));
    assert_eq!(number, 7);
    assert!(is_done.get(), "the shield of a sibling was dropped");
}

#[test]
fn two_results_that_panic_as_their_nursery_is_dropped_are_one_panic() {
    let number = panic_of(async {
        let mut inner = Box::pin(nursery(async |n| {
            let tasks = [1_u32, 2].map(|number| n.spawn_value(over_and_queued(on_drop(move || panic_any(number)))));
            checkpoint().await;
            drop(tasks);
            sleep(secs(9)).await;
            Ok::<_, ()>(())
        }));
        for _ in 0..2 {
            assert!(poll_once(inner.as_mut()).await.is_pending());
        }
        drop(inner);
    });
    assert_eq!(number, 1);
}

#[test]
fn the_panic_of_a_destructor_is_not_swallowed_when_the_nursery_was_cancelled_from_outside() {
    let result = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            move_on_after(secs(1), async {
                nursery(async |n| {
                    n.spawn(async {
                        let _guard = on_drop(|| panic!("a destructor panics"));
                        forever::<Result<(), ()>>().await
                    });
                    Ok(())
                })
                .await
            })
            .await
        })
    }));
    assert!(result.is_err(), "the panic was lost: {result:?}");
}

#[test]
fn the_panic_of_a_clean_up_is_not_swallowed_when_the_nursery_was_cancelled_from_outside() {
    let result = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            move_on_after(secs(1), async {
                nursery(async |n| {
                    n.spawn(finally(forever::<Result<(), ()>>(), async || {
                        checkpoint().await;
                        panic!("a clean-up panics")
                    }));
                    Ok(())
                })
                .await
            })
            .await
        })
    }));
    assert!(result.is_err(), "the panic was lost: {result:?}");
}
