//! What safe code may do to futures: forget them, drop them, move them about before the first poll,
//! stop polling them, wake them at the wrong moment. Run under AddressSanitizer too. Laws
//! NESTED-POLL, NEVER-REUSED-UNDROPPED, NO-LOST-WAKE.
#![cfg(feature = "alloc")]

mod common;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::time::Duration;

use common::*;
use futures::stream::{FuturesUnordered, StreamExt};
use giambio_core::{
    Arena, Next, Runtime, Task, Until, VirtualClock, cancel_scope, checkpoint, finally, finally_for, interval,
    move_on_after, nursery, nursery_in, shield, shield_for, sleep, sync,
};

type Boxed<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Every future that the core offers, waiting for `event` or for a second, with counted objects inside.
fn every_kind<'a>(live: &'a Live, event: &'a Event) -> Vec<(&'static str, Boxed<'a>)> {
    static ARENA: Arena<64, 2048> = Arena::new();
    let wait = move || async move {
        let _object = live.object();
        event.wait().await;
        let _other = live.object();
    };
    let mut kinds: Vec<(&'static str, Boxed<'a>)> = vec![
        ("sleep", Box::pin(sleep(secs(1)))),
        ("checkpoint", Box::pin(checkpoint())),
        (
            "interval",
            Box::pin(async {
                let _ = interval(secs(1)).tick().await;
            }),
        ),
        (
            "cancel_scope",
            Box::pin(async move {
                let _ = cancel_scope(async |_| wait().await).await;
            }),
        ),
        (
            "cancel_scope, cancelled",
            Box::pin(async move {
                let scope = cancel_scope(async |scope| {
                    scope.set_deadline(Some(giambio_core::clock() + secs(1)));
                    wait().await;
                    scope.cancel();
                    wait().await;
                });
                let _ = scope.await;
            }),
        ),
        (
            "move_on_after",
            Box::pin(async move {
                let _ = move_on_after(secs(2), wait()).await;
            }),
        ),
        (
            "fail_after",
            Box::pin(async move {
                let _ = giambio_core::fail_after(secs(2), wait()).await;
            }),
        ),
        (
            "events",
            Box::pin(async move {
                let (own, others) = (sync::Event::new(), sync::Event::shared());
                let set = async {
                    wait().await;
                    own.set();
                    checkpoint().await;
                    others.set();
                };
                futures::join!(own.wait(), own.wait(), others.wait_and_clear(), set);
            }),
        ),
        ("shield", Box::pin(shield(wait()))),
        ("shield_for", Box::pin(shield_for(secs(1), wait()))),
        ("finally", Box::pin(finally(wait(), async move || wait().await))),
        ("finally_for", Box::pin(finally_for(secs(1), wait(), async move || wait().await))),
        (
            "shield, cancelled",
            Box::pin(async move {
                let _ = move_on_after(secs(0), shield(wait())).await;
            }),
        ),
        (
            "finally, cancelled",
            Box::pin(async move {
                let _ = move_on_after(secs(0), finally(wait(), async move || wait().await)).await;
            }),
        ),
        (
            "nursery",
            Box::pin(async move {
                let inner = nursery(async |n| {
                    for _ in 0..3 {
                        n.spawn(async {
                            wait().await;
                            n.spawn(async { Ok(wait().await) });
                            Ok(())
                        });
                    }
                    let task = n.spawn_value(async {
                        wait().await;
                        Ok(live.object())
                    });
                    wait().await;
                    drop(task.await);
                    Ok::<_, ()>(live.object())
                });
                let _ = inner.await;
            }),
        ),
        (
            "nursery, cancelled, with shields",
            Box::pin(async move {
                let inner = nursery(async |n| {
                    n.spawn(async { Ok(shield(wait()).await) });
                    n.spawn(async { Ok(finally(wait(), async || wait().await).await) });
                    n.spawn(nursery(async |n| {
                        n.spawn(async { Ok(shield(wait()).await) });
                        wait().await;
                        Ok(())
                    }));
                    n.child().daemon().spawn(async { Ok(wait().await) });
                    n.child().after(secs(1)).spawn(async { Ok(wait().await) });
                    checkpoint().await;
                    checkpoint().await;
                    Err::<(), _>(live.object())
                });
                let _ = inner.await;
            }),
        ),
        (
            "nursery_in",
            Box::pin(async move {
                let inner = nursery_in(&ARENA, async |n| {
                    for _ in 0..3 {
                        drop(n.try_spawn(async { Ok(wait().await) }));
                    }
                    let task = n.child().spawn_value_wait(async {
                        wait().await;
                        Ok(live.object())
                    });
                    drop(task.await.await);
                    Ok::<_, ()>(())
                });
                let _ = inner.await;
            }),
        ),
        (
            "all of it, nested",
            Box::pin(async move {
                let inner = move_on_after(
                    secs(3),
                    finally(
                        async move {
                            let inner = nursery(async |n| {
                                n.spawn(shield(async {
                                    let late = cancel_scope(async |scope| {
                                        let inner = nursery(async |n| {
                                            n.spawn(async {
                                                wait().await;
                                                scope.cancel();
                                                Ok(())
                                            });
                                            n.spawn(async { Ok(finally(wait(), async || wait().await).await) });
                                            Ok::<_, ()>(())
                                        });
                                        let _ = inner.await;
                                    });
                                    let _ = late.await;
                                    Ok(())
                                }));
                                Ok::<_, ()>(())
                            });
                            let _ = inner.await;
                        },
                        async move || wait().await,
                    ),
                );
                let _ = inner.await;
            }),
        ),
    ];
    kinds.push((
        "foreign sets",
        Box::pin(async move {
            let mut set: FuturesUnordered<Boxed<'_>> = FuturesUnordered::new();
            for _ in 0..3 {
                set.push(Box::pin(async move {
                    let inner = nursery(async |n| {
                        n.spawn(async { Ok(wait().await) });
                        Ok::<_, ()>(())
                    });
                    let _ = inner.await;
                }));
            }
            while set.next().await.is_some() {}
        }),
    ));
    kinds
}

