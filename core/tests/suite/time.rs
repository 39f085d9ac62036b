//! Conformance, area *time*. Law NEVER-EARLY.
#![cfg(feature = "alloc")]

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::Duration;

use crate::common::*;
use giambio_core::{
    Clock, Instant, Next, Runtime, Tick, VirtualClock, checkpoint, clock, fail_after, fail_at, interval, interval_at,
    move_on_after, move_on_at, nursery, sleep, sleep_until,
};

fn at(n: u64) -> Instant {
    Instant::from_nanos(n * 1_000_000_000)
}

// ----------------------------------------------------------------------------------- the order

#[test]
fn sleeps_end_in_the_order_of_their_deadlines() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            for (name, span) in [("five", 5), ("two", 2), ("nine", 9), ("one", 1), ("three", 3)] {
                n.spawn(async move {
                    sleep(secs(span)).await;
                    log.at(name);
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 one", "2 two", "3 three", "5 five", "9 nine"]);
    });
}

#[test]
fn sleeps_with_equal_deadlines_end_in_the_order_in_which_they_were_set() {
    run_virtual(async {
        let order = &RefCell::new(Vec::new());
        nursery(async |n| {
            for i in 0..1_000 {
                n.spawn(async move {
                    sleep(secs(1)).await;
                    order.borrow_mut().push(i);
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert!(order.borrow().is_sorted(), "{:?}", order.borrow());
    });
}

#[test]
fn thousands_of_random_sleeps_end_in_deadline_order_and_set_order() {
    for seed in 0..5 {
        run_virtual(async {
            let (rng, order) = (&mut Rng(seed), &RefCell::new(Vec::new()));
            let mut expected = Vec::new();
            nursery(async |n| {
                for i in 0..2_000 {
                    let deadline = at(rng.below(50) + 1);
                    expected.push((deadline, i));
                    n.spawn(async move {
                        if i % 2 == 0 {
                            sleep_until(deadline).await
                        } else {
                            sleep(deadline - clock()).await
                        }
                        assert_eq!(clock(), deadline);
                        order.borrow_mut().push((deadline, i));
                        Ok(())
                    });
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            expected.sort();
            assert_eq!(order.take(), expected, "seed {seed}");
        });
    }
}

#[test]
fn order_survives_sleeps_that_are_given_up_in_between() {
    for seed in 0..5 {
        run_virtual(async {
            let (rng, order) = (&mut Rng(seed), &RefCell::new(Vec::new()));
            let mut expected = Vec::new();
            nursery(async |n| {
                let mut doomed = Vec::new();
                for i in 0..2_000 {
                    let deadline = at(rng.below(20) + 10);
                    let task = n.spawn(async move {
                        sleep_until(deadline).await;
                        order.borrow_mut().push((deadline, i));
                        Ok(())
                    });
                    if rng.one_in(3) { doomed.push(task) } else { expected.push((deadline, i)) }
                }
                sleep_until(at(5)).await;
                while !doomed.is_empty() {
                    let i = rng.below(doomed.len() as u64) as usize;
                    doomed.swap_remove(i).cancel();
                    if rng.one_in(10) {
                        checkpoint().await;
                    }
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            expected.sort();
            assert_eq!(order.take(), expected, "seed {seed}");
        });
    }
}

#[test]
fn sleeps_and_deadlines_with_equal_times_fire_in_the_order_in_which_they_were_set() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            for (name, scope) in [("a", false), ("b", true), ("c", false), ("d", true), ("e", false)] {
                n.spawn(async move {
                    if scope {
                        move_on_after(secs(1), forever::<()>()).await;
                    } else {
                        sleep(secs(1)).await;
                    }
                    log.add(name);
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["a", "b", "c", "d", "e"]);
    });
}

#[test]
fn a_body_and_its_children_wake_in_the_order_of_their_timers_too() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            n.spawn(async {
                sleep(secs(1)).await;
                log.add("child");
                Ok(())
            });
            checkpoint().await;
            sleep(secs(1)).await; // set after the child's
            log.add("body");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["child", "body"]);
    });
}

#[test]
fn deadlines_that_were_jumped_over_still_fire_in_their_order() {
    // The clock is late: many deadlines are due in one turn.
    let _alone = alone();
    let (time, log) = (VirtualClock::<1_000_000_000>::new(), Log::new());
    let log = &log;
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            for (name, span) in [("five", 5), ("two", 2), ("nine", 9), ("one", 1)] {
                n.spawn(async move {
                    sleep(secs(span)).await;
                    log.add(name);
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        })
    ));
    assert_eq!(settle(runtime.as_mut()), Next::At(Tick(1_000_000_000)));
    time.advance(secs(100));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
    assert_eq!(log.take(), ["one", "two", "five", "nine"]);
}

// -------------------------------------------------------------------------------- never early

#[test]
fn a_sleep_takes_exactly_its_time_by_a_clock_that_counts_nanoseconds() {
    run_virtual(async {
        let mut expected = 0;
        for nanos in [1, 2, 3, 999, 1_000, 1_001, 123_456_789, 1_000_000_000, 86_400_000_000_000] {
            sleep(Duration::from_nanos(nanos)).await;
            expected += nanos;
            assert_eq!(now(), Duration::from_nanos(expected));
        }
    });
}

/// Sleeps on a clock of that frequency end not before their time, and less than `slack` ticks after.
fn never_early_at<const HZ: u64>() {
    let _alone = alone();
    let time = VirtualClock::<HZ>::new();
    let mut rng = Rng(HZ);
    let mut main = async || {
        for round in 0..300 {
            let nanos = match round % 4 {
                0 => rng.below(1_000),
                1 => rng.below(1_000_000_000),
                2 => 1_000_000_000 * rng.below(100),
                _ => rng.below(1_000_000_000_000),
            };
            let span = Duration::from_nanos(nanos + 1);
            let before = time.now().0;
            sleep(span).await;
            let ticks = time.now().0 - before;
            let needed = (span.as_nanos() * u128::from(HZ)).div_ceil(1_000_000_000);
            assert_eq!(u128::from(ticks), needed, "{span:?} at {HZ} Hz, from tick {before}");
        }
    };
    let mut runtime = pin!(Runtime::new(&time, main()));
    finish(runtime.as_mut(), &time);
}

#[test]
fn a_span_is_rounded_up_to_ticks_at_any_frequency() {
    never_early_at::<1>();
    never_early_at::<3>();
    never_early_at::<100>();
    never_early_at::<1_000>();
    never_early_at::<32_768>();
    never_early_at::<1_000_000>();
    never_early_at::<16_777_213>();
    never_early_at::<1_000_000_000>();
    never_early_at::<3_579_545_000>();
}

#[test]
fn a_moment_is_rounded_up_to_ticks() {
    let _alone = alone();
    let time = VirtualClock::<3>::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        for nanos in [1, 333_333_333, 333_333_334, 666_666_667, 999_999_999, 1_000_000_000, 1_000_000_001] {
            let moment = Instant::from_nanos(nanos);
            sleep_until(moment).await;
            assert!(clock() >= moment, "{:?} is before {moment:?}", clock());
            assert!(clock() - moment <= Duration::from_nanos(333_333_334), "{:?} for {moment:?}", clock());
        }
    }));
    finish(runtime.as_mut(), &time);
}

#[test]
fn a_clock_that_lags_by_a_tick_gets_one_more() {
    // A reading of 0 may have been taken just before tick 1: one tick later is no whole tick.
    struct Coarse(VirtualClock<1_000>);
    impl Clock for Coarse {
        const HZ: u64 = 1_000;
        fn now(&self) -> Tick {
            self.0.now()
        }
    }
    let _alone = alone();
    let time = Coarse(VirtualClock::new());
    let ends = Cell::new(None);
    let mut runtime = pin!(Runtime::new(&time, async {
        sleep(millis(1)).await;
        ends.set(Some(clock()));
    }));
    assert_eq!(runtime.as_mut().turn(), Next::At(Tick(2)));
    time.0.advance_to(Tick(1));
    assert_eq!(runtime.as_mut().turn(), Next::At(Tick(2)));
    assert_eq!(ends.get(), None);
    time.0.advance_to(Tick(2));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(()));
    assert!(ends.get().is_some());
}

#[test]
fn sleeps_near_the_end_of_time_never_end_early() {
    let _alone = alone();
    let time = VirtualClock::<1_000_000_000>::new();
    time.advance_to(Tick(u64::MAX - 1_000));
    let mut runtime = pin!(Runtime::new(&time, async {
        sleep(Duration::from_nanos(10)).await;
        assert_eq!(time.now(), Tick(u64::MAX - 990));
        // What would end beyond the last tick doesn't end.
        for endless in [Duration::from_nanos(991), Duration::from_nanos(u64::MAX), secs(u64::MAX), Duration::MAX] {
            assert_eq!(move_on_after(Duration::from_nanos(10), sleep(endless)).await, None, "{endless:?}");
        }
        assert_eq!(move_on_after(Duration::from_nanos(10), sleep_until(Instant::MAX)).await, None);
        sleep(Duration::from_nanos(10)).await;
        time.now()
    }));
    assert_eq!(finish(runtime.as_mut(), &time), Tick(u64::MAX - 930));
}

#[test]
fn sleeps_beyond_64_bits_never_end() {
    for span in [Duration::MAX, secs(u64::MAX), Duration::from_nanos(u64::MAX)] {
        let _alone = alone();
        let time = VirtualClock::<1_000_000_000>::new();
        let mut runtime = pin!(Runtime::new(&time, sleep(span)));
        for tick in [0, 1, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX - 1] {
            time.advance_to(Tick(tick));
            let next = settle(runtime.as_mut());
            assert!(!matches!(next, Next::Finished(())), "{span:?} ended at tick {tick}");
        }
    }
    // The same on a slow clock, where seconds are few ticks and the ticks last for ever.
    let _alone = alone();
    let time = VirtualClock::<1>::new();
    let mut runtime = pin!(Runtime::new(&time, sleep(Duration::MAX)));
    time.advance_to(Tick(u64::MAX - 1));
    assert!(!matches!(settle(runtime.as_mut()), Next::Finished(())));
}

#[test]
fn a_clock_at_its_end_still_yields() {
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    time.advance_to(Tick(u64::MAX));
    let mut runtime = pin!(Runtime::new(&time, async {
        sleep(secs(0)).await;
        checkpoint().await;
        let _ = clock();
    }));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(()));
}

