//! Law HOOKS-OBSERVE: what a debugger is told, and in which order.
#![cfg(all(feature = "alloc", feature = "hooks"))]

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use crate::common::*;
use giambio_core::{
    Debugger, Event, Instant, Next, Runtime, TaskError, TaskId, TaskInfo, Until, VirtualClock, Wait, checkpoint,
    finally, finally_for, move_on_after, nursery, nursery_group, shield, sleep, sync,
};

/// Writes down what it is told, in the tutorial's shorthand.
#[derive(Debug, Default)]
struct Transcript(Mutex<Vec<(TaskId, String)>>);

impl Transcript {
    fn note(&self, task: TaskInfo<'_>, what: impl Into<String>) {
        self.0.lock().unwrap().push((task.id, what.into()));
    }
    fn say(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push((TaskId::MAIN, what.into()));
    }
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().map(|(_, line)| line).collect()
    }
    /// What concerns tasks, but for their steps.
    fn events(&self) -> Vec<String> {
        self.take().into_iter().filter(|line| !line.starts_with("->") && !line.starts_with("<- ")).collect()
    }
}

fn short(span: Duration) -> f64 {
    span.as_secs_f64()
}

impl Debugger for Transcript {
    fn on_start(&self) {
        self.say("## started");
    }
    fn on_exit(&self) {
        self.say("## finished");
    }
    fn on_task_schedule(&self, task: TaskInfo<'_>, delay: Duration) {
        self.note(task, format!(">> {} scheduled in {}", task.name, short(delay)));
    }
    fn on_task_spawn(&self, task: TaskInfo<'_>) {
        self.note(task, format!(">> {} spawned", task.name));
    }
    fn on_task_exit(&self, task: TaskInfo<'_>) {
        self.note(task, format!("<< {} exited", task.name));
    }
    fn before_task_step(&self, task: TaskInfo<'_>) {
        self.note(task, format!("-> {}", task.name));
    }
    fn after_task_step(&self, task: TaskInfo<'_>) {
        self.note(task, format!("<- {}", task.name));
    }
    fn before_sleep(&self, task: TaskInfo<'_>, span: Duration) {
        self.note(task, format!("# {} sleeps {}", task.name, short(span)));
    }
    fn after_sleep(&self, task: TaskInfo<'_>, span: Duration) {
        self.note(task, format!("# {} slept {}", task.name, short(span)));
    }
    fn before_io(&self, timeout: Option<Duration>) {
        self.say(format!("!! before io {timeout:?}"));
    }
    fn after_io(&self, timeout: Option<Duration>) {
        self.say(format!("!! after io {timeout:?}"));
    }
    fn before_cancel(&self, task: TaskInfo<'_>) {
        self.note(task, format!("// cancelling {}", task.name));
    }
    fn after_cancel(&self, task: TaskInfo<'_>) {
        self.note(task, format!("// cancelled {}", task.name));
    }
    fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError) {
        let error = match error {
            TaskError::Error { first, type_name, .. } => format!("error {type_name} first {first}"),
            TaskError::Panic { first, .. } => format!("panic first {first}"),
            _ => format!("{error:?}"),
        };
        self.note(task, format!("!! {}: {error}", task.name));
    }
    fn on_cleanup_abandoned(&self, task: TaskInfo<'_>) {
        self.note(task, format!("!! {} abandoned a clean-up", task.name));
    }
}

fn run_watched<F: Future>(debugger: impl Debugger, main: F) -> F::Output {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&clock, main).with_debugger(debugger));
    finish(runtime.as_mut(), &clock)
}

/// The tutorial's program.
async fn tutorial(transcript: &Transcript) {
    let nap = async |name: &str| {
        transcript.say(format!("[{name}] spawned, sleeping"));
        sleep(secs(2)).await;
        transcript.say(format!("[{name}] had a nice nap"));
        Ok::<_, ()>(())
    };
    nursery(async |n| {
        n.child().name("child").spawn(nap("child"));
        n.child().name("child1").spawn(nap("child1"));
        transcript.say("[main] children spawned");
        Ok(())
    })
    .await
    .unwrap();
    transcript.say("[main] complete");
}

