//! Who is polled in a turn, in which order, and what it leaves for the next.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::common::{Event, *};
use giambio_core::{Instant, Next, Runtime, Until, VirtualClock, checkpoint, nursery, sleep, sleep_until};

#[test]
fn a_turn_polls_at_most_64_tasks() {
    let _alone = alone();
    let (time, polls) = (VirtualClock::<1_000>::new(), Cell::new(0u32));
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            for _ in 0..1_000 {
                let child = async {
                    for _ in 0..10 {
                        checkpoint().await;
                    }
                    Ok(())
                };
                n.spawn(counted(&polls, child));
            }
            Ok::<_, ()>(())
        })
    ));
    let mut before = 0;
    let mut turns = 0;
    while runtime.as_mut().turn() != Next::Finished(Ok(())) {
        let polled = polls.get() - before;
        assert!(polled <= 64, "turn {turns} polled {polled} tasks");
        before = polls.get();
        turns += 1;
        assert!(turns < 1_000, "{before} polls in {turns} turns");
    }
    assert_eq!(polls.get(), 11_000);
}

#[test]
fn a_turn_polls_at_most_64_tasks_however_they_nest() {
    let _alone = alone();
    let (time, polls) = (VirtualClock::<1_000>::new(), Cell::new(0u32));
    let polls = &polls;
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            for _ in 0..20 {
                n.spawn(nursery(async |n| {
                    for _ in 0..20 {
                        n.spawn(counted(polls, async {
                            for _ in 0..50 {
                                checkpoint().await;
                            }
                            Ok(())
                        }));
                    }
                    Ok(())
                }));
            }
            Ok::<_, ()>(())
        })
    ));
    let mut before = 0;
    while runtime.as_mut().turn() != Next::Finished(Ok(())) {
        let polled = polls.get() - before;
        assert!(polled <= 64, "a turn polled {polled} leaf tasks");
        before = polls.get();
    }
    assert_eq!(polls.get(), 20 * 20 * 51);
}

#[test]
fn nurseries_nested_deeper_than_64_make_progress() {
    use std::future::Future;
    use std::pin::Pin;
    fn nest<'a>(depth: u32, rounds: &'a Cell<u32>) -> Pin<Box<dyn Future<Output = Result<(), ()>> + 'a>> {
        Box::pin(async move {
            if depth == 0 {
                for _ in 0..10 {
                    checkpoint().await;
                    rounds.set(rounds.get() + 1);
                }
                return Ok(());
            }
            nursery(async |n| {
                n.spawn(nest(depth - 1, rounds));
                Ok(())
            })
            .await
        })
    }
    on_big_stack(|| {
        let _alone = alone();
        let (time, rounds) = (VirtualClock::<1_000>::new(), Cell::new(0));
        let mut runtime = pin!(Runtime::new(&time, nest(200, &rounds)));
        for _ in 0..10_000 {
            if let Next::Finished(result) = runtime.as_mut().turn() {
                assert_eq!(result, Ok(()));
                return;
            }
        }
        panic!("10,000 turns, and {} of 10 rounds", rounds.get());
    });
}

#[test]
fn in_one_pass_each_task_is_polled_once() {
    // However often it is woken, by itself and by others: nobody gets ahead by more than the pass that is under way.
    let _alone = alone();
    let (time, polls) = (VirtualClock::<1_000>::new(), RefCell::new([0u32; 10]));
    let polls = &polls;
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            for i in 0..10 {
                n.spawn(poll_fn(move |cx| {
                    let mut polls = polls.borrow_mut();
                    assert_eq!(polls[(i + 9) % 10], polls[i] + u32::from(i > 0), "task {i}");
                    polls[i] += 1;
                    cx.waker().wake_by_ref();
                    cx.waker().wake_by_ref();
                    Poll::<Result<(), ()>>::Pending
                }));
            }
            Ok::<_, ()>(())
        })
    ));
    for turn in 1..=100 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
        let polls: u32 = polls.borrow().iter().sum();
        assert!((turn * 32..=turn * 64).contains(&polls), "{polls} polls in {turn} turns");
    }
}

