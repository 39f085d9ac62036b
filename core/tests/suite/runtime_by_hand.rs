//! Conformance, area *run*, as far as it needs no operating system: the loop in the open.
#![cfg(feature = "alloc")]

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::common::*;
use giambio_core::{
    Clock, Next, Runtime, TaskId, Tick, Until, VirtualClock, Wait, checkpoint, clock, current_task, in_runtime,
    interval, move_on_after, nursery, sleep,
};

/// Something of everything, telling what it does.
async fn program(log: &Log) -> Result<u32, &'static str> {
    nursery(async |n| {
        for i in 0..5u64 {
            n.spawn(async move {
                let mut ticks = interval(millis(10 + i));
                for _ in 0..3 {
                    ticks.tick().await;
                    log.add(format!("{i} at {:?}", now()));
                }
                Ok(())
            });
        }
        n.spawn(async {
            move_on_after(millis(25), forever::<()>()).await;
            log.add(format!("moved on at {:?}", now()));
            for _ in 0..100 {
                checkpoint().await;
            }
            log.add(format!("yielded at {:?}", now()));
            Ok(())
        });
        sleep(millis(3)).await;
        Ok(7)
    })
    .await
}

#[test]
fn turns_by_hand_equal_run() {
    let _alone = alone();
    let by_hand = {
        let (time, log) = (VirtualClock::<1_000_000>::new(), Log::new());
        let mut runtime = pin!(Runtime::new(&time, program(&log)));
        let value = finish(runtime.as_mut(), &time);
        (value, log.take(), time.now())
    };
    let by_run = {
        let (time, log) = (VirtualClock::<1_000_000>::new(), Log::new());
        let runtime = pin!(Runtime::new(&time, program(&log)));
        let value = runtime.run(&mut |until| match until {
            Until::Now => {}
            Until::At(tick) => time.advance_to(tick),
            Until::OnWake => panic!("deadlock"),
        });
        (value, log.take(), time.now())
    };
    assert_eq!(by_hand, by_run);
    assert_eq!(by_hand.0, Ok(7));
    assert_eq!(by_hand.1.len(), 17);
    // Time in steps of one tick, turned far too often, comes to the same.
    let by_steps = {
        let (time, log) = (VirtualClock::<1_000_000>::new(), Log::new());
        let mut runtime = pin!(Runtime::new(&time, program(&log)));
        let value = loop {
            match runtime.as_mut().turn() {
                Next::Finished(value) => break value,
                Next::Wait(Until::Now) => {}
                _ => time.advance_to(Tick(time.now().0 + 1)),
            }
        };
        (value, log.take(), time.now())
    };
    assert_eq!(by_hand, by_steps);
}

#[test]
fn a_wait_is_told_how_long_it_may_wait() {
    struct Recorder<'a>(&'a VirtualClock<1_000>, RefCell<Vec<Until>>);
    impl Wait for Recorder<'_> {
        fn wait(&mut self, until: Until) {
            self.1.borrow_mut().push(until);
            if let Until::At(tick) = until {
                self.0.advance_to(tick);
            }
        }
    }
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    let mut wait = Recorder(&time, RefCell::default());
    let runtime = pin!(Runtime::new(&time, async {
        for _ in 0..100 {
            checkpoint().await;
        }
        sleep(millis(5)).await;
        sleep(millis(6)).await;
    }));
    runtime.run(&mut wait);
    // 64 polls, then it is time to look.
    assert_eq!(wait.1.take(), [Until::Now, Until::At(Tick(5)), Until::At(Tick(11))]);
}

#[test]
fn a_masked_run_is_not_told_to_look() {
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    let waits = RefCell::new(Vec::new());
    let runtime = pin!(Runtime::new(&time, async {
        for _ in 0..1_000 {
            checkpoint().await;
        }
        sleep(millis(5)).await;
    }));
    runtime.run_masked(&mut |until| {
        waits.borrow_mut().push(until);
        time.advance(millis(5));
    });
    assert_eq!(waits.take(), [Until::At(Tick(5))]);
}

