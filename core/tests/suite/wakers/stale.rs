//! Wakers that are kept for too long, and such as are never used.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::common::*;
use giambio_core::{Next, Runtime, Until, VirtualClock, checkpoint, nursery, sleep};

#[test]
fn a_waker_kept_after_its_task_ended_wakes_nobody() {
    run_virtual(async {
        let (wakers, before, polls) = (&Wakers::new(), &Cell::new(0), &Cell::new(0));
        nursery(async |n| {
            let task = n.spawn(counted(before, wakers.wait()));
            checkpoint().await;
            task.cancel();
            let _ = task.await;
            // Bystanders as large as the task: one of them lives where it was.
            for _ in 0..10 {
                n.child().daemon().spawn(counted(polls, forever()));
            }
            checkpoint().await;
            checkpoint().await;
            for _ in 0..10 {
                wakers.fire();
                checkpoint().await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        // Without `std` a name has no generation, and may cost who lives there now a poll in vain.
        let in_vain = if cfg!(feature = "std") { 0 } else { 10 };
        assert!(polls.get() <= 10 + in_vain, "one poll for each, whatever was fired, and not {}", polls.get());
    });
}

#[test]
fn a_waker_of_a_place_that_was_reused_many_times_wakes_nobody() {
    // A waker of 32 bits counts 16 tasks of a place; then it may cost one a poll in vain.
    const TIMES: usize = if cfg!(target_pointer_width = "64") { 1_000 } else { 15 };
    run_virtual(async {
        let (wakers, before, polls) = (&Wakers::new(), &Cell::new(0), &Cell::new(0));
        nursery(async |n| {
            for i in 0..TIMES {
                let task = n.spawn(counted(before, wakers.wait()));
                checkpoint().await;
                checkpoint().await;
                task.cancel();
                let _ = task.await;
                if i % 100 == 0 {
                    wakers.fire();
                }
            }
            assert_eq!(wakers.polls(), TIMES);
            n.child().daemon().spawn(counted(polls, forever()));
            checkpoint().await;
            checkpoint().await;
            wakers.fire();
            checkpoint().await;
            checkpoint().await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        // Without `std` it counts nothing.
        assert!(polls.get() <= if cfg!(feature = "std") { 1 } else { 2 }, "{} polls", polls.get());
    });
}

/// After as many tasks in a place as a waker can count, an old one says the same as that of the task to come.
#[test]
fn a_waker_whose_count_has_come_round_does_nothing_to_a_place_that_is_free() {
    const ROUND: usize = if cfg!(target_pointer_width = "64") { 1 << 16 } else { 16 };
    run_virtual(async {
        let (wakers, polls) = (&Wakers::new(), &Cell::new(0));
        nursery(async |n| {
            for i in 0..ROUND {
                let child = async move { if i == 0 { wakers.wait().await } else { Ok(()) } };
                let task = n.spawn(counted(polls, child));
                checkpoint().await;
                task.cancel();
                let _ = task.await;
            }
            assert_eq!(polls.get() as usize, ROUND);
            // Free, and then somebody else's.
            wakers.fire();
            checkpoint().await;
            n.spawn(counted(polls, async { Ok(()) }));
            checkpoint().await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get() as usize, ROUND + 1);
    });
}

#[test]
fn a_waker_kept_after_the_runtime_ended_is_harmless() {
    let wakers = Wakers::new();
    for _ in 0..3 {
        run_virtual(async {
            let _ = poll_once(pin!(wakers.wait::<()>())).await;
            nursery(async |n| {
                n.child().daemon().spawn(wakers.wait());
                for _ in 0..3 {
                    checkpoint().await;
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            wakers.fire();
        });
        let _alone = alone();
        wakers.fire();
    }
    // And a runtime that was dropped half-way.
    {
        let _alone = alone();
        let clock: VirtualClock = VirtualClock::new();
        let mut runtime = pin!(Runtime::new(&clock, wakers.wait::<()>()));
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
        wakers.fire();
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
        wakers.fire();
    }
    let _alone = alone();
    wakers.fire();
    run_virtual(async {
        wakers.fire();
        sleep(secs(1)).await;
    });
}

#[test]
fn a_waker_never_used_costs_nothing() {
    run_virtual(async {
        nursery(async |n| {
            n.spawn(poll_fn(|cx| {
                let wakers: Vec<_> = (0..1_000).map(|_| cx.waker().clone()).collect();
                assert!(wakers.iter().all(|waker| waker.will_wake(cx.waker())));
                Poll::Ready(Ok(()))
            }));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn tasks_have_wakers_of_their_own() {
    run_virtual(async {
        let wakers = &RefCell::new(Vec::new());
        let take = &|| {
            poll_fn(|cx| {
                wakers.borrow_mut().push(cx.waker().clone());
                Poll::Ready(())
            })
        };
        nursery(async |n| {
            for _ in 0..10 {
                n.child().daemon().spawn(async {
                    take().await;
                    forever().await
                });
            }
            take().await;
            checkpoint().await;
            checkpoint().await;
            let wakers = wakers.borrow();
            assert_eq!(wakers.len(), 11);
            for (i, waker) in wakers.iter().enumerate() {
                assert!(!wakers[..i].iter().any(|other| waker.will_wake(other)));
                assert!(waker.will_wake(&waker.clone()));
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}
