//! With nothing ready nobody is polled, and the loop is told until when.

use std::cell::Cell;
use std::pin::pin;

use crate::common::{Event, *};
use giambio_core::{Next, Runtime, Tick, Until, VirtualClock, nursery, sleep};

#[test]
fn with_nothing_ready_a_turn_says_until_when() {
    let _alone = alone();
    let (time, event) = (VirtualClock::<1_000>::new(), Event::new());
    let mut runtime = pin!(Runtime::new(&time, async {
        event.wait().await;
        sleep(millis(7)).await;
        event.wait().await;
    }));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    for _ in 0..10 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake), "no wake, no work");
    }
    event.set();
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::At(Tick(7))));
    for _ in 0..10 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::At(Tick(7))), "no busy waiting for a timer");
    }
    time.advance(millis(7));
    assert_eq!(settle(runtime.as_mut()), Next::Finished(()));
}

#[test]
fn an_idle_turn_polls_nobody() {
    let _alone = alone();
    let (time, polls) = (VirtualClock::<1_000>::new(), Cell::new(0));
    let polls = &polls;
    let mut runtime = pin!(Runtime::new(
        &time,
        counted(
            polls,
            nursery(async |n| {
                for _ in 0..10 {
                    n.spawn(counted(polls, sleep_ok(100)));
                }
                counted(polls, forever::<Result<(), ()>>()).await
            })
        )
    ));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::At(Tick(100))));
    let before = polls.get();
    for _ in 0..100 {
        assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::At(Tick(100))));
        time.advance(std::time::Duration::from_micros(500));
    }
    assert_eq!(polls.get(), before);

    async fn sleep_ok(n: u64) -> Result<(), ()> {
        sleep(millis(n)).await;
        Ok(())
    }
}

#[test]
fn as_many_turns_as_there_is_work() {
    // A thousand sleepers at a hundred different times: no turn without a reason.
    let _alone = alone();
    let time = VirtualClock::<1_000>::new();
    let mut runtime = pin!(Runtime::new(
        &time,
        nursery(async |n| {
            for i in 0..1_000 {
                n.spawn(async move { Ok(sleep(millis(1 + i % 100)).await) });
            }
            Ok::<_, ()>(())
        })
    ));
    let mut turns = 0;
    loop {
        turns += 1;
        match runtime.as_mut().turn() {
            Next::Finished(_) => break,
            Next::Wait(Until::At(tick)) => time.advance_to(tick),
            Next::Wait(Until::Now) => {}
            Next::Wait(Until::OnWake) => panic!("deadlock"),
        }
    }
    // 1,000 first polls, 64 in a turn; then ten sleepers at each of 100 times.
    assert!(turns <= 1_000 / 64 + 100 + 5, "{turns} turns");
}
