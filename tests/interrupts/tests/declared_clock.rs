//! A program without `std` that has declared its clock: its spans are converted when it is built, and come out as they do at
//! run time. (What it saves is for the firmware benchmarks to say.)
#![cfg(feature = "clock")]
use std::cell::Cell;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use giambio_core::*;

struct Cs;
critical_section::set_impl!(Cs);
// SAFETY: one test runs at a time, and nothing interrupts it.
unsafe impl critical_section::Impl for Cs {
    unsafe fn acquire() -> u8 {
        0
    }
    unsafe fn release(_: u8) {}
}

static MILLIS: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Copy)]
struct Millis;

impl Clock for Millis {
    const HZ: u64 = 1000;
    const LAG: u64 = 1;

    fn now(&self) -> Tick {
        Tick(MILLIS.load(Relaxed))
    }
}

giambio_core::clock!(Millis = Millis);

static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Runs from tick 0 on; at which ticks it has waited.
fn run<T>(main: impl Future<Output = T>) -> (T, Vec<u64>) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner());
    MILLIS.store(0, Relaxed);
    let mut waits = Vec::new();
    let value = pin!(Runtime::new(Millis, main)).run(&mut |until| match until {
        Until::At(Tick(tick)) => {
            waits.push(tick);
            MILLIS.store(tick, Relaxed);
        }
        until => panic!("{until:?}"),
    });
    (value, waits)
}

#[test]
fn a_sleep_ends_as_many_ticks_later_as_its_span_has_and_never_early() {
    let (slept, waits) = run(async {
        sleep(Duration::from_millis(10)).await;
        sleep(Duration::from_micros(1)).await;
        sleep(Duration::ZERO).await;
        sleep_until(Instant::from_nanos(20_000_001)).await;
        clock() - Instant::from_nanos(0)
    });
    assert_eq!(waits, [11, 13, 21], "rounded up, and a tick more for the one that is about to pass");
    assert_eq!(slept, Duration::from_millis(21));
}

#[test]
fn an_interval_has_no_drift_though_its_period_is_no_whole_number_of_ticks() {
    let (ticks, waits) = run(async {
        let mut interval = interval(Duration::from_micros(1500));
        assert_eq!(interval.period(), Duration::from_micros(1500));
        let mut ticks = Vec::new();
        for _ in 0..4 {
            ticks.push(interval.tick().await.as_nanos());
        }
        let mut at = interval_at(Instant::from_nanos(9_000_000), Duration::from_millis(2)).skip_missed();
        sleep_until(Instant::from_nanos(12_000_000)).await;
        ticks.push(at.tick().await.as_nanos());
        ticks.push(at.tick().await.as_nanos());
        ticks
    });
    assert_eq!(ticks, [1_500_000, 3_000_000, 4_500_000, 6_000_000, 9_000_000, 13_000_000]);
    assert_eq!(waits, [2, 3, 5, 6, 12, 13]);
}

#[test]
fn deadlines_go_by_it_too() {
    let (result, waits) = run(async {
        let outer = fail_after(Duration::from_millis(5), async {
            assert_eq!(effective_deadline(), Some(Instant::from_nanos(6_000_000)));
            move_on_after(Duration::from_millis(2), sleep(Duration::from_secs(1))).await
        });
        outer.await.map(|inner| inner.is_none())
    });
    assert_eq!((result, waits), (Ok(true), vec![3]));
}

#[test]
fn a_program_that_is_one_nursery_goes_by_it() {
    static TASKS: Arena<2, 256> = Arena::new();
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner());
    MILLIS.store(0, Relaxed);
    let beats = Cell::new(0);
    let mut wait = |until| {
        if let Until::At(Tick(tick)) = until {
            MILLIS.store(tick, Relaxed);
        }
    };
    let result: Result<(), ()> = run_nursery(Millis, &TASKS, &mut wait, async |n| {
        n.child()
            .daemon()
            .spawn_wait(async {
                let mut ticks = interval(Duration::from_millis(25));
                loop {
                    ticks.tick().await;
                    beats.set(beats.get() + 1);
                }
            })
            .await;
        sleep(Duration::from_secs(1)).await;
        Ok(())
    });
    assert_eq!((result, beats.get()), (Ok(()), 40));
}

#[test]
#[should_panic(expected = "has declared a clock of another rate")]
fn a_clock_of_another_rate_is_refused() {
    let clock: VirtualClock = VirtualClock::new();
    let _ = pin!(Runtime::new(&clock, async {})).turn();
}
