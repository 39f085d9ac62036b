//! Forgotten.

use std::mem;
use std::pin::pin;
use std::time::Duration;

use crate::common::*;
use crate::every_kind::{every_kind, poll_along, rest};
use giambio_core::{cancel_scope, checkpoint, move_on_after, nursery, sleep, sync};

#[test]
fn each_future_forgotten_while_it_waits_is_never_touched_again() {
    // Its environment is freed, its wakers are fired, the scopes around it are cancelled.
    for polls in 1..5 {
        let count = every_kind(&Live::new(), &Event::new()).len();
        for kind in 0..count {
            for around in 0..3 {
                run_virtual(async {
                    let (kept, left) = (Event::new(), Live::new());
                    {
                        // What the future borrows: freed before the wakers are fired.
                        let (live, event) = (Box::new(left.clone()), Box::new(kept.clone()));
                        let forget = async {
                            let (_, mut future) = every_kind(&live, &event).swap_remove(kind);
                            poll_along(future.as_mut(), polls).await;
                            mem::forget(future);
                        };
                        match around {
                            0 => forget.await,
                            1 => {
                                // A shield that was forgotten holds the scope for good, so it is
                                // dropped in the end by hand.
                                let mut scope = pin!(cancel_scope(async |scope| {
                                    forget.await;
                                    scope.cancel();
                                    checkpoint().await;
                                }));
                                poll_along(scope.as_mut(), 10).await;
                            }
                            _ => nursery(async |n| {
                                n.spawn(async { Ok(forget.await) });
                                Ok::<_, ()>(())
                            })
                            .await
                            .unwrap(),
                        }
                    }
                    let before = left.left();
                    kept.set();
                    sleep(secs(10)).await;
                    kept.wake();
                    rest().await;
                    assert_eq!(left.left(), before);
                });
            }
        }
    }
}

#[test]
fn a_forgotten_nursery_does_not_hold_the_scope_around_it() {
    // A shield in it was at work; nobody will ever poll it to its end.
    run_virtual(async {
        let late = move_on_after(secs(1), async {
            let mut half = Box::pin(nursery(async |n| {
                n.spawn(async { Ok(forever::<()>().await) });
                Ok::<_, ()>(())
            }));
            assert!(poll_once(half.as_mut()).await.is_pending());
            mem::forget(half);
            forever::<()>().await
        })
        .await;
        assert_eq!((late, now()), (None, secs(1)));
    });
}

#[test]
fn a_task_with_a_forgotten_future_ends_and_its_memory_is_reused() {
    run_virtual(async {
        let kept = Event::new();
        nursery(async |n| {
            for i in 0..200 {
                let wait = kept.wait();
                n.spawn(async move {
                    // On this task's own stack of futures, inside its cell.
                    let mut boxed = Box::pin(nursery(async |n| {
                        n.spawn(async { Ok(wait.await) });
                        Ok::<_, ()>(i)
                    }));
                    assert!(poll_once(boxed.as_mut()).await.is_pending());
                    mem::forget(boxed);
                    Ok(())
                });
                if i % 10 == 0 {
                    checkpoint().await;
                    kept.wake();
                }
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        kept.set();
        rest().await;
    });
}

#[test]
fn who_is_forgotten_in_a_line_is_told_in_vain_and_the_line_may_go() {
    let _alone = alone();
    let event = Box::new(sync::Event::new());
    let mut waits = Vec::new();
    for _ in 0..5 {
        waits.push(Box::pin(event.wait()));
        assert!(poll_with_nobody(waits.last_mut().unwrap().as_mut()).is_pending());
    }
    mem::forget(waits.swap_remove(1));
    event.set();
    event.clear();
    assert!(waits.drain(..2).all(|mut waits| poll_with_nobody(waits.as_mut()).is_ready()));
    waits.push(Box::pin(event.wait()));
    assert!(poll_with_nobody(waits[2].as_mut()).is_pending());
    waits.into_iter().for_each(mem::forget);
    drop(event);
}

#[test]
fn a_forgotten_timer_fires_for_nobody() {
    run_virtual(async {
        // Near ones are kept otherwise than far ones.
        for span in (1..100).map(secs).chain((0..48).map(|magnitude| Duration::from_nanos(1 << magnitude))) {
            let mut wait = Box::pin(sleep(span));
            assert!(poll_once(wait.as_mut()).await.is_pending());
            mem::forget(wait);
            let mut late = Box::pin(move_on_after(span, forever::<()>()));
            assert!(poll_once(late.as_mut()).await.is_pending());
            mem::forget(late);
        }
        sleep(secs(200)).await;
        assert_eq!(now(), secs(200));
    });
    // They were linked into a runtime that is gone by now.
    run_virtual(async {
        nursery(async |n| {
            n.spawn(async { Ok(sleep(secs(300)).await) });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_handle_may_be_forgotten() {
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            for i in 0..100 {
                let task = n.spawn_value(async move {
                    let _object = live.object();
                    if i % 2 == 0 {
                        sleep(secs(1)).await;
                    }
                    Ok(())
                });
                if i % 3 == 0 {
                    let mut task = Box::pin(task);
                    let _ = poll_once(task.as_mut()).await;
                    mem::forget(task);
                } else {
                    mem::forget(task);
                }
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!((live.made(), live.left()), (100, 0));
    });
}
