//! Notifiers: each ends the wait of its own runtime.

use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;

use crate::common::*;
use giambio_core::{Debugger, Runtime, VirtualClock};

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