#[test]
fn next_names_the_soonest_deadline_of_all() {
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            n.spawn(async { Ok(sleep(millis(50)).await) });
            n.spawn(async { Ok(sleep(millis(20)).await) });
            n.spawn(async { move_on_after(millis(30), forever()).await.unwrap_or(Ok(())) });
            Ok::<_, ()>(())
        })
    ));
    for expected in [20, 30, 50] {
        assert_eq!(settle(runtime.as_mut()), Next::At(Tick(expected)));
        time.advance_to(Tick(expected - 1));
        assert_eq!(settle(runtime.as_mut()), Next::At(Tick(expected)));
        time.advance_to(Tick(expected));
    }
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
}

/// Where many lie close together the loop is told to look sooner; no later, and nobody goes on then.
#[test]
fn next_is_never_later_than_the_soonest_of_many_deadlines_and_none_is_early() {
    for (count, apart) in [(40, 0), (65, 1), (100, 1_000), (1_000, 0), (1_000, 7), (1_000, 1_000_000)] {
        let _alone = alone();
        let time = VirtualClock::<1_000_000_000>::new();
        let left = &Cell::new(count);
        let deadline = move |number: u64| 1_000_000_000 + number * apart;
        let mut runtime = pin!(Runtime::new(
            &time,
            nursery(async |n| {
                for number in 0..count {
                    n.spawn(async move {
                        sleep_until(Instant::from_nanos(deadline(number))).await;
                        assert_eq!((clock(), left.get()), (Instant::from_nanos(deadline(number)), count - number));
                        left.set(left.get() - 1);
                        Ok(())
                    });
                }
                Ok::<_, ()>(())
            })
        ));
        while let Next::At(tick) = settle(runtime.as_mut()) {
            let soonest = deadline(count - left.get());
            assert!(time.now() < tick && tick.0 <= soonest, "{count}, {apart}: {tick:?}");
            time.advance_to(tick);
            #[cfg(feature = "std")]
            {
                let before = giambio_core::__timers_fired();
                runtime.as_mut().fire_due();
                let went_off = giambio_core::__timers_fired() != before;
                assert_eq!(went_off, tick.0 == soonest, "a loop that counts takes a look for a deadline");
            }
        }
        assert_eq!(left.get(), 0);
    }
}

