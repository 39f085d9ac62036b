//! Cancellation, with futures that move between tasks and scopes.
#![cfg(feature = "std")]

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::common::*;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use giambio_core::{
    Cancelled, Instant, cancel_scope, checkpoint, clock, effective_deadline, finally, move_on_after, nursery, shield,
    sleep, sleep_until,
};

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

#[test]
fn a_nursery_that_is_cancelled_again_elsewhere_drops_its_idle_children_again() {
    run_virtual(async {
        let dropped = std::cell::Cell::new(None);
        let mut work = Box::pin(nursery(async |n| {
            n.spawn(async {
                let work = async {
                    sleep(secs(5)).await;
                    // It is not cancelled where it is now.
                    n.spawn(async {
                        let _told = on_drop(|| dropped.set(Some(now())));
                        std::future::pending().await
                    });
                    sleep(secs(10)).await;
                };
                Ok(shield(work).await)
            });
            std::future::pending::<Result<(), ()>>().await
        }));
        let mut first = Box::pin(cancel_scope(async |scope| {
            assert!(poll_once(work.as_mut()).await.is_pending());
            scope.cancel();
            work.as_mut().await
        }));
        assert!(poll_once(first.as_mut()).await.is_pending(), "the shield holds it");
        drop(first);
        let second = cancel_scope(async |scope| {
            let cancels = async {
                sleep(secs(7)).await;
                scope.cancel();
            };
            let _ = futures::join!(work.as_mut(), cancels);
        });
        assert!(second.await.is_err());
        assert_eq!((now(), dropped.get()), (secs(15), Some(secs(7))));
    });
}

#[test]
fn a_child_whose_shield_is_carried_into_the_body_of_its_cancelled_nursery_is_dropped() {
    let end = run_limited(async {
        let gone = Event::new();
        let slot: Slot<'_> = Slot::default();
        let late = move_on_after(secs(1), async {
            nursery(async |n| {
                n.spawn(async {
                    let _tells = on_drop(|| gone.set());
                    *slot.borrow_mut() = Some(Box::pin(shield(gone.wait())));
                    let _ = poll_once(pin!(poll_slot(&slot)).as_mut()).await;
                    forever().await
                });
                shield(sleep(secs(2))).await;
                // For a moment nothing holds the nursery: this comes from the child, and waits for its end.
                Ok::<_, ()>(poll_slot(&slot).await)
            })
            .await
        });
        (late.await, now())
    });
    assert_eq!(end, Some((None, secs(2))), "the child was kept");
}

#[test]
fn a_nursery_that_is_carried_in_a_scope_and_cancelled_again_drops_its_idle_children_again() {
    let end = run_limited(async {
        let gone = Event::new();
        let slot: Slot<'_> = Slot::default();
        let work = nursery(async |n| {
            n.spawn(forever());
            shield(async {
                // Cancelled meanwhile, which drops the first child; and then not any more.
                sleep(secs(3)).await;
                n.spawn(async {
                    let _tells = on_drop(|| gone.set());
                    forever().await
                });
                gone.wait().await;
            })
            .await;
            Ok::<_, ()>(())
        });
        *slot.borrow_mut() = Some(Box::pin(async move { _ = move_on_after(secs(100), work).await }));
        let first = async {
            assert_eq!(move_on_after(secs(1), poll_slot(&slot)).await, None);
        };
        let second = async {
            sleep(secs(2)).await;
            assert_eq!(move_on_after(secs(3), poll_slot(&slot)).await, None);
        };
        futures::join!(first, second);
        now()
    });
    assert_eq!(end, Some(secs(5)), "the second child was kept");
}

#[test]
fn clean_ups_that_are_carried_into_cancelled_code_begin_at_once() {
    let end = run_limited(async {
        let log = Log::new();
        let log = &log;
        // In a set, which polls who is woken; each waits for the end of the other's body.
        let (one, other) = (&Event::new(), &Event::new());
        let member = |mine: &Event, others: &'static str, its: &Event| {
            let (mine, its) = (mine.clone(), its.clone());
            let body = async move {
                let _tells = on_drop(move || mine.set());
                forever::<()>().await
            };
            finally(body, async move || {
                its.wait().await;
                log.at(others);
            })
        };
        let mut set: FuturesUnordered<Boxed<'_>> = FuturesUnordered::new();
        set.push(Box::pin(member(one, "one", other)));
        set.push(Box::pin(member(other, "other", one)));
        let mut work = pin!(move_on_after(secs(100), async move { while set.next().await.is_some() {} }));
        assert!(poll_once(work.as_mut()).await.is_pending());
        let late = move_on_after(secs(1), async {
            shield(sleep(secs(2))).await;
            // Cancelled for a second, this goes on: nothing in between asks.
            work.await
        });
        let late = late.await;
        let mut lines = log.take();
        lines.sort();
        (late, lines)
    });
    assert_eq!(end, Some((None, vec!["2 one".to_string(), "2 other".to_string()])));
}

thread_local!(static CARRIED: RefCell<Option<Boxed<'static>>> = const { RefCell::new(None) });

/// Polls what is carried, where it is woken.
struct PollsIt;

impl std::task::Wake for PollsIt {
    fn wake(self: Arc<Self>) {
        if let Some(mut carried) = CARRIED.take() {
            let _ = poll_with_nobody(carried.as_mut());
            CARRIED.set(Some(carried));
        }
    }
}

#[test]
fn a_waker_that_polls_what_is_being_cancelled_keeps_nobody_from_hearing_of_it() {
    let log = Log::new();
    run_virtual(async {
        nursery(async |n| {
            let task = n.spawn(async {
                CARRIED.set(Some(Box::pin(async {
                    let mut woken_first = pin!(shield(sleep(secs(5))));
                    let waker = Waker::from(Arc::new(PollsIt));
                    let first = poll_fn(|_| woken_first.as_mut().poll(&mut Context::from_waker(&waker)));
                    _ = move_on_after(secs(100), futures::future::join(first, shield(sleep(secs(5))))).await;
                })));
                let carried = poll_fn(|cx| {
                    let Some(mut carried) = CARRIED.take() else { return Poll::Pending };
                    let poll = carried.as_mut().poll(cx);
                    CARRIED.set(Some(carried));
                    poll
                });
                let mut set: FuturesUnordered<_> =
                    [finally(forever::<()>(), async || log.at("clean"))].into_iter().collect();
                let in_a_set = async { while set.next().await.is_some() {} };
                futures::join!(carried, in_a_set);
                Ok::<_, ()>(())
            });
            n.spawn(async move {
                sleep(secs(1)).await;
                task.cancel();
                Ok(sleep(secs(1)).await)
            });
            Ok(())
        })
        .await
        .unwrap();
    });
    drop(CARRIED.take());
    assert_eq!(log.take(), ["1 clean"]);
}
