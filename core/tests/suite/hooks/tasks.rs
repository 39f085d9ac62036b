//! What is told of tasks: where they come from, what they are called, whose they are, how they are cancelled.

use super::*;

#[test]
fn a_cancelled_child_exits_between_before_and_after_cancel() {
    let transcript = Transcript::default();
    run_watched(
        &transcript,
        nursery(async |n| {
            let task = n.child().name("waits").spawn(forever());
            checkpoint().await;
            checkpoint().await;
            task.cancel();
            let _ = task.await;
            Ok::<_, ()>(())
        }),
    )
    .unwrap();
    assert_eq!(
        transcript.events(),
        [
            "## started",
            ">> waits spawned",
            "// cancelling waits",
            "<< waits exited",
            "// cancelled waits",
            "<< main exited",
            "## finished"
        ]
    );
}

#[test]
fn every_cancelled_child_is_told_of() {
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        let late = move_on_after(
            secs(1),
            nursery(async |n| {
                for name in ["a", "b", "c"] {
                    n.child().name(name).spawn(forever());
                }
                n.child().name("d").spawn(async { Ok(()) });
                Ok::<_, ()>(())
            }),
        )
        .await;
        assert_eq!(late, None);
    });
    let lines = transcript.events();
    for name in ["a", "b", "c", "d"] {
        let count = |text: String| lines.iter().filter(|line| **line == text).count();
        let cancelled = usize::from(name != "d");
        assert_eq!(count(format!("// cancelling {name}")), cancelled);
        assert_eq!(count(format!("// cancelled {name}")), cancelled);
        assert_eq!(count(format!("<< {name} exited")), 1, "{lines:#?}");
    }
}

