//! Spans and moments by clocks of any rate, near the ends of their ranges too; nothing is early.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use crate::common::*;
use giambio_core::{
    Clock, Instant, Next, Runtime, Tick, Until, VirtualClock, checkpoint, clock, move_on_after, sleep, sleep_until,
};

#[test]
fn a_sleep_takes_exactly_its_time_by_a_clock_that_counts_nanoseconds() {
    run_virtual(async {
        let mut expected = 0;
        for nanos in [1, 2, 3, 999, 1_000, 1_001, 123_456_789, 1_000_000_000, 86_400_000_000_000] {
            sleep(Duration::from_nanos(nanos)).await;
            expected += nanos;
            assert_eq!(now(), Duration::from_nanos(expected));
        }
    });
}

/// Sleeps on a clock of that frequency end not before their time, and less than `slack` ticks after.
fn never_early_at<const HZ: u64>() {
    let _alone = alone();
    let time = VirtualClock::<HZ>::new();
    let mut rng = Rng(HZ);
    let mut main = async || {
        for round in 0..300 {
            let nanos = match round % 4 {
                0 => rng.below(1_000),
                1 => rng.below(1_000_000_000),
                2 => 1_000_000_000 * rng.below(100),
                _ => rng.below(1_000_000_000_000),
            };
            let span = Duration::from_nanos(nanos + 1);
            let before = time.now().0;
            sleep(span).await;
            let ticks = time.now().0 - before;
            let needed = (span.as_nanos() * u128::from(HZ)).div_ceil(1_000_000_000);
            assert_eq!(u128::from(ticks), needed, "{span:?} at {HZ} Hz, from tick {before}");
        }
    };
    let mut runtime = pin!(Runtime::new(&time, main()));
    finish(runtime.as_mut(), &time);
}

#[test]
fn a_span_is_rounded_up_to_ticks_at_any_frequency() {
    never_early_at::<1>();
    never_early_at::<3>();
    never_early_at::<100>();
    never_early_at::<1_000>();
    never_early_at::<32_768>();
    never_early_at::<1_000_000>();
    never_early_at::<16_777_213>();
    never_early_at::<1_000_000_000>();
    never_early_at::<3_579_545_000>();
}

#[test]
fn a_moment_is_rounded_up_to_ticks() {
    let _alone = alone();
    let time = VirtualClock::<3>::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        for nanos in [1, 333_333_333, 333_333_334, 666_666_667, 999_999_999, 1_000_000_000, 1_000_000_001] {
            let moment = Instant::from_nanos(nanos);
            sleep_until(moment).await;
            assert!(clock() >= moment, "{:?} is before {moment:?}", clock());
            assert!(clock() - moment <= Duration::from_nanos(333_333_334), "{:?} for {moment:?}", clock());
        }
    }));
    finish(runtime.as_mut(), &time);
}

#[test]
fn a_clock_that_lags_by_a_tick_gets_one_more() {
    // A reading of 0 may have been taken just before tick 1: one tick later is no whole tick.
    struct Coarse(VirtualClock<1_000>);
    impl Clock for Coarse {
        const HZ: u64 = 1_000;
        fn now(&self) -> Tick {
            self.0.now()
        }
    }
    let _alone = alone();
    let time = Coarse(VirtualClock::new());
    let ends = Cell::new(None);
    let mut runtime = pin!(Runtime::new(&time, async {
        sleep(millis(1)).await;
        ends.set(Some(clock()));
    }));
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::At(Tick(2))));
    time.0.advance_to(Tick(1));
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::At(Tick(2))));
    assert_eq!(ends.get(), None);
    time.0.advance_to(Tick(2));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(()));
    assert!(ends.get().is_some());
}

