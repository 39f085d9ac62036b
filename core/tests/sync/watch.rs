//! The latest of a value.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::by_hand::{ByHand, at_once};
use crate::common::{Live, alone, run_virtual, secs};
use giambio_core::move_on_after;
use giambio_core::sync::Watch;

#[test]
fn each_watcher_is_told_of_a_change_once_and_sees_the_latest() {
    let _alone = alone();
    let watch = Watch::new(1);
    let (mut one, mut other) = (watch.watcher(), watch.watcher());
    assert!(!one.has_changed());
    let mut waits = ByHand::waiting(one.changed());
    assert_eq!((watch.set(2), watch.set(3)), (1, 2));
    waits.goes_on();
    drop(waits);
    assert_eq!((watch.get(), one.has_changed()), (3, false));
    ByHand::waiting(one.changed()).waits();
    assert!(other.has_changed());
    at_once(other.changed());
    ByHand::waiting(other.changed()).waits();
}

#[test]
fn who_begins_to_watch_has_seen_what_is_there() {
    let _alone = alone();
    let watch = Watch::new(1);
    watch.set(2);
    let mut late = watch.watcher();
    let mut waits = ByHand::waiting(late.changed());
    watch.update(|value| *value += 1);
    waits.goes_on();
    drop(waits);
    assert_eq!(late.read(|value| *value), 3);
}

#[test]
fn what_was_read_is_seen_and_what_was_cancelled_is_not() {
    run_virtual(async {
        let watch = Watch::new(1);
        let mut watcher = watch.watcher();
        watch.set(2);
        assert_eq!(watcher.read(|value| *value), 2);
        assert!(!watcher.has_changed());
        assert_eq!(move_on_after(secs(1), watcher.changed()).await, None);
        watch.set(3);
        // Told, and dropped before it looks.
        drop(watcher.changed());
        assert!(watcher.has_changed() && watcher.clone().has_changed());
        let mut told = ByHand::new(watcher.changed());
        assert!(told.poll().is_ready());
        drop(told);
        assert!(!watcher.has_changed());
    });
}

#[test]
fn one_waits_for_what_it_looks_for_beginning_with_what_is_there() {
    let _alone = alone();
    let watch = Watch::new(5);
    let mut watcher = watch.watcher();
    assert_eq!(at_once(watcher.wait_for(|value| (*value == 5).then_some("five"))), "five");
    let looks = Cell::new(0);
    let mut waits = ByHand::waiting(watcher.wait_for(|value| {
        looks.set(looks.get() + 1);
        (*value > 7).then_some(*value)
    }));
    waits.waits();
    watch.set(6);
    assert!(waits.is_woken() && waits.poll().is_pending());
    watch.set(8);
    assert_eq!((waits.goes_on(), looks.get()), (8, 3));
}

#[test]
fn a_look_or_a_change_that_panics_hurts_nobody_else() {
    let _alone = alone();
    let watch = Watch::new(1);
    let (mut one, mut other) = (watch.watcher(), watch.watcher());
    let mut panics = ByHand::waiting(one.wait_for(|value| if *value > 1 { panic!("a look") } else { None::<()> }));
    let mut waits = ByHand::waiting(other.changed());
    assert!(catch_unwind(AssertUnwindSafe(|| watch.update(|_| panic!("a change")))).is_err());
    waits.waits();
    watch.set(2);
    assert!(catch_unwind(AssertUnwindSafe(|| panics.poll())).is_err());
    drop(panics);
    waits.goes_on();
    assert_eq!((watch.get(), watch.read(|value| value + 1)), (2, 3));
}

#[test]
fn old_values_are_dropped_when_new_ones_come() {
    let live = Live::new();
    let watch = Watch::new(live.object());
    drop(watch.set(live.object()));
    assert_eq!((live.made(), live.left()), (2, 1));
    drop(watch);
    assert_eq!(live.left(), 0);
    assert_eq!(Watch::<u32>::default().get(), 0);
}

#[test]
#[cfg(feature = "std")]
fn threads_see_the_latest_in_the_end() {
    use giambio_core::sync::Shared;

    static WATCH: Watch<u32, Shared> = Watch::shared(0);
    let watchers = [(); 3].map(|()| {
        std::thread::spawn(|| {
            let mut watcher = WATCH.watcher();
            let mut last = 0;
            while last < 5_000 {
                let value = futures::executor::block_on(watcher.wait_for(|value| (*value != last).then_some(*value)));
                assert!(value > last);
                last = value;
            }
        })
    });
    for _ in 0..5_000 {
        WATCH.update(|value| *value += 1);
    }
    watchers.into_iter().for_each(|thread| thread.join().unwrap());
}
