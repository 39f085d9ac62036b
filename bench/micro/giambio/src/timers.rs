//! Timers: set, replaced, fired.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use bench_common::{Meter, SelfWake, TIMERS_A_POLL, cpu_ns, far};
use giambio::{Sleep, nursery, sleep};

/// Polls each for the first time, in several polls of the task.
async fn set_all(timers: &mut [Pin<Box<Sleep>>], mut meter: Option<&mut Meter>) {
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

/// With so many pending, one operation drops one and sets a new one. The box is used again.
pub(crate) async fn replace(n: u64, live: u64) -> Meter {
    let mut timers: Vec<_> = (0..live).map(|i| Box::pin(sleep(far(i)))).collect();
    set_all(&mut timers, None).await;
    let mut meter = Meter::new();
    for poll in 0..n.div_ceil(TIMERS_A_POLL) {
        meter.start();
        poll_fn(|cx| {
            for i in poll * TIMERS_A_POLL..(poll + 1) * TIMERS_A_POLL {
                let timer = &mut timers[(i % live) as usize];
                timer.set(sleep(far(i + live)));
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

/// Sets `n` and drops them all.
pub(crate) async fn set(n: u64) -> Meter {
    let mut timers: Vec<_> = (0..n).map(|i| Box::pin(sleep(far(i)))).collect();
    let mut meter = Meter::new();
    set_all(&mut timers, Some(&mut meter)).await;
    meter.start();
    for timer in &mut timers {
        timer.set(sleep(far(0)));
    }
    meter.stop(0);
    meter
}

/// `n` tasks sleep once each; the deadlines are spread evenly over a second, or 5 µs each if that is more.
pub(crate) async fn fire(n: u64) -> Meter {
    let spread = 1_000_000_000.max(n * 5000);
    let cpu = cpu_ns();
    let begin = Instant::now() + Duration::from_millis(200) + Duration::from_micros(4 * n);
    let late = RefCell::new(Vec::with_capacity(n as usize));
    let mut meter = Meter::new();
    let Ok(()) = nursery(async |scope| {
        for i in 0..n {
            let late = &late;
            scope.spawn(async move {
                let at = begin + Duration::from_nanos(i * spread / n);
                sleep(at.saturating_duration_since(Instant::now())).await;
                late.borrow_mut().push(Instant::now().saturating_duration_since(at).as_nanos() as u64);
                Ok::<_, Infallible>(())
            });
        }
        sleep(begin.saturating_duration_since(Instant::now()) - Duration::from_millis(20)).await;
        meter.tell("setup_cpu_ns", (cpu_ns() - cpu) as f64 / n as f64);
        meter.start();
        Ok(())
    })
    .await;
    meter.stop(n);
    meter.tell_lateness(late.into_inner());
    meter
}
