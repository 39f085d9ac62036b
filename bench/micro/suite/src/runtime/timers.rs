//! Timers: set, replaced, fired.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bench_common::{Meter, SelfWake, TIMERS_A_POLL, cpu_ns, far};

use super::Runtime;

/// Polls each for the first time, in several polls of the task.
async fn set_all<T: Future<Output = ()>>(timers: &mut [Pin<Box<T>>], mut meter: Option<&mut Meter>) {
    for some in timers.chunks_mut(TIMERS_A_POLL as usize) {
        if let Some(meter) = &mut meter {
            meter.start();
        }
        poll_fn(|cx| {
            for timer in &mut *some {
                assert!(timer.as_mut().poll(cx).is_pending());
            }
            Poll::Ready(())
        })
        .await;
        if let Some(meter) = &mut meter {
            meter.stop(some.len() as u64);
        }
        SelfWake::default().await;
    }
}

/// The box is used again, so that only the runtime's own allocations count.
pub(super) async fn replace<R: Runtime>(n: u64, live: u64) -> Meter {
    let mut timers: Vec<_> = (0..live).map(|i| Box::pin(R::sleep(far(i)))).collect();
    set_all(&mut timers, None).await;
    let mut meter = Meter::new();
    for poll in 0..n.div_ceil(TIMERS_A_POLL) {
        meter.start();
        poll_fn(|cx| {
            for i in poll * TIMERS_A_POLL..(poll + 1) * TIMERS_A_POLL {
                let timer = &mut timers[(i % live) as usize];
                timer.set(R::sleep(far(i + live)));
                assert!(timer.as_mut().poll(cx).is_pending());
            }
            Poll::Ready(())
        })
        .await;
        meter.stop(TIMERS_A_POLL);
        SelfWake::default().await; // the loop turns over, as in a real program
    }
    meter
}

pub(super) async fn set<R: Runtime>(n: u64) -> Meter {
    let mut timers: Vec<_> = (0..n).map(|i| Box::pin(R::sleep(far(i)))).collect();
    let mut meter = Meter::new();
    set_all(&mut timers, Some(&mut meter)).await;
    meter.start();
    for timer in &mut timers {
        timer.set(R::sleep(far(0)));
    }
    meter.stop(0);
    meter
}

pub(super) async fn fire<R: Runtime>(n: u64) -> Meter {
    let spread = 1_000_000_000.max(n * 5000);
    let cpu = cpu_ns();
    let begin = Instant::now() + Duration::from_millis(200) + Duration::from_micros(4 * n);
    let late = Rc::new(RefCell::new(Vec::with_capacity(n as usize)));
    let mut tasks = Vec::with_capacity(n as usize);
    for i in 0..n {
        let late = late.clone();
        tasks.push(R::spawn(async move {
            let at = begin + Duration::from_nanos(i * spread / n);
            R::sleep(at.saturating_duration_since(Instant::now())).await;
            late.borrow_mut().push(Instant::now().saturating_duration_since(at).as_nanos() as u64);
        }));
    }
    let quiet = begin - Duration::from_millis(20);
    R::sleep(quiet.saturating_duration_since(Instant::now())).await;
    let mut meter = Meter::new();
    meter.tell("setup_cpu_ns", (cpu_ns() - cpu) as f64 / n as f64);
    meter.start();
    for task in tasks {
        R::join(task).await;
    }
    meter.stop(n);
    meter.tell_lateness(late.take());
    meter
}
