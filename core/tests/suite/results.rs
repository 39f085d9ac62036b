//! Many at once, and what becomes of them.

use std::cell::Cell;

use crate::common::*;
#[cfg(feature = "alloc")]
use giambio_core::results::map_all;
use giambio_core::results::{all_settled_in, first_ok_in, for_each_in, map_all_in};
use giambio_core::{Arena, cancel_scope, shield, sleep};

#[test]
fn an_arena_has_as_many_workers_as_places() {
    static WORKERS: Arena<3, 512> = Arena::new();
    let (most, running) = (Cell::new(0), Cell::new(0));
    run_virtual(async {
        for_each_in(&WORKERS, 0..10, async |_| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            sleep(secs(1)).await;
            running.set(running.get() - 1);
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!((most.get(), now()), (3, secs(4)));
        let outcome = for_each_in(&WORKERS, 0.., async |number| if number < 100 { Ok(()) } else { Err(number) });
        assert_eq!(outcome.await, Err(100));
    });
}

/// What a scope says whose code goes on, after a cancellation, in `work`, while a shield beside it holds the scope.
fn left_by(work: impl AsyncFnOnce()) -> Option<bool> {
    run_limited(async {
        let left = cancel_scope(async |scope| {
            let goes_on = async {
                scope.cancel();
                work().await;
            };
            futures::join!(shield(sleep(secs(1))), goes_on);
        });
        left.await.is_ok()
    })
}

#[test]
fn cancelled_code_goes_on_with_no_results_of_work_that_was_refused() {
    static ROOM: Arena<2, 256> = Arena::new();
    let went_on = Cell::new(false);
    let work = async || {
        let _ = map_all_in(&ROOM, [1, 2, 3], async |x: u32| Ok::<_, ()>(x * x)).await;
        went_on.set(true);
    };
    assert_eq!((left_by(work), went_on.get()), (Some(false), false));
    #[cfg(feature = "alloc")]
    {
        let work = async || {
            let _ = map_all([1, 2, 3], 2, async |x: u32| Ok::<_, ()>(x * x)).await;
            went_on.set(true);
        };
        assert_eq!((left_by(work), went_on.get()), (Some(false), false));
    }
}

#[test]
fn in_an_arena_arrays_of_work_become_arrays_of_results() {
    static ROOM: Arena<2, 2048> = Arena::new();
    let (most, running) = (Cell::new(0), Cell::new(0));
    let work = async |number: u64| {
        running.set(running.get() + 1);
        most.set(most.get().max(running.get()));
        sleep(secs(5 - number)).await;
        running.set(running.get() - 1);
        number
    };
    run_virtual(async {
        assert_eq!(map_all_in(&ROOM, [1, 2, 3, 4], async |n| Ok::<_, ()>(work(n).await)).await, Ok([1, 2, 3, 4]));
        assert_eq!(all_settled_in(&ROOM, [1, 2, 3].map(&work)).await, [1, 2, 3]);
        assert_eq!(most.get(), 2);
        let failing = async |n| if work(n).await == 2 { Err(n) } else { Ok(n) };
        assert_eq!(map_all_in(&ROOM, [1, 2, 3, 4], failing).await, Err(2));
        running.set(0);
        assert_eq!(map_all_in(&ROOM, [0_u8; 0], async |n| Ok::<_, ()>(n)).await, Ok([]));
    });
    assert_eq!(ROOM.used(), 0);
}

#[test]
fn in_an_arena_the_first_success_ends_the_others_and_those_that_had_no_room_never_begin() {
    static ROOM: Arena<2, 2048> = Arena::new();
    let begun = Cell::new(0);
    let work = async |(seconds, outcome): (u64, Result<u8, u8>)| {
        begun.set(begun.get() + 1);
        sleep(secs(seconds)).await;
        outcome
    };
    run_virtual(async {
        let futures = [(9, Ok(1)), (1, Err(2)), (2, Ok(3)), (1, Ok(4)), (1, Ok(5))].map(&work);
        assert_eq!(first_ok_in(&ROOM, futures).await, Ok(3));
        assert_eq!((begun.get(), now(), ROOM.used()), (3, secs(3), 0));
        assert_eq!(first_ok_in(&ROOM, [(2, Err(1)), (1, Err(2)), (1, Err(3))].map(&work)).await, Err([1, 2, 3]));
        let none: [std::future::Ready<Result<(), u8>>; 0] = [];
        assert_eq!(first_ok_in(&ROOM, none).await, Err([]));
    });
}

#[cfg(feature = "alloc")]
mod on_the_heap {
    use std::cell::RefCell;
    use std::convert::Infallible;
    use std::future::{Ready, pending, ready};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use giambio_core::results::{all_settled, as_completed, first_ok, for_each, map_all};
    use giambio_core::{checkpoint, finally, move_on_after, nursery, shield};

    #[test]
    fn after_an_error_no_more_items_are_taken_by_whom_a_shield_kept_alive() {
        let (taken, begun) = (RefCell::new(vec![]), RefCell::new(vec![]));
        let items = (1..=5).inspect(|item| taken.borrow_mut().push(*item));
        let outcome = run_virtual(for_each(items, 2, async |item| {
            begun.borrow_mut().push(item);
            if item == 1 {
                sleep(millis(500)).await;
                return Err("one has failed");
            }
            shield(sleep(secs(1))).await;
            Ok(())
        }));
        assert_eq!(outcome, Err("one has failed"));
        assert_eq!((taken.take(), begun.take()), (vec![1, 2], vec![1, 2]));
    }

    #[test]
    fn work_that_is_always_ready_on_items_without_end_gives_way() {
        let done = Cell::new(0);
        let ended = run_virtual(cancel_scope(async |scope| {
            nursery(async |n| {
                n.spawn(for_each(0.., 2, async |_| {
                    done.set(done.get() + 1);
                    assert!(done.get() < 100_000, "nobody else has a turn");
                    Ok::<_, ()>(())
                }));
                n.spawn(async {
                    scope.cancel();
                    Ok(())
                });
                Ok(())
            })
            .await
        }));
        assert!(ended.is_err());
    }

    #[test]
    fn an_iterator_that_has_ended_is_not_asked_again() {
        let (mut asked, done) = (0, RefCell::new(vec![]));
        let items = std::iter::from_fn(|| {
            asked += 1;
            (asked != 3 && asked < 6).then_some(asked)
        });
        let outcome = run_virtual(for_each(items, 2, async |item| {
            checkpoint().await;
            done.borrow_mut().push(item);
            Ok::<_, ()>(())
        }));
        assert_eq!((outcome, done.take()), (Ok(()), vec![1, 2]));
    }

    #[test]
    fn no_more_than_the_limit_are_at_work_and_items_are_taken_when_there_is_time() {
        let (most, running, taken) = (Cell::new(0), Cell::new(0), Cell::new(0));
        run_virtual(async {
            let items = (0..20).inspect(|_| taken.set(taken.get() + 1));
            for_each(items, 4, async |_| {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                assert!(taken.get() <= 4 * (now().as_secs() + 1));
                sleep(secs(1)).await;
                running.set(running.get() - 1);
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            assert_eq!((most.get(), now()), (4, secs(5)));
        });
    }

    #[test]
    fn the_first_error_cancels_the_others_and_takes_nothing_more() {
        let (taken, cleaned_up) = (Cell::new(0), Cell::new(false));
        run_virtual(async {
            let items = (0..20).inspect(|_| taken.set(taken.get() + 1));
            let outcome = map_all(items, 2, async |number| {
                if number == 1 {
                    sleep(secs(1)).await;
                    return Err("failed");
                }
                finally(pending::<()>(), async || cleaned_up.set(true)).await;
                Ok(number)
            });
            assert_eq!(outcome.await, Err("failed"));
            assert_eq!((taken.get(), cleaned_up.get(), now()), (2, true, secs(1)));
        });
    }

    #[test]
    fn results_are_in_the_order_of_the_items() {
        run_virtual(async {
            let outcome = map_all(0..9, 3, async |number| {
                sleep(secs(10 - number)).await;
                Ok::<_, ()>(number)
            });
            assert_eq!(outcome.await, Ok((0..9).collect()));
            assert_eq!(map_all([(); 0], 1, async |()| Ok::<_, ()>(())).await, Ok(vec![]));
        });
    }

    #[test]
    fn a_limit_of_none_is_refused() {
        let run = || run_virtual(for_each(0..1, 0, async |_| Ok::<_, ()>(())));
        let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        assert!(payload.downcast_ref::<&str>().unwrap().contains("limit of 0"));
    }

    #[test]
    fn nothing_to_do_is_done_at_once_and_a_limit_may_be_as_large_as_can_be() {
        static ROOM: Arena<1, 512> = Arena::new();
        run_virtual(async {
            let work = async |number: u32| Ok::<_, ()>(number);
            assert_eq!(map_all([], 1, work).await, Ok(vec![]));
            assert_eq!(map_all(0..3, usize::MAX, work).await, Ok(vec![0, 1, 2]));
            assert_eq!(for_each([], usize::MAX, async |()| Err(())).await, Ok(()));
            let none: [std::future::Ready<Result<u32, ()>>; 0] = [];
            assert_eq!(all_settled(none.clone()).await, []);
            assert_eq!(first_ok(none.clone()).await.unwrap_err().errors, []);
            assert_eq!(
                as_completed(none.clone(), async |results| (results.next().await, results.next().await)).await,
                (None, None)
            );
            assert_eq!(map_all_in(&ROOM, [], work).await, Ok([]));
            assert_eq!(for_each_in(&ROOM, [], async |()| Err(())).await, Ok(()));
            assert_eq!(all_settled_in(&ROOM, none.clone()).await, []);
            assert_eq!(first_ok_in(&ROOM, none).await, Err([]));
            assert_eq!(now(), secs(0));
        });
    }

    #[test]
    fn none_ends_another_where_all_have_to_settle() {
        run_virtual(async {
            let work = (0..4).map(|number| async move {
                sleep(secs(4 - number)).await;
                if number % 2 == 0 { Ok(number) } else { Err(number) }
            });
            assert_eq!(all_settled(work).await, [Ok(0), Err(1), Ok(2), Err(3)]);
            assert_eq!(now(), secs(4));
        });
    }

    #[test]
    fn the_first_success_cancels_the_others() {
        let is_cleaned_up = Cell::new(false);
        run_virtual(async {
            let work = (0..4).map(|number| {
                let is_cleaned_up = &is_cleaned_up;
                async move {
                    match number {
                        0 => finally(pending(), async || is_cleaned_up.set(true)).await,
                        1 => Err("early"),
                        _ => {
                            sleep(secs(number)).await;
                            Ok(number)
                        }
                    }
                }
            });
            assert_eq!(first_ok(work).await, Ok(2));
            assert_eq!((is_cleaned_up.get(), now()), (true, secs(2)));
        });
    }

    #[test]
    fn without_a_success_all_errors_come_out_in_order() {
        run_virtual(async {
            let work = (1..=3).map(|number| async move {
                sleep(secs(4 - number)).await;
                Err::<(), _>(number)
            });
            assert_eq!(first_ok(work).await.unwrap_err().errors, [1, 2, 3]);
            let none = first_ok([] as [Ready<Result<(), u8>>; 0]).await.unwrap_err();
            assert_eq!(none.to_string(), "none succeeded, for there were none to try");
        });
    }

    #[test]
    fn results_come_as_they_are_ready_and_who_has_seen_enough_cancels_the_rest() {
        let dropped = Cell::new(0);
        run_virtual(async {
            let work = (0..10).map(|number| {
                let object = on_drop(|| dropped.set(dropped.get() + 1));
                async move {
                    let _object = object;
                    sleep(secs(10 - number)).await;
                    number
                }
            });
            let taken = as_completed(work, async |results| {
                assert_eq!(results.try_next(), None);
                let mut taken = vec![];
                while let Some(result) = results.next().await {
                    taken.push(result);
                    // What is given up takes nothing.
                    assert_eq!(move_on_after(millis(10), results.next()).await, None);
                    if taken.len() == 3 {
                        break;
                    }
                }
                taken
            });
            assert_eq!(taken.await, [(9, 9), (8, 8), (7, 7)]);
            assert_eq!(dropped.get(), 10);
        });
    }

    #[test]
    fn several_may_take_results_and_all_hear_of_the_end() {
        run_virtual(async {
            let work = (1..=10).map(|number| async move { sleep(secs(number)).await });
            let counts = as_completed(work, async |results| {
                map_all(0..3, 3, async |_| {
                    let mut count = 0;
                    while results.next().await.is_some() {
                        count += 1;
                    }
                    Ok::<_, Infallible>(count)
                })
                .await
                .unwrap()
            });
            assert_eq!(counts.await.iter().sum::<u32>(), 10);
        });
    }

    #[test]
    fn who_waits_for_results_of_futures_that_were_cancelled_hears_of_it() {
        run_virtual(async {
            let work = [1, 9].map(|seconds| async move { sleep(secs(seconds)).await });
            let takes_all = as_completed(work, async |results| {
                shield(async { while results.next().await.is_some() {} }).await;
            });
            assert_eq!(move_on_after(secs(5), takes_all).await, None);
            assert_eq!(now(), secs(5));
        });
    }

    #[test]
    fn a_panic_of_one_comes_out_and_ends_the_others() {
        let log = Log::new();
        let run = || {
            run_virtual(async {
                let others = log.on_drop("dropped");
                let work: [std::pin::Pin<Box<dyn Future<Output = ()> + '_>>; 2] = [
                    Box::pin(async {
                        let _others = others;
                        pending().await
                    }),
                    Box::pin(async {
                        sleep(secs(1)).await;
                        panic!("on purpose")
                    }),
                ];
                all_settled(work).await
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(log.take(), ["dropped"]);
    }

    #[test]
    fn the_budget_counts_results_that_are_there() {
        run_virtual(async {
            let polls = RefCell::new(0);
            let work = (0..1000).map(|_| ready(()));
            let body = as_completed(work, async |results| {
                sleep(secs(1)).await;
                let other = async {
                    loop {
                        *polls.borrow_mut() += 1;
                        giambio_core::checkpoint().await;
                    }
                };
                let take = async { while results.next().await.is_some() {} };
                giambio_core::race((take, other)).await;
            });
            body.await;
            assert!(*polls.borrow() > 5, "{} polls", polls.borrow());
        });
    }
}

#[cfg(feature = "std")]
#[test]
fn cut_off_at_any_suspension_nothing_is_left() {
    use giambio_core::results::{all_settled, as_completed, first_ok, for_each, map_all};
    use giambio_core::testing::cancel_everywhere;
    use giambio_core::{Cancelled, Ready, Restart, finally, keep_running, nursery, race, until_stopped};

    let live = Live::new();
    let step = async |number: u64| {
        let _object = live.object();
        finally(sleep(secs(number)), async || sleep(secs(1)).await).await;
        number
    };
    let steps = || (1..=4).map(&step);
    let nothing_is_left = || assert_eq!(live.left(), 0);
    let mut runs = 0;
    runs += cancel_everywhere(|| map_all(1..=4, 2, async |n| Ok::<_, ()>(step(n).await)), |_| nothing_is_left());
    runs += cancel_everywhere(
        || for_each(1..=4, 2, async |n| if step(n).await < 4 { Ok(()) } else { Err(()) }),
        |_| nothing_is_left(),
    );
    runs += cancel_everywhere(|| all_settled(steps()), |_| nothing_is_left());
    let good = || steps().map(|step| async { Ok::<_, ()>(step.await) });
    runs += cancel_everywhere(|| first_ok(good()), |_| nothing_is_left());
    runs += cancel_everywhere(
        || as_completed(steps(), async |results| while results.next().await.is_some() {}),
        |_| nothing_is_left(),
    );
    runs += cancel_everywhere(|| race((step(1), step(2), until_stopped_or(step(3)))), |_| nothing_is_left());
    let fails = async |_| {
        step(1).await;
        Err::<(), _>(())
    };
    runs += cancel_everywhere(|| keep_running(Restart::on_error().limit(2, secs(60)), fails), |_| nothing_is_left());
    let serves = || {
        nursery(async |n| {
            let child = async |ready: Ready<_>| {
                let object = live.object();
                step(1).await;
                ready.set(object);
                step(1).await;
                Ok::<_, Cancelled>(())
            };
            drop(n.start(child).await?);
            Ok(())
        })
    };
    runs += cancel_everywhere(serves, |_| nothing_is_left());
    assert!(runs > 8 * 4, "{runs} runs");

    async fn until_stopped_or(step: impl Future<Output = u64>) -> u64 {
        until_stopped(step).await.unwrap_or_default()
    }
}
