//! Foreign wakers that panic when they are woken or dropped: nothing may be lost over it. Laws
//! NEVER-REUSED-UNDROPPED, NOTHING-LOST.
#![cfg(feature = "std")]
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use crate::common::*;
use giambio_core::{Arena, cancel_scope, finally, nursery, nursery_in, shield};

thread_local! {
    static WAKE: Cell<bool> = const { Cell::new(false) };
    static DROP: Cell<bool> = const { Cell::new(false) };
}

/// Panics when it is woken or dropped, if it is told to.
fn panicking() -> Waker {
    fn go_off(armed: bool) {
        if armed && !std::thread::panicking() {
            resume_unwind(Box::new("the waker"));
        }
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| RawWaker::new(data, &TABLE),
        |_| go_off(WAKE.get()),
        |_| go_off(WAKE.get()),
        |_| go_off(DROP.get()),
    );
    // SAFETY: it owns nothing, and touches only what its thread has.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

/// A cancelled scope waits for a shield in a nursery that was polled in it. Somebody drops the nursery
/// elsewhere, so the scope may go on; and whoever is to be told of that panics.
#[test]
fn a_nursery_drops_its_children_though_the_waker_of_a_scope_around_it_panics() {
    let (live, wakers) = (&Live::new(), &Wakers::new());
    let inner = RefCell::new(Some(Box::pin(nursery(async |n| {
        for _ in 0..3 {
            n.spawn(async {
                let _object = live.object();
                shield(wakers.wait::<()>()).await;
                Ok::<_, ()>(())
            });
        }
        Ok(())
    }))));
    let mut scope = Box::pin(cancel_scope(async |scope| {
        std::future::poll_fn(|cx| {
            if let Some(inner) = inner.borrow_mut().as_mut() {
                assert!(inner.as_mut().poll(cx).is_pending());
            }
            scope.cancel();
            Poll::<()>::Pending
        })
        .await
    }));
    let waker = panicking();
    // Cancelling calls the waker; the second poll leaves it there again.
    for _ in 0..2 {
        assert!(scope.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(live.left(), 3);

    WAKE.set(true);
    let inner = inner.borrow_mut().take();
    let panic = catch_unwind(AssertUnwindSafe(|| drop(inner)));
    WAKE.set(false);
    assert!(panic.is_err(), "the waker's panic comes out");

    assert_eq!(live.left(), 0, "children of a nursery that was dropped are alive");
    // And if it were otherwise, these would be the names of tasks without a nursery.
    wakers.fire();
    assert!(scope.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}

/// Room is granted to one whose old waker panics when it is replaced.
#[test]
fn room_is_not_lost_though_a_waker_panics_when_it_is_dropped() {
    static ARENA: Arena<1, 256> = Arena::new();
    let event = &Event::new();
    let holder = nursery_in(&ARENA, async |n| {
        n.spawn_wait(async {
            event.wait().await;
            Ok::<_, ()>(())
        })
        .await;
        Ok(())
    });
    let mut holder = Box::pin(holder);
    for _ in 0..3 {
        assert!(poll_with_nobody(holder.as_mut()).is_pending());
    }
    assert_eq!(ARENA.used(), 1);
    let waker = std::mem::ManuallyDrop::new(panicking());
    let waiter = nursery_in(&ARENA, async |n| {
        let mut waits = Box::pin(n.spawn_wait(async { Ok::<_, ()>(()) }));
        std::future::poll_fn(|_| {
            let poll = catch_unwind(AssertUnwindSafe(|| waits.as_mut().poll(&mut Context::from_waker(&waker))));
            if matches!(poll, Ok(Poll::Pending)) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        Ok(())
    });
    let mut waiter = Box::pin(waiter);
    assert!(poll_with_nobody(waiter.as_mut()).is_pending());
    event.set();
    while poll_with_nobody(holder.as_mut()).is_pending() {}
    drop(holder);
    assert_eq!(ARENA.used(), 1, "the room is the waiter's now");

    DROP.set(true);
    let _ = poll_with_nobody(waiter.as_mut());
    DROP.set(false);
    drop(waiter);
    assert_eq!(ARENA.used(), 0, "the room is nobody's, and taken");
}

/// Two clean-ups, polled by two executors, have to notice that the scope around them is cancelled; the
/// waker of the first one panics.
#[test]
fn a_cancellation_reaches_all_though_a_waker_on_the_way_panics() {
    let (woken, counting) = Woken::new();
    let (mut first, mut second) =
        (Box::pin(finally(forever::<()>(), async || {})), Box::pin(finally(forever::<()>(), async || {})));
    let waker = panicking();
    let mut scope = Box::pin(cancel_scope(async |scope| {
        let mut polls = 0;
        std::future::poll_fn(|_| {
            polls += 1;
            if polls == 1 {
                assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                assert!(second.as_mut().poll(&mut Context::from_waker(&counting)).is_pending());
            } else {
                WAKE.set(true);
                let panic = catch_unwind(AssertUnwindSafe(|| scope.cancel()));
                WAKE.set(false);
                assert!(panic.is_err(), "the waker's panic comes out");
            }
            Poll::<()>::Pending
        })
        .await
    }));
    for _ in 0..2 {
        assert!(poll_with_nobody(scope.as_mut()).is_pending());
    }
    assert_eq!(woken.take(), 1, "the second clean-up was not told of the cancellation");
}
