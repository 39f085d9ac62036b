//! Real threads: runtimes that come and go with their threads, while eight others wake their tasks,
//! and tasks that ended long ago. No wake may be lost, and none may do harm. Laws WAKERS-ARE-NAMES,
//! NO-LOST-WAKE.
#![cfg(feature = "std")]

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::common::*;
use giambio_core::{
    Arena, Next, Runtime, Until, VirtualClock, cancel_scope, checkpoint, move_on_after, nursery, nursery_in,
};

/// So long, and a test that waits for a lost wake has failed.
const WATCHDOG: Duration = Duration::from_secs(120);

/// Runs on this thread, which sleeps until it is notified.
fn run_parked<F: Future>(main: F) -> F::Output {
    struct Unpark(Thread, AtomicBool);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.1.store(true, SeqCst);
            self.0.unpark();
        }
    }
    let unpark = Arc::new(Unpark(thread::current(), AtomicBool::new(false)));
    let clock: VirtualClock = VirtualClock::new();
    let runtime = pin!(Runtime::new(&clock, main).with_notify(unpark.clone().into()));
    runtime.run(&mut |until| match until {
        Until::Now => {}
        Until::At(tick) => clock.advance_to(tick),
        Until::OnWake => {
            let began = Instant::now();
            while !unpark.1.swap(false, SeqCst) {
                thread::park_timeout(WATCHDOG);
                assert!(began.elapsed() < WATCHDOG, "a wake was lost");
            }
        }
    })
}

/// A task asks to be woken.
struct Request {
    waker: Waker,
    answers: Arc<AtomicU32>,
}

/// Eight threads that answer requests, each after it has fired some wakers of the past.
struct Wakers {
    requests: Mutex<(VecDeque<Request>, bool)>,
    came: Condvar,
}

impl Wakers {
    fn start() -> (Arc<Wakers>, Vec<thread::JoinHandle<()>>) {
        let wakers = Arc::new(Wakers { requests: Mutex::default(), came: Condvar::new() });
        let threads = (0..8).map(|seed| {
            let wakers = wakers.clone();
            thread::spawn(move || wakers.answer(Rng(seed)))
        });
        (wakers.clone(), threads.collect())
    }

    fn answer(&self, mut rng: Rng) {
        let mut old: Vec<Waker> = Vec::new();
        loop {
            let request = {
                let mut requests = self.requests.lock().unwrap();
                loop {
                    match requests.0.pop_front() {
                        Some(request) => break request,
                        None if requests.1 => return,
                        None => requests = self.came.wait(requests).unwrap(),
                    }
                }
            };
            for _ in 0..rng.below(4).min(old.len() as u64) {
                old[rng.below(old.len() as u64) as usize].wake_by_ref();
            }
            request.answers.fetch_add(1, SeqCst);
            request.waker.wake_by_ref();
            if old.len() < 100 {
                old.push(request.waker);
            } else {
                let place = rng.below(100) as usize;
                old[place] = request.waker;
            }
        }
    }

