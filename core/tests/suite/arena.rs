//! Nurseries without a heap: room for a fixed number of children. Law NEVER-REUSED-UNDROPPED.

use std::cell::Cell;
use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};

use crate::common::*;
use futures::stream::{FuturesUnordered, StreamExt};
use giambio_core::{
    Arena, Cancelled, Next, Nursery, Reason, Runtime, SpawnError, Until, VirtualClock, checkpoint, finally,
    move_on_after, nursery_in, shield, sleep,
};

#[test]
fn children_in_an_arena_run_as_others_do() {
    static ARENA: Arena<3, 512> = Arena::new();
    assert_eq!((ARENA.capacity(), ARENA.used()), (3, 0));
    let text = String::from("borrowed");
    run_virtual(async {
        let log = &Log::new();
        let value = nursery_in(&ARENA, async |n| {
            n.try_spawn(async {
                sleep(secs(2)).await;
                log.at(&text);
                Ok(())
            })
            .unwrap();
            let task = n.child().try_spawn_value(async {
                sleep(secs(1)).await;
                Ok(text.len())
            });
            assert_eq!((ARENA.used(), n.live()), (2, 2));
            Ok::<_, ()>(task.unwrap().await.unwrap())
        })
        .await;
        assert_eq!((value, now()), (Ok(8), secs(2)));
        assert_eq!(log.take(), ["2 borrowed"]);
    });
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn a_full_arena_hands_the_future_back() {
    static ARENA: Arena<2, 512> = Arena::new();
    run_virtual(async {
        let live = &Live::new();
        nursery_in(&ARENA, async |n| {
            for _ in 0..2 {
                n.try_spawn(async { Ok(sleep(secs(1)).await) }).unwrap();
            }
            let object = live.object();
            let child = async move {
                let _object = object;
                Ok(())
            };
            let error = n.try_spawn(child).unwrap_err();
            assert!(matches!(error, SpawnError::Full { capacity: 2, .. }));
            assert!(!format!("{error:?}").is_empty());
            assert_eq!(live.left(), 1);
            let child = error.into_future();
            sleep(secs(2)).await;
            // There is room again.
            n.try_spawn(child).unwrap();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(live.left(), 0);
    });
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn a_full_arena_can_be_waited_for() {
    static ARENA: Arena<1, 512> = Arena::new();
    run_virtual(async {
        let log = &Log::new();
        nursery_in(&ARENA, async |n| {
            for name in ["one", "two", "three"] {
                n.spawn_wait(async move {
                    sleep(secs(1)).await;
                    log.at(name);
                    Ok(())
                })
                .await;
            }
            let task = n.child().spawn_value_wait(async { Ok(7) }).await;
            assert_eq!(task.await, Ok(7));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 one", "2 two", "3 three"]);
    });
}

#[test]
fn those_who_wait_for_room_are_served_in_their_order() {
    static ARENA: Arena<1, 512> = Arena::new();
    run_virtual(async {
        let log = &Log::new();
        nursery_in(&ARENA, async |n| {
            let spawn = async |name: &'static str| {
                n.spawn_wait(async move {
                    log.at(name);
                    sleep(secs(1)).await;
                    Ok(())
                })
                .await;
            };
            n.try_spawn(async { Ok(sleep(secs(1)).await) }).unwrap();
            futures::join!(spawn("a"), spawn("b"), spawn("c"), spawn("d"));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 a", "2 b", "3 c", "4 d"]);
    });
}

#[test]
fn a_newcomer_does_not_take_the_place_of_one_who_waits() {
    static ARENA: Arena<1, 512> = Arena::new();
    run_virtual(async {
        let log = &Log::new();
        nursery_in(&ARENA, async |n| {
            n.try_spawn(async { Ok(sleep(secs(1)).await) }).unwrap();
            let waits = async {
                n.spawn_wait(async {
                    log.at("who waited");
                    Ok(())
                })
                .await;
            };
            let barges = async {
                for _ in 0..5 {
                    sleep(millis(500)).await;
                    while let Ok(task) = n.try_spawn(async {
                        log.at("the newcomer");
                        Ok(())
                    }) {
                        let _ = task.await;
                        if log.has("1 who waited") {
                            return;
                        }
                    }
                }
            };
            futures::join!(waits, barges);
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert!(log.has("1 who waited"), "{:?}", log.take());
    });
}

#[test]
fn a_waiter_that_gives_up_passes_its_turn_on() {
    // Dropped at three moments: unpolled, waiting, granted but unseen.
    static ARENA: Arena<1, 512> = Arena::new();
    for moment in 0..3 {
        run_virtual(async {
            let (log, live, open) = (&Log::new(), &Live::new(), &Cell::new(true));
            nursery_in(&ARENA, async |n| {
                let first = n.try_spawn(forever()).unwrap();
                let object = live.object();
                let mut gives_up = Box::pin(pausing(
                    open,
                    n.spawn_wait(async move {
                        let _object = object;
                        log.add("never");
                        Ok(())
                    }),
                ));
                if moment > 0 {
                    assert!(poll_once(gives_up.as_mut()).await.is_pending());
                }
                let mut next = Box::pin(n.spawn_wait(async {
                    log.add("next");
                    Ok(())
                }));
                assert!(poll_once(next.as_mut()).await.is_pending());
                if moment == 2 {
                    open.set(false);
                    first.cancel();
                    let _ = first.await; // the place is the other's now
                    checkpoint().await;
                    drop(gives_up);
                } else {
                    drop(gives_up);
                    first.cancel();
                    let _ = first.await;
                }
                assert_eq!(live.left(), 0);
                drop(next.await);
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
            assert_eq!(log.take(), ["next"], "moment {moment}");
        });
        assert_eq!(ARENA.used(), 0, "moment {moment}");
    }
}

#[test]
fn a_cancelled_nursery_lets_nobody_wait_for_room() {
    static ARENA: Arena<1, 512> = Arena::new();
    run_virtual(async {
        let live = &Live::new();
        let late = move_on_after(
            secs(1),
            nursery_in(&ARENA, async |n| {
                n.try_spawn(forever()).unwrap();
                let object = live.object();
                n.spawn_wait(async move {
                    let _object = object;
                    Ok(())
                })
                .await;
                unreachable!("there is never room");
                #[allow(unreachable_code)]
                Ok::<_, ()>(())
            }),
        )
        .await;
        assert_eq!((late, live.left()), (None, 0));
    });
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn a_child_that_waits_for_room_in_its_own_full_nursery_goes_when_there_is_some() {
    static ARENA: Arena<2, 768> = Arena::new();
    run_virtual(async {
        let log = &Log::new();
        nursery_in(&ARENA, async |n| {
            n.try_spawn(async {
                sleep(secs(1)).await;
                Ok(())
            })
            .unwrap();
            n.try_spawn(async {
                n.spawn_wait(async {
                    log.at("grandchild");
                    Ok(())
                })
                .await;
                log.at("child");
                Ok(())
            })
            .unwrap();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 child", "1 grandchild"]);
    });
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn a_handle_keeps_the_place_of_its_child_until_it_is_gone() {
    static ARENA: Arena<1, 512> = Arena::new();
    run_virtual(async {
        nursery_in(&ARENA, async |n| {
            let task = n.child().try_spawn_value(async { Ok(String::from("kept")) }).unwrap();
            checkpoint().await;
            checkpoint().await;
            assert!(task.is_finished());
            // The result lies where the child was.
            if let Ok(other) = n.child().try_spawn_value(async { Ok(String::from("other")) }) {
                assert_eq!(other.await, Ok(String::from("other")));
            }
            assert_eq!(task.await, Ok(String::from("kept")));
            n.try_spawn(async { Ok(()) }).unwrap();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn nurseries_share_an_arena_and_wait_for_each_other() {
    static ARENA: Arena<2, 2048> = Arena::new();
    run_virtual(async {
        let log = &Log::new();
        let first = nursery_in(&ARENA, async |n| {
            n.try_spawn(async { Ok(sleep(secs(1)).await) }).unwrap();
            n.try_spawn(async { Ok(sleep(secs(2)).await) }).unwrap();
            Ok::<_, ()>(())
        });
        let second = nursery_in(&ARENA, async |n| {
            checkpoint().await;
            for name in ["a", "b"] {
                n.spawn_wait(async move {
                    log.at(name);
                    sleep(secs(5)).await;
                    Ok(())
                })
                .await;
            }
            Ok::<_, ()>(())
        });
        let _ = futures::join!(first, second);
        assert_eq!(log.take(), ["1 a", "2 b"]);
    });
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn nested_nurseries_in_one_arena() {
    static ARENA: Arena<40, 512> = Arena::new();
    fn nest(depth: u32) -> Pin<Box<dyn Future<Output = Result<(), ()>>>> {
        Box::pin(async move {
            if depth == 0 {
                return Ok(sleep(secs(1)).await);
            }
            nursery_in(&ARENA, async |n| {
                n.try_spawn(nest(depth - 1)).unwrap();
                Ok(())
            })
            .await
        })
    }
    run_virtual(nest(40)).unwrap();
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn failure_and_cancellation_free_every_place() {
    static ARENA: Arena<8, 512> = Arena::new();
    run_virtual(async {
        let live = &Live::new();
        let result = nursery_in(&ARENA, async |n| {
            for i in 0..8 {
                n.try_spawn(async move {
                    let _object = live.object();
                    sleep(secs(i)).await;
                    if i == 3 { Err("three") } else { Ok(()) }
                })
                .unwrap();
            }
            forever::<Result<(), _>>().await
        })
        .await;
        assert_eq!((result, now(), live.left(), ARENA.used()), (Err("three"), secs(3), 0, 0));
        let late = move_on_after(
            secs(1),
            nursery_in(&ARENA, async |n| {
                for _ in 0..8 {
                    n.try_spawn(finally(forever(), async || sleep(secs(1)).await)).unwrap();
                }
                Ok::<_, ()>(())
            }),
        )
        .await;
        assert_eq!((late, now(), ARENA.used()), (None, secs(5), 0));
    });
}

#[test]
fn a_child_spawned_into_a_cancelled_arena_nursery_is_handed_back() {
    static ARENA: Arena<4, 2048> = Arena::new();
    run_virtual(async {
        let live = &Live::new();
        let result = nursery_in(&ARENA, async |n| {
            n.try_spawn(async move {
                shield(async {
                    sleep(secs(2)).await;
                    let object = live.object();
                    let error = n
                        .try_spawn(async move {
                            let _object = object;
                            Ok(())
                        })
                        .unwrap_err();
                    assert!(matches!(error, SpawnError::Cancelled { .. }));
                    assert_eq!(live.left(), 1);
                    drop(error);
                    assert_eq!(live.left(), 0);
                    // Waiting for room is no use either: the child is dropped at once.
                    let object = live.object();
                    let task = n
                        .spawn_wait(async move {
                            let _object = object;
                            Ok(())
                        })
                        .await;
                    assert_eq!(task.await, Err(Cancelled { reason: Reason::Failed }));
                    assert_eq!((live.made(), live.left()), (2, 0));
                })
                .await;
                Ok(())
            })
            .unwrap();
            sleep(secs(1)).await;
            Err::<(), _>("body")
        })
        .await;
        assert_eq!((result, now(), live.made()), (Err("body"), secs(2), 2));
    });
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn a_forgotten_nursery_keeps_its_places_for_good() {
    // The children may be borrowed by nobody any more, but they were never dropped.
    static ARENA: Arena<4, 512> = Arena::new();
    let live = Live::new();
    let event = Event::new();
    run_virtual(async {
        {
            let mut half = Box::pin(nursery_in(&ARENA, async |n| {
                for _ in 0..3 {
                    let (object, wait) = (live.object(), event.wait());
                    n.try_spawn(async move {
                        let _object = object;
                        wait.await;
                        unreachable!("it is never polled again");
                        #[allow(unreachable_code)]
                        Ok(())
                    })
                    .unwrap();
                }
                Ok::<_, ()>(())
            }));
            assert!(poll_once(half.as_mut()).await.is_pending());
            mem::forget(half);
        }
        assert_eq!((ARENA.used(), live.left()), (3, 3));
        nursery_in(&ARENA, async |n| {
            let garbage = n.child().try_spawn_value(async { Ok([0xAAu8; 200]) }).unwrap();
            assert!(matches!(n.try_spawn(async { Ok(()) }), Err(SpawnError::Full { capacity: 4, .. })));
            event.set();
            sleep(secs(1)).await;
            assert_eq!(garbage.await, Ok([0xAA; 200]));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!((ARENA.used(), live.left()), (3, 3));
    });
}

#[test]
fn children_in_an_arena_are_never_moved() {
    static ARENA: Arena<8, 512> = Arena::new();
    run_virtual(async {
        nursery_in(&ARENA, async |n| {
            for round in 0..50 {
                n.spawn_wait(NoMove::new(async move {
                    for _ in 0..round % 7 {
                        checkpoint().await;
                    }
                    Ok(())
                }))
                .await;
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn an_aligned_child_is_where_its_alignment_wants_it() {
    static ARENA: Arena<3, 2048> = Arena::new();
    // The strictest that an arena takes.
    #[cfg_attr(target_pointer_width = "64", repr(align(16)))]
    #[cfg_attr(not(target_pointer_width = "64"), repr(align(8)))]
    struct Aligned(u8);
    run_virtual(async {
        nursery_in(&ARENA, async |n| {
            let mut tasks = Vec::new();
            for i in 0..3 {
                let child = async move {
                    let aligned = Aligned(i);
                    checkpoint().await;
                    assert_eq!(std::ptr::from_ref(&aligned).addr() % align_of::<Aligned>(), 0);
                    Ok(aligned)
                };
                tasks.push(n.child().try_spawn_value(child).unwrap());
            }
            for (i, task) in tasks.into_iter().enumerate() {
                assert_eq!(usize::from(task.await.unwrap().0), i);
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_million_children_pass_through_a_small_arena_without_an_allocation() {
    static ARENA: Arena<8, 512> = Arena::new();
    run_virtual(async {
        let done = &Cell::new(0u32);
        nursery_in(&ARENA, async |n| {
            let mut before = 0;
            for i in 0..a_million() {
                n.spawn_wait(async move {
                    if i.is_multiple_of(8) {
                        checkpoint().await;
                    }
                    done.set(done.get() + 1);
                    Ok(())
                })
                .await;
                if i == 100 {
                    before = CountingAlloc::calls();
                }
            }
            assert_eq!(CountingAlloc::calls(), before);
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!((done.get(), ARENA.used()), (a_million(), 0));
    });
}

#[test]
fn a_child_in_an_arena_begins_after_its_delay_and_one_that_is_refused_comes_back_without_one() {
    static ARENA: Arena<1, 768> = Arena::new();
    run_virtual(async {
        let log = &Log::new();
        let ended = nursery_in(&ARENA, async |n| {
            let time = async || Ok::<_, ()>(now());
            n.child().after(secs(2)).try_spawn(async { Ok(log.at("first")) }).unwrap();
            let refused = n.child().after(secs(9)).try_spawn_value(time()).unwrap_err();
            assert_eq!(refused.into_future().await, Ok(secs(0)));
            let second = n.child().after(secs(3)).spawn_value_wait(time()).await;
            assert_eq!((log.take(), now()), (vec!["2 first".to_owned()], secs(2)));
            assert_eq!(second.await, Ok(secs(5)), "three seconds after there was room");
            Ok::<_, ()>(())
        });
        assert_eq!((ended.await, ARENA.used()), (Ok(()), 0));
    });
}

#[test]
fn daemons_and_races_work_in_an_arena() {
    static ARENA: Arena<4, 768> = Arena::new();
    run_virtual(async {
        let log = &Log::new();
        nursery_in(&ARENA, async |n| {
            n.child().daemon().name("beat").try_spawn(forever()).unwrap();
            let named = n.child().name("reader").spawn_wait(async { Ok(()) }).await;
            assert_eq!(named.name(), "reader");
            let value = n.child().name("value").try_spawn_value(async { Ok(1) }).unwrap();
            assert_eq!(value.await, Ok(1));
            let value = n.child().spawn_value_wait(async { Ok(2) }).await;
            assert_eq!(value.await, Ok(2));
            sleep(secs(1)).await;
            log.at("body");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        nursery_in(&ARENA, async |n| {
            n.race();
            for i in 1..=4 {
                n.try_spawn(async move { Ok(sleep(secs(i)).await) }).unwrap();
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!((now(), ARENA.used()), (secs(2), 0));
    });
}

#[test]
fn an_arena_may_be_used_by_threads_at_once() {
    static ARENA: Arena<6, 512> = Arena::new();
    fn work(seed: u64) {
        run_virtual(async {
            let mut rng = Rng(seed);
            let done = &Cell::new(0);
            for _ in 0..200 {
                let mut spawned = 0;
                nursery_in(&ARENA, async |n| {
                    for _ in 0..rng.below(4) {
                        let span = rng.below(3);
                        let child = async move {
                            sleep(secs(span)).await;
                            done.set(done.get() + 1);
                            Ok(())
                        };
                        spawned += u32::from(n.try_spawn(child).is_ok());
                    }
                    Ok::<_, ()>(())
                })
                .await
                .unwrap();
                assert_eq!(done.replace(0), spawned);
            }
        });
    }
    let threads: Vec<_> = (0..4).map(|seed| std::thread::spawn(move || work(seed))).collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn functions_take_a_nursery_in_an_arena_as_an_argument() {
    static ARENA: Arena<4, 512> = Arena::new();
    type Room = &'static Arena<4, 512>;
    async fn start<'scope>(n: Nursery<'scope, '_, (), Room>, count: &'scope Cell<u32>) {
        for _ in 0..10 {
            n.spawn_wait(async { Ok(count.set(count.get() + 1)) }).await;
        }
    }
    run_virtual(async {
        let count = Cell::new(0);
        nursery_in(&ARENA, async |n| Ok::<_, ()>(start(n, &count).await)).await.unwrap();
        assert_eq!(count.get(), 10);
    });
}

#[test]
fn a_nursery_in_an_arena_is_dropped_half_way() {
    static ARENA: Arena<4, 512> = Arena::new();
    let _alone = alone();
    let live = Live::new();
    let clock: VirtualClock = VirtualClock::new();
    {
        let mut runtime = pin!(Runtime::new(
            &clock,
            nursery_in(&ARENA, async |n| {
                for i in 0..4 {
                    let object = live.object();
                    n.try_spawn(async move {
                        let _object = object;
                        if i == 0 { Ok(()) } else { forever().await }
                    })
                    .unwrap();
                }
                Ok::<_, ()>(())
            })
        ));
        assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
        assert_eq!((ARENA.used(), live.left()), (3, 3));
    }
    assert_eq!((ARENA.used(), live.left()), (0, 0));
}

#[test]
fn a_future_that_waits_for_room_holds_the_child_once() {
    static ROOM: Arena<1, 4096> = Arena::new();
    let child = |bytes: [u8; 1000]| async move {
        checkpoint().await;
        assert_eq!(bytes[999], 7);
        Ok::<(), ()>(())
    };
    let result: Result<(), ()> = run_virtual(nursery_in(&ROOM, async |n| {
        let waits = n.spawn_wait(child([7; 1000]));
        let alone = size_of_val(&child([7; 1000]));
        assert!(size_of_val(&waits) < alone + 200, "{} bytes for a child of {alone}", size_of_val(&waits));
        waits.await;
        Ok(())
    }));
    assert_eq!(result, Ok(()));
}

#[test]
fn a_spawn_that_waits_for_room_is_refused_when_the_nursery_is_being_dropped() {
    static ROOM: Arena<2, 1024> = Arena::new();
    in_time(|| {
        run_virtual(async {
            let mut n = Box::pin(nursery_in(&ROOM, async |n| {
                let b = n.try_spawn(async { Ok(()) });
                std::mem::forget(b.unwrap()); // its place is free only when the nursery ends
                // A result whose destructor polls a spawn that waits for room.
                let a = n.child().try_spawn_value(async {
                    let mut waiting = Box::pin(async {
                        n.spawn_wait(forever()).await;
                    });
                    let _ = poll_once(waiting.as_mut()).await;
                    Ok(PollWhenDropped(waiting))
                });
                std::mem::forget(a.unwrap());
                for _ in 0..3 {
                    checkpoint().await;
                }
                forever::<Result<(), ()>>().await
            }));
            for _ in 0..5 {
                let _ = poll_once(n.as_mut()).await;
                checkpoint().await;
            }
            drop(n);
        })
    });
    assert_eq!(ROOM.used(), 0);
}

struct PollWhenDropped<F: Future>(Pin<Box<F>>);

impl<F: Future> Drop for PollWhenDropped<F> {
    fn drop(&mut self) {
        // Refused, it is over.
        let _ = (0..3).any(|_| poll_with_nobody(self.0.as_mut()).is_ready());
    }
}

#[test]
fn no_child_starts_in_a_race_that_was_won_while_it_waited_for_room() {
    static ROOM: Arena<1, 512> = Arena::new();
    let polled = Cell::new(false);
    let _: Result<(), Cancelled> = run_virtual(async {
        nursery_in(&ROOM, async |n| {
            n.race();
            n.spawn_wait(async { Ok(()) }).await;
            n.spawn_wait(async {
                polled.set(true);
                Ok(())
            })
            .await;
            Ok(())
        })
        .await
    });
    assert!(!polled.get(), "a child was started after the race was won");
}

#[test]
fn a_race_that_is_decided_ends_though_its_body_waits_for_room_that_others_have() {
    static ROOM: Arena<3, 512> = Arena::new();
    let log = Log::new();
    run_virtual(async {
        nursery_in(&ROOM, async |others| {
            // Has its place for long.
            others.spawn_wait(async { Ok(sleep(secs(100)).await) }).await;
            let ended: Result<(), ()> = nursery_in(&ROOM, async |n| {
                n.race();
                let kept = n.spawn_wait(async { Ok(sleep(secs(1)).await) }).await;
                let loser = n.spawn_wait(forever()).await;
                // In a set of another library, too, which polls who is woken.
                let late = [n.spawn_wait(forever()), n.spawn_wait(forever())];
                let mut late: FuturesUnordered<_> = late.into_iter().collect();
                while let Some(task) = late.next().await {
                    log.at(&format!("{:?}", task.await.map_err(|cancelled| cancelled.reason)));
                }
                log.at(&format!("{:?} {:?}", kept.status(), loser.status()));
                Ok(())
            })
            .await;
            log.at(&format!("{ended:?}"));
            others.cancel_children();
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
    assert_eq!(log.take(), ["1 Err(RaceWon)", "1 Err(RaceWon)", "1 Finished Cancelling", "1 Ok(())"]);
    assert_eq!(ROOM.used(), 0);
}

#[test]
fn who_waits_for_room_in_a_shield_hears_that_its_nursery_is_cancelled() {
    static ROOM: Arena<2, 512> = Arena::new();
    let end = run_virtual(async {
        nursery_in(&ROOM, async |others| {
            others.spawn_wait(async { Ok(sleep(secs(100)).await) }).await;
            let ended: Result<(), &str> = nursery_in(&ROOM, async |n| {
                n.spawn_wait(async {
                    sleep(secs(1)).await;
                    Err("failed")
                })
                .await;
                // The place that becomes free goes to who came before.
                let before = others.spawn_wait(forever());
                let mine = shield(async { n.spawn_wait(forever()).await.await.is_err() });
                let (_, is_refused) = futures::future::join(before, mine).await;
                assert!(is_refused);
                Ok(())
            })
            .await;
            assert_eq!(ended, Err("failed"));
            others.cancel_children();
            Ok::<_, ()>(now())
        })
        .await
        .unwrap()
    });
    assert_eq!(end, secs(1));
}
