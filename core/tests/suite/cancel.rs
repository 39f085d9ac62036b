//! Conformance, area *cancel*: scopes and deadlines. Law CANCEL-ALWAYS-WORKS. Shields and
//! clean-ups have a file of their own.
#![cfg(feature = "alloc")]

use std::cell::Cell;
use std::pin::pin;

use crate::common::*;
use giambio_core::{
    Cancelled, Canceller, Instant, Reason, TimedOut, cancel_scope, checkpoint, clock, effective_deadline, fail_after,
    fail_at, finally, is_cancelled, move_on_after, move_on_at, nursery, shield, sleep, sleep_until, timeout,
};

fn at(n: u64) -> Instant {
    Instant::from_nanos(n * 1_000_000_000)
}

fn because(reason: Reason) -> Cancelled {
    Cancelled { reason }
}

// ------------------------------------------------------------------------------ before entry

#[test]
fn code_cancelled_before_its_first_suspension_is_dropped_there() {
    run_virtual(async {
        let log = &Log::new();
        let result = cancel_scope(async |scope| {
            let _end = log.on_drop("dropped");
            scope.cancel();
            log.add("still running");
            sleep(secs(1)).await;
            log.add("never");
        })
        .await;
        log.add("left");
        assert_eq!((result, now()), (Err(because(Reason::Requested)), secs(0)));
        assert_eq!(log.take(), ["still running", "dropped", "left"]);
    });
}

#[test]
fn code_that_ends_without_a_suspension_keeps_its_value_though_it_was_cancelled() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.cancel();
            5
        })
        .await;
        assert_eq!(result, Ok(5));
    });
}

#[test]
fn a_scope_entered_in_cancelled_code_is_left_at_its_first_suspension() {
    run_virtual(async {
        let log = &Log::new();
        let result = cancel_scope(async |outer| {
            outer.cancel();
            let _ = cancel_scope(async |inner| {
                assert!(is_cancelled() && !inner.is_cancelled());
                log.add("inner begins");
                checkpoint().await;
                log.add("never");
            })
            .await;
            log.add("nor this");
        })
        .await;
        assert!(result.is_err());
        assert_eq!(log.take(), ["inner begins"]);
    });
}

#[test]
fn no_leaf_future_gets_further_in_cancelled_code() {
    run_virtual(async {
        let event = Event::new();
        event.set();
        for leaf in 0..7 {
            let reached = &Cell::new(false);
            let result = cancel_scope(async |scope| {
                scope.cancel();
                match leaf {
                    0 => checkpoint().await,
                    1 => sleep(secs(0)).await,
                    2 => sleep_until(at(0)).await,
                    3 => event.wait().await,
                    4 => drop(nursery(async |_| Ok::<_, ()>(())).await),
                    5 => foreign_yield().await,
                    _ => drop(giambio_core::interval_at(at(0), secs(1)).tick().await.checked_add(secs(1)).into_iter()),
                }
                reached.set(true);
            })
            .await;
            assert_eq!((leaf, result), (leaf, Err(because(Reason::Requested))));
            assert!(!reached.get(), "leaf {leaf} let cancelled code go on");
        }
    });
}

// ---------------------------------------------------------------------------------- deadlines

#[test]
fn a_deadline_drops_what_is_not_done_in_time() {
    run_virtual(async {
        let live = &Live::new();
        let late = move_on_after(secs(2), async {
            let _object = live.object();
            sleep(secs(3)).await;
        })
        .await;
        assert_eq!((late, now(), live.left()), (None, secs(2), 0));
        let early = move_on_after(secs(2), async {
            sleep(secs(1)).await;
            7
        })
        .await;
        assert_eq!((early, now()), (Some(7), secs(3)));
    });
}

#[test]
fn a_deadline_that_is_past_on_entry_leaves_at_the_first_suspension() {
    run_virtual(async {
        sleep(secs(10)).await;
        let begun = &Cell::new(0);
        let body = || async {
            begun.set(begun.get() + 1);
            sleep(secs(1)).await;
        };
        assert_eq!(move_on_at(at(9), body()).await, None);
        assert_eq!(move_on_at(at(10), body()).await, None);
        assert_eq!(move_on_after(secs(0), body()).await, None);
        assert_eq!(fail_at(at(9), body()).await, Err(TimedOut { deadline: at(9), given: secs(0) }));
        assert_eq!(fail_after(secs(0), body()).await, Err(TimedOut { deadline: at(10), given: secs(0) }));
        assert_eq!((begun.get(), now()), (5, secs(10)));
        // What never suspends is done, however late.
        assert_eq!(move_on_at(at(9), async { 1 }).await, Some(1));
        assert_eq!(fail_at(at(9), async { 1 }).await, Ok(1));
    });
}