#[test]
fn events_come_in_the_order_of_the_tutorial() {
    let transcript = Transcript::default();
    run_watched(&transcript, tutorial(&transcript));
    let lines = transcript.take();
    assert_eq!(
        lines[..16],
        [
            "## started",
            "-> main",
            ">> child spawned",
            ">> child1 spawned",
            "[main] children spawned",
            "<- main",
            "-> child",
            "[child] spawned, sleeping",
            "<- child",
            "# child sleeps 2",
            "-> child1",
            "[child1] spawned, sleeping",
            "<- child1",
            "# child1 sleeps 2",
            // two seconds pass
            "# child slept 2",
            "# child1 slept 2",
        ]
    );
    // The main task may have steps of its own in between, to see how its children are.
    let rest: Vec<_> = lines[16..].iter().filter(|line| !line.ends_with(" main") || line.contains('#')).collect();
    assert_eq!(
        rest,
        [
            "-> child",
            "[child] had a nice nap",
            "<< child exited",
            "-> child1",
            "[child1] had a nice nap",
            "<< child1 exited",
            "[main] complete",
            "<< main exited",
            "## finished",
        ]
    );
    let end = &lines[lines.len() - 4..];
    assert_eq!(end, ["-> main", "[main] complete", "<< main exited", "## finished"]);
}

#[test]
fn steps_never_overlap_and_end_with_their_task() {
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        let _ = move_on_after(
            secs(20),
            nursery(async |n| {
                for i in 0..10u64 {
                    n.spawn(async move {
                        sleep(secs(i)).await;
                        nursery(async |n| {
                            for k in 0..i {
                                n.spawn(async move {
                                    checkpoint().await;
                                    shield(sleep(secs(k * 3))).await;
                                    Ok(())
                                });
                            }
                            checkpoint().await;
                            Ok::<_, ()>(())
                        })
                        .await
                    });
                }
                Ok::<_, ()>(())
            }),
        )
        .await;
    });
    let mut open = None;
    let (mut alive, mut spawned) = (vec![TaskId::MAIN], 0);
    let lines = std::mem::take(&mut *transcript.0.lock().unwrap());
    for (i, (id, line)) in lines.iter().enumerate() {
        if line.starts_with("##") {
            continue;
        }
        let context = || format!("at {line}, line {i} of {lines:#?}");
        if line.ends_with("spawned") {
            spawned += 1;
            assert!(!alive.contains(id), "{}", context());
            alive.push(*id);
            continue;
        }
        assert!(alive.contains(id), "a task that isn't alive, {}", context());
        if line.starts_with("->") {
            assert_eq!(open.replace(*id), None, "{}", context());
        } else if line.starts_with("<- ") {
            assert_eq!(open.take(), Some(*id), "{}", context());
        } else if line.ends_with("exited") {
            alive.retain(|other| other != id);
            if open == Some(*id) {
                open = None;
            }
        }
    }
    assert_eq!((alive.len(), open), (0, None));
    assert_eq!(spawned, 10 + 45);
}

/// However many passes the nursery makes within one poll.
#[test]
fn each_poll_of_a_body_and_each_of_its_task_is_a_step() {
    let transcript = Transcript::default();
    let say = |what: &str| transcript.say(what);
    run_watched(&transcript, async {
        let begun = crate::common::Event::new();
        let beside = async {
            begun.wait().await;
            say("[beside]");
        };
        let nursery = nursery(async |n| {
            n.child().name("child").spawn(async { Ok(say("[child]")) });
            say("[body 1]");
            checkpoint().await;
            say("[body 2]");
            begun.set();
            sleep(secs(1)).await;
            Ok::<_, ()>(say("[body 3]"))
        });
        let ((), result) = futures::join!(beside, nursery);
        result
    })
    .unwrap();
    assert_eq!(
        transcript.take(),
        [
            "## started",
            "-> main",
            ">> child spawned",
            "[body 1]",
            "<- main",
            "-> child",
            "[child]",
            "<< child exited",
            "-> main",
            "[body 2]",
            "<- main",
            "# main sleeps 1",
            "-> main",
            "[beside]",
            "<- main",
            "# main slept 1",
            "-> main",
            "[body 3]",
            "<< main exited",
            "## finished",
        ]
    );
}

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
fn errors_are_told_the_first_and_the_others() {
    let transcript = Transcript::default();
    let group = run_watched(
        &transcript,
        nursery_group(async |n| {
            for (name, span) in [("late", 2), ("early", 1)] {
                n.child().name(name).spawn(async move {
                    shield(sleep(secs(span))).await;
                    Err(String::from(name))
                });
            }
            Ok::<(), _>(())
        }),
    );
    assert_eq!(group.unwrap_err().len(), 2);
    let told: Vec<_> = transcript.take().into_iter().filter(|line| line.contains("error")).collect();
    assert_eq!(
        told,
        ["!! early: error alloc::string::String first true", "!! late: error alloc::string::String first false"]
    );
}