#[test]
fn tasks_are_polled_in_the_order_in_which_they_were_woken() {
    run_virtual(async {
        let (log, events) = (&Log::new(), &std::array::from_fn::<_, 6, _>(|_| Event::new()));
        nursery(async |n| {
            for (event, name) in events.iter().zip(["0", "1", "2", "3", "4", "5"]) {
                n.spawn(async move {
                    event.wait().await;
                    log.add(name);
                    Ok(())
                });
            }
            checkpoint().await;
            checkpoint().await;
            for i in [3, 0, 5, 1, 3, 4, 0, 2] {
                events[i].set();
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["3", "0", "5", "1", "4", "2"]);
    });
}

#[test]
fn a_body_takes_its_turn_among_the_children() {
    run_virtual(async {
        let (log, first, second) = (&Log::new(), &Event::new(), &Event::new());
        nursery(async |n| {
            n.spawn(async {
                first.wait().await;
                log.add("child");
                Ok(())
            });
            n.spawn(async {
                for _ in 0..5 {
                    checkpoint().await;
                }
                first.set();
                second.set();
                Ok(())
            });
            second.wait().await;
            log.add("body");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["child", "body"]);
    });
}

#[test]
fn a_task_woken_by_another_in_the_same_pass_comes_after_those_that_were_ready() {
    run_virtual(async {
        let (log, event) = (&Log::new(), &Event::new());
        nursery(async |n| {
            n.spawn(async {
                event.wait().await;
                log.add("woken");
                Ok(())
            });
            checkpoint().await;
            checkpoint().await;
            n.spawn(async {
                event.set();
                log.add("wakes");
                Ok(())
            });
            n.spawn(async {
                log.add("was ready");
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["wakes", "was ready", "woken"]);
    });
}

#[test]
fn nobody_gets_a_second_poll_before_all_had_their_first() {
    let (rounds, spread) = (&RefCell::new(vec![0u32; 300]), &Cell::new(0));
    run_virtual(nursery(async |n| {
        for i in 0..300 {
            n.spawn(async move {
                for _ in 0..20 {
                    {
                        let mut all = rounds.borrow_mut();
                        all[i] += 1;
                        let (min, max) = (all.iter().min().unwrap(), all.iter().max().unwrap());
                        spread.set(spread.get().max(max - min));
                    }
                    checkpoint().await;
                }
                Ok(())
            });
        }
        Ok::<_, ()>(())
    }))
    .unwrap();
    assert_eq!(spread.get(), 1);
}

#[test]
fn a_busy_nursery_does_not_starve_its_neighbour() {
    let _alone = alone();
    let (time, rounds) = (VirtualClock::<1_000>::new(), Cell::new(0));
    let rounds = &rounds;
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            n.spawn(nursery(async |n| {
                for _ in 0..1_000 {
                    n.spawn(async {
                        loop {
                            checkpoint().await;
                        }
                    });
                }
                Ok(())
            }));
            n.spawn(async move {
                loop {
                    checkpoint().await;
                    rounds.set(rounds.get() + 1);
                }
            });
            Ok::<(), ()>(())
        })
    ));
    for _ in 0..200 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
    }
    assert!(rounds.get() >= 50, "the neighbour had {} polls in 200 turns", rounds.get());
}

#[test]
fn a_busy_nursery_does_not_starve_a_deep_one() {
    let _alone = alone();
    let (time, rounds) = (VirtualClock::<1_000>::new(), Cell::new(0));
    let rounds = &rounds;
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            for _ in 0..1_000 {
                n.spawn(async {
                    loop {
                        checkpoint().await;
                    }
                });
            }
            n.spawn(nursery(async |n| {
                n.spawn(nursery(async |n| {
                    n.spawn(nursery(async |n| {
                        n.spawn(async move {
                            loop {
                                checkpoint().await;
                                rounds.set(rounds.get() + 1);
                            }
                        });
                        Ok(())
                    }));
                    Ok(())
                }));
                Ok(())
            }));
            Ok::<(), ()>(())
        })
    ));
    for _ in 0..2_000 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
    }
    assert!(rounds.get() >= 50, "the deep task had {} polls in 2,000 turns", rounds.get());
}

#[test]
fn timers_are_looked_at_between_turns_however_busy_the_tasks_are() {
    let _alone = alone();
    let (time, fired) = (VirtualClock::<1_000>::new(), Cell::new(None));
    let fired = &fired;
    let turn = Cell::new(0u32);
    let turn = &turn;
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            for _ in 0..500 {
                n.spawn(async {
                    loop {
                        sleep(secs(0)).await;
                    }
                });
            }
            n.spawn(async move {
                sleep_until(Instant::from_nanos(50_000_000)).await;
                fired.set(Some(turn.get()));
                Ok(())
            });
            Ok::<(), ()>(())
        })
    ));
    for i in 0..200 {
        turn.set(i);
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
        time.advance(millis(1));
    }
    // Due in turn 50, and at the latest polled when all who were ready before had their turn.
    let fired = fired.get().expect("the timer was starved");
    assert!((50..=50 + 500 / 64 + 2).contains(&fired), "seen in turn {fired}");
}

#[test]
fn a_loop_of_zero_sleeps_delays_nobodys_timer() {
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            let spin = n.spawn(async {
                loop {
                    sleep(secs(0)).await;
                }
            });
            sleep(millis(5)).await;
            spin.cancel();
            Ok::<(), ()>(())
        })
    ));
    for _ in 0..5 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
        time.advance(millis(1));
    }
    for _ in 0..4 {
        if runtime.as_mut().turn() == Next::Finished(Ok(())) {
            return;
        }
    }
    panic!("the timer was due four turns ago");
}