#[test]
fn a_deadline_reaches_code_that_never_looks_at_the_time() {
    run_virtual(async {
        // Awaited, spawned, and inside foreign combinators.
        assert_eq!(move_on_after(secs(1), forever::<()>()).await, None);
        assert_eq!(now(), secs(1));
        let spawned = nursery(async |n| {
            n.spawn(forever());
            n.spawn(async {
                nursery(async |n| {
                    n.spawn(forever());
                    forever().await
                })
                .await
            });
            Ok::<_, ()>(())
        });
        assert_eq!(move_on_after(secs(1), spawned).await, None);
        assert_eq!(now(), secs(2));
        let joined = async { futures::join!(forever::<()>(), checkpoint()) };
        assert_eq!(move_on_after(secs(1), joined).await, None);
        assert_eq!(now(), secs(3));
    });
}

#[test]
fn a_body_that_is_ready_as_the_deadline_passes_keeps_its_value() {
    run_virtual(async {
        assert_eq!(move_on_after(secs(1), sleep(secs(1))).await, Some(()));
        assert_eq!(
            move_on_at(at(3), async {
                sleep_until(at(3)).await;
                8
            })
            .await,
            Some(8)
        );
        let woken = nursery(async |n| {
            let event = std::rc::Rc::new(Event::new());
            let sets = event.clone();
            n.spawn(async move {
                sleep(secs(1)).await;
                sets.set();
                Ok(())
            });
            checkpoint().await; // the sleep is set before the deadline, so it ends before it
            Ok::<_, ()>(move_on_after(secs(1), event.wait()).await)
        })
        .await;
        assert_eq!((woken, now()), (Ok(Some(())), secs(4)));
    });
}

#[test]
fn a_body_whose_value_came_before_a_late_poll_keeps_it() {
    // The clock jumps beyond both: the work's end was due before the deadline.
    let _alone = alone();
    let clock: giambio_core::VirtualClock = giambio_core::VirtualClock::new();
    let work = move_on_after(secs(2), async {
        sleep(secs(1)).await;
        "in time"
    });
    let mut runtime = pin!(giambio_core::Runtime::new(&clock, work));
    let _ = settle(runtime.as_mut());
    clock.advance(secs(10));
    assert_eq!(finish(runtime.as_mut(), &clock), Some("in time"));
}

#[test]
fn a_timeout_is_an_error_that_says_how_long_was_given() {
    run_virtual(async {
        let error = fail_after(secs(2), forever::<()>()).await.unwrap_err();
        assert_eq!(error, TimedOut { deadline: at(2), given: secs(2) });
        let _: &dyn std::error::Error = &error;
        let second = timeout(secs(1), forever::<()>()).await.unwrap_err();
        assert_eq!(second, TimedOut { deadline: at(3), given: secs(1) });
        // A deadline has given what was left of it when the work began.
        let until = Box::pin(fail_at(at(8), forever::<()>()));
        sleep(secs(1)).await;
        let third = until.await.unwrap_err();
        assert_eq!(third, TimedOut { deadline: at(8), given: secs(4) });
        let late = fail_at(at(8), forever::<()>()).await.unwrap_err();
        let texts = [error, second, third, late].map(|error| error.to_string());
        assert_eq!(
            texts,
            ["timed out after 2s", "timed out after 1s", "timed out after 4s", "timed out: no time was left"]
        );
        assert_eq!(timeout(secs(1), async { 3 }).await, Ok(3));
    });
}

#[test]
fn an_endless_deadline_never_fires() {
    run_virtual(async {
        for long in [std::time::Duration::MAX, secs(u64::MAX), std::time::Duration::from_nanos(u64::MAX)] {
            assert_eq!(move_on_after(long, sleep(secs(1))).await, Some(()));
        }
        assert_eq!(move_on_at(Instant::MAX, sleep(secs(1))).await, Some(()));
        assert_eq!(now(), secs(4));
    });
}

