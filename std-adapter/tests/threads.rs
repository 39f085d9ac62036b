//! Threads and runs that know each other: calls within a limit, calls that lend and borrow, calls from threads into a run.

mod common;

use std::cell::Cell;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use common::poll_once;
use giambio::sync::Limiter;
use giambio::{
    Cancelled, OpenPortal, PortalError, checkpoint, fail_after, is_abandoned, lend, move_on_after, nursery, race, run,
    sleep, unblock, unblock_in, with_threads,
};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(2);

/// Counts how many there are at once.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    fn enter(&self) -> Inside<'_> {
        self.most.fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
        Inside(self)
    }
}

struct Inside<'a>(&'a Crowd);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

/// Numbers by chance, the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[test]
fn a_limiter_says_how_many_calls_run() {
    let crowd = Arc::new(Crowd::default());
    let three = Arc::new(Barrier::new(3)); // which nobody passes alone
    run(async {
        let limiter = Limiter::new(3);
        let outcome = nursery(async |n| {
            for _ in 0..51 {
                let (crowd, three, limiter) = (crowd.clone(), three.clone(), &limiter);
                n.spawn(async move {
                    unblock_in(limiter, move || {
                        let _inside = crowd.enter();
                        three.wait();
                    })
                    .await
                });
            }
            Ok(())
        });
        fail_after(LONG, outcome).await.unwrap().unwrap();
        limiter.close();
        assert!(unblock_in(&limiter, || ()).await.is_err());
        assert!(unblock_in(&Limiter::new(0), || ()).await.is_err());
    });
    assert_eq!(crowd.most.load(SeqCst), 3);
}

#[test]
fn a_cancelled_call_keeps_its_permit_until_it_has_ended() {
    run(async {
        let limiter = Limiter::new(1);
        let (ended, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(Barrier::new(2)));
        let call = {
            let (ended, begun) = (ended.clone(), begun.clone());
            unblock_in(&limiter, move || {
                begun.wait();
                while !is_abandoned() {
                    thread::yield_now();
                }
                thread::sleep(SHORT);
                ended.store(true, SeqCst);
            })
        };
        let mut cancelled = Box::pin(move_on_after(Duration::ZERO, call));
        assert!(poll_once(&mut cancelled).await.is_none());
        begun.wait();
        assert!(fail_after(LONG, cancelled).await.unwrap().is_none());
        assert!(ended.load(SeqCst));
        assert_eq!(unblock_in(&limiter, is_abandoned).await.ok(), Some(false));
    });
}

/// Trio's text on limiters: who waits for a permit of a limiter while it has the last one waits for ever. With one of their own
/// those that are called get on.
#[test]
fn calls_in_calls_have_a_limiter_of_their_own() {
    let inner = Limiter::shared(1);
    let sum = run(async {
        let outer = Limiter::new(1);
        let inner: &'static Limiter<_> = Box::leak(Box::new(inner));
        let mut sum = 0;
        for n in 0..10 {
            let call = unblock_in(&outer, move || run(async { unblock_in(inner, move || n).await }));
            sum += fail_after(LONG, call).await.unwrap().unwrap().unwrap();
        }
        sum
    });
    assert_eq!(sum, 45);
}

