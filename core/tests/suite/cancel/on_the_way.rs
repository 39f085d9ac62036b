//! What wakers do while a cancellation goes from scope to scope, and from child to child: they change what it goes through.
#![cfg(feature = "std")]

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::common::*;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use giambio_core::{cancel_scope, checkpoint, nursery, shield, sleep};

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// What anybody may poll, and drop.
type Slot = Rc<RefCell<Option<Work>>>;

fn slot(work: impl Future<Output = ()> + 'static) -> Slot {
    Rc::new(RefCell::new(Some(Box::pin(work))))
}

async fn poll_slot(slot: &Slot, waker: Option<&Waker>) {
    poll_fn(|cx| match slot.borrow_mut().as_mut() {
        Some(work) => work.as_mut().poll(&mut Context::from_waker(waker.unwrap_or(cx.waker()))),
        None => Poll::Pending,
    })
    .await
}

thread_local! {
    static ON_WAKE: RefCell<Option<Slot>> = const { RefCell::new(None) };
}

/// A waker that drops what is in a slot, once.
struct Drops;

impl Wake for Drops {
    fn wake(self: Arc<Self>) {
        if let Some(slot) = ON_WAKE.take() {
            drop(slot.take());
        }
    }
}

#[test]
fn a_cancellation_asks_all_though_a_waker_on_the_way_drops_the_scope_around_its_own() {
    let end = run_limited(async {
        let inner = slot(async { _ = cancel_scope(async |_| shield(forever::<()>()).await).await });
        let outer = slot(async move {
            let waker = Waker::from(Arc::new(Drops));
            _ = cancel_scope(async |_| poll_slot(&inner, Some(&waker)).await).await;
        });
        let done = Cell::new(false);
        nursery(async |n| {
            let task = n.spawn(async {
                let mut set: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + '_>>> = FuturesUnordered::new();
                set.push(Box::pin(poll_slot(&outer, None)));
                set.push(Box::pin(shield(async {
                    sleep(secs(1)).await;
                    done.set(true);
                })));
                while set.next().await.is_some() {}
                Ok::<_, ()>(())
            });
            for _ in 0..3 {
                checkpoint().await;
            }
            ON_WAKE.set(Some(outer.clone()));
            task.cancel();
            Ok(())
        })
        .await
        .unwrap();
        done.get()
    });
    assert_eq!(end, Some(true), "a shield that is polled was given up");
}

#[test]
fn each_child_is_cancelled_though_a_waker_on_the_way_drops_what_another_one_polls() {
    let end = run_limited(async {
        let polled = slot(shield(forever()));
        nursery(async |n| {
            n.spawn(async {
                let (mut work, waker) = (pin!(shield(forever::<()>())), Waker::from(Arc::new(Drops)));
                assert!(work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                forever().await
            });
            n.spawn(async {
                poll_slot(&polled, None).await;
                Ok::<_, ()>(())
            });
            for _ in 0..3 {
                checkpoint().await;
            }
            ON_WAKE.set(Some(polled.clone()));
            n.cancel_children();
            Ok(())
        })
        .await
    });
    assert_eq!(end, Some(Ok(())), "a child was not cancelled");
}
