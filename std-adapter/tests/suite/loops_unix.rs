//! Loops of one's own that wait for the reactor's descriptor, and for other things of theirs.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use crate::common::pair;
use giambio::{Idle, Next, Runtime, StdClock, Until, Wait, checkpoint, nursery, run, sleep, unblock, wake_from_signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(20);

/// Waits for the descriptor, at most so long. Is it readable?
fn wait(idle: &Idle<StdClock>, limit: Duration) -> bool {
    let mut sources = [PollFd::new(idle, PollFlags::IN)];
    poll(&mut sources, Some(&Timespec::try_from(limit).unwrap())).unwrap() > 0
}

/// A loop as the documentation has it; how often it went round, and the value.
fn looped<F: Future>(main: F) -> (u32, F::Output) {
    let clock = StdClock::new();
    let mut idle = Idle::new(clock).unwrap();
    let mut runtime = pin!(Runtime::new(clock, main).with_notify(idle.waker()));
    for rounds in 1.. {
        idle.look();
        match runtime.as_mut().turn() {
            Next::Finished(value) => return (rounds, value),
            Next::Wait(until) => {
                let limit = idle.arm(until).unwrap_or(LONG);
                assert!(wait(&idle, limit) || limit < LONG, "nothing came, for too long");
            }
        }
    }
    unreachable!()
}

#[test]
fn a_loop_over_poll_has_sockets_timers_and_threads() {
    let (rounds, sum) = looped(async {
        nursery(async |n| {
            let (one, other) = pair().await;
            n.spawn(async move {
                for i in 0..10 {
                    sleep(MS).await;
                    one.send_all(&[i]).await?;
                }
                Ok::<_, io::Error>(())
            });
            let mut sum = 0;
            for _ in 0..10 {
                let mut byte = [0];
                other.receive_exact(&mut byte).await?;
                sum += byte[0];
                sum += unblock(|| {
                    thread::sleep(MS);
                    1
                })
                .await;
            }
            Ok(sum)
        })
        .await
        .unwrap()
    });
    assert_eq!(sum, 45 + 10);
    assert!(rounds <= 150, "it went round {rounds} times");
}

#[test]
fn a_turn_that_is_not_done_and_a_deadline_limit_the_wait() {
    let clock = StdClock::new();
    let mut idle = Idle::new(clock).unwrap();
    let is_over = &Cell::new(false);
    let mut runtime = pin!(Runtime::new(clock, async {
        while !is_over.get() {
            checkpoint().await;
        }
        sleep(100 * MS).await;
    }));
    let mut turn = |idle: &mut Idle<StdClock>| match runtime.as_mut().turn() {
        Next::Finished(()) => panic!("too early"),
        Next::Wait(until) => idle.arm(until),
    };
    assert_eq!(turn(&mut idle), Some(Duration::ZERO));
    is_over.set(true);
    let limit = turn(&mut idle).unwrap();
    assert!((50 * MS..=101 * MS).contains(&limit), "{limit:?}");
    assert_eq!(idle.arm(Until::OnWake), None);
}

/// What wakes a task of another thread.
type Wakes = fn(&Waker);
const WAYS: [Wakes; 2] = [Waker::wake_by_ref, |waker| assert!(wake_from_signal(waker))];

/// Gives its waker away, and waits for ever.
async fn gives(waker: mpsc::Sender<Waker>) {
    poll_fn(|cx| {
        waker.send(cx.waker().clone()).unwrap();
        Poll::Pending
    })
    .await
}

fn woken_elsewhere(waker: &Waker, wakes: Wakes) {
    thread::scope(|threads| threads.spawn(|| wakes(waker)).join().unwrap());
}

#[test]
fn a_wake_before_the_wait_keeps_the_loop_from_it() {
    for wakes in WAYS {
        let clock = StdClock::new();
        let mut idle = Idle::new(clock).unwrap();
        let (sender, wakers) = mpsc::channel();
        let mut runtime = pin!(Runtime::new(clock, gives(sender)).with_notify(idle.waker()));
        idle.look();
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
        let waker = wakers.recv().unwrap();
        woken_elsewhere(&waker, wakes); // between the turn and the wait
        assert_eq!(idle.arm(Until::OnWake), Some(Duration::ZERO));
        idle.look();
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
        assert_eq!(wakers.try_iter().count(), 1, "the task was polled again");
        assert_eq!(idle.arm(Until::OnWake), None);
        assert!(!wait(&idle, Duration::ZERO), "all that came is taken");
    }
}

/// A loop of the thread that has its turn and its wait by the descriptor.
fn rests(idle: &mut Idle<StdClock>, mut runtime: Pin<&mut Runtime<impl Future<Output = ()>, StdClock>>) {
    idle.look();
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
    assert_eq!(idle.arm(Until::OnWake), None);
}

#[test]
fn a_loop_that_sleeps_is_rung_for_whatever_other_loops_of_the_thread_do() {
    for wakes in WAYS {
        let clock = StdClock::new();
        let mut idle = Idle::new(clock).unwrap();
        let (sender, wakers) = mpsc::channel();
        let mut runtime = pin!(Runtime::new(clock, gives(sender)).with_notify(idle.waker()));
        rests(&mut idle, runtime.as_mut());
        for round in 0..4 {
            match round {
                0 => {}
                1 => run(async { unblock(|| ()).await }),
                2 => {
                    let mut other = Idle::new(clock).unwrap();
                    let mut ends = pin!(Runtime::new(clock, async {}).with_notify(other.waker()));
                    other.look();
                    assert_eq!(ends.as_mut().turn(), Next::Finished(()));
                }
                _ => Idle::new(clock).unwrap().wait(Until::Now),
            }
            let waker = wakers.recv().unwrap();
            thread::scope(|threads| {
                threads.spawn(|| {
                    thread::sleep(2 * MS);
                    wakes(&waker);
                });
                assert!(wait(&idle, LONG), "nobody rang in round {round}");
            });
            rests(&mut idle, runtime.as_mut());
        }
    }
}

type Takes = fn(&mut Idle<StdClock>);

/// What other loops of the thread may do while one sleeps: each looks at least once. One of them is there all along.
fn other_loops() -> [(&'static str, Takes); 5] {
    let looks: Takes = |_| {
        let clock = StdClock::new();
        let mut other = Idle::new(clock).unwrap();
        let mut runtime = pin!(Runtime::new(clock, sleep(2 * MS)).with_notify(other.waker()));
        loop {
            other.look();
            let Next::Wait(until) = runtime.as_mut().turn() else { break };
            let limit = other.arm(until).unwrap_or(LONG);
            wait(&other, limit);
        }
    };
    [
        ("a run that waits", |_| run(sleep(2 * MS))),
        ("a run that waits for threads", |_| {
            run(async {
                for _ in 0..3 {
                    unblock(|| thread::sleep(MS)).await;
                }
            })
        }),
        ("a look of one that goes", |_| _ = Idle::new(StdClock::new()).unwrap().look()),
        ("a look of one that stays", |other| _ = other.look()),
        ("a loop over `arm`", looks),
    ]
}

#[test]
fn what_another_loop_takes_from_the_system_is_told_to_one_that_sleeps() {
    for (what, takes) in other_loops() {
        for wakes in WAYS {
            let clock = StdClock::new();
            let (mut idle, mut other) = (Idle::new(clock).unwrap(), Idle::new(clock).unwrap());
            let (sender, wakers) = mpsc::channel();
            let mut runtime = pin!(Runtime::new(clock, gives(sender)).with_notify(idle.waker()));
            for _ in 0..3 {
                rests(&mut idle, runtime.as_mut());
                woken_elsewhere(&wakers.recv().unwrap(), wakes);
                takes(&mut other);
                assert!(wait(&idle, LONG), "{what} took it");
            }
            rests(&mut idle, runtime.as_mut());
            assert_eq!(wakers.try_iter().count(), 1, "the task was polled again");
            assert!(!wait(&idle, Duration::ZERO), "all that came is taken");
        }
    }
}

#[test]
fn a_socket_that_another_loop_finds_ready_ends_the_sleep_of_the_one_whose_it_is() {
    for (what, takes) in other_loops() {
        let (one, other) = run(pair());
        let clock = StdClock::new();
        let (mut idle, mut beside) = (Idle::new(clock).unwrap(), Idle::new(clock).unwrap());
        let mut runtime = pin!(Runtime::new(clock, async {
            for _ in 0..2 {
                one.receive_exact(&mut [0]).await.unwrap();
            }
        }));
        rests(&mut idle, runtime.as_mut());
        assert_eq!(other.try_send(&[7]).unwrap(), 1);
        assert!(wait(&idle, LONG), "loopback takes a moment");
        takes(&mut beside);
        assert!(wait(&idle, LONG), "{what} took it");
        rests(&mut idle, runtime.as_mut());
        assert!(!wait(&idle, Duration::ZERO), "all that came is taken");
    }
}

/// Between its wait and its look, as in the handler of another event.
#[test]
fn a_loop_inside_of_another_ones_round_goes_round_as_often_as_it_has_to_do_something() {
    let clock = StdClock::new();
    let mut outer = Idle::new(clock).unwrap();
    let (sender, wakers) = mpsc::channel();
    let mut runtime = pin!(Runtime::new(clock, gives(sender)).with_notify(outer.waker()));
    for _ in 0..3 {
        rests(&mut outer, runtime.as_mut());
        let waker = wakers.recv().unwrap();
        let (rounds, ()) = looped(async {
            for _ in 0..5 {
                unblock(move || thread::sleep(MS)).await;
            }
            woken_elsewhere(&waker, Waker::wake_by_ref); // the outer one's
            sleep(20 * MS).await;
        });
        assert!(rounds <= 20, "it went round {rounds} times");
        assert!(wait(&outer, LONG));
    }
}

/// One that is put aside is owed for ever what others took, and told of it once.
#[test]
fn a_loop_that_is_put_aside_keeps_no_other_one_of_its_thread_awake() {
    let clock = StdClock::new();
    let mut aside = Idle::new(clock).unwrap();
    let (sender, wakers) = mpsc::channel();
    let mut runtime = pin!(Runtime::new(clock, gives(sender)).with_notify(aside.waker()));
    rests(&mut aside, runtime.as_mut());
    woken_elsewhere(&wakers.recv().unwrap(), Waker::wake_by_ref);
    let (rounds, ()) = looped(async {
        for _ in 0..10 {
            unblock(|| thread::sleep(MS)).await;
            sleep(MS).await;
        }
    });
    assert!(rounds <= 60, "it went round {rounds} times");
    assert!(wait(&aside, LONG));
}

#[test]
fn all_loops_of_a_thread_have_one_descriptor_and_a_duplicate_is_as_good() {
    let clock = StdClock::new();
    let (mut idle, other) = (Idle::new(clock).unwrap(), Idle::new(clock).unwrap());
    assert_eq!(idle.as_fd().as_raw_fd(), other.as_fd().as_raw_fd());
    let duplicate = idle.as_fd().try_clone_to_owned().unwrap();
    idle.look();
    assert_eq!(idle.arm(Until::OnWake), None);
    let rings = idle.waker();
    thread::spawn(move || rings.wake()).join().unwrap();
    let mut sources = [PollFd::new(&duplicate, PollFlags::IN)];
    assert_eq!(poll(&mut sources, Some(&Timespec { tv_sec: 20, tv_nsec: 0 })).unwrap(), 1);
    // Another one looks for it, and that is that.
    drop(other);
    assert!(!idle.look());
    assert!(!wait(&idle, Duration::ZERO));
}

#[test]
fn a_look_takes_what_has_come_and_waits_for_nothing() {
    let clock = StdClock::new();
    let mut idle = Idle::new(clock).unwrap();
    let (one, other) = run(pair());
    let mut runtime = pin!(Runtime::new(clock, async {
        let mut byte = [0];
        one.receive_exact(&mut byte).await.unwrap();
        byte[0]
    }));
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
    assert!(!idle.look());
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
    assert_eq!(other.try_send(&[7]).unwrap(), 1);
    assert!(wait(&idle, LONG), "loopback takes a moment");
    assert!(!idle.look());
    assert_eq!(runtime.as_mut().turn(), Next::Finished(7));
}

/// What it has taken from the system on the way is another one's, too.
#[test]
fn a_loop_that_a_panic_leaves_keeps_no_wake_from_one_that_sleeps() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a foreign waker");
        }
    }
    for wakes in WAYS {
        let clock = StdClock::new();
        let (mut idle, mut other) = (Idle::new(clock).unwrap(), Idle::new(clock).unwrap());
        let (sender, wakers) = mpsc::channel();
        let mut runtime = pin!(Runtime::new(clock, gives(sender)).with_notify(idle.waker()));
        let (one, peer) = run(pair());
        let mut byte = [0];
        let mut receives = pin!(one.receive(&mut byte));
        assert!(receives.as_mut().poll(&mut Context::from_waker(&Arc::new(Panics).into())).is_pending());
        rests(&mut idle, runtime.as_mut());
        assert_eq!(peer.try_send(&[1]).unwrap(), 1);
        woken_elsewhere(&wakers.recv().unwrap(), wakes);
        // The bell and the socket are there together, and the one who sleeps has not looked yet.
        let left = (0..1000).any(|_| {
            thread::sleep(MS);
            catch_unwind(AssertUnwindSafe(|| other.look())).is_err()
        });
        assert!(left, "loopback takes a moment");
        assert!(wait(&idle, LONG), "the wake was lost");
        rests(&mut idle, runtime.as_mut());
        assert_eq!(wakers.try_iter().count(), 1, "the task was polled again");
    }
}