// --------------------------------------------------------------------------------- zero and past

#[test]
fn a_zero_sleep_yields_once() {
    let _alone = alone();
    let (time, polls) = (VirtualClock::<1_000_000_000>::new(), Cell::new(0));
    let mut runtime = pin!(Runtime::new(&time, counted(&polls, sleep(secs(0)))));
    assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
    assert_eq!(polls.get(), 2);
}

#[test]
fn a_deadline_in_the_past_still_yields_once() {
    let _alone = alone();
    let time = VirtualClock::<1_000_000_000>::new();
    time.advance(secs(10));
    for deadline in [3, 10] {
        let polls = Cell::new(0);
        let mut runtime = pin!(Runtime::new(&time, counted(&polls, sleep_until(at(deadline)))));
        assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
        assert_eq!(polls.get(), 2);
    }
}

#[test]
fn zero_sleeps_take_turns_with_others() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            for name in ["a", "b"] {
                n.spawn(async move {
                    for _ in 0..3 {
                        log.add(name);
                        sleep(secs(0)).await;
                    }
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["a", "b", "a", "b", "a", "b"]);
        assert_eq!(now(), secs(0));
    });
}

/// From a nanosecond to two days, evenly over the orders of magnitude.
fn any_span(rng: &mut Rng) -> Duration {
    let magnitude = rng.below(48);
    Duration::from_nanos(1 + rng.below(1 << magnitude))
}