#[test]
fn a_deadline_is_moved_earlier_while_the_code_waits() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.set_deadline(Some(at(10)));
            assert_eq!(scope.deadline(), Some(at(10)));
            nursery(async |n| {
                n.spawn(async {
                    sleep(secs(1)).await;
                    scope.set_deadline(Some(at(3)));
                    Ok(())
                });
                forever::<Result<(), ()>>().await
            })
            .await
        })
        .await;
        assert_eq!((result, now()), (Err(because(Reason::Deadline)), secs(3)));
    });
}

#[test]
fn a_deadline_is_moved_later_while_the_code_waits() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.set_deadline(Some(at(2)));
            nursery(async |n| {
                n.spawn(async {
                    sleep(secs(1)).await;
                    scope.set_deadline(Some(at(5)));
                    sleep(secs(3)).await;
                    scope.set_deadline(Some(at(7)));
                    Ok(())
                });
                forever::<Result<(), ()>>().await
            })
            .await
        })
        .await;
        assert_eq!((result, now()), (Err(because(Reason::Deadline)), secs(7)));
    });
}

#[test]
fn a_deadline_is_taken_away_while_the_code_waits() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.set_deadline(Some(at(2)));
            nursery(async |n| {
                n.spawn(async {
                    sleep(secs(1)).await;
                    scope.set_deadline(None);
                    Ok(())
                });
                sleep(secs(9)).await;
                Ok::<_, ()>(scope.deadline())
            })
            .await
        })
        .await;
        assert_eq!((result, now()), (Ok(Ok(None)), secs(9)));
    });
}

#[test]
fn a_deadline_moved_into_the_past_counts_at_the_next_suspension() {
    run_virtual(async {
        sleep(secs(5)).await;
        let result = cancel_scope(async |scope| {
            sleep(secs(1)).await;
            scope.set_deadline(Some(at(1)));
            sleep(secs(1)).await;
            sleep(secs(1)).await;
        })
        .await;
        assert_eq!((result, now()), (Err(because(Reason::Deadline)), secs(6)));
    });
}

#[test]
fn a_deadline_set_a_thousand_times_fires_once_at_the_last() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            for i in 0..1_000 {
                scope.set_deadline(Some(at(1_000 + i)));
            }
            forever::<()>().await
        })
        .await;
        assert_eq!((result, now()), (Err(because(Reason::Deadline)), secs(1_999)));
        sleep(secs(5_000)).await;
    });
}

#[test]
fn the_effective_deadline_is_the_soonest_of_all_around() {
    run_virtual(async {
        assert_eq!(effective_deadline(), None);
        move_on_after(secs(10), async {
            assert_eq!(effective_deadline(), Some(at(10)));
            move_on_after(secs(20), async {
                assert_eq!(effective_deadline(), Some(at(10)));
                move_on_after(secs(5), async {
                    assert_eq!(effective_deadline(), Some(at(5)));
                    // Children have their nursery's.
                    nursery(async |n| {
                        n.spawn(async {
                            assert_eq!(effective_deadline(), Some(at(5)));
                            shield(async { assert_eq!(effective_deadline(), None) }).await;
                            checkpoint().await;
                            assert_eq!(effective_deadline(), Some(at(5)));
                            Ok(())
                        });
                        Ok::<_, ()>(())
                    })
                    .await
                })
                .await
                .unwrap()
                .unwrap();
                assert_eq!(effective_deadline(), Some(at(10)));
            })
            .await
            .unwrap();
        })
        .await
        .unwrap();
        assert_eq!(effective_deadline(), None);
    });
}

#[test]
fn an_outer_deadline_is_the_inner_ones_too() {
    run_virtual(async {
        let log = &Log::new();
        let outer = move_on_after(secs(2), async {
            let inner = move_on_after(secs(5), forever::<()>()).await;
            log.add("the inner scope must not catch what the outer ordered");
            inner
        })
        .await;
        assert_eq!((outer, now()), (None, secs(2)));
        assert!(log.take().is_empty());
    });
}

#[test]
fn an_inner_deadline_leaves_the_outer_code_alone() {
    run_virtual(async {
        let outer = move_on_after(secs(5), async {
            assert_eq!(move_on_after(secs(2), forever::<()>()).await, None);
            sleep(secs(2)).await;
            "outer"
        })
        .await;
        assert_eq!((outer, now()), (Some("outer"), secs(4)));
    });
}

