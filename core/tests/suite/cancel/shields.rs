//! What a cancellation must let finish, and how long it waits: shields and their grace.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use crate::common::*;
use giambio_core::{
    Cancelled, Reason, cancel_scope, checkpoint, finally, is_cancelled, move_on_after, nursery, shield, shield_for,
    sleep,
};

#[test]
fn a_shield_hands_its_value_on() {
    assert_eq!(run_virtual(shield(async { 3 })), 3);
}

#[test]
fn a_shield_runs_on_and_the_cancellation_is_noticed_after_it() {
    run_virtual(async {
        let log = &Log::new();
        let late = move_on_after(secs(1), async {
            shield(async {
                sleep(secs(3)).await;
                assert!(!is_cancelled());
                log.at("shielded");
            })
            .await;
            assert!(is_cancelled());
            log.at("runs to the next suspension");
            checkpoint().await;
            log.at("never");
        })
        .await;
        assert_eq!((late, now()), (None, secs(3)));
        assert_eq!(log.take(), ["3 shielded", "3 runs to the next suspension"]);
    });
}

#[test]
fn a_shield_that_ends_with_the_body_keeps_the_value() {
    run_virtual(async {
        let value = move_on_after(
            secs(1),
            shield(async {
                sleep(secs(3)).await;
                5
            }),
        )
        .await;
        assert_eq!((value, now()), (Some(5), secs(3)));
    });
}

#[test]
fn after_a_shield_the_code_is_cancellable_as_before() {
    run_virtual(async {
        let late = move_on_after(secs(5), async {
            shield(sleep(secs(1))).await;
            shield(sleep(secs(1))).await;
            forever::<()>().await
        })
        .await;
        assert_eq!((late, now()), (None, secs(5)));
    });
}

#[test]
fn only_what_is_shielded_goes_on() {
    // Law CANCEL-ALWAYS-WORKS: leaf futures outside of the shield stay pending.
    run_virtual(async {
        let log = &Log::new();
        let late = move_on_after(secs(2), async {
            futures::join!(
                async {
                    sleep(secs(1)).await;
                    shield(sleep(secs(4))).await;
                    log.at("shield ends");
                    sleep(secs(1)).await;
                    log.at("never");
                },
                async {
                    sleep(secs(3)).await;
                    log.at("the neighbour must not go on");
                },
            )
        })
        .await;
        assert_eq!((late, now()), (None, secs(5)));
        assert_eq!(log.take(), ["5 shield ends"]);
    });
}

#[test]
fn two_shields_side_by_side_are_both_waited_for() {
    run_virtual(async {
        let log = &Log::new();
        let late = move_on_after(secs(1), async {
            futures::join!(
                async {
                    shield(sleep(secs(3))).await;
                    log.at("three");
                    forever::<()>().await
                },
                async {
                    shield(sleep(secs(5))).await;
                    log.at("five");
                    forever::<()>().await
                },
            )
        })
        .await;
        assert_eq!((late, now()), (None, secs(5)));
        assert_eq!(log.take(), ["3 three", "5 five"]);
    });
}

#[test]
fn a_shield_in_cancelled_code_never_starts() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.cancel();
            shield(async { unreachable!("shield") }).await
        })
        .await;
        assert_eq!(result, Err::<(), _>(Cancelled { reason: Reason::Requested }));
        let result = cancel_scope(async |scope| {
            scope.cancel();
            finally(async { unreachable!("body") }, async || unreachable!("clean-up")).await
        })
        .await;
        assert_eq!(result, Err::<(), _>(Cancelled { reason: Reason::Requested }));
    });
}

#[test]
fn a_shield_inside_a_cancelled_scope_inside_a_shield() {
    run_virtual(async {
        let log = &Log::new();
        let outer = move_on_after(secs(1), async {
            shield(async {
                // Not reached by the outer deadline, but by this one.
                let inner = move_on_after(secs(2), async {
                    shield(async {
                        sleep(secs(3)).await;
                        log.at("innermost");
                    })
                    .await;
                    forever::<()>().await
                })
                .await;
                assert_eq!(inner, None);
                log.at("between");
                sleep(secs(1)).await;
                log.at("outer shield ends");
            })
            .await;
            forever::<()>().await
        })
        .await;
        assert_eq!((outer, now()), (None, secs(4)));
        assert_eq!(log.take(), ["3 innermost", "3 between", "4 outer shield ends"]);
    });
}

#[test]
fn a_scope_cancelled_inside_a_shield_does_not_start_another_shield() {
    run_virtual(async {
        let log = &Log::new();
        shield(async {
            let inner = cancel_scope(async |scope| {
                scope.cancel();
                shield(async { log.add("never") }).await;
                log.add("nor this");
            })
            .await;
            assert!(inner.is_err());
            log.add("out");
        })
        .await;
        assert_eq!(log.take(), ["out"]);
    });
}

