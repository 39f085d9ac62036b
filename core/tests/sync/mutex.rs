//! A value for one at a time, and what those leave behind that are cut off.

use std::cell::Cell;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::by_hand::{ByHand, at_once};
use crate::common::{Log, alone, millis, now, run_virtual, secs};
use giambio_core::sync::{Mutex, MutexGuard, Shared};
use giambio_core::{Arena, TaskId, cancel_scope, checkpoint, current_task, move_on_after, nursery_in, sleep};

#[test]
fn those_who_lock_it_get_it_in_the_order_in_which_they_came() {
    static ARENA: Arena<3, 2048> = Arena::new();
    let log = &Log::new();
    let mutex = &Mutex::new(0);
    run_virtual(async {
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for name in ["first", "second", "third"] {
                n.spawn_wait(async move {
                    let mut value = mutex.lock().await;
                    sleep(secs(1)).await;
                    *value += 1;
                    log.at(&format!("{name} {value:?}"));
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            Ok(())
        })
        .await;
    });
    assert_eq!(log.take(), ["1 first 1", "2 second 2", "3 third 3"]);
}

#[test]
fn nobody_overtakes_one_whose_turn_has_come() {
    let _alone = alone();
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut first = ByHand::waiting(mutex.lock());
    drop(guard);
    assert!(mutex.try_lock().is_none() && mutex.is_locked(), "it is the first one's");
    let mut late = ByHand::waiting(mutex.lock());
    drop(first.goes_on());
    drop(late.goes_on());
    assert!(!mutex.is_locked());
}

#[test]
fn a_waiter_that_leaves_after_its_turn_hands_the_lock_on() {
    let _alone = alone();
    let mutex = Mutex::new(7);
    let guard = at_once(mutex.lock());
    let [granted, between] = [(); 2].map(|()| ByHand::waiting(mutex.lock()));
    let mut next = ByHand::waiting(mutex.lock());
    drop(guard);
    drop(between);
    drop(granted);
    assert_eq!(*next.goes_on(), 7);
}

#[test]
fn a_lock_that_was_never_polled_locks_nothing_and_can_be_dropped() {
    let _alone = alone();
    let mutex = Mutex::new(());
    let never = mutex.lock();
    let guard = at_once(mutex.lock());
    let also_never = mutex.lock();
    let mut waits = ByHand::waiting(mutex.lock());
    drop(also_never);
    drop(guard);
    drop(waits.goes_on());
    drop(never);
    drop(at_once(mutex.lock()));
}

#[test]
fn a_guard_that_is_forgotten_keeps_it_locked_and_no_more() {
    let _alone = alone();
    let mut mutex = Mutex::new(1);
    std::mem::forget(at_once(mutex.lock()));
    assert!(mutex.is_locked() && mutex.try_lock().is_none());
    drop(ByHand::waiting(mutex.lock()));
    assert_eq!((*mutex.get_mut(), mutex.into_inner()), (1, 1));
}

#[test]
fn it_knows_who_has_it() {
    static ARENA: Arena<2, 1024> = Arena::new();
    run_virtual(async {
        let mutex = &Mutex::new(());
        assert_eq!(mutex.holder(), None);
        let guard = mutex.lock().await;
        assert_eq!(mutex.holder(), Some(TaskId::MAIN));
        assert_eq!(format!("{mutex:?}"), "Mutex { holder: main, .. }");
        let child = &Cell::new(None);
        let Ok(()) = nursery_in(&ARENA, async |n| {
            n.spawn_wait(async {
                child.set(current_task());
                let _guard = mutex.lock().await;
                sleep(secs(1)).await;
                Ok::<(), Infallible>(())
            })
            .await;
            checkpoint().await;
            drop(guard);
            assert_eq!((mutex.holder(), mutex.is_locked()), (None, true), "on its way");
            checkpoint().await;
            assert_eq!(mutex.holder(), child.get());
            Ok(())
        })
        .await;
        assert_eq!(mutex.holder(), None);
    });
    assert_eq!(format!("{:?}", Mutex::new(())), "Mutex { .. }");
}

#[test]
fn who_locks_it_outside_of_a_runtime_is_no_task() {
    let _alone = alone();
    let mutex = Mutex::new("value");
    let guard = at_once(mutex.lock());
    assert_eq!((mutex.holder(), mutex.is_locked()), (None, true));
    assert_eq!(format!("{mutex:?} {guard:?}"), "Mutex { holder: no task, .. } \"value\"");
}

// ------------------------------------------------------------------------- what is left behind

#[test]
fn a_holder_that_is_cancelled_leaves_a_mark_until_somebody_mends_it() {
    run_virtual(async {
        let mutex = Mutex::new(0);
        let half = async {
            let mut value = mutex.lock().await;
            *value += 1;
            sleep(secs(2)).await;
            *value += 1;
        };
        assert_eq!(move_on_after(secs(1), half).await, None);
        for _ in 0..2 {
            assert!(mutex.lock().await.is_torn(), "it stays");
        }
        let mut guard = mutex.lock().await;
        *guard = 2;
        guard.mend();
        assert!(!guard.is_torn());
        drop(guard);
        assert!(!mutex.lock().await.is_torn());
    });
}

#[test]
fn a_task_that_is_cancelled_by_its_nursery_leaves_a_mark() {
    static ARENA: Arena<1, 1024> = Arena::new();
    run_virtual(async {
        let mutex = &Mutex::new(0);
        let failed = nursery_in(&ARENA, async |n| {
            n.spawn_wait(async {
                let _value = mutex.lock().await;
                sleep(secs(9)).await;
                Ok(())
            })
            .await;
            checkpoint().await;
            Err::<(), _>("the body fails")
        })
        .await;
        assert_eq!(failed, Err("the body fails"));
        assert!(mutex.lock().await.is_torn());
    });
}

#[test]
#[cfg(feature = "std")] // else nobody knows of a panic
fn a_holder_that_panics_leaves_a_mark_and_the_mutex_unlocked() {
    let _alone = alone();
    let mutex = Mutex::new(0);
    let mut waits = None;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _guard = at_once(mutex.lock());
        waits = Some(ByHand::waiting(mutex.lock()));
        panic!("half-way");
    }));
    assert!(panic.is_err());
    assert!(waits.unwrap().goes_on().is_torn());
    assert!(mutex.try_lock().unwrap().is_torn());
}

