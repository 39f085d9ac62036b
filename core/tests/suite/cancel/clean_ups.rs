//! What a cancellation must let finish: clean-ups.

use std::cell::Cell;
use std::pin::pin;

use crate::common::*;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use giambio_core::{
    checkpoint, effective_deadline, finally, finally_for, is_cancelled, move_on_after, nursery, shield, sleep,
};

#[test]
fn an_endless_clean_up_is_dropped_after_its_grace() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        let late = move_on_after(
            secs(1),
            finally_for(secs(3), forever::<()>(), async || {
                let (_object, _end) = (live.object(), log.on_drop("clean-up dropped"));
                log.at("clean-up begins");
                forever::<()>().await
            }),
        )
        .await;
        log.at("left");
        assert_eq!((late, now(), live.left()), (None, secs(4), 0));
        assert_eq!(log.take(), ["1 clean-up begins", "clean-up dropped", "4 left"]);
    });
}

#[test]
fn finally_cleans_up_after_a_body_that_ends() {
    run_virtual(async {
        let log = &Log::new();
        let value = finally(
            async {
                let _end = log.on_drop("body drops");
                sleep(secs(1)).await;
                "value"
            },
            async || {
                sleep(secs(1)).await;
                log.at("cleaned up");
            },
        )
        .await;
        assert_eq!((value, now()), ("value", secs(2)));
        assert_eq!(log.take(), ["body drops", "2 cleaned up"]);
    });
}

#[test]
fn finally_cleans_up_after_a_body_that_fails() {
    run_virtual(async {
        let log = &Log::new();
        let result = nursery(async |n| {
            n.spawn(async {
                finally(async { Err("body") }, async || {
                    sleep(secs(1)).await;
                    log.at("cleaned up");
                })
                .await
            });
            Ok(())
        })
        .await;
        assert_eq!((result, now()), (Err("body"), secs(1)));
        assert_eq!(log.take(), ["1 cleaned up"]);
    });
}

#[test]
fn finally_drops_the_cancelled_body_before_it_cleans_up() {
    run_virtual(async {
        let log = &Log::new();
        let late = move_on_after(secs(1), async {
            finally(
                async {
                    let _end = log.on_drop("body drops");
                    forever::<()>().await
                },
                async || {
                    log.at("clean-up begins");
                    assert!(!is_cancelled());
                    checkpoint().await;
                    nursery(async |n| {
                        n.spawn(async { Ok(sleep(secs(2)).await) });
                        Ok::<_, ()>(())
                    })
                    .await
                    .unwrap();
                    log.at("clean-up ends");
                },
            )
            .await;
            log.at("never");
        })
        .await;
        assert_eq!((late, now()), (None, secs(3)));
        assert_eq!(log.take(), ["body drops", "1 clean-up begins", "3 clean-up ends"]);
    });
}

#[test]
fn a_body_that_ends_as_it_is_cancelled_is_cleaned_up_once() {
    run_virtual(async {
        let cleaned = &Cell::new(0);
        let value = move_on_after(
            secs(1),
            finally(sleep(secs(1)), async || {
                cleaned.set(cleaned.get() + 1);
                sleep(secs(1)).await;
            }),
        )
        .await;
        assert_eq!((value.is_some(), now(), cleaned.get()), (true, secs(2), 1));
    });
}

#[test]
fn a_cancellation_during_the_clean_up_after_an_ordinary_end_does_not_stop_it() {
    run_virtual(async {
        let log = &Log::new();
        let value = move_on_after(
            secs(2),
            finally(async { "value" }, async || {
                sleep(secs(4)).await;
                log.at("cleaned up");
            }),
        )
        .await;
        assert_eq!((value, now()), (Some("value"), secs(4)));
        assert_eq!(log.take(), ["4 cleaned up"]);
    });
}

#[test]
fn a_second_cancellation_does_not_disturb_a_clean_up() {
    run_virtual(async {
        let (log, runs) = (&Log::new(), &Cell::new(0));
        let result = nursery(async |n| {
            let task = n.spawn(async {
                finally(forever(), async || {
                    runs.set(runs.get() + 1);
                    sleep(secs(5)).await;
                    log.at("cleaned up");
                })
                .await
            });
            sleep(secs(1)).await;
            task.cancel();
            sleep(secs(1)).await;
            task.cancel();
            sleep(secs(1)).await;
            Err::<(), _>("and now the nursery")
        })
        .await;
        assert_eq!((result, now(), runs.get()), (Err("and now the nursery"), secs(6), 1));
        assert_eq!(log.take(), ["6 cleaned up"]);
    });
}

