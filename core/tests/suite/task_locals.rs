//! Values that are found by a key, by what runs inside.

use std::cell::Cell;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use crate::common::*;
use giambio_core::{
    Arena, Next, Runtime, TaskLocal, Until, VirtualClock, checkpoint, move_on_after, nursery_in, sleep,
};

static NUMBER: TaskLocal<u32> = TaskLocal::new();

#[test]
fn nothing_is_set_outside() {
    run_virtual(async {
        assert_eq!(NUMBER.get(), None);
        assert_eq!(NUMBER.set(1, async { NUMBER.get() }).await, Some(1));
        assert_eq!(NUMBER.get(), None);
    });
    let _alone = alone();
    assert_eq!(NUMBER.get(), None);
}

#[test]
fn the_inner_of_two_values_is_found_and_the_outer_one_again_afterwards() {
    static WORD: TaskLocal<&str> = TaskLocal::new();
    let look = || (NUMBER.get(), WORD.get());
    run_virtual(NUMBER.set(1, async {
        assert_eq!(look(), (Some(1), None));
        let inner = WORD.set("inner", async {
            assert_eq!(look(), (Some(1), Some("inner")));
            checkpoint().await;
            assert_eq!(NUMBER.set(2, async { look() }).await, (Some(2), Some("inner")));
            look()
        });
        assert_eq!(inner.await, (Some(1), Some("inner")));
        assert_eq!(look(), (Some(1), None));
    }));
}

#[test]
fn children_of_nurseries_inside_find_it_and_others_do_not() {
    static ROOM: Arena<4, 512> = Arena::new();
    static INNER: Arena<4, 256> = Arena::new();
    let found = Log::new();
    let (found, note) = (&found, |who: &str| found.add(format!("{who}: {:?}", NUMBER.get())));
    run_virtual(async {
        nursery_in(&ROOM, async |outer| {
            outer
                .spawn_wait(async move {
                    sleep(secs(1)).await;
                    note("beside");
                    Ok(())
                })
                .await;
            let set = NUMBER.set(7, async {
                outer
                    .spawn_wait(async move {
                        note("spawned from inside into the nursery around");
                        Ok(())
                    })
                    .await;
                nursery_in(&INNER, async |inner| {
                    let child = async move {
                        sleep(secs(2)).await;
                        note("child");
                        Ok::<_, ()>(())
                    };
                    inner.spawn_wait(child).await;
                    Ok(())
                })
                .await
            });
            set.await
        })
        .await
        .unwrap();
    });
    assert_eq!(found.take(), ["spawned from inside into the nursery around: None", "beside: None", "child: Some(7)"]);
}

#[test]
fn tasks_that_take_turns_have_each_their_own() {
    static ROOM: Arena<4, 512> = Arena::new();
    run_virtual(async {
        nursery_in(&ROOM, async |n| {
            for number in 0..4 {
                n.spawn_wait(NUMBER.set(number, async move {
                    for _ in 0..10 {
                        assert_eq!(NUMBER.get(), Some(number));
                        checkpoint().await;
                    }
                    Ok::<_, ()>(())
                }))
                .await;
            }
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn what_is_dropped_inside_finds_it_too() {
    let dropped_with = Cell::new(None);
    let note = || on_drop(|| dropped_with.set(NUMBER.get()));
    run_virtual(async {
        let object = note();
        let given_up = NUMBER.set(1, async move {
            let _object = object;
            forever::<()>().await
        });
        assert_eq!(move_on_after(secs(1), given_up).await, None);
        assert_eq!(dropped_with.take(), Some(1));

        let object = note();
        drop(NUMBER.set(2, async move { drop(object) })); // never polled
        assert_eq!(dropped_with.take(), Some(2));

        let object = note();
        NUMBER.set(3, ready(object)).await; // handed out: not inside any longer
        assert_eq!(dropped_with.take(), None);
    });
}

#[test]
fn the_value_is_dropped_last_and_once() {
    let key = TaskLocal::new();
    let drops = Cell::new(0);
    let value = || on_drop(|| drops.set(drops.get() + 1));
    run_virtual(async {
        let inside = async {
            let _last = on_drop(|| assert!(key.with(|value| value.is_some()) && drops.get() == 0));
            forever::<()>().await
        };
        assert_eq!(move_on_after(secs(1), key.set(value(), inside)).await, None);
    });
    assert_eq!(drops.get(), 1);
}

#[test]
fn after_a_panic_inside_nothing_is_set_outside() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = Box::pin(Runtime::new(
        &clock,
        NUMBER.set(1, async {
            assert_eq!(NUMBER.get(), Some(1));
            panic!("on purpose")
        }),
    ));
    assert!(catch_unwind(AssertUnwindSafe(|| runtime.as_mut().turn() == Next::Wait(Until::Now))).is_err());
    assert_eq!(NUMBER.get(), None);
    drop(runtime);
    assert_eq!(NUMBER.get(), None);
}

#[test]
fn runtimes_that_take_turns_on_a_thread_do_not_see_each_others_values() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let steps = |number| {
        NUMBER.set(number, async move {
            for _ in 0..3 {
                assert_eq!(NUMBER.get(), Some(number));
                sleep(secs(1)).await;
            }
        })
    };
    let mut first = pin!(Runtime::new(&clock, steps(1)));
    let mut second = pin!(Runtime::new(&clock, steps(2)));
    for _ in 0..3 {
        let _ = settle(first.as_mut());
        let _ = settle(second.as_mut());
        assert_eq!(NUMBER.get(), None);
        clock.advance(secs(1));
    }
}

#[test]
fn a_key_that_is_borrowed_has_values_that_borrow() {
    let names = vec![String::from("one"), String::from("two")];
    let key = TaskLocal::<&[String]>::new();
    let other = TaskLocal::<&[String]>::new();
    let count = || key.with(|names| names.map(|names| names.len()));
    run_virtual(key.set(&names, async {
        assert_eq!((count(), other.get()), (Some(2), None));
        assert_eq!(key.set(&names[1..], async { count() }).await, Some(1));
    }));
    assert_eq!(format!("{key:?}"), "TaskLocal(None)");
}

#[test]
#[cfg(feature = "std")]
fn other_threads_do_not_find_it() {
    run_virtual(NUMBER.set(1, async {
        assert_eq!(std::thread::spawn(|| NUMBER.get()).join().unwrap(), None);
        assert_eq!(NUMBER.get(), Some(1));
    }));
}

#[test]
#[allow(clippy::declare_interior_mutable_const, clippy::borrow_interior_mutable_const, reason = "what is tried")]
fn constants_are_keys_of_their_own_each_time_that_they_are_named() {
    const KEY: TaskLocal<u32> = TaskLocal::new();
    const OTHER: TaskLocal<u32> = TaskLocal::new();
    run_virtual(async {
        assert_eq!(KEY.set(7, async { (KEY.get(), OTHER.get()) }).await, (None, None));
    });
}
