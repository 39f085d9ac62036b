//! The order in which sleeps end, and what a turn says of the soonest.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::Duration;

use super::{any_span, at};
use crate::common::*;
use giambio_core::{
    Clock, Instant, Next, Runtime, Tick, Until, VirtualClock, checkpoint, clock, move_on_after, nursery, sleep,
    sleep_until,
};

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
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::At(Tick(1_000_000_000))));
    time.advance(secs(100));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(Ok(())));
    assert_eq!(log.take(), ["one", "two", "five", "nine"]);
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
        assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::At(Tick(expected))));
        time.advance_to(Tick(expected - 1));
        assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::At(Tick(expected))));
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
        while let Next::Wait(Until::At(tick)) = settle(runtime.as_mut()) {
            let soonest = deadline(count - left.get());
            assert!(time.now() < tick && tick.0 <= soonest, "{count}, {apart}: {tick:?}");
            time.advance_to(tick);
            #[cfg(feature = "std")]
            {
                let before = giambio_core::__timers_fired();
                runtime.as_mut().__fire_due();
                let went_off = giambio_core::__timers_fired() != before;
                assert_eq!(went_off, tick.0 == soonest, "a loop that counts takes a look for a deadline");
            }
        }
        assert_eq!(left.get(), 0);
    }
}

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
