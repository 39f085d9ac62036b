//! Cancellation, with futures that move between tasks.
#![cfg(feature = "std")]
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::common::*;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use giambio_core::*;

type Boxed<'a, T = ()> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Slot<'a, T = ()> = Rc<RefCell<Option<Boxed<'a, T>>>>;

/// Polls what lies in the slot; pending while it is empty.
async fn poll_slot<T>(slot: &Slot<'_, T>) -> T {
    poll_fn(|cx| match slot.borrow_mut().as_mut() {
        Some(future) => future.as_mut().poll(cx),
        None => Poll::Pending,
    })
    .await
}

fn run_limited<F: Future>(main: F) -> Option<F::Output> {
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = std::pin::pin!(Runtime::new(&clock, main));
    for _ in 0..100_000 {
        match runtime.as_mut().turn() {
            Next::Finished(value) => return Some(value),
            Next::Now => {}
            Next::At(tick) => clock.advance_to(tick),
            Next::OnWake => return None,
        }
    }
    None
}

#[test]
fn the_panic_of_a_destructor_is_not_swallowed_when_the_nursery_was_cancelled_from_outside() {
    let result = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            move_on_after(secs(1), async {
                nursery(async |n| {
                    n.spawn(async {
                        let _guard = on_drop(|| panic!("a destructor panics"));
                        forever::<Result<(), ()>>().await
                    });
                    Ok(())
                })
                .await
            })
            .await
        })
    }));
    assert!(result.is_err(), "the panic was lost: {result:?}");
}

#[test]
fn the_panic_of_a_clean_up_is_not_swallowed_when_the_nursery_was_cancelled_from_outside() {
    let result = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            move_on_after(secs(1), async {
                nursery(async |n| {
                    n.spawn(finally(forever::<Result<(), ()>>(), async || {
                        checkpoint().await;
                        panic!("a clean-up panics")
                    }));
                    Ok(())
                })
                .await
            })
            .await
        })
    }));
    assert!(result.is_err(), "the panic was lost: {result:?}");
}

#[test]
fn the_error_of_a_clean_up_is_not_lost_when_the_nursery_was_cancelled_from_outside() {
    let errors = RefCell::new(Vec::new());
    let sink = |error: &'static str| errors.borrow_mut().push(error);
    let end = run_virtual(async {
        move_on_after(secs(1), async {
            nursery(async |n| {
                n.on_other_error(&sink);
                n.spawn(async {
                    shield(sleep(secs(5))).await;
                    Err("could not save the file")
                });
                Ok(())
            })
            .await
        })
        .await
    });
    // Either way is good: to the caller, or where errors go that have none.
    let told = end == Some(Err("could not save the file")) || !errors.borrow().is_empty();
    assert!(told, "the error is gone");
}

#[test]
fn a_child_that_has_ended_holds_nobody_though_a_shield_of_it_was_moved_out() {
    let end = run_limited(async {
        let slot: Slot<'_> = Slot::default();
        move_on_after(secs(1), async {
            nursery(async |n| {
                let child = n.spawn(async {
                    *slot.borrow_mut() = Some(Box::pin(shield(forever::<()>())));
                    let _ = poll_once(Box::pin(poll_slot(&slot)).as_mut()).await;
                    Ok::<_, ()>(())
                });
                std::mem::forget(child);
                forever::<Result<(), ()>>().await
            })
            .await
        })
        .await
    });
    assert_eq!(end, Some(None), "the scope was never left");
}

/// Polls what is inside with a foreign waker that wakes the one who awaits this.
struct ForeignWaker<F>(Pin<Box<F>>);
struct Forward(std::sync::Mutex<Waker>);
impl std::task::Wake for Forward {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().wake_by_ref();
    }
}
impl<F: Future> Future for ForeignWaker<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let waker = Waker::from(Arc::new(Forward(std::sync::Mutex::new(cx.waker().clone()))));
        self.0.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

#[test]
fn a_cancelled_scope_is_left_when_the_shield_it_waits_for_is_polled_elsewhere() {
    let end = run_limited(async {
        let slot: Slot<'_> = Slot::default();
        *slot.borrow_mut() = Some(Box::pin(shield(async {
            sleep(secs(3)).await;
            forever::<()>().await
        })));
        nursery(async |n| {
            n.spawn(async {
                let left = ForeignWaker(Box::pin(move_on_after(secs(1), poll_slot(&slot)))).await;
                assert_eq!(left, None);
                assert_eq!(now(), secs(2));
                Ok::<_, ()>(())
            });
            n.spawn(async {
                sleep(secs(2)).await;
                let mut mine = slot.borrow_mut().take().unwrap();
                let _ = poll_once(mine.as_mut()).await; // the first task's scope has nothing to wait for now
                sleep(secs(9)).await;
                Ok(())
            });
            Ok(())
        })
        .await
    });
    assert_eq!(end, Some(Ok(())), "the scope was never left");
}

