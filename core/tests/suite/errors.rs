//! Law NOTHING-LOST: what becomes of errors, the first and the others.
#![cfg(feature = "alloc")]

use std::cell::RefCell;
use std::error::Error;
use std::future::Future;

use crate::common::*;
use giambio_core::{
    Arena, Cancelled, ErrorGroup, Reason, cancel_scope, checkpoint, fail_after, finally, move_on_after, nursery,
    nursery_group, nursery_in, shield, sleep,
};

#[test]
fn of_two_children_that_fail_in_the_same_pass_the_first_is_the_error() {
    run_virtual(async {
        let others = RefCell::new(Vec::new());
        let sink = |error: &'static str| others.borrow_mut().push(error);
        let result = nursery(async |n| {
            n.on_other_error(&sink);
            for name in ["first", "second", "third"] {
                n.spawn(async move {
                    sleep(secs(1)).await;
                    Err(name)
                });
            }
            Ok(())
        })
        .await;
        assert_eq!((result, now()), (Err("first"), secs(1)));
        // The siblings either failed before the cancellation reached them, and are told, or never did.
        let others = others.take();
        assert!(["second", "third"].starts_with(&others), "{others:?}");
    });
}

#[test]
fn body_and_child_fail_at_once() {
    run_virtual(async {
        let log = &Log::new();
        let group = nursery_group(async |n| {
            n.spawn(async {
                shield(sleep(secs(1))).await;
                log.add("child");
                Err("child")
            });
            shield(sleep(secs(1))).await;
            log.add("body");
            Err::<(), _>("body")
        })
        .await
        .unwrap_err();
        // Who failed first comes first, and nobody is missing.
        let errors: Vec<_> = group.iter().map(|error| error.to_string()).collect();
        assert_eq!(errors, log.take());
        assert_eq!(group.len(), 2);
    });
}

