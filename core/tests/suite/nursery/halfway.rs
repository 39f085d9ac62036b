//! Nurseries that are never polled, dropped or forgotten half-way, and moved.

use std::cell::Cell;
use std::mem;
use std::pin::pin;

use crate::common::*;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use giambio_core::{move_on_after, nursery, sleep};

#[test]
fn a_nursery_that_is_never_polled_does_nothing() {
    let live = Live::new();
    let object = live.object();
    let future = nursery(async |_| {
        let _object = object;
        unreachable!("nobody polls it");
        #[allow(unreachable_code)]
        Ok::<_, ()>(())
    });
    drop(future);
    assert_eq!(live.left(), 0);
}

#[test]
fn a_nursery_dropped_half_way_drops_body_and_children() {
    run_virtual(async {
        let live = &Live::new();
        {
            let mut future = pin!(nursery(async |n| {
                for i in 0..10 {
                    n.spawn(async move {
                        let _object = live.object();
                        if i % 2 == 0 { Ok(()) } else { forever().await }
                    });
                }
                let _object = live.object();
                forever::<Result<(), ()>>().await
            }));
            assert!(poll_once(future.as_mut()).await.is_pending());
            assert_eq!((live.made(), live.left()), (11, 6));
        }
        assert_eq!(live.left(), 0);
        sleep(secs(1)).await; // the runtime is none the worse
    });
}

#[test]
fn a_nursery_forgotten_half_way_merely_stops_its_children() {
    // Law NESTED-POLL: never polled again, never dropped, their memory never used again.
    run_virtual(async {
        let (live, event, polls) = (&Live::new(), &Event::new(), Cell::new(0));
        let polls = &polls;
        {
            let mut future = Box::pin(nursery(async |n| {
                for _ in 0..10 {
                    n.spawn(async move {
                        let _object = live.object();
                        counted(polls, event.wait()).await;
                        unreachable!("it is never polled again");
                        #[allow(unreachable_code)]
                        Ok(())
                    });
                }
                Ok::<_, ()>(())
            }));
            assert!(poll_once(future.as_mut()).await.is_pending());
            mem::forget(future);
        }
        assert_eq!((live.left(), polls.get()), (10, 10));
        event.set();
        sleep(secs(1)).await;
        assert_eq!((live.left(), polls.get()), (10, 10));
    });
}

#[test]
fn a_nursery_may_be_moved_between_runtimes_half_way() {
    // A wake between the two counts.
    let _alone = alone();
    let (event, log) = (Event::new(), Log::new());
    let mut half = Box::pin(nursery(async |n| {
        n.spawn(async {
            event.wait().await;
            log.add("child");
            Ok(())
        });
        event.wait().await;
        log.add("body");
        Ok::<_, ()>(5)
    }));
    run_virtual(async { assert!(poll_once(half.as_mut()).await.is_pending()) });
    event.set();
    assert_eq!(run_virtual(half), Ok(5));
    assert_eq!(log.take(), ["child", "body"]);
}

#[test]
fn a_nursery_whose_child_sleeps_goes_on_in_another_runtime() {
    let _alone = alone();
    let mut half = Box::pin(nursery(async |n| {
        n.spawn(async {
            sleep(secs(2)).await;
            Ok::<_, ()>(())
        });
        Ok(5)
    }));
    run_virtual(async { assert!(poll_once(half.as_mut()).await.is_pending()) });
    assert_eq!(run_limited(half), Some(Ok(5)), "the child sleeps for ever");
}

#[test]
fn a_nursery_whose_child_has_a_deadline_goes_on_in_another_runtime() {
    let _alone = alone();
    let mut half = Box::pin(nursery(async |n| {
        n.spawn(async {
            move_on_after(secs(2), forever::<()>()).await;
            Ok::<_, ()>(())
        });
        Ok(5)
    }));
    run_virtual(async { assert!(poll_once(half.as_mut()).await.is_pending()) });
    assert_eq!(run_limited(half), Some(Ok(5)), "the deadline never comes");
}

#[test]
fn a_set_whose_member_sleeps_goes_on_in_another_runtime() {
    let _alone = alone();
    let mut set: FuturesUnordered<_> = [sleep(secs(2))].into_iter().collect();
    run_virtual(async { assert!(poll_once(pin!(set.next()).as_mut()).await.is_pending()) });
    assert_eq!(run_limited(async { set.next().await.is_some() }), Some(true), "it sleeps for ever");
}

#[test]
fn a_nursery_may_begin_outside_any_runtime() {
    let _alone = alone();
    let event = Event::new();
    let mut half = Box::pin(nursery(async |n| {
        n.spawn(async { Ok(event.wait().await) });
        sleep_after(&event).await;
        Ok::<_, ()>(())
    }));
    async fn sleep_after(event: &Event) {
        event.wait().await;
        sleep(secs(1)).await;
    }
    assert!(poll_with_nobody(half.as_mut()).is_pending());
    assert!(poll_with_nobody(half.as_mut()).is_pending());
    event.set();
    assert_eq!(run_virtual(half), Ok(()));
}
