//! When a wake comes: during a poll, between turns, many at once, after very many others, as a nursery is dropped.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::common::{Event, *};
use giambio_core::{Next, Runtime, Until, VirtualClock, checkpoint, nursery};

#[test]
fn a_wake_during_the_own_poll_is_seen_by_a_later_poll() {
    run_virtual(async {
        let polls = &Cell::new(0);
        nursery(async |n| {
            n.spawn(poll_fn(|cx| {
                polls.set(polls.get() + 1);
                if polls.get() == 5 {
                    return Poll::Ready(Ok(()));
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            }));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 5);
        // The main task, and a body.
        foreign_yield().await;
        nursery(async |_| Ok::<_, ()>(foreign_yield().await)).await.unwrap();
    });
}

#[test]
fn a_wake_after_the_task_was_polled_in_this_pass_is_seen_in_the_next() {
    run_virtual(async {
        let (wakers, polls) = (&Wakers::new(), &Cell::new(0));
        nursery(async |n| {
            n.child().daemon().spawn(counted(polls, wakers.wait()));
            n.spawn(async {
                wakers.fire(); // the other one had its poll just now
                Ok(())
            });
            for _ in 0..5 {
                checkpoint().await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn many_wakes_are_one_poll() {
    run_virtual(async {
        let (wakers, polls) = (&Wakers::new(), &Cell::new(0));
        nursery(async |n| {
            n.child().daemon().spawn(counted(polls, wakers.wait()));
            checkpoint().await;
            checkpoint().await;
            for _ in 0..100 {
                wakers.fire();
            }
            for _ in 0..5 {
                checkpoint().await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_wake_between_two_turns_is_seen() {
    let _alone = alone();
    let (clock, events) = (VirtualClock::<1_000>::new(), [Event::new(), Event::new(), Event::new()]);
    let mut runtime = pin!(Runtime::new(
        &clock,
        nursery(async |n| {
            n.spawn(async { Ok(events[0].wait().await) });
            n.spawn(nursery(async |n| {
                n.spawn(async { Ok(events[1].wait().await) });
                Ok(())
            }));
            Ok::<_, ()>(events[2].wait().await)
        })
    ));
    for event in &events {
        assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
        assert!(!runtime.is_ready());
        event.set();
        assert!(runtime.is_ready());
    }
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
}

#[test]
fn a_wake_before_the_first_turn_is_no_trouble() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let event = Event::new();
    let mut waits = Box::pin(nursery(async |n| {
        n.spawn(async { Ok(event.wait().await) });
        Ok::<_, ()>(())
    }));
    assert!(poll_with_nobody(waits.as_mut()).is_pending());
    assert!(poll_with_nobody(waits.as_mut()).is_pending());
    event.set();
    let mut runtime = pin!(Runtime::new(&clock, waits));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
}

#[test]
fn a_nursery_wakes_whoever_polled_it_last() {
    let _alone = alone();
    let event = Event::new();
    let mut waits = pin!(nursery(async |n| {
        n.spawn(async { Ok(event.wait().await) });
        Ok::<_, ()>(())
    }));
    let (first, first_waker) = Woken::new();
    let (second, second_waker) = Woken::new();
    for _ in 0..3 {
        assert!(waits.as_mut().poll(&mut Context::from_waker(&first_waker)).is_pending());
    }
    assert!(waits.as_mut().poll(&mut Context::from_waker(&second_waker)).is_pending());
    first.take();
    second.take();
    event.set();
    assert_eq!((first.take(), second.take() > 0), (0, true));
    let mut polls = 0;
    while waits.as_mut().poll(&mut Context::from_waker(&second_waker)).is_pending() {
        polls += 1;
        assert!(second.take() > 0 && polls < 5);
    }
}

#[test]
fn a_destructor_that_fires_wakers_is_no_trouble() {
    run_virtual(async {
        let wakers = &Wakers::new();
        let result = nursery(async |n| {
            for _ in 0..20 {
                n.spawn(async {
                    let _fires = on_drop(|| wakers.fire());
                    wakers.wait().await
                });
            }
            n.spawn(nursery(async |n| {
                let _fires = on_drop(|| wakers.fire());
                n.spawn(wakers.wait());
                wakers.wait().await
            }));
            checkpoint().await;
            checkpoint().await;
            Err::<(), _>("enough")
        })
        .await;
        assert_eq!(result, Err("enough"));
        wakers.fire();
    });
}

#[test]
fn a_body_that_was_woken_65536_times_is_polled() {
    let end = run_limited(async {
        let waker = RefCell::new(None::<Waker>);
        let flag = Cell::new(false);
        nursery(async |n| {
            n.spawn(async {
                checkpoint().await;
                flag.set(true);
                let waker = waker.borrow_mut().take().unwrap();
                for _ in 0..65536 {
                    waker.wake_by_ref();
                }
                Ok::<_, ()>(())
            });
            poll_fn(|cx| {
                if flag.get() {
                    return Poll::Ready(());
                }
                *waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            Ok(())
        })
        .await
    });
    assert_eq!(end, Some(Ok(())), "the body was never polled again");
}

type N = Result<(), ()>;

/// The result of a child whose handle was forgotten wakes a child that is over when it is dropped.
#[test]
fn a_result_that_wakes_when_it_is_dropped_with_the_nursery() {
    let _alone = alone();
    run_virtual(async {
        let wakers = Rc::new(RefCell::new(Vec::<Waker>::new()));
        let result: N = nursery(async |n| {
            let kept = wakers.clone();
            let handle = n.spawn_value(async move {
                let waker = poll_fn(|cx: &mut Context<'_>| Poll::Ready(cx.waker().clone())).await;
                kept.borrow_mut().push(waker);
                let kept = kept.clone();
                Ok(on_drop(move || kept.borrow().iter().for_each(Waker::wake_by_ref)))
            });
            std::mem::forget(handle);
            Ok(())
        })
        .await;
        assert_eq!(result, Ok(()));
    });
}

/// Two nurseries in a task, one paused while the task is woken 65536 times.
#[test]
fn the_body_of_a_paused_nursery_is_polled_after_65536_wakes() {
    let _alone = alone();
    for wakes in [65_535u32, 65_536, 65_537] {
        let open = Cell::new(true);
        let event = Event::new();
        let done = Cell::new(false);
        let clock = VirtualClock::<1_000_000_000>::new();
        let mut runtime = pin!(Runtime::new(&clock, async {
            let paused = pausing(
                &open,
                nursery::<(), (), _>(async |_| {
                    event.wait().await;
                    done.set(true);
                    Ok(())
                }),
            );
            let looker = nursery::<(), (), _>(async |_| forever().await);
            let _ = futures::join!(paused, looker);
        }));
        let _ = settle(runtime.as_mut());
        open.set(false);
        for _ in 1..wakes {
            event.wake();
            let _ = settle(runtime.as_mut());
        }
        open.set(true);
        event.set();
        let _ = settle(runtime.as_mut());
        assert!(done.get(), "{wakes} wakes");
    }
}
