//! What holds a cancelled scope, and whether anybody polls it still: law CANCEL-ALWAYS-WORKS.
#![cfg(feature = "std")]

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use crate::common::*;
use futures::future::join;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use giambio_core::{
    Debugger, TaskInfo, cancel_scope, checkpoint, finally, finally_for, move_on_after, nursery, shield, shield_for,
    sleep,
};

/// Counts the clean-ups that were abandoned.
#[derive(Default)]
struct Abandoned(Cell<u32>);

impl Debugger for Abandoned {
    fn on_cleanup_abandoned(&self, _: TaskInfo<'_>) {
        self.0.set(self.0.get() + 1);
    }
}

/// Runs it, and says how many clean-ups were abandoned.
fn run_counting<T>(main: impl Future<Output = T>) -> (T, u32) {
    let abandoned = Abandoned::default();
    let clock: giambio_core::VirtualClock = giambio_core::VirtualClock::new();
    let runtime = giambio_core::Runtime::new(&clock, main).with_debugger(&abandoned);
    let value = finish(pin!(runtime), &clock);
    (value, abandoned.0.get())
}

/// Runs it both ways, with and without a debugger, which must agree.
fn run_both<T: PartialEq + std::fmt::Debug, F: Future<Output = T>>(main: impl Fn() -> F) -> (T, u32) {
    let value = run_virtual(main());
    let counted = run_counting(main());
    assert_eq!(value, counted.0);
    counted
}

// ------------------------------------------------------------------------------------ dropped

#[test]
fn a_clean_up_that_nobody_polls_is_dropped_with_the_cancelled_code() {
    let with_grace = || async {
        let late = move_on_after(secs(1), async {
            let mut work = pin!(finally_for(secs(1), pending::<()>(), async || {}));
            assert!(poll_once(work.as_mut()).await.is_pending());
            sleep(secs(10)).await;
        })
        .await;
        (late, now() <= secs(2))
    };
    assert_eq!(run_both(with_grace), ((None, true), 1));
    let without = || async {
        let late = move_on_after(secs(1), async {
            let mut work = pin!(finally(pending::<()>(), async || {}));
            assert!(poll_once(work.as_mut()).await.is_pending());
            sleep(secs(10)).await;
        })
        .await;
        (late, now())
    };
    assert_eq!(run_both(without), ((None, secs(1)), 1));
    let shielded = || async {
        let late = move_on_after(secs(1), async {
            let mut work = pin!(shield(pending::<()>()));
            assert!(poll_once(work.as_mut()).await.is_pending());
            sleep(secs(10)).await;
        })
        .await;
        (late, now())
    };
    assert_eq!(run_both(shielded), ((None, secs(1)), 1));
}

#[test]
fn a_set_whose_owner_waits_for_something_else_is_dropped() {
    let in_order = |buffered: bool| {
        move || async move {
            let late = move_on_after(secs(5), async {
                let works = (1..=10).map(|i| finally(sleep(secs(i)), async || sleep(secs(1)).await));
                if buffered {
                    let mut set = pin!(futures::stream::iter(works).buffer_unordered(4));
                    while set.next().await.is_some() {
                        sleep(secs(2)).await;
                    }
                } else {
                    let mut set: FuturesUnordered<_> = works.collect();
                    while set.next().await.is_some() {
                        sleep(secs(2)).await;
                    }
                }
            })
            .await;
            (late, now())
        }
    };
    for buffered in [false, true] {
        let (result, abandoned) = run_both(in_order(buffered));
        assert_eq!(result, (None, secs(5)));
        assert!(abandoned > 0);
    }
}

#[test]
fn a_set_beside_a_sibling_that_fails_is_dropped() {
    let main = || async {
        let result = nursery(async |n| {
            n.spawn(async {
                let mut set: FuturesUnordered<_> = (1..=9).map(|i| shield(sleep(secs(i)))).collect();
                while let Some(()) = set.next().await {
                    sleep(secs(2)).await;
                }
                Ok(())
            });
            sleep(secs(4)).await;
            Err::<(), _>("failed")
        })
        .await;
        (result, now())
    };
    let (result, abandoned) = run_both(main);
    assert_eq!(result, (Err("failed"), secs(4)));
    assert!(abandoned > 0);
}

