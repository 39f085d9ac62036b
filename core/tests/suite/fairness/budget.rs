//! The budget: leaves that are always ready yield, and nothing is lost by it.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use crate::common::*;
use giambio_core::{
    Instant, Next, Runtime, Tick, Until, VirtualClock, budgeted, cancel_scope, checkpoint, clock, move_on_after,
    nursery, poll_proceed, sleep, sync,
};

#[test]
fn a_leaf_that_is_always_ready_yields_when_the_budget_is_used_up() {
    run_virtual(async {
        let operations = &Cell::new(0u32);
        nursery(async |n| {
            let busy = n.spawn(async {
                loop {
                    always_ready().await;
                    operations.set(operations.get() + 1);
                }
            });
            for round in 1..=10 {
                checkpoint().await;
                assert!(operations.get() <= round * 1_000, "{} in {round} rounds", operations.get());
            }
            assert!(operations.get() >= 10);
            busy.cancel();
            Ok::<_, ()>(())
        })
        .await
    })
    .unwrap();
}

/// As `select_all` of a slice, or any combinator that polls all that it has: what waits is no work.
#[test]
fn a_task_that_waits_for_hundreds_of_things_at_once_sleeps_until_one_of_them_comes() {
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    let event = sync::Event::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        nursery(async |n| {
            let mut children = Vec::new();
            for _ in 0..300 {
                children.push(n.spawn(async { Ok(forever::<()>().await) }));
            }
            let mut sleeps: Vec<_> = (0..300).map(|i| Box::pin(sleep(secs(10 + i)))).collect();
            let mut waits: Vec<_> = (0..300).map(|_| Box::pin(event.wait())).collect();
            poll_fn(|cx| {
                let slept = sleeps.iter_mut().map(|sleep| u32::from(sleep.as_mut().poll(cx).is_ready())).sum::<u32>();
                assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(cx).is_pending()));
                assert!(children.iter_mut().all(|child| Pin::new(child).poll(cx).is_pending()));
                if slept > 0 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            assert_eq!(clock(), Instant::from_nanos(10_000_000_000));
            n.cancel_children();
            Ok::<_, ()>(())
        })
        .await
    }));
    let mut next = runtime.as_mut().turn();
    for _ in 0..20 {
        if next == Next::Wait(Until::Now) {
            next = runtime.as_mut().turn();
        }
    }
    assert_eq!(next, Next::Wait(Until::At(Tick(10_000))), "nothing can be done before");
    time.advance_to(Tick(10_000));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
}

#[test]
fn the_budget_counts_for_the_main_task_and_for_bodies_too() {
    for nested in [false, true] {
        let _alone = alone();
        let (time, operations, polls) = (VirtualClock::<1_000>::new(), Cell::new(0u32), Cell::new(0));
        let main = async {
            let work = counted(&polls, async {
                for _ in 0..100_000 {
                    always_ready().await;
                    operations.set(operations.get() + 1);
                    assert!(operations.get() <= polls.get() * 128, "more than 128 operations in a poll");
                }
            });
            if nested {
                nursery(async |_| Ok::<_, ()>(work.await)).await.unwrap();
            } else {
                work.await;
            }
        };
        let mut runtime = pin!(Runtime::new(&time, main));
        let mut turns = 0;
        while runtime.as_mut().turn() == Next::Wait(Until::Now) {
            turns += 1;
            assert!(polls.get() <= turns * 65, "{} polls in {turns} turns", polls.get());
        }
        assert_eq!(operations.get(), 100_000);
        assert!(turns >= 10);
    }
}

#[test]
fn a_deadline_reaches_a_loop_of_leaves_that_are_always_ready() {
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    let mut runtime = pin!(Runtime::new(
        &time,
        move_on_after(millis(10), async {
            loop {
                always_ready().await;
            }
        })
    ));
    for _ in 0..10 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
        time.advance(millis(1));
    }
    for _ in 0..3 {
        if let Next::Finished(late) = runtime.as_mut().turn() {
            assert_eq!(late, None::<()>);
            return;
        }
    }
    panic!("the deadline passed three turns ago");
}

