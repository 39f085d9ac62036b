//! Looking at all live tasks and scopes, from the root.
#![cfg(all(feature = "introspect", feature = "std"))]

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use crate::common::{alone, audit, run_foreign, run_virtual, secs, settle};
use giambio_core::introspect::{Entry, Kind, dump, visit, visit_runtime, write};
use giambio_core::{
    Arena, Next, Runtime, Until, VirtualClock, cancel_scope, checkpoint, finally_for, move_on_after, nursery,
    nursery_in, shield, sleep,
};

fn line(entry: Entry<'_>) -> String {
    let mut line = " ".repeat(2 * entry.depth);
    line += &match entry.kind {
        Kind::Task(task, status) => format!("{} {status:?}", task.name),
        Kind::Nursery { children } => format!("nursery {children}"),
        _ => "scope".to_owned(),
    };
    if let Some(reason) = entry.cancelled {
        line += &format!(", cancelled: {reason}");
    }
    if let Some(deadline) = entry.deadline {
        line += &format!(", until {}", deadline.as_nanos() / 1_000_000_000);
    }
    if entry.is_shielded {
        line += ", shielded";
    }
    line
}

/// All there is where this is called.
fn tree() -> Vec<String> {
    let mut lines = Vec::new();
    assert!(visit(|entry| lines.push(line(entry))));
    lines
}

/// What is in a nursery of any kind, half-way through.
macro_rules! a_family {
    ($nursery:ident $(, $arena:expr)?) => {
        run_virtual(async {
            let family = $nursery($($arena,)? async |n| {
                _ = n.child().name("father").try_spawn(async {
                    let Ok(()) = nursery(async |n| {
                        n.child().name("child").spawn(async { Ok::<_, std::convert::Infallible>(sleep(secs(9)).await) });
                        Ok(())
                    })
                    .await;
                    Ok::<_, ()>(())
                }).unwrap();
                _ = n.child().name("aunt").try_spawn(async { Ok(shield(sleep(secs(2))).await) }).unwrap();
                _ = n.child().name("uncle").try_spawn(async { Ok(move_on_after(secs(3), sleep(secs(5))).await.unwrap_or_default()) }).unwrap();
                sleep(secs(1)).await;
                let young = tree();
                sleep(secs(3)).await;
                Ok((young, tree()))
            });
            move_on_after(secs(30), family).await.unwrap().unwrap()
        })
    };
}

const YOUNG: [&str; 9] = [
    "main Running",
    "  scope, until 30",
    "    nursery 3",
    "      father Waiting",
    "        nursery 1",
    "          child Waiting",
    "      uncle Waiting",
    "        scope, until 3",
    "      aunt Waiting",
];

/// In the order of a nursery's lists, for which there is no promise.
fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn all_tasks_and_scopes_are_found_from_the_root() {
    static ARENA: Arena<3, 2048> = Arena::new();
    for (young, old) in [a_family!(nursery), a_family!(nursery_in, &ARENA)] {
        let mut wanted: Vec<String> = YOUNG.iter().map(|line| line.to_string()).collect();
        wanted.push("        scope, shielded".to_owned());
        assert_eq!(sorted(young), sorted(wanted));
        assert_eq!(
            old,
            [
                "main Running",
                "  scope, until 30",
                "    nursery 1",
                "      father Waiting",
                "        nursery 1",
                "          child Waiting"
            ]
        );
    }
    assert_eq!(ARENA.used(), 0);
}

