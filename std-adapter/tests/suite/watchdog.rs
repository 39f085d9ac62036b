//! What a watchdog tells of steps that hang, and what it leaves alone.

use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use giambio::{Runtime, Stall, TaskId, VirtualClock, Watchdog, builder, nursery, sleep};

const LIMIT: Duration = Duration::from_millis(20);

/// Only a test that fails waits so long.
const LONG: Duration = Duration::from_secs(60);

/// One whose reports arrive here.
fn watchdog() -> (Watchdog, Receiver<Stall>) {
    let (send, receive) = channel();
    (Watchdog::new(LIMIT).on_stall(move |stall| drop(send.send(stall.clone()))), receive)
}

#[test]
fn a_step_that_hangs_is_told_of_while_it_does_so() {
    let (watchdog, stalls) = watchdog();
    let told = builder().debugger(watchdog).run(async {
        let mut told = None;
        let place = line!() + 2;
        nursery(async |n| {
            n.child().name("glutton").spawn(async {
                told = Some((stalls.recv_timeout(LONG).expect("nobody has noticed"), place)); // it goes on until it is told of
                Ok::<_, ()>(())
            });
            Ok(())
        })
        .await
        .unwrap();
        told
    });
    let (stall, line) = told.unwrap();
    let place = stall.spawned_at.unwrap();
    assert_eq!((stall.name.as_str(), place.line()), ("glutton", line));
    assert!(place.file().ends_with("watchdog.rs") && stall.id != TaskId::MAIN);
    assert!(stall.lasted >= LIMIT, "{stall}");
    let text = stall.to_string();
    assert!(text.contains("glutton (task ") && text.contains("watchdog.rs:") && text.contains("ms"), "{text}");
}

#[test]
fn it_is_told_of_once_and_the_next_one_again() {
    let (watchdog, stalls) = watchdog();
    builder().debugger(&watchdog).run(async {
        for _ in 0..2 {
            let first = stalls.recv_timeout(LONG).expect("nobody has noticed");
            assert_eq!((first.name.as_str(), first.spawned_at), ("main", None));
            thread::sleep(5 * LIMIT); // the same step
            sleep(Duration::from_millis(1)).await;
        }
    });
    drop(watchdog); // its thread is gone then
    assert_eq!(stalls.iter().count(), 0);
}

/// The thread of the watchdog rests, and is woken.
#[test]
fn a_step_that_hangs_after_a_long_sleep_is_told_of_too() {
    let (watchdog, stalls) = watchdog();
    builder().debugger(watchdog).run(async {
        sleep(10 * LIMIT).await;
        stalls.recv_timeout(LONG).expect("it sleeps on");
    });
}

#[test]
fn many_short_steps_are_no_long_one() {
    let (watchdog, stalls) = watchdog();
    builder().debugger(watchdog).run(async {
        let began = std::time::Instant::now();
        while began.elapsed() < 4 * LIMIT {
            giambio::checkpoint().await;
            spin_loop();
        }
    });
    // A machine that is busy with other things may hold one of them up, but not all.
    assert!(stalls.iter().count() <= 3);
}

#[test]
fn a_destructor_that_hangs_is_told_of_as_well() {
    struct Slow(Arc<Mutex<Receiver<Stall>>>);
    impl Drop for Slow {
        fn drop(&mut self) {
            let stall = self.0.lock().unwrap().recv_timeout(LONG).expect("nobody has noticed");
            assert_eq!(stall.name, "slow to go");
        }
    }
    let (watchdog, stalls) = watchdog();
    let slow = Slow(Arc::new(Mutex::new(stalls)));
    builder().debugger(watchdog).run(async {
        nursery(async |n| {
            n.child().name("slow to go").spawn(async move {
                let _slow = slow;
                std::future::pending::<Result<(), ()>>().await
            });
            giambio::checkpoint().await;
            n.cancel_children();
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn it_watches_one_run_after_the_other_on_any_thread_and_any_loop() {
    let (watchdog, stalls) = watchdog();
    let hangs = || async { stalls.recv_timeout(LONG).expect("nobody has noticed") };
    builder().debugger(&watchdog).run(hangs());
    builder().debugger(&watchdog).run(hangs());
    let clock: VirtualClock = VirtualClock::new();
    std::pin::pin!(Runtime::new(&clock, hangs()).with_debugger(&watchdog)).run(&mut |_| {});
    thread::scope(|scope| {
        let other = scope.spawn(|| builder().debugger(&watchdog).run(async { thread::sleep(LIMIT * 3) }));
        other.join().unwrap();
    });
    assert!(stalls.recv_timeout(LONG).is_ok());
}

#[test]
fn after_a_run_that_has_panicked_it_watches_one_of_another_thread() {
    let (watchdog, stalls) = watchdog();
    let run = || builder().debugger(&watchdog).run(async { panic!("on purpose") });
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    thread::scope(|scope| {
        let watchdog = &watchdog;
        let hangs = async move { stalls.recv_timeout(LONG).expect("nobody looks on") };
        let other = scope.spawn(move || builder().debugger(watchdog).run(hangs));
        other.join().unwrap();
    });
}

#[test]
fn its_thread_ends_with_it_whatever_a_report_does() {
    let held = Arc::new(());
    let report = Arc::clone(&held);
    let watchdog = Watchdog::new(LIMIT).on_stall(move |_| assert_eq!(Arc::strong_count(&report), 0, "told in a test"));
    builder().debugger(watchdog).run(async { thread::sleep(3 * LIMIT) });
    assert_eq!(Arc::strong_count(&held), 1);
    drop(Watchdog::new(LIMIT)); // which never ran
}