#[test]
fn a_shield_keeps_a_whole_nursery_alive() {
    run_virtual(async {
        let log = &Log::new();
        let late = move_on_after(secs(1), async {
            shield(nursery(async |n| {
                for i in 2..5 {
                    n.spawn(async move {
                        sleep(secs(i)).await;
                        log.at("child");
                        Ok(())
                    });
                }
                checkpoint().await;
                Ok::<_, ()>(())
            }))
            .await
            .unwrap();
            forever::<()>().await
        })
        .await;
        assert_eq!((late, now()), (None, secs(4)));
        assert_eq!(log.take(), ["2 child", "3 child", "4 child"]);
    });
}

#[test]
fn a_failure_inside_a_shield_still_cancels_what_is_in_it() {
    run_virtual(async {
        let late = move_on_after(secs(1), async {
            let result = shield(nursery(async |n| {
                n.spawn(async {
                    sleep(secs(2)).await;
                    Err("inside")
                });
                forever::<Result<(), _>>().await
            }))
            .await;
            assert_eq!(result, Err("inside"));
            forever::<()>().await
        })
        .await;
        assert_eq!((late, now()), (None, secs(2)));
    });
}

/// Its clean-up waits for what somebody else holds.
async fn cleans_up_when(released: &Event, log: &Log) -> Result<(), ()> {
    finally(forever(), async || {
        released.wait().await;
        log.at("cleaned up");
    })
    .await
}

#[test]
fn an_inactive_sibling_is_dropped_while_a_shield_is_still_at_work() {
    run_virtual(async {
        let (released, log) = (&Event::new(), &Log::new());
        let body = nursery(async |n| {
            n.spawn(cleans_up_when(released, log));
            n.spawn(async {
                let _lock = on_drop(|| released.set());
                forever().await
            });
            Ok::<_, ()>(())
        });
        assert_eq!(move_on_after(secs(1), body).await, None);
        assert_eq!(now(), secs(1));
        assert_eq!(log.take(), ["1 cleaned up"]);
    });
}

#[test]
fn the_body_is_dropped_while_a_childs_clean_up_is_at_work() {
    run_virtual(async {
        let (released, log) = (&Event::new(), &Log::new());
        let body = nursery(async |n| {
            n.spawn(cleans_up_when(released, log));
            let _lock = on_drop(|| released.set());
            forever::<Result<(), ()>>().await
        });
        assert_eq!(move_on_after(secs(1), body).await, None);
        assert_eq!((now(), log.take()), (secs(1), vec!["1 cleaned up".to_string()]));
    });
}

#[test]
fn an_inactive_nursery_below_is_dropped_while_a_shield_elsewhere_is_at_work() {
    run_virtual(async {
        let (released, log) = (&Event::new(), &Log::new());
        let body = nursery(async |n| {
            n.spawn(async {
                nursery(async |n| {
                    n.spawn(async {
                        finally(forever(), async || {
                            released.wait().await;
                            log.at("cleaned up");
                        })
                        .await
                    });
                    Ok::<_, ()>(())
                })
                .await
            });
            n.spawn(async {
                nursery(async |n| {
                    n.spawn(async {
                        nursery(async |n| {
                            n.spawn(async {
                                let _lock = on_drop(|| released.set());
                                forever().await
                            });
                            Ok::<_, ()>(())
                        })
                        .await
                    });
                    Ok::<_, ()>(())
                })
                .await
            });
            Ok::<_, ()>(())
        });
        assert_eq!(move_on_after(secs(1), body).await, None);
        assert_eq!(log.take(), ["1 cleaned up"]);
    });
}

#[test]
fn a_shielded_child_may_still_spawn_in_a_nursery_of_its_own() {
    run_virtual(async {
        let log = &Log::new();
        let body = nursery(async |n| {
            n.spawn(async {
                shield(async {
                    sleep(secs(2)).await;
                    nursery(async |own| {
                        own.spawn(async {
                            sleep(secs(1)).await;
                            log.at("grandchild");
                            Ok(())
                        });
                        Ok::<_, ()>(())
                    })
                    .await
                })
                .await
            });
            Ok::<_, ()>(())
        });
        let late = move_on_after(secs(1), async {
            let _ = body.await;
            forever::<()>().await
        })
        .await;
        assert_eq!((late, now()), (None, secs(3)));
        assert_eq!(log.take(), ["3 grandchild"]);
    });
}

#[test]
fn a_scope_cancelled_by_its_own_code_waits_for_the_shield_of_a_daemon_below() {
    // Found by the random programs: the inner nursery has nobody left but a daemon in a shield.
    run_virtual(async {
        let late = cancel_scope(async |scope| {
            let below = nursery(async |_| {
                nursery(async |n| {
                    n.child().daemon().spawn(async { Ok(shield(sleep(secs(3))).await) });
                    forever::<Result<(), ()>>().await
                })
                .await
            });
            let cancels = async {
                sleep(secs(1)).await;
                scope.cancel();
            };
            futures::join!(cancels, below)
        })
        .await;
        assert_eq!((late.is_err(), now()), (true, secs(3)));
    });
}