#[test]
fn between_two_turns_they_are_found_too() {
    let clock = VirtualClock::<1_000_000_000>::new();
    let work = nursery(async |n| {
        n.child().name("only").spawn(async { Ok::<_, ()>(sleep(secs(5)).await) });
        Ok(())
    });
    let mut runtime = pin!(Runtime::new(&clock, work));
    let tree = |runtime: Pin<&Runtime<_, _>>| {
        let mut lines = Vec::new();
        assert!(visit_runtime(runtime, |entry| lines.push(line(entry))));
        lines
    };
    assert_eq!(tree(runtime.as_ref()), ["main Waiting"]);
    let Next::Wait(Until::At(then)) = settle(runtime.as_mut()) else { panic!("it sleeps") };
    assert_eq!(tree(runtime.as_ref()), ["main Waiting", "  nursery 1", "    only Waiting"]);
    clock.advance_to(then);
    assert_eq!(runtime.as_mut().turn(), Next::Finished(Ok(())));
    assert_eq!(tree(runtime.as_ref()), ["main Waiting"]);
}

#[test]
fn where_nothing_runs_nothing_is_found() {
    assert!(!visit(|_| panic!("there is nothing")));
}

#[test]
fn in_another_executor_what_is_in_its_nursery_is_found() {
    let _alone = alone();
    let lines = run_foreign(nursery(async |n| {
        n.child().name("guest").spawn(async { Ok::<_, ()>(checkpoint().await) });
        Ok(tree())
    }));
    assert_eq!(lines.unwrap(), ["nursery 1", "  guest Ready"]);
}

#[test]
fn what_is_cancelled_says_why_and_its_clean_up_until_when() {
    let lines = run_virtual(async {
        let lines = RefCell::new(Vec::new());
        let result = cancel_scope(async |scope| {
            let clean = async || {
                sleep(secs(1)).await;
                *lines.borrow_mut() = tree();
            };
            finally_for(secs(5), async { scope.cancel_because("enough") }, clean).await;
            pending::<()>().await;
        });
        assert!(result.await.is_err());
        lines.take()
    });
    assert_eq!(lines, ["main Running", "  scope, cancelled: it was asked for", "    scope, until 5, shielded"]);
}

#[test]
fn a_scope_is_found_where_it_was_polled_last() {
    run_virtual(async {
        let mut scope = Box::pin(move_on_after(secs(60), sleep(secs(3))));
        poll_fn(|cx| Poll::Ready(assert!(scope.as_mut().poll(cx).is_pending()))).await;
        assert_eq!(tree(), ["main Running", "  scope, until 60"]);
        let lines = nursery(async |n| {
            let task = n.child().name("heir").spawn_value(async {
                // Polled on in another task; then that ends, and the scope goes on.
                poll_fn(|cx| Poll::Ready(assert!(scope.as_mut().poll(cx).is_pending()))).await;
                Ok::<_, ()>((tree(), scope))
            });
            Ok(task.await.unwrap())
        })
        .await;
        let (lines, mut scope) = lines.unwrap();
        assert_eq!(lines, ["main Running", "  nursery 1", "    heir Running", "      scope, until 60"]);
        assert_eq!(tree(), ["main Running"], "who polled it last is over");
        poll_fn(|cx| Poll::Ready(assert!(scope.as_mut().poll(cx).is_pending()))).await;
        assert_eq!(tree(), ["main Running", "  scope, until 60"]);
        drop(scope);
        assert_eq!(tree(), ["main Running"]);
    });
}

#[test]
fn who_looks_may_end_what_it_sees() {
    let clock = VirtualClock::<1_000_000_000>::new();
    let seen = Cell::new(0);
    let main = async {
        let mut scopes: Vec<Pin<Box<dyn Future<Output = _>>>> =
            (0..5).map(|_| Box::pin(move_on_after(secs(9), sleep(secs(5)))) as _).collect();
        poll_fn(|cx| {
            scopes.iter_mut().for_each(|scope| assert!(scope.as_mut().poll(cx).is_pending()));
            Poll::Ready(())
        })
        .await;
        // The one that is shown, the next, and the last.
        for gone in [0, 1, 4] {
            let all = scopes.len();
            seen.set(0);
            let is_all = visit(|entry| {
                seen.set(seen.get() + 1);
                if entry.depth == 1 && scopes.len() == all && gone < all {
                    drop(scopes.remove(gone));
                    assert!(visit(|_| ()), "looks within looks");
                }
            });
            assert_eq!(is_all, gone != 1, "{gone}");
            assert!(seen.get() <= all + 1);
        }
        let cut_short = nursery(async |n| {
            for _ in 0..3 {
                n.spawn(async { Ok::<_, ()>(sleep(secs(1)).await) });
            }
            checkpoint().await;
            visit(|_| n.cancel_children());
            Ok(())
        });
        assert_eq!(cut_short.await, Ok(()));
    };
    let mut runtime = pin!(Runtime::new(&clock, main));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(()));
    audit(runtime.as_mut(), true).unwrap();
}