/// Keeps what was polled once, and waits for good.
async fn keep<T>(work: impl Future<Output = T>) {
    let mut work = pin!(work);
    assert!(poll_once(work.as_mut()).await.is_pending());
    forever().await
}

#[test]
fn whoever_was_cancelled_drops_what_nobody_polls() {
    // A child by its handle, a race, a daemon, a nursery in a nursery, the body itself.
    for kind in 0..6 {
        let main = || async {
            let result = nursery(async |n| {
                match kind {
                    0 => {
                        let child = n.spawn(async { Ok(keep(finally(forever::<()>(), async || {})).await) });
                        sleep(secs(1)).await;
                        child.cancel();
                    }
                    1 => {
                        n.race();
                        n.spawn(async { Ok(keep(shield(forever::<()>())).await) });
                        n.spawn(async { Ok(sleep(secs(1)).await) });
                    }
                    2 => {
                        n.child().daemon().spawn(async { Ok(keep(shield(forever::<()>())).await) });
                        sleep(secs(1)).await;
                    }
                    3 => {
                        n.spawn(nursery(async |inner| {
                            inner.spawn(async { Ok(keep(shield(forever::<()>())).await) });
                            Ok(())
                        }));
                        sleep(secs(1)).await;
                        n.cancel_children();
                    }
                    4 => {
                        n.spawn(async {
                            sleep(secs(1)).await;
                            Err("failed")
                        });
                        keep(finally(forever::<()>(), async || {})).await;
                    }
                    _ => {
                        // The nursery is kept, with a child in a shield.
                        n.spawn(async {
                            sleep(secs(1)).await;
                            Err("failed")
                        });
                        let inner = nursery(async |inner| {
                            inner.spawn(async { Ok::<_, ()>(shield(forever()).await) });
                            Ok(())
                        });
                        keep(inner).await;
                    }
                }
                Ok(())
            })
            .await;
            (kind, result.is_ok(), now())
        };
        let is_ok = kind < 4;
        assert_eq!(run_both(main), ((kind, is_ok, secs(1)), 1));
    }
}

#[test]
fn what_was_polled_with_a_waker_that_leads_nowhere_is_dropped() {
    let main = || async {
        let late = move_on_after(secs(1), async {
            let mut work = pin!(finally(forever::<()>(), async || {}));
            assert!(poll_with_nobody(work.as_mut()).is_pending());
            forever::<()>().await
        })
        .await;
        (late, now())
    };
    assert_eq!(run_both(main), ((None, secs(1)), 1));
}

#[test]
fn a_clean_up_in_another_that_nobody_polls_is_dropped_and_the_outer_one_runs() {
    let main = || async {
        let log = Log::new();
        let late = move_on_after(
            secs(1),
            finally(keep(finally(forever::<()>(), async || log.at("inner"))), async || {
                sleep(secs(1)).await;
                log.at("outer");
            }),
        )
        .await;
        (late, log.take())
    };
    assert_eq!(run_both(main), ((None, vec!["2 outer".to_string()]), 1));
}

#[test]
fn a_shield_whose_grace_is_over_drops_what_nobody_polls_in_it() {
    let main = || async {
        let late = move_on_after(secs(1), shield_for(secs(1), keep(shield(forever::<()>())))).await;
        (late, now())
    };
    assert_eq!(run_both(main), ((None, secs(2)), 2));
}

#[test]
fn what_answered_once_and_is_polled_no_more_is_dropped_when_its_wake_comes() {
    let main = || async {
        let late = move_on_after(secs(1), async {
            let mut set: FuturesUnordered<_> = [2, 5, 9].map(|at| shield(sleep(secs(at)))).into_iter().collect();
            while let Some(()) = set.next().await {
                sleep(secs(100)).await;
            }
        })
        .await;
        (late, now())
    };
    // Until the first is done all are polled; then it is the wait after it that is cancelled code.
    assert_eq!(run_both(main), ((None, secs(2)), 2));
}

