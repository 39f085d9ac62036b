//! What children inherit, how they end softly, and are begun anew. (`start` wants a heap.)

use core::cell::Cell;
use core::time::Duration;

use giambio_core::{
    Restart, TaskLocal, cancel_scope, clock, is_stopping, keep_running, nursery_in, sleep, stopping, until_stopped,
};

use super::cases;
use crate::world::{INNER, Log, Never, OUTER, SECOND, forever, run};

cases! {
    children_of_inner_nurseries_find_the_value_that_is_set_around,
    a_soft_stop_lets_a_step_be_finished_and_none_be_begun,
    who_never_looks_for_a_stop_is_cancelled_by_its_deadline,
    what_fails_is_begun_anew_later_each_time_and_its_state_stays,
    what_fails_too_often_fails_for_good,
}

fn children_of_inner_nurseries_find_the_value_that_is_set_around() {
    static REQUEST: TaskLocal<u32> = TaskLocal::new();
    run(async {
        let inside = REQUEST.set(7, async {
            let Ok(()) = nursery_in(&OUTER, async |n| {
                n.spawn_wait(async {
                    sleep(SECOND).await;
                    assert_eq!(REQUEST.get(), Some(7));
                    assert_eq!(REQUEST.set(8, async { REQUEST.get() }).await, Some(8));
                    Ok::<(), Never>(())
                })
                .await;
                Ok(())
            })
            .await;
        });
        inside.await;
        assert_eq!(REQUEST.get(), None);
    });
}

fn a_soft_stop_lets_a_step_be_finished_and_none_be_begun() {
    let log = Log::default();
    let ended = run(cancel_scope(async |scope| {
        nursery_in(&OUTER, async |n| {
            n.spawn_wait(async {
                while until_stopped(sleep(SECOND)).await.is_some() {
                    log.add("begun");
                    sleep(2 * SECOND).await;
                    log.add("done");
                }
                assert!(is_stopping());
                Ok::<(), Never>(())
            })
            .await;
            n.spawn_wait(async {
                stopping().await;
                log.add("told");
                Ok(())
            })
            .await;
            sleep(5 * SECOND).await;
            scope.ask_to_stop();
            Ok(())
        })
        .await
    }));
    assert!(matches!(ended, Ok(Ok(()))));
    log.is(&["begun", "done", "begun", "told", "done"]);
}

fn who_never_looks_for_a_stop_is_cancelled_by_its_deadline() {
    let ended = run(cancel_scope(async |scope| {
        scope.ask_to_stop();
        scope.set_deadline(Some(clock() + SECOND));
        forever().await;
    }));
    assert!(ended.is_err());
}

fn what_fails_is_begun_anew_later_each_time_and_its_state_stays() {
    let (done, began) = (Cell::new(0), Cell::new(Duration::ZERO));
    let policy = Restart::on_error().backoff(SECOND, 8 * SECOND).limit(5, 3600 * SECOND).seed(1);
    let ended = run(async {
        let start = clock();
        let work = keep_running(policy, async |attempt| {
            assert_eq!(attempt.restarts, done.get());
            let now = clock() - start;
            assert!(attempt.restarts == 0 || now - began.get() >= SECOND / 2, "without a pause");
            began.set(now);
            done.set(done.get() + 1);
            if done.get() < 4 { Err("lost") } else { Ok("found") }
        });
        let Ok(ended) = nursery_in(&INNER, async |n| {
            n.spawn_wait(async { Ok::<(), Never>(()) }).await;
            Ok(work.await)
        })
        .await;
        ended
    });
    assert_eq!((ended, done.get()), (Ok(Some("found")), 4));
}

fn what_fails_too_often_fails_for_good() {
    let attempts = Cell::new(0);
    let policy = Restart::on_error().backoff(SECOND, SECOND).limit(2, 3600 * SECOND).seed(1);
    let ended = run(nursery_in(&OUTER, async |n| {
        let work = async |_| {
            attempts.set(attempts.get() + 1);
            Err::<(), _>("broken")
        };
        n.child().restart(policy).spawn_wait_with(work).await;
        forever().await;
        Ok(())
    }));
    assert_eq!((ended, attempts.get()), (Err("broken"), 3));
}