#[test]
fn an_error_that_nobody_can_receive_is_still_told() {
    // Law NOTHING-LOST: the nursery was cancelled from outside while its child was in a shield.
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        let _ = move_on_after(secs(1), async {
            let _: Result<(), &str> = nursery(async |n| {
                n.child().name("fails").spawn(async {
                    shield(sleep(secs(2))).await;
                    Err("too late")
                });
                Ok(())
            })
            .await;
            forever::<()>().await
        })
        .await;
    });
    let told: Vec<_> = transcript.take().into_iter().filter(|line| line.contains("error")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("!! fails: error &str"), "{told:?}");
}

#[test]
fn the_failure_of_a_body_is_told_too() {
    let transcript = Transcript::default();
    let result = run_watched(&transcript, nursery(async |_| Err::<(), _>(3u8)));
    assert_eq!(result, Err(3));
    let lines = transcript.take();
    assert!(lines.contains(&"!! main: error u8 first true".to_string()), "{lines:#?}");
}

#[test]
fn an_abandoned_clean_up_is_told() {
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        // Dropped by a foreign combinator while it cleans up, while it is shielded, while it waits.
        for kind in 0..3 {
            let begun = async {
                match kind {
                    0 => finally(async {}, async || forever().await).await,
                    1 => shield(forever()).await,
                    _ => finally(forever(), async || ()).await,
                }
            };
            futures::future::select(pin!(begun), pin!(sleep(secs(1)))).await;
        }
    });
    let told = transcript.take().into_iter().filter(|line| line.contains("abandoned")).count();
    assert_eq!(told, 3);
}

#[test]
fn a_clean_up_that_was_done_or_never_due_is_not_told_as_abandoned() {
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        finally(async {}, async || sleep(secs(1)).await).await;
        shield(sleep(secs(1))).await;
        move_on_after(secs(1), finally(forever::<()>(), async || sleep(secs(1)).await)).await;
        move_on_after(secs(1), async {
            shield(sleep(secs(2))).await;
            forever::<()>().await
        })
        .await;
        drop(finally(async {}, async || ()));
        drop(shield(async {}));
        let _ = giambio_core::cancel_scope(async |scope| {
            scope.cancel();
            finally(async {}, async || ()).await;
        })
        .await;
        // Its grace is over: that is the agreement, and still worth a word or not.
        move_on_after(secs(1), finally_for(secs(1), forever::<()>(), async || ())).await;
    });
    let lines = transcript.take();
    assert!(!lines.iter().any(|line| line.contains("abandoned")), "{lines:#?}");
}

