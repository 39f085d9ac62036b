use core::time::Duration;

use giambio_core::{
    Reason, cancel_scope, checkpoint, clock, effective_deadline, fail_after, finally, finally_for, is_cancelled,
    move_on_after, move_on_at, nursery_in, shield, sleep,
};

use super::cases;
use crate::world::{Log, Never, OUTER, SECOND, forever, run};

cases! {
    code_that_is_cancelled_before_it_begins_is_dropped_where_it_waits,
    a_deadline_that_has_passed_lets_the_code_run_until_it_waits,
    who_cancels_first_gives_the_reason,
    of_two_scopes_the_inner_one_moves_on_when_it_alone_is_cancelled,
    a_sibling_cancels_a_scope,
    a_shield_comes_to_its_end,
    a_shield_hides_only_what_is_outside,
    a_clean_up_runs_also_when_it_waits,
    a_clean_up_runs_when_the_code_ends_by_itself,
    a_clean_up_that_never_ends_is_given_up,
    a_deadline_may_be_moved,
    the_soonest_deadline_counts,
    code_that_ends_with_the_deadline_keeps_its_value,
    an_error_says_which_deadline_was_missed,
    cancelled_children_clean_up_all_at_once,
}

fn code_that_is_cancelled_before_it_begins_is_dropped_where_it_waits() {
    let log = Log::default();
    run(async {
        let result = cancel_scope(async |scope| {
            scope.cancel();
            log.add("runs");
            assert!(is_cancelled());
            sleep(SECOND).await;
            log.add("never");
        })
        .await;
        assert!(result.is_err());
    });
    log.is(&["runs"]);
}

fn a_deadline_that_has_passed_lets_the_code_run_until_it_waits() {
    let log = Log::default();
    run(async {
        let now = clock();
        let result = move_on_at(now, async {
            log.add("runs");
            checkpoint().await;
            log.add("never");
        })
        .await;
        assert_eq!(result, None);
        assert_eq!(clock(), now);
    });
    log.is(&["runs"]);
}

fn who_cancels_first_gives_the_reason() {
    let result = run(cancel_scope(async |scope| {
        scope.cancel_because("the door is open");
        scope.cancel();
        forever().await
    }));
    assert_eq!(result.map_err(|error| error.reason), Err(Reason::Because("the door is open")));
}

fn of_two_scopes_the_inner_one_moves_on_when_it_alone_is_cancelled() {
    run(async {
        let outer = move_on_after(10 * SECOND, async {
            assert_eq!(move_on_after(SECOND, forever()).await, None);
            "outer goes on"
        })
        .await;
        assert_eq!(outer, Some("outer goes on"));
        // And the outer one's deadline ends both.
        let outer = move_on_after(SECOND, move_on_after(10 * SECOND, forever())).await;
        assert_eq!(outer, None);
    });
}

fn a_sibling_cancels_a_scope() {
    let result = run(cancel_scope(async |scope| {
        let Ok(()) = nursery_in(&OUTER, async |n| {
            n.spawn_wait(async {
                sleep(SECOND).await;
                scope.cancel();
                Ok::<(), Never>(())
            })
            .await;
            forever().await;
            Ok(())
        })
        .await;
    }));
    assert_eq!(result.map_err(|error| error.reason), Err(Reason::Requested));
}

fn a_shield_comes_to_its_end() {
    let log = Log::default();
    run(async {
        let start = clock();
        let result = move_on_after(SECOND, async {
            shield(async {
                sleep(3 * SECOND).await;
                log.add("shielded");
            })
            .await;
            sleep(SECOND).await;
            log.add("never");
        })
        .await;
        assert_eq!(result, None);
        assert_eq!(clock() - start, 3 * SECOND);
    });
    log.is(&["shielded"]);
}

fn a_shield_hides_only_what_is_outside() {
    run(async {
        let result = move_on_after(SECOND, async {
            shield(async {
                let inner = move_on_after(SECOND / 2, shield(sleep(2 * SECOND))).await;
                assert_eq!(inner, Some(()), "it ended, by its own shield");
                assert_eq!(move_on_after(SECOND, forever()).await, None);
                assert!(!is_cancelled());
            })
            .await;
            assert!(is_cancelled());
        })
        .await;
        assert_eq!(result, Some(()), "nothing waited after the shield");
    });
}

fn a_clean_up_runs_also_when_it_waits() {
    let log = Log::default();
    run(async {
        let work = finally(forever(), async || {
            log.add("begins");
            sleep(SECOND).await;
            log.add("ends");
        });
        assert_eq!(move_on_after(SECOND, work).await, None);
        assert_eq!(clock().as_nanos(), 2_000_000_000);
    });
    log.is(&["begins", "ends"]);
}

fn a_clean_up_runs_when_the_code_ends_by_itself() {
    let log = Log::default();
    let value = run(finally(async { 5 }, async || log.add("cleaned up")));
    assert_eq!(value, 5);
    log.is(&["cleaned up"]);
}

fn a_clean_up_that_never_ends_is_given_up() {
    run(async {
        let work = finally_for(3 * SECOND, forever(), async || forever().await);
        assert_eq!(move_on_after(SECOND, work).await, None);
        assert_eq!(clock().as_nanos(), 4_000_000_000);
    });
}

fn a_deadline_may_be_moved() {
    run(async {
        let start = clock();
        let result = cancel_scope(async |scope| {
            scope.set_deadline(Some(start + SECOND));
            sleep(SECOND / 2).await;
            scope.set_deadline(Some(start + 5 * SECOND)); // later
            sleep(3 * SECOND).await;
            scope.set_deadline(Some(start + 4 * SECOND)); // earlier
            forever().await
        })
        .await;
        assert_eq!(result.map_err(|error| error.reason), Err(Reason::Deadline));
        assert_eq!(clock() - start, 4 * SECOND);
    });
}

fn the_soonest_deadline_counts() {
    run(async {
        assert_eq!(effective_deadline(), None);
        move_on_after(SECOND, async {
            let soonest = Some(clock() + SECOND);
            move_on_after(9 * SECOND, async { assert_eq!(effective_deadline(), soonest) }).await;
            shield(async { assert_eq!(effective_deadline(), None) }).await;
        })
        .await;
    });
}

fn code_that_ends_with_the_deadline_keeps_its_value() {
    run(async {
        let value = move_on_after(SECOND, async {
            shield(sleep(SECOND)).await;
            3
        })
        .await;
        assert_eq!(value, Some(3));
    });
}

fn an_error_says_which_deadline_was_missed() {
    run(async {
        sleep(SECOND).await;
        let error = fail_after(SECOND, forever()).await.expect_err("it takes for ever");
        assert_eq!(error.deadline.as_nanos(), 2_000_000_000);
    });
}

fn cancelled_children_clean_up_all_at_once() {
    run(async {
        let result = move_on_after(SECOND, async {
            let Ok(()) = nursery_in(&OUTER, async |n| {
                for _ in 0..3 {
                    n.spawn_wait(async {
                        finally(forever(), async || sleep(SECOND).await).await;
                        Ok::<(), Never>(())
                    })
                    .await;
                }
                Ok(())
            })
            .await;
        })
        .await;
        assert_eq!(result, None);
        assert_eq!(Duration::from_nanos(clock().as_nanos()), 2 * SECOND);
    });
}