/// A channel of another library, which knows nothing of the core. Each value takes a microsecond.
struct Foreign<'c> {
    values: std::collections::VecDeque<u32>,
    closed: bool,
    clock: &'c VirtualClock<1_000_000>,
}

impl<'c> Foreign<'c> {
    fn full(values: u32, clock: &'c VirtualClock<1_000_000>) -> Self {
        Foreign { values: (0..values).collect(), closed: true, clock }
    }

    async fn receive(&mut self) -> Option<u32> {
        poll_fn(|_| match self.values.pop_front() {
            None if !self.closed => Poll::Pending,
            value => {
                self.clock.advance(Duration::from_micros(1));
                Poll::Ready(value)
            }
        })
        .await
    }
}

/// The time that the foreign channel takes in so many polls, and in the 64 of a turn before timers get a look.
fn at_most(polls: u64) -> Duration {
    Duration::from_micros((polls + 64) * 128)
}

#[test]
fn a_loop_over_a_foreign_future_that_is_always_ready_yields_and_loses_nothing_if_it_is_budgeted() {
    let _alone = alone();
    let time = VirtualClock::new();
    let mut channel = Foreign::full(2_000_000, &time);
    let received = &Cell::new(0);
    let mut runtime = pin!(Runtime::new(&time, async {
        nursery(async |n| {
            n.spawn(async {
                while let Some(value) = budgeted(channel.receive()).await {
                    assert_eq!(value, received.get());
                    received.set(value + 1);
                }
                Ok::<_, ()>(())
            });
            for _ in 0..100 {
                let due = clock() + millis(1);
                sleep(millis(1)).await;
                assert!(clock() - due <= at_most(3), "late by {:?}", clock() - due);
            }
            Ok(())
        })
        .await
    }));
    assert_eq!(finish(runtime.as_mut(), &time), Ok(()));
    assert_eq!(received.get(), 2_000_000);
}

#[test]
fn a_budgeted_foreign_future_is_cancelled_where_it_is_always_ready_and_what_was_not_received_is_left() {
    let _alone = alone();
    let time = VirtualClock::new();
    let mut channel = Foreign::full(2_000_000, &time);
    let received = &Cell::new(0);
    let mut runtime = pin!(Runtime::new(&time, async {
        let drain = async {
            while let Some(value) = budgeted(channel.receive()).await {
                assert_eq!(value, received.get());
                received.set(value + 1);
            }
        };
        let start = clock();
        assert_eq!(move_on_after(millis(5), drain).await, None);
        let late = clock() - start - millis(5);
        assert!(late <= at_most(2), "late by {late:?}");
        // In code that is cancelled it does not even begin.
        let result = cancel_scope(async |scope| {
            scope.cancel();
            budgeted(async { received.set(0) }).await
        });
        assert!(result.await.is_err());
        channel.values.pop_front()
    }));
    let next = finish(runtime.as_mut(), &time);
    assert!(received.get() >= 5_000);
    assert_eq!(next, Some(received.get()), "a value was lost on the way");
}

#[test]
fn hundreds_of_budgeted_futures_that_wait_use_up_no_budget() {
    let _alone = alone();
    let (time, polls) = (VirtualClock::<1_000_000>::new(), &Cell::new(0));
    let mut runtime = pin!(Runtime::new(&time, async {
        let mut channels: Vec<_> = (0..300).map(|_| Foreign { closed: false, ..Foreign::full(0, &time) }).collect();
        let mut waits: Vec<_> = channels.iter_mut().map(|channel| Box::pin(budgeted(channel.receive()))).collect();
        let all = poll_fn(|cx| {
            polls.set(polls.get() + 1);
            assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(cx).is_pending()));
            Poll::<()>::Pending
        });
        assert_eq!(move_on_after(millis(5), all).await, None);
    }));
    finish(runtime.as_mut(), &time);
    assert_eq!(polls.get(), 2, "at the start and at the deadline");
}

