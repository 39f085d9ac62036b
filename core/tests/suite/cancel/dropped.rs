//! What is dropped together with the nursery that it is in.
#![cfg(feature = "std")]

use std::cell::Cell;
use std::pin::pin;

use crate::common::*;
use futures::future::{join, select};
use giambio_core::sync::Mutex;
use giambio_core::{Next, Runtime, Until, VirtualClock, is_cancelled, move_on_after, nursery, sleep};

/// Holds the mutex for good, and notes at its end whether it sees that it is cancelled.
async fn holds(mutex: &Mutex<()>, saw: &Cell<Option<bool>>) -> Result<(), ()> {
    let _guard = mutex.lock().await;
    let _notes = on_drop(|| saw.set(Some(is_cancelled())));
    forever().await
}

/// A nursery in a child of a nursery, with that in it.
async fn deep_in(mutex: &Mutex<()>, saw: &Cell<Option<bool>>) -> Result<(), ()> {
    nursery(async |outer| {
        outer.spawn(nursery(async |inner| {
            inner.spawn(holds(mutex, saw));
            Ok(())
        }));
        Ok(())
    })
    .await
}

#[test]
fn children_that_are_dropped_with_their_nursery_see_that_they_are_cut_off() {
    // By a deadline: the nursery knows nothing of it yet when its future goes.
    run_virtual(async {
        let (mutex, saw) = (Mutex::new(()), Cell::new(None));
        assert_eq!(move_on_after(secs(1), deep_in(&mutex, &saw)).await, None);
        assert_eq!(saw.get(), Some(true));
        assert!(mutex.lock().await.is_torn());
    });
    // By somebody who has seen enough.
    run_virtual(async {
        let (mutex, saw) = (Mutex::new(()), Cell::new(None));
        drop(select(pin!(sleep(secs(1))), Box::pin(deep_in(&mutex, &saw))).await);
        assert_eq!(saw.get(), Some(true));
        assert!(mutex.lock().await.is_torn());
        assert!(!is_cancelled());
    });
    // With its runtime.
    let (mutex, saw) = (Mutex::new(()), Cell::new(None));
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = Box::pin(Runtime::new(&clock, deep_in(&mutex, &saw)));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    drop(runtime);
    assert_eq!(saw.get(), Some(true));
    assert!(mutex.try_lock().unwrap().is_torn());
}

#[test]
fn what_a_child_that_panicked_leaves_sees_that_it_is_cut_off() {
    let (mutex, saw) = (Mutex::new(()), Cell::new(None));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run_virtual(nursery(async |n| {
            // Beside what panics, and dropped after that was caught.
            n.spawn(async {
                let panics = async {
                    sleep(secs(1)).await;
                    std::panic::resume_unwind(Box::new("a panic"));
                };
                let mut both = Box::pin(join(holds(&mutex, &saw), panics));
                std::future::poll_fn(move |cx| both.as_mut().poll(cx).map(|_| Ok(()))).await
            });
            Ok::<_, ()>(())
        }))
    }));
    assert!(result.is_err());
    assert!(mutex.try_lock().unwrap().is_torn());
}
