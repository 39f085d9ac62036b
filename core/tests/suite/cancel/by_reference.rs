//! Futures that are polled by reference in a scope that is cancelled, and on outside of it: they go on and end, or say that
//! they were cut short. None waits for ever.
#![cfg(feature = "std")]

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::common::*;
use giambio_core::{
    cancel_scope, checkpoint, fail_after, finally, finally_for, move_on_after, nursery, shield, shield_for, sleep,
};

/// Polls it for a second, and then to its end. `Err`: that was a panic which says that it was cut short.
fn for_a_second_and_on<T>(work: impl Future<Output = T>) -> Result<(T, Duration), ()> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            let mut work = pin!(work);
            let value = match move_on_after(secs(1), work.as_mut()).await {
                Some(value) => value,
                None => work.await,
            };
            (value, now())
        })
    }));
    result.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| text.to_string()).or(payload.downcast_ref().cloned());
        let text: String = text.expect("a panic with a text");
        assert!(text.contains("cut it short"), "{text}");
    })
}

#[test]
fn what_needs_no_poll_while_it_is_cancelled_goes_on() {
    assert_eq!(for_a_second_and_on(sleep(secs(3))), Ok(((), secs(3))));
    let with_children = nursery(async |n| {
        let child = n.spawn_value(async {
            sleep(secs(3)).await;
            Ok::<_, ()>(5)
        });
        sleep(secs(2)).await;
        Ok(child.await)
    });
    assert_eq!(for_a_second_and_on(with_children), Ok((Ok(Ok(5)), secs(3))));
    let scopes = async { move_on_after(secs(4), cancel_scope(async |_| sleep(secs(3)).await)).await };
    assert_eq!(for_a_second_and_on(scopes), Ok((Some(Ok(())), secs(3))));
}

#[test]
fn a_nursery_with_a_shield_in_a_child_says_that_it_was_cut_short() {
    let work = nursery(async |n| {
        n.spawn(async {
            shield(sleep(secs(2))).await;
            sleep(secs(1)).await;
            Ok::<_, ()>(())
        });
        Ok(())
    });
    assert_eq!(for_a_second_and_on(work), Err(()));
    // The child is whole, but the body is not.
    let work = nursery(async |n| {
        n.spawn(shield(async {
            sleep(secs(2)).await;
            Ok::<_, ()>(())
        }));
        sleep(secs(3)).await;
        Ok(())
    });
    assert_eq!(for_a_second_and_on(work), Err(()));
}

#[test]
fn a_nursery_with_a_shield_in_its_body_says_that_it_was_cut_short() {
    let work = nursery(async |_| {
        shield(sleep(secs(2))).await;
        sleep(secs(1)).await;
        Ok::<_, ()>(())
    });
    assert_eq!(for_a_second_and_on(work), Err(()));
}

#[test]
fn a_nursery_of_which_nothing_was_cut_has_its_value() {
    let work = nursery(async |n| {
        n.spawn(shield(async {
            sleep(secs(2)).await;
            Ok::<_, ()>(())
        }));
        Ok(7)
    });
    assert_eq!(for_a_second_and_on(work), Ok((Ok(7), secs(2))));
}

#[test]
fn a_nursery_that_was_cut_short_has_its_error() {
    let work = nursery(async |n| {
        n.spawn(async {
            shield(sleep(secs(2))).await;
            Err("failed after the shield")
        });
        forever::<Result<(), _>>().await
    });
    assert_eq!(for_a_second_and_on(work), Ok((Err("failed after the shield"), secs(2))));
}

#[test]
fn a_finally_whose_body_was_cancelled_cleans_up_and_says_that_it_was_cut_short() {
    let log = Log::new();
    let work = finally(sleep(secs(3)), async || {
        sleep(secs(1)).await;
        log.at("clean");
    });
    assert_eq!(for_a_second_and_on(work), Err(()));
    assert_eq!(log.take(), ["2 clean"]);
    assert_eq!(for_a_second_and_on(finally_for(secs(1), sleep(secs(3)), forever::<()>)), Err(()));
}

#[test]
fn a_finally_that_cleans_up_when_it_is_cancelled_has_its_value() {
    let work = finally(async { 5 }, async || sleep(secs(3)).await);
    assert_eq!(for_a_second_and_on(work), Ok((5, secs(3))));
    let work = finally_for(secs(1), async { 5 }, async || sleep(secs(9)).await);
    assert_eq!(for_a_second_and_on(work), Ok((5, secs(2))));
}

#[test]
fn a_shield_has_its_value_unless_its_grace_was_over() {
    assert_eq!(for_a_second_and_on(shield(sleep(secs(3)))), Ok(((), secs(3))));
    assert_eq!(for_a_second_and_on(shield_for(secs(2), sleep(secs(3)))), Ok(((), secs(3))));
    assert_eq!(for_a_second_and_on(shield_for(secs(1), sleep(secs(3)))), Err(()));
}

#[test]
fn a_scope_with_a_shield_in_it_says_that_it_was_cut_short() {
    let shielded = || async {
        shield(sleep(secs(2))).await;
        sleep(secs(1)).await;
    };
    assert_eq!(for_a_second_and_on(cancel_scope(async |_| shielded().await)).map_err(drop), Err(()));
    assert_eq!(for_a_second_and_on(move_on_after(secs(9), shielded())).map_err(drop), Err(()));
    assert_eq!(for_a_second_and_on(fail_after(secs(9), shielded())).map_err(drop), Err(()));
    let nested = nursery(async |_| nursery(async |_| Ok::<_, ()>(move_on_after(secs(9), shielded()).await)).await);
    assert_eq!(for_a_second_and_on(nested).map_err(drop), Err(()));
}

#[test]
fn what_never_starts_in_cancelled_code_starts_where_it_is_polled_next() {
    run_virtual(async {
        let log = &Log::new();
        let mut work = pin!(finally(async { log.add("body") }, async || log.add("clean-up")));
        let mut shielded = pin!(shield(async { log.add("shield") }));
        let result = cancel_scope(async |scope| {
            scope.cancel();
            assert!(poll_once(work.as_mut()).await.is_pending());
            assert!(poll_once(shielded.as_mut()).await.is_pending());
            checkpoint().await;
        })
        .await;
        assert!(result.is_err() && log.take().is_empty());
        work.as_mut().await;
        shielded.as_mut().await;
        assert_eq!(log.take(), ["body", "clean-up", "shield"]);
    });
}

#[test]
fn what_was_cut_short_stays_pending_as_long_as_its_scope_is_there() {
    run_virtual(async {
        let polls = &Cell::new(0);
        let late = move_on_after(secs(1), async {
            let mut work = pin!(finally(forever::<()>(), async || {}));
            let mut other = pin!(shield(sleep(secs(5))));
            std::future::poll_fn(|cx| {
                polls.set(polls.get() + 1);
                assert!(work.as_mut().poll(cx).is_pending());
                let _: Poll<()> = other.as_mut().poll(cx);
                Poll::<()>::Pending
            })
            .await
        })
        .await;
        assert_eq!((late, now()), (None, secs(5)));
        assert!(polls.get() > 2);
    });
}
