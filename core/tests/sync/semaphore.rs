//! Permits: who gets how many, and when.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::by_hand::{ByHand, at_once};
use crate::common::alone;
use giambio_core::sync::{AcquireError, Permit, Semaphore, TryAcquireError};

type Acquiring<'a> = ByHand<'a, Result<Permit<'a>, AcquireError>>;

fn waiting(semaphore: &Semaphore, n: usize) -> Acquiring<'_> {
    Acquiring::waiting(semaphore.acquire(n))
}

#[test]
fn permits_are_taken_together_and_come_back() {
    let _alone = alone();
    let semaphore = Semaphore::new(3);
    let two = at_once(semaphore.acquire(2)).unwrap();
    assert_eq!((two.count(), semaphore.free(), semaphore.total()), (2, 1, 3));
    let mut next = waiting(&semaphore, 2);
    next.waits();
    drop(two);
    let next = next.goes_on().unwrap();
    assert_eq!(semaphore.free(), 1);
    assert_eq!(format!("{semaphore:?} {next:?}"), "Semaphore(1 of 3 free) Permit(2)");
    drop(next);
    assert_eq!(semaphore.free(), 3);
}

#[test]
fn a_large_request_holds_back_those_behind_it() {
    let _alone = alone();
    let semaphore = Semaphore::new(4);
    let [one, three] = [1, 3].map(|n| semaphore.try_acquire(n).unwrap());
    let mut large = waiting(&semaphore, 3);
    drop(one);
    let [mut small, mut other] = [(); 2].map(|()| waiting(&semaphore, 1));
    assert_eq!(semaphore.try_acquire(1).unwrap_err(), TryAcquireError::Busy { asked: 1, free: 1 });
    small.waits();
    drop(three);
    let large = large.goes_on().unwrap();
    let small = small.goes_on().unwrap();
    other.waits();
    drop((small, large));
    drop(other.goes_on().unwrap());
}

#[test]
fn many_small_requests_do_not_starve_a_large_one() {
    let _alone = alone();
    let semaphore = Semaphore::new(2);
    let mut held = [(); 2].map(|()| Some(at_once(semaphore.acquire(1)).unwrap()));
    let mut large = waiting(&semaphore, 2);
    let mut small = waiting(&semaphore, 1);
    held[0] = None;
    large.waits();
    small.waits();
    held[1] = None;
    drop(large.goes_on().unwrap());
    drop(small.goes_on().unwrap());
}

#[test]
fn those_behind_a_large_request_that_leaves_look_again() {
    let _alone = alone();
    let semaphore = Semaphore::new(3);
    let one = at_once(semaphore.acquire(1)).unwrap();
    let large = waiting(&semaphore, 3);
    let [mut first, mut second, mut third] = [(); 3].map(|()| waiting(&semaphore, 1));
    drop(large);
    let permits = [first.goes_on().unwrap(), second.goes_on().unwrap()];
    third.waits();
    drop((permits, one));
    drop(third.goes_on().unwrap());
    assert_eq!(semaphore.free(), 3);
}

#[test]
fn permits_of_a_waiter_that_leaves_after_its_turn_go_to_the_next_who_is_woken() {
    let _alone = alone();
    let semaphore = Semaphore::new(2);
    let both = at_once(semaphore.acquire(2)).unwrap();
    let granted = waiting(&semaphore, 2);
    let [mut first, mut second] = [(); 2].map(|()| waiting(&semaphore, 1));
    drop(both);
    assert!(granted.is_woken());
    first.waits();
    drop(granted);
    assert_eq!((first.goes_on().unwrap().count(), second.goes_on().unwrap().count()), (1, 1));
    assert_eq!(semaphore.free(), 2);
}

#[test]
fn permits_of_a_waiter_that_leaves_after_its_turn_are_free_if_nobody_waits() {
    let _alone = alone();
    let semaphore = Semaphore::new(2);
    let both = at_once(semaphore.acquire(2)).unwrap();
    let granted = waiting(&semaphore, 2);
    drop(both);
    assert_eq!(semaphore.free(), 0, "they are its own");
    drop(granted);
    assert_eq!(semaphore.free(), 2);
}

