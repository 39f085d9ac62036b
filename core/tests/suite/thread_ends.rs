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

/// In a destructor that comes after those of all that was used before.
#[test]
fn a_test_in_virtual_time_runs_in_a_destructor_of_a_thread_local() {
    async fn waits_until_all_wait() {
        let child = async {
            sleep(std::time::Duration::from_secs(1)).await;
            Ok::<_, ()>(())
        };
        let ended = nursery(async |n| {
            n.spawn(child);
            testing::wait_all_blocked().await;
            Ok(())
        });
        ended.await.unwrap();
    }
    struct AtTheEnd;
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            testing::run(waits_until_all_wait());
        }
    }
    thread_local!(static END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) });
    let thread = std::thread::spawn(|| {
        END.set(Some(AtTheEnd));
        testing::run(waits_until_all_wait());
    });
    thread.join().unwrap();
}
