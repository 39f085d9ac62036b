//! Sleeps and deadlines that go from one task, runtime or clock to another.

use std::cell::RefCell;
use std::pin::pin;

use super::{any_span, at};
use crate::common::*;
use giambio_core::{clock, fail_after, fail_at, nursery, sleep, sleep_until};

#[test]
fn a_sleep_that_is_polled_early_again_and_again_keeps_its_time() {
    run_virtual(async {
        let mut wait = pin!(sleep(secs(5)));
        for i in 0..5 {
            assert!(poll_once(wait.as_mut()).await.is_pending());
            assert_eq!(now(), secs(i));
            sleep(secs(1)).await;
        }
        assert!(poll_once(wait.as_mut()).await.is_ready());
    });
}

#[test]
fn a_sleep_counts_from_its_first_poll() {
    run_virtual(async {
        let wait = sleep(secs(5));
        sleep(secs(10)).await;
        wait.await;
        assert_eq!(now(), secs(15));
    });
}

#[test]
fn a_sleep_goes_on_in_the_task_that_polls_it_last() {
    run_virtual(async {
        let log = &Log::new();
        nursery(async |n| {
            let mut wait = Box::pin(sleep(secs(5)));
            assert!(poll_once(wait.as_mut()).await.is_pending());
            n.spawn(async move {
                wait.await;
                log.at("the other task");
                Ok(())
            });
            Ok::<_, ()>(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["5 the other task"]);
    });
}

#[test]
fn sleeps_that_outlive_their_runtime_go_on_in_another_or_are_dropped_in_none() {
    for seed in 0..20 {
        let waits = &RefCell::new(Vec::new());
        run_virtual(async {
            let mut rng = Rng(seed);
            for _ in 0..300 {
                let deadline = clock() + any_span(&mut rng);
                let mut wait = Box::pin(sleep_until(deadline));
                assert!(poll_once(wait.as_mut()).await.is_pending());
                waits.borrow_mut().push((deadline, wait));
            }
        });
        // In no runtime, and in no order.
        waits.borrow_mut().retain({
            let mut rng = Rng(!seed);
            move |_| !rng.one_in(2)
        });
        run_virtual(async {
            nursery(async |n| {
                for (deadline, wait) in waits.take() {
                    n.spawn(async move {
                        wait.await;
                        assert_eq!(clock(), deadline, "seed {seed}");
                        Ok(())
                    });
                }
                Ok::<_, ()>(())
            })
            .await
            .unwrap();
        });
    }
}

#[test]
fn a_deadline_that_was_set_in_one_runtime_goes_on_in_another() {
    let [mut after, mut at_instant] = [true, false].map(|is_span| {
        Box::pin(async move {
            let instant = clock() + secs(9);
            match is_span {
                true => fail_after(secs(9), forever::<()>()).await,
                false => fail_at(instant, forever::<()>()).await,
            }
        })
    });
    run_virtual(async {
        sleep(secs(1)).await;
        assert!(poll_once(after.as_mut()).await.is_pending());
        assert!(poll_once(at_instant.as_mut()).await.is_pending());
    });
    run_virtual(async {
        assert_eq!(after.await.map_err(|late| late.deadline), Err(at(10)));
        assert_eq!(clock(), at(10));
    });
    run_virtual(async {
        assert_eq!(at_instant.await.map_err(|late| late.deadline), Err(at(10)));
        assert_eq!(clock(), at(10));
    });
}

#[cfg(feature = "std")]
#[test]
fn a_deadline_taken_to_a_clock_of_another_rate_is_the_same_instant() {
    goes_on_by_another_clock::<1_000, 1_000_000>();
    goes_on_by_another_clock::<{ 1 << 33 }, { 1 << 34 }>();
    goes_on_by_another_clock::<1_000, { (1 << 32) + 1_000 }>();
}

#[cfg(feature = "std")]
fn goes_on_by_another_clock<const SLOW: u64, const FAST: u64>() {
    use giambio_core::{Runtime, VirtualClock};
    type Wait = std::pin::Pin<Box<dyn Future<Output = Result<(), giambio_core::TimedOut>>>>;
    let (slow, fast) = (VirtualClock::<SLOW>::new(), VirtualClock::<FAST>::new());
    let mut waits: [Wait; 4] = [
        Box::pin(async { Ok(sleep(secs(9)).await) }),
        Box::pin(async { Ok(sleep_until(at(9)).await) }),
        Box::pin(fail_after(secs(9), forever::<()>())),
        Box::pin(fail_at(at(9), forever::<()>())),
    ];
    for wait in &mut waits {
        let begun = pin!(Runtime::new(&slow, poll_once(wait.as_mut())));
        assert!(begun.run(&mut |_| unreachable!("nothing waits")).is_pending());
    }
    let ended = pin!(Runtime::new(&fast, async {
        nursery(async |n| {
            for wait in waits {
                n.spawn(async {
                    if let Err(late) = wait.await {
                        assert_eq!(late.deadline, at(9));
                    }
                    assert_eq!(clock(), at(9));
                    Ok::<_, ()>(())
                });
            }
            Ok(())
        })
        .await
    }));
    assert_eq!(finish(ended, &fast), Ok(()));
}