/// As many polls as it takes until nothing moves any more.
async fn rest() {
    for _ in 0..8 {
        checkpoint().await;
    }
}

/// Polls a future each time the task that awaits this is polled.
async fn poll_along<F: Future + ?Sized>(mut future: Pin<&mut F>, rounds: u32) -> bool {
    for _ in 0..rounds {
        if poll_once(future.as_mut()).await.is_ready() {
            return true;
        }
        checkpoint().await;
    }
    false
}

// ------------------------------------------------------------------------- dropped at any moment

#[test]
fn each_future_dropped_unpolled_leaves_nothing() {
    let _alone = alone();
    let (live, event) = (Live::new(), Event::new());
    drop(every_kind(&live, &event));
    assert_eq!((live.left(), event.waiters()), (0, 0));
    run_virtual(async {
        drop(every_kind(&live, &event));
        rest().await;
    });
    assert_eq!((live.left(), event.waiters()), (0, 0));
}

#[test]
fn each_future_dropped_while_it_waits_leaves_nothing() {
    // After one poll, two, three, …
    for polls in 1..8 {
        let count = every_kind(&Live::new(), &Event::new()).len();
        for kind in 0..count {
            run_virtual(async {
                let (live, event) = (&Live::new(), &Event::new());
                let (name, mut future) = every_kind(live, event).swap_remove(kind);
                poll_along(future.as_mut(), polls).await;
                drop(future);
                assert_eq!((live.left(), event.waiters()), (0, 0), "{name} after {polls} polls");
                event.set();
                rest().await;
                // Nothing is left that would wake or hold anybody.
                assert_eq!(move_on_after(secs(5), forever::<()>()).await, None);
            });
        }
    }
}

#[test]
fn each_future_dropped_when_granted_but_unseen_leaves_nothing() {
    // What it waits for has come, and it wasn't polled since.
    for polls in 1..8 {
        let count = every_kind(&Live::new(), &Event::new()).len();
        for kind in 0..count {
            for by_time in [false, true] {
                run_virtual(async {
                    let (live, event) = (&Live::new(), &Event::new());
                    let (name, mut future) = every_kind(live, event).swap_remove(kind);
                    poll_along(future.as_mut(), polls).await;
                    if by_time {
                        sleep(secs(4)).await
                    } else {
                        event.set()
                    }
                    drop(future);
                    assert_eq!((live.left(), event.waiters()), (0, 0), "{name} after {polls} polls");
                    rest().await;
                });
            }
        }
    }
}

#[test]
fn each_future_dropped_in_a_cancelled_scope_leaves_nothing() {
    for polls in 0..5 {
        let count = every_kind(&Live::new(), &Event::new()).len();
        for kind in 0..count {
            run_virtual(async {
                let (live, event) = (&Live::new(), &Event::new());
                let late = cancel_scope(async |scope| {
                    let (_, future) = every_kind(live, event).swap_remove(kind);
                    futures::join!(future, async {
                        for _ in 0..polls {
                            checkpoint().await;
                        }
                        scope.cancel();
                        checkpoint().await;
                        unreachable!("cancelled");
                    });
                });
                nursery(async |n| {
                    n.spawn(async {
                        let _ = late.await;
                        Ok(())
                    });
                    sleep(secs(5)).await;
                    event.set(); // for clean-ups that wait
                    Ok::<_, ()>(())
                })
                .await
                .unwrap();
                assert_eq!((live.left(), event.waiters()), (0, 0), "kind {kind}, {polls} polls");
            });
        }
    }
}