#[test]
fn the_tree_of_scopes_has_no_cycle_when_a_destructor_polls_the_scope_its_nursery_was_in() {
    in_time(|| {
        run_virtual(async {
            let nursery_slot: Slot<'_, Result<(), ()>> = Slot::default();
            let scope_slot: Slot<'_, Result<(), Cancelled>> = Slot::default();
            let for_child = scope_slot.clone();
            *nursery_slot.borrow_mut() = Some(Box::pin(nursery(async move |n| {
                n.spawn(async move {
                    let _guard = on_drop(move || {
                        let mut scope = for_child.borrow_mut().take().unwrap();
                        let _ = poll_with_nobody(scope.as_mut());
                    });
                    forever().await
                });
                forever().await
            })));
            let slot = nursery_slot.clone();
            let mut scope: Boxed<'_, _> = Box::pin(cancel_scope(async move |_| {
                let mut first = true;
                poll_fn(|cx| {
                    if std::mem::take(&mut first) {
                        let _ = slot.borrow_mut().as_mut().unwrap().as_mut().poll(cx);
                    }
                    let _ = effective_deadline();
                    Poll::Pending
                })
                .await
            }));
            let _ = poll_once(scope.as_mut()).await;
            *scope_slot.borrow_mut() = Some(scope);
            let taken = nursery_slot.borrow_mut().take();
            drop(taken);
        })
    });
}

#[test]
fn a_spawn_that_waits_for_room_is_refused_when_the_nursery_is_being_dropped() {
    static ROOM: Arena<2, 1024> = Arena::new();
    in_time(|| {
        run_virtual(async {
            let mut n: Boxed<'_, Result<(), ()>> = Box::pin(nursery_in(&ROOM, async |n| {
                let b = n.try_spawn(async { Ok(()) });
                std::mem::forget(b.unwrap()); // its place is free only when the nursery ends
                // A result whose destructor polls a spawn that waits for room.
                let a = n.try_spawn_value(async {
                    let mut waiting = Box::pin(async {
                        n.spawn_wait(forever()).await;
                    });
                    let _ = poll_once(waiting.as_mut()).await;
                    Ok(PollWhenDropped(waiting))
                });
                std::mem::forget(a.unwrap());
                for _ in 0..3 {
                    checkpoint().await;
                }
                forever().await
            }));
            for _ in 0..5 {
                let _ = poll_once(n.as_mut()).await;
                checkpoint().await;
            }
            drop(n);
        })
    });
    assert_eq!(ROOM.used(), 0);
}

struct PollWhenDropped<F: Future>(Pin<Box<F>>);
impl<F: Future> Drop for PollWhenDropped<F> {
    fn drop(&mut self) {
        for _ in 0..3 {
            let _ = poll_with_nobody(self.0.as_mut());
        }
    }
}

#[test]
fn no_child_starts_in_a_race_that_was_won_while_it_waited_for_room() {
    static ROOM: Arena<1, 512> = Arena::new();
    let polled = Cell::new(false);
    let _: Result<(), Cancelled> = run_virtual(async {
        nursery_in(&ROOM, async |n| {
            n.race();
            n.spawn_wait(async { Ok(()) }).await;
            n.spawn_wait(async {
                polled.set(true);
                Ok(())
            })
            .await;
            Ok(())
        })
        .await
    });
    assert!(!polled.get(), "a child was started after the race was won");
}

/// One child is dropped since the scope around the nursery was cancelled, so the nursery has no value; but
/// another one had failed before, and was cleaning up. Its error is more than no value.
#[test]
fn the_error_of_a_child_is_not_lost_though_its_sibling_was_cut_short_from_outside() {
    let result = run_virtual(move_on_after(
        secs(2),
        nursery(async |n| {
            n.spawn(forever());
            n.spawn(finally(
                async {
                    sleep(secs(1)).await;
                    Err("found out in time")
                },
                async || sleep(secs(3)).await,
            ));
            Ok(())
        }),
    ));
    assert_eq!(result, Some(Err("found out in time")));
}