// -------------------------------------------------------------------- who cancels, and how often

#[test]
fn cancelling_twice_is_as_good_as_once() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.cancel_because("first");
            scope.cancel();
            scope.cancel_because("second");
            assert_eq!(scope.reason(), Some(Reason::Because("first")));
            scope.set_deadline(Some(at(0)));
            checkpoint().await;
        })
        .await;
        assert_eq!(result, Err(because(Reason::Because("first"))));
        assert_eq!(result.unwrap_err().to_string(), "cancelled: first");
        sleep(secs(1)).await;
    });
}

#[test]
fn of_inner_and_outer_cancelled_at_once_the_innermost_catches() {
    run_virtual(async {
        for outer_first in [false, true] {
            let log = &Log::new();
            let result = cancel_scope(async |outer| {
                let inner = cancel_scope(async |inner| {
                    if outer_first {
                        outer.cancel();
                        inner.cancel();
                    } else {
                        inner.cancel();
                        outer.cancel();
                    }
                    checkpoint().await;
                    log.add("never");
                })
                .await;
                assert!(inner.is_err());
                log.add("the inner scope caught");
                checkpoint().await;
                log.add("nor this");
            })
            .await;
            assert!(result.is_err());
            assert_eq!(log.take(), ["the inner scope caught"], "outer first: {outer_first}");
        }
    });
}

#[test]
fn of_two_deadlines_at_once_the_innermost_catches() {
    run_virtual(async {
        for (outer_after, inner_after) in [(2, 2), (3, 2)] {
            let log = &Log::new();
            let start = now();
            let outer = move_on_after(secs(outer_after), async {
                let inner = move_on_after(secs(inner_after), forever::<()>()).await;
                assert_eq!(inner, None);
                log.add("the inner scope caught");
                sleep(secs(5)).await;
                log.add("never");
            })
            .await;
            assert_eq!((outer, now() - start), (None, secs(outer_after)));
            assert_eq!(log.take(), ["the inner scope caught"], "after {outer_after} and {inner_after}");
        }
    });
}

#[test]
fn a_sibling_cancels() {
    run_virtual(async {
        let log = &Log::new();
        let result = cancel_scope(async |scope| {
            nursery(async |n| {
                n.spawn(async {
                    sleep(secs(3)).await;
                    scope.cancel_because("the sibling said so");
                    log.at("cancels");
                    Ok(())
                });
                n.spawn(async {
                    let _end = log.on_drop("dropped");
                    forever().await
                });
                Ok::<_, ()>(())
            })
            .await
        })
        .await;
        log.add("left");
        assert_eq!(result, Err(because(Reason::Because("the sibling said so"))));
        assert_eq!(log.take(), ["3 cancels", "dropped", "left"]);
    });
}

#[test]
fn code_cancels_the_scope_it_is_in_from_deep_below() {
    run_virtual(async {
        let log = &Log::new();
        let result = cancel_scope(async |scope| {
            nursery(async |n| {
                n.spawn(async {
                    nursery(async |n| {
                        n.spawn(async {
                            move_on_after(secs(100), async {
                                sleep(secs(1)).await;
                                scope.cancel();
                                assert!(is_cancelled() && scope.is_cancelled());
                                log.add("goes on to its next suspension");
                                checkpoint().await;
                                log.add("but no further");
                            })
                            .await;
                            Ok(())
                        });
                        Ok::<_, ()>(())
                    })
                    .await
                });
                forever::<Result<(), ()>>().await
            })
            .await
        })
        .await;
        assert_eq!((result, now()), (Err(because(Reason::Requested)), secs(1)));
        assert_eq!(log.take(), ["goes on to its next suspension"]);
    });
}

#[test]
fn a_child_cancels_itself_through_its_own_handle() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            let own = std::rc::Rc::new(Mailbox::<giambio_core::Task<'_, ()>>::new());
            let inside = own.clone();
            let outside = std::rc::Rc::new(Mailbox::new());
            let hand_back = outside.clone();
            own.send(n.spawn_value(async move {
                let task = inside.receive().await;
                task.cancel();
                hand_back.send(task);
                log.add("runs on");
                checkpoint().await;
                log.add("never");
                Ok(())
            }));
            let task = outside.receive().await;
            assert_eq!(task.await, Err(because(Reason::Requested)));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["runs on"]);
    });
}

