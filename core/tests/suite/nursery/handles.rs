//! Handles of children: values, ends, names, and cancelling one alone.

use std::cell::RefCell;
use std::mem;
use std::rc::Rc;

use crate::common::*;
use giambio_core::{Cancelled, Reason, Status, Task, checkpoint, move_on_after, nursery, shield, sleep};

#[test]
fn a_handle_gives_the_childs_value() {
    run_virtual(async {
        let value = nursery(async |n| {
            let slow = n.spawn_value(async {
                sleep(secs(2)).await;
                Ok(String::from("slow"))
            });
            let fast = n.spawn_value(async { Ok(3) });
            assert!(!slow.is_finished() && !fast.is_finished());
            let fast = fast.await.unwrap();
            assert!(!slow.is_finished());
            sleep(secs(3)).await;
            assert!(slow.is_finished());
            Ok::<_, ()>((slow.await.unwrap(), fast))
        })
        .await;
        assert_eq!((value, now()), (Ok((String::from("slow"), 3)), secs(3)));
    });
}

#[test]
fn a_handle_is_awaited_by_a_sibling() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            let first = n.spawn_value(async {
                sleep(secs(1)).await;
                Ok(10)
            });
            let second = n.spawn_value(async move {
                let value = first.await.unwrap();
                log.at("second");
                Ok(value * 2)
            });
            n.spawn(async move {
                assert_eq!(second.await, Ok(20));
                log.at("third");
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 second", "1 third"]);
    });
}

