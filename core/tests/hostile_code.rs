//! Safe code that must not cause undefined behaviour. Run it under AddressSanitizer.
#![cfg(feature = "std")]
mod common;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;

use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use common::*;
use giambio_core::*;

#[test]
fn a_handle_inside_the_result_of_a_child_whose_own_handle_was_forgotten_is_dropped_before_its_cell() {
    let result: Result<(), ()> = run_virtual(async {
        nursery(async |n| {
            let inner = n.spawn_value(async { Ok(vec![1, 2, 3]) });
            let outer = n.spawn_value(async move { Ok(inner) });
            std::mem::forget(outer);
            checkpoint().await;
            checkpoint().await;
            Ok(())
        })
        .await
    });
    assert_eq!(result, Ok(()));
}

/// A waker that can't be copied.
fn uncopyable() -> Waker {
    fn refuse(_: *const ()) -> RawWaker {
        panic!("a notify waker's clone panics")
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(refuse, |_| {}, |_| {}, |_| {});
    // SAFETY: it owns nothing, and all its functions may be called from any thread.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

#[test]
fn a_turn_that_could_not_begin_leaves_no_trace_of_its_runtime() {
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = Box::pin(Runtime::new(&clock, forever::<()>()).with_notify(uncopyable()));
    let result = catch_unwind(AssertUnwindSafe(|| runtime.as_mut().turn()));
    assert!(result.is_err(), "the clone of the waker panics here");
    drop(runtime);
    assert!(catch_unwind(clock_now).is_err(), "there is no clock");
    assert!(!in_runtime(), "no runtime is having its turn");
}

fn clock_now() -> Instant {
    giambio_core::clock()
}

/// A panic's payload that panics itself.
struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the payload's destructor panics")
        }
    }
}

struct ThrowsBombs;
impl Debugger for ThrowsBombs {
    fn on_task_exit(&self, _: TaskInfo<'_>) {
        std::panic::panic_any(Bomb)
    }
}

/// Has a destructor, and looks at its memory when polled.
struct Once {
    data: Vec<u8>,
    kept: Rc<RefCell<Option<Waker>>>,
    polls: Rc<std::cell::Cell<u32>>,
    /// Outlives the child, and keeps it from being dropped.
    shield: Rc<RefCell<Pin<Box<dyn Future<Output = ()>>>>>,
}
impl Future for Once {
    type Output = Result<(), ()>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        assert_eq!(self.data, b"alive");
        *self.kept.borrow_mut() = Some(cx.waker().clone());
        self.polls.set(self.polls.get() + 1);
        let _ = self.shield.borrow_mut().as_mut().poll(cx);
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_hook_that_panics_with_a_panicking_payload_does_not_make_a_finished_child_polled_again() {
    let clock: VirtualClock = VirtualClock::new();
    let kept = Rc::new(RefCell::new(None::<Waker>));
    let polls = Rc::new(std::cell::Cell::new(0));
    let (k, p) = (kept.clone(), polls.clone());
    let shield: Pin<Box<dyn Future<Output = ()>>> = Box::pin(giambio_core::shield(forever()));
    let shield = Rc::new(RefCell::new(shield));
    let mut runtime = Box::pin(
        Runtime::new(&clock, async move {
            nursery(async |n| {
                n.spawn(Once { data: b"alive".to_vec(), kept: k.clone(), polls: p.clone(), shield: shield.clone() });
                finally(forever::<Result<(), ()>>(), async || {
                    // The nursery has failed, and waits for this clean-up: meanwhile it is polled.
                    checkpoint().await;
                    if let Some(waker) = k.borrow_mut().take() {
                        waker.wake();
                    }
                    checkpoint().await;
                    checkpoint().await;
                })
                .await
            })
            .await
        })
        .with_debugger(ThrowsBombs),
    );
    let _ = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..10 {
            if let Next::Finished(_) = runtime.as_mut().turn() {
                break;
            }
        }
    }));
    assert_eq!(polls.get(), 1, "a child that has ended was polled again");
}

#[test]
fn a_hook_that_panics_with_a_panicking_payload_does_not_leave_the_turn_open() {
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = Box::pin(
        Runtime::new(&clock, async {
            let _guard = on_drop(|| {
                // A destructor that polls a nursery by hand: the main task's step begins again.
                let mut inner = Box::pin(nursery(async |_| forever::<Result<(), ()>>().await));
                let _ = poll_with_nobody(inner.as_mut());
            });
            poll_fn(|_| Poll::<()>::Pending).await
        })
        .with_debugger(Quiet),
    );
    let _ = runtime.as_mut().turn();
    let result = catch_unwind(AssertUnwindSafe(|| drop(runtime)));
    let _ = result;
    assert!(catch_unwind(clock_now).is_err(), "there is no clock");
    assert!(!in_runtime(), "no runtime is having its turn");
}

/// Panics in `after_task_step` from the second one on.
struct Quiet;
thread_local!(static STEPS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
impl Debugger for Quiet {
    fn after_task_step(&self, _: TaskInfo<'_>) {
        STEPS.set(STEPS.get() + 1);
        if STEPS.get() > 1 {
            std::panic::panic_any(Bomb)
        }
    }
}
