//! Runtimes that are guests in a loop of somebody else's: it is told when they have something to do.
#![cfg(feature = "std")]
use std::cell::Cell;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use crate::common::*;
use giambio_core::sync::Event;
use giambio_core::*;

fn clock() -> VirtualClock {
    VirtualClock::new()
}

const RESTS: Next<()> = Next::Wait(Until::OnWake);

/// A host: what it is told by, and its turn of a guest.
struct Host {
    told: Arc<Woken>,
    waker: Waker,
}

impl Host {
    fn new() -> Host {
        let (told, waker) = Woken::new();
        Host { told, waker }
    }

    fn turn<F: Future>(&self, guest: Pin<&mut Runtime<F, &VirtualClock>>) -> Next<F::Output> {
        guest.turn_in(&mut Context::from_waker(&self.waker))
    }

    fn told(&self) -> u32 {
        self.told.take()
    }
}

/// A child in a nursery in a child, that waits so often.
async fn waits_inside(event: &Event, times: u32) {
    nursery(async |n| {
        n.spawn(async {
            nursery(async |n| {
                n.spawn(async {
                    for _ in 0..times {
                        event.wait_and_clear().await;
                    }
                    Ok::<_, ()>(())
                });
                Ok(())
            })
            .await
        });
        Ok(())
    })
    .await
    .unwrap();
}

#[test]
fn a_wake_between_two_turns_tells_the_host_once() {
    let (clock, event, host) = (clock(), Event::new(), Host::new());
    let mut guest = pin!(Runtime::new(&clock, waits_inside(&event, 3)));
    assert_eq!(host.turn(guest.as_mut()), RESTS);
    for _ in 0..2 {
        assert_eq!(host.told(), 0);
        event.set();
        event.set();
        assert_eq!(host.told(), 1);
        assert_eq!(host.turn(guest.as_mut()), RESTS);
    }
    event.set();
    assert_eq!(host.turn(guest.as_mut()), Next::Finished(()));
}

#[test]
fn a_wake_of_the_main_future_tells_the_host() {
    let (clock, wakers, host) = (clock(), Wakers::new(), Host::new());
    let mut guest = pin!(Runtime::new(&clock, wakers.wait::<()>()));
    assert_eq!(host.turn(guest.as_mut()), RESTS);
    wakers.fire();
    assert_eq!(host.told(), 1);
}

#[test]
fn what_is_woken_in_its_own_turn_the_turn_sees() {
    let (clock, event, host) = (clock(), Event::new(), Host::new());
    let mut guest = pin!(Runtime::new(&clock, async {
        nursery(async |n| {
            n.spawn(async {
                waits_inside(&event, 1).await;
                Ok::<_, ()>(())
            });
            checkpoint().await;
            checkpoint().await;
            event.set();
            Ok(())
        })
        .await
        .unwrap();
    }));
    assert_eq!(host.turn(guest.as_mut()), Next::Finished(()));
    assert_eq!(host.told(), 0);
}

#[test]
fn a_host_that_has_to_come_back_by_itself_is_not_told() {
    let (clock, host) = (clock(), Host::new());
    let mut guest = pin!(Runtime::new(&clock, async {
        loop {
            checkpoint().await;
        }
    }));
    for _ in 0..3 {
        assert_eq!(host.turn(guest.as_mut()), Next::<()>::Wait(Until::Now));
    }
    let mut sleeps = pin!(Runtime::new(&clock, sleep(secs(1))));
    assert!(matches!(host.turn(sleeps.as_mut()), Next::Wait(Until::At(_))));
    assert_eq!(host.told(), 0);
}

#[test]
fn what_a_look_before_the_turn_wakes_the_turn_sees_and_the_host_is_not_told() {
    let (clock, event, host) = (clock(), Event::new(), Host::new());
    let mut guest = pin!(Runtime::new(&clock, waits_inside(&event, 2)));
    assert_eq!(host.turn(guest.as_mut()), RESTS);
    let mut cx = Context::from_waker(&host.waker);
    assert_eq!(guest.as_mut().look_and_turn_in(&mut cx, |_| event.set()), RESTS);
    assert_eq!(host.told(), 0);
    event.set();
    assert_eq!(host.told(), 1, "after the turn it is, as ever");
    assert_eq!(guest.as_mut().look_and_turn_in(&mut cx, |_| ()), Next::Finished(()));
}

#[test]
fn a_look_that_panics_loses_no_wake() {
    let (clock, event, host) = (clock(), Event::new(), Host::new());
    let mut guest = pin!(Runtime::new(&clock, waits_inside(&event, 1)));
    assert_eq!(host.turn(guest.as_mut()), RESTS);
    let mut cx = Context::from_waker(&host.waker);
    let look = |_: &mut Context<'_>| {
        event.set();
        panic!("on purpose");
    };
    let left = catch_unwind(AssertUnwindSafe(|| guest.as_mut().look_and_turn_in(&mut cx, look)));
    assert!(left.is_err());
    assert_eq!(host.told(), 1);
    assert_eq!(host.turn(guest.as_mut()), Next::Finished(()));
}

#[test]
fn the_turn_of_one_guest_tells_the_host_of_another() {
    let (clock, event, one, other) = (clock(), Event::new(), Host::new(), Host::new());
    let mut waits = pin!(Runtime::new(&clock, waits_inside(&event, 1)));
    assert_eq!(one.turn(waits.as_mut()), RESTS);
    let mut sets = pin!(Runtime::new(&clock, async { event.set() }));
    assert_eq!(other.turn(sets.as_mut()), Next::Finished(()));
    assert_eq!((one.told(), other.told()), (1, 0));
    assert_eq!(one.turn(waits.as_mut()), Next::Finished(()));
}