/// A wait belongs to nobody: another runtime may have its turns there.
#[test]
fn a_wait_is_nobodys_turn() {
    let _alone = alone();
    let (time, event) = (VirtualClock::<1_000>::new(), Event::new());
    let inner_runs = Cell::new(0);
    let outer = pin!(Runtime::new(&time, async {
        let result: Result<(), ()> = nursery(async |n| {
            n.spawn(async {
                event.wait().await;
                sleep(millis(7)).await;
                Ok(())
            });
            Ok(())
        })
        .await;
        (result, in_runtime(), current_task())
    }));
    let outcome = outer.run(&mut |until| {
        assert!(!in_runtime());
        assert_eq!(current_task(), None);
        let inner_time = VirtualClock::<1_000>::new();
        let inner = pin!(Runtime::new(&inner_time, async {
            sleep(millis(3)).await;
            inner_runs.set(inner_runs.get() + 1);
            clock()
        }));
        let woke = inner.run(&mut |until| {
            if let Until::At(tick) = until {
                inner_time.advance_to(tick)
            }
        });
        assert_eq!(woke.as_nanos(), 3_000_000);
        event.set();
        if let Until::At(tick) = until {
            time.advance_to(tick);
        }
    });
    assert_eq!(outcome, (Ok(()), true, Some(TaskId::MAIN)));
    assert_eq!(time.now(), Tick(7));
    assert_eq!(inner_runs.get(), 2);
}

/// 100 leaf operations before a wait and 100 after it are within the budget of each of two polls.
#[test]
fn the_budget_is_a_new_one_after_a_wait() {
    let _alone = alone();
    let polls = ["turns", "a run"].map(|how| {
        let (time, polls) = (VirtualClock::<1_000>::new(), Cell::new(0));
        let main = async {
            for _ in 0..2 {
                std::future::poll_fn(|cx| {
                    polls.set(polls.get() + 1);
                    (0..100).map(|_| pin!(always_ready()).poll(cx)).find(Poll::is_pending).unwrap_or(Poll::Ready(()))
                })
                .await;
                sleep(millis(5)).await;
            }
        };
        let mut runtime = pin!(Runtime::new(&time, main));
        match how {
            "turns" => finish(runtime, &time),
            _ => runtime.as_mut().run(&mut |_| time.advance(millis(5))),
        }
        polls.get()
    });
    assert_eq!(polls, [2, 2]);
}

#[test]
fn a_panic_in_a_wait_leaves_the_runtime_usable() {
    let _alone = alone();
    let (time, live) = (VirtualClock::<1_000>::new(), Live::new());
    let mut runtime = pin!(Runtime::new(&time, async {
        let _object = live.object();
        sleep(millis(5)).await;
        clock()
    }));
    let run = std::panic::AssertUnwindSafe(|| runtime.as_mut().run(&mut |_| panic!("no power")));
    assert!(std::panic::catch_unwind(run).is_err());
    assert!(!in_runtime());
    assert_eq!(live.left(), 1);
    let end = runtime.run(&mut |until| {
        if let Until::At(tick) = until {
            time.advance_to(tick)
        }
    });
    assert_eq!(end.as_nanos(), 5_000_000);
    assert_eq!(live.left(), 0);
}

/// What a child waits for inside a nursery is dropped with the runtime, also when it was left in a wait.
#[test]
fn a_runtime_that_is_dropped_after_a_panic_in_a_wait_drops_its_tasks() {
    let _alone = alone();
    let (time, live) = (VirtualClock::<1_000>::new(), Live::new());
    let mut runtime = Box::pin(Runtime::new(&time, async {
        nursery(async |n| {
            n.spawn(async {
                let _object = live.object();
                let _seen = on_drop(|| assert!(in_runtime()));
                move_on_after(millis(5), forever::<()>()).await;
                Ok::<_, ()>(())
            });
            Ok(())
        })
        .await
    }));
    let run = std::panic::AssertUnwindSafe(|| runtime.as_mut().run(&mut |_| panic!("no power")));
    assert!(std::panic::catch_unwind(run).is_err());
    assert_eq!((live.left(), in_runtime()), (1, false));
    drop(runtime);
    assert_eq!((live.left(), in_runtime()), (0, false));
}