#[test]
fn a_handle_of_a_finished_child_is_a_leaf_with_a_budget_too() {
    // Awaiting ten thousand results that are there takes more than one turn.
    run_virtual(async {
        let others = &Cell::new(0);
        nursery(async |n| {
            let mut tasks = Vec::new();
            for i in 0..10_000u32 {
                tasks.push(n.spawn_value(async move { Ok(i) }));
            }
            while !tasks.iter().all(|task| task.is_finished()) {
                checkpoint().await;
            }
            n.child().daemon().spawn(async {
                loop {
                    checkpoint().await;
                    others.set(others.get() + 1);
                }
            });
            for (i, task) in tasks.into_iter().enumerate() {
                assert_eq!(task.await, Ok(i as u32));
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert!(others.get() >= 10, "others had {} polls meanwhile", others.get());
    });
}

/// Polls again and again, without suspending, what is ready.
fn at_once<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    for _refusal in 0..=64 {
        if let Poll::Ready(value) = poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    panic!("refused more than 64 times");
}

#[test]
fn what_is_ready_is_seen_after_at_most_64_refusals_by_code_that_does_not_suspend() {
    run_virtual(async {
        let event = sync::Event::new();
        event.set();
        nursery(async |n| {
            let mut tasks: Vec<_> = (0..500).map(|i| n.spawn_value(async move { Ok(i) })).collect();
            while !tasks.iter().all(|task| task.is_finished()) {
                checkpoint().await;
            }
            for (i, task) in tasks.iter_mut().enumerate() {
                assert_eq!(at_once(|cx| Pin::new(&mut *task).poll(cx)), Ok(i));
                at_once(|cx| pin!(event.wait()).poll(cx));
                at_once(|cx| pin!(budgeted(async {})).poll(cx));
                let failure = at_once(|cx| pin!(nursery(async |_| Err::<(), _>("refused, and not begun"))).poll(cx));
                assert!(failure.is_err());
            }
            Ok::<_, ()>(())
        })
        .await
    })
    .unwrap();
}

/// As `or`, `select` with a default, or `now_or_never`: 63 refusals, and then it does suspend.
#[test]
fn who_suspends_before_the_64th_refusal_has_no_more_than_the_budget_in_each_poll() {
    run_virtual(async {
        let event = sync::Event::new();
        event.set();
        let operations = || {
            let (mut done, mut refusals) = (0, 0);
            while refusals < 63 {
                match pin!(event.wait()).poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(()) => done += 1,
                    Poll::Pending => refusals += 1,
                }
            }
            done
        };
        nursery(async |n| {
            n.spawn(async {
                for _ in 0..100 {
                    checkpoint().await;
                    assert_eq!(operations(), 128);
                }
                Ok::<_, ()>(())
            });
            for _ in 0..100 {
                checkpoint().await;
                assert_eq!(operations(), 128);
            }
            Ok(())
        })
        .await
    })
    .unwrap();
}

/// As `join_all`, or any combinator that polls all that it has, each once.
#[test]
fn a_thousand_loops_in_one_task_that_are_always_ready_yield_and_end_in_few_polls() {
    let (operations, polls) = (&Cell::new(0), &Cell::new(0));
    run_virtual(async {
        let each = || async {
            for _ in 0..100 {
                always_ready().await;
                operations.set(operations.get() + 1);
            }
        };
        let mut loops: Vec<_> = (0..1_000).map(|_| Box::pin(each())).collect();
        let all = poll_fn(|cx| {
            let before = operations.replace(0);
            assert!(before <= 128 + 2 * 1_000, "{before} in one poll");
            polls.set(polls.get() + 1);
            loops.retain_mut(|each| each.as_mut().poll(cx).is_pending());
            if loops.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        });
        all.await;
    });
    assert!((10..=200).contains(&polls.get()), "{} polls", polls.get());
}

#[test]
fn in_cancelled_code_what_is_ready_is_refused_for_good() {
    run_virtual(async {
        let event = sync::Event::new();
        event.set();
        let result = cancel_scope(async |scope| {
            for _ in 0..128 {
                assert!(pin!(event.wait()).poll(&mut Context::from_waker(Waker::noop())).is_ready());
            }
            scope.cancel();
            for _ in 0..1_000 {
                assert!(pin!(event.wait()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
        });
        assert!(result.await.is_ok());
    });
}

/// By whatever path it returns `Pending`: there is nothing to remember.
#[test]
fn a_leaf_that_does_not_get_on_uses_up_no_budget() {
    run_virtual(async {
        let leaf = |cx: &mut Context<'_>, has_come: bool| {
            let go = ready!(poll_proceed(cx));
            if !has_come {
                return Poll::Pending;
            }
            go.made_progress();
            Poll::Ready(())
        };
        poll_fn(|cx| {
            assert!((0..300).all(|_| leaf(cx, false).is_pending()));
            assert!((0..128).all(|_| leaf(cx, true).is_ready()));
            assert!(leaf(cx, true).is_pending());
            Poll::Ready(())
        })
        .await;
    });
}

/// Law FAIR: what a child uses up of its budget is not taken from the code around its nursery. The body is woken after
/// the child here, and so polled after it.
#[test]
fn a_child_that_uses_up_its_budget_leaves_the_body_its_own() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = std::pin::pin!(Runtime::new(
        &clock,
        nursery(async |n| {
            n.child().daemon().spawn(async {
                loop {
                    always_ready().await;
                }
            });
            sleep(secs(1)).await;
            Ok::<_, ()>(())
        })
    ));
    for _ in 0..100 {
        if let Next::Finished(result) = runtime.as_mut().turn() {
            return assert_eq!(result, Ok(()));
        }
        clock.advance(secs(1));
    }
    panic!("the body's sleep ended long ago, but the body doesn't get on");
}

#[test]
fn a_busy_child_does_not_use_up_the_budget_of_the_task_around_its_nursery() {
    let _alone = alone();
    let progress = Cell::new(0);
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&clock, async {
        let mut busy = pin!(nursery(async |n| {
            n.spawn(async {
                loop {
                    always_ready().await; // always ready
                }
            });
            forever::<Result<(), ()>>().await
        }));
        let mut other = pin!(async {
            for _ in 0..10 {
                always_ready().await;
                progress.set(progress.get() + 1);
            }
        });
        poll_fn(|cx| {
            let _ = busy.as_mut().poll(cx);
            other.as_mut().poll(cx)
        })
        .await
    }));
    for _ in 0..1000 {
        if let Next::Finished(()) = runtime.as_mut().turn() {
            return;
        }
    }
    panic!("starved: {} of 10 operations in 1000 turns", progress.get());
}

/// A loop of operations that are always ready, each polled once by one task, in a nursery of its own or not: how many in one
/// poll?
#[test]
fn a_nursery_does_not_give_back_what_its_body_has_spent() {
    const LOOPS: usize = 300;
    let (operations, most) = (&Cell::new(0), Cell::new(0));
    run_virtual(async {
        let work = async || {
            for _ in 0..1_000 {
                always_ready().await;
                operations.set(operations.get() + 1);
            }
        };
        let in_a_nursery = || nursery(async |_| Ok::<_, ()>(work().await));
        let mut loops: Vec<_> = (0..LOOPS).map(|_| Box::pin(in_a_nursery())).collect();
        poll_fn(|cx| {
            let before = operations.get();
            loops.retain_mut(|one| one.as_mut().poll(cx).is_pending());
            most.set(most.get().max(operations.get() - before));
            if loops.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
    assert_eq!(operations.get(), 1_000 * LOOPS);
    assert!(most.get() <= 128 + 2 * LOOPS, "{} operations in one poll", most.get());
}