#[test]
fn with_a_grace_it_ends_when_that_is_over_though_its_waker_leads_nowhere() {
    let main = || async {
        let late = move_on_after(secs(1), async {
            let mut work = pin!(finally_for(secs(3), forever::<()>(), forever::<()>));
            poll_fn(|_| {
                let _ = poll_with_nobody(work.as_mut());
                Poll::<()>::Pending
            })
            .await
        })
        .await;
        (late, now())
    };
    assert_eq!(run_both(main), ((None, secs(4)), 1));
}

#[test]
fn what_lives_outside_of_the_scope_is_let_alone_and_goes_on() {
    let main = || async {
        let mut work = pin!(shield(sleep(secs(3))));
        let late = move_on_after(secs(1), async {
            assert!(poll_once(work.as_mut()).await.is_pending());
            forever::<()>().await
        })
        .await;
        assert_eq!((late, now()), (None, secs(1)));
        work.await;
        now()
    };
    assert_eq!(run_both(main), (secs(3), 0));
}

#[test]
fn a_task_that_never_rests_beside_it_makes_no_difference() {
    for first in [false, true] {
        run_virtual(async {
            let done = Cell::new(false);
            let spin = async {
                while !done.get() {
                    checkpoint().await;
                }
            };
            let scope = async {
                let late = cancel_scope(async |scope| {
                    let mut work = pin!(finally(forever::<()>(), async || {}));
                    assert!(poll_once(work.as_mut()).await.is_pending());
                    scope.cancel();
                    forever::<()>().await
                })
                .await;
                assert!(late.is_err());
                done.set(true);
            };
            match first {
                true => drop(join(spin, scope).await),
                false => drop(join(scope, spin).await),
            }
        });
    }
}

// --------------------------------------------------------------------------------------- kept

#[test]
fn a_set_that_is_polled_is_kept_with_a_thousand_members_that_yield() {
    for (yields, waits) in [(0, 0), (3, 0), (0, 2), (3, 2)] {
        let main = || async {
            let cleaned = &Cell::new(0);
            let late = move_on_after(secs(1), async {
                let clean_up = async || {
                    for _ in 0..yields {
                        checkpoint().await;
                    }
                    if waits > 0 {
                        sleep(secs(waits)).await;
                    }
                    cleaned.set(cleaned.get() + 1);
                };
                let mut set: FuturesUnordered<_> = (0..1000).map(|_| finally(forever::<()>(), clean_up)).collect();
                while set.next().await.is_some() {}
                forever::<()>().await
            })
            .await;
            (late, cleaned.get(), now())
        };
        assert_eq!(run_both(main), ((None, 1000, secs(1 + waits)), 0));
    }
}

#[test]
fn a_shield_behind_a_thousand_members_that_yield_is_kept() {
    let main = || async {
        let wakers = &Wakers::new();
        // Of another library, which knows nothing of cancellation: waits, and when it is woken yields three times.
        let member = || async {
            // Ready at its second poll.
            let _ = futures::poll!(pin!(wakers.wait::<()>()));
            futures::pending!();
            for _ in 0..3 {
                foreign_yield().await;
            }
            pending::<()>().await
        };
        let late = cancel_scope(async |scope| {
            let mut set: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>> = FuturesUnordered::new();
            for _ in 0..1000 {
                set.push(Box::pin(member()));
            }
            set.push(Box::pin(shield(sleep(secs(1)))));
            let cancels = async {
                sleep(millis(1)).await;
                wakers.fire();
                scope.cancel();
            };
            join(cancels, async { while set.next().await.is_some() {} }).await
        })
        .await;
        (late.is_err(), now())
    };
    assert_eq!(run_both(main), ((true, secs(1)), 0));
}