#[test]
fn waiting_without_limit_ends_with_a_wake() {
    let _alone = alone();
    let (time, event) = (VirtualClock::<1_000>::new(), Event::new());
    let runtime = pin!(Runtime::new(&time, event.wait()));
    let waits = Cell::new(0);
    runtime.run(&mut |until| {
        waits.set(waits.get() + 1);
        if waits.get() < 4 {
            assert_eq!(until, Until::OnWake); // and it may end for no reason
        } else {
            event.set();
        }
    });
    assert_eq!(waits.get(), 4);
}

#[test]
fn a_runtime_that_was_not_turned_is_ready() {
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    let mut runtime = pin!(Runtime::new(&time, sleep(millis(5))));
    assert!(runtime.is_ready());
    let _ = settle(runtime.as_mut());
    assert!(!runtime.is_ready());
}

#[test]
fn a_runtime_never_turned_drops_its_main_unpolled() {
    let _alone = alone();
    let (time, live) = (VirtualClock::<1_000>::new(), Live::new());
    let object = live.object();
    drop(Runtime::new(&time, async move {
        let _object = object;
        unreachable!("nobody turned it")
    }));
    assert_eq!(live.left(), 0);
}

#[test]
fn a_runtime_dropped_half_way_drops_all_tasks() {
    let _alone = alone();
    let (time, live, log) = (VirtualClock::<1_000>::new(), Live::new(), Log::new());
    {
        let mut runtime = pin!(Runtime::new(
            &time,
            nursery(async |n| {
                for _ in 0..100 {
                    n.spawn(async {
                        let _object = live.object();
                        move_on_after(secs(5), sleep(secs(9))).await;
                        Ok(())
                    });
                }
                // A destructor may still ask for the time.
                let _end = on_drop(|| log.add(format!("{:?}", now())));
                forever::<Result<(), ()>>().await
            })
        ));
        time.advance(secs(3));
        let _ = settle(runtime.as_mut());
        assert_eq!(live.left(), 100);
    }
    assert_eq!((live.left(), log.take()), (0, vec!["3s".to_string()]));
}

#[test]
fn a_runtime_forgotten_half_way_hurts_nobody() {
    let _alone = alone();
    let (live, event) = (Live::new(), Event::new());
    {
        let time: &'static VirtualClock = Box::leak(Box::new(VirtualClock::new()));
        let (object, wait) = (live.object(), event.wait());
        let mut runtime = Box::pin(Runtime::new(time, async move {
            let _object = object;
            let sleeps = sleep(secs(1));
            futures::join!(wait, sleeps);
        }));
        let _ = runtime.as_mut().turn();
        std::mem::forget(runtime);
    }
    event.set();
    run_virtual(sleep(secs(5)));
    assert_eq!(live.left(), 1);
}

#[test]
fn two_runtimes_take_turns_on_one_thread() {
    let _alone = alone();
    let (fast, slow) = (VirtualClock::<1_000>::new(), VirtualClock::<1_000>::new());
    let (event, log) = (Event::new(), Log::new());
    let mut first = pin!(Runtime::new(&fast, async {
        sleep(millis(10)).await;
        log.add(format!("first at {:?}", now()));
        event.set();
        sleep(millis(10)).await;
        log.add(format!("first ends at {:?}", now()));
    }));
    let mut second = pin!(Runtime::new(&slow, async {
        let task = nursery(async |n| {
            n.spawn(async { Ok(event.wait().await) });
            sleep(millis(1)).await;
            Ok::<_, ()>(())
        });
        task.await.unwrap();
        log.add(format!("second ends at {:?}", now()));
    }));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::At(Tick(10))));
    assert_eq!(settle(second.as_mut()), Next::Wait(Until::At(Tick(1))));
    slow.advance(millis(2));
    assert_eq!(settle(second.as_mut()), Next::Wait(Until::OnWake));
    fast.advance(millis(10));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::At(Tick(20))));
    assert_eq!(settle(second.as_mut()), Next::Finished(()));
    fast.advance(millis(10));
    assert_eq!(settle(first.as_mut()), Next::Finished(()));
    assert_eq!(log.take(), ["first at 10ms", "second ends at 2ms", "first ends at 20ms"]);
}

