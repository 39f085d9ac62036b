//! What happens when there are more threads with a runtime than numbers for them. In a program of its own, since the
//! numbers are gone afterwards.
#![cfg(feature = "std")]
mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::*;
use giambio_core::*;

static CLOCK: VirtualClock = VirtualClock::new();

/// When thread numbers have run out, the panic leaves no trace of the runtime.
#[test]
fn a_turn_on_a_thread_too_many_leaves_no_trace() {
    for _ in 0..4_200 {
        std::thread::spawn(|| {
            let mut n = Box::pin(Runtime::new(&CLOCK, forever::<()>()));
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let _ = n.as_mut().turn();
            }));
            std::mem::forget(n);
        })
        .join()
        .unwrap();
    }
    std::thread::spawn(|| {
        let mut runtime = Box::pin(Runtime::new(&CLOCK, forever::<()>()));
        assert!(
            catch_unwind(AssertUnwindSafe(|| {
                let _ = runtime.as_mut().turn();
            }))
            .is_err()
        );
        let _ = catch_unwind(AssertUnwindSafe(|| drop(runtime)));
        assert!(catch_unwind(giambio_core::clock).is_err());
        assert!(!in_runtime());
        assert!(claim_thread().is_err(), "a number was left, or a thread got one that is not there");
    })
    .join()
    .unwrap();
}