#[test]
fn sleeps_near_the_end_of_time_never_end_early() {
    let _alone = alone();
    let time = VirtualClock::<1_000_000_000>::new();
    time.advance_to(Tick(u64::MAX - 1_000));
    let mut runtime = pin!(Runtime::new(&time, async {
        sleep(Duration::from_nanos(10)).await;
        assert_eq!(time.now(), Tick(u64::MAX - 990));
        // What would end beyond the last tick doesn't end.
        for endless in [Duration::from_nanos(991), Duration::from_nanos(u64::MAX), secs(u64::MAX), Duration::MAX] {
            assert_eq!(move_on_after(Duration::from_nanos(10), sleep(endless)).await, None, "{endless:?}");
        }
        assert_eq!(move_on_after(Duration::from_nanos(10), sleep_until(Instant::MAX)).await, None);
        sleep(Duration::from_nanos(10)).await;
        time.now()
    }));
    assert_eq!(finish(runtime.as_mut(), &time), Tick(u64::MAX - 930));
}

#[test]
fn sleeps_beyond_64_bits_never_end() {
    for span in [Duration::MAX, secs(u64::MAX), Duration::from_nanos(u64::MAX)] {
        let _alone = alone();
        let time = VirtualClock::<1_000_000_000>::new();
        let mut runtime = pin!(Runtime::new(&time, sleep(span)));
        for tick in [0, 1, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX - 1] {
            time.advance_to(Tick(tick));
            let next = settle(runtime.as_mut());
            assert!(!matches!(next, Next::Finished(())), "{span:?} ended at tick {tick}");
        }
    }
    // The same on a slow clock, where seconds are few ticks and the ticks last for ever.
    let _alone = alone();
    let time = VirtualClock::<1>::new();
    let mut runtime = pin!(Runtime::new(&time, sleep(Duration::MAX)));
    time.advance_to(Tick(u64::MAX - 1));
    assert!(!matches!(settle(runtime.as_mut()), Next::Finished(())));
}

#[test]
fn a_clock_at_its_end_still_yields() {
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    time.advance_to(Tick(u64::MAX));
    let mut runtime = pin!(Runtime::new(&time, async {
        sleep(secs(0)).await;
        checkpoint().await;
        let _ = clock();
    }));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(()));
}

#[test]
fn instants_saturate() {
    let one = Duration::from_nanos(1);
    assert_eq!(Instant::MAX + one, Instant::MAX);
    assert_eq!(Instant::from_nanos(0) - one, Instant::from_nanos(0));
    assert_eq!(Instant::from_nanos(5) - Instant::from_nanos(9), Duration::ZERO);
    assert_eq!(Instant::from_nanos(9).duration_since(Instant::from_nanos(5)), Duration::from_nanos(4));
    assert_eq!(Instant::MAX.checked_add(one), None);
    assert_eq!(Instant::from_nanos(1).checked_add(Duration::MAX), None);
    assert_eq!(Instant::from_nanos(1).checked_add(one), Some(Instant::from_nanos(2)));
}

#[test]
fn a_virtual_clock_never_goes_backwards() {
    let time = VirtualClock::<1_000>::new();
    time.advance_to(Tick(100));
    time.advance_to(Tick(50));
    assert_eq!(time.now(), Tick(100));
    time.advance(Duration::from_nanos(1));
    assert_eq!(time.now(), Tick(101));
    time.advance(Duration::MAX);
    time.advance(Duration::MAX);
    assert_eq!(time.now(), Tick(u64::MAX));
}

#[cfg(feature = "std")]
#[test]
fn the_time_outside_of_a_runtime_is_a_clear_panic() {
    let uses: [fn(); 3] = [
        || assert_eq!(clock(), Instant::from_nanos(0)),
        || assert!(poll_with_nobody(pin!(sleep(secs(1)))).is_pending()),
        || assert_eq!(giambio_core::interval(secs(1)).period(), secs(1)),
    ];
    for use_of in uses {
        let panic = std::panic::catch_unwind(use_of).unwrap_err();
        let text = panic.downcast_ref::<String>().expect("a message");
        assert!(text.contains("outside a runtime"), "{text}");
    }
    assert_eq!(giambio_core::effective_deadline(), None);
}
