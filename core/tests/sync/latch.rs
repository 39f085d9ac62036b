//! A door that opens once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::by_hand::{ByHand, at_once};
use crate::common::{alone, run_virtual, secs};
use giambio_core::move_on_after;
use giambio_core::sync::{Access, Latch};

fn opens_with_the_last_count<K: Access>(latch: &Latch<K>) {
    let mut first = ByHand::waiting(latch.wait());
    let mut second = ByHand::waiting(latch.wait());
    latch.count_down();
    first.waits();
    second.waits();
    assert_eq!((latch.remaining(), latch.is_open()), (1, false));
    assert_eq!(format!("{latch:?}"), "Latch { remaining: 1, .. }");
    latch.count_down();
    assert_eq!((latch.remaining(), latch.is_open()), (0, true));
    first.goes_on();
    second.goes_on();
}

#[test]
fn all_who_wait_go_on_with_the_last_count_and_not_before() {
    let _alone = alone();
    opens_with_the_last_count(&Latch::new(2));
    opens_with_the_last_count(&Latch::shared(2));
}

#[test]
fn who_comes_to_an_open_latch_does_not_wait() {
    let _alone = alone();
    let latch = Latch::new(1);
    latch.count_down();
    at_once(latch.wait());
    at_once(latch.wait());
    let of_nothing = Latch::new(0);
    assert!(of_nothing.is_open());
    at_once(of_nothing.wait());
}

#[test]
fn one_count_too_many_is_told_and_leaves_the_latch_open() {
    let _alone = alone();
    let latch = Latch::new(1);
    let mut waits = ByHand::waiting(latch.wait());
    latch.count_down();
    for _ in 0..2 {
        let panic = catch_unwind(AssertUnwindSafe(|| latch.count_down())).unwrap_err();
        let said = "giambio: a latch was counted down more often than it was made for";
        assert_eq!(panic.downcast_ref(), Some(&said));
        assert!(latch.is_open());
    }
    waits.goes_on();
}

#[test]
fn who_leaves_counts_for_nothing_and_takes_nobody_along() {
    let _alone = alone();
    let latch = Latch::new(1);
    let mut stays = ByHand::waiting(latch.wait());
    let leaves_later = ByHand::waiting(latch.wait());
    drop(ByHand::waiting(latch.wait()));
    drop(latch.wait());
    assert_eq!(latch.remaining(), 1);
    latch.count_down();
    drop(leaves_later);
    stays.goes_on();
}

#[test]
fn a_cancelled_task_may_wait_again() {
    run_virtual(async {
        let latch = Latch::new(1);
        assert_eq!(move_on_after(secs(1), latch.wait()).await, None);
        let ((), ()) = futures::join!(latch.wait(), async { latch.count_down() });
    });
}

/// Whoever is cut off, and wherever: what was counted is counted, and who comes later goes on when the rest has happened.
#[test]
#[cfg(feature = "std")]
fn cut_off_anywhere_it_opens_with_the_last_count() {
    use giambio_core::testing::cancel_everywhere;
    use giambio_core::{checkpoint, sleep};
    use std::cell::RefCell;
    use std::rc::Rc;

    let _alone = alone();
    let latest = RefCell::default();
    let work = || {
        let latch = Rc::new(Latch::new(3));
        latest.replace(Some(latch.clone()));
        async move {
            let counts = async {
                for _ in 0..3 {
                    sleep(secs(1)).await;
                    latch.count_down();
                }
            };
            let waits = async {
                latch.wait().await;
                assert!(latch.is_open());
                checkpoint().await;
                latch.wait().await;
            };
            futures::join!(counts, waits, latch.wait());
        }
    };
    let check = |ended: Option<()>| {
        let latch = latest.take().unwrap();
        assert!(ended.is_none() || latch.is_open());
        if !latch.is_open() {
            let mut waits = ByHand::waiting(latch.wait());
            (0..latch.remaining()).for_each(|_| latch.count_down());
            waits.goes_on();
        }
        at_once(latch.wait());
    };
    let runs = cancel_everywhere(work, check);
    assert!(runs > 6, "{runs}");
}

#[test]
#[cfg(feature = "std")]
fn threads_go_on_when_all_have_counted() {
    use giambio_core::sync::Shared;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    static LATCH: Latch<Shared> = Latch::shared(300);
    static DONE: AtomicU32 = AtomicU32::new(0);
    let threads = [(); 3].map(|()| {
        std::thread::spawn(|| {
            for _ in 0..100 {
                DONE.fetch_add(1, SeqCst);
                LATCH.count_down();
            }
            futures::executor::block_on(LATCH.wait());
            assert_eq!(DONE.load(SeqCst), 300);
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