#[test]
fn sleeps_of_all_lengths_end_in_their_order_while_others_are_set_and_given_up() {
    for seed in 0..20 {
        run_virtual(async {
            let (rng, ended) = (&RefCell::new(Rng(seed)), &Cell::new((Instant::from_nanos(0), 0)));
            let sets = &Cell::new(0);
            nursery(async |n| {
                for _ in 0..300 {
                    n.spawn(async move {
                        for _ in 0..10 {
                            let [span, limit] = [(); 2].map(|()| any_span(&mut rng.borrow_mut()));
                            let (deadline, set) = (clock() + span, sets.replace(sets.get() + 1));
                            let slept = move_on_after(limit, sleep(span)).await;
                            if slept.is_some() {
                                assert_eq!(clock(), deadline, "seed {seed}");
                                assert!(ended.get() < (deadline, set), "seed {seed}");
                                ended.set((deadline, set));
                            }
                        }
                        Ok(())
                    });
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
        });
    }
}

#[test]
fn the_soonest_of_many_timers_is_known_whatever_is_set_and_given_up() {
    for seed in 0..5 {
        run_virtual(async {
            let mut rng = Rng(seed);
            let mut timers = Vec::new();
            for _ in 0..1_000 {
                checkpoint().await; // the loop looks for the soonest in between
                match rng.below(10) {
                    0..6 => {
                        let deadline = clock() + any_span(&mut rng);
                        let mut timer = Box::pin(sleep_until(deadline));
                        assert!(poll_once(timer.as_mut()).await.is_pending());
                        timers.push((deadline, timer));
                    }
                    // Hundreds that come before all that are there: later ones are put off once more.
                    6 if rng.one_in(20) => {
                        for i in 0..300 {
                            let deadline = clock() + Duration::from_nanos(1 + rng.below(1 << 30) + i);
                            let mut timer = Box::pin(sleep_until(deadline));
                            assert!(poll_once(timer.as_mut()).await.is_pending());
                            timers.push((deadline, timer));
                            checkpoint().await;
                        }
                    }
                    6..9 if !timers.is_empty() => {
                        let i = rng.below(timers.len() as u64) as usize;
                        drop(timers.swap_remove(i));
                    }
                    _ => {
                        // Sleeps to the soonest, and finds that it is over and no other.
                        let Some(&(soonest, _)) = timers.iter().min_by_key(|(deadline, _)| *deadline) else { continue };
                        sleep_until(soonest).await;
                        assert_eq!(clock(), soonest, "seed {seed}");
                        let mut left = Vec::new();
                        for (deadline, mut timer) in timers {
                            let is_over = poll_once(timer.as_mut()).await.is_ready();
                            assert_eq!(is_over, deadline <= soonest, "seed {seed}");
                            if !is_over {
                                left.push((deadline, timer));
                            }
                            checkpoint().await;
                        }
                        timers = left;
                    }
                }
            }
        });
    }
}

// ---------------------------------------------------------------------------- nothing is left

#[test]
fn a_million_timers_set_and_cancelled_leave_nothing() {
    let _alone = alone();
    let time = VirtualClock::<1_000_000_000>::new();
    let event = Event::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        let before = CountingAlloc::bytes();
        for _ in 0..100_000 {
            // Ten at a time, set, then dropped unfired.
            let mut waits = [(); 10].map(|()| Box::pin(sleep(secs(3_600))));
            for wait in &mut waits {
                assert!(poll_once(wait.as_mut()).await.is_pending());
            }
        }
        assert_eq!(CountingAlloc::bytes(), before);
        event.wait().await;
    }));
    assert_eq!(settle(runtime.as_mut()), Next::OnWake, "no timer may be left");
    event.set();
    assert_eq!(settle(runtime.as_mut()), Next::Finished(()));
}