#[test]
fn a_handle_goes_to_an_outer_task_and_outlives_its_child() {
    run_virtual(async {
        nursery(async |n| {
            let mailbox = Mailbox::new();
            let task = n.spawn_value(async { Ok(vec![1, 2, 3]) });
            mailbox.send(task);
            for _ in 0..10 {
                checkpoint().await;
            }
            // In the meantime the child's place may not have been given to others.
            for i in 0..10 {
                n.spawn_value(async move { Ok(vec![i]) });
            }
            checkpoint().await;
            let task = mailbox.receive().await;
            assert!(task.is_finished());
            assert_eq!(task.await, Ok(vec![1, 2, 3]));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_dropped_handle_detaches_the_child() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            drop(n.spawn(async {
                sleep(secs(1)).await;
                log.at("child");
                Ok(())
            }));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["1 child"]);
    });
}

#[test]
fn a_childs_value_is_dropped_once_whoever_holds_the_handle() {
    run_virtual(async {
        let live = &Live::new();
        let kept = nursery(async |n| {
            // never looked at, dropped before the end
            drop(n.spawn_value(async { Ok(live.object()) }));
            // never looked at, dropped after the end
            let late = n.spawn_value(async { Ok(live.object()) });
            // taken
            let taken = n.spawn_value(async { Ok(live.object()) });
            // the handle is dropped while it waits
            let waiting = n.spawn_value(async {
                sleep(secs(1)).await;
                Ok(live.object())
            });
            let mut waiting = Box::pin(waiting);
            assert!(poll_once(waiting.as_mut()).await.is_pending());
            drop(waiting);
            // the handle is forgotten; the nursery's end frees the value
            mem::forget(n.spawn_value(async { Ok(live.object()) }));
            let taken = taken.await.unwrap();
            sleep(secs(2)).await;
            assert!(late.is_finished());
            drop(late);
            Ok::<_, ()>(taken)
        })
        .await
        .unwrap();
        // The forgotten handle may keep its value for good, as the memory of a forgotten thing may.
        assert_eq!(live.made(), 5);
        assert!((1..=2).contains(&live.left()), "{} are left", live.left());
        drop(kept);
    });
}

#[test]
fn a_handle_cancels_its_child_alone() {
    run_virtual(async {
        let (live, log) = (&Live::new(), &Log::new());
        nursery(async |n| {
            let task = n.spawn_value(async {
                let _object = live.object();
                forever::<()>().await;
                Ok(1)
            });
            n.spawn(async {
                sleep(secs(2)).await;
                log.at("the sibling goes on");
                Ok(())
            });
            sleep(secs(1)).await;
            task.cancel();
            assert_eq!(task.status(), Status::Cancelling);
            assert_eq!(task.await, Err(Cancelled { reason: Reason::Requested }));
            assert_eq!((now(), live.left()), (secs(1), 0));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["2 the sibling goes on"]);
    });
}

#[test]
fn a_child_cancelled_before_its_first_poll_never_runs() {
    run_virtual(async {
        let live = &Live::new();
        nursery(async |n| {
            let object = live.object();
            let task = n.spawn(async move {
                let _object = object;
                unreachable!("it was cancelled in time")
            });
            task.cancel();
            assert!(task.await.is_err());
            assert_eq!(live.left(), 0);
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn cancelling_a_finished_child_changes_nothing() {
    run_virtual(async {
        nursery(async |n| {
            let task = n.spawn_value(async { Ok(1) });
            while !task.is_finished() {
                checkpoint().await;
            }
            task.cancel();
            task.cancel();
            assert_eq!(task.status(), Status::Finished);
            assert_eq!(task.await, Ok(1));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn the_handle_of_a_child_that_failed_says_so() {
    run_virtual(async {
        let seen = &RefCell::new(None);
        let result = nursery(async |n| {
            let task = n.spawn_value(async {
                sleep(secs(1)).await;
                Err::<u8, _>("bad")
            });
            n.spawn(async move {
                let seen_now = shield(task).await;
                *seen.borrow_mut() = Some(seen_now);
                Ok(())
            });
            Ok(())
        })
        .await;
        assert_eq!(result, Err("bad"));
        assert_eq!(seen.take(), Some(Err(Cancelled { reason: Reason::Failed })));
    });
}

#[test]
fn a_handle_says_how_its_child_is() {
    run_virtual(async {
        let event = &Event::new();
        nursery(async |n| {
            let own = Rc::new(RefCell::new(None::<Task<'_, Status>>));
            let inside = own.clone();
            let task = n.spawn_value(async move {
                let status = inside.borrow().as_ref().unwrap().status();
                event.wait().await;
                Ok(status)
            });
            assert_eq!(task.status(), Status::Ready);
            *own.borrow_mut() = Some(task);
            checkpoint().await;
            let task = own.take().unwrap();
            assert_eq!(task.status(), Status::Waiting);
            event.set();
            assert_eq!(task.status(), Status::Ready);
            checkpoint().await;
            assert_eq!(task.status(), Status::Finished);
            assert_eq!(task.await, Ok(Status::Running));

            let task = n.spawn(async {
                shield(sleep(secs(1))).await;
                Ok(())
            });
            checkpoint().await;
            task.cancel();
            assert_eq!(task.status(), Status::Cancelling);
            let other = n.spawn(forever());
            checkpoint().await;
            other.cancel();
            checkpoint().await;
            checkpoint().await;
            assert_eq!((other.status(), other.is_finished()), (Status::Cancelled, true));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn ids_tell_children_apart_and_names_are_kept() {
    run_virtual(async {
        let ids = &RefCell::new(Vec::new());
        nursery(async |n| {
            let mut tasks = Vec::new();
            for _ in 0..100 {
                tasks.push(n.spawn(async { Ok(ids.borrow_mut().push(giambio_core::current_task().unwrap())) }));
            }
            let named = n.child().name("reader").spawn(async { Ok(()) });
            assert_eq!(named.name(), "reader");
            assert!(tasks[0].name().contains("ids_tell_children_apart"), "{}", tasks[0].name());
            let expected: Vec<_> = tasks.iter().map(|task| task.id()).collect();
            for _ in 0..4 {
                checkpoint().await;
            }
            assert_eq!(*ids.borrow(), expected);
            for (i, id) in expected.iter().enumerate() {
                assert!(!expected[..i].contains(id), "two tasks are called {id:?}");
            }
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn awaiting_a_cancelled_handle_twice_in_a_select_loses_nothing() {
    // A handle is `Unpin`, so it can be awaited by reference, given up, and awaited again.
    run_virtual(async {
        nursery(async |n| {
            let mut task = n.spawn_value(async {
                sleep(secs(3)).await;
                Ok("kept")
            });
            assert_eq!(move_on_after(secs(1), &mut task).await, None);
            assert_eq!(move_on_after(secs(1), &mut task).await, None);
            assert_eq!(move_on_after(secs(5), &mut task).await, Some(Ok("kept")));
            assert_eq!(now(), secs(3));
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
    });
}
