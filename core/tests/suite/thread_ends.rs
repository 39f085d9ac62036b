//! Threads that end while something of a runtime is left.
#![cfg(feature = "std")]
use std::cell::RefCell;
use std::pin::Pin;

use crate::common::*;
use giambio_core::*;

static CLOCK: VirtualClock = VirtualClock::new();

thread_local!(static KEPT: RefCell<Option<Pin<Box<dyn std::any::Any>>>> = const { RefCell::new(None) });

/// One after the other, each thread with a runtime that is dropped when the thread ends.
#[test]
fn thousands_of_threads_one_after_the_other_may_keep_a_runtime_in_a_thread_local() {
    for n in 0..5_000 {
        let thread = std::thread::spawn(|| {
            KEPT.with(|_| ()); // registered first, dropped last
            let mut runtime = Box::pin(Runtime::new(&CLOCK, forever::<()>()));
            let _ = runtime.as_mut().turn();
            KEPT.with(|kept| *kept.borrow_mut() = Some(runtime));
        });
        assert!(thread.join().is_ok(), "thread {n} could not have a runtime");
    }
}
