//! Each of `sync`, between tasks, and what keeps interrupts out.

use core::cell::Cell;
use core::time::Duration;

use giambio_core::sync::{
    AcquireError, Barrier, Condition, Event, Limiter, Mutex, OnceCell, RwLock, Semaphore, Shared, TryAcquireError,
    Watch,
};
use giambio_core::{move_on_after, nursery_in, sleep};

use super::cases;
use crate::world::{Log, Never, OUTER, SECOND, run};

cases! {
    a_mutex_goes_to_those_who_wait_in_their_order,
    who_is_cut_off_while_it_has_a_mutex_leaves_a_mark,
    those_who_look_do_so_together_and_who_changes_is_alone,
    a_large_request_holds_back_those_behind_it,
    a_semaphore_says_what_would_be_waited_for_without_end,
    a_limiter_lets_more_go_when_its_total_grows,
    a_condition_lets_go_whoever_finds_what_it_looks_for,
    a_barrier_lets_all_go_when_the_last_has_come,
    a_cell_whose_initialiser_is_cancelled_is_initialised_by_the_next,
    a_watcher_sees_the_latest_value_and_each_change_once,
    a_critical_section_keeps_interrupts_out_and_loses_none,
}

fn a_mutex_goes_to_those_who_wait_in_their_order() {
    let log = Log::default();
    let mutex = Mutex::new(0);
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for (name, number) in [("first", 0), ("second", 1), ("third", 2)] {
            let (mutex, log) = (&mutex, &log);
            n.spawn_wait(async move {
                let mut guard = mutex.lock().await;
                assert_eq!(*guard, number);
                sleep(SECOND).await;
                *guard += 1;
                log.add(name);
                Ok::<(), Never>(())
            })
            .await;
        }
        Ok(())
    }));
    log.is(&["first", "second", "third"]);
    assert_eq!(mutex.into_inner(), 3);
}

fn who_is_cut_off_while_it_has_a_mutex_leaves_a_mark() {
    let mutex = Mutex::new(());
    run(async {
        let holds = async {
            let _guard = mutex.lock().await;
            sleep(2 * SECOND).await;
        };
        assert!(move_on_after(SECOND, holds).await.is_none());
        let mut guard = mutex.lock().await;
        assert!(guard.is_torn());
        guard.mend();
        drop(guard);
        let shielded = mutex.use_shielded(async |()| sleep(2 * SECOND).await);
        let _ = move_on_after(SECOND, shielded).await;
        assert!(!mutex.lock().await.is_torn());
    });
}

fn those_who_look_do_so_together_and_who_changes_is_alone() {
    let (lock, looking) = (RwLock::new(0), Cell::new(0));
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for _ in 0..2 {
            let (lock, looking) = (&lock, &looking);
            n.spawn_wait(async move {
                let value = lock.read().await;
                looking.set(looking.get() + 1);
                sleep(SECOND).await;
                assert_eq!((*value, looking.get()), (0, 2));
                Ok::<(), Never>(())
            })
            .await;
        }
        sleep(SECOND / 2).await;
        assert!(lock.try_write().is_none());
        *lock.write().await += 1;
        Ok(())
    }));
    assert_eq!(lock.into_inner(), 1);
}

fn a_large_request_holds_back_those_behind_it() {
    let log = Log::default();
    let semaphore = Semaphore::new(2);
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        let one = semaphore.try_acquire(1);
        for (name, count) in [("two", 2), ("one", 1)] {
            let (semaphore, log) = (&semaphore, &log);
            n.spawn_wait(async move {
                let _permit = semaphore.acquire(count).await;
                log.add(name);
                sleep(SECOND).await;
                Ok::<(), Never>(())
            })
            .await;
        }
        sleep(SECOND).await;
        log.add("free");
        assert!(one.is_ok());
        drop(one);
        Ok(())
    }));
    log.is(&["free", "two", "one"]);
    assert_eq!(semaphore.free(), 2);
}

fn a_semaphore_says_what_would_be_waited_for_without_end() {
    let semaphore = Semaphore::new(2);
    run(async {
        let asked = semaphore.acquire(3).await.map(drop);
        assert_eq!(asked, Err(AcquireError::TooMany { asked: 3, total: 2 }));
        semaphore.close();
        assert_eq!(semaphore.acquire(1).await.map(drop), Err(AcquireError::Closed));
        assert_eq!(semaphore.try_acquire(1).map(drop), Err(TryAcquireError::Closed));
    });
}

