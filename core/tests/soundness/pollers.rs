//! Who polls a nursery, or drops it: combinators that pause, foreign wakers, its own child.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::common::*;
use crate::every_kind::{Boxed, poll_along, rest};
use giambio_core::{checkpoint, finally, move_on_after, nursery, sleep};

#[test]
fn a_pausing_combinator_around_a_cancelled_scope_delays_it_and_no_more() {
    run_virtual(async {
        let (open, live) = (&Cell::new(true), &Live::new());
        let kick = &Wakers::new();
        nursery(async |n| {
            n.spawn(async {
                let inner = move_on_after(
                    secs(1),
                    nursery(async |n| {
                        n.spawn(finally(
                            async {
                                let _object = live.object();
                                forever().await
                            },
                            async || sleep(secs(1)).await,
                        ));
                        Ok::<_, ()>(())
                    }),
                );
                let mut inner = pin!(pausing(open, inner));
                let mut kicks = pin!(kick.wait::<()>());
                let late = poll_fn(|cx| {
                    let _ = kicks.as_mut().poll(cx);
                    inner.as_mut().poll(cx)
                })
                .await;
                assert_eq!((late, now()), (None, secs(6)));
                Ok(())
            });
            checkpoint().await;
            checkpoint().await;
            open.set(false);
            sleep(secs(5)).await;
            assert_eq!(live.left(), 1);
            open.set(true);
            kick.fire();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(live.left(), 0);
    });
}

#[test]
fn a_nursery_may_be_dropped_by_its_own_child() {
    // The child reaches the pinned nursery through the environment and drops it during its own poll?
    // It can't: the poll has it borrowed. But it may drop another one that is polled further up.
    run_virtual(async {
        let live = &Live::new();
        let other = &RefCell::new(None);
        let mut half = Box::pin(nursery(async |n| {
            n.spawn(async {
                let _object = live.object();
                forever().await
            });
            Ok::<_, ()>(())
        }));
        assert!(!poll_along(half.as_mut(), 2).await);
        *other.borrow_mut() = Some(half);
        nursery(async |n| {
            n.spawn(async {
                drop(other.take());
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(live.left(), 0);
    });
}

#[test]
fn a_foreign_waker_may_drop_the_very_nursery_that_wakes_it() {
    thread_local!(static VICTIM: RefCell<Option<Boxed<'static>>> = const { RefCell::new(None) });
    fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &VTABLE)
    }
    fn wake(_: *const ()) {
        drop(VICTIM.take());
    }
    fn nothing(_: *const ()) {}
    static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, nothing);
    // SAFETY: the functions keep the contract: they use no data, and are safe on any thread.
    let waker = unsafe { Waker::new(std::ptr::null(), &VTABLE) };

    let _alone = alone();
    for depth in 0..3 {
        let (live, event) = (Live::new(), Event::new());
        let mut victim: Pin<Box<dyn Future<Output = ()>>> = Box::pin({
            let (live, event) = (live.clone(), event.clone());
            async move {
                let (live, event) = (&live, &event);
                nest(depth, live, event).await;
            }
        });
        for _ in 0..8 {
            // A wake during the poll finds nobody to drop: the victim is here, not there.
            assert!(victim.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        VICTIM.set(Some(victim));
        event.set();
        assert!(VICTIM.take().is_none());
        assert_eq!((live.left(), event.waiters()), (0, 0), "depth {depth}");
    }

    fn nest<'a>(depth: u32, live: &'a Live, event: &'a Event) -> Boxed<'a> {
        Box::pin(async move {
            let inner = nursery(async |n| {
                for _ in 0..3 {
                    n.spawn(async {
                        let _object = live.object();
                        event.wait().await;
                        Ok(())
                    });
                }
                if depth > 0 {
                    n.spawn(async {
                        nest(depth - 1, live, event).await;
                        Ok(())
                    });
                }
                event.wait().await;
                Ok::<_, ()>(())
            });
            inner.await.unwrap();
        })
    }
}

#[test]
fn a_foreign_waker_may_poll_other_nurseries_when_it_is_called() {
    type Other = Pin<Box<dyn Future<Output = Result<u32, ()>>>>;
    thread_local! {
        static OTHER: RefCell<Option<Other>> = const { RefCell::new(None) };
        static VALUES: Cell<u32> = const { Cell::new(0) };
    }
    fn clone(data: *const ()) -> RawWaker {
        RawWaker::new(data, &VTABLE)
    }
    fn wake(_: *const ()) {
        let Some(mut other) = OTHER.take() else { return };
        match poll_with_nobody(other.as_mut()) {
            Poll::Ready(value) => VALUES.set(VALUES.get() + value.unwrap()),
            Poll::Pending => OTHER.set(Some(other)),
        }
    }
    fn nothing(_: *const ()) {}
    static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, nothing);
    // SAFETY: the functions keep the contract: they use no data, and are safe on any thread.
    let waker = unsafe { Waker::new(std::ptr::null(), &VTABLE) };

    let _alone = alone();
    VALUES.set(0);
    OTHER.set(Some(Box::pin(nursery(async |n| {
        let task = n.spawn_value(async {
            checkpoint().await;
            Ok(3)
        });
        Ok(task.await.unwrap())
    }))));
    let event = Event::new();
    let mut main = pin!(nursery(async |n| {
        for _ in 0..5 {
            n.spawn(async {
                for _ in 0..5 {
                    checkpoint().await;
                }
                event.wait().await;
                Ok(())
            });
        }
        event.wait().await;
        Ok::<_, ()>(())
    }));
    for round in 0..100 {
        if round == 50 {
            event.set();
        }
        if main.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            assert!(round >= 50);
            assert_eq!(VALUES.get(), 3);
            return;
        }
    }
    panic!("a hundred polls are enough");
}

#[test]
fn a_task_may_poll_another_nursery_by_hand_during_its_own_poll() {
    run_virtual(async {
        let (log, event) = (&Log::new(), &Event::new());
        let mut side = pin!(nursery(async |n| {
            for _ in 0..3 {
                n.spawn(async {
                    event.wait().await;
                    log.add("side");
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        }));
        nursery(async |n| {
            n.spawn(async { Ok(rest().await) });
            for i in 0..10 {
                // With nobody's waker: no wake may go astray because of that.
                let polled = side.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                if i == 5 {
                    event.set();
                }
                checkpoint().await;
                if polled.is_ready() {
                    log.add("side done");
                    break;
                }
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["side", "side", "side", "side done"]);
    });
}