#[test]
fn a_hundred_thousand_pending_timers_are_dropped_in_any_order() {
    let _alone = alone();
    let time = VirtualClock::<1_000_000_000>::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        let mut rng = Rng(1);
        let mut waits = Vec::new();
        for _ in 0..100_000 {
            let mut wait = Box::pin(sleep(millis(1 + rng.below(1_000_000))));
            assert!(poll_once(wait.as_mut()).await.is_pending());
            waits.push(wait);
        }
        while !waits.is_empty() {
            let i = rng.below(waits.len() as u64) as usize;
            drop(waits.swap_remove(i));
        }
        forever::<()>().await
    }));
    assert_eq!(settle(runtime.as_mut()), Next::OnWake);
}

#[test]
fn setting_a_timer_allocates_nothing() {
    run_virtual(async {
        let mut wait = pin!(sleep(secs(5)));
        let mut others = Vec::new();
        for i in 0..1_000 {
            let mut other = Box::pin(sleep(secs(1 + i)));
            assert!(poll_once(other.as_mut()).await.is_pending());
            others.push(other);
        }
        let before = CountingAlloc::calls();
        assert!(poll_once(wait.as_mut()).await.is_pending());
        for _ in 0..1_000 {
            assert_eq!(move_on_after(secs(7), async { 1 }).await, Some(1));
            let mut dropped = pin!(sleep(secs(9)));
            assert!(poll_once(dropped.as_mut()).await.is_pending());
        }
        assert_eq!(CountingAlloc::calls(), before);
    });
}

#[test]
fn a_sleep_dropped_after_it_fired_and_before_it_was_seen_leaves_nothing() {
    let _alone = alone();
    let time = VirtualClock::<1_000_000_000>::new();
    let (open, event) = (Cell::new(true), Event::new());
    let mut runtime = pin!(Runtime::new(&time, async {
        {
            let mut wait = pin!(pausing(&open, sleep(secs(1))));
            assert!(poll_once(wait.as_mut()).await.is_pending());
            open.set(false);
            event.wait().await; // the timer wakes us here, for nothing
        }
        forever::<()>().await
    }));
    assert_eq!(settle(runtime.as_mut()), Next::At(Tick(1_000_000_000)));
    time.advance(secs(1));
    assert_eq!(settle(runtime.as_mut()), Next::OnWake);
    event.set();
    assert_eq!(settle(runtime.as_mut()), Next::OnWake);
    time.advance(secs(5));
    assert_eq!(settle(runtime.as_mut()), Next::OnWake);
}

#[test]
fn a_sleep_that_is_polled_early_again_and_again_keeps_its_time() {
    run_virtual(async {
        let mut wait = pin!(sleep(secs(5)));
        for i in 0..5 {
            assert!(poll_once(wait.as_mut()).await.is_pending());
            assert_eq!(now(), secs(i));
            sleep(secs(1)).await;
        }
        assert!(poll_once(wait.as_mut()).await.is_ready());
    });
}

#[test]
fn a_sleep_counts_from_its_first_poll() {
    run_virtual(async {
        let wait = sleep(secs(5));
        sleep(secs(10)).await;
        wait.await;
        assert_eq!(now(), secs(15));
    });
}