#[test]
fn sleeps_are_told_with_their_spans() {
    let transcript = Transcript::default();
    run_watched(&transcript, async {
        sleep(secs(3)).await;
        sleep(secs(0)).await;
        move_on_after(secs(1), sleep(secs(5))).await;
    });
    let lines: Vec<_> = transcript.take().into_iter().filter(|line| line.starts_with("# ")).collect();
    assert_eq!(lines[..2], ["# main sleeps 3", "# main slept 3"]);
    assert!(lines.contains(&"# main sleeps 5".to_string()));
    assert!(!lines.contains(&"# main slept 5".to_string()), "{lines:?}");
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

/// Writes down what the function makes of each event.
struct Notes<T>(Mutex<Vec<T>>, fn(Event<'_>) -> Option<T>);

impl<T: Send> Debugger for Notes<T> {
    fn event(&self, event: Event<'_>) {
        self.0.lock().unwrap().extend(self.1(event));
    }
}

impl<T> Notes<T> {
    fn new(note: fn(Event<'_>) -> Option<T>) -> Self {
        Notes(Mutex::default(), note)
    }
    fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
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

/// A wait that takes no time, and looks for I/O where it says so. The last one of all wakes somebody.
struct Looking<'a, L, const HZ: u64>(&'a VirtualClock<HZ>, L, &'a sync::Event);

impl<L: Fn(Until) -> bool, const HZ: u64> Wait for Looking<'_, L, HZ> {
    fn wait(&mut self, until: Until) {
        match until {
            Until::Now => {}
            Until::At(tick) => self.0.advance_to(tick),
            Until::OnWake => self.2.set(),
        }
    }
    fn looks_for_io(&self, until: Until) -> bool {
        self.1(until)
    }
}

/// What is told of a program that sleeps and then waits, by one who looks for I/O then.
fn told_by(looks: impl Fn(Until) -> bool) -> Vec<String> {
    let _alone = alone();
    let (transcript, clock, event) = (Transcript::default(), VirtualClock::<1_000>::new(), sync::Event::new());
    let main = async {
        sleep(secs(1)).await;
        event.wait().await;
    };
    let runtime = pin!(Runtime::new(&clock, main).with_debugger(&transcript));
    runtime.run(&mut Looking(&clock, looks, &event));
    transcript.take()
}

#[test]
fn each_look_for_io_is_told_before_and_after() {
    assert_eq!(
        told_by(|_| true),
        [
            "## started",
            "-> main",
            "<- main",
            "# main sleeps 1",
            "!! before io Some(1s)",
            "!! after io Some(1s)",
            "# main slept 1",
            "-> main",
            "<- main",
            "!! before io None",
            "!! after io None",
            "-> main",
            "<< main exited",
            "## finished",
        ]
    );
}

#[test]
fn who_idles_until_a_deadline_looks_once_before_the_sleeper_goes_on() {
    let mut told = told_by(|until| until == Until::Now);
    let look = told.iter().position(|line| line == "!! before io Some(0ns)").unwrap();
    assert_eq!(
        told[look - 1..look + 3],
        ["# main slept 1", "!! before io Some(0ns)", "!! after io Some(0ns)", "-> main"]
    );
    told.drain(look..look + 2);
    assert_eq!(told, told_by(|_| false), "who never looks tells of no look, and of everything else");
}

#[test]
fn a_wait_that_ends_before_its_deadline_is_followed_by_no_look() {
    let _alone = alone();
    struct Impatient<'a>(&'a VirtualClock<1_000>);
    impl Wait for Impatient<'_> {
        fn wait(&mut self, _: Until) {
            self.0.advance(Duration::from_millis(400));
        }
        fn looks_for_io(&self, until: Until) -> bool {
            until == Until::Now
        }
    }
    let (transcript, clock) = (Transcript::default(), VirtualClock::<1_000>::new());
    let runtime = pin!(Runtime::new(&clock, sleep(secs(1))).with_debugger(&transcript));
    runtime.run(&mut Impatient(&clock));
    let looks = transcript.take().iter().filter(|line| line.starts_with("!! before")).count();
    assert_eq!(looks, 1, "of three waits the last was to its end");
}

/// Writes down each event, by the method for all of them alone, and when it came.
#[derive(Default)]
struct Timeline(Mutex<Vec<(Instant, String)>>);

impl Debugger for Timeline {
    fn event(&self, event: Event<'_>) {
        // The transcript's words.
        let transcript = Transcript::default();
        event.dispatch(&transcript);
        let [line] = transcript.take().try_into().unwrap();
        self.0.lock().unwrap().push((giambio_core::clock(), line));
    }
}

/// Something of everything that can be told of.
async fn everything() {
    let _ = nursery(async |n| {
        n.child().name("later").after(secs(1)).spawn(async { Ok(()) });
        n.child().name("cancelled").spawn(forever()).cancel();
        n.child().name("fails").spawn(async {
            sleep(secs(2)).await;
            futures::future::select(pin!(shield(forever::<()>())), pin!(sleep(secs(1)))).await;
            Err("as it should")
        });
        Ok::<_, &str>(())
    })
    .await;
}

#[test]
fn one_method_gets_every_event_in_the_order_in_which_the_methods_get_them() {
    let watch = |debugger: &dyn Debugger| {
        let _alone = alone();
        let clock: VirtualClock = VirtualClock::new();
        let runtime = pin!(Runtime::new(&clock, everything()).with_debugger(debugger));
        runtime.run(&mut Looking(&clock, |_| true, &sync::Event::new()));
    };
    let (transcript, timeline) = (Transcript::default(), Timeline::default());
    watch(&transcript);
    watch(&timeline);
    let (times, lines): (Vec<_>, Vec<_>) = timeline.0.into_inner().unwrap().into_iter().unzip();
    assert_eq!(lines, transcript.take());
    assert!(times.is_sorted() && times.last() == Some(&Instant::from_nanos(3_000_000_000)), "{times:?}");
    for kind in [
        "## started",
        "## finished",
        "scheduled in 1",
        "spawned",
        "exited",
        "-> ",
        "<- ",
        "sleeps 1",
        "slept 1",
        "before io",
        "after io",
        "// cancelling",
        "// cancelled",
        "error &str",
        "abandoned",
    ] {
        assert!(lines.iter().any(|line| line.contains(kind)), "{kind}: {lines:#?}");
    }
}

#[test]
fn a_debugger_that_passes_events_on_passes_on_all_of_them_to_whatever_kind_of_owner() {
    struct Both<A, B>(A, B);
    impl<A: Debugger, B: Debugger> Debugger for Both<A, B> {
        fn event(&self, event: Event<'_>) {
            self.0.event(event);
            self.1.event(event);
        }
    }
    let (one, two) = (Transcript::default(), Transcript::default());
    run_watched(Both(&one, Box::new(Both(&two, giambio_core::NoDebugger))), everything());
    let lines = one.take();
    assert_eq!(lines, two.take());
    assert!(lines.len() > 20, "{lines:#?}");
}

#[test]
fn a_debugger_changes_nothing() {
    async fn program(log: &Log) -> Result<u8, &'static str> {
        nursery(async |n| {
            for i in 0..20u64 {
                n.spawn(async move {
                    for k in 0..i {
                        sleep(secs(k % 3)).await;
                        log.add(format!("{i} {k} {:?}", now()));
                    }
                    if i == 15 { Err("fifteen") } else { Ok(()) }
                });
            }
            Ok(1)
        })
        .await
    }
    let (with, without) = (Log::new(), Log::new());
    let transcript = Transcript::default();
    let first = run_watched(&transcript, program(&with));
    let second = run_virtual(program(&without));
    assert_eq!((first, with.take()), (second, without.take()));
}

#[test]
fn a_debugger_may_be_borrowed_boxed_or_shared() {
    fn accepts(debugger: impl Debugger + Debug) {
        run_watched(debugger, async { checkpoint().await });
    }
    let transcript = Transcript::default();
    accepts(&transcript);
    accepts(Box::new(Transcript::default()));
    #[cfg(feature = "std")]
    {
        accepts(std::rc::Rc::new(Transcript::default()));
        accepts(std::sync::Arc::new(Transcript::default()));
    }
    assert_eq!(transcript.take(), ["## started", "-> main", "<- main", "-> main", "<< main exited", "## finished"]);
}

#[test]
fn a_runtime_dropped_half_way_tells_of_the_tasks_that_go() {
    let _alone = alone();
    let (transcript, clock) = (Transcript::default(), VirtualClock::<1_000>::new());
    {
        let main = nursery(async |n| {
            n.child().name("child").spawn(forever());
            Ok::<_, ()>(())
        });
        let mut runtime = pin!(Runtime::new(&clock, main).with_debugger(&transcript));
        assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    }
    let lines = transcript.take();
    assert_eq!(lines.iter().filter(|line| *line == "<< child exited").count(), 1, "{lines:#?}");
}

#[cfg(feature = "std")]
mod hostile {
    use super::*;
    use std::cell::Cell;

    /// Panics at the n-th event.
    struct Panics(Cell<u32>, Cell<u32>);

    impl Debugger for Panics {
        fn event(&self, _: Event<'_>) {
            self.1.set(self.1.get() + 1);
            if self.0.get() == self.1.get() {
                panic!("the debugger itself is broken");
            }
        }
    }

    #[test]
    fn a_hook_that_panics_breaks_nothing_and_is_switched_off() {
        for nth in 1..60 {
            let panics = Panics(Cell::new(nth), Cell::new(0));
            let live = Live::new();
            let result = run_watched(
                &panics,
                nursery(async |n| {
                    for i in 1..4u64 {
                        n.spawn(async move {
                            sleep(secs(i)).await;
                            Ok(())
                        });
                    }
                    let task = n.spawn(async {
                        let _object = live.object();
                        forever().await
                    });
                    sleep(secs(2)).await;
                    task.cancel();
                    sleep(secs(2)).await;
                    Err::<(), _>("end")
                }),
            );
            assert_eq!((result, live.left()), (Err("end"), 0), "event {nth}");
            assert!(panics.1.get() <= nth, "event {nth}: it was told of {} more", panics.1.get() - nth);
        }
    }

    #[test]
    fn a_hook_that_panics_when_it_is_told_of_io_is_switched_off_as_well() {
        let _alone = alone();
        let event = sync::Event::new();
        // The first and the second look, before and after, and once nothing at all.
        for (nth, told) in [(5, 5), (6, 6), (10, 10), (11, 11), (100, 14)] {
            let (clock, panics) = (VirtualClock::<1_000>::new(), Panics(Cell::new(nth), Cell::new(0)));
            let main = async {
                sleep(secs(1)).await;
                event.wait_and_clear().await;
            };
            let runtime = pin!(Runtime::new(&clock, main).with_debugger(&panics));
            runtime.run(&mut Looking(&clock, |_| true, &event));
            assert_eq!(panics.1.get(), told, "event {nth}");
        }
    }

    #[test]
    fn what_a_hook_itself_does_is_not_reported_to_it() {
        struct Wakes<'a>(&'a Wakers, Cell<u32>);
        impl Debugger for Wakes<'_> {
            fn before_task_step(&self, _: TaskInfo<'_>) {
                self.1.set(self.1.get() + 1);
                self.0.fire();
            }
        }
        let wakers = Wakers::new();
        let debugger = Wakes(&wakers, Cell::new(0));
        run_watched(
            &debugger,
            nursery(async |n| {
                n.child().daemon().spawn(wakers.wait());
                for _ in 0..5 {
                    checkpoint().await;
                }
                Ok::<_, ()>(())
            }),
        )
        .unwrap();
        assert!((6..40).contains(&debugger.1.get()), "{} steps", debugger.1.get());
    }
}

