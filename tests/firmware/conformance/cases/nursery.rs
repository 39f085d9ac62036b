use core::cell::Cell;
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use giambio_core::{Cancelled, Nursery, Reason, SpawnError, checkpoint, nursery_in, shield, sleep};

use super::cases;
use crate::world::{INNER, Log, Never, OUTER, Outer, SECOND, forever, run};

cases! {
    an_empty_nursery_ends,
    the_bodys_value_is_returned_when_the_children_have_ended,
    a_childs_error_cancels_its_siblings_and_is_returned,
    the_bodys_error_cancels_the_children,
    of_two_errors_the_first_is_returned_and_the_other_told,
    a_childs_error_reaches_a_body_that_sleeps,
    children_spawn_siblings,
    children_borrow_what_is_outside,
    a_full_arena_hands_the_child_back,
    a_child_waits_for_room,
    a_cancelled_nursery_starts_no_child,
    a_nursery_that_is_dropped_drops_its_children,
    daemons_end_when_the_others_have,
    the_first_of_a_race_ends_the_others,
    children_have_results_of_their_own,
    a_cancelled_task_says_so,
    an_error_passes_through_nurseries,
    ten_thousand_children_come_and_go,
}

fn an_empty_nursery_ends() {
    assert_eq!(run(nursery_in(&OUTER, async |_| Ok::<_, Never>(7))), Ok(7));
}

fn the_bodys_value_is_returned_when_the_children_have_ended() {
    let log = Log::default();
    let result = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            sleep(SECOND).await;
            log.add("child ends");
            Ok(())
        })
        .await;
        log.add("body ends");
        Ok::<_, Never>("value")
    }));
    log.add("nursery ends");
    assert_eq!(result, Ok("value"));
    log.is(&["body ends", "child ends", "nursery ends"]);
}

fn a_childs_error_cancels_its_siblings_and_is_returned() {
    let log = Log::default();
    let result: Result<(), &str> = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            let _dropped = log.on_drop("sibling is dropped");
            forever().await;
            Ok(())
        })
        .await;
        n.spawn_wait(async {
            sleep(SECOND).await;
            Err("out of luck")
        })
        .await;
        Ok(())
    }));
    assert_eq!(result, Err("out of luck"));
    log.is(&["sibling is dropped"]);
}

fn the_bodys_error_cancels_the_children() {
    let log = Log::default();
    let result: Result<(), u8> = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            let _dropped = log.on_drop("child is dropped");
            forever().await;
            Ok(())
        })
        .await;
        checkpoint().await;
        Err(3)
    }));
    assert_eq!(result, Err(3));
    log.is(&["child is dropped"]);
}

fn of_two_errors_the_first_is_returned_and_the_other_told() {
    let other = Cell::new(0);
    let sink = |error| other.set(error);
    let result: Result<(), u8> = run(nursery_in(&OUTER, async |n| {
        n.on_other_error(&sink);
        n.spawn_wait(async {
            shield(sleep(SECOND)).await;
            Err(2)
        })
        .await;
        n.spawn_wait(async {
            checkpoint().await;
            Err(1)
        })
        .await;
        Ok(())
    }));
    assert_eq!((result, other.get()), (Err(1), 2));
}

fn a_childs_error_reaches_a_body_that_sleeps() {
    let log = Log::default();
    let result: Result<(), ()> = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async { Err(()) }).await;
        let _dropped = log.on_drop("body is dropped");
        forever().await;
        Ok(())
    }));
    assert_eq!(result, Err(()));
    log.is(&["body is dropped"]);
}

async fn count_down<'env>(n: Nursery<'_, 'env, Never, &'static Outer>, left: &'env Cell<u32>) -> Result<(), Never> {
    if left.get() > 0 {
        left.set(left.get() - 1);
        assert!(n.try_spawn(count_down(n, left)).is_ok());
    }
    Ok(())
}

fn children_spawn_siblings() {
    let left = Cell::new(20);
    let Ok(()) = run(nursery_in(&OUTER, async |n| count_down(n, &left).await));
    assert_eq!(left.get(), 0);
}

fn children_borrow_what_is_outside() {
    let mut places = [0; 3];
    let factor = 7;
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for (at, place) in (1..).zip(&mut places) {
            let factor = &factor;
            n.spawn_wait(async move {
                checkpoint().await;
                *place = at * *factor;
                Ok::<(), Never>(())
            })
            .await;
        }
        Ok(())
    }));
    assert_eq!(places, [7, 14, 21]);
}

