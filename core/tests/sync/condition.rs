//! Something that is looked for again and again.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::by_hand::{ByHand, at_once};
use crate::common::{alone, run_virtual, secs};
use giambio_core::sync::Condition;
use giambio_core::{cancel_scope, move_on_after, sleep};

/// Takes `n` of what is left, if there is so much.
fn take(left: &Cell<u32>, n: u32) -> impl FnMut() -> Option<u32> {
    move || {
        left.set(left.get().checked_sub(n)?);
        Some(n)
    }
}

#[test]
fn who_waits_looks_again_when_it_is_notified_and_not_before() {
    let _alone = alone();
    let (left, condition) = (Cell::new(1), Condition::new());
    assert_eq!(at_once(condition.wait_for(take(&left, 1))), 1);
    let mut waits = ByHand::waiting(condition.wait_for(take(&left, 2)));
    left.set(2);
    waits.waits();
    condition.notify_all();
    assert_eq!((waits.goes_on(), left.get()), (2, 0));
}

#[test]
fn all_look_in_the_order_in_which_they_came_and_those_who_find_nothing_wait_on() {
    let _alone = alone();
    let (left, condition) = (Cell::new(0), Condition::new());
    let mut all = [1, 5, 2].map(|n| ByHand::waiting(condition.wait_for(take(&left, n))));
    left.set(4);
    condition.notify_all();
    assert!(all.iter().all(ByHand::is_woken));
    let found = all.each_mut().map(|one| one.poll().is_ready());
    assert_eq!((found, left.get()), ([true, false, true], 1));
    left.set(5);
    condition.notify_all();
    assert_eq!(all[1].goes_on(), 5);
}

#[test]
fn a_change_that_is_notified_while_one_looks_is_not_missed() {
    let _alone = alone();
    let (left, condition) = (Cell::new(0), Condition::new());
    let mut waits = ByHand::new(condition.wait_for(|| {
        let found = take(&left, 1)();
        if found.is_none() {
            // As an interrupt or another thread does.
            left.set(1);
            condition.notify_all();
        }
        found
    }));
    assert!(waits.poll().is_ready() || waits.is_woken() && waits.poll().is_ready());
}

#[test]
fn a_look_that_panics_hurts_nobody_else() {
    let _alone = alone();
    let (left, condition) = (Cell::new(0), Condition::new());
    let mut before = ByHand::waiting(condition.wait_for(take(&left, 1)));
    let mut panics =
        ByHand::waiting(condition.wait_for(|| if left.get() > 0 { panic!("a look") } else { None::<u32> }));
    let mut behind = ByHand::waiting(condition.wait_for(take(&left, 1)));
    left.set(3);
    condition.notify_all();
    assert_eq!(before.goes_on(), 1);
    let panic = catch_unwind(AssertUnwindSafe(|| panics.poll()));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"a look"));
    drop(panics);
    assert_eq!(behind.goes_on(), 1);
    let mut last = ByHand::waiting(condition.wait_for(take(&left, 2)));
    left.set(2);
    condition.notify_all();
    assert_eq!(last.goes_on(), 2);
}

#[test]
fn who_leaves_is_forgotten_and_cancelled_code_does_not_look() {
    run_virtual(async {
        let (looks, condition) = (Cell::new(0), Condition::new());
        let never = || {
            looks.set(looks.get() + 1);
            None::<()>
        };
        assert_eq!(move_on_after(secs(1), condition.wait_for(never)).await, None);
        condition.notify_all();
        sleep(secs(1)).await;
        assert_eq!(looks.get(), 1);
        let cancelled = cancel_scope(async |scope| {
            scope.cancel();
            condition.wait_for(never).await;
        });
        assert!(cancelled.await.is_err());
        assert_eq!(looks.get(), 1);
    });
}

#[test]
#[cfg(feature = "std")]
fn a_condition_in_a_static_tells_other_threads() {
    use giambio_core::sync::Shared;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    static CONDITION: Condition<Shared> = Condition::shared();
    static TURN: AtomicU32 = AtomicU32::new(0);
    const ROUNDS: u32 = 2_000;
    let threads = [0, 1, 2].map(|own| {
        std::thread::spawn(move || {
            for _ in 0..ROUNDS {
                let is_mine = || (TURN.load(SeqCst) % 3 == own).then_some(());
                futures::executor::block_on(CONDITION.wait_for(is_mine));
                TURN.fetch_add(1, SeqCst);
                CONDITION.notify_all();
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(TURN.load(SeqCst), 3 * ROUNDS);
}
