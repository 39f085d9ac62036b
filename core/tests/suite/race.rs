//! The first of several futures.

use std::cell::Cell;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::common::*;
use giambio_core::{Reason, cancel_scope, checkpoint, finally, move_on_after, race, shield, sleep};

#[test]
fn the_first_to_be_ready_wins() {
    run_virtual(async {
        let after = |seconds| async move {
            sleep(secs(seconds)).await;
            seconds
        };
        assert_eq!(race((after(3), after(1), after(2))).await, 1);
        assert_eq!(now(), secs(1));
        assert_eq!(race((after(8), after(7), after(6), after(5), after(4), after(3), after(2), after(1))).await, 1);
        assert_eq!(now(), secs(2));
    });
}

#[test]
fn of_several_that_are_ready_the_first_in_the_tuple_wins_and_the_others_are_not_polled() {
    run_virtual(async {
        let is_polled = Cell::new(false);
        let second = async {
            is_polled.set(true);
            2
        };
        assert_eq!(race((ready(1), second)).await, 1);
        assert!(!is_polled.get());
        assert_eq!(race((pending(), ready(2), ready(3))).await, 2);
    });
}

#[test]
fn losers_are_gone_when_it_ends_and_their_clean_ups_are_over() {
    let log = Log::new();
    run_virtual(async {
        let winner = async {
            sleep(secs(1)).await;
            log.at("won");
            1
        };
        let cleans_up = finally(
            async {
                let _object = log.on_drop("cut off");
                forever().await
            },
            async || {
                sleep(secs(5)).await;
                log.at("cleaned up");
            },
        );
        let shielded = async {
            shield(sleep(secs(3))).await;
            log.at("shield over");
            checkpoint().await;
            unreachable!("cancelled code went on")
        };
        assert_eq!(race((cleans_up, winner, shielded)).await, 1);
        log.at("ended");
    });
    assert_eq!(log.take(), ["1 won", "cut off", "3 shield over", "6 cleaned up", "6 ended"]);
}

#[test]
fn a_cancellation_around_it_waits_for_all_clean_ups() {
    run_virtual(async {
        let done = &Cell::new(0);
        let cleans_up = |seconds| {
            finally(pending::<()>(), async move || {
                sleep(secs(seconds)).await;
                done.set(done.get() + 1);
            })
        };
        let both = race((cleans_up(2), cleans_up(3)));
        assert_eq!(move_on_after(secs(1), both).await, None);
        assert_eq!((done.get(), now()), (2, secs(4)));
    });
}

#[test]
fn what_is_lent_goes_on_afterwards() {
    run_virtual(async {
        let mut work = pin!(async {
            for _ in 0..10 {
                sleep(secs(1)).await;
            }
            "done"
        });
        let mut ticks = 0;
        loop {
            let tick = async {
                sleep(secs(3)).await;
                "tick"
            };
            match race((work.as_mut(), tick)).await {
                "tick" => ticks += 1,
                done => break assert_eq!((done, ticks, now()), ("done", 3, secs(10))),
            }
        }
    });
}

#[test]
fn a_racer_may_cancel_the_scope_around() {
    run_virtual(async {
        let outcome = cancel_scope(async |scope| {
            let cancels = async {
                scope.cancel();
                forever().await
            };
            race((pending::<()>(), cancels)).await;
        });
        assert_eq!(outcome.await.unwrap_err().reason, Reason::Requested);
    });
}

#[test]
fn it_works_in_other_executors() {
    assert_eq!(
        run_foreign(race((
            async {
                foreign_yield().await;
                1
            },
            pending(),
        ))),
        1
    );
}

#[test]
fn a_panic_drops_the_others() {
    let log = Log::new();
    let run = || {
        run_virtual(async {
            let other = async {
                let _object = log.on_drop("dropped");
                forever::<()>().await
            };
            let panics = async {
                checkpoint().await;
                panic!("on purpose")
            };
            race((other, panics)).await;
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn no_value_of_a_loser_is_lost() {
    let values = Mailbox::new();
    run_virtual(async {
        for number in 0..10 {
            values.send(number);
        }
        let mut received = vec![];
        while received.len() < 10 {
            let receive = async { Some(values.receive().await) };
            let first = race((
                async {
                    checkpoint().await;
                    None
                },
                receive,
            ));
            received.extend(first.await);
        }
        assert_eq!(received, (0..10).collect::<Vec<_>>());
        assert_eq!(poll_once(pin!(values.receive())).await, Poll::Pending);
    });
}

#[test]
fn a_race_takes_one_value_though_two_come_at_once() {
    let (one, other) = (Mailbox::new(), Mailbox::new());
    run_virtual(async {
        let both_come = async {
            sleep(secs(1)).await;
            one.send(1);
            other.send(2);
            forever().await
        };
        assert_eq!(race((one.receive(), other.receive(), both_come)).await, 1);
        assert_eq!(other.receive().await, 2);
    });
}

#[test]
fn a_race_that_is_dropped_while_losers_clean_up_drops_the_winners_value_once() {
    let live = Live::new();
    run_virtual(async {
        let cleans_up = async {
            finally(pending::<()>(), async || sleep(secs(9)).await).await;
            live.object()
        };
        let wins = async {
            checkpoint().await;
            live.object()
        };
        {
            let mut first = pin!(race((cleans_up, wins)));
            assert!(poll_once(first.as_mut()).await.is_pending());
            checkpoint().await;
            assert!(poll_once(first.as_mut()).await.is_pending());
            assert_eq!(live.left(), 1, "the winner's value is there, and the other's clean-up is waited for");
        }
        assert_eq!((live.made(), live.left()), (1, 0));
    });
}