#[test]
fn ten_thousand_calls_are_cancelled_at_any_moment_and_the_pool_goes_on() {
    let (crowd, dropped) = (Arc::new(Crowd::default()), Arc::new(AtomicUsize::new(0)));
    struct Counts(Arc<AtomicUsize>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    run(async {
        let mut chance = Chance(7);
        let limiter = Limiter::new(64);
        for _ in 0..100 {
            let wave = nursery(async |n| {
                for _ in 0..100 {
                    let (crowd, counts, limiter) = (crowd.clone(), Counts(dropped.clone()), &limiter);
                    let (patience, work) = (chance.below(400), chance.below(100));
                    let is_limited = chance.below(2) == 0;
                    n.spawn(async move {
                        let call = move || {
                            let _counts = counts;
                            let _inside = crowd.enter();
                            thread::sleep(Duration::from_micros(work));
                        };
                        let patience = Duration::from_micros(patience);
                        if is_limited {
                            move_on_after(patience, unblock_in(limiter, call)).await;
                        } else {
                            move_on_after(patience, unblock(call)).await;
                        }
                        Ok::<(), io::Error>(())
                    });
                }
                Ok(())
            });
            wave.await.unwrap();
        }
        // What was left to itself ends soon, and then the pool is as good as new.
        let all_gone = async {
            while dropped.load(SeqCst) < 10_000 {
                sleep(SHORT).await;
            }
        };
        fail_after(LONG, all_gone).await.unwrap();
        assert_eq!(limiter.held(), 0);
        for n in 0..1_000 {
            assert_eq!(unblock(move || n).await, n);
        }
    });
    assert_eq!((dropped.load(SeqCst), crowd.now.load(SeqCst)), (10_000, 0));
}

#[test]
fn a_call_learns_that_nobody_waits_any_more() {
    run(async {
        assert!(!is_abandoned());
        let (tell, told) = channel();
        let mut call = Box::pin(unblock(move || {
            let before = is_abandoned();
            tell.send(()).unwrap();
            while !is_abandoned() {
                thread::yield_now();
            }
            tell.send(()).unwrap();
            before
        }));
        assert!(poll_once(&mut call).await.is_none());
        told.recv().unwrap();
        drop(call);
        told.recv_timeout(LONG).unwrap();
        // Whoever gets the thread next is wanted.
        for _ in 0..100 {
            assert!(!unblock(is_abandoned).await);
        }
    });
}

#[test]
fn what_was_lent_comes_back_or_is_dropped_once() {
    run(async {
        let (text, length) = lend(String::from("giambio"), |text| {
            text.push('!');
            text.len()
        })
        .await;
        assert_eq!((text.as_str(), length), ("giambio!", 8));
        let mine = Arc::new(());
        let panicking = lend(mine.clone(), |_| panic!("in the call"));
        let mut panicking = pin!(panicking);
        let caught = futures_lite::FutureExt::catch_unwind(AssertUnwindSafe(&mut panicking)).await;
        assert_eq!(*caught.unwrap_err().downcast_ref::<&str>().unwrap(), "in the call");
        assert_eq!(Arc::strong_count(&mine), 1);
        let (begun, begins) = channel();
        let mut call = Box::pin(lend(mine.clone(), move |_| {
            begun.send(()).unwrap();
            while !is_abandoned() {
                thread::yield_now();
            }
        }));
        assert!(poll_once(&mut call).await.is_none());
        begins.recv().unwrap();
        drop(call);
        let gone = async {
            while Arc::strong_count(&mine) > 1 {
                sleep(SHORT).await;
            }
        };
        fail_after(LONG, gone).await.unwrap();
    });
}

#[test]
fn calls_borrow_what_is_outside_of_the_run() {
    let numbers: Vec<u64> = (0..1_000).collect();
    let done = AtomicUsize::new(0);
    let sum = with_threads(|threads| {
        run(async {
            let sum = Rc::new(Cell::new(0));
            let outcome = nursery(async |n| {
                for part in numbers.chunks(10) {
                    let (sum, done) = (sum.clone(), &done);
                    n.spawn(async move {
                        let call = threads.unblock(move || {
                            done.fetch_add(1, SeqCst);
                            part.iter().sum::<u64>()
                        });
                        let part = call.await;
                        sum.set(sum.get() + part);
                        Ok::<(), io::Error>(())
                    });
                }
                Ok(())
            });
            outcome.await.unwrap();
            sum.get()
        })
    });
    assert_eq!((sum, done.load(SeqCst)), (499_500, 100));
}

#[test]
fn what_borrows_has_ended_when_the_borrowing_ends() {
    let ended = AtomicUsize::new(0);
    let words = [String::from("a"), String::from("b")];
    let begun = Barrier::new(3);
    with_threads(|threads| {
        run(async {
            let mut calls = Vec::new();
            for word in &words {
                let mut call = Box::pin(threads.unblock(|| {
                    begun.wait();
                    while !is_abandoned() && ended.load(SeqCst) == 0 {
                        thread::yield_now();
                    }
                    thread::sleep(SHORT);
                    ended.fetch_add(word.len(), SeqCst);
                }));
                assert!(poll_once(&mut call).await.is_none());
                calls.push(call);
            }
            begun.wait();
            mem::forget(calls.pop());
            drop(calls);
        });
    });
    assert_eq!(ended.load(SeqCst), 2);
}

#[test]
fn a_panic_in_a_borrowing_call_or_beside_it_comes_out() {
    let text = String::from("borrowed");
    let panic = catch_unwind(AssertUnwindSafe(|| {
        with_threads(|threads| run(threads.unblock(|| panic!("in a call with {text}"))))
    }));
    assert_eq!(panic.unwrap_err().downcast_ref::<String>().unwrap(), "in a call with borrowed");
    let panic = catch_unwind(AssertUnwindSafe(|| {
        with_threads(|threads| {
            run(async {
                let mut call = Box::pin(threads.unblock(|| while !is_abandoned() {}));
                assert!(poll_once(&mut call).await.is_none());
                panic!("beside {text}");
            })
        })
    }));
    assert_eq!(panic.unwrap_err().downcast_ref::<String>().unwrap(), "beside borrowed");
}

/// A call may make calls that block, but by other threads, so that none waits for itself.
#[test]
fn borrowing_calls_that_make_calls_get_on() {
    let sum = AtomicUsize::new(0);
    with_threads(|threads| {
        run(async {
            let outcome = nursery(async |n| {
                for _ in 0..300 {
                    n.spawn(async {
                        let call = threads.unblock(|| run(unblock(|| 1)));
                        sum.fetch_add(call.await, SeqCst);
                        Ok::<(), io::Error>(())
                    });
                }
                Ok(())
            });
            fail_after(LONG, outcome).await.unwrap().unwrap();
        });
    });
    assert_eq!(sum.load(SeqCst), 300);
}

#[test]
fn threads_call_into_a_nursery() {
    let mut sum = run(async {
        nursery(async |n| {
            let portal = n.portal();
            let threads: Vec<_> = (0..8)
                .map(|thread| {
                    let portal = portal.clone();
                    thread::spawn(move || {
                        (0..100)
                            .map(|n| {
                                let call = portal.call(async move || {
                                    let shared = Rc::new(Cell::new(thread * n)); // need not be `Send`
                                    checkpoint().await;
                                    shared.get()
                                });
                                call.unwrap()
                            })
                            .sum::<u64>()
                    })
                })
                .collect();
            let all = unblock(|| threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>());
            Ok::<_, io::Error>(fail_after(LONG, all).await?)
        })
        .await
    });
    assert_eq!(mem::replace(&mut sum, Ok(0)).unwrap(), 28 * 4950);
}

#[test]
fn an_error_or_a_panic_is_the_callers() {
    let outcome = run(async {
        nursery(async |n| {
            let portal = n.portal();
            let thread = unblock(move || {
                let failed = portal.call(async || Err::<(), _>("no power"));
                assert_eq!(failed, Ok(Err("no power")));
                let panic = catch_unwind(AssertUnwindSafe(|| {
                    portal.call(async || {
                        checkpoint().await;
                        panic!("in the nursery")
                    })
                }));
                assert_eq!(*panic.unwrap_err().downcast_ref::<&str>().unwrap(), "in the nursery");
                portal.call(async || 5)
            });
            fail_after(LONG, thread).await.unwrap()
        })
        .await
    });
    assert_eq!(outcome, Ok(5));
}

#[test]
fn what_a_thread_spawns_fails_the_nursery() {
    let outcome: Result<(), io::Error> = run(async {
        nursery(async |n| {
            let portal = n.portal();
            unblock(move || portal.spawn(async || Err(io::ErrorKind::AddrInUse.into()))).await?;
            Ok(sleep(LONG).await)
        })
        .await
    });
    assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn a_cancelled_nursery_cancels_calls_and_says_so() {
    let (tell, told) = channel();
    let outcome: Result<(), Cancelled> = run(async {
        nursery(async |n| {
            let portal = n.portal();
            let other = portal.clone();
            let (begun, begins) = channel();
            thread::spawn(move || {
                let at_work = portal.call(async move || {
                    begun.send(()).unwrap();
                    sleep(LONG).await
                });
                tell.send((at_work, portal.call(async || ()))).unwrap();
            });
            while begins.try_recv().is_err() {
                sleep(SHORT).await;
            }
            n.cancel();
            drop(other);
            checkpoint().await;
            Ok(())
        })
        .await
    });
    assert!(outcome.is_err());
    let told = told.recv_timeout(LONG).unwrap();
    assert_eq!(told, (Err(PortalError::Cancelled), Err(PortalError::Gone)));
}

#[test]
fn a_portal_does_not_keep_its_nursery_open_and_then_says_that_it_is_gone() {
    let (portal, unpolled) = run(async {
        let outcome: Result<_, io::Error> = nursery(async |n| {
            let portal = n.portal();
            Ok((portal.clone(), portal))
        })
        .await;
        outcome.unwrap()
    });
    let mine = Arc::new(());
    let theirs = mine.clone();
    assert_eq!(thread::spawn(move || portal.call(async move || drop(theirs))).join().unwrap(), Err(PortalError::Gone));
    assert_eq!(Arc::strong_count(&mine), 1);
    assert_eq!(unpolled.spawn(async || Ok(())), Err(PortalError::Gone));
    assert!(PortalError::Gone.to_string().contains("has ended"));
}

/// The nursery ends with a call in the queue: it is dropped, and its thread is told.
#[test]
fn what_comes_too_late_never_begins() {
    let (asks, asked): (Sender<()>, Receiver<()>) = channel();
    let thread = run(async {
        let outcome: Result<_, io::Error> = nursery(async |n| {
            let portal = n.portal();
            let thread = thread::spawn(move || {
                asked.recv().unwrap();
                let has_begun = Arc::new(AtomicBool::new(false));
                let begins = has_begun.clone();
                let call = portal.call(async move || {
                    begins.store(true, SeqCst);
                    sleep(LONG).await
                });
                (call, has_begun.load(SeqCst))
            });
            asks.send(()).unwrap();
            thread::sleep(SHORT); // the loop is busy meanwhile
            n.cancel_children();
            Ok(thread)
        })
        .await;
        outcome.unwrap()
    });
    assert_eq!(thread.join().unwrap(), (Err(PortalError::Gone), false));
}

#[test]
fn the_nursery_s_own_thread_is_told_not_to_wait_for_itself() {
    let told = run(async {
        nursery(async |n| {
            let portal = n.portal();
            Ok::<_, io::Error>(portal.call(async || ()))
        })
        .await
    });
    assert_eq!(told.unwrap(), Err(PortalError::SameThread));
    assert!(PortalError::SameThread.to_string().contains("wait for itself"));
}

/// A nursery that a race drops takes its calls along.
#[test]
fn a_dropped_nursery_tells_its_callers() {
    let (tell, told) = channel();
    run(async {
        let (begun, begins) = channel();
        let work = nursery(async |n| {
            let portal = n.portal();
            thread::spawn(move || {
                let call = portal.call(async move || {
                    begun.send(()).unwrap();
                    sleep(LONG).await
                });
                tell.send(call).unwrap();
            });
            Ok::<_, io::Error>(sleep(LONG).await)
        });
        let short = async {
            while begins.try_recv().is_err() {
                sleep(SHORT).await;
            }
            Ok(())
        };
        race((work, short)).await.unwrap();
    });
    assert_eq!(told.recv_timeout(LONG).unwrap(), Err(PortalError::Cancelled));
}
