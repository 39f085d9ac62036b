//! Some who go on together.

use std::panic::catch_unwind;

use crate::by_hand::{ByHand, at_once};
use crate::common::{alone, run_virtual, secs};
use giambio_core::move_on_after;
use giambio_core::sync::Barrier;

#[test]
fn all_go_on_when_the_last_has_come_again_and_again() {
    let _alone = alone();
    let barrier = Barrier::new(3);
    for _ in 0..3 {
        let mut first = ByHand::waiting(barrier.wait());
        let mut second = ByHand::waiting(barrier.wait());
        first.waits();
        assert_eq!((barrier.waiting(), barrier.parties()), (2, 3));
        assert_eq!(format!("{barrier:?}"), "Barrier(2 of 3 wait)");
        assert!(at_once(barrier.wait()), "the last is told so");
        assert!(!first.goes_on() && !second.goes_on());
        assert_eq!(barrier.waiting(), 0);
    }
}

#[test]
fn who_is_quick_waits_in_the_next_round_for_those_who_are_not() {
    let _alone = alone();
    let barrier = Barrier::new(2);
    let mut slow = ByHand::waiting(barrier.wait());
    assert!(at_once(barrier.wait()));
    let mut quick = ByHand::waiting(barrier.wait());
    assert!(!slow.goes_on());
    quick.waits();
    assert!(at_once(barrier.wait()));
    assert!(!quick.goes_on());
}

#[test]
fn who_leaves_before_all_have_come_has_not_come() {
    let _alone = alone();
    let barrier = Barrier::new(2);
    drop(ByHand::waiting(barrier.wait()));
    drop(barrier.wait());
    assert_eq!(barrier.waiting(), 0);
    let mut first = ByHand::waiting(barrier.wait());
    assert!(at_once(barrier.wait()));
    assert!(!first.goes_on());
}

#[test]
fn who_leaves_after_all_had_come_takes_nobody_along() {
    let _alone = alone();
    let barrier = Barrier::new(3);
    let leaves = ByHand::waiting(barrier.wait());
    let mut stays = ByHand::waiting(barrier.wait());
    assert!(at_once(barrier.wait()));
    drop(leaves);
    assert_eq!(barrier.waiting(), 0);
    assert!(!stays.goes_on());
}

#[test]
fn to_try_is_to_go_on_as_the_last_or_not_at_all() {
    let _alone = alone();
    let barrier = Barrier::new(2);
    assert!(!barrier.try_wait() && barrier.waiting() == 0);
    let mut waits = ByHand::waiting(barrier.wait());
    assert!(barrier.try_wait());
    assert!(!waits.goes_on());
    assert!(!barrier.try_wait());
}

#[test]
fn a_barrier_for_one_is_open_and_one_for_nobody_is_none() {
    let _alone = alone();
    let barrier = Barrier::new(1);
    assert!(at_once(barrier.wait()) && barrier.try_wait());
    let panic = catch_unwind(|| Barrier::new(0)).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"giambio: a barrier is for one task at least"));
}

#[cfg(feature = "std")] // without it no panic is caught
#[test]
fn the_last_has_come_though_it_panics_by_a_waker_of_another() {
    use std::panic::AssertUnwindSafe;
    use std::task::{Context, Poll, Waker};

    use crate::common::panics_when_woken;
    use giambio_core::sync::Access;

    let _alone = alone();
    fn comes(barrier: &Barrier<impl Access>) {
        let mut first = Box::pin(barrier.wait());
        assert!(first.as_mut().poll(&mut Context::from_waker(&panics_when_woken())).is_pending());
        let mut second = ByHand::waiting(barrier.wait());
        let mut last = ByHand::new(barrier.wait());
        let panic = catch_unwind(AssertUnwindSafe(|| last.poll())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"the waker"));
        assert_eq!(last.poll(), Poll::Ready(true), "it came before the others were told");
        assert!(!second.goes_on());
        assert_eq!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(false));
        assert_eq!(barrier.waiting(), 0);
        // Nor does one harm that is dropped by its panic, or that only tried.
        for tries in [false, true] {
            let mut first = Box::pin(barrier.wait());
            assert!(first.as_mut().poll(&mut Context::from_waker(&panics_when_woken())).is_pending());
            let mut second = ByHand::waiting(barrier.wait());
            let comes = || if tries { barrier.try_wait() } else { at_once(barrier.wait()) };
            assert!(catch_unwind(AssertUnwindSafe(comes)).is_err());
            assert!(!second.goes_on());
            assert_eq!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(false));
        }
    }
    comes(&Barrier::new(3));
    comes(&Barrier::shared(3));
}

#[test]
fn a_cancelled_task_is_waited_for_no_more() {
    run_virtual(async {
        let barrier = Barrier::new(2);
        assert_eq!(move_on_after(secs(1), barrier.wait()).await, None);
        let (one, other) = futures::join!(barrier.wait(), barrier.wait());
        assert_eq!((one, other), (false, true));
    });
}

#[test]
#[cfg(feature = "std")]
fn threads_go_on_in_rounds() {
    use giambio_core::sync::Shared;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    static BARRIER: Barrier<Shared> = Barrier::shared(3);
    static DONE: AtomicU32 = AtomicU32::new(0);
    let threads = [(); 3].map(|()| {
        std::thread::spawn(|| {
            for round in 0..500 {
                assert!((3 * round..3 * round + 3).contains(&DONE.load(SeqCst)));
                DONE.fetch_add(1, SeqCst);
                futures::executor::block_on(BARRIER.wait());
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(DONE.load(SeqCst), 1_500);
}
