//! Each waiting method, cancelled and dropped at each place where it waits, among others who wait too: nothing is lost, and
//! nobody is left behind. (`testing::cancel_everywhere` does so to a whole program.)
#![cfg(feature = "alloc")]

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::common::{millis, run_virtual, secs};
use giambio_core::sync::{Barrier, Condition, Event, Limiter, Mutex, OnceCell, RwLock, Semaphore, Watch};
use giambio_core::{cancel_scope, checkpoint, nursery, sleep};

/// Cuts off a part of a test, where that waits for the time whose turn it is.
struct Cutting {
    place: usize,
    /// Else it is cancelled.
    drops: bool,
    seen: Cell<usize>,
}

impl Cutting {
    async fn here<T>(&self, body: impl Future<Output = T>) -> Option<T> {
        let scope = cancel_scope(async |scope| {
            let mut body = pin!(body);
            poll_fn(|cx| {
                let end = body.as_mut().poll(cx).map(Some);
                if end.is_pending() && self.seen.replace(self.seen.get() + 1) == self.place {
                    if self.drops {
                        return Poll::Ready(None);
                    }
                    scope.cancel();
                }
                end
            })
            .await
        });
        scope.await.unwrap_or(None)
    }
}

/// Runs a test once for each place where it waits in what it has cut off, and each way; returns how many places there are.
fn cut_everywhere(mut test: impl AsyncFnMut(&Cutting)) -> usize {
    let mut places = 0;
    for drops in [false, true] {
        places = (0..)
            .find(|place| {
                let cutting = Cutting { place: *place, drops, seen: Cell::new(0) };
                run_virtual(test(&cutting));
                cutting.seen.get() <= *place
            })
            .expect("it ends some day");
    }
    places
}

/// Runs `one`, which is cancelled somewhere, beside two others that do the same and are not.
async fn beside_others<T>(cutting: &Cutting, one: impl AsyncFn() -> T) {
    let one = &one;
    let Ok(()) = nursery(async |n| {
        n.spawn(async { Ok::<(), Infallible>(drop(one().await)) });
        n.spawn(async { Ok(drop(cutting.here(one()).await)) });
        n.spawn(async { Ok(drop(one().await)) });
        Ok(())
    })
    .await;
}

#[test]
fn permits_are_all_back() {
    let places = cut_everywhere(async |cutting| {
        let semaphore = Semaphore::new(3);
        beside_others(cutting, async || {
            for n in [2, 3, 1] {
                let permit = semaphore.acquire(n).await.unwrap();
                sleep(millis(n as u64)).await;
                drop(permit);
                checkpoint().await;
            }
        })
        .await;
        assert_eq!(semaphore.free(), 3);
    });
    assert!(places >= 9, "{places}");
}

#[test]
fn a_mutex_is_unlocked() {
    let places = cut_everywhere(async |cutting| {
        let mutex = Mutex::new(());
        beside_others(cutting, async || {
            let mut guard = mutex.lock().await;
            guard.mend();
            sleep(secs(1)).await;
        })
        .await;
        assert!(mutex.try_lock().is_some_and(|guard| !guard.is_torn()), "the last one mended it");
    });
    assert!(places >= 2, "{places}");
}

#[test]
fn what_is_used_shielded_is_whole_or_torn_if_it_was_dropped() {
    cut_everywhere(async |cutting| {
        let mutex = Mutex::new((0, 0));
        beside_others(cutting, async || {
            let step = mutex.use_shielded(async |(left, right)| {
                *left += 1;
                sleep(secs(1)).await;
                *right += 1;
            });
            step.await;
        })
        .await;
        let guard = mutex.try_lock().unwrap();
        assert_eq!(guard.is_torn(), guard.0 != guard.1);
        assert!(guard.0 >= 2 && (cutting.drops || !guard.is_torn()));
    });
}

#[test]
fn a_lock_for_many_is_unlocked() {
    let places = cut_everywhere(async |cutting| {
        let lock = RwLock::new(0);
        beside_others(cutting, async || {
            let look = lock.read().await;
            sleep(secs(1)).await;
            drop(look);
            let mut change = lock.write().await;
            sleep(secs(1)).await;
            *change += 1;
        })
        .await;
        assert!(lock.try_write().is_some_and(|value| *value >= 2));
    });
    assert!(places >= 3, "{places}");
}

#[test]
fn a_limiter_is_empty() {
    cut_everywhere(async |cutting| {
        let limiter = Limiter::new(2);
        beside_others(cutting, async || {
            assert_eq!(limiter.run(2, sleep(secs(1))).await, Ok(()));
            assert_eq!(limiter.run(1, sleep(secs(1))).await, Ok(()));
        })
        .await;
        assert_eq!((limiter.held(), limiter.holders().count()), (0, 0));
    });
}

#[test]
fn a_value_is_made_once_by_one_who_is_not_cancelled() {
    cut_everywhere(async |cutting| {
        let (cell, made) = (OnceCell::new(), Cell::new(0));
        beside_others(cutting, async || {
            cell.get_or_init(async || {
                sleep(secs(1)).await;
                made.set(made.get() + 1);
                7
            })
            .await;
        })
        .await;
        assert_eq!((cell.get(), made.get()), (Some(&7), 1));
    });
}

#[test]
fn who_waits_for_others_has_not_come_if_it_is_cancelled() {
    cut_everywhere(async |cutting| {
        let barrier = Barrier::new(2);
        let (_, ()) = futures::join!(cutting.here(barrier.wait()), async {
            sleep(secs(1)).await;
            if barrier.waiting() == 1 {
                assert!(barrier.wait().await, "it was not cancelled");
            }
        });
        assert_eq!(barrier.waiting(), 0);
        let (one, other) = futures::join!(barrier.wait(), barrier.wait());
        assert!(!one && other);
    });
}

#[test]
fn what_is_waited_for_is_seen_by_those_who_are_left() {
    cut_everywhere(async |cutting| {
        let (event, condition, watch, left) = (Event::new(), Condition::new(), Watch::new(0), Cell::new(0));
        let one = &async || {
            event.wait().await;
            condition.wait_for(|| (left.get() > 0).then(|| left.set(left.get() - 1))).await;
            let mut watcher = watch.watcher();
            watcher.wait_for(|value| (*value > 1).then_some(())).await;
        };
        let Ok(()) = nursery(async |n| {
            n.spawn(async {
                let _ = cutting.here(one()).await;
                Ok::<(), Infallible>(())
            });
            n.spawn(async { Ok(one().await) });
            sleep(secs(1)).await;
            event.set();
            for _ in 0..2 {
                sleep(secs(1)).await;
                left.set(left.get() + 1);
                condition.notify_all();
                watch.update(|value| *value += 1);
            }
            sleep(secs(1)).await;
            watch.set(9);
            Ok(())
        })
        .await;
    });
}
