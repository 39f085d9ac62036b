//! Intervals: no drift, at any rate, and ticks that were missed.

use std::pin::pin;
use std::time::Duration;

use super::at;
use crate::common::*;
use giambio_core::{
    Clock, Instant, Runtime, Tick, VirtualClock, clock, interval, interval_at, move_on_after, move_on_at, sleep,
};

#[test]
fn an_interval_ticks_first_after_one_period() {
    run_virtual(async {
        sleep(secs(3)).await;
        let mut ticks = interval(secs(10));
        assert_eq!(ticks.period(), secs(10));
        for i in 1..=5 {
            assert_eq!(ticks.tick().await, at(3 + 10 * i));
            assert_eq!(clock(), at(3 + 10 * i));
        }
    });
}

#[test]
fn an_interval_does_not_drift_however_long_the_work_takes() {
    run_virtual(async {
        let mut ticks = interval(secs(10));
        let mut rng = Rng(5);
        for i in 1..=100 {
            assert_eq!(ticks.tick().await, at(10 * i));
            assert_eq!(clock(), at(10 * i));
            sleep(millis(rng.below(9_999))).await;
        }
    });
}

#[test]
fn an_interval_does_not_drift_on_a_clock_that_cannot_show_its_period() {
    // 10 ms at 32,768 Hz are 327.68 ticks.
    let _alone = alone();
    let time = VirtualClock::<32_768>::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        let mut ticks = interval(millis(10));
        for i in 1..=1_000u64 {
            let due = ticks.tick().await;
            assert_eq!(due, Instant::from_nanos(i * 10_000_000));
            assert!(clock() >= due);
        }
        time.now()
    }));
    let end = finish(runtime.as_mut(), &time);
    assert_eq!(end, Tick(327_680));
}

#[test]
fn an_interval_that_is_taken_to_a_clock_of_another_rate_begins_anew_there() {
    let _alone = alone();
    let slow = VirtualClock::<1_000>::new();
    let mut ticks = {
        let mut runtime = pin!(Runtime::new(&slow, async {
            let mut ticks = interval(secs(10));
            assert_eq!(ticks.tick().await, at(10));
            ticks
        }));
        finish(runtime.as_mut(), &slow)
    };
    let fast = VirtualClock::<32_768>::new();
    fast.advance(secs(100));
    let mut runtime = pin!(Runtime::new(&fast, async {
        assert_eq!(ticks.tick().await, at(110));
        assert_eq!(clock(), at(110));
        assert_eq!(ticks.tick().await, at(120));
        // One that began at a moment of its own keeps to it, whatever the clock.
        let mut ticks = interval_at(at(125), millis(10));
        for i in 0..100 {
            let due = ticks.tick().await;
            assert_eq!(due, at(125) + i * millis(10));
            assert!(clock() >= due && clock() - due < Duration::from_nanos(30_518));
        }
    }));
    finish(runtime.as_mut(), &fast);
}

/// Takes an interval of each kind through a few ticks by a clock of that rate.
fn keeps_its_beat_at<const HZ: u64>() {
    let _alone = alone();
    let time = VirtualClock::<HZ>::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        let mut all = [interval(secs(10)), interval_at(at(10), secs(10)), interval(secs(10)).skip_missed()];
        for i in 1..=3 {
            for ticks in &mut all {
                assert_eq!(ticks.tick().await, at(10 * i), "{HZ} Hz");
                assert_eq!(clock(), at(10 * i), "{HZ} Hz");
            }
        }
    }));
    finish(runtime.as_mut(), &time);
}

#[test]
fn an_interval_keeps_its_beat_by_a_clock_of_any_rate() {
    keeps_its_beat_at::<1>();
    keeps_its_beat_at::<1_000_000_000>();
    keeps_its_beat_at::<{ (1 << 32) - 1 }>();
    keeps_its_beat_at::<{ 1 << 32 }>();
    keeps_its_beat_at::<{ (1 << 32) + 1 }>();
    keeps_its_beat_at::<{ 6 << 32 }>();
}

