//! Timers that are given up or have fired leave nothing.

use std::cell::Cell;
use std::pin::pin;

use crate::common::*;
use giambio_core::{Next, Runtime, Tick, Until, VirtualClock, move_on_after, sleep};

#[test]
fn a_million_timers_set_and_cancelled_leave_nothing() {
    let _alone = alone();
    let time = VirtualClock::<1_000_000_000>::new();
    let event = Event::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        let before = CountingAlloc::bytes();
        for _ in 0..100_000 {
            // Ten at a time, set, then dropped unfired.
            let mut waits = [(); 10].map(|()| Box::pin(sleep(secs(3_600))));
            for wait in &mut waits {
                assert!(poll_once(wait.as_mut()).await.is_pending());
            }
        }
        assert_eq!(CountingAlloc::bytes(), before);
        event.wait().await;
    }));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake), "no timer may be left");
    event.set();
    assert_eq!(settle(runtime.as_mut()), Next::Finished(()));
}

#[test]
fn a_hundred_thousand_pending_timers_are_dropped_in_any_order() {
    let _alone = alone();
    // Where timers are in a sorted list, so many of them are out of place.
    let crowd = if cfg!(feature = "many-timers") { 100_000 } else { 2_000 };
    let time = VirtualClock::<1_000_000_000>::new();
    let mut runtime = pin!(Runtime::new(&time, async {
        let mut rng = Rng(1);
        let mut waits = Vec::new();
        for _ in 0..crowd {
            let mut wait = Box::pin(sleep(millis(1 + rng.below(1_000_000))));
            assert!(poll_once(wait.as_mut()).await.is_pending());
            waits.push(wait);
        }
        while !waits.is_empty() {
            let i = rng.below(waits.len() as u64) as usize;
            drop(waits.swap_remove(i));
        }
        forever::<()>().await
    }));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
}

#[test]
fn setting_a_timer_allocates_nothing() {
    run_virtual(async {
        let mut wait = pin!(sleep(secs(5)));
        let mut others = Vec::new();
        for i in 0..1_000 {
            let mut other = Box::pin(sleep(secs(1 + i)));
            assert!(poll_once(other.as_mut()).await.is_pending());
            others.push(other);
        }
        let before = CountingAlloc::calls();
        assert!(poll_once(wait.as_mut()).await.is_pending());
        for _ in 0..1_000 {
            assert_eq!(move_on_after(secs(7), async { 1 }).await, Some(1));
            let mut dropped = pin!(sleep(secs(9)));
            assert!(poll_once(dropped.as_mut()).await.is_pending());
        }
        assert_eq!(CountingAlloc::calls(), before);
    });
}

#[test]
fn a_sleep_dropped_after_it_fired_and_before_it_was_seen_leaves_nothing() {
    let _alone = alone();
    let time = VirtualClock::<1_000_000_000>::new();
    let (open, event) = (Cell::new(true), Event::new());
    let mut runtime = pin!(Runtime::new(&time, async {
        {
            let mut wait = pin!(pausing(&open, sleep(secs(1))));
            assert!(poll_once(wait.as_mut()).await.is_pending());
            open.set(false);
            event.wait().await; // the timer wakes us here, for nothing
        }
        forever::<()>().await
    }));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::At(Tick(1_000_000_000))));
    time.advance(secs(1));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    event.set();
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    time.advance(secs(5));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
}