#[test]
fn a_delayed_child_is_scheduled() {
    let transcript = Transcript::default();
    run_watched(
        &transcript,
        nursery(async |n| {
            n.child().name("later").after(secs(3)).spawn(async { Ok(()) });
            Ok::<_, ()>(())
        }),
    )
    .unwrap();
    let lines = transcript.events();
    assert!(lines.contains(&">> later scheduled in 3".to_string()), "{lines:#?}");
    assert!(lines.contains(&">> later spawned".to_string()), "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains("scheduled")).count(), 1);
}

#[test]
fn a_delayed_child_that_never_starts_is_not_told_of() {
    let transcript = Transcript::default();
    let main = nursery(async |n| {
        n.fail("closed");
        n.child().name("never").after(secs(3)).spawn(async { Ok(()) });
        Ok(())
    });
    assert_eq!(run_watched(&transcript, main), Err("closed"));
    let lines = transcript.take();
    assert!(!lines.iter().any(|line| line.contains("never")), "{lines:#?}");
}

#[test]
fn a_child_without_a_name_is_called_by_its_type() {
    async fn fetch_the_page() -> Result<(), ()> {
        Ok(())
    }
    let transcript = Transcript::default();
    run_watched(
        &transcript,
        nursery(async |n| {
            n.spawn(fetch_the_page());
            Ok(())
        }),
    )
    .unwrap();
    assert!(transcript.take().iter().any(|line| line.contains("fetch_the_page") && line.contains("spawned")));
}

#[test]
fn a_child_is_told_with_the_place_where_it_was_spawned_in_whatever_way() {
    let notes = Notes::new(|event| match event {
        Event::TaskSpawn(task) => Some(task.spawned_at.unwrap()),
        _ => None,
    });
    async fn end() -> Result<(), ()> {
        Ok(())
    }
    let body = nursery(async |n| {
        Ok([
            (n.spawn(end()), line!()).1,
            (n.spawn_value(end()), line!()).1,
            (n.try_spawn(end()), line!()).1,
            (n.child().try_spawn_value(end()), line!()).1,
            (n.spawn_wait(end()).await, line!()).1,
            (n.child().spawn_value_wait(end()).await, line!()).1,
            (n.child().spawn(end()), line!()).1,
            (n.child().name("a").spawn_value(end()), line!()).1,
            (n.child().daemon().try_spawn(end()), line!()).1,
            (n.child().after(secs(1)).try_spawn_value(end()), line!()).1,
            (n.child().name(String::from("b")).spawn_wait(end()).await, line!()).1,
            (n.child().after(secs(1)).name("c").spawn_value_wait(end()).await, line!()).1,
            (n.child().after(secs(1)).spawn(end()), line!()).1,
            (n.child().after(secs(1)).spawn_value(end()), line!()).1,
        ])
    });
    let lines = run_watched(&notes, body).unwrap();
    let places = notes.take();
    assert!(places.iter().all(|place| place.file() == file!()), "{places:?}");
    assert_eq!(places.iter().map(|place| place.line()).collect::<Vec<_>>(), lines);
}

#[test]
fn the_root_has_neither_parent_nor_place_and_is_told_as_a_test_would_make_it() {
    let notes = Notes::new(|event| match event {
        Event::BeforeTaskStep(task) | Event::TaskExit(task) => Some(task == TaskInfo::new(TaskId::MAIN, "main")),
        _ => None,
    });
    run_watched(&notes, async {});
    assert_eq!(notes.take(), [true, true]);
}

#[test]
fn a_childs_parent_is_the_task_in_whose_code_its_nursery_is() {
    let notes = Notes::new(|event| match event {
        Event::TaskSpawn(task) | Event::AfterTaskStep(task) | Event::BeforeCancel(task) | Event::TaskExit(task) => {
            Some((task.name.to_owned(), task.id, task.parent))
        }
        _ => None,
    });
    run_watched(
        &notes,
        nursery(async |n| {
            n.child().name("child").spawn(async {
                // In scopes of its own, and a sibling that it spawns into the nursery outside.
                n.child().name("sibling").spawn(async { Ok(checkpoint().await) });
                move_on_after(
                    secs(1),
                    shield(nursery(async |inner| {
                        inner.child().name("grandchild").spawn(async { Ok(sleep(secs(2)).await) });
                        inner.child().name("cancelled").daemon().spawn(forever());
                        Ok::<_, ()>(checkpoint().await)
                    })),
                )
                .await;
                Ok(())
            });
            Ok::<_, ()>(())
        }),
    )
    .unwrap();
    let told = notes.take();
    let child = told.iter().find(|(name, ..)| name == "child").unwrap().1;
    for (name, _, parent) in &told {
        let wanted = match name.as_str() {
            "main" => None,
            "child" | "sibling" => Some(TaskId::MAIN),
            _ => Some(child),
        };
        assert_eq!(*parent, wanted, "{name}: {told:#?}");
    }
    for name in ["main", "child", "sibling", "grandchild", "cancelled"] {
        assert!(told.iter().filter(|(other, ..)| other == name).count() >= 2, "{name}: {told:#?}");
    }
}

#[test]
#[cfg(feature = "std")]
fn a_nursery_that_goes_to_another_task_takes_its_children_there() {
    use std::{
        cell::RefCell,
        future::poll_fn,
        task::{Context, Poll},
    };
    let notes = Notes::new(|event| match event {
        Event::AfterTaskStep(task) | Event::AfterSleep(task, _) | Event::BeforeCancel(task) => {
            Some((task.name.to_owned(), task.id, task.parent))
        }
        _ => None,
    });
    let moving = RefCell::new(Some(Box::pin(nursery(async |n| {
        n.child().name("moving").spawn(async { Ok::<_, ()>(sleep(secs(1)).await) });
        Ok(forever::<()>().await)
    }))));
    let poll = async || {
        let once =
            |cx: &mut Context<'_>| Poll::Ready(moving.borrow_mut().as_mut().unwrap().as_mut().poll(cx).is_pending());
        assert!(poll_fn(once).await);
        Ok::<_, ()>(checkpoint().await)
    };
    run_watched(&notes, async {
        for name in ["first", "second"] {
            nursery(async |n| {
                n.child().name(name).spawn(poll());
                Ok(())
            })
            .await?;
            sleep(secs(if name == "first" { 0 } else { 2 })).await;
        }
        drop(moving.take());
        Ok::<_, ()>(())
    })
    .unwrap();
    let told = notes.take();
    let id = |name: &str| Some(told.iter().find(|(other, ..)| other == name).unwrap().1);
    let parents: Vec<_> = told.iter().filter(|(name, ..)| name == "moving").map(|told| told.2).collect();
    // It waits in the first's code, is woken when nobody polls it, and is dropped by the root.
    assert_eq!(parents, [id("first"), None, Some(TaskId::MAIN)], "{told:#?}");
}
