//! Scopes and nurseries in an executor that isn't ours.
#![cfg(feature = "std")]
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::common::*;
use giambio_core::*;

/// An executor that polls after wakes, at most so many times.
fn run_foreign_for<F: Future>(polls: u32, main: F) -> Option<F::Output> {
    let (woken, waker) = Woken::new();
    let mut main = pin!(main);
    for _ in 0..polls {
        if let Poll::Ready(value) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        if woken.take() == 0 {
            return None;
        }
    }
    None
}

#[test]
fn a_nursery_inside_a_cancel_scope_makes_progress_in_a_foreign_executor() {
    let end = run_foreign_for(1000, async {
        cancel_scope(async |_| {
            nursery(async |n| {
                n.spawn(async { Ok::<_, ()>(()) });
                Ok(())
            })
            .await
        })
        .await
    });
    assert_eq!(end, Some(Ok(Ok(()))));
}

#[test]
fn a_body_with_many_leaf_operations_makes_progress_in_a_foreign_executor() {
    let end = run_foreign_for(10_000, async {
        nursery(async |_| {
            for _ in 0..1000 {
                always_ready().await;
            }
            Ok::<_, ()>(())
        })
        .await
    });
    assert_eq!(end, Some(Ok(())));
}

#[test]
fn a_cancel_scope_with_many_leaf_operations_makes_progress_in_a_foreign_executor() {
    let end = run_foreign_for(10_000, async {
        cancel_scope(async |_| {
            for _ in 0..1000 {
                always_ready().await;
            }
        })
        .await
    });
    assert_eq!(end, Some(Ok(())));
}

#[test]
fn a_wake_from_another_thread_reaches_a_child_in_a_foreign_executor() {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let flag = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
    let setter = std::thread::spawn({
        let flag = flag.clone();
        move || {
            let waker = receiver.recv().unwrap();
            std::thread::sleep(millis(50));
            flag.store(true, Ordering::SeqCst);
            waker.wake();
        }
    });
    let mut main = pin!(nursery(async |n| {
        n.spawn(poll_fn(|cx| {
            if flag.load(Ordering::SeqCst) {
                return Poll::Ready(Ok::<_, ()>(()));
            }
            let _ = sender.send(cx.waker().clone());
            Poll::Pending
        }));
        Ok(())
    }));
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let start = std::time::Instant::now();
    loop {
        if main.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            break;
        }
        std::thread::park_timeout(secs(3));
        assert!(start.elapsed() < secs(3), "the wake of the other thread was lost");
    }
    setter.join().unwrap();
}

#[test]
fn a_nursery_of_many_inside_a_cancel_scope_makes_progress_in_a_foreign_executor() {
    let end = run_foreign_for(20, async {
        cancel_scope(async |_| {
            nursery(async |n| {
                for _ in 0..640 {
                    n.spawn(async { Ok::<_, ()>(()) });
                }
                Ok(())
            })
            .await
        })
        .await
    });
    assert_eq!(end, Some(Ok(Ok(()))), "640 children in 20 polls of 64 each");
}

/// A waker that does what it is told when it is woken or dropped, once.
struct Told {
    woken: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    dropped: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Told {
    fn waker(woken: impl FnOnce() + Send + 'static, dropped: impl FnOnce() + Send + 'static) -> Waker {
        let told = Told { woken: Mutex::new(Some(Box::new(woken))), dropped: Mutex::new(Some(Box::new(dropped))) };
        Waker::from(Arc::new(told))
    }
}

impl std::task::Wake for Told {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        let woken = self.woken.lock().unwrap().take();
        woken.into_iter().for_each(|what| what());
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let dropped = self.dropped.lock().unwrap().take();
        dropped.into_iter().for_each(|what| what());
    }
}

fn when_woken(what: impl FnOnce() + Send + 'static) -> Waker {
    Told::waker(what, || {})
}

fn when_dropped(what: impl FnOnce() + Send + 'static) -> Waker {
    Told::waker(|| {}, what)
}

