//! From the first poll to the end: who runs when, and who waits for whom.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;

use crate::common::*;
use giambio_core::{Cancelled, Next, Nursery, Reason, Runtime, VirtualClock, cancel_scope, checkpoint, nursery, sleep};

#[test]
fn the_bodys_value_is_the_nurserys() {
    let value = run_virtual(nursery(async |_| Ok::<_, ()>(42)));
    assert_eq!(value, Ok(42));
}

#[test]
fn a_nursery_ends_when_its_last_child_has_ended() {
    run_virtual(async {
        let value = nursery(async |n| {
            n.spawn(async { Ok(sleep(secs(2)).await) });
            n.spawn(async { Ok(sleep(secs(3)).await) });
            n.spawn(async { Ok(sleep(secs(1)).await) });
            Ok::<_, ()>("body")
        })
        .await;
        assert_eq!((value, now()), (Ok("body"), secs(3)));
    });
}

#[test]
fn a_nursery_waits_for_its_body_when_the_children_are_done() {
    run_virtual(async {
        nursery(async |n| {
            n.spawn(async { Ok(()) });
            sleep(secs(5)).await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(5));
    });
}

#[test]
fn children_run_concurrently() {
    // Two naps of two seconds take two seconds: the tutorial's timing line.
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            for name in ["child", "child1"] {
                n.spawn(async move {
                    log.at(&format!("{name} begins"));
                    sleep(secs(2)).await;
                    log.at(&format!("{name} ends"));
                    Ok(())
                });
            }
            log.at("body done");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        log.at("all done");
        assert_eq!(
            log.take(),
            ["0 body done", "0 child begins", "0 child1 begins", "2 child ends", "2 child1 ends", "2 all done"]
        );
    });
}

#[test]
fn a_child_does_not_run_before_its_spawner_waits() {
    run_virtual(async {
        let ran = &Cell::new(0);
        nursery(async |n| {
            n.spawn(async move { Ok(ran.set(ran.get() + 1)) });
            n.spawn(async move { Ok(ran.set(ran.get() + 1)) });
            assert_eq!((ran.get(), n.live()), (0, 2));
            checkpoint().await;
            assert_eq!((ran.get(), n.live()), (2, 0));
            Ok::<_, ()>(())
        })
        .await
    })
    .unwrap();
}