#[test]
fn a_finished_runtime_leaves_the_thread_as_it_was() {
    let _alone = alone();
    assert!(!in_runtime());
    assert_eq!(current_task(), None);
    run_virtual(async {
        assert!(in_runtime());
        assert_eq!(current_task(), Some(TaskId::MAIN));
        nursery(async |n| {
            let task = n.spawn_value(async { Ok(current_task()) });
            let id = task.id();
            assert_eq!(task.await, Ok(Some(id)));
            assert_eq!(current_task(), Some(TaskId::MAIN));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
    assert!(!in_runtime());
    assert_eq!(current_task(), None);
}

#[test]
fn the_clock_and_the_debugger_are_at_hand() {
    let _alone = alone();
    let runtime = Runtime::new(VirtualClock::<100>::new(), async {});
    runtime.clock().advance(secs(1));
    assert_eq!(runtime.clock().now(), Tick(100));
    let runtime = runtime.with_debugger(giambio_core::NoDebugger);
    let giambio_core::NoDebugger = runtime.debugger();
    let mut runtime = pin!(runtime);
    assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
    assert_eq!(runtime.clock().now(), Tick(100));
}

#[test]
fn the_time_stands_still_within_a_poll_only_if_the_clock_does() {
    let _alone = alone();
    let time = VirtualClock::<1_000_000_000>::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        let before = clock();
        time.advance(secs(1)); // as a long computation does
        assert_eq!(clock() - before, secs(1));
        sleep(secs(1)).await;
        assert_eq!(clock() - before, secs(2));
    }));
    finish(runtime.as_mut(), &time);
}

#[test]
fn a_clock_that_jumps_far_loses_no_deadline() {
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    let count = Cell::new(0);
    let count = &count;
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            for i in 0..200 {
                n.spawn(async move {
                    sleep(Duration::from_millis(1 << (i % 60))).await;
                    count.set(count.get() + 1);
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        })
    ));
    let _ = settle(runtime.as_mut());
    time.advance_to(Tick(u64::MAX - 1));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
    assert_eq!(count.get(), 200);
}

#[cfg(feature = "std")]
mod misuse {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn message(panic: Box<dyn std::any::Any + Send>) -> String {
        match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => panic.downcast_ref::<&str>().expect("a message").to_string(),
        }
    }

    #[test]
    fn a_turn_inside_a_turn_is_a_panic_that_says_await() {
        let result = run_virtual(async {
            let nested = catch_unwind(AssertUnwindSafe(|| run_virtual(async { 1 })));
            sleep(secs(1)).await; // the outer one is none the worse
            nested
        });
        let text = message(result.unwrap_err());
        assert!(text.contains(".await"), "{text}");
    }

    #[test]
    fn a_turn_after_the_end_is_a_panic() {
        let time = VirtualClock::<1_000>::new();
        let mut runtime = pin!(Runtime::new(&time, async { 1 }));
        assert_eq!(runtime.as_mut().turn(), Next::Finished(1));
        let text = message(catch_unwind(AssertUnwindSafe(|| runtime.as_mut().turn())).unwrap_err());
        assert!(text.contains("finished"), "{text}");
    }

    #[test]
    fn a_runtime_may_be_dropped_inside_the_turn_of_another() {
        let (time, live) = (VirtualClock::<1_000>::new(), Live::new());
        let object = live.object();
        let mut other = Box::pin(Runtime::new(
            &time,
            nursery(async |n| {
                n.spawn(async move {
                    let _object = object;
                    Ok(sleep(secs(1)).await)
                });
                Ok::<_, ()>(())
            }),
        ));
        let _ = settle(other.as_mut());
        run_virtual(async {
            sleep(secs(1)).await;
            drop(other);
            assert_eq!(live.left(), 0);
            sleep(secs(1)).await;
            nursery(async |n| {
                n.spawn(async { Ok(sleep(secs(1)).await) });
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            assert_eq!(now(), secs(3));
        });
    }
}
