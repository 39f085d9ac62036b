//! Law WAKERS-ARE-NAMES, with a signal handler as the interrupt: it runs on the runtime's own thread, in the middle of
//! whatever that thread is doing.
#![cfg(all(feature = "std", unix))]
mod common;

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use common::*;
use giambio_core::*;
use signal_hook::consts::SIGUSR1;
use signal_hook::low_level::{raise, register, unregister};

static WAKERS: Mutex<Vec<Waker>> = Mutex::new(Vec::new());
static HANDLED: AtomicUsize = AtomicUsize::new(0);

fn handler() {
    // Nobody holds the lock while a signal is raised here.
    if let Ok(wakers) = WAKERS.try_lock() {
        for waker in wakers.iter() {
            assert!(wake_from_signal(waker));
        }
    }
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn a_signal_wakes_the_tasks_of_the_thread_that_it_interrupts() {
    // SAFETY: the handler uses atomics, and a lock that is free while the signal is raised.
    let id = unsafe { register(SIGUSR1, handler) }.unwrap();
    let polls = &Cell::new(0);
    run_virtual(async {
        nursery(async |n| {
            for _ in 0..3 {
                n.spawn(async {
                    let mut waits = true;
                    poll_fn(|cx| {
                        if waits {
                            waits = false;
                            WAKERS.lock().unwrap().push(cx.waker().clone());
                            return Poll::Pending;
                        }
                        polls.set(polls.get() + 1);
                        Poll::Ready(())
                    })
                    .await;
                    Ok::<_, ()>(())
                });
            }
            checkpoint().await;
            raise(SIGUSR1).unwrap();
            Ok(())
        })
        .await
        .unwrap();
    });
    assert_eq!((HANDLED.load(Ordering::Relaxed), polls.get()), (1, 3));
    // All is gone, and the wakers are stale.
    raise(SIGUSR1).unwrap();
    assert!(unregister(id));
}

#[test]
fn a_waker_that_is_not_ours_is_left_alone() {
    let (woken, waker) = Woken::new();
    assert!(!wake_from_signal(&waker));
    assert_eq!(woken.take(), 0);
}
