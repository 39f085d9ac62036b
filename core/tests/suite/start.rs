//! Children that say when they are ready.
#![cfg(feature = "alloc")]

use std::cell::Cell;
use std::pin::pin;

use crate::common::*;
use giambio_core::{Arena, Cancelled, Ready, Reason, checkpoint, move_on_after, nursery, nursery_in, shield, sleep};

#[derive(Debug, PartialEq)]
enum Failure {
    OfItsOwn(&'static str),
    Cut(Reason),
}

impl From<Cancelled> for Failure {
    fn from(cancelled: Cancelled) -> Self {
        Failure::Cut(cancelled.reason)
    }
}

#[test]
fn the_caller_goes_on_when_the_child_is_ready_and_both_run_on() {
    let log = Log::new();
    let outcome: Result<_, Failure> = run_virtual(nursery(async |n| {
        let serve = async |ready: Ready<u16>| {
            sleep(secs(1)).await;
            ready.set(4242);
            log.at("ready");
            sleep(secs(2)).await;
            log.at("child ends");
            Ok(())
        };
        let port = n.child().name("server").start(serve).await?;
        log.at("caller");
        Ok(port)
    }));
    assert_eq!(outcome, Ok(4242));
    assert_eq!(log.take(), ["1 ready", "1 caller", "3 child ends"]);
}

#[test]
fn a_failure_before_is_the_callers_and_one_afterwards_the_nurserys() {
    let outcome: Result<(), Failure> = run_virtual(nursery(async |n| {
        let fails = async |_: Ready<()>| {
            sleep(secs(1)).await;
            Err(Failure::OfItsOwn("no port"))
        };
        assert_eq!(n.start(fails).await, Err(Failure::OfItsOwn("no port")));
        assert!(!n.is_cancelled());
        let fails_later = async |ready: Ready<()>| {
            ready.set(());
            sleep(secs(1)).await;
            Err(Failure::OfItsOwn("no client"))
        };
        n.start(fails_later).await?;
        forever().await
    }));
    assert_eq!(outcome, Err(Failure::OfItsOwn("no client")));
}

#[test]
fn a_caller_that_is_given_up_takes_the_child_along() {
    let log = Log::new();
    run_virtual(nursery(async |n| {
        let slow = async |_: Ready<()>| {
            let _object = log.on_drop("child dropped");
            forever().await
        };
        assert!(move_on_after(secs(1), n.start(slow)).await.is_none());
        sleep(secs(1)).await;
        log.at("the nursery goes on");
        Ok::<_, Cancelled>(())
    }))
    .unwrap();
    assert_eq!(log.take(), ["child dropped", "2 the nursery goes on"]);
}

#[test]
fn a_child_that_is_ready_in_a_shield_when_its_caller_has_gone_holds_up_nobody_but_its_nursery() {
    run_virtual(async {
        let ended = nursery(async |n| {
            let starting = n.start(async |ready| {
                shield(async {
                    sleep(secs(2)).await;
                    ready.set(());
                    sleep(secs(1)).await;
                })
                .await;
                forever().await
            });
            assert!(move_on_after(secs(1), starting).await.is_none());
            assert_eq!(now(), secs(1));
            Ok::<_, Cancelled>(n.live())
        });
        assert_eq!((ended.await, now()), (Ok(1), secs(3)));
    });
}

#[test]
fn what_was_handed_over_too_late_is_not_lost() {
    // The caller is gone when the child fails: the nursery has the error.
    let outcome: Result<(), Failure> = run_virtual(nursery(async |n| {
        let fails = async |_: Ready<()>| {
            shield(sleep(secs(2))).await;
            Err(Failure::OfItsOwn("late"))
        };
        assert!(move_on_after(secs(1), n.start(fails)).await.is_none());
        forever().await
    }));
    assert_eq!(outcome, Err(Failure::OfItsOwn("late")));
    // It has failed, and its caller is gone before it looks.
    let outcome: Result<(), Failure> = run_virtual(nursery(async |n| {
        {
            let mut start = pin!(n.start(async |_: Ready<()>| Err(Failure::OfItsOwn("untold"))));
            assert!(poll_once(start.as_mut()).await.is_pending());
            sleep(secs(1)).await;
        }
        forever().await
    }));
    assert_eq!(outcome, Err(Failure::OfItsOwn("untold")));
}

#[test]
fn who_never_will_be_ready_says_so() {
    let (has_gone_on, kept) = (Cell::new(false), Cell::new(None));
    run_virtual(nursery(async |n| {
        let is_told = |outcome: Result<(), Failure>| match outcome {
            Err(Failure::Cut(Reason::Because(text))) => text.contains("without being ready"),
            _ => false,
        };
        assert!(is_told(n.start(async |_| Ok(())).await), "it has ended");
        let keeps = async |ready| {
            kept.set(Some(ready));
            Ok(())
        };
        assert!(is_told(n.start(keeps).await), "it has ended, and not said so");
        let goes_on = async |ready| {
            drop(ready);
            sleep(secs(1)).await;
            has_gone_on.set(true);
            Ok(())
        };
        assert!(is_told(n.start(goes_on).await), "it goes on");
        sleep(secs(2)).await;
        assert!(has_gone_on.get());
        Ok::<_, Failure>(())
    }))
    .unwrap();
}

#[test]
fn a_child_that_is_cancelled_before_says_so() {
    run_virtual(nursery(async |n| {
        for first_poll in [false, true] {
            let mut start = pin!(n.start(async |_: Ready<()>| forever().await));
            assert!(poll_once(start.as_mut()).await.is_pending());
            if first_poll {
                checkpoint().await;
            }
            n.cancel_children();
            assert_eq!(start.await, Err(Failure::Cut(Reason::Requested)));
        }
        Ok::<_, Failure>(())
    }))
    .unwrap();
}

#[test]
fn in_an_arena_it_waits_for_room() {
    static ROOM: Arena<1, 512> = Arena::new();
    run_virtual(async {
        nursery_in(&ROOM, async |n| {
            for number in 0..3 {
                let work = async move |ready: Ready<_>| {
                    ready.set(number);
                    sleep(secs(1)).await;
                    Ok::<_, Cancelled>(())
                };
                assert_eq!(n.start(work).await, Ok(number));
                assert_eq!(now(), secs(number));
            }
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn values_are_dropped_where_nobody_takes_them() {
    let live = Live::new();
    run_virtual(nursery(async |n| {
        {
            let object = live.object();
            let mut start = pin!(n.start(async move |ready: Ready<_>| {
                ready.set(object);
                forever().await
            }));
            assert!(poll_once(start.as_mut()).await.is_pending());
            sleep(secs(1)).await;
        }
        sleep(secs(1)).await;
        assert_eq!((live.left(), n.live()), (0, 0));
        Ok::<_, Cancelled>(())
    }))
    .unwrap();
}

#[test]
fn a_child_that_is_gone_says_so_whatever_became_of_its_ready() {
    run_virtual(nursery(async |n| {
        let kept = std::rc::Rc::new(Cell::new(None));
        let keep = kept.clone();
        let child = async move |ready: Ready<()>| {
            keep.set(Some(ready));
            n.cancel_children();
            forever().await
        };
        assert_eq!(n.start(child).await, Err(Failure::Cut(Reason::Requested)));
        drop(kept);
        Ok::<_, Failure>(())
    }))
    .unwrap();
}