/// Writes down who has failed, and with which text.
#[derive(Debug, Default)]
struct Failures(Mutex<Vec<String>>);

impl Debugger for Failures {
    fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError<'_>) {
        let first = match error {
            TaskError::Error { first, .. } | TaskError::Panic { first, .. } => first,
            _ => unreachable!(),
        };
        let first = if first { "" } else { " (not the first)" };
        self.0.lock().unwrap().push(format!("{}: {error}{first}", task.name));
    }
}

/// What a child named "child" and then the body fail with is told so.
fn told_of<E>(prepare: impl Fn(giambio_core::Nursery<'_, '_, E>), child: E, body: E) -> [String; 2] {
    let failures = Failures::default();
    let main = nursery(async |n| {
        prepare(n);
        n.child().name("child").spawn(async { Err(child) });
        shield(checkpoint()).await;
        Err::<(), _>(body)
    });
    assert!(run_watched(&failures, main).is_err());
    failures.0.into_inner().unwrap().try_into().unwrap()
}

#[test]
fn a_debugger_reads_what_errors_of_common_types_say() {
    let local = String::from("so");
    let wanted = ["child: so", "main: or so (not the first)"];
    assert_eq!(told_of(|_| {}, "so", "or so"), wanted);
    assert_eq!(told_of(|_| {}, local.as_str(), "or so"), wanted);
    assert_eq!(told_of(|_| {}, local.clone(), "or so".into()), wanted);
    assert_eq!(told_of::<Box<dyn std::error::Error>>(|_| {}, "so".into(), "or so".into()), wanted);
    assert_eq!(told_of::<Box<dyn std::error::Error + Send + Sync>>(|_| {}, "so".into(), "or so".into()), wanted);
    #[cfg(feature = "std")]
    assert_eq!(told_of(|_| {}, std::io::Error::other("so"), std::io::Error::other("or so")), wanted);
    let cancelled = |why| giambio_core::Cancelled { reason: giambio_core::Reason::Because(why) };
    let told = told_of(|_| {}, cancelled("so"), cancelled("or so"));
    assert_eq!(told, ["child: cancelled: so", "main: cancelled: or so (not the first)"]);

    /// Borrows, and is in a box: lifetimes that the trait object has to keep to.
    #[derive(Debug)]
    struct Borrows<'a>(&'a str);
    impl std::fmt::Display for Borrows<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    impl std::error::Error for Borrows<'_> {}
    type Boxed<'a> = Box<dyn std::error::Error + 'a>;
    assert_eq!(told_of::<Boxed<'_>>(|_| {}, Box::new(Borrows(&local)), Box::new(Borrows("or so"))), wanted);
    // One's own type is read where the program says so.
    assert_eq!(told_of(|n| n.show_errors(), Borrows(&local), Borrows("or so")), wanted);
    let [child, _] = told_of(|_| {}, Borrows(&local), Borrows("or so"));
    assert!(child.starts_with("child: an error of the type ") && child.contains("Borrows"), "{child}");
}

