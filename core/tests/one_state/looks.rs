//! Without feature `std` there is one state for the program. A thread that looks at what another one polls finds it whole, or
//! ends the program: what it looks at is not taken from under it.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll};
use std::thread;

use crate::common::*;
use giambio_core::{Clock, Runtime, TaskLocal, Tick, VirtualClock, clock, in_runtime, sleep};

/// How this test ends in a process of its own, and what it says there; `None`: this is that process.
fn in_a_process_of_its_own(test: &str) -> Option<(bool, String)> {
    const CHILD: &str = "GIAMBIO_LOOKS";
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    let test = format!("looks::{test}");
    let mut child = itself();
    child.args(["--exact", &test, "--nocapture"]).env(CHILD, "").env("RUST_BACKTRACE", "0");
    let end = child.output().unwrap();
    Some((end.status.success(), String::from_utf8_lossy(&end.stderr).into_owned()))
}

/// Is this the process that is to be ended? Else starts it, and looks at how it ends.
fn is_to_be_ended(test: &str, says: &str) -> bool {
    let Some((is_fine, said)) = in_a_process_of_its_own(test) else { return true };
    assert!(!is_fine && said.contains(says), "{said}");
    false
}

/// A pair of threads: one goes on where the other one says so.
fn pair() -> (impl Fn() + Send + Sync, impl Fn() + Send) {
    let (tell, told): (Sender<()>, Receiver<()>) = channel();
    (move || tell.send(()).unwrap_or(()), move || told.recv().unwrap_or(()))
}

/// Keeps a thread where it is, as long as the program lives.
fn stay() -> ! {
    loop {
        thread::park();
    }
}

static TEXT: TaskLocal<String> = TaskLocal::new();
static NUMBER: TaskLocal<u32> = TaskLocal::new();

fn text() -> String {
    "x".repeat(100)
}

#[test]
fn a_poll_that_ends_while_another_thread_looks_at_its_task_local_ends_the_program() {
    if is_to_be_ended(
        "a_poll_that_ends_while_another_thread_looks_at_its_task_local_ends_the_program",
        "another thread or core looked at one of its task-locals",
    ) {
        let (look, looks) = pair();
        let (tell, is_looking) = pair();
        thread::spawn(move || {
            looks();
            TEXT.with(|found| {
                assert_eq!(found, Some(&text()));
                tell();
                stay();
            });
        });
        let _ = poll_with_nobody(pin!(TEXT.set(text(), async {
            look();
            is_looking();
        })));
    }
}

#[test]
fn who_looks_further_out_than_it_came_in_keeps_the_inner_poll_too() {
    if is_to_be_ended(
        "who_looks_further_out_than_it_came_in_keeps_the_inner_poll_too",
        "another thread or core looked at one of its task-locals",
    ) {
        let (look, looks) = pair();
        let (tell, is_looking) = pair();
        thread::spawn(move || {
            looks();
            NUMBER.with(|found| {
                assert_eq!(found, Some(&1));
                tell();
                stay();
            });
        });
        let inner = TEXT.set(text(), async {
            look();
            is_looking();
        });
        let _ = poll_with_nobody(pin!(NUMBER.set(1, async {
            let _ = poll_with_nobody(pin!(inner));
            unreachable!("it has ended the program");
        })));
    }
}

#[test]
fn a_look_of_another_thread_keeps_nothing_that_began_after_it() {
    let _alone = alone();
    let ((look, looks), (tell, is_looking), (end, ends), (tell_end, is_over)) = (pair(), pair(), pair(), pair());
    let thread = thread::spawn(move || {
        looks();
        let found = NUMBER.with(|found| {
            tell();
            ends();
            found.copied()
        });
        tell_end();
        found
    });
    let polled = poll_with_nobody(pin!(NUMBER.set(1, async {
        look();
        is_looking();
        assert_eq!(NUMBER.set(2, async { NUMBER.get() }).await, Some(2));
        end();
        is_over();
    })));
    assert_eq!((polled, thread.join().unwrap()), (Poll::Ready(()), Some(1)));
}

/// Runs `main` with another thread that does `beside` all the time, in a process that may be ended for it, with `says`: either
/// way no memory is used that is gone, which the sanitizers see.
fn run_beside(test: &str, says: &str, main: impl FnOnce(), beside: impl Fn() + Send + 'static) {
    if let Some((is_fine, said)) = in_a_process_of_its_own(test) {
        return assert!((is_fine || said.contains(says)) && !said.contains("Sanitizer"), "{said}");
    }
    thread::spawn(move || {
        loop {
            beside();
        }
    });
    main();
}

#[test]
fn a_thread_that_looks_all_the_time_finds_whole_values_or_ends_the_program() {
    run_beside(
        "a_thread_that_looks_all_the_time_finds_whole_values_or_ends_the_program",
        "another thread or core looked at one of its task-locals",
        || {
            for _ in 0..10_000 {
                let _ = poll_with_nobody(pin!(TEXT.set(text(), ready(()))));
            }
        },
        || TEXT.with(|found| assert!(found.is_none_or(|found| *found == text()))),
    );
}