#[test]
fn an_interval_tells_clocks_apart_whose_rates_differ_by_a_multiple_of_2_to_the_32() {
    let _alone = alone();
    let slow = VirtualClock::<1_000>::new();
    let mut ticks = {
        let mut runtime = pin!(Runtime::new(&slow, async { interval(secs(10)) }));
        finish(runtime.as_mut(), &slow)
    };
    let fast = VirtualClock::<{ (1 << 32) + 1_000 }>::new();
    let mut runtime = pin!(Runtime::new(&fast, async {
        assert_eq!(ticks.tick().await, at(10));
        assert_eq!(clock(), at(10));
    }));
    finish(runtime.as_mut(), &fast);
}

#[test]
fn missed_ticks_come_one_after_the_other() {
    run_virtual(async {
        let mut ticks = interval(secs(1));
        sleep(millis(3_500)).await;
        for i in 1..=3 {
            assert_eq!(ticks.tick().await, at(i));
            assert_eq!(now(), millis(3_500));
        }
        assert_eq!(ticks.tick().await, at(4));
        assert_eq!(now(), secs(4));
    });
}

#[test]
fn missed_ticks_are_skipped_if_so_wished_and_the_beat_stays() {
    run_virtual(async {
        let mut ticks = interval(secs(1)).skip_missed();
        assert_eq!(ticks.tick().await, at(1));
        sleep(millis(3_500)).await; // 4.5
        ticks.tick().await;
        let next = ticks.tick().await;
        assert_eq!(next.as_nanos() % 1_000_000_000, 0);
        assert!(next > at(4) && next <= at(6), "{next:?}");
        assert_eq!(clock(), next);
        assert_eq!(ticks.tick().await, next + secs(1));
    });
}

#[test]
fn a_tick_that_was_given_up_comes_again() {
    run_virtual(async {
        let mut ticks = interval(secs(10));
        for _ in 0..4 {
            assert_eq!(move_on_after(secs(2), ticks.tick()).await, None);
        }
        assert_eq!(ticks.tick().await, at(10));
        assert_eq!(move_on_at(at(20), ticks.tick()).await, Some(at(20)));
        assert_eq!(ticks.tick().await, at(30));
    });
}

#[test]
fn an_interval_that_starts_in_the_past_catches_up() {
    run_virtual(async {
        sleep(secs(5)).await;
        let mut ticks = interval_at(at(3), secs(1));
        for i in 3..=8 {
            assert_eq!(ticks.tick().await, at(i));
            assert_eq!(clock(), at(i.max(5)));
        }
    });
}

#[test]
fn an_interval_at_the_end_of_time_stops_rather_than_wraps() {
    run_virtual(async {
        let mut ticks = interval_at(Instant::from_nanos(10), Duration::MAX);
        assert_eq!(ticks.tick().await, Instant::from_nanos(10));
        assert_eq!(move_on_after(secs(1_000), ticks.tick()).await, None);
    });
}

#[test]
fn a_tick_that_is_polled_after_its_end_does_not_come_early() {
    run_virtual(async {
        let mut ticks = interval(secs(1));
        let mut tick = pin!(ticks.tick());
        assert_eq!(tick.as_mut().await, at(1));
        assert!(poll_once(tick.as_mut()).await.is_pending());
    });
}

/// By a clock of another rate than the one that the first was begun by.
#[cfg(feature = "std")]
#[test]
fn a_tick_that_is_taken_to_another_clock_is_the_same_and_so_is_the_next() {
    let (slow, fast) = (VirtualClock::<1_000>::new(), VirtualClock::<1_000_000>::new());
    let mut ticks = interval_at(at(9), secs(1));
    {
        let mut tick = Box::pin(ticks.tick());
        {
            let begun = pin!(Runtime::new(&slow, poll_once(tick.as_mut())));
            assert!(begun.run(&mut |_| unreachable!("nothing waits")).is_pending());
        }
        assert_eq!(finish(pin!(Runtime::new(&fast, tick)), &fast), at(9));
    }
    let next = async {
        ticks.tick().await;
        now()
    };
    assert_eq!(finish(pin!(Runtime::new(&fast, next)), &fast), secs(10));
}