#[test]
#[cfg(feature = "std")]
fn a_debugger_reads_which_child_has_panicked_and_what_the_panic_says() {
    fn told_of_panic(panics: fn()) -> Vec<String> {
        let failures = Failures::default();
        let main = nursery(async |n| {
            n.child().name("other").spawn(forever());
            n.child().name("culprit").spawn(async move {
                checkpoint().await;
                Ok::<_, ()>(panics())
            });
            Ok(())
        });
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_watched(&failures, main)));
        assert!(caught.is_err());
        failures.0.into_inner().unwrap()
    }
    assert_eq!(told_of_panic(|| panic!("a literal")), ["culprit: a panic: a literal"]);
    assert_eq!(told_of_panic(|| panic!("number {}", 2)), ["culprit: a panic: number 2"]);
    assert_eq!(told_of_panic(|| std::panic::panic_any(3)), ["culprit: a panic"]);
}

#[test]
#[cfg(feature = "std")]
fn every_task_is_told_to_end_and_then_the_run_also_after_a_panic_or_a_drop() {
    /// The names of the tasks that end, and of those that fail.
    #[derive(Default)]
    struct Ends(Mutex<Vec<String>>);
    impl Debugger for Ends {
        fn on_exit(&self) {
            self.0.lock().unwrap().push("exit".into());
        }
        fn on_task_exit(&self, task: TaskInfo<'_>) {
            self.0.lock().unwrap().push(format!("- {}", task.name));
        }
        fn on_task_error(&self, task: TaskInfo<'_>, _error: TaskError<'_>) {
            self.0.lock().unwrap().push(format!("! {}", task.name));
        }
    }
    async fn main(fails: impl AsyncFnOnce() -> Result<(), ()>) -> Result<(), ()> {
        nursery(async |n| {
            n.child().name("other").spawn(forever());
            n.child().name("culprit").spawn(fails());
            Ok(())
        })
        .await
    }
    let told = |fails: fn() -> Result<(), ()>| {
        let ends = Ends::default();
        let main = main(async move || {
            checkpoint().await;
            fails()
        });
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_watched(&ends, main)));
        ends.0.into_inner().unwrap()
    };
    assert_eq!(told(|| Err(())), ["! culprit", "- culprit", "- other", "- main", "exit"]);
    assert_eq!(told(|| panic!("out of luck")), ["- culprit", "! culprit", "- other", "- main", "exit"]);

    let (clock, ends, _alone) = (VirtualClock::<1000>::new(), Ends::default(), alone());
    {
        let mut runtime = pin!(Runtime::new(&clock, main(async || forever().await)).with_debugger(&ends));
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
    }
    assert_eq!(ends.0.into_inner().unwrap(), ["- other", "- culprit", "- main", "exit"]);
    // One that has not begun has no end.
    let ends = Ends::default();
    drop(Runtime::new(&clock, async {}).with_debugger(&ends));
    assert!(ends.0.into_inner().unwrap().is_empty());
}

