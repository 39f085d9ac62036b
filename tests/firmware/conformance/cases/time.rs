use core::pin::pin;
use core::time::Duration;

use giambio_core::{
    Clock, Instant, Next, Runtime, Tick, Until, VirtualClock, checkpoint, clock, interval, move_on_after, nursery_in,
    sleep, sleep_until,
};

use super::cases;
use crate::world::{Log, Never, OUTER, SECOND, run};

cases! {
    sleeps_end_in_the_order_of_their_deadlines,
    equal_deadlines_end_in_the_order_in_which_they_were_set,
    a_sleep_of_nothing_yields_once,
    a_sleep_that_is_dropped_leaves_no_timer,
    an_interval_does_not_drift,
    spans_become_ticks_that_are_never_too_few,
    what_is_too_far_away_never_comes,
    a_busy_task_delays_no_timer,
}

fn sleeps_end_in_the_order_of_their_deadlines() {
    let log = Log::default();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for (span, name) in [(3, "three"), (1, "one"), (4, "four"), (2, "two")] {
            let log = &log;
            n.spawn_wait(async move {
                sleep(span * SECOND).await;
                log.add(name);
                Ok::<(), Never>(())
            })
            .await;
        }
        Ok(())
    }));
    log.is(&["one", "two", "three", "four"]);
}

fn equal_deadlines_end_in_the_order_in_which_they_were_set() {
    let log = Log::default();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for name in ["a", "b", "c", "d"] {
            let log = &log;
            n.spawn_wait(async move {
                sleep_until(Instant::from_nanos(5_000_000_000)).await;
                log.add(name);
                Ok::<(), Never>(())
            })
            .await;
        }
        Ok(())
    }));
    log.is(&["a", "b", "c", "d"]);
}

fn a_sleep_of_nothing_yields_once() {
    let log = Log::default();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            log.add("child");
            Ok::<(), Never>(())
        })
        .await;
        log.add("before");
        sleep(Duration::ZERO).await;
        log.add("after");
        Ok(())
    }));
    log.is(&["before", "child", "after"]);
}

fn a_sleep_that_is_dropped_leaves_no_timer() {
    let clock = VirtualClock::<1000>::new();
    let mut runtime = pin!(Runtime::new(&clock, async {
        for _ in 0..100 {
            let mut short = pin!(sleep(SECOND));
            core::future::poll_fn(|cx| {
                assert!(short.as_mut().poll(cx).is_pending());
                core::task::Poll::Ready(())
            })
            .await;
        }
        core::future::pending::<()>().await
    }));
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
}

fn an_interval_does_not_drift() {
    run(async {
        let start = clock();
        let mut beats = interval(SECOND);
        for beat in 1..=5 {
            assert_eq!(beats.tick().await, start + beat * SECOND);
            sleep(SECOND / 4).await; // work
        }
        assert_eq!(clock() - start, 5 * SECOND + SECOND / 4);
    });
}

fn spans_become_ticks_that_are_never_too_few() {
    struct Slow(VirtualClock<3>);
    impl Clock for Slow {
        const HZ: u64 = 3;
        fn now(&self) -> Tick {
            self.0.now()
        }
    }
    let clock = Slow(VirtualClock::new());
    // The counter may be about to step: a third of a second is two steps of it.
    let mut runtime = pin!(Runtime::new(&clock, sleep(SECOND / 3)));
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::At(Tick(2))));
}

fn what_is_too_far_away_never_comes() {
    let clock = VirtualClock::<1000>::new();
    clock.advance_to(Tick(u64::MAX - 5));
    let mut runtime = pin!(Runtime::new(&clock, sleep(Duration::MAX)));
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
    clock.advance_to(Tick(u64::MAX));
    assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
}

fn a_busy_task_delays_no_timer() {
    let clock = VirtualClock::<1000>::new();
    let mut runtime = pin!(Runtime::new(&clock, async {
        move_on_after(SECOND, async {
            loop {
                checkpoint().await;
            }
        })
        .await
    }));
    for _ in 0..10 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::Now));
    }
    clock.advance(SECOND);
    for _ in 0..3 {
        if let Next::Finished(result) = runtime.as_mut().turn() {
            return assert_eq!(result, None);
        }
    }
    panic!("the deadline was not noticed in three turns");
}