#[test]
fn clean_ups_that_wait_for_each_kind_of_thing_are_kept() {
    let main = || async {
        let event = Event::new();
        let result = nursery(async |n| {
            n.spawn(async {
                sleep(secs(9)).await;
                event.set();
                Ok(())
            });
            let late = move_on_after(secs(1), async {
                nursery(async |inner| {
                    inner.spawn(finally(forever::<Result<(), ()>>(), async || event.wait().await));
                    inner.spawn(finally(forever(), async || sleep(secs(3)).await));
                    inner.spawn(finally(forever(), async || checkpoint().await));
                    finally(forever::<Result<(), ()>>(), async || sleep(secs(5)).await).await
                })
                .await
            })
            .await;
            assert_eq!((late, now()), (None, secs(9)));
            Ok::<_, ()>(())
        })
        .await;
        (result, now())
    };
    assert_eq!(run_both(main), ((Ok(()), secs(9)), 0));
}

#[test]
fn a_clean_up_that_waits_for_another_thread_is_kept() {
    let abandoned = Abandoned::default();
    let clock: giambio_core::VirtualClock = giambio_core::VirtualClock::new();
    let main = async {
        let cleaned = Cell::new(false);
        let late = cancel_scope(async |scope| {
            let clean_up = async || {
                let (sender, receiver) = futures::channel::oneshot::channel();
                let thread = std::thread::spawn(move || sender.send(()));
                receiver.await.unwrap();
                thread.join().unwrap().unwrap();
                cleaned.set(true);
            };
            let mut work = pin!(finally(forever::<()>(), clean_up));
            assert!(poll_once(work.as_mut()).await.is_pending());
            scope.cancel();
            work.await
        })
        .await;
        late.is_err() && cleaned.get()
    };
    let runtime = giambio_core::Runtime::new(&clock, main).with_debugger(&abandoned);
    assert!(pin!(runtime).run(&mut |_| std::thread::yield_now()));
    assert_eq!(abandoned.0.get(), 0);
}

#[test]
fn of_two_only_one_of_which_is_polled_the_scope_waits_for_that_one_alone() {
    let main = || async {
        let log = Log::new();
        let late = move_on_after(secs(1), async {
            let mut kept = pin!(finally(forever::<()>(), async || log.at("never")));
            assert!(poll_once(kept.as_mut()).await.is_pending());
            finally(forever::<()>(), async || {
                sleep(secs(2)).await;
                log.at("polled");
            })
            .await
        })
        .await;
        (late, now(), log.take())
    };
    assert_eq!(run_both(main), ((None, secs(3), vec!["3 polled".to_string()]), 1));
}

#[test]
fn the_scope_looks_again_when_another_task_drops_what_was_polled_in_it() {
    let main = || async {
        let slot: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = RefCell::new(Some(Box::pin(shield(forever()))));
        let slot = &slot;
        nursery(async |n| {
            n.spawn(async {
                let late = move_on_after(secs(1), async {
                    let mut kept = pin!(shield(forever::<()>()));
                    assert!(poll_once(kept.as_mut()).await.is_pending());
                    poll_fn(|cx| slot.borrow_mut().as_mut().map_or(Poll::Pending, |work| work.as_mut().poll(cx))).await
                })
                .await;
                assert_eq!((late, now()), (None, secs(3)));
                Ok::<_, ()>(())
            });
            sleep(secs(3)).await;
            let taken = slot.take();
            drop(taken);
            Ok(())
        })
        .await
        .unwrap();
    };
    assert_eq!(run_both(main), ((), 2));
}

#[test]
fn a_shield_that_moves_into_a_cancelled_scope_is_waited_for() {
    let main = || async {
        let mut work = pin!(shield(sleep(secs(5))));
        assert!(poll_once(work.as_mut()).await.is_pending());
        let late = move_on_after(secs(1), async {
            shield(sleep(secs(2))).await;
            work.as_mut().await;
            forever::<()>().await
        })
        .await;
        (late, now())
    };
    assert_eq!(run_both(main), ((None, secs(5)), 0));
}

#[test]
fn nested_cancelled_scopes_agree() {
    let main = || async {
        let log = Log::new();
        let late = move_on_after(secs(1), async {
            let inner = move_on_after(secs(1), async {
                let clean = finally(forever::<()>(), async || {
                    sleep(secs(1)).await;
                    log.at("clean");
                });
                let kept = keep(shield(forever::<()>()));
                join(clean, kept).await
            })
            .await;
            log.at(if inner.is_none() { "inner is left" } else { "never" });
            checkpoint().await;
            log.at("never");
        })
        .await;
        (late, now(), log.take())
    };
    assert_eq!(run_both(main), ((None, secs(2), vec!["2 clean".into(), "2 inner is left".into()]), 1));
}

