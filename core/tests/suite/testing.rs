//! The tools for tests, tested: time that jumps, waiting for all others, deadlocks that are told.
#![cfg(feature = "std")]

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::common::*;
use giambio_core::testing::{self, Autojump, Simulation, Stuck, wait_all_blocked};
use giambio_core::{
    Next, Runtime, Tick, VirtualClock, cancel_scope, checkpoint, finally, move_on_after, nursery, sleep,
    wake_from_signal,
};

#[test]
fn the_clock_jumps_only_when_all_tasks_wait() {
    testing::run(async {
        let steps = Cell::new(0);
        let result: Result<(), ()> = nursery(async |n| {
            n.spawn(async {
                for _ in 0..1000 {
                    checkpoint().await;
                    steps.set(steps.get() + 1);
                }
                assert_eq!(now(), secs(0));
                Ok(())
            });
            sleep(secs(1)).await;
            assert_eq!((steps.get(), now()), (1000, secs(1)));
            Ok(())
        })
        .await;
        assert_eq!(result, Ok(()));
    });
}

#[test]
fn the_clock_jumps_to_each_deadline_and_not_beyond() {
    let (clock, log) = (VirtualClock::<1000>::new(), Log::new());
    let runtime = pin!(Runtime::new(&clock, async {
        for _ in 0..3 {
            sleep(secs(1)).await;
            log.at("slept");
        }
    }));
    runtime.run(&mut Autojump::new(&clock));
    assert_eq!(log.take(), ["1 slept", "2 slept", "3 slept"]);
}

#[test]
fn a_task_waits_until_all_others_do() {
    testing::run(async {
        let log = Log::new();
        let result: Result<(), ()> = nursery(async |n| {
            n.spawn(async {
                for _ in 0..5 {
                    checkpoint().await;
                }
                log.at("child is tired");
                sleep(secs(1)).await;
                log.at("child has slept");
                Ok(())
            });
            wait_all_blocked().await;
            log.at("all wait");
            wait_all_blocked().await;
            log.at("all still wait");
            Ok(())
        })
        .await;
        assert_eq!(result, Ok(()));
        assert_eq!(log.take(), ["0 child is tired", "0 all wait", "0 all still wait", "1 child has slept"]);
    });
}

#[test]
fn those_who_wait_for_all_others_go_on_together_in_their_order() {
    testing::run(async {
        let log = Log::new();
        let result: Result<(), ()> = nursery(async |n| {
            for name in ["first", "second"] {
                let log = &log;
                n.spawn(async move {
                    wait_all_blocked().await;
                    log.add(name);
                    Ok(())
                });
            }
            Ok(())
        })
        .await;
        assert_eq!(result, Ok(()));
        assert_eq!(log.take(), ["first", "second"]);
    });
}

#[test]
fn one_who_gives_up_waiting_for_all_others_leaves_no_trace() {
    testing::run(async {
        let mut given_up = Box::pin(wait_all_blocked());
        assert!(poll_once(given_up.as_mut()).await.is_pending());
        drop(given_up);
        assert_eq!(move_on_after(secs(1), sleep(secs(2))).await, None);
        assert_eq!(now(), secs(1));
    });
}

#[test]
fn a_cancelled_wait_for_all_others_does_not_return() {
    testing::run(async {
        let result = cancel_scope(async |scope| {
            scope.cancel();
            wait_all_blocked().await;
            unreachable!()
        });
        assert!(result.await.is_err());
    });
}

#[test]
#[should_panic(expected = "outside of a test in virtual time")]
fn waiting_for_all_others_where_nobody_knows_is_a_panic() {
    run_virtual(wait_all_blocked());
}