#[test]
fn a_group_has_every_error_in_the_order_in_which_they_came() {
    run_virtual(async {
        let group: ErrorGroup<u64> = nursery_group(async |n| {
            for i in (1..=5).rev() {
                n.spawn(async move {
                    shield(sleep(secs(i))).await;
                    Err(i)
                });
            }
            n.spawn(async { Ok(()) });
            Ok(())
        })
        .await
        .unwrap_err();
        assert_eq!(now(), secs(5));
        assert_eq!((group.first(), group.rest(), group.len()), (&1, &[2, 3, 4, 5][..], 5));
        assert_eq!(group.iter().copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(group.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    });
}

#[test]
fn a_group_of_one_is_no_different() {
    run_virtual(async {
        let group = nursery_group(async |_| Err::<(), _>("alone")).await.unwrap_err();
        assert_eq!((group.len(), group.rest().len(), group.into_first()), (1, 0, "alone"));
        assert_eq!(nursery_group(async |_| Ok::<_, ()>(4)).await.ok(), Some(4));
    });
}

#[test]
fn a_group_is_an_error_that_shows_what_is_in_it() {
    let group = run_virtual(nursery_group(async |n| {
        n.spawn(async {
            shield(sleep(secs(1))).await;
            Err(std::io::Error::other("the disk is full"))
        });
        checkpoint().await;
        Err::<(), _>(std::io::Error::other("the net is down"))
    }))
    .unwrap_err();
    let text = group.to_string();
    assert!(text.contains("the net is down"), "{text}");
    let debug = format!("{group:?}");
    assert!(debug.contains("the net is down") && debug.contains("the disk is full"), "{debug}");
    let boxed: Box<dyn Error> = Box::new(group);
    assert!(boxed.to_string().contains("the net is down"));
}

#[test]
fn errors_after_the_nursery_was_cancelled_by_hand_are_not_lost() {
    run_virtual(async {
        #[derive(Debug, PartialEq)]
        enum Failure {
            Cancelled(Cancelled),
            Real(u32),
        }
        impl From<Cancelled> for Failure {
            fn from(cancelled: Cancelled) -> Self {
                Failure::Cancelled(cancelled)
            }
        }
        let errors: Vec<_> = nursery_group(async |n| {
            n.spawn(async {
                shield(sleep(secs(2))).await;
                Err(Failure::Real(2))
            });
            sleep(secs(1)).await;
            n.cancel();
            forever::<Result<(), _>>().await
        })
        .await
        .unwrap_err()
        .into_iter()
        .collect();
        assert_eq!(errors, [Failure::Cancelled(Cancelled { reason: Reason::Requested }), Failure::Real(2)]);
    });
}

#[cfg(feature = "std")]
#[test]
fn clean_ups_run_though_the_sink_panics_over_the_bodys_error() {
    use futures::FutureExt;
    let log = &Log::new();
    let end = run_limited(async {
        let sink = |(): ()| std::panic::resume_unwind(Box::new("the sink"));
        let work = nursery(async |n| {
            n.on_other_error(&sink);
            n.spawn(finally(forever(), async || {
                checkpoint().await;
                log.add("cleaned up");
            }));
            checkpoint().await;
            n.fail(());
            Err::<(), ()>(())
        });
        std::panic::AssertUnwindSafe(work).catch_unwind().await.is_err()
    });
    assert_eq!((end, log.take()), (Some(true), vec!["cleaned up".to_owned()]));
}

#[test]
fn the_sink_hears_of_every_error_but_the_first() {
    run_virtual(async {
        let others = RefCell::new(Vec::new());
        let sink = |error: u32| others.borrow_mut().push((now(), error));
        let result = nursery(async |n| {
            n.on_other_error(&sink);
            for i in 1..=3u32 {
                n.spawn(async move {
                    shield(sleep(secs(i.into()))).await;
                    Err(i)
                });
            }
            n.fail(100);
            n.fail(101);
            n.spawn(async { Err(4) }); // never begins
            Ok(())
        })
        .await;
        // The children weren't polled before the nursery failed: they never began either.
        assert_eq!(result, Err(100));
        assert_eq!(others.take(), [(secs(0), 101)]);

        let start = now();
        let result = nursery(async |n| {
            n.on_other_error(&sink);
            for i in 1..=3u32 {
                n.spawn(async move {
                    shield(sleep(secs(i.into()))).await;
                    Err(i)
                });
            }
            Ok(())
        })
        .await;
        assert_eq!(result, Err(1));
        assert_eq!(others.take(), [(start + secs(2), 2), (start + secs(3), 3)]);
    });
}

#[test]
fn fail_is_as_if_a_child_had_failed() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            n.spawn(async {
                let _object = live.object();
                forever().await
            });
            n.spawn(async {
                sleep(secs(1)).await;
                n.fail("from a child");
                assert!(n.is_cancelled());
                Ok(())
            });
            forever::<Result<(), _>>().await
        })
        .await;
        assert_eq!((result, now(), live.left()), (Err("from a child"), secs(1), 0));
    });
}

#[test]
fn fail_outweighs_the_value_the_body_returns() {
    run_virtual(async {
        let live = &Live::new();
        let result = nursery(async |n| {
            n.fail("failed");
            Ok(live.object())
        })
        .await;
        assert_eq!((result.err(), live.left()), (Some("failed"), 0));
    });
}

#[test]
fn a_failure_during_the_clean_ups_of_another_failure_is_told() {
    run_virtual(async {
        let group = nursery_group(async |n| {
            n.spawn(async {
                finally(async { forever::<Result<(), &str>>().await }, async || {
                    sleep(secs(3)).await;
                    n.fail("while cleaning up");
                })
                .await
            });
            sleep(secs(1)).await;
            Err::<(), _>("first")
        })
        .await
        .unwrap_err();
        assert_eq!(group.into_iter().collect::<Vec<_>>(), ["first", "while cleaning up"]);
        assert_eq!(now(), secs(4));
    });
}

