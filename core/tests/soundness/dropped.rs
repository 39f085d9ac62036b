//! Dropped at any moment.

use crate::common::*;
use crate::every_kind::{every_kind, poll_along, rest};
use giambio_core::{cancel_scope, checkpoint, move_on_after, nursery, sleep};

#[test]
fn each_future_dropped_unpolled_leaves_nothing() {
    let _alone = alone();
    let (live, event) = (Live::new(), Event::new());
    drop(every_kind(&live, &event));
    assert_eq!((live.left(), event.waiters()), (0, 0));
    run_virtual(async {
        drop(every_kind(&live, &event));
        rest().await;
    });
    assert_eq!((live.left(), event.waiters()), (0, 0));
}

#[test]
fn each_future_dropped_while_it_waits_leaves_nothing() {
    // After one poll, two, three, …
    for polls in 1..8 {
        let count = every_kind(&Live::new(), &Event::new()).len();
        for kind in 0..count {
            run_virtual(async {
                let (live, event) = (&Live::new(), &Event::new());
                let (name, mut future) = every_kind(live, event).swap_remove(kind);
                poll_along(future.as_mut(), polls).await;
                drop(future);
                assert_eq!((live.left(), event.waiters()), (0, 0), "{name} after {polls} polls");
                event.set();
                rest().await;
                // Nothing is left that would wake or hold anybody.
                assert_eq!(move_on_after(secs(5), forever::<()>()).await, None);
            });
        }
    }
}

#[test]
fn each_future_dropped_when_granted_but_unseen_leaves_nothing() {
    // What it waits for has come, and it wasn't polled since.
    for polls in 1..8 {
        let count = every_kind(&Live::new(), &Event::new()).len();
        for kind in 0..count {
            for by_time in [false, true] {
                run_virtual(async {
                    let (live, event) = (&Live::new(), &Event::new());
                    let (name, mut future) = every_kind(live, event).swap_remove(kind);
                    poll_along(future.as_mut(), polls).await;
                    if by_time {
                        sleep(secs(4)).await
                    } else {
                        event.set()
                    }
                    drop(future);
                    assert_eq!((live.left(), event.waiters()), (0, 0), "{name} after {polls} polls");
                    rest().await;
                });
            }
        }
    }
}

#[test]
fn each_future_dropped_in_a_cancelled_scope_leaves_nothing() {
    for polls in 0..5 {
        let count = every_kind(&Live::new(), &Event::new()).len();
        for kind in 0..count {
            run_virtual(async {
                let (live, event) = (&Live::new(), &Event::new());
                let late = cancel_scope(async |scope| {
                    let (_, future) = every_kind(live, event).swap_remove(kind);
                    futures::join!(future, async {
                        for _ in 0..polls {
                            checkpoint().await;
                        }
                        scope.cancel();
                        checkpoint().await;
                        unreachable!("cancelled");
                    });
                });
                nursery(async |n| {
                    n.spawn(async {
                        let _ = late.await;
                        Ok(())
                    });
                    sleep(secs(5)).await;
                    event.set(); // for clean-ups that wait
                    Ok::<_, ()>(())
                })
                .await
                .unwrap();
                assert_eq!((live.left(), event.waiters()), (0, 0), "kind {kind}, {polls} polls");
            });
        }
    }
}

#[test]
fn each_future_runs_to_its_end_and_leaves_nothing() {
    let count = every_kind(&Live::new(), &Event::new()).len();
    for kind in 0..count {
        run_virtual(async {
            let (live, event) = (&Live::new(), &Event::new());
            let (name, future) = every_kind(live, event).swap_remove(kind);
            nursery(async |n| {
                n.spawn(async {
                    future.await;
                    Ok(())
                });
                sleep(secs(10)).await;
                event.set();
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            assert_eq!((live.left(), event.waiters()), (0, 0), "{name}");
        });
    }
}
