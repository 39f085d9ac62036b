//! How much goes on at once, while that changes.

use std::cell::Cell;
use std::convert::Infallible;

use crate::by_hand::{ByHand, at_once};
use crate::common::{Log, alone, now, run_virtual, secs};
use giambio_core::sync::{AcquireError, Limiter, TryAcquireError};
use giambio_core::{Arena, TaskId, move_on_after, nursery_in, sleep};

#[test]
fn only_so_much_goes_on_at_once() {
    static ARENA: Arena<6, 1024> = Arena::new();
    run_virtual(async {
        let (limiter, inside) = (&Limiter::new(2), &Cell::new(0));
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for _ in 0..6 {
                n.spawn_wait(async {
                    let one = limiter.run(1, async {
                        inside.set(inside.get() + 1);
                        assert!(inside.get() <= 2);
                        sleep(secs(1)).await;
                        inside.set(inside.get() - 1);
                    });
                    assert_eq!(one.await, Ok(()));
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            Ok(())
        })
        .await;
        assert_eq!((now(), limiter.held()), (secs(3), 0));
    });
}

#[test]
fn the_total_changes_while_it_is_used() {
    let _alone = alone();
    let limiter = Limiter::new(1);
    let endless = |n| limiter.run(n, std::future::pending::<()>());
    let first = ByHand::waiting(endless(1));
    let [mut second, mut third, mut fourth] = [(); 3].map(|()| ByHand::waiting(endless(1)));
    limiter.set_total(3);
    assert!(second.is_woken() && third.is_woken() && !fourth.is_woken());
    assert!(second.poll().is_pending() && third.poll().is_pending());
    assert_eq!((limiter.held(), limiter.total()), (3, 3));
    // Fewer than are at it: nobody is thrown out, and nobody comes in until enough have left.
    limiter.set_total(1);
    assert_eq!(format!("{limiter:?}"), "Limiter(3 of 1 held)");
    drop(first);
    drop(second);
    fourth.waits();
    assert!(matches!(limiter.try_run(1, async {}), Err(TryAcquireError::Busy { asked: 1, free: 0 })));
    drop(third);
    assert!(fourth.is_woken());
    assert!(fourth.poll().is_pending());
    assert_eq!(limiter.held(), 1);
}

#[test]
fn who_waits_for_more_than_there_are_now_is_told() {
    let _alone = alone();
    let limiter = Limiter::new(3);
    let _one = ByHand::waiting(limiter.run(1, std::future::pending::<()>()));
    let mut three = ByHand::waiting(limiter.run(3, async {}));
    let mut one = ByHand::waiting(limiter.run(1, async { 7 }));
    limiter.set_total(2);
    assert_eq!(three.goes_on(), Err(AcquireError::TooMany { asked: 3, total: 2 }));
    assert_eq!(one.goes_on(), Ok(7));
    limiter.set_total(0);
    assert_eq!(at_once(limiter.run(1, async {})), Err(AcquireError::TooMany { asked: 1, total: 0 }));
}

#[test]
fn it_says_who_is_at_it_with_how_many_and_from_where() {
    static ARENA: Arena<2, 1024> = Arena::new();
    run_virtual(async {
        let limiter = &Limiter::new(5);
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for count in [2, 3] {
                n.spawn_wait(async move {
                    assert_eq!(limiter.run(count, sleep(secs(count as u64))).await, Ok(()));
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            sleep(secs(1)).await;
            let holders: Vec<_> = limiter.holders().collect();
            assert_eq!(holders.iter().map(|holder| holder.count).collect::<Vec<_>>(), [2, 3]);
            assert!(holders.iter().all(|holder| holder.task.is_some_and(|task| task != TaskId::MAIN)));
            assert!(holders[0].place.file().ends_with("limiter.rs") && holders[0].place == holders[1].place);
            sleep(secs(1)).await;
            sleep(secs(0)).await;
            assert_eq!(limiter.holders().map(|holder| holder.count).collect::<Vec<_>>(), [3]);
            Ok(())
        })
        .await;
        assert_eq!(limiter.holders().count(), 0);
    });
}

#[test]
fn what_is_tried_runs_at_once_or_not_at_all() {
    let _alone = alone();
    let limiter = Limiter::new(1);
    let runs = limiter.try_run(1, async { 5 }).unwrap();
    assert!(limiter.try_run(1, async {}).is_err(), "it has its permit already");
    assert_eq!((at_once(runs), limiter.held()), (5, 0));
}

#[test]
fn the_body_is_dropped_before_its_permits_go_back_however_it_ends() {
    run_virtual(async {
        let limiter = Limiter::new(1);
        let log = Log::new();
        let body = || async {
            let _end = crate::common::on_drop(|| log.add(format!("dropped, {} held", limiter.held())));
            sleep(secs(1)).await;
        };
        assert_eq!(limiter.run(1, body()).await, Ok(()));
        assert_eq!(move_on_after(secs(0), limiter.run(1, body())).await, None);
        assert_eq!(limiter.held(), 0);
        drop(limiter.run(1, body()));
        limiter.close();
        assert!(limiter.is_closed());
        assert_eq!(limiter.run(1, body()).await, Err(AcquireError::Closed));
        assert_eq!(log.take(), ["dropped, 1 held", "dropped, 1 held"]);
    });
}