#[test]
fn a_child_cancels_its_nursery() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            for _ in 0..10 {
                n.spawn(async {
                    let _object = live.object();
                    forever().await
                });
            }
            n.spawn(async {
                sleep(secs(1)).await;
                n.cancel();
                n.cancel();
                assert!(n.is_cancelled() && is_cancelled());
                checkpoint().await;
                unreachable!("a cancelled child stops at its next suspension")
            });
            forever::<Result<(), Cancelled>>().await
        })
        .await;
        assert_eq!((result, live.left(), now()), (Err(because(Reason::Requested)), 0, secs(1)));
    });
}

#[test]
fn a_nursery_cancelled_by_its_own_body_is_left_at_the_bodys_next_suspension() {
    run_virtual(async {
        let result = nursery(async |n| {
            n.spawn(forever());
            n.cancel();
            checkpoint().await;
            unreachable!();
            #[allow(unreachable_code)]
            Ok::<(), Cancelled>(())
        })
        .await;
        assert_eq!(result, Err(because(Reason::Requested)));
    });
}

#[test]
fn cancel_children_leaves_the_body_alone() {
    run_virtual(async {
        let live = &Live::new();
        let value = nursery(async |n| {
            let mut tasks = Vec::new();
            for _ in 0..10 {
                tasks.push(n.spawn(async {
                    let _object = live.object();
                    forever().await
                }));
            }
            sleep(secs(1)).await;
            assert_eq!(live.left(), 10);
            n.cancel_children();
            for task in tasks {
                assert_eq!(task.await, Err(because(Reason::Requested)));
            }
            assert_eq!((live.left(), n.live(), n.is_cancelled()), (0, 0, false));
            // And the nursery is as good as before.
            let task = n.spawn_value(async { Ok(sleep(secs(1)).await) });
            assert_eq!(task.await, Ok(()));
            Ok::<_, ()>(7)
        })
        .await;
        assert_eq!((value, now()), (Ok(7), secs(2)));
    });
}

#[test]
fn cancel_children_spares_those_that_come_later() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            n.spawn(forever());
            checkpoint().await;
            n.cancel_children();
            n.spawn(async {
                sleep(secs(1)).await;
                log.at("the newcomer ends");
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 the newcomer ends"]);
    });
}

#[test]
fn cancel_children_by_a_child_cancels_that_child_too() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            n.spawn(forever());
            n.spawn(async {
                n.cancel_children();
                log.add("one of the children");
                checkpoint().await;
                log.add("never");
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["one of the children"]);
    });
}

#[cfg(feature = "std")]
#[test]
fn another_thread_cancels() {
    // The thread sets a flag and wakes; a child that waits for the flag cancels the scope.
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Poll;

    let flag = Arc::new(AtomicBool::new(false));
    let (send_waker, wakers) = std::sync::mpsc::channel::<std::task::Waker>();
    let thread = std::thread::spawn({
        let flag = flag.clone();
        move || {
            let waker = wakers.recv().unwrap();
            flag.store(true, Ordering::SeqCst);
            waker.wake();
        }
    });
    let main = cancel_scope(async |scope| {
        nursery(async |n| {
            n.spawn(async {
                std::future::poll_fn(|cx| {
                    if flag.load(Ordering::SeqCst) {
                        return Poll::Ready(());
                    }
                    send_waker.send(cx.waker().clone()).unwrap();
                    Poll::Pending
                })
                .await;
                scope.cancel_because("another thread asked");
                Ok(())
            });
            forever::<Result<(), ()>>().await
        })
        .await
    });
    let notify = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let clock: giambio_core::VirtualClock = giambio_core::VirtualClock::new();
    let runtime = pin!(giambio_core::Runtime::new(&clock, main).with_notify(notify));
    let result = runtime.run(&mut |until| {
        if until == giambio_core::Until::OnWake {
            std::thread::park();
        }
    });
    assert_eq!(result, Err(because(Reason::Because("another thread asked"))));
    thread.join().unwrap();

    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
}

#[test]
fn an_interruption_has_its_own_reason() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.interrupt();
            checkpoint().await;
        })
        .await;
        assert_eq!(result, Err(because(Reason::Interrupted)));
    });
}

