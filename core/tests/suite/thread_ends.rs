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

/// In a destructor that comes after the core's own, a runtime takes the place of another, at the same address. (On Windows
/// no thread starts while another ends.)
#[cfg(not(windows))]
#[test]
fn each_runtime_of_a_thread_that_ends_has_its_own_notifier_told() {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Poll, Wake, Waker};

    struct Bell(AtomicU32);
    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    struct AtTheEnd;
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            for _ in 0..3 {
                let bell = Arc::new(Bell(AtomicU32::new(0)));
                let task = RefCell::new(None::<Waker>);
                let main = poll_fn(|cx| match task.replace(Some(cx.waker().clone())) {
                    None => Poll::Pending,
                    Some(_) => Poll::Ready(()),
                });
                let mut runtime = pin!(Runtime::new(&CLOCK, main).with_notify(bell.clone().into()));
                let _ = runtime.as_mut().turn();
                let waker = task.borrow().clone().unwrap();
                std::thread::spawn(|| waker.wake()).join().unwrap();
                let is_told = bell.0.load(Ordering::SeqCst) == 1;
                if is_told && runtime.as_mut().turn() == Next::Finished(()) {
                    TOLD.fetch_add(1, Ordering::SeqCst); // a panic here would end the process
                }
            }
        }
    }
    static TOLD: AtomicU32 = AtomicU32::new(0);
    thread_local!(static END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) });
    std::thread::spawn(|| {
        END.set(Some(AtTheEnd));
        testing::run(checkpoint());
    })
    .join()
    .unwrap();
    assert_eq!(TOLD.load(Ordering::SeqCst), 3, "a loop is not told of a wake");
}
