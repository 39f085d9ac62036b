//! Scopes and nurseries in an executor that isn't ours.
#![cfg(feature = "std")]
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
                poll_fn(poll_gate).await;
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
                poll_fn(poll_gate).await;
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
