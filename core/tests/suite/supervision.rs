//! Work that is begun anew when it has failed.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::common::*;
use giambio_core::{Arena, Restart, cancel_scope, keep_running, move_on_after, nursery_in, sleep};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When work that fails at once was begun, until `time` is over.
fn begins(policy: Restart, time: Duration) -> Vec<Duration> {
    let begins = RefCell::new(vec![]);
    run_virtual(async {
        let work = keep_running(policy, async |_| {
            begins.borrow_mut().push(now());
            Err::<(), _>(())
        });
        assert!(matches!(move_on_after(time, work).await, None | Some(Err(()))));
    });
    begins.into_inner()
}

#[test]
fn what_ends_well_is_done() {
    run_virtual(async {
        let runs = Cell::new(0);
        let work = async |_| Ok::<_, ()>(runs.set(runs.get() + 1));
        keep_running(Restart::on_error(), work).await.unwrap();
        assert_eq!((runs.get(), now()), (1, Duration::ZERO));
        assert_eq!(move_on_after(secs(1), keep_running(Restart::always(), work)).await, None);
        assert!(runs.get() > 2);
    });
}

#[test]
fn each_failure_waits_twice_as_long_as_the_one_before_and_chance_takes_up_to_a_half() {
    let begins = begins(Restart::on_error().backoff(secs(1), secs(60)), DAY);
    let gaps: Vec<_> = begins.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (failures, gap) in gaps.iter().enumerate() {
        let span = secs(1 << failures.min(6)).min(secs(60));
        assert!(span / 2 <= *gap && *gap <= span, "after {failures} failures: {gap:?} of {span:?}");
    }
    let late: Vec<_> = gaps.iter().skip(7).collect();
    let (shortest, longest) = (late.iter().min().unwrap(), late.iter().max().unwrap());
    assert!(**shortest < secs(32) && secs(58) < **longest, "chance: {shortest:?} to {longest:?}");
}

