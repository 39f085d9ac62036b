//! The body fails, or a child does.

use crate::common::*;
use giambio_core::{nursery, sleep};

#[test]
fn a_body_that_fails_cancels_the_children() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        let result = nursery(async |n| {
            n.spawn(async {
                let (_object, _end) = (live.object(), log.on_drop("child drops"));
                forever().await
            });
            sleep(secs(1)).await;
            log.add("body fails");
            Err::<(), _>("body")
        })
        .await;
        log.add("parent resumes");
        assert_eq!((result, now(), live.left()), (Err("body"), secs(1), 0));
        assert_eq!(log.take(), ["body fails", "child drops", "parent resumes"]);
    });
}

#[test]
fn a_body_that_fails_at_once_leaves_its_children_unpolled() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            let object = live.object();
            n.spawn(async move {
                let _object = object;
                unreachable!("the nursery was cancelled before the child's first poll")
            });
            Err::<(), _>(1)
        })
        .await;
        assert_eq!((result, live.made(), live.left()), (Err(1), 1, 0));
    });
}

#[test]
fn a_childs_failure_wakes_the_body_and_the_siblings_that_sleep() {
    run_virtual(async {
        let log = &Log::new();
        let result = nursery(async |n| {
            n.spawn(async {
                let _end = log.on_drop("sibling drops");
                Ok(sleep(secs(100)).await)
            });
            n.spawn(async {
                sleep(secs(1)).await;
                log.add("child fails");
                Err("child")
            });
            let _end = log.on_drop("body drops");
            sleep(secs(100)).await;
            unreachable!("the body is dropped where it waits");
            #[allow(unreachable_code)]
            Ok(())
        })
        .await;
        assert_eq!((result, now()), (Err("child"), secs(1)));
        let mut events = log.take();
        assert_eq!(events.remove(0), "child fails");
        events.sort();
        assert_eq!(events, ["body drops", "sibling drops"]);
    });
}

#[test]
fn a_childs_failure_is_the_result_though_the_body_has_ended() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            n.spawn(async {
                sleep(secs(2)).await;
                Err("late")
            });
            Ok(live.object())
        })
        .await;
        assert_eq!((result.err(), now(), live.left()), (Some("late"), secs(2), 0));
    });
}

#[test]
fn a_failure_of_an_inner_nursery_stays_there_until_someone_passes_it_on() {
    run_virtual(async {
        let value = nursery(async |n| {
            n.spawn(async {
                let inner = nursery(async |n| {
                    n.spawn(async { Err("inner") });
                    forever::<Result<(), _>>().await
                })
                .await;
                assert_eq!(inner, Err("inner"));
                Ok(())
            });
            sleep(secs(1)).await;
            Ok::<_, ()>(3)
        })
        .await;
        assert_eq!((value, now()), (Ok(3), secs(1)));
    });
}