#[test]
fn wakes_for_other_things_in_the_task_do_no_harm() {
    let main = || async {
        let scope = move_on_after(secs(1), finally(forever::<()>(), async || sleep(secs(50)).await)).fuse();
        let mut scope = pin!(scope);
        for _ in 0..100 {
            let mut tick = pin!(sleep(millis(100)).fuse());
            futures::select_biased! {
                _ = tick => {}
                _ = scope => unreachable!("it cleans up"),
            }
        }
        scope.await;
        now()
    };
    assert_eq!(run_both(main), (secs(51), 0));
}

#[test]
fn a_scope_that_is_polled_twice_in_each_poll_of_its_task_comes_to_rest() {
    let main = || async {
        let mut work = pin!(nursery(async |n| {
            n.spawn(finally(forever(), async || sleep(secs(3)).await));
            sleep(secs(1)).await;
            Err::<(), _>("failed")
        }));
        let twice = poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Pending => work.as_mut().poll(cx),
            ready => ready,
        });
        (twice.await, now())
    };
    assert_eq!(run_both(main), ((Err("failed"), secs(4)), 0));
}

#[test]
fn a_clean_up_that_is_begun_in_another_and_outlives_it_is_dropped() {
    let main = || async {
        let kept = RefCell::new(None);
        let kept = &kept;
        let late = move_on_after(secs(1), async {
            finally(forever::<()>(), async || {
                let mut inner: Pin<Box<dyn Future<Output = ()>>> =
                    Box::pin(finally(async {}, async || sleep(millis(0)).await));
                assert!(poll_once(inner.as_mut()).await.is_pending());
                // The outer one has answered, and the inner one; then that is put aside.
                checkpoint().await;
                *kept.borrow_mut() = Some(inner);
            })
            .await
        })
        .await;
        (late, now(), kept.borrow().is_some())
    };
    assert_eq!(run_both(main).0, (None, secs(1), true));
}

#[test]
fn a_nursery_that_is_left_by_what_held_it_leaves_the_scope_around_it_to_look_again() {
    let main = || async {
        let kept = RefCell::new(None);
        let kept = &kept;
        let late = move_on_after(secs(1), async {
            nursery(async |n| {
                n.spawn(forever());
                let body = finally(forever::<Result<(), ()>>(), async || checkpoint().await);
                n.child().daemon().spawn(shield_for(secs(1), body));
                let mut unpolled: Pin<Box<dyn Future<Output = ()>>> = Box::pin(shield(forever()));
                assert!(poll_once(unpolled.as_mut()).await.is_pending());
                *kept.borrow_mut() = Some(unpolled);
                Ok(())
            })
            .await
        });
        (late.await, now())
    };
    assert_eq!(run_both(main).0, (None, secs(2)));
}

/// A set goes on with what is woken while its task is polled, and the wake of the task is there still when that is at rest.
#[test]
fn a_failed_nursery_that_a_set_polls_twice_in_one_poll_of_its_task_is_left() {
    let main = || async {
        let fails = async {
            nursery(async |n| {
                n.spawn(async {
                    foreign_yield().await;
                    Err("failed")
                });
                let mut unpolled = pin!(nursery(async |n| {
                    n.spawn(async { Ok(shield(forever()).await) });
                    Ok::<_, ()>(())
                }));
                assert!(poll_once(unpolled.as_mut()).await.is_pending());
                Ok(checkpoint().await)
            })
            .await
        };
        let set = FuturesUnordered::new();
        set.push(fails.left_future());
        set.push(async { Ok(sleep(secs(0)).await) }.right_future());
        let results: Vec<_> = set.collect().await;
        (results, now())
    };
    assert_eq!(run_both(main).0, (vec![Ok(()), Err("failed")], secs(0)));
}