#[test]
fn what_is_shown_may_be_taken_away_with_all_that_comes_next() {
    run_virtual(async {
        type Boxed = Pin<Box<dyn Future<Output = ()>>>;
        // A scope within a scope, which is owned here and was polled inside of a third.
        let inner: std::rc::Rc<RefCell<Boxed>> = std::rc::Rc::new(RefCell::new(Box::pin(async {
            let _ = cancel_scope(async |_| cancel_scope(async |_| pending::<()>().await).await).await;
        })));
        let lent = inner.clone();
        let outer: RefCell<Option<Boxed>> = RefCell::new(Some(Box::pin(async move {
            let _ = cancel_scope(async |_| poll_fn(|cx| lent.borrow_mut().as_mut().poll(cx)).await).await;
        })));
        poll_fn(|cx| {
            assert!(outer.borrow_mut().as_mut().unwrap().as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let mut shown = Vec::new();
        let is_whole = visit(|entry| {
            shown.push(entry.depth);
            if entry.depth == 2 {
                drop(outer.borrow_mut().take());
            }
        });
        assert_eq!((is_whole, shown), (false, vec![0, 1, 2]));
        drop(inner);
    });
}

#[test]
fn the_tree_is_written_without_a_heap_as_a_dump_has_it_but_for_what_tasks_wait_for() {
    run_virtual(async {
        nursery(async |n| {
            let aunt = n.child().name("aunt").spawn(async { Ok::<_, ()>(shield(sleep(secs(2))).await) });
            n.child().name("father").spawn(nursery(async |n| {
                n.child().name("child").spawn(async { Ok::<_, ()>(sleep(secs(9)).await) });
                Ok(())
            }));
            n.child().name("uncle").spawn(async { Ok(_ = move_on_after(secs(3), sleep(secs(5))).await) });
            sleep(secs(1)).await;
            aunt.cancel();
            sleep(secs(0)).await;
            let (dump, mut text) = (dump().await.to_string(), String::new());
            write(&mut text).unwrap();
            // What a dump says of tasks that wait is longer.
            let shortened = dump.lines().map(|line| match line.split_once(": waits") {
                Some((title, _)) => format!("{title}: waits\n"),
                None => format!("{line}\n"),
            });
            assert_eq!(text, shortened.collect::<String>());
            assert!(
                text.contains("  nursery of 3 children\n") && text.contains("shield") && text.contains(", until "),
                "{text}"
            );
            Ok(n.cancel_children())
        })
        .await
        .unwrap();
    });
}

#[test]
fn what_takes_no_more_text_is_written_to_no_more() {
    struct Full(usize);
    impl std::fmt::Write for Full {
        fn write_str(&mut self, _: &str) -> std::fmt::Result {
            self.0 += 1;
            if self.0 > 2 { Err(std::fmt::Error) } else { Ok(()) }
        }
    }
    run_virtual(async {
        let Ok(()) = nursery(async |n| {
            for _ in 0..5 {
                n.spawn(pending::<Result<(), std::convert::Infallible>>());
            }
            let mut full = Full(0);
            assert!(write(&mut full).is_err());
            assert_eq!(full.0, 3);
            Ok(n.cancel_children())
        })
        .await;
    });
    let mut text = String::new();
    write(&mut text).unwrap();
    assert_eq!(text, "(not all there is)\n");
}