#[test]
fn errors_travel_up_through_nurseries() {
    run_virtual(async {
        let result: Result<(), Box<dyn Error>> = nursery(async |n| {
            n.spawn(async {
                nursery(async |n| {
                    n.spawn(async {
                        nursery(async |n| {
                            n.spawn(async {
                                sleep(secs(1)).await;
                                Err("from the bottom".into())
                            });
                            forever().await
                        })
                        .await
                    });
                    forever().await
                })
                .await
            });
            forever().await
        })
        .await;
        assert_eq!((result.unwrap_err().to_string().as_str(), now()), ("from the bottom", secs(1)));
    });
}

/// What a nursery gives that fails at its first poll, in code that is cancelled already.
async fn in_cancelled_code<T>(body: impl Future<Output = T>) -> T {
    let result = cancel_scope(async |scope| {
        scope.cancel();
        body.await
    })
    .await;
    result.expect("the outcome was known before the first suspension")
}

#[test]
fn an_error_at_the_first_poll_comes_out_of_cancelled_code() {
    static ARENA: Arena<2, 256> = Arena::new();
    run_virtual(async {
        // In each manner that a nursery can fail in.
        let by_body = nursery(async |_| Err::<(), _>("lost"));
        assert_eq!(in_cancelled_code(by_body).await, Err("lost"));
        let by_hand = nursery(async |n| {
            n.fail("lost");
            Ok(())
        });
        assert_eq!(in_cancelled_code(by_hand).await, Err("lost"));
        let by_hand_and_waiting = nursery(async |n| {
            n.fail("lost");
            forever::<Result<(), _>>().await
        });
        assert_eq!(in_cancelled_code(by_hand_and_waiting).await, Err("lost"));
        let cancelled = nursery(async |n| {
            n.cancel();
            Ok(())
        });
        let requested = Cancelled { reason: Reason::Requested };
        assert_eq!(in_cancelled_code(cancelled).await, Err::<(), _>(requested));
        let group = nursery_group(async |n| {
            n.fail("lost");
            Err::<(), _>("too")
        });
        let errors = in_cancelled_code(group).await.unwrap_err();
        assert!(errors.iter().eq(["lost", "too"].iter()));
        let in_arena = nursery_in(&ARENA, async |_| Err::<(), _>("lost"));
        assert_eq!(in_cancelled_code(in_arena).await, Err("lost"));
        let nested = nursery(async |_| nursery(async |_| Err::<(), _>("lost")).await);
        assert_eq!(in_cancelled_code(nested).await, Err("lost"));
        let of_a_nested_one = nursery(async |n| {
            nursery(async |_| {
                n.fail("lost");
                Ok(())
            })
            .await
        });
        assert_eq!(in_cancelled_code(of_a_nested_one).await, Err("lost"));
    });
}

#[test]
fn an_error_of_a_child_that_cancels_the_scope_around_comes_out() {
    run_virtual(async {
        for kind in 0..4 {
            let result = cancel_scope(async |scope| {
                nursery(async |n| {
                    if kind == 1 {
                        n.race();
                    }
                    let child = async {
                        scope.cancel();
                        Err("lost")
                    };
                    match kind {
                        2 => drop(n.child().daemon().spawn(child)),
                        _ => drop(n.spawn(child)),
                    }
                    if kind == 3 {
                        return forever().await;
                    }
                    // So that a daemon has its poll.
                    n.spawn(checkpoint_then_ok());
                    Ok(())
                })
                .await
            })
            .await;
            assert_eq!((kind, result), (kind, Ok(Err::<(), _>("lost"))));
        }
    });
}

async fn checkpoint_then_ok() -> Result<(), &'static str> {
    checkpoint().await;
    Ok(())
}

