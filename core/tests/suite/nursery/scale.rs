//! Nurseries that are deep, and children that are many: nothing breaks, grows or stays.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};

use crate::common::*;
use giambio_core::{
    Next, Runtime, Until, VirtualClock, cancel_scope, checkpoint, move_on_after, nursery, shield, sleep,
};

type Deep<'a> = Pin<Box<dyn Future<Output = Result<u32, u32>> + 'a>>;

/// Nurseries in nurseries, by turns as a child and in the body; `leaf` is the innermost.
fn nest<'a>(depth: u32, live: &'a Live, leaf: &'a dyn Fn() -> Deep<'a>) -> Deep<'a> {
    Box::pin(async move {
        let _object = live.object();
        if depth == 0 {
            return leaf().await;
        }
        nursery(async |n| {
            let inner = nest(depth - 1, live, leaf);
            if depth.is_multiple_of(2) {
                return Ok(inner.await? + 1);
            }
            n.spawn(async { inner.await.map(drop) });
            Ok(depth)
        })
        .await
    })
}

#[test]
fn nurseries_nest_5_000_deep() {
    on_big_stack(|| {
        let live = Live::new();
        let value = run_virtual(nest(5_000, &live, &|| {
            Box::pin(async {
                sleep(secs(1)).await;
                Ok(0)
            })
        }));
        assert_eq!((value, live.left()), (Ok(5_000), 0));
    });
}

#[test]
fn values_come_up_from_nurseries_through_their_handles() {
    fn sum(depth: u32) -> Deep<'static> {
        Box::pin(async move {
            if depth == 0 {
                sleep(secs(1)).await;
                return Ok(0);
            }
            nursery(async |n| {
                let task = n.spawn_value(sum(depth - 1));
                Ok(task.await.map_err(|_| 0u32)? + 1)
            })
            .await
        })
    }
    // Deeper than what a turn may poll.
    on_big_stack(|| assert_eq!(run_virtual(sum(300)), Ok(300)));
}

#[test]
fn an_error_comes_up_from_5_000_nurseries() {
    on_big_stack(|| {
        let live = Live::new();
        let value = run_virtual(nest(5_000, &live, &|| {
            Box::pin(async {
                sleep(secs(1)).await;
                Err(7)
            })
        }));
        assert_eq!((value, live.left()), (Err(7), 0));
    });
}

#[test]
fn a_cancellation_goes_down_5_000_nurseries() {
    on_big_stack(|| {
        let live = Live::new();
        let value = run_virtual(async {
            let deep = nest(5_000, &live, &|| Box::pin(forever()));
            let value = move_on_after(secs(1), deep).await;
            assert_eq!(now(), secs(1));
            value
        });
        assert_eq!((value, live.made(), live.left()), (None, 5_001, 0));
    });
}

#[test]
fn a_shield_1_000_nurseries_down_delays_the_cancellation() {
    on_big_stack(|| {
        let live = Live::new();
        run_virtual(async {
            let deep = nest(1_000, &live, &|| {
                Box::pin(async {
                    shield(sleep(secs(2))).await;
                    forever().await
                })
            });
            assert_eq!(move_on_after(secs(1), deep).await, None);
            assert_eq!(now(), secs(2));
        });
        assert_eq!(live.left(), 0);
    });
}

#[test]
fn nurseries_5_000_deep_are_dropped_half_way() {
    on_big_stack(|| {
        let _alone = alone();
        let live = Live::new();
        let clock: VirtualClock = VirtualClock::new();
        {
            let deep = nest(5_000, &live, &|| Box::pin(forever()));
            let mut runtime = pin!(Runtime::new(&clock, deep));
            assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
        }
        assert_eq!((live.made(), live.left()), (5_001, 0));
    });
}

/// Where timers are in a sorted list, so many of them are out of place.
const CROWD: u64 = if cfg!(feature = "many-timers") { 100_000 } else { 2_000 };

#[test]
fn a_hundred_thousand_children_run_at_once() {
    run_virtual(async {
        let (live, sum) = (&Live::new(), &Cell::new(0u64));
        nursery(async |n| {
            for i in 0..CROWD {
                n.spawn(async move {
                    let _object = live.object();
                    sleep(secs(1 + i % 3)).await;
                    sum.set(sum.get() + i);
                    Ok(())
                });
            }
            assert_eq!(n.live() as u64, CROWD);
            sleep(millis(500)).await;
            assert_eq!(live.left(), CROWD);
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!((now(), live.left(), sum.get()), (secs(3), 0, CROWD * (CROWD - 1) / 2));
    });
}

#[test]
fn a_hundred_thousand_children_are_cancelled_at_once() {
    run_virtual(async {
        let (live, event) = (&Live::new(), &Event::new());
        let result = nursery(async |n| {
            for i in 0..CROWD {
                n.spawn(async move {
                    let _object = live.object();
                    match i % 3 {
                        0 => forever().await,
                        1 => sleep(secs(1 << 30)).await,
                        _ => {
                            let _ = cancel_scope(async |_| forever::<()>().await).await;
                        }
                    }
                    event.set();
                    Ok(())
                });
            }
            sleep(secs(1)).await;
            assert_eq!(live.left(), CROWD);
            Err::<(), _>("enough")
        })
        .await;
        assert_eq!((result, now(), live.left()), (Err("enough"), secs(1), 0));
        assert!(!event.is_set());
    });
}

#[test]
fn a_nursery_does_not_grow_while_a_million_children_come_and_go() {
    run_virtual(async {
        let done = &Cell::new(0u32);
        nursery(async |n| {
            let mut early = 0;
            for wave in 0..a_million() / 100 {
                for i in 0..100 {
                    let child = async move {
                        if i % 4 == 0 {
                            checkpoint().await;
                        }
                        done.set(done.get() + 1);
                        Ok(())
                    };
                    match i % 3 {
                        0 => drop(n.spawn_value(child)),
                        1 => n.spawn_value(child).await.unwrap(),
                        _ => drop(n.spawn(child)),
                    }
                }
                while n.live() > 0 {
                    checkpoint().await;
                }
                if wave == 100 {
                    early = CountingAlloc::bytes();
                }
            }
            let late = CountingAlloc::bytes();
            // Memory of children is kept for those to come, as much as there ever was: that may be a child or two more.
            assert!(late <= early + 1024, "{early} bytes after 10,000 children, {late} after all");
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(done.get(), a_million());
    });
}

#[test]
fn a_nursery_gives_all_memory_back() {
    fn once() {
        run_virtual(async {
            nursery(async |n| {
                for i in 0..1_000 {
                    let task = n.spawn_value(async move { Ok(sleep(millis(i % 7)).await) });
                    if i % 2 == 0 {
                        task.cancel();
                    }
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
        });
    }
    once(); // what the thread keeps for later
    let before = CountingAlloc::bytes();
    for _ in 0..10 {
        once();
    }
    assert_eq!(CountingAlloc::bytes(), before);
}
