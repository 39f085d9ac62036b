//! A program that is one nursery, without feature `std`: the same polls in the same order as in a main future, the same
//! errors and ends, and nothing left behind.
#![cfg(not(feature = "std"))]
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};
use std::time::Duration;

use crate::common::{Event, *};
use giambio_core::*;

type Room = Arena<4, 4096>;

/// Runs it in a world where waiting takes no time. It waits only where nothing is ready.
#[track_caller]
fn run_in<'env, T, E: 'env>(
    arena: &'static Room,
    body: impl for<'scope> AsyncFnOnce(&'scope NurseryScope<'scope, 'env, E, &'static Room>) -> Result<T, E>,
) -> Result<T, E> {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let result = run_nursery(
        &clock,
        arena,
        &mut |until| match until {
            Until::Now => panic!("it waits though something is ready"),
            Until::At(tick) => clock.advance_to(tick),
            Until::OnWake => panic!("all tasks wait, and nobody is left to wake one"),
        },
        body,
    );
    assert!(!in_runtime());
    assert_eq!(arena.used(), 0);
    result
}

/// Two children that hand a token to each other, and a body that sleeps: who was polled, in order.
async fn play<'env>(n: Nursery<'_, 'env, Infallible, &'static Room>, log: &'env RefCell<Vec<&'static str>>) {
    let (there, back) = (Event::new(), Event::new());
    let (ping, pong) = ((there.clone(), back.clone()), (there, back));
    n.spawn_wait(async move {
        for _ in 0..3 {
            log.borrow_mut().push("ping");
            ping.0.set();
            ping.1.wait().await;
            sleep(Duration::from_secs(2)).await;
        }
        Ok(())
    })
    .await;
    n.spawn_wait(async move {
        for _ in 0..3 {
            pong.0.wait().await;
            log.borrow_mut().push("pong");
            pong.1.set();
            checkpoint().await;
        }
        Ok(())
    })
    .await;
    for _ in 0..3 {
        log.borrow_mut().push("body");
        sleep(Duration::from_secs(3)).await;
    }
}

#[test]
fn the_polls_are_those_of_the_same_nursery_in_a_main_future() {
    static ARENA: Room = Arena::new();
    let (here, there) = (RefCell::default(), RefCell::default());
    let Ok(()) = run_in(&ARENA, async |n| Ok(play(n, &here).await));
    let Ok(()) = run_virtual(nursery_in(&ARENA, async |n| Ok(play(n, &there).await)));
    assert_eq!(here, there);
    assert!(here.borrow().len() >= 9);
}

#[test]
fn it_returns_what_its_body_returns_when_its_children_have_ended() {
    static ARENA: Room = Arena::new();
    let ended = Cell::new(0);
    let result: Result<u8, Infallible> = run_in(&ARENA, async |n| {
        for seconds in 1..=3 {
            let ended = &ended; // what is on the stack may be borrowed
            let child = async move {
                sleep(Duration::from_secs(seconds)).await;
                ended.set(ended.get() + 1);
                Ok(())
            };
            assert!(n.try_spawn(child).is_ok());
        }
        Ok(7)
    });
    assert_eq!((result, ended.get()), (Ok(7), 3));
}

#[test]
fn the_first_error_cancels_the_others_and_is_returned() {
    static ARENA: Room = Arena::new();
    let dropped = Cell::new(0);
    let result: Result<(), &str> = run_in(&ARENA, async |n| {
        n.spawn_wait(finally(pending(), async || dropped.set(dropped.get() + 1))).await;
        n.spawn_wait(async {
            sleep(Duration::from_secs(1)).await;
            Err("too hot")
        })
        .await;
        pending().await
    });
    assert_eq!((result, dropped.get()), (Err("too hot"), 1));
}

#[test]
fn daemons_end_with_it_and_a_race_has_one_winner() {
    static ARENA: Room = Arena::new();
    let Ok(()) = run_in::<(), Infallible>(&ARENA, async |n| {
        n.child().daemon().spawn_wait(pending()).await;
        n.race();
        n.spawn_wait(pending()).await;
        n.spawn_wait(async { Ok(sleep(Duration::from_secs(1)).await) }).await;
        Ok(())
    });
}

#[test]
fn nurseries_lie_in_its_body_and_in_its_children() {
    static ARENA: Room = Arena::new();
    static INNER: Room = Arena::new();
    let Ok(sum) = run_in::<u8, Infallible>(&ARENA, async |n| {
        let event = Event::new();
        let waits = event.clone();
        let child = n
            .child()
            .spawn_value_wait(nursery_in(&INNER, async move |inner| {
                let grandchild = inner.child().spawn_value_wait(async move {
                    waits.wait().await;
                    sleep(Duration::from_secs(1)).await;
                    Ok(2)
                });
                Ok(grandchild.await.await.unwrap_or(0))
            }))
            .await;
        let mine = nursery_in(&INNER, async |inner| {
            let sets = inner.child().spawn_value_wait(async {
                sleep(Duration::from_secs(1)).await;
                event.set();
                Ok(1)
            });
            Ok(sets.await.await.unwrap_or(0))
        });
        let Ok::<u8, Infallible>(mine) = mine.await;
        Ok(mine + child.await.unwrap_or(0))
    });
    assert_eq!(sum, 3);
    assert_eq!(INNER.used(), 0);
}