/// A nursery with a child that waits for ever, polled once; and the child's waker.
fn waits_in_a_nursery(waker: &Waker) -> (Pin<Box<impl Future + use<>>>, Waker) {
    let (sender, receiver) = channel();
    let mut nest = Box::pin(nursery(async move |n| {
        n.spawn(poll_fn(move |cx| {
            let _ = sender.send(cx.waker().clone());
            Poll::<Result<(), ()>>::Pending
        }));
        Ok(())
    }));
    assert!(nest.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    (nest, receiver.recv().unwrap())
}

/// An executor over a queue without room hands a wake over only when it comes for it.
#[test]
fn an_executor_may_poll_while_another_thread_is_in_its_waker() {
    in_time(|| {
        let ((entered, comes), (go, waits)) = (channel(), channel());
        let waker = when_woken(move || {
            entered.send(()).unwrap();
            waits.recv().unwrap();
        });
        let (mut nest, child) = waits_in_a_nursery(&waker);
        let other = std::thread::spawn(move || child.wake());
        comes.recv().unwrap();
        let (_, another) = Woken::new();
        for waker in [&waker, &another] {
            assert!(nest.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        }
        go.send(()).unwrap();
        other.join().unwrap();
    });
}

/// A notifier may wait for the thread that it notifies, and that one may do without it meanwhile.
#[test]
fn a_runtime_may_end_while_another_thread_is_in_its_notifier() {
    in_time(|| {
        static CLOCK: VirtualClock = VirtualClock::new();
        let ((entered, comes), (go, waits), (dropped, gone)) = (channel(), channel(), channel());
        let is_woken = move || {
            entered.send(()).unwrap();
            waits.recv().unwrap();
        };
        let notify = Told::waker(is_woken, move || dropped.send(()).unwrap());
        let wakers = Wakers::new();
        let main = wakers.clone();
        let runtime = Runtime::new(&CLOCK, async move { main.wait::<()>().await });
        let mut runtime = Box::pin(runtime.with_notify(notify));
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
        let main = wakers.last();
        let other = std::thread::spawn(move || main.wake());
        comes.recv().unwrap();
        drop(runtime);
        assert!(gone.try_recv().is_err(), "freed while it is being called");
        go.send(()).unwrap();
        other.join().unwrap();
        // The next runtime of the thread frees it.
        let mut next = Box::pin(Runtime::new(&CLOCK, async {}));
        assert_eq!(next.as_mut().turn(), Next::Finished(()));
        assert!(gone.try_recv().is_ok(), "never freed");
    });
}

#[test]
fn all_executors_are_woken_though_the_waker_of_one_panics() {
    let panics = || when_woken(|| std::panic::resume_unwind(Box::new("a waker")));
    let (woken, counting) = Woken::new();
    let nests = [panics(), counting, panics()].map(|waker| waits_in_a_nursery(&waker));
    woken.take();
    let child = nests[0].1.clone();
    let panic = std::thread::spawn(move || child.wake()).join();
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"a waker"));
    assert_eq!(woken.take(), 1, "the executor after it was not told");
}

/// The wakers of executors are dropped when their thread ends, by code that may do anything.
#[test]
fn wakers_that_panic_or_poll_when_their_thread_ends_do_no_harm() {
    in_time(|| {
        let (sender, receiver) = channel();
        let poll = move || {
            let (_, waker) = Woken::new();
            drop(waits_in_a_nursery(&waker));
            sender.send(()).unwrap();
        };
        let thread = std::thread::spawn(|| {
            for waker in [
                when_dropped(|| std::panic::resume_unwind(Box::new("a waker"))),
                when_dropped(poll),
                when_dropped(|| std::panic::resume_unwind(Box::new("another"))),
            ] {
                drop(waits_in_a_nursery(&waker));
            }
        });
        thread.join().unwrap();
        receiver.recv().unwrap();
    });
}

#[test]
fn a_runtime_that_runs_within_a_nursery_of_another_executor_leaves_what_that_was_woken_for_as_it_was() {
    let event = &crate::common::Event::new();
    run_foreign(async {
        nursery(async |n| {
            n.spawn(async {
                nursery(async |_| {
                    let clock: VirtualClock = VirtualClock::new();
                    pin!(Runtime::new(&clock, async {})).run(&mut |_| {});
                    nursery(async |inner| {
                        inner.spawn(async {
                            event.wait().await;
                            Ok(())
                        });
                        Ok::<_, ()>(())
                    })
                    .await
                })
                .await
            });
            n.spawn(async {
                checkpoint().await;
                checkpoint().await;
                event.set();
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}