#[test]
fn a_sleep_goes_on_in_the_task_that_polls_it_last() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            let mut wait = Box::pin(sleep(secs(5)));
            assert!(poll_once(wait.as_mut()).await.is_pending());
            n.spawn(async move {
                wait.await;
                log.at("the other task");
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["5 the other task"]);
    });
}

#[test]
fn sleeps_that_outlive_their_runtime_go_on_in_another_or_are_dropped_in_none() {
    for seed in 0..20 {
        let waits = &RefCell::new(Vec::new());
        run_virtual(async {
            let mut rng = Rng(seed);
            for _ in 0..300 {
                let deadline = clock() + any_span(&mut rng);
                let mut wait = Box::pin(sleep_until(deadline));
                assert!(poll_once(wait.as_mut()).await.is_pending());
                waits.borrow_mut().push((deadline, wait));
            }
        });
        // In no runtime, and in no order.
        waits.borrow_mut().retain({
            let mut rng = Rng(!seed);
            move |_| !rng.one_in(2)
        });
        run_virtual(async {
            nursery(async |n| {
                for (deadline, wait) in waits.take() {
                    n.spawn(async move {
                        wait.await;
                        assert_eq!(clock(), deadline, "seed {seed}");
                        Ok(())
                    });
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
        });
    }
}

#[test]
fn a_deadline_that_was_set_in_one_runtime_goes_on_in_another() {
    let [mut after, mut at_instant] = [true, false].map(|is_span| {
        Box::pin(async move {
            let instant = clock() + secs(9);
            match is_span {
                true => fail_after(secs(9), forever::<()>()).await,
                false => fail_at(instant, forever::<()>()).await,
            }
        })
    });
    run_virtual(async {
        sleep(secs(1)).await;
        assert!(poll_once(after.as_mut()).await.is_pending());
        assert!(poll_once(at_instant.as_mut()).await.is_pending());
    });
    run_virtual(async {
        assert_eq!(after.await.map_err(|late| late.deadline), Err(at(10)));
        assert_eq!(clock(), at(10));
    });
    run_virtual(async {
        assert_eq!(at_instant.await.map_err(|late| late.deadline), Err(at(10)));
        assert_eq!(clock(), at(10));
    });
}

#[cfg(feature = "std")]
#[test]
fn a_deadline_taken_to_a_clock_of_another_rate_is_the_same_instant() {
    goes_on_by_another_clock::<1_000, 1_000_000>();
    goes_on_by_another_clock::<{ 1 << 33 }, { 1 << 34 }>();
    goes_on_by_another_clock::<1_000, { (1 << 32) + 1_000 }>();
}

#[cfg(feature = "std")]
fn goes_on_by_another_clock<const SLOW: u64, const FAST: u64>() {
    type Wait = std::pin::Pin<Box<dyn Future<Output = Result<(), giambio_core::TimedOut>>>>;
    let (slow, fast) = (VirtualClock::<SLOW>::new(), VirtualClock::<FAST>::new());
    let mut waits: [Wait; 4] = [
        Box::pin(async { Ok(sleep(secs(9)).await) }),
        Box::pin(async { Ok(sleep_until(at(9)).await) }),
        Box::pin(fail_after(secs(9), forever::<()>())),
        Box::pin(fail_at(at(9), forever::<()>())),
    ];
    for wait in &mut waits {
        let begun = pin!(Runtime::new(&slow, poll_once(wait.as_mut())));
        assert!(begun.run(&mut |_| unreachable!("nothing waits")).is_pending());
    }
    let ended = pin!(Runtime::new(&fast, async {
        nursery(async |n| {
            for wait in waits {
                n.spawn(async {
                    if let Err(late) = wait.await {
                        assert_eq!(late.deadline, at(9));
                    }
                    assert_eq!(clock(), at(9));
                    Ok::<_, ()>(())
                });
            }
            Ok(())
        })
        .await
    }));
    assert_eq!(finish(ended, &fast), Ok(()));
}

// ---------------------------------------------------------------------------------- intervals

#[test]
fn an_interval_ticks_first_after_one_period() {
    run_virtual(async {
        sleep(secs(3)).await;
        let mut ticks = interval(secs(10));
        assert_eq!(ticks.period(), secs(10));
        for i in 1..=5 {
            assert_eq!(ticks.tick().await, at(3 + 10 * i));
            assert_eq!(clock(), at(3 + 10 * i));
        }
    });
}

#[test]
fn an_interval_does_not_drift_however_long_the_work_takes() {
    run_virtual(async {
        let mut ticks = interval(secs(10));
        let mut rng = Rng(5);
        for i in 1..=100 {
            assert_eq!(ticks.tick().await, at(10 * i));
            assert_eq!(clock(), at(10 * i));
            sleep(millis(rng.below(9_999))).await;
        }
    });
}

#[test]
fn an_interval_does_not_drift_on_a_clock_that_cannot_show_its_period() {
    // 10 ms at 32,768 Hz are 327.68 ticks.
    let _alone = alone();
    let time = VirtualClock::<32_768>::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        let mut ticks = interval(millis(10));
        for i in 1..=1_000u64 {
            let due = ticks.tick().await;
            assert_eq!(due, Instant::from_nanos(i * 10_000_000));
            assert!(clock() >= due);
        }
        time.now()
    }));
    let end = finish(runtime.as_mut(), &time);
    assert_eq!(end, Tick(327_680));
}