#[test]
fn a_deadlock_is_an_error_that_names_the_tasks_and_drops_everything() {
    let live = Live::new();
    let object = live.object();
    let deadlock = Simulation::new()
        .try_run(async {
            let _object = object;
            nursery(async |n| {
                n.child().name("philosopher").spawn(forever::<Result<(), ()>>());
                n.child().name("done by then").spawn(sleep_and(secs(1)));
                n.child().name("chef").spawn(forever::<Result<(), ()>>());
                forever::<Result<(), ()>>().await
            })
            .await
        })
        .unwrap_err();
    let names = ["philosopher", "chef"].map(str::to_owned);
    let Stuck::Deadlock { at, tasks, .. } = &deadlock else { panic!("{deadlock}") };
    assert_eq!(
        (at.as_nanos(), tasks.as_slice()),
        (1_000_000_000, if cfg!(feature = "hooks") { &names[..] } else { &[] })
    );
    assert_eq!((live.made(), live.left()), (1, 0));
    let text = deadlock.to_string();
    assert!(text.starts_with("deadlock 1s after the start: all tasks wait"), "{text}");
    for word in ["blocking calls", "threads", "patience", "sockets", "giambio::run"] {
        assert!(text.contains(word), "what can't be seen from here, and what to do about it: {text}");
    }
}

async fn sleep_and(span: std::time::Duration) -> Result<(), ()> {
    sleep(span).await;
    Ok(())
}

#[test]
#[should_panic(expected = "giambio: deadlock 0ns after the start")]
fn a_deadlock_ends_a_test() {
    testing::run(forever::<()>());
}

#[test]
#[should_panic(expected = "giambio: deadlock 0ns after the start")]
fn a_deadlock_ends_a_loop_of_ones_own() {
    let clock = VirtualClock::<1000>::new();
    pin!(Runtime::new(&clock, forever::<()>())).run(&mut Autojump::new(&clock));
}

#[test]
fn a_loop_that_never_lets_the_clock_move_is_an_error_too() {
    let stuck = Simulation::new().turns(5_000).try_run(move_on_after(secs(1), async {
        loop {
            sleep(secs(0)).await;
        }
    }));
    let Err(Stuck::Livelock { at, turns, .. }) = stuck else { panic!("{stuck:?}") };
    assert!(at.as_nanos() == 0 && turns == 5_001);
}

#[test]
fn after_a_deadlock_the_thread_is_as_good_as_new() {
    assert!(Simulation::new().try_run(forever::<()>()).is_err());
    assert_eq!(testing::run(async { 7 }), 7);
}

