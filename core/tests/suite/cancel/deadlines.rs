//! Deadlines: of scopes, of those around them, and such as move.

use std::cell::Cell;
use std::pin::pin;

use super::{at, because};
use crate::common::*;
use giambio_core::{
    Cancelled, Instant, Next, Reason, Runtime, TimedOut, Until, VirtualClock, cancel_scope, checkpoint, clock,
    effective_deadline, fail_after, fail_at, finally, move_on_after, move_on_at, nursery, shield, sleep, sleep_until,
};

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
        let second = fail_after(secs(1), forever::<()>()).await.unwrap_err();
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
        assert_eq!(fail_after(secs(1), async { 3 }).await, Ok(3));
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

/// What is cancelled has no deadline any more, however long a clean-up in it takes.
#[test]
fn a_scope_that_was_cancelled_before_its_deadline_does_not_expire() {
    let _alone = alone();
    let time: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        cancel_scope(async |scope| {
            scope.set_deadline(Some(clock() + secs(5)));
            let body = async {
                sleep(secs(1)).await;
                scope.cancel();
                forever::<()>().await
            };
            finally(body, async || sleep(secs(9)).await).await
        })
        .await
    }));
    let mut waits = Vec::new();
    let end = loop {
        let next = runtime.as_mut().turn();
        assert_eq!(audit(runtime.as_mut(), true), Ok(()));
        match next {
            Next::Finished(end) => break end,
            Next::Wait(Until::Now) => {}
            Next::Wait(Until::At(tick)) => {
                waits.push(tick.0 / 1_000_000_000);
                time.advance_to(tick);
            }
            Next::Wait(Until::OnWake) => panic!("all wait for ever"),
        }
    };
    assert_eq!(end.map_err(|cancelled| cancelled.reason), Err(Reason::Requested));
    assert_eq!(waits, [1, 10], "the loop wakes for the code and for nothing else");
}

#[test]
fn a_deadline_that_passes_while_clean_ups_hold_the_code_is_seen_after_them() {
    run_virtual(async {
        let ended = Cell::new(None);
        let late = move_on_after(secs(2), async {
            let inside: Result<(), Cancelled> = nursery(async |n| {
                n.spawn(async { Ok(finally(forever(), async || sleep(secs(5)).await).await) });
                sleep(secs(1)).await;
                n.cancel();
                Ok(())
            })
            .await;
            ended.set(Some((inside, now())));
            checkpoint().await;
        });
        assert_eq!((late.await, now()), (None, secs(6)));
        assert_eq!(ended.take(), Some((Err(because(Reason::Requested)), secs(6))));
    });
}