fn a_limiter_lets_more_go_when_its_total_grows() {
    let (limiter, at_work) = (Limiter::new(1), Cell::new(0));
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for _ in 0..3 {
            let (limiter, at_work) = (&limiter, &at_work);
            n.spawn_wait(async move {
                let work = limiter.run(1, async {
                    at_work.set(at_work.get() + 1);
                    sleep(2 * SECOND).await;
                });
                assert_eq!(work.await, Ok(()));
                Ok::<(), Never>(())
            })
            .await;
        }
        sleep(SECOND).await;
        assert_eq!((at_work.get(), limiter.held(), limiter.holders().count()), (1, 1, 1));
        limiter.set_total(3);
        sleep(SECOND / 2).await;
        assert_eq!((at_work.get(), limiter.held()), (3, 3));
        Ok(())
    }));
    assert_eq!(limiter.held(), 0);
}

fn a_condition_lets_go_whoever_finds_what_it_looks_for() {
    let (level, condition) = (Cell::new(0), Condition::new());
    let log = Log::default();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for (name, wanted) in [("high", 2), ("low", 1)] {
            let (level, condition, log) = (&level, &condition, &log);
            n.spawn_wait(async move {
                let found = condition.wait_for(|| Some(level.get()).filter(|level| *level >= wanted)).await;
                assert_eq!(found, wanted);
                log.add(name);
                Ok::<(), Never>(())
            })
            .await;
        }
        for new in 1..=2 {
            sleep(SECOND).await;
            level.set(new);
            condition.notify_all();
        }
        Ok(())
    }));
    log.is(&["low", "high"]);
}

fn a_barrier_lets_all_go_when_the_last_has_come() {
    let (barrier, last) = (Barrier::new(3), Cell::new(0));
    let log = Log::default();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for name in ["first", "second"] {
            let (barrier, last, log) = (&barrier, &last, &log);
            n.spawn_wait(async move {
                let is_last = barrier.wait().await;
                last.set(last.get() + usize::from(is_last));
                log.add(name);
                Ok::<(), Never>(())
            })
            .await;
        }
        sleep(SECOND).await;
        log.add("last");
        let is_last = barrier.wait().await;
        last.set(last.get() + usize::from(is_last));
        Ok(())
    }));
    log.is(&["last", "first", "second"]);
    assert_eq!(last.get(), 1, "one of them leads");
}

fn a_cell_whose_initialiser_is_cancelled_is_initialised_by_the_next() {
    let cell = OnceCell::new();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            let slow = cell.get_or_init(async || {
                sleep(2 * SECOND).await;
                1
            });
            assert!(move_on_after(SECOND, slow).await.is_none());
            Ok::<(), Never>(())
        })
        .await;
        sleep(SECOND / 2).await;
        assert_eq!(*cell.get_or_init(async || 2).await, 2);
        Ok(())
    }));
    assert_eq!(cell.into_inner(), Some(2));
}

fn a_watcher_sees_the_latest_value_and_each_change_once() {
    let watch = Watch::new(0);
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        let mut watcher = watch.watcher();
        n.spawn_wait(async move {
            watcher.changed().await;
            assert_eq!(watcher.read(|value| *value), 2, "both came before it looked");
            assert!(!watcher.has_changed());
            let found = watcher.wait_for(|value| (*value > 5).then_some(*value)).await;
            assert_eq!(found, 6);
            Ok::<(), Never>(())
        })
        .await;
        sleep(SECOND).await;
        watch.set(1);
        watch.set(2);
        for value in 3..=6 {
            sleep(SECOND).await;
            watch.set(value);
        }
        Ok(())
    }));
}

/// Of the crate `critical-section`, which the core masks interrupts by where it touches what they touch.
fn a_critical_section_keeps_interrupts_out_and_loses_none() {
    static EVENT: Event<Shared> = Event::shared();
    let moment = || (0..1_000_000).for_each(|_| core::hint::spin_loop());
    critical_section::with(|_| {
        board::every(Duration::from_micros(100), || EVENT.set());
        moment();
        assert!(!EVENT.is_set(), "the interrupt did not wait");
    });
    moment();
    assert!(EVENT.is_set(), "the interrupt was lost");
    board::every(SECOND, || {});
}
