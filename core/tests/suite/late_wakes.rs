//! Wakes that come when a nursery is being dropped, or after very many others.
#![cfg(feature = "alloc")]
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::common::{Event, *};
use giambio_core::*;

type N = Result<(), ()>;

/// The result of a child whose handle was forgotten wakes a child that is over when it is dropped.
#[test]
fn a_result_that_wakes_when_it_is_dropped_with_the_nursery() {
    let _alone = alone();
    run_virtual(async {
        let wakers = Rc::new(RefCell::new(Vec::<Waker>::new()));
        let result: N = nursery(async |n| {
            let kept = wakers.clone();
            let handle = n.spawn_value(async move {
                let waker = poll_fn(|cx: &mut Context<'_>| Poll::Ready(cx.waker().clone())).await;
                kept.borrow_mut().push(waker);
                let kept = kept.clone();
                Ok(on_drop(move || kept.borrow().iter().for_each(Waker::wake_by_ref)))
            });
            std::mem::forget(handle);
            Ok(())
        })
        .await;
        assert_eq!(result, Ok(()));
    });
}

/// Two nurseries in a task, one paused while the task is woken 65536 times.
#[test]
fn the_body_of_a_paused_nursery_is_polled_after_65536_wakes() {
    let _alone = alone();
    for wakes in [65_535u32, 65_536, 65_537] {
        let open = Cell::new(true);
        let event = Event::new();
        let done = Cell::new(false);
        let clock = VirtualClock::<1_000_000_000>::new();
        let mut runtime = pin!(Runtime::new(&clock, async {
            let paused = pausing(
                &open,
                nursery::<(), (), _>(async |_| {
                    event.wait().await;
                    done.set(true);
                    Ok(())
                }),
            );
            let looker = nursery::<(), (), _>(async |_| forever().await);
            let _ = futures::join!(paused, looker);
        }));
        let _ = settle(runtime.as_mut());
        open.set(false);
        for _ in 1..wakes {
            event.wake();
            let _ = settle(runtime.as_mut());
        }
        open.set(true);
        event.set();
        let _ = settle(runtime.as_mut());
        assert!(done.get(), "{wakes} wakes");
    }
}
