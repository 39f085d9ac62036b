//! A value that many look at, or one changes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::by_hand::{ByHand, at_once};
use crate::common::{alone, run_virtual, secs};
use giambio_core::move_on_after;
use giambio_core::sync::RwLock;

#[test]
fn many_look_at_once_and_one_changes_alone() {
    let _alone = alone();
    let lock = RwLock::new(1);
    let looks = [(); 3].map(|()| at_once(lock.read()));
    assert!(lock.try_read().is_some() && lock.try_write().is_none());
    let mut writes = ByHand::waiting(lock.write());
    drop(looks);
    *writes.goes_on() = 2;
    let guard = at_once(lock.write());
    assert!(lock.try_read().is_none() && lock.try_write().is_none());
    drop(guard);
    assert_eq!(*at_once(lock.read()), 2);
    assert_eq!(format!("{lock:?} {:?}", at_once(lock.read())), "RwLock { .. } 2");
}

#[test]
fn who_comes_to_look_overtakes_nobody_who_wants_to_change_it() {
    let _alone = alone();
    let lock = RwLock::new(());
    let look = at_once(lock.read());
    let mut writes = ByHand::waiting(lock.write());
    assert!(lock.try_read().is_none());
    let [mut one, mut other] = [(); 2].map(|()| ByHand::waiting(lock.read()));
    let mut last = ByHand::waiting(lock.write());
    drop(look);
    let whole = writes.goes_on();
    one.waits();
    drop(whole);
    let looks = (one.goes_on(), other.goes_on());
    last.waits();
    drop(looks);
    drop(last.goes_on());
}

#[test]
fn who_wanted_to_change_it_and_leaves_lets_those_behind_look() {
    let _alone = alone();
    let lock = RwLock::new(());
    let _look = at_once(lock.read());
    let writes = ByHand::waiting(lock.write());
    let [mut one, mut other] = [(); 2].map(|()| ByHand::waiting(lock.read()));
    drop(writes);
    let _both = (one.goes_on(), other.goes_on());
}

#[test]
fn who_leaves_after_its_turn_had_come_hands_it_on() {
    let _alone = alone();
    let lock = RwLock::new(());
    let whole = at_once(lock.write());
    let granted = ByHand::waiting(lock.write());
    let looks = ByHand::waiting(lock.read());
    let mut last = ByHand::waiting(lock.write());
    drop(whole);
    drop(granted);
    assert!(looks.is_woken());
    last.waits();
    drop(looks);
    drop(last.goes_on());
    assert!(lock.try_write().is_some());
}

#[test]
fn a_panic_unlocks_it_and_a_cancelled_task_waits_no_more() {
    run_virtual(async {
        let mut lock = RwLock::new(1);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let _whole = lock.try_write().unwrap();
            panic!("half-way");
        }));
        assert!(panic.is_err());
        let look = lock.read().await;
        assert!(move_on_after(secs(1), lock.write()).await.is_none());
        assert!(lock.try_read().is_some());
        drop(look);
        *lock.get_mut() = 5;
        assert_eq!(lock.into_inner(), 5);
    });
}

#[test]
#[cfg(feature = "std")]
fn threads_look_at_once_or_change_it_alone() {
    use giambio_core::sync::Shared;

    static LOCK: RwLock<(u32, u32), Shared> = RwLock::shared((0, 0));
    let threads = [0, 1, 2, 3].map(|number| {
        std::thread::spawn(move || {
            for _ in 0..1_000 {
                if number == 0 {
                    let mut pair = futures::executor::block_on(LOCK.write());
                    pair.0 += 1;
                    std::thread::yield_now();
                    pair.1 += 1;
                } else {
                    let pair = futures::executor::block_on(LOCK.read());
                    assert_eq!(pair.0, pair.1);
                }
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*at_once(LOCK.read()), (1_000, 1_000));
}
