//! Races, in which the first end is the end of all, and daemons, which keep nothing open.

use std::cell::Cell;

use crate::common::*;
use giambio_core::{Cancelled, Reason, nursery, shield, sleep};

#[test]
fn in_a_race_the_first_child_ends_the_nursery() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        let result = nursery(async |n| {
            n.race();
            for i in [3, 1, 2] {
                n.spawn(async move {
                    let _object = live.object();
                    sleep(secs(i)).await;
                    log.at(&format!("{i} ends"));
                    Ok(())
                });
            }
            Ok::<_, ()>(())
        })
        .await;
        assert_eq!((result, now(), live.left()), (Ok(()), secs(1), 0));
        assert_eq!(log.take(), ["1 1 ends"]);
    });
}

#[test]
fn the_losers_of_a_race_know_why_they_were_cancelled() {
    run_virtual(async {
        let reason = &Cell::new(None);
        nursery(async |n| {
            n.race();
            let loser = n.spawn(forever());
            n.spawn(async move {
                shield(async { reason.set(loser.await.err()) }).await;
                Ok(())
            });
            n.spawn(async { Ok(sleep(secs(1)).await) });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(reason.get(), Some(Cancelled { reason: Reason::RaceWon }));
    });
}

#[test]
fn a_loser_of_a_race_cleans_up_before_the_nursery_ends() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            n.race();
            n.spawn(async {
                giambio_core::finally(forever(), async || {
                    sleep(secs(5)).await;
                    log.at("loser cleaned up");
                })
                .await
            });
            n.spawn(async { Ok(sleep(secs(1)).await) });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["6 loser cleaned up"]);
    });
}

#[test]
fn a_daemon_does_not_keep_the_nursery_open() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        let reason = &Cell::new(None);
        let value = nursery(async |n| {
            let daemon = n.child().daemon().spawn(async {
                let _object = live.object();
                giambio_core::finally(forever(), async || {
                    sleep(secs(1)).await;
                    log.at("daemon cleaned up");
                })
                .await
            });
            n.child().daemon().spawn(async move {
                shield(async { reason.set(daemon.await.err()) }).await;
                Ok(())
            });
            n.spawn(async { Ok(sleep(secs(2)).await) });
            sleep(secs(1)).await;
            Ok::<_, ()>(9)
        })
        .await;
        assert_eq!((value, now(), live.left()), (Ok(9), secs(3), 0));
        assert_eq!(log.take(), ["3 daemon cleaned up"]);
        assert_eq!(reason.get(), Some(Cancelled { reason: Reason::BodyFinished }));
    });
}

#[test]
fn a_daemon_that_fails_fails_the_nursery() {
    run_virtual(async {
        let result = nursery(async |n| {
            n.child().daemon().spawn(async {
                sleep(secs(1)).await;
                Err("daemon")
            });
            sleep(secs(2)).await;
            Ok(())
        })
        .await;
        assert_eq!((result, now()), (Err("daemon"), secs(1)));
    });
}

#[test]
fn a_nursery_with_daemons_only_ends_with_its_body() {
    run_virtual(async {
        nursery(async |n| {
            n.child().daemon().spawn(forever());
            n.child().daemon().spawn(async {
                loop {
                    sleep(secs(1)).await;
                }
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(0));
    });
}
