//! A signal handler as an interrupt: it comes at any instruction of the runtime's own thread, in the
//! middle of a spawn, a poll, a wake, a drop, and wakes tasks that wait, that run, that are over. Law
//! WAKERS-ARE-NAMES.
#![cfg(all(feature = "std", unix))]
mod common;

use std::future::poll_fn;
use std::pin::pin;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::SeqCst};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use giambio_core::{Runtime, VirtualClock, checkpoint, nursery, wake_from_signal};
use signal_hook::consts::SIGUSR2;
use signal_hook::low_level::{register, unregister};

const PLACES: usize = 16;

/// What the handler finds: a waker that was put there, for ever, and who is to be answered.
static WAKERS: [AtomicPtr<Waker>; PLACES] = [const { AtomicPtr::new(ptr::null_mut()) }; PLACES];
static ASKED: [AtomicBool; PLACES] = [const { AtomicBool::new(false) }; PLACES];
/// So that no wakers leak: the handler may have any of them in its hands.
static KEPT: Mutex<Vec<&'static Waker>> = Mutex::new(Vec::new());
static SIGNALS: AtomicU32 = AtomicU32::new(0);

fn handler() {
    SIGNALS.fetch_add(1, SeqCst);
    for (place, asked) in WAKERS.iter().zip(&ASKED) {
        // SAFETY: null, or leaked for as long as the program runs; touched by nobody else but to read.
        let Some(waker) = (unsafe { place.load(SeqCst).as_ref() }) else { continue };
        asked.store(false, SeqCst);
        assert!(wake_from_signal(waker));
    }
}

/// Waits until the handler has come.
async fn interrupted(place: usize) {
    let mut waker: Option<&'static Waker> = None;
    poll_fn(|cx| {
        if waker.is_none_or(|waker| !waker.will_wake(cx.waker())) {
            let new: &'static Waker = Box::leak(Box::new(cx.waker().clone()));
            ASKED[place].store(true, SeqCst);
            WAKERS[place].store(ptr::from_ref(new).cast_mut(), SeqCst);
            waker = Some(new);
            KEPT.lock().unwrap().push(new);
            return Poll::Pending;
        }
        if ASKED[place].load(SeqCst) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await
}

#[test]
fn signals_that_come_at_any_moment_lose_no_wake_and_break_nothing() {
    // SAFETY: the handler uses atomics alone.
    let id = unsafe { register(SIGUSR2, handler) }.unwrap();
    // SAFETY: no arguments, no conditions.
    let this = unsafe { libc::pthread_self() } as usize; // a number or a pointer, as the system likes
    let stop = AtomicBool::new(false);
    let live = &Live::new();
    thread::scope(|threads| {
        threads.spawn(|| {
            let mut rng = Rng(1);
            while !stop.load(SeqCst) {
                // SAFETY: that thread waits for this one at the end of its scope, so it is there.
                assert_eq!(unsafe { libc::pthread_kill(this as libc::pthread_t, SIGUSR2) }, 0);
                let began = Instant::now();
                let pause = Duration::from_nanos(rng.below(60_000));
                while began.elapsed() < pause {
                    std::hint::spin_loop();
                }
            }
        });
        let clock: VirtualClock = VirtualClock::new();
        let began = Instant::now();
        let runtime = pin!(Runtime::new(&clock, async {
            for round in 0..400 {
                nursery(async |n| {
                    for place in 0..PLACES {
                        let task = n.spawn(async move {
                            let _object = live.object();
                            interrupted(place).await;
                            checkpoint().await;
                            interrupted(place).await;
                            Ok(())
                        });
                        // Some end while their waker is in the handler's hands.
                        if (place + round) % 5 == 0 {
                            checkpoint().await;
                            task.cancel();
                        }
                    }
                    Ok::<_, ()>(())
                })
                .await
                .unwrap();
            }
        }));
        runtime.run(&mut |_| assert!(began.elapsed() < Duration::from_secs(120), "a wake was lost"));
        stop.store(true, SeqCst);
    });
    assert_eq!(live.left(), 0);
    assert!(SIGNALS.load(SeqCst) >= 800, "each round takes two");
    assert!(unregister(id));
}
