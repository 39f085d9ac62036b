//! Moved, before the first poll and between tasks and scopes.

use std::cell::RefCell;

use crate::common::*;
use crate::every_kind::poll_along;
use giambio_core::{cancel_scope, checkpoint, finally, move_on_after, nursery, shield, shield_for, sleep};

#[test]
fn no_future_is_moved_after_its_first_poll() {
    run_virtual(async {
        let hostile = || {
            NoMove::new(async {
                sleep(secs(1)).await;
                checkpoint().await;
            })
        };
        move_on_after(secs(5), hostile()).await;
        shield(hostile()).await;
        shield_for(secs(1), hostile()).await;
        finally(hostile(), async || hostile().await).await;
        let _ = cancel_scope(async |_| hostile().await).await;
        move_on_after(millis(500), hostile()).await;
        move_on_after(millis(500), finally(hostile(), async || hostile().await)).await;
        nursery(async |n| {
            for i in 0..200 {
                let task = n.spawn_value(NoMove::new(async move {
                    checkpoint().await;
                    if i % 3 == 0 {
                        sleep(secs(i)).await;
                    }
                    Ok(i)
                }));
                n.child().after(secs(1)).spawn(NoMove::new(async { Ok(sleep(secs(1)).await) }));
                if i % 2 == 0 {
                    checkpoint().await;
                    task.cancel();
                }
            }
            hostile().await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn futures_may_be_moved_before_their_first_poll() {
    run_virtual(async {
        let live = &Live::new();
        let mut heap: Vec<_> = (0..10)
            .map(|i| {
                nursery(async move |n| {
                    n.spawn(async move {
                        let _object = live.object();
                        Ok(sleep(secs(i)).await)
                    });
                    Ok::<_, ()>(i)
                })
            })
            .collect();
        heap.reverse();
        let mut sum = 0;
        for future in heap {
            let moved = Box::new(future);
            sum += (*moved).await.unwrap();
        }
        assert_eq!((sum, live.made(), live.left()), (45, 10, 0));
    });
}

#[test]
fn a_pinned_nursery_moves_between_tasks() {
    run_virtual(async {
        let (event, log) = (&Event::new(), &Log::new());
        let mut half = Box::pin(move_on_after(
            secs(9),
            nursery(async |n| {
                n.spawn(async {
                    event.wait().await;
                    sleep(secs(1)).await;
                    log.at("child");
                    Ok(())
                });
                Ok::<_, ()>(())
            }),
        ));
        assert!(poll_along(half.as_mut(), 3).await.eq(&false));
        nursery(async |n| {
            n.spawn(async move {
                half.await.unwrap().unwrap();
                log.at("other task");
                Ok(())
            });
            sleep(secs(2)).await;
            event.set();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["3 child", "3 other task"]);
    });
}

#[test]
fn a_pinned_nursery_moves_out_of_a_cancelled_scope_and_goes_on() {
    // Scopes are linked under the one that polls them; this one changes its poller.
    run_virtual(async {
        let (event, log) = (&Event::new(), &Log::new());
        let half = &RefCell::new(Some(Box::pin(nursery(async |n| {
            n.spawn(async {
                event.wait().await;
                log.at("child");
                Ok(())
            });
            event.wait().await;
            Ok::<_, ()>(5)
        }))));
        let _ = cancel_scope(async |scope| {
            let mut inner = half.take().unwrap();
            assert!(!poll_along(inner.as_mut(), 3).await);
            *half.borrow_mut() = Some(inner);
            scope.cancel();
            checkpoint().await;
        })
        .await;
        let inner = half.take().unwrap();
        let value = nursery(async |n| {
            let task = n.spawn_value(async { Ok(inner.await.unwrap()) });
            sleep(secs(1)).await;
            event.set();
            Ok::<_, ()>(task.await.unwrap())
        })
        .await;
        assert_eq!((value, log.take()), (Ok(5), vec!["1 child".to_string()]));
    });
}

#[test]
fn a_pinned_nursery_moves_into_a_cancelled_scope_and_is_cancelled() {
    run_virtual(async {
        let live = &Live::new();
        let mut half = Box::pin(nursery(async |n| {
            n.spawn(async {
                let _object = live.object();
                forever().await
            });
            forever::<Result<(), ()>>().await
        }));
        assert!(!poll_along(half.as_mut(), 3).await);
        let late = move_on_after(secs(1), half.as_mut()).await;
        assert_eq!((late, now()), (None, secs(1)));
        drop(half);
        assert_eq!(live.left(), 0);
    });
}