#[test]
fn an_interval_that_is_taken_to_a_clock_of_another_rate_begins_anew_there() {
    let _alone = alone();
    let slow = VirtualClock::<1_000>::new();
    let mut ticks = {
        let mut runtime = pin!(Runtime::new(&slow, async {
            let mut ticks = interval(secs(10));
            assert_eq!(ticks.tick().await, at(10));
            ticks
        }));
        finish(runtime.as_mut(), &slow)
    };
    let fast = VirtualClock::<32_768>::new();
    fast.advance(secs(100));
    let mut runtime = pin!(Runtime::new(&fast, async {
        assert_eq!(ticks.tick().await, at(110));
        assert_eq!(clock(), at(110));
        assert_eq!(ticks.tick().await, at(120));
        // One that began at a moment of its own keeps to it, whatever the clock.
        let mut ticks = interval_at(at(125), millis(10));
        for i in 0..100 {
            let due = ticks.tick().await;
            assert_eq!(due, at(125) + i * millis(10));
            assert!(clock() >= due && clock() - due < Duration::from_nanos(30_518));
        }
    }));
    finish(runtime.as_mut(), &fast);
}

/// Takes an interval of each kind through a few ticks by a clock of that rate.
fn keeps_its_beat_at<const HZ: u64>() {
    let _alone = alone();
    let time = VirtualClock::<HZ>::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        let mut all = [interval(secs(10)), interval_at(at(10), secs(10)), interval(secs(10)).skip_missed()];
        for i in 1..=3 {
            for ticks in &mut all {
                assert_eq!(ticks.tick().await, at(10 * i), "{HZ} Hz");
                assert_eq!(clock(), at(10 * i), "{HZ} Hz");
            }
        }
    }));
    finish(runtime.as_mut(), &time);
}

#[test]
fn an_interval_keeps_its_beat_by_a_clock_of_any_rate() {
    keeps_its_beat_at::<1>();
    keeps_its_beat_at::<1_000_000_000>();
    keeps_its_beat_at::<{ (1 << 32) - 1 }>();
    keeps_its_beat_at::<{ 1 << 32 }>();
    keeps_its_beat_at::<{ (1 << 32) + 1 }>();
    keeps_its_beat_at::<{ 6 << 32 }>();
}

#[test]
fn an_interval_tells_clocks_apart_whose_rates_differ_by_a_multiple_of_2_to_the_32() {
    let _alone = alone();
    let slow = VirtualClock::<1_000>::new();
    let mut ticks = {
        let mut runtime = pin!(Runtime::new(&slow, async { interval(secs(10)) }));
        finish(runtime.as_mut(), &slow)
    };
    let fast = VirtualClock::<{ (1 << 32) + 1_000 }>::new();
    let mut runtime = pin!(Runtime::new(&fast, async {
        assert_eq!(ticks.tick().await, at(10));
        assert_eq!(clock(), at(10));
    }));
    finish(runtime.as_mut(), &fast);
}