#[test]
#[cfg(feature = "std")]
fn the_run_is_told_to_end_also_where_what_has_returned_panics_when_it_is_dropped() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    /// Returns, and has more to drop.
    struct Returns(Panics);
    impl Future for Returns {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
            std::task::Poll::Ready(())
        }
    }
    let transcript = Transcript::default();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_watched(&transcript, Returns(Panics))));
    assert!(caught.is_err());
    assert_eq!(transcript.events(), ["## started", "<< main exited", "## finished"]);
}

#[derive(Default)]
struct Sleeps(Mutex<u32>);

impl Debugger for Sleeps {
    fn before_sleep(&self, _: TaskInfo<'_>, _: Duration) {
        *self.0.lock().unwrap() += 1;
    }
}

#[test]
fn a_sleep_without_end_begins_once() {
    let _alone = alone();
    let (clock, sleeps) = (VirtualClock::<1_000_000_000>::new(), Sleeps::default());
    let main = async {
        let mut wait = pin!(sleep(Duration::MAX));
        for _ in 0..5 {
            assert!(poll_once(wait.as_mut()).await.is_pending());
            checkpoint().await;
        }
    };
    finish(pin!(Runtime::new(&clock, main).with_debugger(&sleeps)), &clock);
    assert_eq!(*sleeps.0.lock().unwrap(), 1);
}