fn a_full_arena_hands_the_child_back() {
    let Ok(()) = run(nursery_in(&INNER, async |n| {
        assert!(n.try_spawn(async { Ok::<(), Never>(()) }).is_ok());
        assert!(n.try_spawn(async { Ok(()) }).is_ok());
        let error = n.try_spawn(async { Ok(()) }).expect_err("two places");
        assert!(matches!(error, SpawnError::Full { capacity: 2, .. }));
        error.into_future().await
    }));
}

fn a_child_waits_for_room() {
    let ended = Cell::new(0);
    let Ok(()) = run(nursery_in(&INNER, async |n| {
        for _ in 0..10 {
            n.spawn_wait(async {
                sleep(SECOND).await;
                ended.set(ended.get() + 1);
                Ok::<(), Never>(())
            })
            .await;
            assert!(INNER.used() <= 2);
        }
        Ok(())
    }));
    assert_eq!(ended.get(), 10);
}

fn a_cancelled_nursery_starts_no_child() {
    let result: Result<(), Cancelled> = run(nursery_in(&OUTER, async |n| {
        n.cancel();
        let error = n.try_spawn(async { unreachable!() }).expect_err("it is cancelled");
        assert!(matches!(error, SpawnError::Cancelled { .. }));
        Ok(())
    }));
    assert!(result.is_err());
}

fn a_nursery_that_is_dropped_drops_its_children() {
    let log = Log::default();
    run(async {
        let mut nursery = pin!(Some(nursery_in(&OUTER, async |n| {
            n.spawn_wait(async {
                let _dropped = log.on_drop("child is dropped");
                forever().await;
                Ok::<(), Never>(())
            })
            .await;
            Ok(())
        })));
        poll_fn(|cx| {
            let nursery = nursery.as_mut().as_pin_mut().expect("it is there");
            assert!(nursery.poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(OUTER.used(), 1);
        nursery.set(None);
        log.is(&["child is dropped"]);
    });
}

fn daemons_end_when_the_others_have() {
    let beats = Cell::new(0);
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.child()
            .daemon()
            .spawn_wait(async {
                loop {
                    sleep(SECOND).await;
                    beats.set(beats.get() + 1);
                }
            })
            .await;
        n.spawn_wait(async {
            sleep(SECOND * 7 / 2).await;
            Ok::<(), Never>(())
        })
        .await;
        Ok(())
    }));
    assert_eq!(beats.get(), 3);
}

fn the_first_of_a_race_ends_the_others() {
    let log = Log::default();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.race();
        n.spawn_wait(async {
            sleep(SECOND).await;
            log.add("first");
            Ok::<(), Never>(())
        })
        .await;
        n.spawn_wait(async {
            sleep(2 * SECOND).await;
            log.add("second");
            Ok(())
        })
        .await;
        Ok(())
    }));
    log.is(&["first"]);
}

fn children_have_results_of_their_own() {
    let result = run(nursery_in(&OUTER, async |n| {
        let number = n.child().spawn_value_wait(async { Ok(40) }).await;
        let text = n.child().spawn_value_wait(async { Ok("two") }).await;
        Ok::<_, Never>(number.await.unwrap_or(0) + text.await.map_or(0, |text| text.len() - 1))
    }));
    assert_eq!(result, Ok(42));
}

fn a_cancelled_task_says_so() {
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        let task = n
            .child()
            .spawn_value_wait(async {
                forever().await;
                Ok::<_, Never>(1)
            })
            .await;
        checkpoint().await;
        task.cancel();
        let Err(Cancelled { reason }) = task.await else { panic!("it can't have a value") };
        assert_eq!(reason, Reason::Requested);
        Ok(())
    }));
}

fn an_error_passes_through_nurseries() {
    let log = Log::default();
    let result: Result<(), u8> = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(nursery_in(&INNER, async |n| {
            n.spawn_wait(async {
                sleep(SECOND).await;
                Err(9)
            })
            .await;
            let _dropped = log.on_drop("inner body");
            forever().await;
            Ok(())
        }))
        .await;
        let _dropped = log.on_drop("outer body");
        forever().await;
        Ok(())
    }));
    assert_eq!(result, Err(9));
    log.is(&["inner body", "outer body"]);
}

fn ten_thousand_children_come_and_go() {
    let ended = Cell::new(0);
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for _ in 0..10_000 {
            n.spawn_wait(async {
                checkpoint().await;
                ended.set(ended.get() + 1);
                Ok::<(), Never>(())
            })
            .await;
        }
        Ok(())
    }));
    assert_eq!(ended.get(), 10_000);
}
