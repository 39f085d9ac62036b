//! The ways in which tokio can have a guest, and what all of them have in common.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use giambio::{checkpoint, nursery, sleep, unblock};
use giambio_tokio::guest;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, spawn_local};

/// What a child of the tests fails with.
pub(crate) type Failure = Box<dyn std::error::Error>;

pub(crate) const MS: Duration = Duration::from_millis(1);

pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A guest in each kind of host: this says what it does there.
pub(crate) fn in_each_host<F: Future<Output: 'static> + 'static>(main: impl Fn() -> F) {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(guest(main()));
        runtime.block_on(async { giambio_tokio::try_guest(main()).await.map(drop).unwrap() });
        let local = LocalSet::new();
        let task = main();
        local.block_on(&runtime, async { spawn_local(guest(task)).await.map(drop).unwrap() });
        local.block_on(&runtime, guest(main()));
    }
}

/// Counts how often a future is polled.
pub(crate) struct Counted<F>(pub(crate) F, pub(crate) Rc<Cell<u32>>);

impl<F: Future + Unpin> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.1.set(self.1.get() + 1);
        Pin::new(&mut self.0).poll(cx)
    }
}

#[test]
fn a_guest_returns_its_value() {
    in_each_host(|| async {
        checkpoint().await;
        42
    });
    assert_eq!(current_thread().block_on(guest(async { 42 })), 42);
}

#[test]
fn sleeps_of_both_worlds_go_on_beside_each_other() {
    in_each_host(|| async {
        let began = Instant::now();
        let ended = &Cell::new(0);
        nursery(async |n| {
            for i in 1..=5 {
                n.spawn(async move {
                    sleep(i * MS).await;
                    tokio::time::sleep(i * MS).await;
                    sleep(i * MS).await;
                    assert!(began.elapsed() >= 3 * i * MS, "never early");
                    ended.set(ended.get() + 1);
                    Ok::<_, Failure>(())
                });
            }
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(ended.get(), 5);
    });
}

#[test]
fn calls_on_threads_wake_a_guest_whose_host_sleeps() {
    in_each_host(|| async {
        for i in 0..3 {
            let value = unblock(move || {
                std::thread::sleep(5 * MS);
                i
            });
            assert_eq!(value.await, i);
        }
    });
}

#[test]
fn a_pause_of_tokios_time_is_one_of_giambios() {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let began = Instant::now();
    let passed = runtime.block_on(guest(async {
        let (began, ours) = (tokio::time::Instant::now(), giambio::clock());
        sleep(Duration::from_secs(3600)).await;
        sleep(MS).await;
        assert_eq!((giambio::clock() - ours).as_secs(), 3600);
        began.elapsed()
    }));
    assert_eq!(passed, Duration::from_secs(3600) + MS, "to the millisecond");
    assert!(began.elapsed() < Duration::from_secs(60), "no hour");
}

#[test]
fn the_local_runtime_has_guests() {
    let runtime = Builder::new_current_thread().enable_all().build_local(Default::default()).unwrap();
    let value = runtime.block_on(async { tokio::task::spawn_local(guest(async { 7 })).await });
    assert_eq!(value.unwrap(), 7);
}
