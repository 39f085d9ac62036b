//! What a wrapper of another library sets while it polls, or drops, what is inside, as a span of `tracing` or the context of
//! another runtime, is set in children too: they are polled and dropped inside of it (law NESTED-POLL). By the real crates it
//! is tested in `tests/scenarios/inherited.rs`.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::common::*;
use giambio_core::{Arena, finally, move_on_after, nursery_in, sleep};

thread_local! {
    static CURRENT: Cell<&'static str> = const { Cell::new("none") };
}

/// Sets a name in each poll, and while it is dropped: what `Instrumented` of `tracing` does, and a wrapper that enters a
/// context of tokio.
struct Inside<F> {
    name: &'static str,
    future: Option<Pin<Box<F>>>,
}

fn inside<F: Future>(name: &'static str, future: F) -> Inside<F> {
    Inside { name, future: Some(Box::pin(future)) }
}

/// Puts back what was set before, also in a panic.
struct Entered(&'static str);

impl Entered {
    fn new(name: &'static str) -> Self {
        Entered(CURRENT.replace(name))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = Entered::new(self.name);
        self.future.as_mut().unwrap().as_mut().poll(cx)
    }
}

impl<F> Drop for Inside<F> {
    fn drop(&mut self) {
        let _entered = Entered::new(self.name);
        self.future = None;
    }
}

fn is_current(name: &str) {
    assert_eq!(CURRENT.get(), name);
}

/// Does something in each way in which code comes to run.
async fn busy(name: &'static str) -> Result<(), ()> {
    is_current(name);
    let _dropped = on_drop(move || is_current(name));
    sleep(secs(1)).await;
    is_current(name);
    let clean_up = async || {
        is_current(name);
        sleep(secs(1)).await;
        is_current(name);
    };
    finally(sleep(secs(9)), clean_up).await;
    is_current(name);
    Ok(())
}

/// A family of three generations.
async fn family(outer: &'static Arena<2, 4096>, inner: &'static Arena<2, 1024>, name: &'static str) {
    nursery_in(outer, async |n| {
        n.spawn_wait(busy(name)).await;
        n.spawn_wait(async {
            nursery_in(inner, async |n| {
                n.spawn_wait(busy(name)).await;
                // The innermost counts, and the one around is back afterwards.
                n.spawn_wait(inside("deeper", busy("deeper"))).await;
                Ok(())
            })
            .await
        })
        .await;
        busy(name).await
    })
    .await
    .unwrap();
}

#[test]
fn what_a_wrapper_sets_in_each_poll_is_set_in_children_and_in_what_is_dropped() {
    static ROOMS: [(Arena<2, 4096>, Arena<2, 1024>); 2] = [const { (Arena::new(), Arena::new()) }; 2];
    static ROOM: Arena<2, 1024> = Arena::new();
    run_virtual(async {
        nursery_in(&ROOM, async |n| {
            // Side by side: they take turns, and neither sees the other's.
            for ((outer, inner), name) in ROOMS.iter().zip(["left", "right"]) {
                n.spawn_wait(inside(name, async move { Ok::<_, ()>(family(outer, inner, name).await) })).await;
            }
            Ok(is_current("none"))
        })
        .await
        .unwrap();
        is_current("none");
        // Cut off half-way, with clean-ups, and dropped by somebody else.
        for millis_until in [500, 1500, 5000] {
            let (outer, inner) = &ROOMS[0];
            move_on_after(millis(millis_until), inside("cut", family(outer, inner, "cut"))).await;
            is_current("none");
            let dropped = Box::pin(inside("dropped", family(outer, inner, "dropped")));
            drop(futures::future::select(dropped, Box::pin(sleep(millis(millis_until)))).await);
            is_current("none");
        }
    });
    let panics = || {
        run_virtual(inside("panics", async {
            nursery_in(&ROOM, async |n| {
                n.spawn_wait(busy("panics")).await;
                sleep(millis(100)).await;
                if CURRENT.get() == "panics" {
                    panic!("on purpose")
                }
                Ok::<(), ()>(())
            })
            .await
        }))
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    is_current("none");
}