#[test]
fn a_canceller_goes_where_its_scope_is() {
    async fn watchdog(scope: Canceller<'_, '_>, event: &Event) {
        event.wait().await;
        scope.cancel();
    }
    run_virtual(async {
        let event = Event::new();
        let result = cancel_scope(async |scope| {
            let copy = scope;
            futures::join!(watchdog(copy, &event), async {
                sleep(secs(1)).await;
                event.set();
                forever::<()>().await
            });
        })
        .await;
        assert_eq!((result, now()), (Err(because(Reason::Requested)), secs(1)));
    });
}

// ------------------------------------------------------------------------- what is left behind

#[test]
fn a_scope_is_left_when_everything_inside_is_gone() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        let body = async {
            let _object = live.object();
            nursery(async |n| {
                for i in 0..20 {
                    n.spawn(async move {
                        let _object = live.object();
                        nursery(async |n| {
                            n.spawn(async {
                                let _object = live.object();
                                if i == 7 {
                                    finally(forever::<()>(), async || {
                                        let _object = live.object();
                                        sleep(secs(3)).await;
                                        log.at("cleaned up");
                                    })
                                    .await;
                                }
                                forever().await
                            });
                            Ok::<_, ()>(())
                        })
                        .await
                    });
                }
                Ok::<_, ()>(())
            })
            .await
        };
        assert_eq!(move_on_after(secs(1), body).await, None);
        assert_eq!((now(), live.left()), (secs(4), 0));
        assert_eq!(log.take(), ["4 cleaned up"]);
    });
}

#[test]
fn a_scope_may_be_cancelled_and_dropped_without_being_polled_again() {
    run_virtual(async {
        let live = &Live::new();
        let handle = Cell::new(None);
        let event = Event::new();
        {
            let mut scope = pin!(cancel_scope(async |_| {
                let _object = live.object();
                event.wait().await;
            }));
            assert!(poll_once(scope.as_mut()).await.is_pending());
            handle.set(Some(event.waiters()));
        }
        assert_eq!((handle.get(), event.waiters(), live.left()), (Some(1), 0, 0));
        checkpoint().await;
    });
}

#[test]
fn a_thousand_scopes_deep_a_cancellation_arrives_at_once() {
    use std::future::Future;
    use std::pin::Pin;
    fn nest<'a>(depth: u32, live: &'a Live) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        Box::pin(async move {
            let _object = live.object();
            if depth == 0 {
                return forever().await;
            }
            move_on_after(secs(1_000 + u64::from(depth)), nest(depth - 1, live)).await;
        })
    }
    on_big_stack(|| {
        run_virtual(async {
            let live = Live::new();
            assert_eq!(move_on_after(secs(1), nest(1_000, &live)).await, None);
            assert_eq!((now(), live.made(), live.left()), (secs(1), 1_001, 0));
        });
    });
}

#[test]
fn a_cancelled_receive_loses_no_message() {
    // Law NOTHING-LOST: between the send and the poll that would have seen it.
    run_virtual(async {
        let mailbox = &Mailbox::new();
        nursery(async |n| {
            let task = n.spawn_value(async { Ok(mailbox.receive().await) });
            checkpoint().await;
            task.cancel();
            mailbox.send("letter");
            assert!(task.await.is_err());
            assert_eq!(mailbox.receive().await, "letter");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn is_cancelled_is_about_the_code_that_asks() {
    run_virtual(async {
        assert!(!is_cancelled());
        let result = cancel_scope(async |outer| {
            let inner = cancel_scope(async |inner| {
                inner.cancel();
                assert!(is_cancelled());
                assert!(!outer.is_cancelled());
                checkpoint().await;
            })
            .await;
            assert!(inner.is_err() && !is_cancelled());
            outer.cancel();
            assert!(is_cancelled());
            shield(async { unreachable!("it never starts") }).await
        })
        .await;
        assert!(result.is_err() && !is_cancelled());
    });
}

#[test]
fn the_parent_of_a_cancelled_scope_goes_on_in_the_same_poll() {
    run_virtual(async {
        for _ in 0..1_000 {
            let _ = cancel_scope(async |scope| {
                scope.cancel();
                checkpoint().await;
            })
            .await;
        }
        assert_eq!(clock(), at(0));
    });
}
