//! Where tests run: in virtual time, in other executors, in time, on large stacks.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::Woken;
use giambio_core::{Clock, Debugger, Next, Runtime, Until, VirtualClock, clock};

/// More turns than any test here needs.
const TURNS: u32 = 50_000_000;

/// Keeps other tests out where all threads share one runtime state: without feature `std`.
pub(crate) struct Alone {
    #[cfg(not(feature = "std"))]
    _guard: Option<std::sync::MutexGuard<'static, ()>>,
}

/// For tests that drive a runtime, or poll a nursery, by hand. May be nested.
#[cfg(feature = "std")]
pub(crate) fn alone() -> Alone {
    Alone {}
}

#[cfg(not(feature = "std"))]
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[cfg(not(feature = "std"))]
thread_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });

#[cfg(not(feature = "std"))]
pub(crate) fn alone() -> Alone {
    let outermost = DEPTH.replace(DEPTH.get() + 1) == 0;
    Alone { _guard: outermost.then(|| ONE_AT_A_TIME.lock().unwrap_or_else(|poison| poison.into_inner())) }
}

#[cfg(not(feature = "std"))]
impl Drop for Alone {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Runs `main` to its end in a world where waiting takes no time.
#[track_caller]
pub(crate) fn run_virtual<F: Future>(main: F) -> F::Output {
    let _alone = alone();
    let clock = VirtualClock::<1_000_000_000>::new();
    let mut runtime = pin!(Runtime::new(&clock, main));
    finish(runtime.as_mut(), &clock)
}

/// Each count and mark that the core keeps of scopes and tasks equals a recount; between turns. `is_tame`: the code pauses
/// no nursery, and has no foreign wakers that drop what they are to wake.
#[cfg(feature = "alloc")]
pub(crate) fn audit<F: Future, C: Clock, D: Debugger>(
    runtime: Pin<&mut Runtime<F, C, D>>,
    is_tame: bool,
) -> Result<(), String> {
    let wrong = |(what, kept, counted)| format!("{what}: {kept} is kept, {counted} were counted");
    runtime.as_ref().__audit(is_tame).map_err(wrong)
}

/// Turns until the end, the clock jumping to the next deadline whenever all tasks wait.
#[track_caller]
pub(crate) fn finish<F: Future, C: Clock, D: Debugger, const HZ: u64>(
    mut runtime: Pin<&mut Runtime<F, C, D>>,
    clock: &VirtualClock<HZ>,
) -> F::Output {
    let mut turns = 0;
    let mut wait = |until| {
        turns += 1;
        assert!(turns < TURNS, "no end in sight after {TURNS} turns");
        let before = clock.now();
        match until {
            Until::Now => {}
            Until::At(tick) => {
                assert!(before < tick, "turn {turns} wants to wait until {tick:?}, which is past");
                clock.advance_to(tick);
            }
            Until::OnWake => panic!("deadlock in turn {turns} at {before:?}: all tasks wait, for no timer"),
        }
    };
    loop {
        match runtime.as_mut().turn() {
            Next::Finished(value) => return value,
            Next::Wait(until) => wait(until),
        }
    }
}

/// Turns until all tasks wait, the clock standing still.
#[track_caller]
pub(crate) fn settle<F: Future, C: Clock, D: Debugger>(mut runtime: Pin<&mut Runtime<F, C, D>>) -> Next<F::Output> {
    for _ in 0..TURNS {
        match runtime.as_mut().turn() {
            Next::Wait(Until::Now) => {}
            next => return next,
        }
    }
    panic!("the tasks never came to rest in {TURNS} turns")
}

/// Runs `main` in an executor that isn't ours, which polls only after a wake.
#[track_caller]
pub(crate) fn run_foreign<F: Future>(main: F) -> F::Output {
    let _alone = alone();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut main = pin!(main);
    woken.wake_by_ref();
    while woken.take() > 0 {
        if let Poll::Ready(value) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
    }
    panic!("deadlock: the future is pending, and nobody woke the foreign executor")
}

/// On a thread of its own: a test that hangs inside the core fails.
pub(crate) fn in_time<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = sender.send(f());
    });
    receiver.recv_timeout(secs(20)).expect("it hangs, or has panicked")
}

/// Runs `f` on a thread with room for deep recursion in an unoptimised build.
pub(crate) fn on_big_stack<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(1 << 30).spawn(f).unwrap();
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Polls once with a waker that does nothing.
pub(crate) fn poll_with_nobody<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls once, with the waker of the task that awaits this.
pub(crate) async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The time since the virtual clock's start.
pub(crate) fn now() -> Duration {
    Duration::from_nanos(clock().as_nanos())
}

/// Runs `main`; `None`: all wait for ever, or there is no end in sight.
pub(crate) fn run_limited<F: Future>(main: F) -> Option<F::Output> {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&clock, main));
    for _ in 0..100_000 {
        match runtime.as_mut().turn() {
            Next::Finished(value) => return Some(value),
            Next::Wait(Until::Now) => {}
            Next::Wait(Until::At(tick)) => clock.advance_to(tick),
            Next::Wait(Until::OnWake) => return None,
        }
    }
    None
}