#[test]
fn who_ends_in_order_leaves_no_mark() {
    run_virtual(async {
        let mutex = Mutex::new(0);
        *mutex.lock().await += 1;
        assert!(!mutex.lock().await.is_torn());
        // Used in the destructor of what is cancelled, all of it.
        struct Counts<'a>(&'a Mutex<i32>);
        impl Drop for Counts<'_> {
            fn drop(&mut self) {
                *self.0.try_lock().unwrap() += 1;
            }
        }
        let cancelled = async {
            let _counts = Counts(&mutex);
            sleep(secs(9)).await;
        };
        assert_eq!(move_on_after(secs(1), cancelled).await, None);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let _counts = Counts(&mutex);
            panic!("while it is not locked");
        }));
        assert!(panic.is_err());
        let guard = mutex.lock().await;
        assert_eq!((*guard, guard.is_torn()), (3, false));
    });
}

// ------------------------------------------------------------------------------- use_shielded

#[test]
fn what_is_used_shielded_is_used_to_the_end() {
    run_virtual(async {
        let mutex = Mutex::new((0, 0));
        let step = mutex.use_shielded(async |pair| {
            pair.0 += 1;
            sleep(secs(2)).await;
            pair.1 += 1;
            "done"
        });
        assert_eq!(move_on_after(secs(1), step).await, Some("done"));
        assert_eq!(now(), secs(2));
        let guard = mutex.lock().await;
        assert_eq!((*guard, guard.is_torn()), ((1, 1), false));
    });
}

#[test]
fn waiting_for_the_lock_is_not_shielded() {
    run_virtual(async {
        let mutex = Mutex::new(());
        let _guard = mutex.lock().await;
        let began = Cell::new(false);
        let step = mutex.use_shielded(async |()| began.set(true));
        assert_eq!(move_on_after(secs(1), step).await, None);
        assert_eq!((now(), began.get()), (secs(1), false));
    });
}

#[test]
fn a_use_that_somebody_drops_half_way_or_that_panics_is_torn_and_others_are_not() {
    run_virtual(async {
        let mutex = Mutex::new(0);
        assert_eq!(mutex.use_shielded(async |value| *value + 7).await, 7);
        assert!(!mutex.lock().await.is_torn());
        {
            let mut half = ByHand::waiting(mutex.use_shielded(async |value| {
                *value = 1;
                sleep(secs(9)).await;
            }));
            half.waits();
        }
        let mut guard = mutex.lock().await;
        assert!(guard.is_torn());
        guard.mend();
        drop(guard);
        let panics = catch_unwind(AssertUnwindSafe(|| {
            at_once(mutex.use_shielded(async |_| panic!("half-way")));
        }));
        assert!(panics.is_err());
        assert!(mutex.lock().await.is_torn());
        // What was torn before remains so.
        mutex.use_shielded(async |_| ()).await;
        assert!(mutex.lock().await.is_torn());
    });
}