#[test]
fn a_body_is_polled_only_when_it_was_woken() {
    run_virtual(async {
        let (polls, event) = (&Cell::new(0), Event::new());
        nursery(async |n| {
            for _ in 0..10 {
                n.spawn(async {
                    for _ in 0..10 {
                        checkpoint().await;
                    }
                    Ok(())
                });
            }
            n.spawn(async {
                sleep(secs(1)).await;
                event.set();
                Ok(())
            });
            counted(polls, event.wait()).await;
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_child_is_polled_only_when_it_was_woken() {
    run_virtual(async {
        let (polls, event) = (&Cell::new(0), &Event::new());
        nursery(async |n| {
            n.spawn(async move { Ok(counted(polls, event.wait()).await) });
            for _ in 0..100 {
                checkpoint().await;
            }
            assert_eq!(polls.get(), 1);
            event.set();
            event.set();
            event.wake();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(polls.get(), 2, "three wakes, one poll");
    });
}

#[test]
fn children_borrow_what_lives_outside_the_nursery() {
    run_virtual(async {
        let mut parts = [0; 8];
        let (mut left, mut right) = (String::new(), String::from("right"));
        let sum = Cell::new(0);
        nursery(async |n| {
            for (i, chunk) in parts.chunks_mut(3).enumerate() {
                let sum = &sum;
                n.spawn(async move {
                    for part in chunk {
                        checkpoint().await;
                        *part = i + 1;
                        sum.set(sum.get() + *part);
                    }
                    Ok(())
                });
            }
            n.spawn(async {
                left.push_str("left");
                Ok(())
            });
            n.spawn(async {
                checkpoint().await;
                right.clear();
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(parts, [1, 1, 1, 2, 2, 2, 3, 3]);
        assert_eq!((left.as_str(), right.as_str(), sum.get()), ("left", "", 15));
    });
}

#[test]
fn children_spawn_children() {
    fn grow<'scope>(
        n: Nursery<'scope, '_, ()>,
        depth: u32,
        count: &'scope Cell<u32>,
    ) -> Pin<Box<dyn Future<Output = Result<(), ()>> + 'scope>> {
        Box::pin(async move {
            count.set(count.get() + 1);
            if depth > 0 {
                n.spawn(grow(n, depth - 1, count));
                checkpoint().await;
                n.spawn(grow(n, depth - 1, count));
            }
            Ok(())
        })
    }
    run_virtual(async {
        let count = Cell::new(0);
        nursery(async |n| {
            n.spawn(grow(n, 9, &count));
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(count.get(), 1023);
    });
}

#[test]
fn a_child_of_an_inner_nursery_spawns_into_the_outer_one() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |outer| {
            nursery(async |inner| {
                inner.spawn(async {
                    outer.spawn(async {
                        sleep(secs(3)).await;
                        log.at("the outer child ends");
                        Ok(())
                    });
                    Ok(())
                });
                Ok::<_, ()>(())
            })
            .await?;
            log.at("the inner nursery ends");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["0 the inner nursery ends", "3 the outer child ends"]);
    });
}

#[test]
fn the_nursery_goes_on_while_only_grandchildren_are_left() {
    run_virtual(async {
        nursery(async |n| {
            n.spawn(async {
                sleep(secs(1)).await;
                n.spawn(async {
                    sleep(secs(1)).await;
                    n.spawn(async { Ok(sleep(secs(1)).await) });
                    Ok(())
                });
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(now(), secs(3));
    });
}

#[test]
fn an_empty_nursery_still_checkpoints() {
    let _alone = alone();
    let (clock, polls) = (VirtualClock::<1_000>::new(), Cell::new(0));
    let mut runtime = pin!(Runtime::new(&clock, counted(&polls, nursery(async |_| Ok::<_, ()>(1)))));
    assert_eq!(runtime.as_mut().turn(), Next::Finished(Ok(1)));
    assert_eq!(polls.get(), 2);
}

#[test]
fn empty_nurseries_in_a_loop_let_others_run() {
    run_virtual(async {
        let rounds = &Cell::new(0);
        nursery(async |n| {
            n.spawn(async {
                while rounds.get() < 1_000_000 {
                    nursery(async |_| Ok::<_, ()>(())).await?;
                    rounds.set(rounds.get() + 1);
                }
                Ok(())
            });
            for _ in 0..10 {
                checkpoint().await;
            }
            assert!(rounds.get() < 1_000, "the loop ran alone for {} rounds", rounds.get());
            rounds.set(1_000_000);
            Ok::<_, ()>(())
        })
        .await
    })
    .unwrap();
}

#[test]
fn an_empty_nursery_notices_that_it_is_cancelled() {
    run_virtual(async {
        let result = cancel_scope(async |scope| {
            scope.cancel();
            let _ = nursery(async |_| Ok::<_, ()>(())).await;
            unreachable!("an empty nursery is a checkpoint");
        })
        .await;
        assert_eq!(result, Err::<(), _>(Cancelled { reason: Reason::Requested }));
    });
}

#[test]
fn an_error_type_may_borrow() {
    let text = String::from("borrowed");
    let result = run_virtual(nursery(async |n| {
        n.spawn(async { Err(text.as_str()) });
        Ok(())
    }));
    assert_eq!(result, Err("borrowed"));
}

#[test]
fn a_body_may_return_a_borrow_of_the_environment() {
    let text = String::from("borrowed");
    let result = run_virtual(nursery(async |n| {
        let task = n.spawn_value(async { Ok(&text[..3]) });
        Ok::<_, ()>(task.await.unwrap())
    }));
    assert_eq!(result, Ok("bor"));
}

#[test]
fn the_question_mark_converts_errors() {
    async fn work() -> Result<u8, Box<dyn std::error::Error>> {
        nursery(async |n| {
            n.spawn(async {
                checkpoint().await;
                let _: u8 = "x".parse()?;
                Ok(())
            });
            Ok("12".parse::<u8>()?)
        })
        .await
    }
    assert!(run_virtual(work()).unwrap_err().is::<std::num::ParseIntError>());
}

#[test]
fn a_nursery_is_a_future_like_any_other() {
    // Polled by hand, pinned, boxed, or behind `dyn`.
    let _alone = alone();
    let mut future: Pin<Box<dyn Future<Output = Result<u8, ()>>>> = Box::pin(nursery(async |n| {
        let task = n.spawn_value(async { Ok(1) });
        Ok(task.await.unwrap())
    }));
    for _ in 0..10 {
        if let Poll::Ready(value) = poll_with_nobody(future.as_mut()) {
            assert_eq!(value, Ok(1));
            return;
        }
    }
    panic!("ten polls are enough");
}
