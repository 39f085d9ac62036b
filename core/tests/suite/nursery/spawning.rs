//! Who may be spawned when: into cancelled nurseries, after a while, where there is room.

use std::cell::Cell;

use crate::common::*;
use giambio_core::{Cancelled, Reason, SpawnError, checkpoint, nursery, shield, sleep};

#[test]
fn a_child_spawned_into_a_cancelled_nursery_is_dropped_before_its_first_poll() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            n.spawn(async move {
                // The shield holds the nursery open while it is being cancelled.
                shield(async {
                    sleep(secs(2)).await;
                    assert!(n.is_cancelled());
                    let object = live.object();
                    let task = n.spawn_value(async move {
                        let _object = object;
                        unreachable!("it never starts");
                        #[allow(unreachable_code)]
                        Ok(1)
                    });
                    assert_eq!(task.await, Err(Cancelled { reason: Reason::Failed }));
                    assert_eq!(live.left(), 0);
                })
                .await;
                Ok(())
            });
            sleep(secs(1)).await;
            Err::<(), _>("body")
        })
        .await;
        assert_eq!((result, now(), live.made()), (Err("body"), secs(2), 1));
    });
}

#[test]
fn try_spawn_hands_the_future_back_when_the_nursery_is_cancelled() {
    run_virtual(async {
        let tried = &Cell::new(false);
        let result = nursery(async |n| {
            n.spawn(async move {
                shield(async {
                    sleep(secs(2)).await;
                    let error = n.try_spawn(std::future::ready(Ok(()))).unwrap_err();
                    assert!(matches!(error, SpawnError::Cancelled { .. }));
                    assert_eq!(error.into_future().await, Ok::<(), &str>(()));
                    let error = n.child().try_spawn_value(std::future::ready(Ok(5))).unwrap_err();
                    assert_eq!(error.into_future().await, Ok(5));
                    tried.set(true);
                })
                .await;
                Ok(())
            });
            sleep(secs(1)).await;
            Err::<(), _>("body")
        })
        .await;
        assert_eq!((result, tried.get()), (Err("body"), true));
    });
}

#[test]
fn a_destructor_may_spawn_into_the_nursery_that_is_being_cancelled() {
    run_virtual(async {
        let (live, destructors) = (&Live::new(), &Cell::new(0));
        let result = nursery(async |n| {
            for _ in 0..10 {
                n.spawn(async move {
                    let _spawns = on_drop(|| {
                        destructors.set(destructors.get() + 1);
                        let object = live.object();
                        n.spawn(async move {
                            let _object = object;
                            unreachable!("the nursery is cancelled")
                        });
                    });
                    forever().await
                });
            }
            checkpoint().await;
            Err::<(), _>("body")
        })
        .await;
        assert_eq!(result, Err("body"));
        assert_eq!((destructors.get(), live.made(), live.left()), (10, 10, 0));
    });
}

#[test]
fn a_child_may_start_after_a_while() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            for (name, delay) in [("three", 3), ("one", 1), ("none", 0), ("two", 2)] {
                n.child().after(secs(delay)).spawn(async move { Ok(log.at(name)) });
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["0 none", "1 one", "2 two", "3 three"]);
    });
}

#[test]
fn a_child_cancelled_before_its_delay_is_over_never_runs() {
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            let object = live.object();
            let task = n.child().after(secs(9)).spawn_value(async move {
                let _object = object;
                unreachable!("its time never came");
                #[allow(unreachable_code)]
                Ok(())
            });
            sleep(secs(1)).await;
            task.cancel();
            assert!(task.await.is_err());
            assert_eq!((live.left(), now()), (0, secs(1)));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(1));
    });
}

#[test]
fn spawn_wait_on_the_heap_finds_room_at_once() {
    run_virtual(async {
        let value = nursery(async |n| {
            let unit = n.spawn_wait(async { Ok(()) }).await;
            let value = n.child().spawn_value_wait(async { Ok(5) }).await;
            unit.await.unwrap();
            Ok::<_, ()>(value.await.unwrap())
        })
        .await;
        assert_eq!(value, Ok(5));
    });
}

#[test]
fn live_counts_the_children_that_are_not_finished() {
    run_virtual(async {
        nursery(async |n| {
            for i in 1..=5 {
                n.spawn(async move { Ok(sleep(secs(i)).await) });
            }
            sleep(millis(500)).await;
            for left in (0..=5).rev() {
                assert_eq!(n.live(), left);
                sleep(secs(1)).await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}
