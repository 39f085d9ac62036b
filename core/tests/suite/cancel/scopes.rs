//! Where cancelled code is left, which scope catches, and with what.

use std::cell::Cell;
use std::pin::pin;

use super::{at, because};
use crate::common::*;
use giambio_core::{
    Next, Reason, Runtime, Until, VirtualClock, cancel_scope, checkpoint, clock, finally, is_cancelled, move_on_after,
    nursery, shield, sleep, sleep_until,
};

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

/// However many tasks are before it in the turn: what is found from outside is marked by who cancels, and not when it is
/// polled.
#[test]
fn what_is_cancelled_around_a_task_is_known_in_its_code_before_that_is_polled() {
    for others in 0..100 {
        let _alone = alone();
        let time: VirtualClock = VirtualClock::new();
        let mut runtime = pin!(Runtime::new(&time, async {
            cancel_scope(async |scope| {
                nursery(async |n| {
                    n.spawn(async { Ok(move_on_after(secs(9), shield(sleep(secs(1)))).await.unwrap_or(())) });
                    for _ in 0..others {
                        n.spawn(async { Ok(()) });
                    }
                    n.spawn(async { Ok(scope.cancel()) });
                    Ok::<_, ()>(())
                })
                .await
            })
            .await
        }));
        loop {
            let next = runtime.as_mut().turn();
            assert_eq!(audit(runtime.as_mut(), true), Ok(()), "beside {others}");
            match next {
                Next::Finished(_) => break,
                Next::Wait(Until::Now) => {}
                Next::Wait(Until::At(tick)) => time.advance_to(tick),
                Next::Wait(Until::OnWake) => panic!("all wait for ever"),
            }
        }
    }
}

/// While a shield beside holds the scope, its cancelled code may be polled again.
#[test]
fn a_nursery_is_not_left_without_a_child_that_a_cancellation_around_it_has_refused() {
    let went_on = Cell::new(false);
    let left = run_virtual(cancel_scope(async |scope| {
        let goes_on = async {
            let _ = nursery(async |n| {
                checkpoint().await;
                scope.cancel();
                n.spawn(async { Ok::<_, ()>(()) });
                Ok(())
            })
            .await;
            went_on.set(true);
        };
        futures::join!(shield(sleep(secs(1))), goes_on);
    }));
    assert_eq!((left.is_ok(), went_on.get()), (false, false));
}