#[test]
fn a_request_that_was_never_polled_takes_nothing_and_holds_nobody_back() {
    let _alone = alone();
    let semaphore = Semaphore::new(1);
    let never = semaphore.acquire(1);
    let permit = at_once(semaphore.acquire(1)).unwrap();
    let also_never = semaphore.acquire(1);
    let mut waits = waiting(&semaphore, 1);
    drop(permit);
    drop(waits.goes_on().unwrap());
    drop((never, also_never));
    assert_eq!(semaphore.free(), 1);
}

#[test]
fn more_than_there_are_is_an_error_and_no_wait() {
    let _alone = alone();
    let semaphore = Semaphore::new(2);
    let too_many = AcquireError::TooMany { asked: 3, total: 2 };
    assert_eq!(at_once(semaphore.acquire(3)).unwrap_err(), too_many);
    assert_eq!(semaphore.try_acquire(3).unwrap_err(), too_many.into());
    assert_eq!(too_many.to_string(), "3 permits of a semaphore that has 2 would be waited for without end");
    let of_none = AcquireError::TooMany { asked: 1, total: 0 };
    assert_eq!(of_none.to_string(), "1 permit of a semaphore that has 0 would be waited for without end");
    assert_eq!(
        at_once(semaphore.acquire(usize::MAX)).unwrap_err(),
        AcquireError::TooMany { asked: usize::MAX, total: 2 }
    );
    // It does not wait behind others for its error either.
    let _both = at_once(semaphore.acquire(2)).unwrap();
    let _waits = waiting(&semaphore, 1);
    assert_eq!(at_once(semaphore.acquire(3)).unwrap_err(), too_many);
}

#[test]
fn who_waits_for_more_than_are_left_is_told_when_it_is_first_and_those_behind_go_on() {
    let _alone = alone();
    let semaphore = Semaphore::new(4);
    let [gone, stays] = [2, 2].map(|n| at_once(semaphore.acquire(n)).unwrap());
    let mut first = waiting(&semaphore, 1);
    let mut too_many = waiting(&semaphore, 3);
    let mut last = waiting(&semaphore, 1);
    gone.remove();
    assert_eq!(semaphore.total(), 2);
    first.waits();
    too_many.waits();
    drop(stays);
    let _first = first.goes_on().unwrap();
    assert_eq!(too_many.goes_on().unwrap_err(), AcquireError::TooMany { asked: 3, total: 2 });
    drop(last.goes_on().unwrap());
}

#[test]
fn permits_that_are_removed_let_the_first_know_that_it_waits_for_too_many() {
    let _alone = alone();
    let semaphore = Semaphore::new(2);
    let [gone, _stays] = [(); 2].map(|()| at_once(semaphore.acquire(1)).unwrap());
    let mut too_many = waiting(&semaphore, 2);
    gone.remove();
    assert_eq!(too_many.goes_on().unwrap_err(), AcquireError::TooMany { asked: 2, total: 1 });
    assert_eq!((semaphore.free(), semaphore.total()), (0, 1));
}

#[test]
fn permits_that_are_added_go_to_those_who_wait() {
    let _alone = alone();
    let semaphore = Semaphore::new(1);
    let _held = at_once(semaphore.acquire(1)).unwrap();
    let [mut first, mut second] = [(); 2].map(|()| waiting(&semaphore, 1));
    semaphore.add(2);
    let _both = (first.goes_on().unwrap(), second.goes_on().unwrap());
    assert_eq!((semaphore.free(), semaphore.total()), (0, 3));
    let overflow = catch_unwind(AssertUnwindSafe(|| semaphore.add(usize::MAX)));
    assert_eq!(overflow.unwrap_err().downcast_ref(), Some(&"giambio: a semaphore has at most usize::MAX permits"));
    assert_eq!((semaphore.free(), semaphore.total()), (0, 3), "nothing was changed");
}