/// Here the clean-up of the child answers, and then the nursery that is over, and stays, looks whether anything in it does.
#[test]
fn what_is_over_in_cancelled_code_leaves_the_answers_beside_it_to_the_scope_around() {
    let main = || async {
        let kept = RefCell::new(None);
        let kept = &kept;
        let late = move_on_after(secs(3), async {
            nursery(async |n| {
                n.spawn(async { Ok(finally(forever(), async || sleep(secs(4)).await).await) });
                nursery(async |n| {
                    n.spawn(forever());
                    n.child().daemon().spawn(shield_for(secs(3), forever()));
                    let mut unpolled: Pin<Box<dyn Future<Output = ()>>> = Box::pin(shield(forever()));
                    assert!(poll_once(unpolled.as_mut()).await.is_pending());
                    *kept.borrow_mut() = Some(unpolled);
                    Ok::<_, ()>(())
                })
                .await
            })
            .await
        });
        (late.await, now())
    };
    assert_eq!(run_both(main).0, (None, secs(7)));
}

/// A cancelled scope whose code polls a shield once more and so often after that, and then never again. The shield wakes itself
/// in all of these polls.
async fn leaves_a_shield_in_the_middle(polls: u32) -> bool {
    let left = cancel_scope(async |scope| {
        let mut unpolled = pin!(shield(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })));
        let mut polled = 0;
        poll_fn(|cx| {
            assert!(polled > polls || unpolled.as_mut().poll(cx).is_pending());
            if polled == 0 {
                scope.cancel();
            }
            polled += 1;
            Poll::<()>::Pending
        })
        .await
    });
    left.await.is_err()
}

async fn busy(polls: u32) -> bool {
    for _ in 0..polls {
        foreign_yield().await;
    }
    true
}

/// Its wake, which it has left in its last poll, leads to one in which it is passed over.
#[test]
fn a_shield_that_wakes_itself_in_its_last_poll_does_not_hold_the_cancelled_scope() {
    for (polls, others) in (0..4).flat_map(|polls| (0..7).map(move |others| (polls, others))) {
        assert_eq!(run_both(|| leaves_a_shield_in_the_middle(polls)), (true, 1));
        let beside = || join(busy(others), leaves_a_shield_in_the_middle(polls));
        assert_eq!(run_both(beside), ((true, true), 1));
        let in_a_set = |is_last: bool| {
            move || async move {
                let set = FuturesUnordered::new();
                if is_last {
                    set.push(busy(others).left_future());
                }
                set.push(leaves_a_shield_in_the_middle(polls).right_future());
                if !is_last {
                    set.push(busy(others).left_future());
                }
                set.collect::<Vec<_>>().await
            }
        };
        assert_eq!(run_both(in_a_set(true)), (vec![true, true], 1));
        assert_eq!(run_both(in_a_set(false)), (vec![true, true], 1));
        let beside_a_set = || async {
            let set: FuturesUnordered<_> = [leaves_a_shield_in_the_middle(polls)].into_iter().collect();
            join(busy(others), set.collect::<Vec<_>>()).await
        };
        assert_eq!(run_both(beside_a_set), ((true, vec![true]), 1));
    }
}

/// Of two cancelled scopes one asks whenever the other has heard.
#[test]
fn scopes_that_are_cancelled_side_by_side_do_not_ask_each_other_without_end() {
    let main = || async {
        let requested = cancel_scope(async |scope| {
            let request = async {
                sleep(secs(2)).await;
                scope.cancel();
                forever::<()>().await
            };
            let work = nursery(async |n| {
                n.spawn(async { Ok::<_, ()>(finally(async {}, async || sleep(secs(4)).await).await) });
                Ok(())
            });
            join(request, work).await
        });
        let late = move_on_after(
            secs(2),
            nursery(async |n| {
                n.spawn(async { Ok::<_, ()>(shield(sleep(secs(3))).await) });
                Ok(())
            }),
        );
        let both = join(requested, late).await;
        (both.0.is_err(), both.1, now())
    };
    assert_eq!(run_both(main).0, (true, Some(Ok(())), secs(4)));
}