#[test]
fn those_who_failed_together_come_back_apart_and_the_same_seed_comes_back_the_same() {
    static ROOM: Arena<8, 1024> = Arena::new();
    let policy = Restart::on_error().backoff(secs(1), secs(1));
    let seconds = RefCell::new(vec![]);
    run_virtual(async {
        nursery_in(&ROOM, async |n| {
            for _ in 0..8 {
                let work = async |attempt: giambio_core::Attempt| match attempt.restarts {
                    0 => Err(()),
                    _ => Ok(seconds.borrow_mut().push(now())),
                };
                n.child().restart(policy).spawn_wait_with(work).await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
    let mut seconds = seconds.into_inner();
    seconds.dedup();
    assert_eq!(seconds.len(), 8);
    let seeded = |seed| begins(policy.seed(seed), secs(100));
    assert_eq!(seeded(7), seeded(7));
    assert_ne!(seeded(7), seeded(8));
}

#[test]
fn a_stable_time_begins_the_back_off_anew() {
    let policy = Restart::on_error().backoff(secs(1), secs(64)).stable_after(secs(10));
    run_virtual(async {
        let failures = RefCell::new(vec![]);
        let work = async |attempt: giambio_core::Attempt| {
            failures.borrow_mut().push((attempt.restarts, attempt.failures));
            match attempt.restarts {
                3 => sleep(secs(10)).await,
                6 => return Ok(()),
                _ => {}
            }
            Err("again")
        };
        keep_running(policy, work).await.unwrap();
        assert_eq!(*failures.borrow(), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 1), (5, 2), (6, 3)]);
    });
}

#[test]
fn the_limit_counts_within_its_period() {
    let policy = Restart::on_error().backoff(secs(1), secs(1));
    assert_eq!(begins(policy.limit(3, DAY), DAY).len(), 1 + 3);
    assert_eq!(begins(policy.limit(0, DAY), DAY).len(), 1);
    // At most one a second, so ten never come together within four.
    assert!(begins(policy.limit(10, secs(4)), secs(1000)).len() > 900);
    assert!(begins(policy.limit(3, secs(4)), secs(1000)).len() < 10);
    run_virtual(async {
        let count = Cell::new(0);
        let work = async |_| {
            count.set(count.get() + 1);
            Err(count.get())
        };
        assert_eq!(keep_running(policy.limit(2, DAY), work).await, Err::<Option<()>, _>(3), "the last error comes out");
    });
}

#[test]
fn a_cancellation_is_no_failure() {
    run_virtual(async {
        let begun = Cell::new(0);
        let outcome = cancel_scope(async |scope| {
            keep_running(Restart::always(), async |_| {
                begun.set(begun.get() + 1);
                scope.cancel();
                forever::<()>().await;
                Err::<(), _>(())
            })
            .await
        });
        assert!(outcome.await.is_err());
        assert_eq!(begun.get(), 1);
    });
}

#[test]
fn a_stop_begins_nothing_anew_and_ends_the_back_off() {
    static ROOM: Arena<1, 512> = Arena::new();
    run_virtual(async {
        let outcome: Result<(), &str> = nursery_in(&ROOM, async |n| {
            let ask = async {
                sleep(secs(5)).await;
                n.ask_to_stop();
                Ok(())
            };
            n.spawn_wait(ask).await;
            let policy = Restart::on_error().backoff(DAY, DAY);
            assert_eq!(keep_running(policy, async |_| Err::<u32, _>("failed")).await, Ok(None));
            Ok(())
        })
        .await;
        assert_eq!((outcome, now()), (Ok(()), secs(5)), "it would have been begun anew");

        let runs = Cell::new(0);
        cancel_scope(async |scope| {
            let work = async |_| {
                scope.ask_to_stop();
                Ok::<_, ()>(runs.set(runs.get() + 1))
            };
            keep_running(Restart::always(), work).await.unwrap();
        })
        .await
        .unwrap();
        assert_eq!(runs.get(), 1);
        // What fails while the stop is asked for has failed.
        let outcome = cancel_scope(async |scope| {
            let work = async |_| {
                scope.ask_to_stop();
                Err::<(), _>("failed")
            };
            keep_running(Restart::always(), work).await
        });
        assert_eq!(outcome.await, Ok(Err("failed")));
    });
}

#[test]
fn a_child_that_is_stopped_or_cancelled_in_its_back_off_has_not_failed_and_takes_no_sibling_along() {
    static ROOM: Arena<2, 1024> = Arena::new();
    for is_cancelled in [false, true] {
        let is_done = Cell::new(false);
        run_virtual(async {
            let outcome: Result<(), &str> = nursery_in(&ROOM, async |n| {
                let policy = Restart::on_error().backoff(DAY, DAY);
                let task = n.child().restart(policy).spawn_wait_with(async |_| Err("failed long ago")).await;
                n.spawn_wait(async {
                    sleep(secs(9)).await; // a sibling that finishes what it does
                    Ok(is_done.set(true))
                })
                .await;
                sleep(secs(5)).await;
                match is_cancelled {
                    true => task.cancel(),
                    false => n.ask_to_stop(),
                }
                assert_eq!((task.await.is_ok(), now()), (!is_cancelled, secs(5)));
                Ok(())
            })
            .await;
            assert_eq!((outcome, is_done.get(), now()), (Ok(()), true, secs(9)));
        });
    }
}

#[test]
fn the_value_of_what_ended_well_comes_out() {
    run_virtual(async {
        let work = async |attempt: giambio_core::Attempt| match attempt.restarts {
            0..3 => Err("no route to host"),
            restarts => Ok(restarts),
        };
        assert_eq!(keep_running(Restart::on_error(), work).await, Ok(Some(3)));
        let policy = Restart::always().limit(5, DAY);
        assert_eq!(keep_running(policy, work).await, Ok(Some(5)), "the last of those that shall run for ever");
        // A value that is known when the stop comes is not lost.
        let outcome = cancel_scope(async |scope| {
            let asks = async {
                sleep(secs(1)).await;
                scope.ask_to_stop();
            };
            let work = async |_| Ok::<_, ()>("known");
            futures::join!(keep_running(Restart::always().backoff(DAY, DAY), work), asks).0
        });
        assert_eq!(outcome.await, Ok(Ok(Some("known"))));
    });
}

#[test]
fn a_panic_is_no_failure() {
    let runs = Cell::new(0);
    let run = || {
        run_virtual(keep_running(Restart::always(), async |_| {
            runs.set(runs.get() + 1);
            if runs.get() > 0 {
                panic!("on purpose");
            }
            Ok::<_, ()>(())
        }))
    };
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    assert_eq!(runs.get(), 1);
}

#[test]
fn a_child_is_begun_anew_where_it_is_and_its_siblings_know_nothing_of_it() {
    static ROOM: Arena<2, 1024> = Arena::new();
    let policy = Restart::on_error().backoff(secs(1), secs(1));
    let (begun, done) = (Cell::new(0), Cell::new(0));
    run_virtual(async {
        let outcome: Result<(), &str> = nursery_in(&ROOM, async |n| {
            let work = async |attempt: giambio_core::Attempt| {
                assert_eq!(attempt.restarts, begun.replace(begun.get() + 1));
                sleep(secs(1)).await;
                done.set(done.get() + 1); // survives
                if done.get() < 3 { Err("failed") } else { Ok(()) }
            };
            let task = n.child().name("phoenix").restart(policy).spawn_wait_with(work).await;
            n.spawn_wait(async { Ok(sleep(secs(5)).await) }).await;
            assert_eq!(task.name(), "phoenix");
            assert_eq!(task.await, Ok(()), "one task, one handle");
            assert!(ROOM.used() == 1 && now() > secs(4) && now() <= secs(5), "{:?}", now());
            Ok(())
        })
        .await;
        assert_eq!((outcome, begun.get(), now()), (Ok(()), 3, secs(5)));
    });
}

#[test]
fn a_child_that_fails_too_often_fails_its_nursery_and_one_that_is_cancelled_or_panics_is_not_begun_anew() {
    static ROOM: Arena<2, 1024> = Arena::new();
    let policy = Restart::always().backoff(secs(1), secs(1)).limit(2, DAY);
    let begun = Cell::new(0);
    run_virtual(async {
        let outcome: Result<(), u32> = nursery_in(&ROOM, async |n| {
            n.spawn_wait(forever()).await;
            let work = async |_| {
                begun.set(begun.get() + 1);
                Err(begun.get())
            };
            n.child().restart(policy).spawn_wait_with(work).await;
            Ok(())
        })
        .await;
        assert_eq!(outcome, Err(3), "the last error ends it");

        begun.set(0);
        let outcome: Result<(), u32> = nursery_in(&ROOM, async |n| {
            let work = async |_| {
                begun.set(begun.get() + 1);
                forever().await
            };
            let task = n.child().restart(policy).spawn_wait_with(work).await;
            sleep(secs(1)).await;
            task.cancel();
            assert!(task.await.is_err());
            Ok(())
        })
        .await;
        assert_eq!((outcome, begun.get()), (Ok(()), 1));
        // In its back-off too.
        let outcome: Result<(), u32> = nursery_in(&ROOM, async |n| {
            let work = async |_| Err(begun.replace(begun.get() + 1));
            n.child().daemon().restart(Restart::on_error().backoff(DAY, DAY)).spawn_wait_with(work).await;
            sleep(secs(1)).await;
            Ok(())
        })
        .await;
        assert_eq!((outcome, begun.get()), (Ok(()), 2));
    });
    let run = || {
        run_virtual(nursery_in(&ROOM, async |n| {
            let work = async |_| {
                begun.set(begun.get() + 1);
                panic!("on purpose")
            };
            n.child().restart(policy).spawn_wait_with(work).await;
            Ok::<_, ()>(())
        }))
    };
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    assert_eq!((begun.get(), ROOM.used()), (3, 0));
}

#[test]
fn a_back_off_that_spins_is_refused_and_so_is_a_limit_of_no_time() {
    let message = |policy: fn() -> Restart| {
        let payload = catch_unwind(policy).unwrap_err();
        *payload.downcast_ref::<&str>().unwrap()
    };
    assert!(message(|| Restart::always().backoff(Duration::ZERO, secs(1))).contains("spins"));
    assert!(message(|| Restart::always().backoff(secs(2), secs(1))).contains("longer than"));
    assert!(message(|| Restart::always().limit(3, Duration::ZERO)).contains("limits nothing"));
}

#[test]
fn spans_and_counts_as_large_as_can_be_are_waited_for_and_counted() {
    let policy = Restart::on_error()
        .backoff(Duration::MAX, Duration::MAX)
        .limit(u32::MAX, Duration::MAX)
        .stable_after(Duration::MAX);
    assert_eq!(begins(policy, DAY).len(), 1);
    let policy = Restart::on_error().backoff(Duration::from_nanos(1), Duration::MAX).stable_after(Duration::ZERO);
    assert!(begins(policy, Duration::from_micros(1)).len() > 2, "what is stable at once has never failed before");
}

#[cfg(feature = "alloc")]
#[test]
fn a_child_that_is_begun_anew_hands_out_its_value_or_none_if_a_stop_ends_its_back_off() {
    use giambio_core::{Attempt, nursery};
    run_virtual(async {
        let ended = nursery(async |n| {
            let policy = Restart::on_error().backoff(secs(10), secs(10));
            let work =
                async |attempt: Attempt| if attempt.restarts < 2 { Err("no answer") } else { Ok(attempt.restarts) };
            let first = n.child().name("first").restart(policy).spawn_value_with(work).await;
            let second = n.child().restart(policy).spawn_value_with(work);
            sleep(secs(1)).await;
            n.ask_to_stop();
            Ok((first, second.await))
        });
        assert_eq!(ended.await, Ok((Ok(Some(2)), Ok(None))));
    });
}

#[cfg(feature = "alloc")]
#[test]
fn an_error_of_shielded_work_comes_out_of_cancelled_code_whether_it_would_be_begun_anew_or_not() {
    use giambio_core::{nursery, shield};
    let commit = |begins_anew: bool| {
        run_virtual(cancel_scope(async |scope| {
            nursery(async |n| {
                let work = async || {
                    shield(sleep(secs(1))).await;
                    Err("disk full")
                };
                if begins_anew {
                    n.child().restart(Restart::on_error()).spawn_with(async move |_| work().await);
                } else {
                    n.spawn(async move { work().await });
                }
                sleep(millis(500)).await;
                scope.cancel();
                std::future::pending::<Result<(), _>>().await
            })
            .await
        }))
    };
    assert_eq!(commit(false), Ok(Err("disk full")));
    assert_eq!(commit(true), Ok(Err("disk full")));
}
