//! What children are called, and by which number.
#![cfg(feature = "alloc")]
#![allow(clippy::needless_borrows_for_generic_args, reason = "borrowed text is what is tried")]

use std::borrow::Cow;

use crate::common::*;
use giambio_core::{Arena, checkpoint, nursery, nursery_in};

#[test]
fn any_text_names_a_child_for_as_long_as_its_handle_lives() {
    static ROOM: Arena<2, 256> = Arena::new();
    let fixed = ["a", "literal"];
    run_virtual(async {
        nursery(async |n| {
            let peer = String::from("[::1]:4242");
            let tasks = [
                n.child().name("acceptor").spawn(async { Ok(()) }),
                n.child().name(&fixed[1]).spawn(async { Ok(()) }),
                n.child().name(&format!("client {peer}")).spawn(async { Ok(()) }),
                n.child().name(format!("server of {peer}")).spawn(forever()),
                n.child().name(&peer).daemon().spawn(forever()),
                n.child().name(peer.as_str().to_owned().into_boxed_str()).spawn(forever()),
                n.child().name(Cow::from("borrowed")).spawn(forever()),
                n.child().name(String::new()).spawn(forever()),
                n.child().name("not this one").name(&peer[..5].to_owned()).after(secs(1)).spawn(forever()),
            ];
            drop(peer);
            checkpoint().await;
            n.cancel_children();
            checkpoint().await;
            assert_eq!(n.live(), 0);
            let names = tasks.each_ref().map(|task| task.name());
            assert_eq!(
                names,
                [
                    "acceptor",
                    "literal",
                    "client [::1]:4242",
                    "server of [::1]:4242",
                    "[::1]:4242",
                    "[::1]:4242",
                    "borrowed",
                    "",
                    "[::1]"
                ]
            );
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        nursery_in(&ROOM, async |n| {
            for number in 0..5 {
                let task = n.child().name(&format!("client {number}")).spawn_wait(async { Ok::<_, ()>(()) }).await;
                assert_eq!(task.name(), format!("client {number}"));
            }
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[cfg(feature = "hooks")]
mod told {
    use std::future::Future;
    #[cfg(feature = "std")]
    use std::pin::Pin;
    use std::pin::pin;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
    use std::time::Duration;
    #[cfg(feature = "std")]
    use std::{cell::RefCell, rc::Rc};

    use super::*;
    use giambio_core::{Debugger, Runtime, TaskId, TaskInfo, VirtualClock, move_on_after, sleep};

    /// Writes down which event came to whom, and whether that was the root.
    #[derive(Default)]
    struct Names(Mutex<Vec<String>>);

    impl Names {
        fn note(&self, event: &str, task: TaskInfo<'_>) {
            let root = if task.is_root() { " (root)" } else { "" };
            self.0.lock().unwrap().push(format!("{event} {}{root}", task.name));
        }
    }

    impl Debugger for Names {
        fn on_task_schedule(&self, task: TaskInfo<'_>, _: Duration) {
            self.note("schedule", task);
        }
        fn on_task_spawn(&self, task: TaskInfo<'_>) {
            self.note("spawn", task);
        }
        fn on_task_exit(&self, task: TaskInfo<'_>) {
            self.note("exit", task);
        }
        fn before_task_step(&self, task: TaskInfo<'_>) {
            self.note("before step", task);
        }
        fn after_task_step(&self, task: TaskInfo<'_>) {
            self.note("after step", task);
        }
        fn before_sleep(&self, task: TaskInfo<'_>, _: Duration) {
            self.note("before sleep", task);
        }
        fn after_sleep(&self, task: TaskInfo<'_>, _: Duration) {
            self.note("after sleep", task);
        }
        fn before_cancel(&self, task: TaskInfo<'_>) {
            self.note("before cancel", task);
        }
        fn after_cancel(&self, task: TaskInfo<'_>) {
            self.note("after cancel", task);
        }
        fn on_cleanup_abandoned(&self, task: TaskInfo<'_>) {
            self.note("abandoned", task);
        }
    }

    fn run_watched<F: Future>(debugger: impl Debugger, main: F) -> F::Output {
        let _alone = alone();
        let clock: VirtualClock = VirtualClock::new();
        let mut runtime = pin!(Runtime::new(&clock, main).with_debugger(debugger));
        finish(runtime.as_mut(), &clock)
    }

    #[test]
    fn a_name_made_for_one_child_is_in_each_event_even_when_the_child_is_gone() {
        let names = Names::default();
        let ended = run_watched(&names, async {
            move_on_after(
                secs(3),
                nursery(async |n| {
                    for number in 1..=2 {
                        // Nobody keeps the handles: the children are gone when they have ended.
                        let child = n.child().name(&format!("client {number}"));
                        child.after(secs(1)).spawn(sleep_and(secs(8 * number - 7)));
                    }
                    Ok::<_, ()>(())
                }),
            )
            .await
        });
        assert_eq!(ended, None);
        let names = names.0.into_inner().unwrap();
        let of = |who: &str| -> Vec<&str> { names.iter().filter_map(|line| line.strip_suffix(who)).collect() };
        let begin =
            ["spawn ", "schedule ", "before step ", "after step ", "before sleep ", "after sleep ", "before step "];
        assert_eq!(
            of("client 1"),
            [&begin[..], &["after step ", "before sleep ", "after sleep ", "before step ", "exit "]].concat()
        );
        let end = ["after step ", "before sleep ", "before cancel ", "exit ", "after cancel "];
        assert_eq!(of("client 2"), [&begin[..], &end].concat());
        assert_eq!(of("main (root)").last(), Some(&"exit "));
    }

    async fn sleep_and(span: Duration) -> Result<(), ()> {
        Ok(sleep(span).await)
    }

    #[test]
    fn who_leaves_the_root_out_counts_down_to_zero() {
        #[derive(Default)]
        struct Gauge(AtomicI32, AtomicI32);
        impl Debugger for Gauge {
            fn on_task_spawn(&self, task: TaskInfo<'_>) {
                assert!(!task.is_root());
                let live = self.0.fetch_add(1, Relaxed) + 1;
                self.1.fetch_max(live, Relaxed);
            }
            fn on_task_exit(&self, task: TaskInfo<'_>) {
                assert_eq!(task.is_root(), task.id == TaskId::MAIN);
                self.0.fetch_sub((!task.is_root()).into(), Relaxed);
            }
        }
        let gauge = Gauge::default();
        let main = nursery(async |n| {
            for i in 0..5 {
                n.spawn(sleep_and(secs(i)));
            }
            Ok(())
        });
        run_watched(&gauge, main).unwrap();
        assert_eq!((gauge.0.into_inner(), gauge.1.into_inner()), (0, 5));
    }

    /// A debugger that does mischief while it reads a name: it drops the nursery that the name's task is in.
    #[test]
    #[cfg(feature = "std")]
    fn a_name_outlives_its_task_while_a_debugger_reads_it() {
        type Work = Rc<RefCell<Option<Pin<Box<dyn Future<Output = Result<(), ()>>>>>>>;
        struct Mischief(Work, RefCell<Vec<String>>);
        impl Debugger for Mischief {
            fn after_sleep(&self, task: TaskInfo<'_>, _: Duration) {
                // Timers fire between the polls, and so nobody has borrowed it.
                drop(self.0.borrow_mut().take());
                self.1.borrow_mut().push(task.name.to_owned());
            }
        }
        let main = nursery(async |n| {
            for number in 0..3 {
                n.child().name(format!("a name that nobody else has, {number}")).spawn(sleep_and(secs(1)));
            }
            Ok(())
        });
        let work: Work = Rc::new(RefCell::new(Some(Box::pin(main))));
        let mischief = Mischief(work.clone(), RefCell::default());
        run_watched(
            &mischief,
            std::future::poll_fn(move |cx| match work.borrow_mut().as_mut() {
                Some(work) => work.as_mut().poll(cx).map(|_| ()),
                None => std::task::Poll::Ready(()),
            }),
        );
        let told = mischief.1.into_inner();
        assert_eq!(told.first().map(String::as_str), Some("a name that nobody else has, 0"));
    }
}

/// A number that a person can say: short, and not the same for two tasks that are alive.
#[test]
#[cfg(feature = "std")]
fn ids_are_small_numbers() {
    use giambio_core::{TaskId, shield};
    // On a thread of its own, whose home has seen few tasks or none.
    let texts = std::thread::spawn(|| {
        run_virtual(async {
            assert_eq!(TaskId::MAIN.to_string(), "main");
            let mut texts = Vec::new();
            for _ in 0..3 {
                nursery(async |n| {
                    let tasks: Vec<_> =
                        (0..10).map(|_| n.spawn(async { Ok::<_, ()>(shield(checkpoint()).await) })).collect();
                    texts.push(tasks.iter().map(|task| task.id().to_string()).collect::<Vec<_>>());
                    checkpoint().await;
                    checkpoint().await;
                    checkpoint().await;
                    Ok(())
                })
                .await
                .unwrap();
            }
            texts
        })
    })
    .join()
    .unwrap();
    for texts in &texts {
        let mut unique = texts.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 10, "{texts:?}");
        for text in texts {
            let number = text.strip_prefix("task ").unwrap();
            assert!(number.len() <= 12 && number.chars().all(|c| c.is_ascii_digit() || "/.".contains(c)), "{text}");
        }
    }
    let never = run_virtual(nursery(async |n| {
        n.fail("closed");
        assert_eq!(n.spawn(forever()).id().to_string(), "no task");
        Ok(())
    }));
    assert_eq!(never, Err("closed"));
    let all: std::collections::BTreeSet<_> = texts.iter().flatten().collect();
    assert_eq!(all.len(), 30, "later tasks have ids of their own: {texts:?}");
}
