//! The loop: nested, repeated, in several threads, woken from outside, idle.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{pair, woken_by_a_thread};
use giambio::net::TcpListener;
use giambio::{Clock, Idle, Next, RunError, Runtime, StdClock, Tick, Until, Wait, builder, run, sleep};

#[test]
fn a_run_returns_what_its_future_does() {
    let text = String::from("borrowed");
    assert_eq!(run(async { text.len() }), 8);
}

#[test]
fn a_nested_run_panics_and_says_what_to_write() {
    run(async {
        let panic = catch_unwind(|| run(async {})).unwrap_err();
        let message = panic.downcast_ref::<String>().expect("a message");
        assert!(message.contains(".await"), "{message}");
        assert!(matches!(builder().try_run(async {}), Err(RunError::Nested)));
        assert!(matches!(builder().try_run_or_ctrl_c(async {}), Err(RunError::Nested)));
    });
}

#[test]
fn a_thread_runs_again_after_a_panic() {
    let panic = catch_unwind(AssertUnwindSafe(|| run(async { panic!("as planned") }))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"as planned"));
    run(async { sleep(Duration::from_millis(1)).await });
}

#[test]
fn threads_run_side_by_side() {
    let threads: Vec<_> = (0..4)
        .map(|n| {
            thread::spawn(move || {
                run(async move {
                    let (client, server) = pair().await;
                    let mut buffer = [0; 1];
                    client.send_all(&[n]).await.unwrap();
                    server.receive_exact(&mut buffer).await.unwrap();
                    buffer[0]
                })
            })
        })
        .collect();
    let sum: u8 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(sum, 6);
}

#[test]
fn a_sleep_is_never_early() {
    run(async {
        for micros in [50, 400, 1_000, 1_700, 2_300, 5_001, 20_000] {
            let start = Instant::now();
            let wanted = Duration::from_micros(micros);
            sleep(wanted).await;
            let slept = start.elapsed();
            assert!(slept >= wanted, "{slept:?} of {wanted:?}");
        }
    });
}

#[test]
fn a_shorter_sleep_after_a_longer_one_was_dropped_is_on_time() {
    run(async {
        for _ in 0..3 {
            let long = giambio::move_on_after(Duration::from_millis(2), sleep(Duration::from_secs(100))).await;
            assert!(long.is_none());
            let start = Instant::now();
            sleep(Duration::from_millis(5)).await;
            assert!(start.elapsed() < Duration::from_secs(50));
        }
    });
}

/// A future that another thread completes.
fn from_thread(rounds: usize) -> impl Future<Output = usize> {
    let shared = Arc::new(Mutex::new((0_usize, None::<Waker>)));
    let theirs = shared.clone();
    thread::spawn(move || {
        for _ in 0..rounds {
            let mut state = theirs.lock().unwrap();
            state.0 += 1;
            let waker = state.1.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
            thread::yield_now();
        }
    });
    poll_fn(move |cx| {
        let mut state = shared.lock().unwrap();
        if state.0 == rounds {
            return Poll::Ready(state.0);
        }
        state.1 = Some(cx.waker().clone());
        Poll::Pending
    })
}

#[test]
fn no_wake_from_another_thread_is_lost() {
    for _ in 0..200 {
        assert_eq!(run(from_thread(20)), 20);
    }
}

#[test]
fn a_wake_from_another_thread_ends_a_wait_for_sockets_and_one_for_a_deadline() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut accept = Box::pin(listener.accept());
        assert!(crate::common::poll_once(&mut accept).await.is_none());
        assert_eq!(from_thread(1000).await, 1000);
        let timed = giambio::move_on_after(Duration::from_secs(1000), from_thread(1000)).await;
        assert_eq!(timed, Some(1000));
    });
}

#[test]
fn an_idle_loop_turns_only_when_something_happens() {
    let clock = StdClock::new();
    let mut idle = Idle::new(clock).unwrap();
    let main = async {
        let (_client, server) = pair().await;
        let mut buffer = [0; 8];
        let receive = giambio::move_on_after(Duration::from_millis(60), server.receive(&mut buffer));
        giambio::move_on_after(Duration::from_secs(1000), receive).await.flatten().is_none()
    };
    let mut runtime = pin!(Runtime::new(clock, main).with_notify(idle.waker()));
    let mut turns = 0;
    let silent = loop {
        turns += 1;
        match runtime.as_mut().turn() {
            Next::Finished(value) => break value,
            Next::Wait(until) => idle.wait(until),
        }
    };
    assert!(silent);
    assert!(turns < 20, "{turns} turns for one connection and one deadline");
}

