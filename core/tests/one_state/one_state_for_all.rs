//! What shares the one state: runtimes that come and go, tasks in the same place, hooks, two threads.
#![allow(unused_imports)] // each feature set has a part of the tests
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Waker};

use crate::common::{Event, *};
use giambio_core::*;

#[cfg(not(feature = "alloc"))]
#[test]
fn a_runtime_that_finds_no_control_block_leaves_no_trace() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let mut first = Box::pin(Runtime::new(&clock, forever::<()>()));
    let mut second = Box::pin(Runtime::new(&clock, forever::<()>()));
    let (_, _) = (first.as_mut().turn(), second.as_mut().turn());
    let mut third = Box::pin(Runtime::new(&clock, forever::<()>()));
    assert!(
        catch_unwind(AssertUnwindSafe(|| {
            let _ = third.as_mut().turn();
        }))
        .is_err()
    );
    // A destructor that panics would be a second bug; what counts here is what is left behind.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(third)));
    assert!(catch_unwind(giambio_core::clock).is_err(), "there is no clock");
    assert!(!in_runtime());
}

#[cfg(not(feature = "alloc"))]
#[test]
fn a_runtime_that_never_began_can_be_dropped_while_others_exist() {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let mut first = Box::pin(Runtime::new(&clock, forever::<()>()));
    let mut second = Box::pin(Runtime::new(&clock, forever::<()>()));
    let (_, _) = (first.as_mut().turn(), second.as_mut().turn());
    let third = Runtime::new(&clock, forever::<()>());
    drop(third);
}

/// Wakers have no generation here: the next task in a place has the same waker as the last one.
#[cfg(not(feature = "alloc"))]
#[test]
fn the_body_of_a_nursery_that_moved_to_the_next_task_in_the_same_place_is_polled() {
    static OUTER: Arena<1, 1024> = Arena::new();
    static INNER: Arena<1, 1024> = Arena::new();
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let event = Event::new();
    let event = &event;
    type Moving<'a> = Rc<RefCell<Option<Pin<Box<dyn Future<Output = Result<(), ()>> + 'a>>>>>;
    let moving: Moving<'_> = Rc::new(RefCell::new(Some(Box::pin(nursery_in(&INNER, async move |_| {
        event.wait().await;
        Ok(())
    })))));
    let mut runtime = pin!(Runtime::new(&clock, async {
        nursery_in(&OUTER, async |n| {
            let first = n.spawn_wait(async {
                let mut inner = moving.borrow_mut().take().unwrap();
                let _ = poll_once(inner.as_mut()).await;
                *moving.borrow_mut() = Some(inner);
                Ok::<_, ()>(())
            });
            let _ = first.await.await;
            event.set(); // the waker of the first task is stale
            n.spawn_wait(async {
                let mut inner = moving.borrow_mut().take().unwrap();
                poll_fn(|cx| inner.as_mut().poll(cx)).await
            })
            .await;
            Ok(())
        })
        .await
    }));
    for _ in 0..1000 {
        match runtime.as_mut().turn() {
            Next::Finished(end) => return assert_eq!(end, Ok(())),
            Next::Wait(Until::OnWake) => break,
            _ => {}
        }
    }
    panic!("the body was not polled in the task that the nursery moved to");
}

/// Hooks panic where panics are not caught: between the end of a child and its counting.
#[cfg(all(feature = "hooks", feature = "alloc"))]
#[test]
fn a_hook_that_unwinds_leaves_no_half_finished_child() {
    struct Throws;
    impl Debugger for Throws {
        fn on_task_exit(&self, task: TaskInfo<'_>) {
            // The root's is told when the runtime is dropped.
            assert!(task.id == TaskId::MAIN, "a hook");
        }
    }
    let _alone = alone();
    let dropped = Rc::new(Cell::new(0));
    let count = dropped.clone();
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = Box::pin(
        Runtime::new(&clock, async move {
            nursery(async |n| {
                let count = count.clone();
                n.spawn(async move {
                    let _guard = on_drop(move || count.set(count.get() + 1));
                    Ok::<_, ()>(())
                });
                Ok(())
            })
            .await
        })
        .with_debugger(Throws),
    );
    assert!(
        catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..5 {
                let _ = runtime.as_mut().turn();
            }
        }))
        .is_err()
    );
    drop(runtime);
    assert_eq!(dropped.get(), 1);
}

/// A thread whose wait ends while another is in the middle of a poll doesn't take its place.
#[test]
fn two_threads_that_poll_at_once_end_the_program() {
    const CHILD: &str = "GIAMBIO_TWO_AT_ONCE";
    if std::env::var_os(CHILD).is_none() {
        let this = "one_state_for_all::two_threads_that_poll_at_once_end_the_program";
        let end = itself().args(["--exact", this, "--nocapture"]).env(CHILD, "").output().unwrap();
        let said = String::from_utf8_lossy(&end.stderr);
        assert!(!end.status.success() && said.contains("two threads or cores polled tasks at once"), "{said}");
        return;
    }
    let ((begin, begins), (tell, is_inside)) = (channel::<()>(), channel::<()>());
    std::thread::spawn(move || {
        begins.recv().unwrap();
        let clock: VirtualClock = VirtualClock::new();
        let inside = async {
            tell.send(()).unwrap();
            std::thread::sleep(secs(60)); // ended long before
        };
        let _ = pin!(Runtime::new(&clock, inside)).turn();
    });
    let clock: VirtualClock = VirtualClock::new();
    pin!(Runtime::new(&clock, sleep(secs(1)))).run(&mut |_| {
        begin.send(()).unwrap();
        is_inside.recv().unwrap();
    });
}