#[test]
fn closing_tells_all_who_wait_and_it_stays_closed_whatever_comes_back() {
    let _alone = alone();
    let semaphore = Semaphore::new(2);
    let [held, gone] = [(); 2].map(|()| at_once(semaphore.acquire(1)).unwrap());
    let mut waiting = [2, 1].map(|n| waiting(&semaphore, n));
    semaphore.close();
    for waits in &mut waiting {
        assert_eq!(waits.goes_on().unwrap_err(), AcquireError::Closed);
    }
    gone.remove();
    drop(held);
    semaphore.add(5);
    assert!(semaphore.is_closed());
    assert_eq!((semaphore.free(), semaphore.total()), (6, 6));
    assert_eq!(at_once(semaphore.acquire(1)).unwrap_err(), AcquireError::Closed);
    assert_eq!(semaphore.try_acquire(1).unwrap_err(), TryAcquireError::Closed);
    assert_eq!(at_once(semaphore.acquire(0)).unwrap_err(), AcquireError::Closed);
    semaphore.close();
}

#[test]
fn whose_turn_had_come_before_it_was_closed_has_its_permits() {
    let _alone = alone();
    let semaphore = Semaphore::new(1);
    let held = at_once(semaphore.acquire(1)).unwrap();
    let mut granted = waiting(&semaphore, 1);
    let mut behind = waiting(&semaphore, 1);
    drop(held);
    semaphore.close();
    drop(granted.goes_on().unwrap());
    assert_eq!(behind.goes_on().unwrap_err(), AcquireError::Closed);
    assert_eq!(semaphore.free(), 1);
}

#[test]
fn no_permits_at_all_are_waited_for_in_line_too() {
    let _alone = alone();
    let semaphore = Semaphore::new(1);
    assert_eq!(at_once(semaphore.acquire(0)).unwrap().count(), 0);
    let held = at_once(semaphore.acquire(1)).unwrap();
    assert_eq!(at_once(semaphore.acquire(0)).unwrap().count(), 0);
    let mut first = waiting(&semaphore, 1);
    let mut none = waiting(&semaphore, 0);
    drop(held);
    let _first = first.goes_on().unwrap();
    assert_eq!(none.goes_on().unwrap().count(), 0);
}

#[test]
fn a_permit_is_split_and_its_parts_go_back_one_by_one() {
    let _alone = alone();
    let semaphore = Semaphore::new(5);
    let mut permit = at_once(semaphore.acquire(4)).unwrap();
    assert!(permit.split(5).is_none());
    let part = permit.split(3).unwrap();
    assert_eq!((permit.count(), part.count()), (1, 3));
    let mut waits = waiting(&semaphore, 4);
    drop(part);
    drop(waits.goes_on().unwrap());
    drop(permit);
    assert_eq!(semaphore.free(), 5);
}

#[test]
fn errors_say_what_is_missing() {
    let _alone = alone();
    let semaphore = Semaphore::new(3);
    let _two = at_once(semaphore.acquire(2)).unwrap();
    let busy = semaphore.try_acquire(2).unwrap_err();
    assert_eq!(busy.to_string(), "of the 2 permits that were asked for 1 are free");
    let _waits = waiting(&semaphore, 3);
    let busy = semaphore.try_acquire(1).unwrap_err();
    assert_eq!(busy.to_string(), "a permit was asked for, and others wait for the 1 that are free");
    assert_eq!(AcquireError::Closed.to_string(), "the semaphore was closed");
}

#[test]
#[cfg(feature = "std")]
fn a_semaphore_in_a_static_serves_several_threads() {
    use giambio_core::sync::Shared;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    static SEMAPHORE: Semaphore<Shared> = Semaphore::shared(3);
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    let threads = [1, 2, 3, 2].map(|n| {
        std::thread::spawn(move || {
            for _ in 0..500 {
                let permit = futures::executor::block_on(SEMAPHORE.acquire(n)).unwrap();
                assert!(INSIDE.fetch_add(n, SeqCst) + n <= 3);
                std::thread::yield_now();
                INSIDE.fetch_sub(n, SeqCst);
                drop(permit);
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(SEMAPHORE.free(), 3);
}

/// It asks anew, as before: one in line that asks for nothing would hold up all others.
#[test]
fn who_has_its_permits_and_is_polled_again_holds_up_nobody() {
    let _alone = alone();
    let semaphore = Semaphore::new(1);
    let held = semaphore.try_acquire(1).unwrap();
    let mut asks = waiting(&semaphore, 1);
    drop(held);
    let permit = asks.goes_on().unwrap();
    asks.waits();
    let mut next = waiting(&semaphore, 1);
    drop(permit);
    drop(asks.goes_on().unwrap());
    drop(next.goes_on().unwrap());
}