#[test]
fn a_wake_that_a_run_on_the_thread_takes_from_another_tells_the_host() {
    let (clock, wakers, host) = (clock(), Wakers::new(), Host::new());
    let mut guest = pin!(Runtime::new(&clock, wakers.wait::<()>()));
    assert_eq!(host.turn(guest.as_mut()), RESTS);
    let waker = wakers.last();
    thread::spawn(|| waker.wake()).join().unwrap();
    pin!(Runtime::new(&clock, checkpoint())).run(&mut |_| {});
    assert_eq!(host.told(), 1);
}

#[test]
fn the_waker_of_the_last_turn_is_the_one_that_is_woken() {
    let (clock, event, former, host) = (clock(), Event::new(), Host::new(), Host::new());
    let mut guest = pin!(Runtime::new(&clock, waits_inside(&event, 2)));
    assert_eq!(former.turn(guest.as_mut()), RESTS);
    assert_eq!(host.turn(guest.as_mut()), RESTS);
    assert_eq!(Arc::strong_count(&former.told), 2, "the former one is kept no more");
    event.set();
    assert_eq!((former.told(), host.told()), (0, 1));
    // A turn of nobody's tells nobody.
    assert_eq!(guest.as_mut().turn(), RESTS);
    event.set();
    assert_eq!((former.told(), host.told()), (0, 0));
    assert_eq!(guest.as_mut().turn(), Next::Finished(()));
}

#[test]
fn a_guest_that_is_gone_keeps_nothing_of_its_host() {
    let (clock, event, host) = (clock(), Event::new(), Host::new());
    let mut guest = Box::pin(Runtime::new(&clock, waits_inside(&event, 1)));
    assert_eq!(host.turn(guest.as_mut()), RESTS);
    assert_eq!(Arc::strong_count(&host.told), 3);
    drop(guest);
    assert_eq!(Arc::strong_count(&host.told), 2);
    event.set();
    assert_eq!(host.told(), 0);
}

#[test]
fn a_forgotten_guest_tells_its_host_once_more_at_most() {
    static CLOCK: VirtualClock = VirtualClock::new();
    let (wakers, host) = (Wakers::new(), Host::new());
    let inside = wakers.clone();
    let mut guest = Box::pin(Runtime::new(&CLOCK, async move { inside.wait::<()>().await }));
    assert_eq!(host.turn(guest.as_mut()), RESTS);
    mem::forget(guest);
    wakers.fire();
    wakers.fire();
    assert_eq!(host.told(), 1);
}

/// Its host has room in a list, say, and moves on when it is cloned.
#[test]
fn what_the_code_of_a_host_wakes_while_it_is_kept_is_not_lost() {
    struct WakesWhenDropped(Waker);
    impl Wake for WakesWhenDropped {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for WakesWhenDropped {
        fn drop(&mut self) {
            self.0.wake_by_ref();
        }
    }
    let (clock, wakers, host) = (clock(), Wakers::new(), Host::new());
    let polls = Cell::new(0);
    let mut guest = pin!(Runtime::new(&clock, async {
        let mut first = pin!(wakers.wait::<()>());
        poll_fn(|cx| {
            polls.set(polls.get() + 1);
            first.as_mut().poll(cx)
        })
        .await
    }));
    assert_eq!(host.turn(guest.as_mut()), RESTS);
    let strange = Waker::from(Arc::new(WakesWhenDropped(wakers.last())));
    assert_eq!(guest.as_mut().turn_in(&mut Context::from_waker(&strange)), RESTS);
    drop(strange);
    assert_eq!(host.turn(guest.as_mut()), RESTS, "woken as the former waker was dropped, before the turn");
    assert_eq!(polls.get(), 2);
}

#[test]
fn a_host_is_told_of_other_threads_though_a_younger_runtime_has_ended() {
    let (clock, wakers) = (clock(), Wakers::new());
    let ((older, notify_older), (younger, notify_younger)) = (Woken::new(), Woken::new());
    let mut waits = pin!(Runtime::new(&clock, wakers.wait::<()>()).with_notify(notify_older));
    assert_eq!(waits.as_mut().turn(), RESTS);
    let mut ends = Box::pin(Runtime::new(&clock, async {}).with_notify(notify_younger));
    assert_eq!(ends.as_mut().turn(), Next::Finished(()));
    drop(ends);
    assert_eq!(Arc::strong_count(&younger), 1, "it is kept no more");
    let waker = wakers.last();
    thread::spawn(|| waker.wake()).join().unwrap();
    assert_eq!(older.take(), 1);
    assert_eq!(waits.as_mut().turn(), RESTS);
    assert_eq!(wakers.polls(), 2);
}

/// A future for any executor, as the documentation has it.
#[test]
fn a_guest_is_a_future_like_any_other() {
    let (clock, event) = (clock(), Event::new());
    let mut runtime = pin!(Runtime::new(&clock, waits_inside(&event, 5)));
    let guest = poll_fn(|cx| match runtime.as_mut().turn_in(cx) {
        Next::Finished(value) => Poll::Ready(value),
        Next::Wait(until) => {
            if until == Until::Now {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        }
    });
    let sets = async {
        for _ in 0..5 {
            event.set();
            let mut is_first = true;
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
        }
    };
    let (mut guest, mut sets) = (pin!(guest), pin!(sets));
    let mut is_set = false;
    run_foreign(poll_fn(|cx| {
        is_set = is_set || sets.as_mut().poll(cx).is_ready();
        guest.as_mut().poll(cx)
    }));
}