#[test]
fn an_outer_scope_is_cancelled_while_an_inner_one_cleans_up() {
    run_virtual(async {
        let log = &Log::new();
        let outer = move_on_after(secs(2), async {
            let inner = move_on_after(
                secs(1),
                finally(forever::<()>(), async || {
                    sleep(secs(3)).await;
                    log.at("cleaned up");
                }),
            )
            .await;
            assert_eq!(inner, None);
            log.at("the inner scope caught its own");
            checkpoint().await;
            log.at("never");
        })
        .await;
        assert_eq!((outer, now()), (None, secs(4)));
        assert_eq!(log.take()[0], "4 cleaned up");
        assert!(!log.has("4 never"));
    });
}

#[test]
fn clean_ups_nest_from_the_inside_out() {
    run_virtual(async {
        let log = &Log::new();
        let late = move_on_after(
            secs(1),
            finally(
                finally(
                    finally(forever::<()>(), async || {
                        sleep(secs(1)).await;
                        log.at("inner");
                    }),
                    async || {
                        sleep(secs(1)).await;
                        log.at("middle");
                    },
                ),
                async || {
                    sleep(secs(1)).await;
                    log.at("outer");
                },
            ),
        )
        .await;
        assert_eq!((late, now()), (None, secs(4)));
        assert_eq!(log.take(), ["2 inner", "3 middle", "4 outer"]);
    });
}

#[test]
fn all_clean_ups_of_a_nursery_run_at_once() {
    run_virtual(async {
        let (started, done) = (&Cell::new(0), &Cell::new(0));
        let body = nursery(async |n| {
            for i in 0..100 {
                n.spawn(async move {
                    finally(forever(), async || {
                        started.set(started.get() + 1);
                        sleep(secs(1 + i % 5)).await;
                        done.set(done.get() + 1);
                    })
                    .await
                });
            }
            Ok::<_, ()>(())
        });
        assert_eq!(move_on_after(secs(1), body).await, None);
        assert_eq!((started.get(), done.get(), now()), (100, 100, secs(6)));
    });
}

#[test]
fn a_clean_up_has_a_deadline_of_its_own_if_it_likes() {
    run_virtual(async {
        let log = &Log::new();
        let late = move_on_after(
            secs(1),
            finally(forever::<()>(), async || {
                assert_eq!(effective_deadline(), None);
                assert_eq!(move_on_after(secs(2), forever::<()>()).await, None);
                log.at("gave up");
            }),
        )
        .await;
        assert_eq!((late, now()), (None, secs(3)));
        assert_eq!(log.take(), ["3 gave up"]);
    });
}

#[test]
fn a_finally_inside_a_clean_up_works_like_any_other() {
    run_virtual(async {
        let log = &Log::new();
        let late = move_on_after(
            secs(1),
            finally(forever::<()>(), async || {
                move_on_after(
                    secs(1),
                    finally(forever::<()>(), async || {
                        sleep(secs(1)).await;
                        log.at("inner clean-up");
                    }),
                )
                .await;
                log.at("outer clean-up");
            }),
        )
        .await;
        assert_eq!((late, now()), (None, secs(3)));
        assert_eq!(log.take(), ["3 inner clean-up", "3 outer clean-up"]);
    });
}

#[test]
fn a_finally_that_was_never_polled_does_nothing() {
    let _alone = alone();
    drop(finally(async { unreachable!("body") }, async || unreachable!("clean-up")));
    drop(shield(async { unreachable!("shield") }));
}

#[test]
fn a_dropped_finally_drops_everything_and_runs_nothing() {
    run_virtual(async {
        let (live, ran) = (&Live::new(), &Cell::new(false));
        {
            let object = live.object();
            let mut waits = pin!(finally(
                async {
                    let _object = live.object();
                    forever::<()>().await
                },
                async || {
                    let _object = object;
                    ran.set(true);
                }
            ));
            assert!(poll_once(waits.as_mut()).await.is_pending());
            assert_eq!(live.left(), 2);
        }
        assert_eq!((live.left(), ran.get()), (0, false));
        // And one in the middle of its clean-up.
        {
            let mut waits = pin!(finally(async {}, async || {
                let _object = live.object();
                forever::<()>().await
            }));
            assert!(poll_once(waits.as_mut()).await.is_pending());
            assert_eq!(live.left(), 1);
        }
        assert_eq!(live.left(), 0);
        sleep(secs(1)).await;
    });
}

/// Each is told by a waker of the set's. So many took a minute where the search for the next began anew after each.
#[test]
fn many_clean_ups_that_others_poll_are_told_in_one_walk() {
    run_virtual(async {
        let cleaned = &Cell::new(0);
        let late = move_on_after(secs(1), async {
            let works = (0..200_000).map(|_| finally(forever::<()>(), async || cleaned.set(cleaned.get() + 1)));
            let mut set: FuturesUnordered<_> = works.collect();
            set.next().await;
        });
        assert_eq!(late.await, None);
        assert_eq!(cleaned.get(), 200_000);
    });
}
