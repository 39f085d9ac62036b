//! What each task waits for, and who waits for whom.
#![cfg(all(feature = "introspect", feature = "std"))]

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Mutex as StdMutex;
use std::task::Poll;

use crate::common::{alone, finish, run_foreign, secs};
#[cfg(feature = "heapless")]
use giambio_core::channel::{Broadcast, Channel, Growable, OneShot, Pipe, Priority, Rendezvous, Unbounded};
use giambio_core::introspect::{Dump, NodeKind, dump};
use giambio_core::sync::{
    Barrier, Condition, Event, Latch, Limiter, Mutex, OnceCell, RwLock, Semaphore, Shared, Watch,
};
use giambio_core::testing::{Simulation, Stuck, run, wait_all_blocked};
use giambio_core::{
    Arena, Cancelled, Debugger, Often, Ready, Runtime, TaskInfo, VirtualClock, WaitsFor, cancel_scope, checkpoint,
    finally, move_on_after, nursery, nursery_in, poll_proceed, race, results, sleep, stopping, testing, until_stopped,
};

/// Without the numbers of tasks, and of places only the file.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (number, part) in text.split(" (task ").enumerate() {
        plain += if number == 0 { part } else { part.split_once(')').unwrap().1 };
    }
    let words = plain.split(' ').map(|word| match word.split_once(".rs:") {
        Some((path, rest)) => {
            let file = path.rsplit(['/', '\\']).next().unwrap();
            let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ':');
            format!("{file}.rs{}{rest}", if word.ends_with(':') { ":" } else { "" })
        }
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What the task of this name waits for.
fn waits(dump: &Dump, name: &str) -> Vec<String> {
    let task = dump.nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Task(task) if task.name == name => Some(task),
        _ => None,
    });
    let waits = task.unwrap().waits.as_ref().unwrap();
    waits.iter().map(|wait| format!("{} {}", wait.what, wait.name.as_deref().unwrap_or("-"))).collect()
}

fn chains<F: Future>(main: F) -> Vec<String> {
    match Simulation::new().try_run(main) {
        Err(Stuck::Deadlock { chains, .. }) => chains.iter().map(|chain| plain(chain)).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it came to an end"),
    }
}

#[test]
fn a_tree_says_of_each_task_what_it_waits_for() {
    let tree = run(async {
        let (till, bell) = (Mutex::new(0).named("till"), Event::new());
        nursery(async |n| {
            let holder = n.child().name("holder").spawn(async {
                let _till = till.lock().await;
                futures::join!(bell.wait(), sleep(secs(60)));
                Ok::<_, ()>(())
            });
            n.child().name("next").spawn(async { Ok(drop(till.lock().await)) });
            n.child().name("heir").spawn(async { Ok(_ = holder.await) });
            n.child().name("alien").spawn(async { Ok(pending().await) });
            n.child().name("parent").spawn(nursery(async |n| {
                n.child().name("child").spawn(async { Ok::<_, ()>(sleep(secs(60)).await) });
                Ok(())
            }));
            sleep(secs(1)).await;
            let tree = move_on_after(secs(9), dump()).await.unwrap();
            n.cancel_children();
            Ok(tree)
        })
        .await
        .unwrap()
    });
    assert!(tree.is_whole);
    assert_eq!(
        plain(&tree.to_string()),
        r#"main: runs
  nursery of 5 children
    scope, until 10s
    holder, spawned at dump.rs: waits for event at dump.rs; and for sleep at dump.rs
    next, spawned at dump.rs: waits for mutex "till" at dump.rs, held by holder
    heir, spawned at dump.rs: waits for holder
    alien, spawned at dump.rs: waits for something that does not say what it is
    parent, spawned at dump.rs: waits for its children
      nursery of 1 child
        child, spawned at dump.rs: waits for sleep at dump.rs
"#
    );
    assert_eq!(
        tree.chains().iter().map(|chain| plain(chain)).collect::<Vec<_>>(),
        [
            r#"next waits for mutex "till" at dump.rs, held by holder, which waits for event at dump.rs; and for sleep at dump.rs"#,
            "heir waits for holder, which waits for event at dump.rs; and for sleep at dump.rs",
            "alien waits for something that does not say what it is",
            "parent waits for its children",
            "child waits for sleep at dump.rs",
        ]
    );
}