#[test]
fn a_body_hears_of_a_child_that_ends_with_the_last_poll_of_a_turn() {
    static ARENA: Room = Arena::new();
    for yields in 55..75 {
        let Ok(n) = run_in::<u32, Infallible>(&ARENA, async |n| {
            let child = n.child().spawn_value_wait(async {
                for _ in 0..yields {
                    checkpoint().await;
                }
                Ok(yields)
            });
            Ok(child.await.await.unwrap_or(0))
        });
        assert_eq!(n, yields);
    }
}

#[test]
fn timers_are_looked_at_however_busy_its_children_are() {
    static ARENA: Room = Arena::new();
    let _alone = alone();
    let clock = TickingClock(Cell::new(0).into());
    let done = Cell::new(false);
    let result: Result<(), Infallible> = run_nursery(&clock, &ARENA, &mut |_| {}, async |n| {
        n.spawn_wait(async {
            while !done.get() {
                checkpoint().await;
            }
            Ok(())
        })
        .await;
        sleep(Duration::from_secs(5)).await;
        done.set(true);
        Ok(())
    });
    assert_eq!(result, Ok(()));
}

/// A second passes with each look.
struct TickingClock(std::sync::Mutex<Cell<u64>>);

impl Clock for TickingClock {
    const HZ: u64 = 1;

    fn now(&self) -> Tick {
        let now = self.0.lock().unwrap();
        now.set(now.get() + 1);
        Tick(now.get())
    }
}

#[test]
fn inside_of_what_is_polled_it_is_a_panic_that_breaks_nothing() {
    static ARENA: Room = Arena::new();
    let inside = || {
        let clock: VirtualClock = VirtualClock::new();
        let run = || run_nursery::<_, _, (), Infallible, _>(&clock, &ARENA, &mut |_| {}, async |_| Ok(()));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert!(in_runtime());
    };
    run_virtual(async { inside() });
    let Ok(()) = run_in::<(), Infallible>(&ARENA, async |n| {
        inside();
        n.spawn_wait(async { Ok(inside()) }).await;
        Ok(())
    });
}

#[test]
fn a_panic_of_a_child_drops_all_and_leaves_no_trace() {
    static ARENA: Room = Arena::new();
    let _alone = alone();
    let dropped = Cell::new(0);
    struct OnDrop<'a>(&'a Cell<u32>);
    impl Drop for OnDrop<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let run = || {
        run_in::<(), Infallible>(&ARENA, async |n| {
            for panics in [false, true, false] {
                let guard = OnDrop(&dropped);
                n.spawn_wait(async move {
                    let _guard = guard;
                    checkpoint().await;
                    assert!(!panics, "as planned");
                    pending().await
                })
                .await;
            }
            pending().await
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    assert_eq!((dropped.get(), ARENA.used(), in_runtime()), (3, 0, false));
    assert_eq!(run_in::<_, Infallible>(&ARENA, async |_| Ok(1)), Ok(1));
}

#[test]
fn a_waker_that_outlives_it_wakes_nobody() {
    static ARENA: Room = Arena::new();
    let kept = RefCell::new(Vec::new());
    let keep = async || {
        std::future::poll_fn(|cx| {
            kept.borrow_mut().push(cx.waker().clone());
            std::task::Poll::Ready(())
        })
        .await;
    };
    let Ok(()) = run_in::<(), Infallible>(&ARENA, async |n| {
        n.spawn_wait(async { Ok(keep().await) }).await;
        keep().await;
        Ok(())
    });
    kept.borrow().iter().for_each(std::task::Waker::wake_by_ref);
    assert_eq!(run_in::<_, Infallible>(&ARENA, async |_| Ok(1)), Ok(1));
}

/// A body that does this where it is called, before the nursery is polled.
fn at_once<'env>(
    f: impl FnOnce(),
) -> impl for<'scope> AsyncFnOnce(&'scope NurseryScope<'scope, 'env, Infallible, &'static Room>) -> Result<u8, Infallible>
{
    |_: &NurseryScope<'_, 'env, _, _>| {
        f();
        ready(Ok(1))
    }
}

#[test]
fn a_scope_that_was_polled_beside_it_outlives_it() {
    static ARENA: Room = Arena::new();
    let mut shielded = Box::pin(shield(pending::<()>()));
    let mut poll = || assert!(shielded.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let result: Result<u8, Infallible> = run_in(&ARENA, at_once(&mut poll));
    assert_eq!(result, Ok(1));
    // Beside nothing, and beside another one.
    poll();
    let result: Result<u8, Infallible> = run_in(&ARENA, at_once(poll));
    assert_eq!(result, Ok(1));
    drop(shielded);
    assert_eq!(run_in::<_, Infallible>(&ARENA, async |_| Ok(3)), Ok(3));
}
