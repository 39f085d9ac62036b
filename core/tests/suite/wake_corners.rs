//! Wakes that must not be lost.
#![cfg(feature = "std")]
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::common::{Event, *};
use futures::stream::{FuturesUnordered, StreamExt};
use giambio_core::*;

fn run_limited<F: Future>(main: F) -> Option<F::Output> {
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&clock, main));
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
fn a_body_that_was_woken_65536_times_is_polled() {
    let end = run_limited(async {
        let waker = RefCell::new(None::<Waker>);
        let flag = Cell::new(false);
        nursery(async |n| {
            n.spawn(async {
                checkpoint().await;
                flag.set(true);
                let waker = waker.borrow_mut().take().unwrap();
                for _ in 0..65536 {
                    waker.wake_by_ref();
                }
                Ok::<_, ()>(())
            });
            poll_fn(|cx| {
                if flag.get() {
                    return Poll::Ready(());
                }
                *waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            Ok(())
        })
        .await
    });
    assert_eq!(end, Some(Ok(())), "the body was never polled again");
}

/// A nursery that one task polls with the waker of another one, which then asks for it.
#[test]
fn a_nursery_polled_with_another_tasks_waker_wakes_that_task() {
    let end = run_limited(async {
        let helper_waker = RefCell::new(None::<Waker>);
        let asked = Cell::new(0);
        let done = Cell::new(false);
        let event = Event::new();
        nursery(async |n| {
            // The task whose waker is lent. It waits in the body of a nursery of its own.
            n.spawn(nursery(async |_| {
                poll_fn(|cx| {
                    asked.set(asked.get() + 1);
                    *helper_waker.borrow_mut() = Some(cx.waker().clone());
                    if asked.get() > 1 { Poll::Ready(Ok::<_, ()>(())) } else { Poll::Pending }
                })
                .await
            }));
            n.spawn(async {
                checkpoint().await;
                let mut inner = Box::pin(nursery(async |inner| {
                    inner.spawn(async {
                        event.wait().await;
                        Ok::<_, ()>(())
                    });
                    forever::<Result<(), ()>>().await
                }));
                let waker = helper_waker.borrow().clone().unwrap();
                for _ in 0..3 {
                    let _ = inner.as_mut().poll(&mut Context::from_waker(&waker));
                }
                checkpoint().await;
                checkpoint().await;
                let before = asked.get();
                event.set(); // wakes the child, hence its nursery, hence the one who lent the waker
                for _ in 0..5 {
                    checkpoint().await;
                }
                done.set(asked.get() > before);
                n.cancel_children();
                Ok(())
            });
            Ok(())
        })
        .await
        .unwrap_or_default();
        done.get()
    });
    assert_eq!(end, Some(true), "the task that lent its waker was not asked");
}

#[test]
fn a_nursery_that_was_polled_in_a_scope_that_is_gone_still_wakes_the_body_around_it() {
    let end = run_limited(async {
        let event = Event::new();
        nursery(async |n| {
            let event_ref = &event;
            type Boxed<'a> = Pin<Box<dyn Future<Output = Result<(), ()>> + 'a>>;
            let inner: Rc<RefCell<Boxed<'_>>> = Rc::new(RefCell::new(Box::pin(nursery(async move |inner| {
                inner.spawn(async move {
                    event_ref.wait().await;
                    Ok(())
                });
                Ok(())
            }))));
            n.spawn(async {
                for _ in 0..5 {
                    checkpoint().await;
                }
                event.set();
                Ok(())
            });
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                if polls <= 3 {
                    // Polled inside a scope that ends at once.
                    let mut scope =
                        Box::pin(cancel_scope(async |_| poll_fn(|cx| inner.borrow_mut().as_mut().poll(cx)).await));
                    if let Poll::Ready(end) = scope.as_mut().poll(cx) {
                        return Poll::Ready(end.unwrap());
                    }
                    return Poll::Pending;
                }
                inner.borrow_mut().as_mut().poll(cx)
            })
            .await
        })
        .await
    });
    assert_eq!(end, Some(Ok(())), "the body was never polled again");
}

