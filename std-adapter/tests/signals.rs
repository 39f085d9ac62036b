//! A signal handler wakes tasks of the thread that it interrupts, wherever that is: in a poll, on its
//! way to sleep, asleep in the operating system.
#![cfg(unix)]

mod common;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::SeqCst};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use std::{ptr, thread};

use futures_lite::AsyncWriteExt;
use giambio::net::TcpStream;
use giambio::signal::CtrlC;
use giambio::{fail_after, wake_from_signal};
use signal_hook::consts::{SIGINT, SIGPIPE, SIGUSR2};
use signal_hook::low_level::{raise, register, unregister};

static WAKER: AtomicPtr<Waker> = AtomicPtr::new(ptr::null_mut());
/// The handler may have any of them in its hands.
static KEPT: Mutex<Vec<&'static Waker>> = Mutex::new(Vec::new());
static ASKED: AtomicBool = AtomicBool::new(false);
static SIGNALS: AtomicU32 = AtomicU32::new(0);

fn handler() {
    SIGNALS.fetch_add(1, SeqCst);
    // SAFETY: null, or leaked, and only read.
    if let Some(waker) = unsafe { WAKER.load(SeqCst).as_ref() } {
        ASKED.store(false, SeqCst);
        wake_from_signal(waker);
    }
}

/// Waits until the handler has come.
async fn interrupted() {
    let mut asked = false;
    poll_fn(|cx| {
        if !asked {
            asked = true;
            let waker: &'static Waker = Box::leak(Box::new(cx.waker().clone()));
            ASKED.store(true, SeqCst);
            WAKER.store(ptr::from_ref(waker).cast_mut(), SeqCst);
            KEPT.lock().unwrap().push(waker);
            return Poll::Pending;
        }
        if ASKED.load(SeqCst) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await
}

#[test]
fn signals_end_the_wait_of_the_loop_whenever_they_come() {
    // SAFETY: the handler uses atomics, and what `wake_from_signal` promises.
    let id = unsafe { register(SIGUSR2, handler) }.unwrap();
    // SAFETY: no arguments, no conditions.
    let this = unsafe { libc::pthread_self() } as usize; // a number or a pointer, as the system likes
    let stop = AtomicBool::new(false);
    thread::scope(|threads| {
        threads.spawn(|| {
            for round in 0u64.. {
                if stop.load(SeqCst) {
                    return;
                }
                // SAFETY: that thread waits for this one at the end of its scope, so it is there.
                assert_eq!(unsafe { libc::pthread_kill(this as libc::pthread_t, SIGUSR2) }, 0);
                // From the middle of a turn to long asleep.
                let began = Instant::now();
                while began.elapsed() < Duration::from_nanos(round * 7919 % 150_000) {
                    std::hint::spin_loop();
                }
            }
        });
        giambio::run(async {
            for round in 0..3_000 {
                let woken = fail_after(Duration::from_secs(60), interrupted()).await;
                assert!(woken.is_ok(), "the wake of round {round} was lost");
            }
        });
        stop.store(true, SeqCst);
    });
    assert!(SIGNALS.load(SeqCst) >= 3_000);
    assert!(unregister(id));
}

/// By its default action the signal ends the process.
#[test]
fn sending_what_nobody_receives_is_an_error_and_no_signal() {
    static SIGNALS: AtomicU32 = AtomicU32::new(0);
    async fn fails(send: impl AsyncFn(&TcpStream) -> io::Result<usize>) {
        let (client, server) = common::pair().await;
        drop(server);
        while send(&client).await.is_ok() {}
        assert!(send(&client).await.is_err());
    }
    // SAFETY: the handler uses an atomic.
    let id = unsafe { register(SIGPIPE, || _ = SIGNALS.fetch_add(1, SeqCst)) }.unwrap();
    giambio::run(async {
        let data = [IoSlice::new(b"hel"), IoSlice::new(b"lo")];
        fails(async |client| client.send(b"hello").await).await;
        fails(async |client| client.send_all(b"hello").await.map(|()| 5)).await;
        fails(async |client| client.try_send(b"hello")).await;
        fails(async |client| client.send_vectored(&data).await).await;
        fails(async |mut client| client.write(b"hello").await).await;
        fails(async |mut client| client.write_vectored(&data).await).await;
    });
    assert_eq!(SIGNALS.load(SeqCst), 0);
    assert!(unregister(id));
}

/// The handler writes to a pipe of each watch.
#[test]
fn a_watch_for_ctrl_c_that_ends_while_it_is_pressed_raises_no_signal() {
    static SIGNALS: AtomicU32 = AtomicU32::new(0);
    // SAFETY: the handler uses an atomic.
    let id = unsafe { register(SIGPIPE, || _ = SIGNALS.fetch_add(1, SeqCst)) }.unwrap();
    let _outlasts_the_others = CtrlC::new().unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|threads| {
        threads.spawn(|| {
            while !stop.load(SeqCst) {
                raise(SIGINT).unwrap();
            }
        });
        (0..5_000).for_each(|_| drop(CtrlC::new().unwrap()));
        stop.store(true, SeqCst);
    });
    assert_eq!(SIGNALS.load(SeqCst), 0);
    assert!(unregister(id));
}

#[cfg(feature = "introspect")]
#[test]
fn a_task_that_waits_for_a_signal_says_so() {
    use giambio::introspect::dump;
    let tree = giambio::run(giambio::nursery(async |n| {
        n.spawn(giambio::ctrl_c());
        giambio::checkpoint().await;
        let tree = dump().await;
        n.cancel_children();
        Ok(tree.to_string())
    }));
    let tree = tree.unwrap();
    assert!(tree.contains(r#"waits for readiness to read "signals""#), "{tree}");
}
