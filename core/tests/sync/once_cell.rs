//! A value that is made once.

use std::cell::Cell;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::by_hand::{ByHand, at_once};
use crate::common::{Live, alone, now, run_virtual, secs};
use giambio_core::sync::{OnceCell, SetError};
use giambio_core::{Arena, move_on_after, nursery_in, sleep};

#[test]
fn the_first_makes_it_and_all_who_wait_get_it() {
    static ARENA: Arena<3, 2048> = Arena::new();
    run_virtual(async {
        let (cell, made) = (&OnceCell::new(), &Cell::new(0));
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for _ in 0..3 {
                n.spawn_wait(async move {
                    let value = cell.get_or_init(async || {
                        made.set(made.get() + 1);
                        sleep(secs(1)).await;
                        7
                    });
                    assert_eq!((*value.await, now()), (7, secs(1)));
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            Ok(())
        })
        .await;
        assert_eq!((made.get(), cell.get()), (1, Some(&7)));
        assert_eq!(*cell.get_or_init(async || unreachable!()).await, 7);
    });
}

#[test]
fn an_initialiser_that_is_cancelled_leaves_it_to_the_next() {
    run_virtual(async {
        let cell = OnceCell::new();
        let slow = move_on_after(
            secs(1),
            cell.get_or_init(async || {
                sleep(secs(9)).await;
                "slow"
            }),
        );
        let next = cell.get_or_init(async || {
            sleep(secs(1)).await;
            "next"
        });
        let (slow, next) = futures::join!(slow, next);
        assert_eq!((slow, *next, now()), (None, "next", secs(2)));
    });
}

#[test]
fn one_that_leaves_after_its_turn_to_make_it_had_come_leaves_it_to_the_next() {
    let _alone = alone();
    let cell = OnceCell::new();
    let first = ByHand::waiting(cell.get_or_init(std::future::pending::<u32>));
    let second = ByHand::waiting(cell.get_or_init(async || 2));
    let mut third = ByHand::waiting(cell.get_or_init(async || 3));
    drop(first);
    assert!(second.is_woken());
    third.waits();
    drop(second);
    assert_eq!(*third.goes_on(), 3);
}

#[test]
fn one_that_fails_or_panics_leaves_it_to_the_next() {
    let _alone = alone();
    let cell = OnceCell::new();
    assert_eq!(at_once(cell.get_or_try_init(async || Err("no luck"))), Err("no luck"));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        at_once(cell.get_or_init(async || panic!("half-way")));
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"half-way"));
    assert_eq!(cell.get(), None);
    assert_eq!(at_once(cell.get_or_try_init(async || Ok::<_, ()>(3))), Ok(&3));
    assert_eq!(at_once(cell.get_or_try_init(async || Err(()))), Ok(&3));
}

#[test]
#[cfg(feature = "std")] // else a panic ends the program
fn an_initialiser_that_asks_for_its_own_value_is_told() {
    let panic = catch_unwind(AssertUnwindSafe(|| {
        run_virtual(async {
            let cell = OnceCell::new();
            cell.get_or_init(async || {
                sleep(secs(1)).await;
                *cell.get_or_init(async || 1).await
            })
            .await;
        });
    }));
    let panic = panic.unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("the initialiser of a `OnceCell` asks at ") && text.contains("once_cell.rs"), "{text}");
}

#[test]
fn a_value_is_set_only_if_there_is_none_and_nobody_makes_one() {
    let _alone = alone();
    let cell = OnceCell::new();
    {
        let _makes = ByHand::waiting(cell.get_or_init(std::future::pending));
        let error = cell.set(1).unwrap_err();
        assert_eq!(error, SetError::IsBeingMade { value: 1 });
        assert_eq!(error.to_string(), "somebody is making the value of the cell");
        assert_eq!(format!("{cell:?}"), "OnceCell(<not set>)");
    }
    assert_eq!(cell.set(2), Ok(&2));
    let error = cell.set(3).unwrap_err();
    assert_eq!(error.to_string(), "the cell has a value already");
    assert_eq!((error, error.into_value()), (SetError::IsSet { value: 3 }, 3));
    assert_eq!(format!("{cell:?}"), "OnceCell(2)");
}

#[test]
fn a_value_that_is_set_lets_all_go_who_wait_for_one_that_is_being_made() {
    let _alone = alone();
    let cell = OnceCell::new();
    let makes = ByHand::waiting(cell.get_or_init(std::future::pending));
    let mut waits = ByHand::waiting(cell.get_or_init(async || unreachable!()));
    drop(makes);
    // Its turn to make it has come; who comes now is too late.
    assert_eq!(cell.set(1), Err(SetError::IsBeingMade { value: 1 }));
    assert!(catch_unwind(AssertUnwindSafe(|| waits.goes_on())).is_err());
    assert_eq!(cell.set(1), Ok(&1));
}

#[test]
fn the_value_is_dropped_with_the_cell_or_taken_out() {
    let live = Live::new();
    let mut cell = OnceCell::new();
    assert!(cell.set(live.object()).is_ok() && cell.get_mut().is_some());
    assert!(cell.set(live.object()).is_err());
    assert_eq!(live.left(), 1);
    drop(cell.into_inner());
    assert_eq!(live.left(), 0);
    let cell = OnceCell::<_>::default();
    assert!(cell.set(live.object()).is_ok());
    drop(cell);
    assert_eq!((live.left(), OnceCell::<u32>::new().into_inner()), (0, None));
}

#[test]
#[cfg(feature = "std")]
fn threads_make_it_once_in_all() {
    use giambio_core::sync::Shared;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    static CELLS: [OnceCell<String, Shared>; 200] = [const { OnceCell::shared() }; 200];
    static MADE: AtomicU32 = AtomicU32::new(0);
    let threads = [(); 4].map(|()| {
        std::thread::spawn(|| {
            for cell in &CELLS {
                let value = cell.get_or_init(async || {
                    MADE.fetch_add(1, SeqCst);
                    std::thread::yield_now();
                    String::from("made")
                });
                assert_eq!(futures::executor::block_on(value), "made");
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(MADE.load(SeqCst), 200);
}
