//! How many calls block at once, and what they may wait for. The threads are the process's, so one test runs at a time.

mod common;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use common::poll_once;
use futures_lite::future::{block_on, zip};
use giambio::net::lookup;
use giambio::{builder, fail_after, run, try_unblock, unblock};

const LONG: Duration = Duration::from_secs(30);
const USUAL: usize = 256;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_threads<T>(number: usize, main: impl Future<Output = T>) -> T {
    builder().blocking_threads(NonZeroUsize::new(number).unwrap()).run(main)
}

/// As many calls as there may be at once, begun and held. They end when the sender is dropped.
async fn all_busy(number: usize) -> (Sender<()>, Vec<impl Future<Output = ()> + Unpin>) {
    let (hold, held) = mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let begun = Arc::new(Barrier::new(number + 1));
    let mut calls = Vec::new();
    for _ in 0..number {
        let (held, begun) = (held.clone(), begun.clone());
        let mut call = Box::pin(unblock(move || {
            begun.wait();
            let _ = held.lock().map(|held| held.recv());
        }));
        assert!(poll_once(&mut call).await.is_none());
        calls.push(call);
    }
    begun.wait();
    (hold, calls)
}

#[test]
fn as_many_calls_as_there_are_threads_may_each_make_one() {
    let _alone = alone();
    for deep in 1..=3 {
        fn nest(deep: usize) -> usize {
            if deep == 0 { 0 } else { 1 + block_on(unblock(move || nest(deep - 1))) }
        }
        // None of them ends before all have begun.
        let begun = Arc::new(Barrier::new(USUAL + 1));
        let mut calls = Vec::new();
        with_threads(USUAL, async {
            for _ in 0..USUAL {
                let begun = begun.clone();
                let mut call = Box::pin(unblock(move || {
                    begun.wait();
                    nest(deep)
                }));
                assert!(poll_once(&mut call).await.is_none());
                calls.push(call);
            }
            begun.wait();
            for call in calls {
                let depth = fail_after(LONG, call).await.expect("each waits for one that never starts");
                assert_eq!(depth, deep);
            }
        });
    }
}

#[test]
fn a_call_may_make_many_at_once() {
    let _alone = alone();
    let sum = with_threads(2, async {
        let outer = unblock(|| {
            run(async {
                let mut calls = Vec::new();
                for n in 0..1_000_u32 {
                    let mut call = Box::pin(unblock(move || n));
                    match poll_once(&mut call).await {
                        Some(n) => calls.push(Ok(n)),
                        None => calls.push(Err(call)),
                    }
                }
                let mut sum = 0;
                for call in calls {
                    sum += match call {
                        Ok(n) => n,
                        Err(call) => call.await,
                    };
                }
                sum
            })
        });
        fail_after(LONG, outer).await.expect("it waits for good")
    });
    assert_eq!(sum, 499_500);
}

/// The cores are threads of their own, and yet the call waits for them.
#[test]
fn calls_may_run_cores_that_make_calls() {
    let _alone = alone();
    let two = NonZeroUsize::new(2).unwrap();
    with_threads(1, async {
        let cores = unblock(move || {
            let cores = builder().on_each_core().threads(two);
            cores.run(async |core| Ok::<_, ()>(unblock(move || core.index()).await))
        });
        assert_eq!(fail_after(LONG, cores).await.expect("they wait for good"), Ok(vec![0, 1]));
    });
}

#[test]
fn ten_thousand_calls_in_each_other_end_in_an_error_and_few_threads() {
    let _alone = alone();
    static DEEPEST: AtomicUsize = AtomicUsize::new(0);
    fn nest(depth: usize) -> std::io::Result<()> {
        DEEPEST.fetch_max(depth, SeqCst);
        if depth == 10_000 { Ok(()) } else { block_on(try_unblock(move || nest(depth + 1)))? }
    }
    let error = nest(0).unwrap_err();
    assert!(error.to_string().contains("in each other"), "{error}");
    let deepest = DEEPEST.load(SeqCst);
    assert!((16..=512).contains(&deepest), "{deepest} threads");

    fn panicking(depth: usize) {
        block_on(unblock(move || {
            if depth < 10_000 {
                panicking(depth + 1)
            }
        }));
    }
    let panic = thread::spawn(|| panicking(0)).join().unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("in each other"));
    assert_eq!(run(unblock(|| 3)), 3);
}

#[test]
fn no_more_calls_run_at_once_than_the_builder_says() {
    let _alone = alone();
    with_threads(64, async { drop(all_busy(64).await) }); // there are threads enough
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    with_threads(3, async {
        let mut calls = Vec::new();
        for _ in 0..60 {
            let (now, most) = (now.clone(), most.clone());
            let mut call = Box::pin(unblock(move || {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                while most.load(SeqCst) < 3 {
                    thread::yield_now();
                }
                now.fetch_sub(1, SeqCst);
            }));
            if poll_once(&mut call).await.is_none() {
                calls.push(call);
            }
        }
        for call in calls {
            call.await;
        }
    });
    assert_eq!(most.load(SeqCst), 3);
}

#[test]
fn with_more_threads_those_that_wait_begin() {
    let _alone = alone();
    with_threads(1, async {
        let (hold, calls) = all_busy(1).await;
        let more = async {
            let raised = thread::spawn(|| with_threads(2, async {}));
            raised.join().unwrap();
        };
        let (second, ()) = zip(fail_after(LONG, unblock(|| 2)), more).await;
        assert_eq!(second.ok(), Some(2));
        drop(hold);
        for call in calls {
            call.await;
        }
    });
}

#[test]
fn a_call_that_waits_for_a_thread_is_dropped_with_its_future() {
    let _alone = alone();
    with_threads(1, async {
        let (hold, calls) = all_busy(1).await;
        let mine = Arc::new(());
        let theirs = mine.clone();
        let mut call = Box::pin(unblock(move || drop(theirs)));
        assert!(poll_once(&mut call).await.is_none());
        assert_eq!(Arc::strong_count(&mine), 2);
        drop(call);
        assert_eq!(Arc::strong_count(&mine), 1);
        drop(hold);
        for call in calls {
            call.await;
        }
        assert_eq!(unblock(|| 4).await, 4);
    });
}

#[test]
fn names_are_looked_up_while_every_thread_for_calls_is_busy() {
    let _alone = alone();
    with_threads(USUAL, async {
        let (hold, calls) = all_busy(USUAL).await;
        let found = fail_after(LONG, lookup("localhost:80")).await.expect("it waits for a thread");
        assert!(!found.unwrap().is_empty());
        drop(hold);
        for call in calls {
            call.await;
        }
    });
}