#[test]
fn another_thread_has_time_to_wake_a_task_before_the_clock_jumps() {
    let mut thread = None;
    Simulation::new().patience(secs(60)).run(async {
        let woken = move_on_after(
            secs(1),
            poll_fn(|cx| {
                if thread.is_some() {
                    return Poll::Ready(());
                }
                let waker = cx.waker().clone();
                thread = Some(std::thread::spawn(move || waker.wake()));
                Poll::Pending
            }),
        );
        assert_eq!(woken.await, Some(()));
        assert_eq!(now(), secs(0));
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn a_task_that_waits_for_threads_again_and_again_is_not_one_that_never_waits() {
    const OFTEN: usize = 200;
    let rounds = Simulation::new().patience(secs(60)).turns(50).try_run(async {
        for _ in 0..OFTEN {
            let (sender, receiver) = futures::channel::oneshot::channel();
            let thread = std::thread::spawn(|| sender.send(()));
            receiver.await.unwrap();
            thread.join().unwrap().unwrap();
        }
        OFTEN
    });
    assert_eq!(rounds, Ok(OFTEN));
}

#[test]
fn a_wake_that_came_before_the_wait_ends_it() {
    let mut polls = 0;
    testing::run(poll_fn(|cx| {
        polls += 1;
        if polls == 1 {
            assert!(wake_from_signal(cx.waker()));
            return Poll::Pending;
        }
        Poll::Ready(())
    }));
    assert_eq!(polls, 2);
}

#[test]
fn a_simulation_may_run_after_one_that_panicked() {
    let panic = std::panic::catch_unwind(|| {
        testing::run(async {
            finally(async { panic!("on purpose") }, async || sleep(secs(1)).await).await;
        })
    });
    assert!(panic.is_err());
    testing::run(wait_all_blocked());
}

#[test]
fn a_clock_at_its_last_tick_stays_there() {
    let clock = VirtualClock::<1000>::new();
    clock.advance_to(Tick(u64::MAX - 1));
    let runtime = pin!(Runtime::new(&clock, move_on_after(secs(1), sleep(millis(1)))));
    // A sleep to the last tick of all never ends: nobody can wake the task.
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.run(&mut Autojump::new(&clock))));
    assert!(panic.is_err());
}

/// In which order ten children are polled, three times each.
fn order(simulation: Simulation) -> Vec<u32> {
    let order = RefCell::default();
    simulation.run(ten_in_order(&order));
    order.into_inner()
}

async fn ten_in_order(order: &RefCell<Vec<u32>>) {
    let result: Result<(), ()> = nursery(async |n| {
        for child in 0..10 {
            n.spawn(async move {
                for _ in 0..3 {
                    order.borrow_mut().push(child);
                    checkpoint().await;
                }
                Ok(())
            });
        }
        Ok(())
    })
    .await;
    assert_eq!(result, Ok(()));
}

#[test]
fn a_seed_chooses_the_order_of_each_pass_and_always_the_same() {
    let as_woken: Vec<u32> = (0..3).flat_map(|_| 0..10).collect();
    assert_eq!(order(Simulation::new()), as_woken);
    let mut orders: Vec<_> = (0..50).map(|seed| order(Simulation::new().seed(seed))).collect();
    for (seed, order_of_seed) in orders.iter().enumerate() {
        assert_eq!(order(Simulation::new().seed(seed as u64)), *order_of_seed);
        // Still each once in a pass.
        for pass in order_of_seed.chunks(10) {
            let mut pass = pass.to_vec();
            pass.sort_unstable();
            assert_eq!(pass, as_woken[..10]);
        }
    }
    orders.sort_unstable();
    orders.dedup();
    assert_eq!(orders.len(), 50, "each is another one");
}

#[test]
fn any_child_may_come_first() {
    let mut firsts: Vec<u32> = (0..200).map(|seed| order(Simulation::new().seed(seed))[0]).collect();
    firsts.sort_unstable();
    firsts.dedup();
    assert_eq!(firsts.len(), 10);
}

#[test]
fn a_seed_chooses_the_same_order_whoever_looks_on_and_however_the_runtime_is_driven() {
    struct Onlooker;
    impl giambio_core::Debugger for Onlooker {}
    let clock = VirtualClock::<1000>::new();
    for seed in 0..10 {
        let (watched, run, turned) = (RefCell::default(), RefCell::default(), RefCell::default());
        let runtime = Runtime::new(&clock, ten_in_order(&watched)).__seed(Some(seed)).with_debugger(Onlooker);
        pin!(runtime).run(&mut |_| {});
        pin!(Runtime::new(&clock, ten_in_order(&run)).__seed(Some(seed))).run(&mut |_| {});
        let mut runtime = pin!(Runtime::new(&clock, ten_in_order(&turned)).__seed(Some(seed)));
        while !matches!(runtime.as_mut().turn(), Next::Finished(())) {}
        let order = order(Simulation::new().seed(seed));
        assert_eq!([watched.take(), run.take(), turned.take()], [&order[..]; 3], "seed {seed}");
    }
}

#[test]
fn the_seed_that_fails_is_the_last_that_is_tried() {
    let tried = Cell::new(0);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        testing::for_each_seed(0..100, |simulation| {
            tried.set(tried.get() + 1);
            simulation.run(async { assert_ne!(tried.get(), 8, "on purpose") });
        });
    }));
    assert!(panic.is_err());
    assert_eq!(tried.get(), 8);
}