#[test]
fn an_error_at_once_comes_out_of_an_expired_deadline() {
    run_virtual(async {
        let fails = || nursery(async |_| Err::<(), _>("lost"));
        assert_eq!(move_on_after(secs(0), fails()).await, Some(Err("lost")));
        assert_eq!(fail_after(secs(0), fails()).await, Ok(Err("lost")));
        // Through a clean-up that the deadline falls into.
        let cleaned = finally(fails(), async || sleep(secs(2)).await);
        assert_eq!(move_on_after(secs(1), cleaned).await, Some(Err("lost")));
        assert_eq!(now(), secs(2));
    });
}

#[test]
fn only_errors_come_out_of_cancelled_code_at_once_a_value_does_not() {
    run_virtual(async {
        assert_eq!(move_on_after(secs(0), nursery(async |_| Ok::<_, ()>(1))).await, None);
    });
}

#[test]
fn an_error_waits_for_no_turn() {
    run_virtual(async {
        let mut fails = std::pin::pin!(nursery(async |_| Err::<(), _>("at once")));
        assert!(matches!(poll_once(fails.as_mut()).await, std::task::Poll::Ready(Err("at once"))));
    });
}

#[test]
fn a_task_that_opens_nurseries_that_fail_at_once_leaves_others_their_turn() {
    run_virtual(async {
        let done = &std::cell::Cell::new(false);
        nursery(async |n| {
            n.spawn(async {
                checkpoint().await;
                done.set(true);
                Ok::<_, ()>(())
            });
            n.spawn(async {
                while !done.get() {
                    assert!(nursery(async |_| Err::<(), _>("again")).await.is_err());
                }
                Ok(())
            });
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn an_error_that_waits_for_a_shield_is_not_lost_when_another_task_drops_the_shield() {
    run_virtual(async {
        let kept = &RefCell::new(None);
        nursery(async |n| {
            n.spawn(async {
                let result = move_on_after(
                    secs(1),
                    nursery(async |inner| {
                        inner.spawn(async {
                            *kept.borrow_mut() = Some(Box::pin(shield(forever::<()>())));
                            std::future::poll_fn(|cx| match kept.borrow_mut().as_mut() {
                                Some(shield) => shield.as_mut().poll(cx),
                                None => std::task::Poll::Pending,
                            })
                            .await;
                            Ok(())
                        });
                        checkpoint().await;
                        Err::<(), _>("waits")
                    }),
                )
                .await;
                assert_eq!((result, now()), (Some(Err("waits")), secs(2)));
                Ok::<_, ()>(())
            });
            sleep(secs(2)).await;
            // All that held the nursery, and the scope around it.
            let shield = kept.take();
            drop(shield);
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn every_error_is_dropped_once() {
    run_virtual(async {
        let live = &Live::new();
        for kind in 0..3 {
            let sink = |error: Object| drop(error);
            macro_rules! body {
                ($n:ident) => {{
                    for _ in 0..5 {
                        $n.spawn(async {
                            shield(sleep(secs(1))).await;
                            Err(live.object())
                        });
                    }
                    Ok::<(), Object>(())
                }};
            }
            match kind {
                0 => drop(nursery(async |n| body!(n)).await),
                1 => drop(nursery_group(async |n| body!(n)).await),
                _ => drop(
                    nursery(async |n| {
                        n.on_other_error(&sink);
                        body!(n)
                    })
                    .await,
                ),
            }
            assert_eq!((kind, live.made(), live.left()), (kind, 5 * (kind + 1), 0));
        }
    });
}

#[test]
fn an_error_in_a_nursery_that_an_outer_scope_cancelled_leaks_nothing() {
    run_virtual(async {
        let live = &Live::new();
        let body = nursery_group(async |n| {
            n.spawn(async {
                shield(sleep(secs(2))).await;
                Err::<(), _>(live.object())
            });
            Ok(live.object())
        });
        let late = move_on_after(secs(1), body).await;
        assert_eq!((now(), live.made()), (secs(2), 2));
        drop(late);
        assert_eq!(live.left(), 0);
    });
}

/// In a program whose functions all return `io::Result`, everything goes up by `?`.
#[test]
#[cfg(feature = "std")]
fn errors_of_this_crate_are_io_errors_that_keep_them_and_nobody_tries_again() {
    use giambio_core::channel::{BroadcastError, Closed, EndedEarly};
    use giambio_core::sync::AcquireError;
    use giambio_core::{Cancelled, Reason, TimedOut, fail_after};
    use std::io::{self, ErrorKind, Read};

    async fn in_time() -> io::Result<()> {
        fail_after(secs(2), forever::<io::Result<()>>()).await?
    }
    async fn handles() -> io::Result<()> {
        nursery(async |n| {
            let child = n.spawn(forever());
            child.cancel();
            Ok(child.await?)
        })
        .await
    }
    async fn cancels() -> io::Result<()> {
        nursery(async |n| {
            n.cancel();
            forever().await
        })
        .await
    }
    async fn groups() -> io::Result<()> {
        let failed: Result<(), ErrorGroup<io::Error>> =
            nursery_group(async |_| Err(io::Error::from(ErrorKind::NotFound))).await;
        Ok(failed?)
    }
    run_virtual(async {
        let error = in_time().await.unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::TimedOut, "timed out after 2s".into()));
        assert_eq!(error.downcast::<TimedOut>().unwrap().given, secs(2));
        for error in [handles().await.unwrap_err(), cancels().await.unwrap_err()] {
            assert_ne!(error.kind(), ErrorKind::Interrupted);
            assert_eq!(error.downcast::<Cancelled>().unwrap(), Cancelled { reason: Reason::Requested });
        }
        let error = groups().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.downcast::<ErrorGroup<io::Error>>().unwrap().len(), 1);
    });

    let kinds: [(io::Error, ErrorKind); 5] = [
        (AcquireError::Closed.into(), ErrorKind::Other),
        (Closed.into(), ErrorKind::BrokenPipe),
        (BroadcastError::Closed.into(), ErrorKind::BrokenPipe),
        (BroadcastError::Lagged(3).into(), ErrorKind::Other),
        (EndedEarly { received: 1, wanted: 2 }.into(), ErrorKind::UnexpectedEof),
    ];
    for (error, kind) in kinds {
        assert_eq!(error.kind(), kind);
        assert!(error.get_ref().is_some(), "{error} is kept inside");
    }

    struct Gone(u32);
    impl Read for Gone {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            assert_eq!(self.0, 1, "a loop of `std` has taken it for \"try again\"");
            Err(Cancelled { reason: Reason::Requested }.into())
        }
    }
    assert!(Gone(0).read_exact(&mut [0]).is_err());
    assert!(io::copy(&mut Gone(0), &mut io::sink()).is_err());
}

#[test]
fn the_error_of_a_clean_up_is_not_lost_when_the_nursery_was_cancelled_from_outside() {
    let errors = RefCell::new(Vec::new());
    let sink = |error: &'static str| errors.borrow_mut().push(error);
    let end = run_virtual(async {
        move_on_after(secs(1), async {
            nursery(async |n| {
                n.on_other_error(&sink);
                n.spawn(async {
                    shield(sleep(secs(5))).await;
                    Err("could not save the file")
                });
                Ok(())
            })
            .await
        })
        .await
    });
    // Either way is good: to the caller, or where errors go that have none.
    let told = end == Some(Err("could not save the file")) || !errors.borrow().is_empty();
    assert!(told, "the error is gone");
}

/// One child is dropped since the scope around the nursery was cancelled, so the nursery has no value; but
/// another one had failed before, and was cleaning up. Its error is more than no value.
#[test]
fn the_error_of_a_child_is_not_lost_though_its_sibling_was_cut_short_from_outside() {
    let result = run_virtual(move_on_after(
        secs(2),
        nursery(async |n| {
            n.spawn(forever());
            n.spawn(finally(
                async {
                    sleep(secs(1)).await;
                    Err("found out in time")
                },
                async || sleep(secs(3)).await,
            ));
            Ok(())
        }),
    ));
    assert_eq!(result, Some(Err("found out in time")));
}
