//! What a run says when there are more threads with a runtime than numbers for them. In a program of its own, since the
//! numbers are gone afterwards.

use std::thread;

use giambio::{RunError, Runtime, VirtualClock, builder, in_runtime};

static CLOCK: VirtualClock = VirtualClock::new();

/// On a new thread.
fn apart<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(f).join().unwrap())
}

#[test]
fn a_run_on_a_thread_too_many_is_an_error_and_leaves_no_trace() {
    assert_eq!(giambio::claim_thread(), Ok(()));
    let mut threads = 1;
    // A runtime that is never dropped keeps its thread's number.
    while apart(|| {
        let is_one_more = giambio::claim_thread().is_ok();
        if is_one_more {
            let mut runtime = Box::pin(Runtime::new(&CLOCK, std::future::pending::<()>()));
            let _ = runtime.as_mut().turn();
            std::mem::forget(runtime);
        }
        is_one_more
    }) {
        threads += 1;
        assert!(threads < 10_000, "there is no end of them");
    }
    for _ in 0..3 {
        apart(|| {
            let error = builder().try_run(async { unreachable!("there is no room for it") }).unwrap_err();
            assert!(matches!(error, RunError::Threads(_)), "{error}");
            assert!(error.to_string().contains(&threads.to_string()), "{error} does not say how many: {threads}");
            let error = builder().try_run_or_ctrl_c(async {}).unwrap_err();
            assert!(matches!(error, RunError::Threads(_)), "{error}");
            assert!(!in_runtime());
            assert!(std::panic::catch_unwind(giambio::clock).is_err(), "there is no clock");
        });
    }
    assert_eq!(giambio::claim_thread(), Ok(()));
    assert!(matches!(builder().try_run(async { 7 }), Ok(7)), "a thread that has a number keeps it");
}