#[test]
fn each_future_runs_to_its_end_and_leaves_nothing() {
    let count = every_kind(&Live::new(), &Event::new()).len();
    for kind in 0..count {
        run_virtual(async {
            let (live, event) = (&Live::new(), &Event::new());
            let (name, future) = every_kind(live, event).swap_remove(kind);
            nursery(async |n| {
                n.spawn(async {
                    future.await;
                    Ok(())
                });
                sleep(secs(10)).await;
                event.set();
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            assert_eq!((live.left(), event.waiters()), (0, 0), "{name}");
        });
    }
}

// ------------------------------------------------------------------------------------ forgotten

#[test]
fn each_future_forgotten_while_it_waits_is_never_touched_again() {
    // Its environment is freed, its wakers are fired, the scopes around it are cancelled.
    for polls in 1..5 {
        let count = every_kind(&Live::new(), &Event::new()).len();
        for kind in 0..count {
            for around in 0..3 {
                run_virtual(async {
                    let (kept, left) = (Event::new(), Live::new());
                    {
                        // What the future borrows: freed before the wakers are fired.
                        let (live, event) = (Box::new(left.clone()), Box::new(kept.clone()));
                        let forget = async {
                            let (_, mut future) = every_kind(&live, &event).swap_remove(kind);
                            poll_along(future.as_mut(), polls).await;
                            mem::forget(future);
                        };
                        match around {
                            0 => forget.await,
                            1 => {
                                // A shield that was forgotten holds the scope for good, so it is
                                // dropped in the end by hand.
                                let mut scope = pin!(cancel_scope(async |scope| {
                                    forget.await;
                                    scope.cancel();
                                    checkpoint().await;
                                }));
                                poll_along(scope.as_mut(), 10).await;
                            }
                            _ => nursery(async |n| {
                                n.spawn(async { Ok(forget.await) });
                                Ok::<_, ()>(())
                            })
                            .await
                            .unwrap(),
                        }
                    }
                    let before = left.left();
                    kept.set();
                    sleep(secs(10)).await;
                    kept.wake();
                    rest().await;
                    assert_eq!(left.left(), before);
                });
            }
        }
    }
}

#[test]
fn a_forgotten_nursery_does_not_hold_the_scope_around_it() {
    // A shield in it was at work; nobody will ever poll it to its end.
    run_virtual(async {
        let late = move_on_after(secs(1), async {
            let mut half = Box::pin(nursery(async |n| {
                n.spawn(async { Ok(forever::<()>().await) });
                Ok::<_, ()>(())
            }));
            assert!(poll_once(half.as_mut()).await.is_pending());
            mem::forget(half);
            forever::<()>().await
        })
        .await;
        assert_eq!((late, now()), (None, secs(1)));
    });
}

#[test]
fn a_task_with_a_forgotten_future_ends_and_its_memory_is_reused() {
    run_virtual(async {
        let kept = Event::new();
        nursery(async |n| {
            for i in 0..200 {
                let wait = kept.wait();
                n.spawn(async move {
                    // On this task's own stack of futures, inside its cell.
                    let mut boxed = Box::pin(nursery(async |n| {
                        n.spawn(async { Ok(wait.await) });
                        Ok::<_, ()>(i)
                    }));
                    assert!(poll_once(boxed.as_mut()).await.is_pending());
                    mem::forget(boxed);
                    Ok(())
                });
                if i % 10 == 0 {
                    checkpoint().await;
                    kept.wake();
                }
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        kept.set();
        rest().await;
    });
}

#[test]
fn who_is_forgotten_in_a_line_is_told_in_vain_and_the_line_may_go() {
    let _alone = alone();
    let event = Box::new(sync::Event::new());
    let mut waits = Vec::new();
    for _ in 0..5 {
        waits.push(Box::pin(event.wait()));
        assert!(poll_with_nobody(waits.last_mut().unwrap().as_mut()).is_pending());
    }
    mem::forget(waits.swap_remove(1));
    event.set();
    event.clear();
    assert!(waits.drain(..2).all(|mut waits| poll_with_nobody(waits.as_mut()).is_ready()));
    waits.push(Box::pin(event.wait()));
    assert!(poll_with_nobody(waits[2].as_mut()).is_pending());
    waits.into_iter().for_each(mem::forget);
    drop(event);
}

#[test]
fn a_forgotten_timer_fires_for_nobody() {
    run_virtual(async {
        // Near ones are kept otherwise than far ones.
        for span in (1..100).map(secs).chain((0..48).map(|magnitude| Duration::from_nanos(1 << magnitude))) {
            let mut wait = Box::pin(sleep(span));
            assert!(poll_once(wait.as_mut()).await.is_pending());
            mem::forget(wait);
            let mut late = Box::pin(move_on_after(span, forever::<()>()));
            assert!(poll_once(late.as_mut()).await.is_pending());
            mem::forget(late);
        }
        sleep(secs(200)).await;
        assert_eq!(now(), secs(200));
    });
    // They were linked into a runtime that is gone by now.
    run_virtual(async {
        nursery(async |n| {
            n.spawn(async { Ok(sleep(secs(300)).await) });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_handle_may_be_forgotten() {
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            for i in 0..100 {
                let task = n.spawn_value(async move {
                    let _object = live.object();
                    if i % 2 == 0 {
                        sleep(secs(1)).await;
                    }
                    Ok(())
                });
                if i % 3 == 0 {
                    let mut task = Box::pin(task);
                    let _ = poll_once(task.as_mut()).await;
                    mem::forget(task);
                } else {
                    mem::forget(task);
                }
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!((live.made(), live.left()), (100, 0));
    });
}

// -------------------------------------------------------------------------------------- moved

#[test]
fn no_future_is_moved_after_its_first_poll() {
    run_virtual(async {
        let hostile = || {
            NoMove::new(async {
                sleep(secs(1)).await;
                checkpoint().await;
            })
        };
        move_on_after(secs(5), hostile()).await;
        shield(hostile()).await;
        shield_for(secs(1), hostile()).await;
        finally(hostile(), async || hostile().await).await;
        let _ = cancel_scope(async |_| hostile().await).await;
        move_on_after(millis(500), hostile()).await;
        move_on_after(millis(500), finally(hostile(), async || hostile().await)).await;
        nursery(async |n| {
            for i in 0..200 {
                let task = n.spawn_value(NoMove::new(async move {
                    checkpoint().await;
                    if i % 3 == 0 {
                        sleep(secs(i)).await;
                    }
                    Ok(i)
                }));
                n.child().after(secs(1)).spawn(NoMove::new(async { Ok(sleep(secs(1)).await) }));
                if i % 2 == 0 {
                    checkpoint().await;
                    task.cancel();
                }
            }
            hostile().await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn futures_may_be_moved_before_their_first_poll() {
    run_virtual(async {
        let live = &Live::new();
        let mut heap: Vec<_> = (0..10)
            .map(|i| {
                nursery(async move |n| {
                    n.spawn(async move {
                        let _object = live.object();
                        Ok(sleep(secs(i)).await)
                    });
                    Ok::<_, ()>(i)
                })
            })
            .collect();
        heap.reverse();
        let mut sum = 0;
        for future in heap {
            let moved = Box::new(future);
            sum += (*moved).await.unwrap();
        }
        assert_eq!((sum, live.made(), live.left()), (45, 10, 0));
    });
}

#[test]
fn a_pinned_nursery_moves_between_tasks() {
    run_virtual(async {
        let (event, log) = (&Event::new(), &Log::new());
        let mut half = Box::pin(move_on_after(
            secs(9),
            nursery(async |n| {
                n.spawn(async {
                    event.wait().await;
                    sleep(secs(1)).await;
                    log.at("child");
                    Ok(())
                });
                Ok::<_, ()>(())
            }),
        ));
        assert!(poll_along(half.as_mut(), 3).await.eq(&false));
        nursery(async |n| {
            n.spawn(async move {
                half.await.unwrap().unwrap();
                log.at("other task");
                Ok(())
            });
            sleep(secs(2)).await;
            event.set();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["3 child", "3 other task"]);
    });
}

#[test]
fn a_pinned_nursery_moves_out_of_a_cancelled_scope_and_goes_on() {
    // Scopes are linked under the one that polls them; this one changes its poller.
    run_virtual(async {
        let (event, log) = (&Event::new(), &Log::new());
        let half = &RefCell::new(Some(Box::pin(nursery(async |n| {
            n.spawn(async {
                event.wait().await;
                log.at("child");
                Ok(())
            });
            event.wait().await;
            Ok::<_, ()>(5)
        }))));
        let _ = cancel_scope(async |scope| {
            let mut inner = half.take().unwrap();
            assert!(!poll_along(inner.as_mut(), 3).await);
            *half.borrow_mut() = Some(inner);
            scope.cancel();
            checkpoint().await;
        })
        .await;
        let inner = half.take().unwrap();
        let value = nursery(async |n| {
            let task = n.spawn_value(async { Ok(inner.await.unwrap()) });
            sleep(secs(1)).await;
            event.set();
            Ok::<_, ()>(task.await.unwrap())
        })
        .await;
        assert_eq!((value, log.take()), (Ok(5), vec!["1 child".to_string()]));
    });
}

#[test]
fn a_pinned_nursery_moves_into_a_cancelled_scope_and_is_cancelled() {
    run_virtual(async {
        let live = &Live::new();
        let mut half = Box::pin(nursery(async |n| {
            n.spawn(async {
                let _object = live.object();
                forever().await
            });
            forever::<Result<(), ()>>().await
        }));
        assert!(!poll_along(half.as_mut(), 3).await);
        let late = move_on_after(secs(1), half.as_mut()).await;
        assert_eq!((late, now()), (None, secs(1)));
        drop(half);
        assert_eq!(live.left(), 0);
    });
}

// ---------------------------------------------------------------------------- foreign combinators

#[test]
fn a_pausing_combinator_around_a_cancelled_scope_delays_it_and_no_more() {
    run_virtual(async {
        let (open, live) = (&Cell::new(true), &Live::new());
        let kick = &Wakers::new();
        nursery(async |n| {
            n.spawn(async {
                let inner = move_on_after(
                    secs(1),
                    nursery(async |n| {
                        n.spawn(finally(
                            async {
                                let _object = live.object();
                                forever().await
                            },
                            async || sleep(secs(1)).await,
                        ));
                        Ok::<_, ()>(())
                    }),
                );
                let mut inner = pin!(pausing(open, inner));
                let mut kicks = pin!(kick.wait::<()>());
                let late = poll_fn(|cx| {
                    let _ = kicks.as_mut().poll(cx);
                    inner.as_mut().poll(cx)
                })
                .await;
                assert_eq!((late, now()), (None, secs(6)));
                Ok(())
            });
            checkpoint().await;
            checkpoint().await;
            open.set(false);
            sleep(secs(5)).await;
            assert_eq!(live.left(), 1);
            open.set(true);
            kick.fire();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(live.left(), 0);
    });
}

#[test]
fn a_nursery_may_be_dropped_by_its_own_child() {
    // The child reaches the pinned nursery through the environment and drops it during its own poll?
    // It can't: the poll has it borrowed. But it may drop another one that is polled further up.
    run_virtual(async {
        let live = &Live::new();
        let other = &RefCell::new(None);
        let mut half = Box::pin(nursery(async |n| {
            n.spawn(async {
                let _object = live.object();
                forever().await
            });
            Ok::<_, ()>(())
        }));
        assert!(!poll_along(half.as_mut(), 2).await);
        *other.borrow_mut() = Some(half);
        nursery(async |n| {
            n.spawn(async {
                drop(other.take());
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(live.left(), 0);
    });
}

#[test]
fn a_foreign_waker_may_drop_the_very_nursery_that_wakes_it() {
    thread_local!(static VICTIM: RefCell<Option<Boxed<'static>>> = const { RefCell::new(None) });
    fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &VTABLE)
    }
    fn wake(_: *const ()) {
        drop(VICTIM.take());
    }
    fn nothing(_: *const ()) {}
    static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, nothing);
    // SAFETY: the functions keep the contract: they use no data, and are safe on any thread.
    let waker = unsafe { Waker::new(std::ptr::null(), &VTABLE) };

    let _alone = alone();
    for depth in 0..3 {
        let (live, event) = (Live::new(), Event::new());
        let mut victim: Pin<Box<dyn Future<Output = ()>>> = Box::pin({
            let (live, event) = (live.clone(), event.clone());
            async move {
                let (live, event) = (&live, &event);
                nest(depth, live, event).await;
            }
        });
        for _ in 0..8 {
            // A wake during the poll finds nobody to drop: the victim is here, not there.
            assert!(victim.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        VICTIM.set(Some(victim));
        event.set();
        assert!(VICTIM.take().is_none());
        assert_eq!((live.left(), event.waiters()), (0, 0), "depth {depth}");
    }

    fn nest<'a>(depth: u32, live: &'a Live, event: &'a Event) -> Boxed<'a> {
        Box::pin(async move {
            let inner = nursery(async |n| {
                for _ in 0..3 {
                    n.spawn(async {
                        let _object = live.object();
                        event.wait().await;
                        Ok(())
                    });
                }
                if depth > 0 {
                    n.spawn(async {
                        nest(depth - 1, live, event).await;
                        Ok(())
                    });
                }
                event.wait().await;
                Ok::<_, ()>(())
            });
            inner.await.unwrap();
        })
    }
}

#[test]
fn a_foreign_waker_may_poll_other_nurseries_when_it_is_called() {
    type Other = Pin<Box<dyn Future<Output = Result<u32, ()>>>>;
    thread_local! {
        static OTHER: RefCell<Option<Other>> = const { RefCell::new(None) };
        static VALUES: Cell<u32> = const { Cell::new(0) };
    }
    fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &VTABLE)
    }
    fn wake(_: *const ()) {
        let Some(mut other) = OTHER.take() else { return };
        match poll_with_nobody(other.as_mut()) {
            Poll::Ready(value) => VALUES.set(VALUES.get() + value.unwrap()),
            Poll::Pending => OTHER.set(Some(other)),
        }
    }
    fn nothing(_: *const ()) {}
    static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, nothing);
    // SAFETY: the functions keep the contract: they use no data, and are safe on any thread.
    let waker = unsafe { Waker::new(std::ptr::null(), &VTABLE) };

    let _alone = alone();
    VALUES.set(0);
    OTHER.set(Some(Box::pin(nursery(async |n| {
        let task = n.spawn_value(async {
            checkpoint().await;
            Ok(3)
        });
        Ok(task.await.unwrap())
    }))));
    let event = Event::new();
    let mut main = pin!(nursery(async |n| {
        for _ in 0..5 {
            n.spawn(async {
                for _ in 0..5 {
                    checkpoint().await;
                }
                event.wait().await;
                Ok(())
            });
        }
        event.wait().await;
        Ok::<_, ()>(())
    }));
    for round in 0..100 {
        if round == 50 {
            event.set();
        }
        if main.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            assert!(round >= 50);
            assert_eq!(VALUES.get(), 3);
            return;
        }
    }
    panic!("a hundred polls are enough");
}

#[test]
fn a_task_may_poll_another_nursery_by_hand_during_its_own_poll() {
    run_virtual(async {
        let (log, event) = (&Log::new(), &Event::new());
        let mut side = pin!(nursery(async |n| {
            for _ in 0..3 {
                n.spawn(async {
                    event.wait().await;
                    log.add("side");
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        }));
        nursery(async |n| {
            n.spawn(async { Ok(rest().await) });
            for i in 0..10 {
                // With nobody's waker: no wake may go astray because of that.
                let polled = side.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                if i == 5 {
                    event.set();
                }
                checkpoint().await;
                if polled.is_ready() {
                    log.add("side done");
                    break;
                }
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["side", "side", "side", "side done"]);
    });
}

// ---------------------------------------------------------------------------- cells and handles

#[test]
fn a_child_may_own_its_own_handle() {
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            for i in 0..10 {
                let own = Rc::new(Cell::new(None::<Task<'_, ()>>));
                let inside = own.clone();
                let task = n.spawn_value(async move {
                    let _object = live.object();
                    checkpoint().await;
                    let task = inside.take();
                    if i % 2 == 0 {
                        forever::<()>().await;
                    }
                    drop(task);
                    Ok(())
                });
                own.set(Some(task));
            }
            rest().await;
            assert_eq!(live.left(), 5);
            n.cancel_children();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(live.left(), 0);
    });
}

#[test]
fn a_childs_result_may_hold_its_own_handle() {
    struct Knot<'a>(#[allow(dead_code)] Option<Task<'a, Rc<Knot<'a>>>>, #[allow(dead_code)] Object);
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            let own = Rc::new(Cell::new(None::<Task<'_, Rc<Knot<'_>>>>));
            let inside = own.clone();
            own.set(Some(n.spawn_value(async move {
                checkpoint().await;
                Ok(Rc::new(Knot(inside.take(), live.object())))
            })));
            rest().await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        // The knot can't be untied by its handle; whoever ends the nursery cuts it.
        assert!(live.left() <= 1);
    });
}

#[test]
fn a_destructor_of_a_child_may_use_handles_of_its_siblings() {
    run_virtual(async {
        let seen = &RefCell::new(Vec::new());
        let result = nursery(async |n| {
            let tasks = Rc::new(RefCell::new(Vec::<Task<'_, u32>>::new()));
            for i in 0..10 {
                let all = tasks.clone();
                let task = n.spawn_value(async move {
                    let _end = on_drop(|| {
                        for task in all.borrow().iter() {
                            seen.borrow_mut().push((task.is_finished(), task.status()));
                            task.cancel();
                        }
                    });
                    forever::<()>().await;
                    Ok(i)
                });
                tasks.borrow_mut().push(task);
            }
            rest().await;
            Err::<(), _>(())
        })
        .await;
        assert_eq!(result, Err(()));
        assert_eq!(seen.borrow().len(), 100);
    });
}

#[test]
fn a_destructor_may_drop_the_handles_and_results_of_its_siblings() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            let tasks = Rc::new(RefCell::new(Vec::<Task<'_, Object>>::new()));
            for i in 0..10 {
                let all = tasks.clone();
                let task = n.spawn_value(async move {
                    let _end = on_drop(move || drop(all.take()));
                    if i % 2 == 0 {
                        forever::<()>().await;
                    }
                    Ok(live.object())
                });
                tasks.borrow_mut().push(task);
            }
            checkpoint().await;
            Err::<(), _>(())
        })
        .await;
        assert_eq!((result, live.left()), (Err(()), 0));
    });
}

#[test]
fn a_destructor_may_end_the_nursery_or_cancel_the_scope() {
    for way in 0..3 {
        run_virtual(async {
            let live = &Live::new();
            let left = cancel_scope(async |scope| {
                nursery(async |n| {
                    for _ in 0..10 {
                        n.spawn(async move {
                            let _object = live.object();
                            let _end = on_drop(|| match way {
                                0 => n.fail("from a destructor"),
                                1 => n.cancel_children(),
                                _ => scope.cancel(),
                            });
                            forever().await
                        });
                    }
                    let last = n.spawn(async {
                        let _end = on_drop(|| scope.cancel());
                        forever().await
                    });
                    rest().await;
                    last.cancel();
                    rest().await;
                    Err::<(), _>("body")
                })
                .await
            })
            .await;
            let _ = left;
            assert_eq!(live.left(), 0, "way {way}");
        });
    }
}

#[test]
fn zero_sized_and_huge_children_live_and_die_well() {
    run_virtual(async {
        nursery(async |n| {
            for _ in 0..100 {
                n.spawn(std::future::ready(Ok(())));
            }
            let big = n.spawn_value(async {
                let bytes = [7u8; 10_000];
                checkpoint().await;
                Ok(bytes)
            });
            assert!(big.await.unwrap().iter().all(|byte| *byte == 7));
            #[repr(align(256))]
            struct Aligned([u8; 256]);
            let aligned = n.spawn_value(async {
                let aligned = Aligned([3; 256]);
                checkpoint().await;
                assert_eq!(std::ptr::from_ref(&aligned).addr() % 256, 0);
                Ok(aligned)
            });
            assert_eq!(aligned.await.unwrap().0[255], 3);
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn random_drops_of_half_done_futures_leave_nothing() {
    for seed in 0..200 {
        let mut rng = Rng(seed);
        run_virtual(async {
            let (live, event) = (&Live::new(), &Event::new());
            let mut all: Vec<_> = (0..3).flat_map(|_| every_kind(live, event)).collect();
            for _ in 0..100 {
                if all.is_empty() {
                    break;
                }
                let i = rng.below(all.len() as u64) as usize;
                match rng.below(10) {
                    0 | 1 => drop(all.swap_remove(i)),
                    2 => sleep(millis(rng.below(1_500))).await,
                    3 if rng.one_in(4) => event.set(),
                    3 => event.wake(),
                    _ => {
                        if poll_once(all[i].1.as_mut()).await.is_ready() {
                            drop(all.swap_remove(i));
                        }
                    }
                }
            }
            drop(all);
            assert_eq!((live.left(), event.waiters()), (0, 0), "seed {seed}");
            assert_eq!(move_on_after(secs(5), forever::<()>()).await, None);
        });
    }
}

#[test]
fn a_runtime_dropped_at_every_turn_leaves_nothing() {
    let count = every_kind(&Live::new(), &Event::new()).len();
    for kind in 0..count {
        for turns in 0..12 {
            let _alone = alone();
            let (live, event) = (Live::new(), Event::new());
            let clock: VirtualClock = VirtualClock::new();
            {
                let (_, future) = every_kind(&live, &event).swap_remove(kind);
                let mut runtime = pin!(Runtime::new(&clock, future));
                for turn in 0..turns {
                    match runtime.as_mut().turn() {
                        Next::Finished(()) => break,
                        Next::Wait(Until::At(tick)) => clock.advance_to(tick),
                        Next::Wait(Until::OnWake) => event.set(),
                        Next::Wait(Until::Now) => {}
                    }
                    if turn == 6 {
                        event.set();
                    }
                }
            }
            assert_eq!((live.left(), event.waiters()), (0, 0), "kind {kind} after {turns} turns");
            event.wake();
        }
    }
}

/// Calls a function when its last copy is dropped, once.
struct Last(std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl std::task::Wake for Last {
    fn wake(self: std::sync::Arc<Self>) {}
}

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(f) = self.0.get_mut().unwrap().take() {
            f();
        }
    }
}

#[test]
fn a_scope_that_dies_leaves_the_timers_before_the_destructor_of_a_foreign_waker_runs() {
    type Place = RefCell<Option<Boxed<'static>>>;
    thread_local! {
        static SCOPE: Place = const { RefCell::new(None) };
        static NEXT: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
        static SEEN: Cell<Option<Next<()>>> = const { Cell::new(None) };
    }
    static CLOCK: VirtualClock = VirtualClock::new();
    let _alone = alone();
    let runtime = Runtime::new(&CLOCK, async {
        let foreign = Waker::from(std::sync::Arc::new(Last(std::sync::Mutex::new(Some(Box::new(|| {
            if let Some(next) = NEXT.take() {
                next();
            }
        }))))));
        let mut scope: Boxed<'static> = Box::pin(async {
            move_on_after(secs(5), forever::<()>()).await;
        });
        assert!(scope.as_mut().poll(&mut Context::from_waker(&foreign)).is_pending());
        SCOPE.set(Some(scope));
        drop(foreign);
        forever::<()>().await
    });
    let mut runtime = Box::pin(runtime);
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::At(giambio_core::Tick(5_000_000_000))));
    NEXT.set(Some(Box::new(move || SEEN.set(Some(settle(runtime.as_mut()))))));
    CLOCK.advance(secs(1));
    drop(SCOPE.take());
    assert_eq!(SEEN.get(), Some(Next::Wait(Until::OnWake)));
}

#[test]
fn a_sleep_that_ends_in_another_runtime_leaves_the_timers_of_the_first_in_order() {
    let _alone = alone();
    let (slow, fast) = (VirtualClock::<1_000>::new(), VirtualClock::<1_000_000_000>::new());
    let shared = RefCell::new(Box::pin(sleep(secs(10))));
    let poll = || poll_fn(|cx| shared.borrow_mut().as_mut().poll(cx));
    let mut first = pin!(Runtime::new(&slow, async {
        assert!(poll_once(pin!(poll())).await.is_pending());
        sleep(secs(20)).await;
    }));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::At(giambio_core::Tick(10_000))));
    fast.advance(secs(11));
    let mut second = pin!(Runtime::new(&fast, poll()));
    assert_eq!(settle(second.as_mut()), Next::Finished(()));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::At(giambio_core::Tick(20_000))), "there is nobody else in it");
    slow.advance(secs(20));
    assert_eq!(settle(first.as_mut()), Next::Finished(()));
}

/// Without `std`, all clocks tick at one rate where a future goes from one to the other.
#[cfg(feature = "std")]
#[test]
fn a_scope_whose_deadline_is_beyond_another_runtime_leaves_the_timers_of_the_first() {
    let _alone = alone();
    let (slow, fast) = (VirtualClock::<1_000>::new(), VirtualClock::<1_000_000_000>::new());
    let scope = RefCell::new(Box::pin(move_on_after(secs(30_000_000_000), forever::<()>())));
    let poll = || poll_fn(|cx| scope.borrow_mut().as_mut().poll(cx).map(drop));
    let mut first = pin!(Runtime::new(&slow, async {
        assert!(poll_once(pin!(poll())).await.is_pending());
        forever::<()>().await
    }));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::At(giambio_core::Tick(30_000_000_000_000))));
    let mut second = pin!(Runtime::new(&fast, poll()));
    assert_eq!(settle(second.as_mut()), Next::Wait(Until::OnWake));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::OnWake));
}

#[test]
fn a_childs_result_that_holds_its_own_handle_is_dropped_before_its_memory_is_given_away() {
    /// The first word is what an allocator overwrites first.
    #[repr(C)]
    struct Own<'a, const N: usize>(u64, [u64; N], Option<Task<'a, Own<'a, N>>>);
    impl<const N: usize> Drop for Own<'_, N> {
        fn drop(&mut self) {
            drop(self.2.take());
            // Whoever gets the memory of this now would write over it.
            let other = Box::new([0_u64; N]);
            assert_eq!(std::hint::black_box(&*other), &[0; N]);
            assert_eq!((std::hint::black_box(self.0), self.1), (7, [7; N]));
        }
    }
    fn check<const N: usize>() {
        run_virtual(async {
            nursery(async |n| {
                let own = Rc::new(Cell::new(None));
                let inside = own.clone();
                own.set(Some(n.spawn_value(async move {
                    checkpoint().await;
                    Ok(Own::<N>(7, [7; N], inside.take()))
                })));
                rest().await;
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
        });
    }
    check::<1>();
    check::<12>();
    check::<90>();
    check::<250>();
    check::<5_000>();
}