#[cfg(feature = "std")]
fn says_that_it_would_wait_for_itself(panic: Box<dyn std::any::Any + Send>) -> bool {
    let text = panic.downcast_ref::<String>().unwrap();
    text.starts_with("giambio: the `lock` at ") && text.contains("mutex.rs") && text.contains("would wait for itself")
}

#[test]
#[cfg(feature = "std")] // else a panic ends the program
fn who_locks_inside_of_its_own_use_is_told_that_it_would_wait_for_itself() {
    let panic = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            let mutex = Mutex::new(());
            mutex.use_shielded(async |()| drop(mutex.lock().await)).await;
        });
    }));
    assert!(says_that_it_would_wait_for_itself(panic.unwrap_err()));
}

#[test]
#[cfg(feature = "std")] // else a panic ends the program
fn a_child_that_a_use_waits_for_is_told_too() {
    static ARENA: Arena<1, 1024> = Arena::new();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            let mutex = &Mutex::new(());
            let child = async |_: &mut ()| {
                let Ok(()) = nursery_in(&ARENA, async |n| {
                    n.spawn_wait(async {
                        sleep(secs(1)).await;
                        drop(mutex.lock().await);
                        Ok::<(), Infallible>(())
                    })
                    .await;
                    Ok(())
                })
                .await;
            };
            mutex.use_shielded(child).await;
        });
    }));
    assert!(says_that_it_would_wait_for_itself(panic.unwrap_err()));
}

#[test]
fn others_of_the_same_task_may_wait_while_one_uses_it() {
    run_virtual(async {
        let mutex = Mutex::new(0);
        let uses = mutex.use_shielded(async |value| {
            sleep(millis(5)).await;
            *value += 1;
        });
        let locks = async {
            checkpoint().await;
            *mutex.lock().await += 1;
        };
        futures::join!(uses, locks);
        assert_eq!(mutex.into_inner(), 2);
    });
}

#[test]
fn cancelled_code_locks_nothing() {
    run_virtual(async {
        let mutex = Mutex::new(());
        let result = cancel_scope(async |scope| {
            scope.cancel();
            let _guard = mutex.lock().await;
            unreachable!();
        })
        .await;
        assert!(result.is_err() && !mutex.is_locked());
    });
}

// ----------------------------------------------------------------------------------- many wait

#[test]
fn in_a_foreign_set_each_of_those_who_wait_is_polled_in_proportion_to_their_number() {
    use futures::StreamExt;
    use futures::stream::FuturesUnordered;

    let polls_of = |count: u32| {
        let polls = Cell::new(0);
        run_virtual(async {
            let mutex = &Mutex::new(0);
            let one = || async {
                let mut value = mutex.lock().await;
                checkpoint().await;
                *value += 1;
            };
            let mut all: FuturesUnordered<_> = (0..count).map(|_| crate::common::counted(&polls, one())).collect();
            while all.next().await.is_some() {}
            drop(all);
            assert_eq!(*mutex.lock().await, count);
        });
        polls.get()
    };
    for count in [10, 100, 1_000] {
        let polls = polls_of(count);
        assert!(polls <= 4 * count, "{polls} polls of {count} futures");
    }
}

#[test]
fn a_mutex_of_a_slice_is_one_of_an_array() {
    let _alone = alone();
    let mutex: &Mutex<[u8]> = &Mutex::new([1, 2, 3]);
    at_once(mutex.lock())[1] = 7;
    assert_eq!(*at_once(mutex.lock()), [1, 7, 3]);
    at_once(mutex.use_shielded(async |all| all[0] = 9));
    assert_eq!(mutex.try_lock().as_deref(), Some(&[9, 7, 3][..]));
}

#[test]
#[cfg(feature = "std")]
fn a_mutex_in_a_static_lets_one_thread_in_at_a_time() {
    static MUTEX: Mutex<Cell<u32>, Shared> = Mutex::shared(Cell::new(0));
    let threads = [(); 4].map(|()| {
        std::thread::spawn(|| {
            for round in 0..1_000 {
                if round % 3 == 0 {
                    // Gives up, perhaps when its turn has come.
                    drop(ByHand::new(MUTEX.lock()).poll());
                }
                let guard = futures::executor::block_on(MUTEX.lock());
                let before = guard.get();
                std::thread::yield_now();
                guard.set(before + 1);
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(at_once(MUTEX.lock()).get(), 4_000);
}

#[test]
fn what_a_guard_allows_across_threads_is_what_its_value_allows() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Mutex<u32, Shared>>();
    crosses::<Mutex<Cell<u32>, Shared>>();
    crosses::<MutexGuard<'_, u32, Shared>>();
    fn sends<T: Send>() {}
    sends::<MutexGuard<'_, Cell<u32>, Shared>>();
    sends::<Mutex<Cell<u32>>>();
}