#[test]
fn a_scope_is_left_when_another_task_drops_the_last_shield_in_it() {
    // Nobody in the scope is polled then, so the scope itself must be woken.
    run_virtual(async {
        let shielded = &std::cell::RefCell::new(Some(Box::pin(shield(forever::<()>()))));
        nursery(async |n| {
            n.spawn(async {
                let late = move_on_after(secs(1), async {
                    poll_fn(|cx| match &mut *shielded.borrow_mut() {
                        Some(shield) => shield.as_mut().poll(cx),
                        None => Poll::Ready(()),
                    })
                    .await;
                    unreachable!("the scope is cancelled, and was told so before the shield was gone");
                });
                assert_eq!((late.await, now()), (None::<()>, secs(3)));
                Ok(())
            });
            sleep(secs(3)).await;
            drop(shielded.take());
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(3));
    });
}

#[test]
fn a_shield_has_no_longer_than_its_grace() {
    run_virtual(async {
        let live = &Live::new();
        let late = move_on_after(secs(1), async {
            shield_for(secs(2), async {
                let _object = live.object();
                forever::<()>().await
            })
            .await
        })
        .await;
        assert_eq!((late, now(), live.left()), (None, secs(3), 0));
    });
}

#[test]
fn grace_counts_from_the_cancellation_and_not_from_the_start() {
    run_virtual(async {
        let value = move_on_after(
            secs(5),
            shield_for(secs(1), async {
                sleep(secs(4)).await;
                "not cancelled, so no hurry"
            }),
        )
        .await;
        assert_eq!((value.is_some(), now()), (true, secs(4)));
        let late = move_on_after(secs(5), shield_for(secs(1), sleep(secs(10)))).await;
        assert_eq!((late, now()), (None, secs(10)));
        let in_grace = move_on_after(secs(5), shield_for(secs(2), sleep(secs(6)))).await;
        assert_eq!((in_grace, now()), (Some(()), secs(16)));
    });
}

#[test]
fn a_grace_of_zero_is_no_shield_at_all() {
    run_virtual(async {
        let late = move_on_after(secs(1), shield_for(secs(0), sleep(secs(5)))).await;
        assert_eq!((late, now()), (None, secs(1)));
    });
}

#[test]
fn of_two_graces_the_shorter_one_is_over_first() {
    run_virtual(async {
        let log = &Log::new();
        let late = move_on_after(secs(1), async {
            futures::join!(
                shield_for(secs(2), async {
                    let _end = on_drop(|| log.at("two"));
                    forever::<()>().await
                }),
                shield_for(secs(4), async {
                    let _end = on_drop(|| log.at("four"));
                    forever::<()>().await
                }),
            )
        })
        .await;
        assert_eq!((late.is_none(), now()), (true, secs(5)));
        assert_eq!(log.take(), ["3 two", "5 four"]);
    });
}

#[test]
fn an_outer_grace_bounds_an_inner_shield() {
    run_virtual(async {
        let late = move_on_after(secs(1), shield_for(secs(2), shield_for(secs(9), forever::<()>()))).await;
        assert_eq!(late, None);
        // When the outer grace is over, what is in it is cancelled, and the inner shield has its own.
        assert_eq!(now(), secs(12));
    });
}

#[test]
fn a_shield_dropped_by_a_foreign_select_lets_go_of_the_scopes_around_it() {
    // Else the cancelled scope would wait for it for ever.
    run_virtual(async {
        let late = move_on_after(secs(2), async {
            let mut dropped = Box::pin(shield(forever::<()>()));
            let mut timer = Box::pin(shield(sleep(secs(3))));
            poll_fn(|cx| {
                let _ = dropped.as_mut().poll(cx);
                timer.as_mut().poll(cx)
            })
            .await;
            drop(dropped);
            forever::<()>().await
        })
        .await;
        assert_eq!((late, now()), (None, secs(3)));
    });
}

#[test]
fn a_shield_that_gets_no_poll_any_more_delays_nobody() {
    run_virtual(async {
        let (open, event) = (&Cell::new(true), &Event::new());
        nursery(async |n| {
            n.spawn(async {
                let late = move_on_after(secs(1), async {
                    let mut waits = Box::pin(shield(event.wait()));
                    poll_fn(|cx| if open.get() { waits.as_mut().poll(cx) } else { Poll::Pending }).await;
                    forever::<()>().await
                })
                .await;
                assert_eq!((late, now()), (None, secs(1)));
                Ok(())
            });
            checkpoint().await;
            open.set(false);
            sleep(secs(2)).await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(2));
    });
}
