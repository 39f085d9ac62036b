//! What is asked of locks and their like too late, twice, for too much or for nothing: each says what is wrong, or does what
//! is documented.

use std::cell::Cell;
use std::fmt::Debug;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use crate::by_hand::{ByHand, at_once};
use crate::common::{alone, on_drop};
use giambio_core::sync::{
    AcquireError, Barrier, Condition, Event, Latch, Limiter, Mutex, OnceCell, RwLock, Semaphore, TryAcquireError, Watch,
};

/// Is ready at once, and polled again asks anew, and is ready again when that can be.
fn asks_anew<T: Debug>(future: impl Future<Output = T>) {
    let mut future = ByHand::new(future);
    for time in 0..3 {
        assert!(future.poll().is_ready(), "the {time} time");
    }
}

#[test]
fn what_was_ready_and_is_polled_again_asks_anew() {
    let _alone = alone();
    let event = Event::new();
    event.set();
    asks_anew(event.wait());
    let cleared = Event::new();
    let mut clears = ByHand::new(cleared.wait_and_clear());
    for _ in 0..3 {
        cleared.set();
        assert!(clears.poll().is_ready());
        assert!(clears.poll().is_pending());
    }
    asks_anew(Latch::new(0).wait());
    asks_anew(Condition::new().wait_for(|| Some(1)));
    let watch = Watch::new(1);
    let mut watcher = watch.watcher();
    let mut looks = ByHand::new(watcher.wait_for(|value| Some(*value)));
    assert_eq!((looks.poll(), looks.poll()), (Poll::Ready(1), Poll::Pending));
    watch.set(2);
    assert_eq!(looks.poll(), Poll::Ready(2), "the next value");
    drop(looks);
    let cell = OnceCell::new();
    cell.set(1).unwrap();
    asks_anew(cell.get_or_init(async || unreachable!("it is set")));
    let (mutex, lock, semaphore) = (Mutex::new(()), RwLock::new(()), Semaphore::new(2));
    asks_anew(lock.read());
    for (mut future, is_free) in [
        (ByHand::new(async { drop(mutex.lock().await) }), true),
        (ByHand::new(async { drop(lock.write().await) }), true),
    ] {
        assert_eq!(future.poll().is_ready(), is_free);
    }
    let mut locks = ByHand::new(mutex.lock());
    let guard = locks.poll();
    assert!(guard.is_ready() && locks.poll().is_pending(), "it waits for itself, as who locks twice");
    drop(guard);
    assert!(locks.poll().is_ready());
    let mut acquires = ByHand::new(semaphore.acquire(2));
    let permit = acquires.poll();
    assert!(permit.is_ready() && acquires.poll().is_pending());
    drop(permit);
    assert!(acquires.poll().is_ready());
    // At a barrier it comes once more.
    let barrier = Barrier::new(2);
    let mut comes = ByHand::waiting(barrier.wait());
    assert!(at_once(barrier.wait()));
    assert!(!comes.goes_on());
    assert!(comes.poll().is_pending() && barrier.waiting() == 1);
    assert!(barrier.try_wait());
    assert!(!comes.goes_on());
}

#[test]
fn what_was_made_or_run_and_is_polled_again_says_so() {
    let _alone = alone();
    let cell = OnceCell::new();
    let mut makes = ByHand::new(cell.get_or_init(async || 1));
    assert!(makes.poll().is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| makes.poll().is_ready())).is_err());
    assert_eq!(cell.get(), Some(&1));
    let limiter = Limiter::new(1);
    let mut runs = ByHand::new(limiter.run(1, async { 1 }));
    assert_eq!(runs.poll(), Poll::Ready(Ok(1)));
    let panic = catch_unwind(AssertUnwindSafe(|| runs.poll())).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"giambio: what a `Limiter` ran is polled, and has ended"));
}