/// Code that was polled elsewhere before comes into a cancelled scope, which is held by a shield: it must
/// not get any further there.
#[test]
fn code_that_moves_into_a_cancelled_scope_gets_no_further() {
    run_virtual(async {
        let steps = std::cell::Cell::new(0);
        let mut moves = Box::pin(move_on_after(secs(100), async {
            loop {
                checkpoint().await;
                steps.set(steps.get() + 1);
            }
        }));
        assert!(poll_once(moves.as_mut()).await.is_pending());
        let scope = cancel_scope(async |scope| {
            let cancels = async {
                scope.cancel();
                moves.await
            };
            futures::join!(shield(sleep(secs(1))), cancels);
        });
        assert!(scope.await.is_err());
        assert_eq!(steps.get(), 0);
    });
}

/// What a foreign set holds is known where the set is polled only when the set has polled it there, which it does after
/// a wake. The documentation says so.
#[test]
fn a_shield_in_a_foreign_set_that_moves_to_another_task_is_known_there_after_its_next_poll() {
    for (wakes_meanwhile, end) in [(false, 2), (true, 9)] {
        run_virtual(async {
            let shielded = shield(async {
                if wakes_meanwhile {
                    sleep(secs(1)).await;
                }
                sleep_until(Instant::from_nanos(9_000_000_000)).await;
            });
            let mut set: FuturesUnordered<_> = [shielded].into_iter().collect();
            let first_polled_by_a_child = nursery(async |n| {
                n.spawn(async {
                    assert!(poll_once(pin!(set.next())).await.is_pending());
                    Ok(())
                });
                Ok::<_, ()>(())
            });
            first_polled_by_a_child.await.unwrap();
            let _ = move_on_after(secs(2), set.next()).await;
            assert_eq!(clock().as_nanos(), secs(end).as_nanos() as u64, "woken meanwhile: {wakes_meanwhile}");
        });
    }
}

/// What is cancelled has no deadline any more, however long a clean-up in it takes.
#[test]
fn a_scope_that_was_cancelled_before_its_deadline_does_not_expire() {
    let _alone = alone();
    let time: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        cancel_scope(async |scope| {
            scope.set_deadline(Some(clock() + secs(5)));
            let body = async {
                sleep(secs(1)).await;
                scope.cancel();
                forever::<()>().await
            };
            finally(body, async || sleep(secs(9)).await).await
        })
        .await
    }));
    let mut waits = Vec::new();
    let end = loop {
        let next = runtime.as_mut().turn();
        assert_eq!(audit(runtime.as_mut(), true), Ok(()));
        match next {
            Next::Finished(end) => break end,
            Next::Now => {}
            Next::At(tick) => {
                waits.push(tick.0 / 1_000_000_000);
                time.advance_to(tick);
            }
            Next::OnWake => panic!("all wait for ever"),
        }
    };
    assert_eq!(end.map_err(|cancelled| cancelled.reason), Err(Reason::Requested));
    assert_eq!(waits, [1, 10], "the loop wakes for the code and for nothing else");
}

/// Each is told by a waker of the set's. So many took a minute where the search for the next began anew after each.
#[test]
fn many_clean_ups_that_others_poll_are_told_in_one_walk() {
    run_virtual(async {
        let cleaned = &Cell::new(0);
        let late = move_on_after(secs(1), async {
            let works = (0..200_000).map(|_| finally(forever::<()>(), async || cleaned.set(cleaned.get() + 1)));
            let mut set: FuturesUnordered<_> = works.collect();
            set.next().await;
        });
        assert_eq!(late.await, None);
        assert_eq!(cleaned.get(), 200_000);
    });
}

/// However many tasks are before it in the turn: what is found from outside is marked by who cancels, and not when it is polled.
#[test]
fn what_is_cancelled_around_a_task_is_known_in_its_code_before_that_is_polled() {
    for others in 0..100 {
        let _alone = alone();
        let time: VirtualClock = VirtualClock::new();
        let mut runtime = pin!(Runtime::new(&time, async {
            cancel_scope(async |scope| {
                nursery(async |n| {
                    n.spawn(async { Ok(move_on_after(secs(9), shield(sleep(secs(1)))).await.unwrap_or(())) });
                    for _ in 0..others {
                        n.spawn(async { Ok(()) });
                    }
                    n.spawn(async { Ok(scope.cancel()) });
                    Ok::<_, ()>(())
                })
                .await
            })
            .await
        }));
        loop {
            let next = runtime.as_mut().turn();
            assert_eq!(audit(runtime.as_mut(), true), Ok(()), "beside {others}");
            match next {
                Next::Finished(_) => break,
                Next::Now => {}
                Next::At(tick) => time.advance_to(tick),
                Next::OnWake => panic!("all wait for ever"),
            }
        }
    }
}