#[test]
fn a_loop_by_hand_does_what_run_does() {
    let clock = StdClock::new();
    let mut idle = Idle::new(clock).unwrap();
    let main = async {
        let (client, server) = pair().await;
        sleep(Duration::from_millis(1)).await;
        client.send_all(b"x").await.unwrap();
        server.receive(&mut [0; 8]).await.unwrap()
    };
    let mut runtime = pin!(Runtime::new(clock, main).with_notify(idle.waker()));
    let received = loop {
        match runtime.as_mut().turn() {
            Next::Finished(value) => break value,
            Next::Wait(until) => idle.wait(until),
        }
    };
    assert_eq!(received, 1);
}

#[test]
fn two_loops_take_turns_on_one_thread() {
    let clock = StdClock::new();
    let (mut idle_one, mut idle_two) = (Idle::new(clock).unwrap(), Idle::new(clock).unwrap());
    let mut one = pin!(Runtime::new(clock, sleep(Duration::from_millis(30))).with_notify(idle_one.waker()));
    let mut two = pin!(Runtime::new(clock, sleep(Duration::from_millis(10))).with_notify(idle_two.waker()));
    let start = Instant::now();
    let deadline = |next: Next<()>| match next {
        Next::Wait(Until::At(tick)) => Some(tick),
        Next::Finished(()) => None,
        Next::Wait(Until::Now | Until::OnWake) => panic!("it only sleeps"),
    };
    let later = deadline(one.as_mut().turn()).unwrap();
    let sooner = deadline(two.as_mut().turn()).unwrap();
    idle_two.wait(Until::At(sooner));
    while let Some(tick) = deadline(two.as_mut().turn()) {
        idle_two.wait(Until::At(tick));
    }
    idle_one.wait(Until::At(later));
    while let Some(tick) = deadline(one.as_mut().turn()) {
        idle_one.wait(Until::At(tick));
    }
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_clock_of_the_users_decides_what_time_it_is() {
    /// Milliseconds, ten times as fast as real ones.
    struct Fast(StdClock);
    impl Clock for Fast {
        const HZ: u64 = 1_000;
        fn now(&self) -> Tick {
            Tick(self.0.now().0 / 100_000)
        }
    }
    let start = Instant::now();
    builder().clock(Fast(StdClock::new())).run(sleep(Duration::from_millis(100)));
    assert!(start.elapsed() >= Duration::from_millis(9));
}

/// Runs `test` on a thread of its own, and fails if it hangs.
fn in_time(test: impl FnOnce() + Send + 'static) {
    let (ended, end) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        let _ = ended.send(());
    });
    if end.recv_timeout(Duration::from_secs(20)) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("it hangs");
    }
    thread.join().unwrap();
}

#[test]
fn a_clock_that_jumps_while_the_loop_is_awake_is_asked_before_the_loop_sleeps() {
    const HOUR: Duration = Duration::from_secs(3600);
    /// As one that counts the time in which the machine was suspended.
    struct Jumping(StdClock, AtomicU64);
    impl Clock for Jumping {
        const HZ: u64 = StdClock::HZ;
        fn now(&self) -> Tick {
            Tick(self.0.now().0 + self.1.load(Ordering::Relaxed))
        }
    }
    in_time(|| {
        let clock = &Jumping(StdClock::new(), AtomicU64::new(0));
        builder().clock(clock).run(async {
            let wait_then_jump = async {
                woken_by_a_thread(Duration::from_millis(20)).await; // by then the loop sleeps, with its alarm in an hour
                clock.1.store(HOUR.as_nanos() as u64, Ordering::Relaxed);
            };
            futures_lite::future::zip(sleep(HOUR), wait_then_jump).await;
        });
    });
}

#[test]
fn no_slack_puts_off_the_first_deadline() {
    in_time(|| builder().timer_slack(Duration::MAX).run(sleep(Duration::from_millis(5))));
}

#[test]
fn all_clocks_of_the_process_agree_and_one_may_be_static() {
    static CLOCK: StdClock = StdClock::new();
    let first = CLOCK.now();
    thread::sleep(Duration::from_millis(5));
    let second = StdClock::new().now();
    assert!(second.0 - first.0 >= 5_000_000, "{first:?}, {second:?}");
    assert!(CLOCK.now() >= second);
}

#[test]
fn a_future_that_never_ends_can_be_left_by_a_deadline() {
    assert_eq!(run(giambio::move_on_after(Duration::from_millis(2), pending::<()>())), None);
}

#[test]
fn any_number_of_events_per_wait_is_good() {
    for number in [1, 1 << (usize::BITS / 2 + 1), usize::MAX] {
        let events = std::num::NonZeroUsize::new(number).unwrap();
        let slept = builder().events_per_wait(events).try_run(sleep(Duration::from_millis(1)));
        assert!(slept.is_ok(), "{number}");
    }
}