#[test]
fn a_limiter_has_its_permits_back_as_soon_as_the_body_has_ended() {
    let _alone = alone();
    let (limiter, is_gone) = (Limiter::new(1), Cell::new(false));
    let mark = on_drop(|| is_gone.set(true));
    let mut ends = ByHand::new(limiter.run(1, async move {
        let _mark = &mark;
    }));
    let mut next = ByHand::new(limiter.run(1, std::future::pending::<()>()));
    assert_eq!(ends.poll(), Poll::Ready(Ok(())));
    assert_eq!((is_gone.get(), limiter.held(), limiter.holders().count()), (true, 0, 0), "though the future is kept");
    assert!(next.poll().is_pending());
    assert_eq!((limiter.held(), limiter.holders().count()), (1, 1));
    drop(next);
    let mut tried = ByHand::new(limiter.try_run(1, async {}).unwrap());
    assert!(tried.poll().is_ready());
    assert_eq!((limiter.held(), limiter.holders().count()), (0, 0));
}

#[test]
fn what_is_forgotten_keeps_what_it_has_and_no_more() {
    let _alone = alone();
    let lock = RwLock::new(7);
    forget(at_once(lock.read()));
    assert_eq!(*lock.try_read().unwrap(), 7);
    assert!(lock.try_write().is_none());
    ByHand::waiting(lock.write());
    assert_eq!(lock.into_inner(), 7);
    let semaphore = Semaphore::new(3);
    forget(at_once(semaphore.acquire(2)).unwrap());
    assert_eq!((semaphore.free(), semaphore.total()), (1, 3));
    assert!(at_once(semaphore.acquire(1)).is_ok());
    ByHand::waiting(semaphore.acquire(2));
    // One in line keeps its place, what it was promised, and those behind it waiting.
    let mutex = Mutex::new(());
    let guard = at_once(mutex.lock());
    forget(Box::new(ByHand::waiting(mutex.lock())));
    drop(guard);
    assert!(mutex.try_lock().is_none());
    ByHand::waiting(mutex.lock());
    let barrier = Barrier::new(2);
    forget(Box::new(ByHand::waiting(barrier.wait())));
    assert_eq!(barrier.waiting(), 1);
    assert!(barrier.try_wait(), "it has come");
    let cell = OnceCell::new();
    forget(Box::new(ByHand::waiting(cell.get_or_init(std::future::pending::<u32>))));
    assert!(cell.set(1).is_err() && cell.get().is_none());
    ByHand::waiting(cell.get_or_init(async || 1));
}

#[test]
fn counts_of_none_and_of_all_there_can_be_do_what_they_say() {
    let _alone = alone();
    for none in [Semaphore::new(0), Semaphore::new(usize::MAX)] {
        let most = none.total();
        assert_eq!(at_once(none.acquire(0)).unwrap().count(), 0);
        assert_eq!(none.try_acquire(most).unwrap().count(), most);
        if most == 0 {
            let refused = AcquireError::TooMany { asked: 1, total: 0 };
            assert_eq!(at_once(none.acquire(1)).err(), Some(refused));
            assert_eq!(none.try_acquire(1).err(), Some(TryAcquireError::TooMany { asked: 1, total: 0 }));
            none.add(usize::MAX);
        }
        let all = at_once(none.acquire(usize::MAX)).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| none.add(1))).is_err());
        none.add(0);
        assert_eq!(none.try_acquire(1).err(), Some(TryAcquireError::Busy { asked: 1, free: 0 }));
        all.remove();
        assert_eq!((none.free(), none.total()), (0, 0));
    }
    let limiter = Limiter::new(0);
    assert_eq!(at_once(limiter.run(0, async { 1 })), Ok(1), "what asks for nothing");
    assert_eq!(at_once(limiter.run(1, async { 1 })), Err(AcquireError::TooMany { asked: 1, total: 0 }));
    limiter.set_total(usize::MAX);
    assert_eq!(at_once(limiter.run(usize::MAX, async { limiter.held() })), Ok(usize::MAX));
    let mut all = ByHand::waiting(limiter.run(usize::MAX, std::future::pending::<()>()));
    limiter.set_total(1);
    assert_eq!((limiter.held(), limiter.total()), (usize::MAX, 1));
    assert!(limiter.try_run(1, async {}).is_err());
    all.waits();
    drop(all);
    assert_eq!(at_once(limiter.run(1, async { 1 })), Ok(1));
    let barrier = Barrier::new(usize::MAX);
    ByHand::waiting(barrier.wait()).waits();
    assert!(!barrier.try_wait());
    let latch = Latch::new(usize::MAX);
    latch.count_down();
    assert_eq!(latch.remaining(), usize::MAX - 1);
    ByHand::waiting(latch.wait()).waits();
}
