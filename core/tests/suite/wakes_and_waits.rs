//! Who woke a task, and what it waits for: told to debuggers that want to know.
#![cfg(all(feature = "hooks", feature = "heapless"))]

use std::cell::RefCell;
use std::pin::pin;
use std::sync::Mutex;

use crate::common::{alone, finish, secs};
use giambio_core::channel::Channel;
use giambio_core::sync::Event;
use giambio_core::{
    Arena, Debugger, Event as Told, Often, Runtime, TaskInfo, VirtualClock, WaitsFor, WokenBy, move_on_after,
    nursery_in, sleep,
};

/// What it is told of wakes and waits, if it wants to know.
struct Listener(&'static [Often], Mutex<Vec<String>>);

impl Debugger for Listener {
    fn wants(&self, often: Often) -> bool {
        self.0.contains(&often)
    }
    fn on_task_wake(&self, task: TaskInfo<'_>, by: WokenBy) {
        self.1.lock().unwrap().push(format!("{} < {by:?}", task.name));
    }
    fn on_task_wait(&self, task: TaskInfo<'_>, what: WaitsFor) {
        let place = what.asked_at.map(|place| (place.file(), place.line()));
        assert_eq!(
            place.is_some(),
            cfg!(feature = "introspect") && ["sleep", "event", "value of channel", "room"].contains(&what.what)
        );
        assert!(place.is_none_or(|(file, _)| file.ends_with("wakes_and_waits.rs")));
        self.1.lock().unwrap().push(format!("{} - {}", task.name, what.what));
    }
}

fn listen<F: Future>(wants: &'static [Often], main: F) -> Vec<String> {
    let _alone = alone();
    let (clock, listener) = (VirtualClock::<1_000_000_000>::new(), Listener(wants, Mutex::default()));
    let mut runtime = pin!(Runtime::new(&clock, main).with_debugger(&listener));
    finish(runtime.as_mut(), &clock);
    listener.1.lock().unwrap().drain(..).collect()
}

#[test]
fn each_wake_is_told_with_who_made_it() {
    static ARENA: Arena<2, 512> = Arena::new();
    let number = RefCell::new(String::new());
    let wakes = listen(&[Often::Wakes], async {
        let (event, channel) = (Event::new(), Channel::<u8, 1>::new());
        let Ok(()) = nursery_in(&ARENA, async |n| {
            let waiter = async {
                event.wait().await;
                channel.try_send(1).unwrap();
                Ok::<_, std::convert::Infallible>(())
            };
            let task = n.child().name("waiter").try_spawn(waiter).unwrap();
            *number.borrow_mut() = format!("Task({})", task.id());
            sleep(secs(1)).await;
            event.set();
            event.set();
            channel.receive().await.unwrap();
            move_on_after(secs(1), std::future::pending::<()>()).await;
            Ok(())
        })
        .await;
    });
    let waiter = number.into_inner();
    assert_eq!(wakes, ["main < Timer", "waiter < Task(main)", &format!("main < {waiter}"), "main < Other"]);
}

#[test]
fn who_awaits_a_task_is_woken_by_that() {
    static ARENA: Arena<2, 512> = Arena::new();
    let wakes = listen(&[Often::Wakes, Often::Waits], async {
        let Ok(()) = nursery_in(&ARENA, async |n| {
            let first = async { Ok::<_, std::convert::Infallible>(sleep(secs(1)).await) };
            let first = n.child().name("first").try_spawn(first).unwrap();
            n.child().name("second").try_spawn(async { Ok(first.await.unwrap()) }).unwrap();
            Ok(())
        })
        .await;
    });
    assert_eq!(wakes[..2], ["first - sleep", "second - task"]);
    assert_eq!(wakes[2], "first < Timer");
    assert!(wakes[3].starts_with("second < Task(task "), "{wakes:?}");
    assert_eq!(wakes.len(), 4);
}

#[test]
fn each_wait_is_told_with_what_it_is_for() {
    static ARENA: Arena<1, 512> = Arena::new();
    let waits = listen(&[Often::Waits], async {
        let (event, channel) = (Event::new(), Channel::<u8, 1>::new());
        let Ok(()) = nursery_in(&ARENA, async |n| {
            let helper = async {
                sleep(secs(1)).await;
                event.set();
                sleep(secs(1)).await;
                channel.try_send(1).unwrap();
                sleep(secs(1)).await;
                Ok::<_, std::convert::Infallible>(())
            };
            let task = n.child().name("helper").try_spawn(helper).unwrap();
            event.wait().await;
            event.wait().await; // it is set
            channel.receive().await.unwrap();
            drop(task);
            n.spawn_wait(async { Ok(()) }).await;
            Ok(())
        })
        .await;
    });
    let wanted = [
        "main - event",
        "helper - sleep",
        "helper - sleep",
        "main - value of channel",
        "helper - sleep",
        "main - room",
    ];
    assert_eq!(sorted(waits), sorted(wanted.map(str::to_owned).to_vec()));
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn who_does_not_want_to_know_is_not_told() {
    assert!(listen(&[], async { sleep(secs(1)).await }).is_empty());
    assert_eq!(listen(&[Often::Waits], async { sleep(secs(1)).await }), ["main - sleep"]);
    assert_eq!(listen(&[Often::Wakes], async { sleep(secs(1)).await }), ["main < Timer"]);
}

#[test]
fn one_who_panics_when_it_is_asked_what_it_wants_is_switched_off() {
    struct Asked;
    impl Debugger for Asked {
        fn wants(&self, _: Often) -> bool {
            panic!("it was asked")
        }
        fn event(&self, event: Told<'_>) {
            unreachable!("{event:?}")
        }
    }
    if cfg!(feature = "std") {
        let clock = VirtualClock::<1_000_000_000>::new();
        let mut runtime = pin!(Runtime::new(&clock, sleep(secs(1))).with_debugger(Asked));
        finish(runtime.as_mut(), &clock);
    }
}

#[cfg(feature = "std")]
#[test]
fn a_wake_by_another_thread_is_told_as_such() {
    use std::task::Poll;
    let mut thread = None;
    let main = std::future::poll_fn(|cx| {
        if thread.is_some() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        thread = Some(std::thread::spawn(move || waker.wake()));
        while !thread.as_ref().unwrap().is_finished() {
            std::thread::yield_now();
        }
        Poll::Pending
    });
    assert_eq!(listen(&[Often::Wakes], main), ["main < Thread"]);
}
