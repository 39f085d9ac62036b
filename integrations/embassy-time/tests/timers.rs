//! Embassy's timers and primitives in giambio's tasks, in virtual time.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::{Duration, Instant, Ticker, TimeoutError, Timer, with_timeout};
use giambio_core::{Next, Runtime, Until, VirtualClock, move_on_after, nursery, sleep};
use giambio_embassy_time::Driver;

static CLOCK: VirtualClock = VirtualClock::new();

giambio_embassy_time::driver!(static EMBASSY: Driver<&'static VirtualClock, 4> = Driver::new(&CLOCK));

/// There is one clock, and one driver.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs with the driver, in a world where waiting takes no time.
fn run<T>(main: impl Future<Output = T>) -> T {
    let _alone = alone();
    run_alone(main)
}

fn run_alone<T>(main: impl Future<Output = T>) -> T {
    let main = nursery(async |n| {
        n.child().daemon().spawn(async { match EMBASSY.run().await {} });
        Ok::<_, Infallible>(main.await)
    });
    let mut runtime = pin!(Runtime::new(&CLOCK, main));
    for _ in 0..100_000 {
        match runtime.as_mut().turn() {
            Next::Finished(Ok(value)) => return value,
            Next::Wait(Until::Now) => {}
            Next::Wait(Until::At(tick)) => CLOCK.advance_to(tick),
            Next::Wait(Until::OnWake) => panic!("deadlock: all tasks wait, for no timer"),
        }
    }
    panic!("no end")
}

#[test]
fn a_timer_ends_when_its_time_has_come_and_not_before() {
    run(async {
        let start = Instant::now();
        Timer::after_millis(250).await;
        assert_eq!(start.elapsed(), Duration::from_millis(250));
        let mut ticker = Ticker::every(Duration::from_secs(1));
        for second in 1..=3 {
            ticker.next().await;
            assert_eq!(start.elapsed(), Duration::from_millis(250 + 1000 * second));
        }
    });
}

#[test]
fn timers_of_both_kinds_keep_one_order() {
    let log = Mutex::new(Vec::new());
    run(async {
        let Ok(()) = nursery(async |n| {
            for millis in [30, 10, 50] {
                let log = &log;
                n.spawn(async move {
                    Timer::after_millis(millis).await;
                    log.lock().unwrap().push(millis);
                    Ok::<(), Infallible>(())
                });
                n.spawn(async move {
                    sleep(core::time::Duration::from_millis(millis + 10)).await;
                    log.lock().unwrap().push(millis + 10);
                    Ok(())
                });
            }
            Ok(())
        })
        .await;
    });
    assert_eq!(*log.lock().unwrap(), [10, 20, 30, 40, 50, 60]);
}

#[test]
fn a_sooner_timer_that_was_dropped_does_not_hold_the_later_one_up() {
    run(async {
        let start = Instant::now();
        assert!(move_on_after(core::time::Duration::from_millis(1), Timer::after_millis(5)).await.is_none());
        Timer::after_millis(20).await;
        assert_eq!(start.elapsed(), Duration::from_millis(21));
        assert_eq!(with_timeout(Duration::from_millis(3), Timer::after_secs(9)).await, Err(TimeoutError));
        assert_eq!(start.elapsed(), Duration::from_millis(24));
    });
}

#[test]
fn more_tasks_than_there_are_places_all_get_their_time() {
    run(async {
        let start = Instant::now();
        // Those that found no room are awake all the time, so time has to pass by itself.
        let Ok(()) = nursery(async |n| {
            n.child().daemon().spawn(async {
                loop {
                    CLOCK.advance(core::time::Duration::from_micros(100));
                    giambio_core::checkpoint().await;
                }
            });
            for millis in 1..=10 {
                n.spawn(async move {
                    Timer::after_millis(millis).await;
                    assert!(start.elapsed() >= Duration::from_millis(millis));
                    Ok::<(), Infallible>(())
                });
            }
            Ok(())
        })
        .await;
    });
}

#[test]
fn channels_of_embassy_sync_carry_values_between_our_tasks() {
    static CHANNEL: Channel<CriticalSectionRawMutex, u32, 2> = Channel::new();
    let sum = run(async {
        let Ok(sum) = nursery(async |n| {
            n.spawn(async {
                for value in 1..=100 {
                    CHANNEL.send(value).await;
                }
                Ok::<(), Infallible>(())
            });
            let mut sum = 0;
            for _ in 1..=100 {
                sum += CHANNEL.receive().await;
            }
            Ok(sum)
        })
        .await;
        sum
    });
    assert_eq!(sum, 5050);
}

#[test]
fn after_all_is_over_nobody_waits() {
    let _alone = alone();
    // A timer that was dropped may still be noted, until its time has come.
    CLOCK.advance(core::time::Duration::from_secs(3600));
    run_alone(Timer::after_millis(1));
    assert_eq!(format!("{EMBASSY:?}"), "Driver(0 of 4 waiting)");
}