#[test]
fn all_that_can_have_a_name_is_told_by_it() {
    static SETTINGS: Mutex<u8, Shared> = Mutex::shared(0).named("settings");
    static BELL: Event<Shared> = Event::shared().named("bell");
    let held = SETTINGS.try_lock().unwrap();
    let tree = run(async {
        let semaphore = Semaphore::new(1).named("semaphore 1");
        let permit = semaphore.try_acquire(1).unwrap();
        let limiter = Limiter::new(1).named("limiter 1");
        let at_it = limiter.try_run(1, pending::<()>()).unwrap();
        let lock = RwLock::new(()).named("routes");
        let reader = lock.try_read().unwrap();
        let (condition, barrier) = (Condition::new().named("stock"), Barrier::new(2).named("start"));
        let cell = OnceCell::<()>::new().named("offset");
        let (watch, latch) = (Watch::new(0).named("weather"), Latch::new(1).named("guests"));
        let tree = nursery(async |n| {
            n.child().name("1").spawn(async { Ok::<_, ()>(drop(SETTINGS.lock().await)) });
            n.child().name("2").spawn(async { Ok(BELL.wait().await) });
            n.child().name("3").spawn(async { Ok(_ = semaphore.acquire(1).await) });
            n.child().name("4").spawn(async { Ok(_ = limiter.run(1, async {}).await) });
            n.child().name("5").spawn(async { Ok(drop(lock.write().await)) });
            n.child().name("6").spawn(async { Ok(condition.wait_for(|| None).await) });
            n.child().name("7").spawn(async { Ok(_ = barrier.wait().await) });
            n.child().name("8").spawn(async { Ok(*cell.get_or_init(async || pending().await).await) });
            n.child().name("9").spawn(async { Ok(*cell.get_or_init(async || ()).await) });
            n.child().name("10").spawn(async { Ok(watch.watcher().changed().await) });
            n.child().name("11").spawn(async { Ok(stopping().await) });
            n.child().name("12").spawn(async { Ok(drop(lock.read().await)) });
            n.child().name("13").spawn(async { Ok(_ = watch.watcher().wait_for(|_| None::<()>).await) });
            n.child().name("14").spawn(async { Ok(latch.wait().await) });
            wait_all_blocked().await;
            let tree = dump().await;
            n.cancel_children();
            Ok(tree)
        })
        .await
        .unwrap();
        drop((permit, at_it, reader));
        tree
    });
    drop(held);
    let all: Vec<_> = (1..=14).flat_map(|number| waits(&tree, &number.to_string())).collect();
    assert_eq!(
        all,
        [
            "mutex settings",
            "event bell",
            "semaphore semaphore 1",
            "limiter limiter 1",
            "lock routes",
            "condition stock",
            "barrier start",
            // The one that makes the value waits for what has no name.
            "once cell offset",
            "watch weather",
            "stop -",
            "lock routes",
            "watch weather",
            "latch guests"
        ]
    );
    let text = plain(&tree.to_string());
    assert!(text.contains(r#"once cell "offset" at dump.rs, held by 8"#), "{text}");
    let is_placed = |node: &NodeKind| match node {
        NodeKind::Task(task) => {
            task.waits.iter().flatten().all(|wait| wait.asked_at.unwrap().file().ends_with("dump.rs"))
        }
        _ => true,
    };
    assert!(tree.nodes.iter().all(|node| is_placed(&node.kind)));
}

#[cfg(feature = "heapless")]
#[test]
fn all_channels_are_told_by_their_names_and_which_side_waits() {
    static SAMPLES: Channel<u8, 1, Shared> = Channel::shared().named("samples");
    static UART: Pipe<1, Shared> = Pipe::shared().named("uart");
    SAMPLES.try_send(1).unwrap();
    UART.try_send(&[1]).unwrap();
    let tree = run(async {
        let (empty, urgent) = (Channel::<u8, 1>::new().named("jobs"), Priority::<u8, 1>::new().named("urgent"));
        let (lines, events) = (Growable::<u8>::new(1).named("lines"), Unbounded::<u8>::new().named("events"));
        let (counter, exit) = (Rendezvous::<u8>::new().named("counter"), Rendezvous::<u8>::new().named("exit"));
        let (news, answer) = (Broadcast::<u8, 1>::new().named("news"), OneShot::<u8>::new().named("answer"));
        let (bytes, whole) = (Pipe::<1>::new().named("bytes"), Pipe::<1>::new().named("whole"));
        let (taken, halves) = (Pipe::<1>::new().named("taken"), Pipe::<2>::new().named("halves"));
        lines.try_send(1).unwrap();
        nursery(async |n| {
            n.child().name("1").spawn(async { Ok::<_, ()>(_ = SAMPLES.send(2).await) });
            n.child().name("2").spawn(async { Ok(_ = SAMPLES.slot().await) });
            n.child().name("3").spawn(async { Ok(_ = empty.receive().await) });
            n.child().name("4").spawn(async { Ok(_ = urgent.receiver().receive().await) });
            n.child().name("5").spawn(async { Ok(_ = lines.sender().send(2).await) });
            n.child().name("6").spawn(async { Ok(_ = events.receive().await) });
            n.child().name("7").spawn(async { Ok(_ = counter.receive().await) });
            n.child().name("8").spawn(async { Ok(_ = exit.send(1).await) });
            n.child().name("9").spawn(async { Ok(_ = exit.send(2).await) });
            n.child().name("10").spawn(async { Ok(_ = news.subscribe().receive().await) });
            n.child().name("11").spawn(async { Ok(_ = answer.receive().await) });
            n.child().name("12").spawn(async { Ok(_ = UART.send(&[2]).await) });
            n.child().name("13").spawn(async { Ok(_ = bytes.receive(&mut [0]).await) });
            n.child().name("14").spawn(async { Ok(_ = bytes.receive_exact(&mut [0, 0]).await) });
            n.child().name("15").spawn(async { Ok(_ = whole.send_all(&[1, 2]).await) });
            n.child().name("16").spawn(async { Ok(_ = whole.send_all(&[3]).await) });
            taken.try_send(&[1]).unwrap();
            n.child().name("17").spawn(async { Ok(_ = taken.receive_exact(&mut [0, 0]).await) });
            n.child().name("18").spawn(async { Ok(_ = halves.receiver().receive_exact(&mut [0]).await) });
            wait_all_blocked().await;
            let tree = dump().await;
            n.cancel_children();
            Ok(tree)
        })
        .await
        .unwrap()
    });
    let all: Vec<_> = (1..=18).flat_map(|number| waits(&tree, &number.to_string())).collect();
    assert_eq!(
        all,
        [
            "room in channel samples",
            "room in channel samples",
            "value of channel jobs",
            "value of channel urgent",
            "room in channel lines",
            "value of channel events",
            "sender at rendezvous counter",
            "receiver at rendezvous exit",
            "receiver at rendezvous exit",
            "value of broadcast news",
            "value of oneshot answer",
            "room in pipe uart",
            "bytes of pipe bytes",
            "bytes of pipe bytes",
            "room in pipe whole",
            "room in pipe whole",
            "bytes of pipe taken",
            "bytes of pipe halves",
        ]
    );
    for node in &tree.nodes {
        if let NodeKind::Task(task) = &node.kind {
            for wait in task.waits.iter().flatten() {
                assert!(wait.asked_at.unwrap().file().ends_with("dump.rs"), "{wait:?}");
            }
        }
    }
}

#[cfg(feature = "heapless")]
#[test]
fn a_deadlock_over_channels_says_which_and_which_side() {
    let (jobs, results) = (Channel::<u8, 1>::new().named("jobs"), Channel::<u8, 1>::new().named("results"));
    let found = chains(async {
        nursery(async |n| {
            n.child().name("worker").spawn(async {
                while let Ok(job) = jobs.receive().await {
                    results.send(job).await.unwrap();
                }
                Ok::<_, ()>(())
            });
            for job in 0..9 {
                jobs.send(job).await.unwrap();
            }
            Ok(())
        })
        .await
    });
    let told = [
        r#"main waits for room in channel "jobs" at dump.rs"#,
        r#"worker waits for room in channel "results" at dump.rs"#,
    ];
    assert_eq!(found, told);
}

#[test]
fn a_future_of_others_says_what_it_waits_for_and_which_that_is() {
    let tree = run(async {
        nursery(async |n| {
            n.child().name("driver").spawn(poll_fn(|cx| {
                std::task::ready!(poll_proceed(cx)).waits_for_this("pin", &13);
                Poll::Pending
            }));
            checkpoint().await;
            let tree = dump().await;
            n.cancel_children();
            Ok::<_, ()>(tree)
        })
        .await
        .unwrap()
    });
    assert_eq!(waits(&tree, "driver"), ["pin 13"]);
}

#[test]
fn what_goes_on_beside_the_asking_code_and_around_it_is_asked_too() {
    let tree = run(async {
        let (bell, horn) = (Event::new().named("bell"), Event::new().named("horn"));
        let around = async {
            nursery(async |n| {
                let asks = async {
                    let mut horn = pin!(horn.wait());
                    let mut asks = pin!(dump());
                    // Before and behind.
                    let tree = poll_fn(|cx| {
                        assert!(horn.as_mut().poll(cx).is_pending());
                        asks.as_mut().poll(cx)
                    });
                    Ok::<_, ()>(tree.await)
                };
                Ok(n.child().name("asker").spawn_value(asks).await.unwrap())
            })
            .await
            .unwrap()
        };
        let (mut around, mut bell) = (pin!(around), pin!(bell.wait()));
        poll_fn(|cx| {
            let tree = around.as_mut().poll(cx);
            assert!(bell.as_mut().poll(cx).is_pending());
            tree
        })
        .await
    });
    assert_eq!(waits(&tree, "asker"), ["event horn"]);
    let mut main = waits(&tree, "main");
    main.sort();
    assert_eq!(main, ["event bell", "task -"]);
}

#[test]
fn who_is_not_polled_any_more_is_given_up_and_said_to_be_so() {
    run(async {
        let mut aside = Box::pin(nursery(async |n| {
            n.child().name("aside").spawn(async { Ok::<_, ()>(sleep(secs(9)).await) });
            Ok(())
        }));
        poll_fn(|cx| Poll::Ready(assert!(aside.as_mut().poll(cx).is_pending()))).await;
        let text = plain(&dump().await.to_string());
        assert!(text.contains("aside, spawned at dump.rs: is ready to go on"), "{text}");
    });
}

#[test]
fn hundreds_that_are_not_polled_any_more_keep_nobody_who_is_from_being_heard() {
    run(async {
        const MANY: usize = 500;
        let work = async || {
            nursery(async |n| {
                for _ in 0..MANY {
                    n.spawn(async { Ok::<_, ()>(sleep(secs(9)).await) });
                }
                Ok(())
            })
            .await
        };
        let mut aside = Box::pin(work());
        poll_fn(|cx| Poll::Ready(assert!(aside.as_mut().poll(cx).is_pending()))).await;
        nursery(async |n| {
            n.spawn(work());
            checkpoint().await;
            let tree = dump().await;
            let tasks = tree.nodes.iter().filter_map(|node| match &node.kind {
                NodeKind::Task(task) => Some(task.waits.is_some()),
                _ => None,
            });
            let (heard, silent): (Vec<_>, Vec<_>) = tasks.partition(|is_heard| *is_heard);
            assert_eq!((heard.len(), silent.len()), (1 + 1 + MANY, MANY)); // the root, and the one that has them
            Ok::<_, ()>(n.cancel_children())
        })
        .await
        .unwrap();
    });
}

#[test]
fn tasks_that_are_never_idle_are_asked_as_well() {
    run(async {
        let (is_over, sleeping) = (Cell::new(false), Cell::new(0));
        nursery(async |n| {
            for _ in 0..500 {
                n.spawn(async {
                    while !is_over.get() {
                        checkpoint().await;
                    }
                    Ok::<_, ()>(())
                });
            }
            n.spawn(nursery(async |n| {
                for _ in 0..500 {
                    let sleeps = &sleeping;
                    n.spawn(async move {
                        sleeps.set(sleeps.get() + 1);
                        Ok::<_, ()>(sleep(secs(9)).await)
                    });
                }
                Ok(())
            }));
            while sleeping.get() < 500 {
                checkpoint().await;
            }
            let tree = dump().await;
            is_over.set(true);
            let sleepers = |kind: &NodeKind| matches!(kind, NodeKind::Task(task) if task.waits.as_ref().is_some_and(|waits| waits.iter().any(|wait| wait.asked_at.is_some())));
            assert_eq!(tree.nodes.iter().filter(|node| sleepers(&node.kind)).count(), 500);
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn nothing_is_found_where_no_task_asks_and_in_another_executor_what_is_in_its_nursery() {
    let _alone = alone();
    let nothing = run_foreign(dump());
    assert!(nothing.nodes.is_empty() && !nothing.is_whole);
    let event = Event::new();
    let tree = run_foreign(nursery(async |n| {
        n.child().name("guest").spawn(async {
            event.wait().await;
            Ok::<_, ()>(())
        });
        checkpoint().await;
        let tree = dump().await;
        n.cancel_children();
        Ok(tree)
    }));
    assert_eq!(waits(&tree.unwrap(), "guest"), ["event -"]);
}

#[test]
fn a_dump_that_is_given_up_or_forgotten_or_made_twice_at_once_leaves_nothing_behind() {
    run(async {
        let is_cancelled = cancel_scope(async |scope| {
            scope.cancel();
            dump().await
        });
        assert!(is_cancelled.await.is_err());
        let mut forgotten = Box::pin(dump());
        poll_fn(|cx| Poll::Ready(assert!(forgotten.as_mut().poll(cx).is_pending()))).await;
        std::mem::forget(forgotten);
        let (first, second) = futures::join!(dump(), dump());
        assert_eq!(first.to_string(), second.to_string());
        let in_a_clean_up = Rc::new(RefCell::new(None));
        let clean_up = in_a_clean_up.clone();
        move_on_after(secs(1), finally(pending::<()>(), async || *clean_up.borrow_mut() = Some(dump().await))).await;
        let text = in_a_clean_up.borrow_mut().take().unwrap().to_string();
        assert_eq!(plain(&text), "main: runs\n  scope, cancelled: the deadline passed\n    shield\n");
    });
}

#[test]
fn a_debugger_is_told_of_waits_as_it_is_without_a_dump() {
    struct Names(StdMutex<Vec<String>>);
    impl Debugger for Names {
        fn wants(&self, often: Often) -> bool {
            often == Often::Waits
        }
        fn on_task_wait(&self, task: TaskInfo<'_>, what: WaitsFor<'_>) {
            let held = what.task.map_or(String::new(), |task| format!(", held by {task}"));
            let line = format!("{} - {} {:?}{held}", task.name, what.what, what.name);
            self.0.lock().unwrap().push(line);
        }
    }
    let _alone = alone();
    let (clock, names) = (VirtualClock::<1_000_000_000>::new(), Names(StdMutex::default()));
    let main = async {
        let lock = Mutex::new(()).named("lock");
        let _guard = lock.lock().await;
        move_on_after(secs(1), lock.lock()).await;
    };
    let mut runtime = pin!(Runtime::new(&clock, main).with_debugger(&names));
    finish(runtime.as_mut(), &clock);
    let mut lines = names.0.lock().unwrap().clone();
    lines.dedup();
    assert_eq!(lines, [r#"main - mutex Some("lock"), held by main"#]);

    // One that wants to know nothing is told nothing, though the tasks are asked.
    struct Deaf;
    impl Debugger for Deaf {
        fn on_task_wait(&self, _: TaskInfo<'_>, _: WaitsFor<'_>) {
            unreachable!("it does not want to know");
        }
    }
    let asks = nursery(async |n| {
        n.spawn(async { Ok::<_, ()>(sleep(secs(1)).await) });
        checkpoint().await;
        dump().await;
        n.cancel_children();
        Ok(())
    });
    let mut runtime = pin!(Runtime::new(&clock, asks).with_debugger(Deaf));
    finish(runtime.as_mut(), &clock).unwrap();
}

#[test]
fn a_deadlock_is_told_as_who_waits_for_whom() {
    let [left, right] = [Mutex::new(()).named("left"), Mutex::new(()).named("right")];
    let takes_both = async |first: &Mutex<()>, second: &Mutex<()>| {
        let _first = first.lock().await;
        sleep(secs(1)).await;
        drop(second.lock().await);
        Ok::<_, ()>(())
    };
    let quarrel = async {
        nursery(async |n| {
            n.child().name("a").spawn(takes_both(&left, &right));
            n.child().name("b").spawn(takes_both(&right, &left));
            Ok(())
        })
        .await
    };
    let stuck = Simulation::new().try_run(quarrel).unwrap_err();
    let text = plain(&stuck.to_string());
    let (start, chains) = text.split_once('\n').unwrap();
    assert!(start.starts_with("deadlock 1s after the start") && start.ends_with("the children are: a, b"), "{start}");
    assert_eq!(
        chains,
        "  a waits for mutex \"right\" at dump.rs, held by b, which waits for mutex \"left\" at dump.rs, held by a\n  \
         main waits for its children"
    );
}

#[test]
fn chains_lead_over_tasks_that_are_awaited_and_over_children() {
    let lock = Mutex::new(()).named("lock");
    // The child of one who holds what it wants.
    let main = async {
        let _guard = lock.lock().await;
        nursery(async |n| {
            n.child().name("child").spawn(async { Ok::<_, ()>(drop(lock.lock().await)) });
            Ok(())
        })
        .await
    };
    let wanted =
        r#"child waits for mutex "lock" at dump.rs, held by main, which waits for its children, child among them"#;
    assert_eq!(chains(main), [wanted]);
    // One that is awaited by who holds what it wants.
    let main = async {
        nursery(async |n| {
            let _guard = lock.lock().await;
            let child = n.child().name("child").spawn(async { Ok::<_, ()>(drop(lock.lock().await)) });
            Ok(child.await.unwrap())
        })
        .await
    };
    assert_eq!(chains(main), [r#"main waits for child, which waits for mutex "lock" at dump.rs, held by main"#]);
    // Who locks it again.
    let main = async {
        let _guard = lock.lock().await;
        drop(lock.lock().await);
    };
    assert_eq!(chains(main), [r#"main waits for mutex "lock" at dump.rs, held by main"#]);
    // Nobody has what is waited for.
    assert_eq!(chains(Event::new().named("bell").wait()), [r#"main waits for event "bell" at dump.rs"#]);
    assert_eq!(chains(pending::<()>()), ["main waits for something that does not say what it is"]);
}

#[test]
fn who_waits_for_several_things_is_told_with_all_of_them() {
    let [one, other] = [Event::new().named("one"), Event::new().named("other")];
    let both = race((one.wait(), other.wait()));
    assert_eq!(chains(both), [r#"main waits for event "one" at dump.rs; and for event "other" at dump.rs"#]);
    // What somebody has comes last, since the chain goes on from there.
    let lock = Mutex::new(()).named("lock");
    let main = async {
        let _guard = lock.lock().await;
        race((async { drop(lock.lock().await) }, one.wait())).await;
    };
    let wanted = r#"main waits for event "one" at dump.rs; and for mutex "lock" at dump.rs, held by main"#;
    assert_eq!(chains(main), [wanted]);
}

#[test]
fn a_stop_beside_a_wait_is_told_last_and_where_it_was_asked_for() {
    let bell = Event::new().named("bell");
    let tree = testing::run(nursery(async |n| {
        n.child().name("child").daemon().spawn(async { Ok::<_, ()>(_ = until_stopped(bell.wait()).await) });
        wait_all_blocked().await;
        Ok(dump().await.to_string())
    }));
    let tree = plain(&tree.unwrap());
    assert!(tree.contains(r#"waits for event "bell" at dump.rs; and for stop at dump.rs"#), "{tree}");
    // In a chain there is no need for it; if it is all there is, it is told.
    assert_eq!(chains(until_stopped(bell.wait())), [r#"main waits for event "bell" at dump.rs"#]);
    assert_eq!(chains(until_stopped(pending::<()>())), ["main waits for stop at dump.rs"]);
    let lock = Mutex::new(()).named("lock");
    let main = async {
        let _guard = lock.lock().await;
        until_stopped(lock.lock()).await.is_some()
    };
    assert_eq!(chains(main), [r#"main waits for mutex "lock" at dump.rs, held by main"#]);
}

#[test]
fn children_that_the_library_makes_have_names_that_can_be_read() {
    fn tasks<F: Future>(main: F) -> Vec<String> {
        match Simulation::new().try_run(main) {
            Err(Stuck::Deadlock { tasks, .. }) => tasks,
            _ => panic!("it was to be stuck"),
        }
    }
    let never = || pending::<Result<(), Cancelled>>();
    assert_eq!(tasks(results::map_all([1, 2], 2, async |_| never().await)), ["worker", "worker"]);
    assert_eq!(tasks(results::first_ok([never()])), ["future of first_ok"]);
    assert_eq!(tasks(results::all_settled([never()])), ["future of all_settled"]);
    let completed = results::as_completed([never()], async |results| _ = results.next().await);
    assert_eq!(tasks(completed), ["future of as_completed"]);
    let starts = nursery(async |n| n.start(async |_: Ready<()>| never().await).await);
    assert_eq!(tasks(starts), ["started child"]);
    // A name of one's own stays.
    let starts = nursery(async |n| n.child().name("server").start(async |_: Ready<()>| never().await).await);
    assert_eq!(tasks(starts), ["server"]);
}

#[test]
fn who_waits_for_room_that_another_runtime_has_is_told_so() {
    static ROOM: Arena<1, 512> = Arena::new();
    let [held, over] = [(); 2].map(|()| std::sync::Barrier::new(2));
    let found = std::thread::scope(|scope| {
        scope.spawn(|| {
            let ended = run(nursery_in(&ROOM, async |n| {
                let child = async {
                    held.wait();
                    over.wait();
                    Ok::<_, ()>(())
                };
                n.spawn_wait(child).await;
                Ok(())
            }));
            ended.unwrap();
        });
        held.wait();
        let found = chains(nursery_in(&ROOM, async |n| {
            n.spawn_wait(async { Ok::<_, ()>(()) }).await;
            Ok(())
        }));
        over.wait();
        found
    });
    let wanted = "main waits for room at dump.rs: tasks of other runtimes have all places of that arena, which other tests may \
                  use at the same time; `Simulation::patience` waits for other threads";
    assert_eq!(found, [wanted]);
    // Its own children may have them.
    let found = chains(nursery_in(&ROOM, async |n| {
        n.child().name("child").spawn_wait(pending()).await;
        n.spawn_wait(async { Ok::<_, ()>(()) }).await;
        Ok(())
    }));
    let wanted = "main waits for room at dump.rs; tasks of other runtimes may have places of that arena, too";
    assert!(found.iter().any(|chain| chain == wanted), "{found:?}");
}

#[test]
fn the_holder_is_the_one_of_that_moment_though_the_lock_went_on_meanwhile() {
    let lock = Mutex::new(()).named("lock");
    let found = chains(async {
        nursery(async |n| {
            for name in ["first", "second", "third"] {
                let lock = &lock;
                n.child().name(name).spawn(async move {
                    let _guard = lock.lock().await;
                    sleep(secs(1)).await;
                    if name == "second" {
                        pending::<()>().await;
                    }
                    Ok::<_, ()>(())
                });
            }
            Ok(())
        })
        .await
    });
    assert_eq!(
        found[1],
        r#"third waits for mutex "lock" at dump.rs, held by second, which waits for something that does not say what it is"#
    );
}

#[test]
fn a_wake_that_is_missing_is_a_deadlock_though_a_further_poll_would_end_it() {
    // Ready at its second poll, for which it does not ask.
    let mut polls = 0;
    let found = chains(poll_fn(|_| {
        polls += 1;
        if polls > 1 { Poll::Ready(()) } else { Poll::Pending }
    }));
    assert!(found[0].contains("nobody had woken it"), "{found:?}");
}

#[test]
fn many_chains_are_told_in_part() {
    let stuck = Simulation::new().try_run(async {
        nursery(async |n| {
            for _ in 0..100 {
                n.spawn(pending::<Result<(), ()>>());
            }
            Ok(())
        })
        .await
    });
    let text = stuck.unwrap_err().to_string();
    assert!(text.ends_with("and 85 more"), "{text}");
    assert_eq!(text.lines().count(), 1 + 16 + 1);
}
