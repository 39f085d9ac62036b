//! Threads that poll while they end. In a program of its own, since there is a number for 4,096 threads alone.
#![cfg(feature = "std")]
mod common;

use common::*;
use giambio_core::{claim_thread, nursery};

/// Polls a nursery when its thread ends.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        let mut work = Box::pin(nursery(async |_| forever::<Result<(), ()>>().await));
        assert!(poll_with_nobody(work.as_mut()).is_pending());
    }
}

thread_local!(static LATE: Late = const { Late });

#[test]
fn threads_that_poll_a_nursery_as_they_end_leave_room_for_others() {
    for number in 0..4_200 {
        let thread = std::thread::spawn(|| {
            // What is made first is dropped last, after what the core has.
            LATE.with(|_| {});
            claim_thread().is_ok()
        });
        assert!(thread.join().unwrap(), "thread {number} has no room");
    }
}
