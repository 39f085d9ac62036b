//! Calls that block, on other threads.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::poll_once;
use futures_lite::future::zip;
use giambio::sync::Limiter;
use giambio::{cancel_scope, checkpoint, is_abandoned, run, unblock, unblock_in};

#[test]
fn a_call_runs_on_another_thread_and_gives_back_its_value() {
    let here = thread::current().id();
    let there = run(unblock(|| thread::current().id()));
    assert_ne!(here, there);
}

#[test]
fn other_tasks_go_on_while_a_call_blocks() {
    run(async {
        let (send, receive) = mpsc::channel();
        let (value, ()) = zip(unblock(move || receive.recv().unwrap()), async move {
            giambio::sleep(Duration::from_millis(1)).await;
            send.send(7).unwrap();
        })
        .await;
        assert_eq!(value, 7);
    });
}

/// Files are blocking calls on every system, from the standard library.
#[test]
fn files_are_written_read_and_removed() {
    let path = std::env::temp_dir().join(format!("giambio-{}", std::process::id()));
    run(async {
        let text = "a line\n".repeat(10_000);
        let (to, content) = (path.clone(), text.clone());
        unblock(move || std::fs::write(to, content)).await.unwrap();
        let from = path.clone();
        assert_eq!(unblock(move || std::fs::read_to_string(from)).await.unwrap(), text);
        let gone = path.clone();
        unblock(move || std::fs::remove_file(gone)).await.unwrap();
        let error = unblock(move || std::fs::File::open(path)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    });
}

#[test]
fn a_panic_of_a_call_reaches_who_awaits_it() {
    let caught = catch_unwind(AssertUnwindSafe(|| run(unblock(|| panic!("from the thread")))));
    assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"from the thread"));
    assert_eq!(run(unblock(|| 1)), 1);
}

#[test]
fn many_calls_block_at_once() {
    run(async {
        let started = Arc::new(AtomicUsize::new(0));
        let mut calls: Vec<_> = (0..20)
            .map(|_| {
                let started = started.clone();
                Box::pin(unblock(move || {
                    started.fetch_add(1, Ordering::SeqCst);
                    while started.load(Ordering::SeqCst) < 20 {
                        thread::yield_now();
                    }
                }))
            })
            .collect();
        for call in &mut calls {
            assert!(poll_once(call).await.is_none());
        }
        for call in calls {
            call.await;
        }
    });
}

#[test]
fn a_call_that_is_not_awaited_never_runs() {
    let ran = Arc::new(AtomicBool::new(false));
    let mark = ran.clone();
    drop(unblock(move || mark.store(true, Ordering::SeqCst)));
    assert_eq!(Arc::strong_count(&ran), 1);
    assert!(!ran.load(Ordering::SeqCst));
}

#[test]
fn a_dropped_call_runs_on_and_its_result_is_dropped() {
    struct Told(mpsc::Sender<&'static str>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
            panic!("a destructor that panics takes no thread along");
        }
    }
    let (go, gone) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let (start, started) = mpsc::channel();
    run(async {
        let mut call = Box::pin(unblock(move || {
            start.send(()).unwrap();
            gone.recv().unwrap();
            Told(tell)
        }));
        assert!(poll_once(&mut call).await.is_none());
        started.recv().unwrap();
    });
    go.send(()).unwrap();
    assert_eq!(told.recv(), Ok("dropped"));
    assert_eq!(run(unblock(|| 2)), 2);
}

#[test]
fn a_call_that_was_given_up_has_not_ended_before_its_result_is_dropped() {
    struct Slow {
        begun: mpsc::Sender<()>,
        go: mpsc::Receiver<()>,
        is_over: Arc<AtomicBool>,
    }
    impl Drop for Slow {
        fn drop(&mut self) {
            self.begun.send(()).unwrap();
            let _ = self.go.recv();
            self.is_over.store(true, Ordering::SeqCst);
        }
    }
    let (start, started) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let (send, go) = mpsc::channel();
    let is_over = Arc::new(AtomicBool::new(false));
    let slow = Slow { begun: begin, go, is_over: is_over.clone() };
    run(async {
        let (limiter, is_left) = (Limiter::new(1), Cell::new(false));
        let call = unblock_in(&limiter, move || {
            start.send(()).unwrap();
            while !is_abandoned() {
                thread::yield_now();
            }
            slow
        });
        let cancelled = async {
            let ended = cancel_scope(async |scope| {
                let cancel = async {
                    started.recv().unwrap();
                    scope.cancel();
                };
                zip(call, cancel).await
            });
            assert!(ended.await.is_err());
            is_left.set(true);
        };
        let beside = async {
            while begun.try_recv().is_err() {
                checkpoint().await; // gives the call up
            }
            for _ in 0..10 {
                checkpoint().await; // polls who waits for its end, too
            }
            assert!(!is_left.get());
            send.send(()).unwrap();
        };
        zip(cancelled, beside).await;
        assert!(is_over.load(Ordering::SeqCst));
    });
}