#[test]
fn a_busy_child_does_not_use_up_the_budget_of_the_task_around_its_nursery() {
    let progress = Cell::new(0);
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&clock, async {
        let mut busy = pin!(nursery(async |n| {
            n.spawn(async {
                loop {
                    always_ready().await; // always ready
                }
            });
            forever::<Result<(), ()>>().await
        }));
        let mut other = pin!(async {
            for _ in 0..10 {
                always_ready().await;
                progress.set(progress.get() + 1);
            }
        });
        poll_fn(|cx| {
            let _ = busy.as_mut().poll(cx);
            other.as_mut().poll(cx)
        })
        .await
    }));
    for _ in 0..1000 {
        if let Next::Finished(()) = runtime.as_mut().turn() {
            return;
        }
    }
    panic!("starved: {} of 10 operations in 1000 turns", progress.get());
}

#[test]
fn a_notify_set_before_the_debugger_is_kept() {
    struct Null;
    impl Debugger for Null {}
    let (woken, notify) = Woken::new();
    let wakers = Wakers::new();
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&clock, wakers.wait::<()>()).with_notify(notify).with_debugger(Null));
    let _ = runtime.as_mut().turn();
    let waker = wakers.last();
    std::thread::spawn(move || waker.wake()).join().unwrap();
    assert_eq!(woken.take(), 1, "nobody ended the wait");
}

#[test]
fn dropping_one_runtime_leaves_the_notify_of_another_on_the_same_thread() {
    let clock: VirtualClock = VirtualClock::new();
    let mut first = Box::pin(Runtime::new(&clock, forever::<()>()).with_notify(Waker::noop().clone()));
    let _ = first.as_mut().turn();
    let (woken, notify) = Woken::new();
    let wakers = Wakers::new();
    let mut second = Box::pin(Runtime::new(&clock, wakers.wait::<()>()).with_notify(notify));
    let _ = second.as_mut().turn();
    drop(first);
    let _ = second.as_mut().turn();
    let waker = wakers.last();
    std::thread::spawn(move || waker.wake()).join().unwrap();
    assert_eq!(woken.take(), 1, "nobody ended the wait");
}

#[test]
fn each_of_two_runtimes_on_a_thread_is_notified_of_its_own_wakes() {
    let clock: VirtualClock = VirtualClock::new();
    let (first_woken, notify) = Woken::new();
    let wakers = Wakers::new();
    let mut first = Box::pin(Runtime::new(&clock, wakers.wait::<()>()).with_notify(notify));
    let _ = first.as_mut().turn();
    let (_, other) = Woken::new();
    let mut second = Box::pin(Runtime::new(&clock, forever::<()>()).with_notify(other));
    let _ = second.as_mut().turn();
    let _ = first.as_mut().turn();
    let waker = wakers.last();
    std::thread::spawn(move || waker.wake()).join().unwrap();
    assert_eq!(first_woken.take(), 1, "nobody ended the wait of the first");
}

#[test]
fn a_notify_that_panics_does_not_hang_the_owner() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("notify panics")
        }
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let wakers = Wakers::new();
        let clock: VirtualClock = VirtualClock::new();
        let mut runtime =
            Box::pin(Runtime::new(&clock, wakers.wait::<()>()).with_notify(Waker::from(Arc::new(Panics))));
        let _ = runtime.as_mut().turn();
        let waker = wakers.last();
        assert!(std::thread::spawn(move || waker.wake()).join().is_err());
        drop(runtime);
        sender.send(()).unwrap();
    });
    receiver.recv_timeout(secs(5)).expect("the owner waits for ever");
}

/// A nursery in a foreign set is polled with a waker of that, and what lies beside it with the task's own.
#[test]
fn a_nursery_beside_a_set_with_another_is_polled_when_its_child_is_woken() {
    let woken_at = Cell::new(Instant::MAX);
    let end = run_limited(nursery(async |_| {
        let in_a_set: FuturesUnordered<_> = [nursery(async |n| {
            n.spawn(async { Ok(sleep(secs(1)).await) });
            Ok::<_, ()>(())
        })]
        .into_iter()
        .collect();
        let beside = nursery(async |n| {
            n.spawn(async {
                sleep(secs(2)).await;
                Ok(woken_at.set(clock()))
            });
            Ok::<_, ()>(sleep(secs(9)).await)
        });
        let (_, end) = futures::join!(in_a_set.collect::<Vec<_>>(), beside);
        end
    }));
    assert_eq!((end, woken_at.get()), (Some(Ok(())), Instant::from_nanos(2_000_000_000)));
}
