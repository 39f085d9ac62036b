//! The soft stop: what is asked to come to an end, who hears of it, and who goes on.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::common::*;
use futures::stream::{FuturesUnordered, StreamExt};
use giambio_core::{
    Arena, CancelScope, cancel_scope, checkpoint, finally, interval, is_stopping, move_on_after, move_on_after_stop,
    nursery_in, shield, sleep, stopping, sync, until_stopped,
};

#[test]
fn what_is_asked_of_a_scope_is_asked_of_all_inside_and_of_nothing_outside() {
    static ROOM: Arena<4, 512> = Arena::new();
    static INNER: Arena<4, 256> = Arena::new();
    let log = Log::new();
    run_virtual(async {
        nursery_in(&ROOM, async |n| {
            let beside = async {
                sleep(secs(1)).await;
                log.add(format!("beside: {}", is_stopping()));
                Ok(())
            };
            n.spawn_wait(beside).await;
            let outcome = cancel_scope(async |scope| {
                nursery_in(&INNER, async |inner| {
                    let child = async {
                        stopping().await;
                        log.at("child");
                        Ok::<_, ()>(())
                    };
                    inner.spawn_wait(child).await;
                    sleep(millis(500)).await;
                    assert!(!is_stopping());
                    scope.ask_to_stop();
                    assert!(is_stopping());
                    sleep(secs(2)).await; // nothing is cut short
                    log.at("body");
                    Ok(())
                })
                .await
            });
            outcome.await.unwrap().unwrap();
            assert!(!is_stopping());
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
    assert_eq!(log.take(), ["0.5 child", "beside: false", "2.5 body"]);
}

#[test]
fn a_nursery_is_asked_by_its_own_children() {
    static ROOM: Arena<4, 512> = Arena::new();
    let served = Cell::new(0);
    run_virtual(async {
        nursery_in(&ROOM, async |n| {
            for worker in 1..=3 {
                let served = &served;
                n.spawn_wait(async move {
                    let mut ticks = interval(secs(worker));
                    while until_stopped(ticks.tick()).await.is_some() {
                        served.set(served.get() + 1);
                        if now() >= secs(6) {
                            n.ask_to_stop();
                        }
                    }
                    Ok::<_, ()>(())
                })
                .await;
            }
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(6));
    });
    // Five, two and one before the sixth second, and then the first tick of it: the stop comes before the others'.
    assert_eq!(served.get(), 5 + 2 + 1 + 1);
}

#[test]
fn it_may_be_asked_twice_and_before_the_scope_is_entered_and_stays_asked() {
    run_virtual(async {
        cancel_scope(async |scope| {
            scope.ask_to_stop();
            scope.ask_to_stop();
            stopping().await;
            cancel_scope(async |_| stopping().await).await.unwrap();
            checkpoint().await;
            assert!(is_stopping());
        })
        .await
        .unwrap();
        assert!(!is_stopping());
    });
}

#[test]
fn a_shield_hears_of_it() {
    run_virtual(async {
        cancel_scope(async |scope| {
            scope.ask_to_stop();
            shield(async {
                stopping().await;
                assert!(is_stopping());
            })
            .await;
        })
        .await
        .unwrap();
    });
}

#[test]
fn what_does_not_end_in_its_grace_is_cancelled_and_cleans_up() {
    let log = Log::new();
    run_virtual(async {
        let ended = cancel_scope(async |scope| {
            let work = async {
                sleep(secs(1)).await;
                scope.ask_to_stop();
                log.at("asked");
                sleep(secs(100)).await;
            };
            let clean_up = async || {
                sleep(secs(1)).await;
                log.at("clean");
            };
            let ended = move_on_after_stop(secs(5), finally(work, clean_up)).await;
            log.at("over");
            sleep(secs(1)).await; // the scope around is asked, not cancelled
            ended
        });
        assert_eq!(ended.await, Ok(None));
        assert_eq!(now(), secs(8));
    });
    assert_eq!(log.take(), ["1 asked", "7 clean", "7 over"]);
}

#[test]
fn without_a_stop_there_is_no_grace_and_what_ends_with_it_keeps_its_value() {
    run_virtual(async {
        assert_eq!(
            move_on_after_stop(Duration::ZERO, async {
                sleep(secs(100)).await;
                1
            })
            .await,
            Some(1)
        );
        let ended = cancel_scope(async |scope| {
            let work = async {
                sleep(secs(2)).await;
                scope.ask_to_stop();
                sleep(secs(3)).await;
                2
            };
            let in_time = move_on_after_stop(secs(3), work).await;
            let began = now();
            // It is asked to stop as it begins, and then its time begins.
            let late = move_on_after_stop(secs(3), sleep(secs(4))).await;
            assert_eq!(now() - began, secs(3));
            let at_once = move_on_after_stop(Duration::ZERO, sleep(secs(4))).await;
            let is_ready = move_on_after_stop(Duration::ZERO, async { 3 }).await;
            assert_eq!(now() - began, secs(3));
            (in_time, late, at_once, is_ready)
        });
        assert_eq!(ended.await, Ok((Some(2), None, None, Some(3))));
    });
}

#[test]
fn a_grace_is_not_waited_for_where_a_deadline_is_sooner() {
    run_virtual(async {
        let ended = cancel_scope(async |scope| {
            scope.ask_to_stop();
            move_on_after(secs(1), move_on_after_stop(secs(9), sleep(secs(100)))).await
        });
        assert_eq!((ended.await, now()), (Ok(None), secs(1)));
    });
}

#[test]
fn deadlines_and_cancellations_stay_what_they_are() {
    run_virtual(async {
        let outcome = cancel_scope(async |scope| {
            scope.ask_to_stop();
            assert_eq!(move_on_after(secs(1), pending::<()>()).await, None);
            assert!(!scope.is_cancelled());
            scope.cancel();
            stopping().await; // a leaf in cancelled code gets no further
            unreachable!("cancelled code went on")
        });
        assert!(outcome.await.is_err());
        assert_eq!(now(), secs(1));
    });
}

#[test]
fn what_waits_is_dropped_when_it_is_asked_and_keeps_a_value_that_came_before() {
    run_virtual(async {
        cancel_scope(async |scope| {
            assert_eq!(until_stopped(async { 7 }).await, Some(7));
            let is_dropped = Cell::new(false);
            let wait = async {
                let _object = on_drop(|| is_dropped.set(true));
                forever::<()>().await
            };
            let mut wait = pin!(until_stopped(wait));
            assert!(poll_once(wait.as_mut()).await.is_pending());
            scope.ask_to_stop();
            assert!(!is_dropped.get());
            assert_eq!(wait.as_mut().await, None);
            assert!(is_dropped.get());
            let is_polled = Cell::new(false);
            assert_eq!(until_stopped(async { is_polled.set(true) }).await, None);
            assert!(!is_polled.get());
        })
        .await
        .unwrap();
    });
}

#[test]
fn members_of_a_foreign_set_hear_of_it() {
    run_virtual(async {
        cancel_scope(async |scope: CancelScope<'_, '_>| {
            let members: FuturesUnordered<_> = (0..100).map(|_| stopping()).collect();
            let mut ask = pin!(async {
                sleep(secs(1)).await;
                scope.ask_to_stop();
            });
            let mut count = pin!(members.count());
            assert!(poll_once(count.as_mut()).await.is_pending());
            ask.as_mut().await;
            assert_eq!(count.await, 100);
        })
        .await
        .unwrap();
    });
}

#[test]
fn only_those_who_are_asked_go_on() {
    run_virtual(async {
        let polls = Cell::new(0);
        let mut outside = pin!(counted(&polls, stopping()));
        assert!(poll_once(outside.as_mut()).await.is_pending());
        cancel_scope(async |scope| {
            scope.ask_to_stop();
            stopping().await;
        })
        .await
        .unwrap();
        assert_eq!(move_on_after(secs(1), outside.as_mut()).await, None);
        assert!(polls.get() <= 4, "{} polls", polls.get());
    });
}

#[test]
fn outside_of_a_run_nobody_is_asked() {
    let _alone = alone();
    assert!(!is_stopping());
    assert!(poll_with_nobody(pin!(stopping())).is_pending());
    assert_eq!(poll_with_nobody(pin!(until_stopped(async { 7 }))), std::task::Poll::Ready(Some(7)));
}

/// Who waits may be kept and never polled again, or asked for while it is dropped: the others hear of it all the same.
#[test]
fn who_is_kept_unpolled_keeps_nobody_from_hearing_of_it() {
    run_virtual(async {
        let asked_once_more = Cell::new(false);
        cancel_scope(async |scope| {
            let mut kept = pin!(stopping());
            assert!(poll_once(kept.as_mut()).await.is_pending());
            let object = on_drop(|| {
                scope.ask_to_stop();
                asked_once_more.set(true);
            });
            let mut asks_as_it_is_dropped = pin!(until_stopped(async move {
                let _object = object;
                forever::<()>().await
            }));
            assert!(poll_once(asks_as_it_is_dropped.as_mut()).await.is_pending());
            let mut hears = pin!(stopping());
            assert!(poll_once(hears.as_mut()).await.is_pending());
            scope.ask_to_stop();
            assert_eq!(asks_as_it_is_dropped.await, None);
            hears.await;
        })
        .await
        .unwrap();
        assert!(asked_once_more.get());
    });
}

#[test]
#[cfg(feature = "std")]
fn a_waker_that_panics_keeps_nobody_from_hearing_of_it() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: std::sync::Arc<Self>) {
            panic!("on purpose")
        }
    }
    run_virtual(async {
        cancel_scope(async |scope| {
            let waker = std::task::Waker::from(std::sync::Arc::new(Panics));
            let mut panics = pin!(stopping());
            assert!(panics.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
            let mut hears = pin!(stopping());
            assert!(poll_once(hears.as_mut()).await.is_pending());
            let ask = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scope.ask_to_stop()));
            assert!(ask.is_err(), "the panic comes out, when all are told");
            hears.await;
        })
        .await
        .unwrap();
    });
}

/// Begins `work` outside of a scope that was asked to stop before, and carries it in.
async fn carried_in<T>(work: impl Future<Output = T>) -> T {
    let work = RefCell::new(Box::pin(work));
    let inside = cancel_scope(async |scope| {
        scope.ask_to_stop();
        sleep(secs(2)).await;
        poll_fn(|cx| work.borrow_mut().as_mut().poll(cx)).await
    });
    let outside = async {
        sleep(secs(1)).await;
        for _ in 0..2 {
            let poll = poll_fn(|cx| Poll::Ready(work.borrow_mut().as_mut().poll(cx))).await;
            assert!(poll.is_pending());
            checkpoint().await;
        }
    };
    futures::future::join(inside, outside).await.0.unwrap()
}

#[test]
fn who_waits_and_is_carried_to_where_it_was_asked_before_hears_of_it() {
    assert_eq!(run_limited(carried_in(stopping())), Some(()));
    assert_eq!(run_limited(carried_in(until_stopped(pending::<()>()))), Some(None));
}

#[test]
fn who_waits_in_a_nursery_or_a_set_in_a_scope_that_is_carried_there_hears_of_it() {
    static ROOM: Arena<4, 512> = Arena::new();
    let in_a_nursery = nursery_in(&ROOM, async |n| {
        n.spawn_wait(async { Ok::<_, ()>(stopping().await) }).await;
        Ok(())
    });
    assert_eq!(run_limited(carried_in(in_a_nursery)), Some(Ok(())));
    let in_a_set = move_on_after(secs(9), async {
        let mut set: FuturesUnordered<_> = [stopping(), stopping()].into_iter().collect();
        while set.next().await.is_some() {}
    });
    assert_eq!(run_limited(carried_in(in_a_set)), Some(Some(())));
}

#[test]
fn of_a_stop_and_a_value_the_stop_comes_first_also_without_budget() {
    run_virtual(async {
        let ended = cancel_scope(async |scope| {
            scope.ask_to_stop();
            let event = sync::Event::new();
            event.set();
            for _ in 0..128 {
                event.wait().await;
            }
            let is_polled = Cell::new(false);
            let got = until_stopped(async { is_polled.set(true) }).await;
            (got, is_polled.get())
        });
        assert_eq!(ended.await, Ok((None, false)));
    });
}