    fn stop(&self, threads: Vec<thread::JoinHandle<()>>) {
        self.requests.lock().unwrap().1 = true;
        self.came.notify_all();
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// Waits until one of them has answered.
    async fn ask(&self) {
        let answers = Arc::new(AtomicU32::new(0));
        let mut asked: Option<Waker> = None;
        poll_fn(|cx| {
            if answers.load(SeqCst) > 0 {
                return Poll::Ready(());
            }
            if !asked.as_ref().is_some_and(|asked| asked.will_wake(cx.waker())) {
                asked = Some(cx.waker().clone());
                let request = Request { waker: cx.waker().clone(), answers: answers.clone() };
                self.requests.lock().unwrap().0.push_back(request);
                self.came.notify_one();
            }
            Poll::Pending
        })
        .await
    }
}

static ARENA: Arena<16, 512> = Arena::new();

/// Tests that look into the arena at their end have it for themselves.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A program of many small tasks: some end, some are cancelled, some live in an arena that all threads
/// share.
async fn program(wakers: &Wakers, seed: u64, live: &Live) {
    let mut rng = Rng(seed);
    let in_arena = rng.one_in(3);
    if in_arena {
        nursery_in(&ARENA, async |n| {
            for _ in 0..10 {
                n.spawn_wait(async {
                    let _object = live.object();
                    wakers.ask().await;
                    Ok::<_, ()>(())
                })
                .await;
            }
            Ok(())
        })
        .await
        .unwrap();
        return;
    }
    nursery(async |n| {
        for _ in 0..10 {
            let deep = rng.one_in(3);
            let task = n.spawn(async move {
                let _object = live.object();
                wakers.ask().await;
                if deep {
                    nursery(async |n| {
                        n.spawn(async { Ok::<_, ()>(wakers.ask().await) });
                        n.spawn(async { Ok(wakers.ask().await) });
                        Ok(())
                    })
                    .await?;
                }
                Ok::<_, ()>(())
            });
            match rng.below(4) {
                0 => task.cancel(),
                1 => {
                    checkpoint().await;
                    task.cancel();
                }
                2 => drop(task.await),
                _ => {}
            }
        }
        let _ = cancel_scope(async |scope| {
            scope.cancel();
            wakers.ask().await;
            wakers.ask().await;
        })
        .await;
        Ok(())
    })
    .await
    .unwrap();
}

#[test]
fn eight_threads_wake_the_tasks_of_runtimes_that_come_and_go_with_their_threads() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner());
    let (wakers, threads) = Wakers::start();
    let runners: Vec<_> = (0..2)
        .map(|runner| {
            let wakers = wakers.clone();
            thread::spawn(move || {
                for round in 0..250 {
                    let wakers = wakers.clone();
                    // Each on a thread of its own, whose home the next one takes over.
                    let one = thread::spawn(move || {
                        for program_of_thread in 0..4 {
                            let live = Live::new();
                            let seed = runner * 1_000_000 + round * 1_000 + program_of_thread;
                            run_parked(program(&wakers, seed, &live));
                            assert_eq!(live.left(), 0);
                        }
                    });
                    one.join().unwrap();
                }
            })
        })
        .collect();
    for runner in runners {
        runner.join().unwrap();
    }
    wakers.stop(threads);
    assert_eq!(ARENA.used(), 0);
}

/// The runtime is dropped half-way, and its thread ends, while all its tasks are being woken.
#[test]
fn eight_threads_wake_tasks_while_their_runtime_is_dropped_and_their_thread_ends() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner());
    let (wakers, threads) = Wakers::start();
    for seed in 0..1_000 {
        let wakers = wakers.clone();
        let thread = thread::spawn(move || {
            let (live, clock) = (Live::new(), VirtualClock::<1000>::new());
            {
                let (_, notify) = Woken::new();
                let mut runtime = pin!(Runtime::new(&clock, program(&wakers, seed, &live)).with_notify(notify));
                for _ in 0..seed % 20 {
                    if let giambio_core::Next::Finished(()) = runtime.as_mut().turn() {
                        break;
                    }
                }
            }
            assert_eq!(live.left(), 0);
        });
        thread.join().unwrap();
    }
    wakers.stop(threads);
}

/// The notifier is the thread's: it is that of another runtime which has its turns in a wait, and then this one's again.
#[test]
fn a_wake_from_another_thread_is_told_to_every_runtime_that_waits() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner());
    let ((outer, notify_outer), (inner, notify_inner)) = (Woken::new(), Woken::new());
    let (clock, wakers, waits) = (VirtualClock::<1000>::new(), crate::common::Wakers::new(), Cell::new(0));
    let others = crate::common::Wakers::new();
    let mut other = pin!(Runtime::new(&clock, others.wait::<()>()).with_notify(notify_inner));
    let wake = |wakers: &crate::common::Wakers| {
        outer.take();
        let waker = wakers.last();
        thread::spawn(|| waker.wake()).join().unwrap();
        (outer.take(), inner.take())
    };
    let main = async {
        let _: u32 = move_on_after(Duration::from_secs(1), wakers.wait()).await.unwrap_or(0);
    };
    pin!(Runtime::new(&clock, main).with_notify(notify_outer)).run(&mut |until| {
        waits.set(waits.get() + 1);
        if waits.get() == 1 {
            assert_eq!(other.as_mut().turn(), Next::Wait(Until::OnWake));
            assert_eq!(wake(&others), (1, 1));
            return;
        }
        assert_eq!(wake(&wakers), (1, 1));
        if let Until::At(tick) = until {
            clock.advance_to(tick);
        }
    });
    assert_eq!(waits.get(), 2);
}