#[test]
fn a_thread_that_sleeps_all_the_time_is_told_that_there_is_no_runtime_or_ends_the_program() {
    run_beside(
        "a_thread_that_sleeps_all_the_time_is_told_that_there_is_no_runtime_or_ends_the_program",
        "two threads or cores polled tasks at once",
        || {
            for _ in 0..1_000 {
                let time: VirtualClock = VirtualClock::new();
                let mut runtime = Box::pin(Runtime::new(&time, sleep(secs(1))));
                let _ = runtime.as_mut().turn();
                time.advance(secs(1));
                let _ = runtime.as_mut().turn();
            }
        },
        || {
            let (_, waker) = Woken::new();
            let mut slept = Box::pin(sleep(millis(1)));
            for _ in 0..3 {
                // Where there is no runtime it panics, and says so.
                let poll = || slept.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
                let _ = in_runtime().then(|| catch_unwind(AssertUnwindSafe(poll)));
            }
        },
    );
}

/// A clock whose reading by another thread takes its time.
struct Slow {
    time: VirtualClock,
    first: thread::ThreadId,
    is_gone: Arc<AtomicBool>,
    tell: Box<dyn Fn() + Send + Sync>,
}

impl Clock for Slow {
    const HZ: u64 = 1_000_000_000;

    fn now(&self) -> Tick {
        if thread::current().id() != self.first {
            (self.tell)();
            for _ in 0..100_000 {
                assert!(!self.is_gone.load(SeqCst), "the clock is read when it is gone");
                thread::yield_now();
            }
        }
        self.time.now()
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.is_gone.store(true, SeqCst);
    }
}

#[test]
fn a_clock_that_another_thread_reads_is_there_until_it_is_read() {
    let _alone = alone();
    let ((read, reads), (tell, is_reading)) = (pair(), pair());
    let thread = thread::spawn(move || {
        reads();
        let _ = clock();
    });
    let slow = Slow {
        time: VirtualClock::new(),
        first: thread::current().id(),
        is_gone: Arc::new(AtomicBool::new(false)),
        tell: Box::new(tell),
    };
    let mut runtime = Box::pin(Runtime::new(slow, async {
        read();
        is_reading();
    }));
    let _ = runtime.as_mut().turn();
    drop(runtime);
    thread.join().unwrap();
}

#[cfg(all(feature = "alloc", feature = "hooks"))]
mod debuggers {
    use std::sync::mpsc::channel;
    use std::task::Waker;

    use super::*;
    use giambio_core::{Debugger, Event, Often};

    /// Told something by another thread, it says so, and goes on when it may.
    struct Slow<W: Fn() + Sync> {
        first: thread::ThreadId,
        meanwhile: W,
    }

    impl<W: Fn() + Sync> Debugger for Slow<W> {
        fn event(&self, _: Event<'_>) {
            if thread::current().id() != self.first {
                (self.meanwhile)();
            }
        }

        fn wants(&self, _: Often) -> bool {
            true
        }
    }

    #[test]
    fn a_turn_that_ends_while_another_thread_tells_its_debugger_something_ends_the_program() {
        if is_to_be_ended(
            "debuggers::a_turn_that_ends_while_another_thread_tells_its_debugger_something_ends_the_program",
            "told its debugger something",
        ) {
            let ((begin, begins), (tell, has_begun)) = (pair(), pair());
            thread::spawn(move || {
                begins();
                let _ = poll_with_nobody(pin!(sleep(secs(1))));
            });
            let time: VirtualClock = VirtualClock::new();
            let meanwhile = || {
                tell();
                stay()
            };
            let main = async {
                begin();
                has_begun();
            };
            let slow = Slow { first: thread::current().id(), meanwhile };
            let _ = pin!(Runtime::new(&time, main).with_debugger(slow)).turn();
        }
    }

    #[test]
    fn a_debugger_that_another_thread_tells_of_a_wake_is_there_until_it_is_told() {
        let _alone = alone();
        let ((give, waker), (tell, is_told)) = (channel::<Waker>(), pair());
        let is_gone = Arc::new(AtomicBool::new(false));
        let gone = is_gone.clone();
        let thread = thread::spawn(move || waker.recv().unwrap().wake());
        let time: VirtualClock = VirtualClock::new();
        let main = std::future::poll_fn(move |cx| {
            give.send(cx.waker().clone()).unwrap();
            is_told();
            Poll::Ready(())
        });
        let meanwhile = move || {
            tell();
            for _ in 0..100_000 {
                assert!(!is_gone.load(SeqCst), "the debugger is told when it is gone");
                thread::yield_now();
            }
        };
        let slow = Slow { first: thread::current().id(), meanwhile };
        let mut runtime = Box::pin(Runtime::new(&time, main).with_debugger(slow));
        let _ = runtime.as_mut().turn();
        gone.store(true, SeqCst);
        drop(runtime);
        thread.join().unwrap();
    }
}