#[test]
fn missed_ticks_come_one_after_the_other() {
    run_virtual(async {
        let mut ticks = interval(secs(1));
        sleep(millis(3_500)).await;
        for i in 1..=3 {
            assert_eq!(ticks.tick().await, at(i));
            assert_eq!(now(), millis(3_500));
        }
        assert_eq!(ticks.tick().await, at(4));
        assert_eq!(now(), secs(4));
    });
}

#[test]
fn missed_ticks_are_skipped_if_so_wished_and_the_beat_stays() {
    run_virtual(async {
        let mut ticks = interval(secs(1)).skip_missed();
        assert_eq!(ticks.tick().await, at(1));
        sleep(millis(3_500)).await; // 4.5
        ticks.tick().await;
        let next = ticks.tick().await;
        assert_eq!(next.as_nanos() % 1_000_000_000, 0);
        assert!(next > at(4) && next <= at(6), "{next:?}");
        assert_eq!(clock(), next);
        assert_eq!(ticks.tick().await, next + secs(1));
    });
}

#[test]
fn a_tick_that_was_given_up_comes_again() {
    run_virtual(async {
        let mut ticks = interval(secs(10));
        for _ in 0..4 {
            assert_eq!(move_on_after(secs(2), ticks.tick()).await, None);
        }
        assert_eq!(ticks.tick().await, at(10));
        assert_eq!(move_on_at(at(20), ticks.tick()).await, Some(at(20)));
        assert_eq!(ticks.tick().await, at(30));
    });
}

#[test]
fn an_interval_that_starts_in_the_past_catches_up() {
    run_virtual(async {
        sleep(secs(5)).await;
        let mut ticks = interval_at(at(3), secs(1));
        for i in 3..=8 {
            assert_eq!(ticks.tick().await, at(i));
            assert_eq!(clock(), at(i.max(5)));
        }
    });
}

#[test]
fn an_interval_at_the_end_of_time_stops_rather_than_wraps() {
    run_virtual(async {
        let mut ticks = interval_at(Instant::from_nanos(10), Duration::MAX);
        assert_eq!(ticks.tick().await, Instant::from_nanos(10));
        assert_eq!(move_on_after(secs(1_000), ticks.tick()).await, None);
    });
}

// ------------------------------------------------------------------------------------ the types

#[test]
fn instants_saturate() {
    let one = Duration::from_nanos(1);
    assert_eq!(Instant::MAX + one, Instant::MAX);
    assert_eq!(Instant::from_nanos(0) - one, Instant::from_nanos(0));
    assert_eq!(Instant::from_nanos(5) - Instant::from_nanos(9), Duration::ZERO);
    assert_eq!(Instant::from_nanos(9).duration_since(Instant::from_nanos(5)), Duration::from_nanos(4));
    assert_eq!(Instant::MAX.checked_add(one), None);
    assert_eq!(Instant::from_nanos(1).checked_add(Duration::MAX), None);
    assert_eq!(Instant::from_nanos(1).checked_add(one), Some(Instant::from_nanos(2)));
}

#[test]
fn a_virtual_clock_never_goes_backwards() {
    let time = VirtualClock::<1_000>::new();
    time.advance_to(Tick(100));
    time.advance_to(Tick(50));
    assert_eq!(time.now(), Tick(100));
    time.advance(Duration::from_nanos(1));
    assert_eq!(time.now(), Tick(101));
    time.advance(Duration::MAX);
    time.advance(Duration::MAX);
    assert_eq!(time.now(), Tick(u64::MAX));
}

#[cfg(feature = "std")]
#[test]
fn the_time_outside_of_a_runtime_is_a_clear_panic() {
    let uses: [fn(); 3] = [
        || assert_eq!(clock(), at(0)),
        || assert!(poll_with_nobody(pin!(sleep(secs(1)))).is_pending()),
        || assert_eq!(interval(secs(1)).period(), secs(1)),
    ];
    for use_of in uses {
        let panic = std::panic::catch_unwind(use_of).unwrap_err();
        let text = panic.downcast_ref::<String>().expect("a message");
        assert!(text.contains("outside a runtime"), "{text}");
    }
    assert_eq!(giambio_core::effective_deadline(), None);
}
