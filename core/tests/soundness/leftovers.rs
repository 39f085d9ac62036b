//! By chance, at every turn, and what timers lead to then.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Waker};

use crate::common::*;
use crate::every_kind::{Boxed, every_kind};
use giambio_core::{Next, Runtime, Until, VirtualClock, move_on_after, sleep};

#[test]
fn random_drops_of_half_done_futures_leave_nothing() {
    for seed in 0..200 {
        let mut rng = Rng(seed);
        run_virtual(async {
            let (live, event) = (&Live::new(), &Event::new());
            let mut all: Vec<_> = (0..3).flat_map(|_| every_kind(live, event)).collect();
            for _ in 0..100 {
                if all.is_empty() {
                    break;
                }
                let i = rng.below(all.len() as u64) as usize;
                match rng.below(10) {
                    0 | 1 => drop(all.swap_remove(i)),
                    2 => sleep(millis(rng.below(1_500))).await,
                    3 if rng.one_in(4) => event.set(),
                    3 => event.wake(),
                    _ => {
                        if poll_once(all[i].1.as_mut()).await.is_ready() {
                            drop(all.swap_remove(i));
                        }
                    }
                }
            }
            drop(all);
            assert_eq!((live.left(), event.waiters()), (0, 0), "seed {seed}");
            assert_eq!(move_on_after(secs(5), forever::<()>()).await, None);
        });
    }
}

#[test]
fn a_runtime_dropped_at_every_turn_leaves_nothing() {
    let count = every_kind(&Live::new(), &Event::new()).len();
    for kind in 0..count {
        for turns in 0..12 {
            let _alone = alone();
            let (live, event) = (Live::new(), Event::new());
            let clock: VirtualClock = VirtualClock::new();
            {
                let (_, future) = every_kind(&live, &event).swap_remove(kind);
                let mut runtime = pin!(Runtime::new(&clock, future));
                for turn in 0..turns {
                    match runtime.as_mut().turn() {
                        Next::Finished(()) => break,
                        Next::Wait(Until::At(tick)) => clock.advance_to(tick),
                        Next::Wait(Until::OnWake) => event.set(),
                        Next::Wait(Until::Now) => {}
                    }
                    if turn == 6 {
                        event.set();
                    }
                }
            }
            assert_eq!((live.left(), event.waiters()), (0, 0), "kind {kind} after {turns} turns");
            event.wake();
        }
    }
}

/// Calls a function when its last copy is dropped, once.
struct Last(std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl std::task::Wake for Last {
    fn wake(self: std::sync::Arc<Self>) {}
}

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(f) = self.0.get_mut().unwrap().take() {
            f();
        }
    }
}

#[test]
fn a_scope_that_dies_leaves_the_timers_before_the_destructor_of_a_foreign_waker_runs() {
    type Place = RefCell<Option<Boxed<'static>>>;
    thread_local! {
        static SCOPE: Place = const { RefCell::new(None) };
        static NEXT: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
        static SEEN: Cell<Option<Next<()>>> = const { Cell::new(None) };
    }
    static CLOCK: VirtualClock = VirtualClock::new();
    let _alone = alone();
    let runtime = Runtime::new(&CLOCK, async {
        let foreign = Waker::from(std::sync::Arc::new(Last(std::sync::Mutex::new(Some(Box::new(|| {
            if let Some(next) = NEXT.take() {
                next();
            }
        }))))));
        let mut scope: Boxed<'static> = Box::pin(async {
            move_on_after(secs(5), forever::<()>()).await;
        });
        assert!(scope.as_mut().poll(&mut Context::from_waker(&foreign)).is_pending());
        SCOPE.set(Some(scope));
        drop(foreign);
        forever::<()>().await
    });
    let mut runtime = Box::pin(runtime);
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::At(giambio_core::Tick(5_000_000_000))));
    NEXT.set(Some(Box::new(move || SEEN.set(Some(settle(runtime.as_mut()))))));
    CLOCK.advance(secs(1));
    drop(SCOPE.take());
    assert_eq!(SEEN.get(), Some(Next::Wait(Until::OnWake)));
}

#[test]
fn a_sleep_that_ends_in_another_runtime_leaves_the_timers_of_the_first_in_order() {
    let _alone = alone();
    let (slow, fast) = (VirtualClock::<1_000>::new(), VirtualClock::<1_000_000_000>::new());
    let shared = RefCell::new(Box::pin(sleep(secs(10))));
    let poll = || poll_fn(|cx| shared.borrow_mut().as_mut().poll(cx));
    let mut first = pin!(Runtime::new(&slow, async {
        assert!(poll_once(pin!(poll())).await.is_pending());
        sleep(secs(20)).await;
    }));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::At(giambio_core::Tick(10_000))));
    fast.advance(secs(11));
    let mut second = pin!(Runtime::new(&fast, poll()));
    assert_eq!(settle(second.as_mut()), Next::Finished(()));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::At(giambio_core::Tick(20_000))), "there is nobody else in it");
    slow.advance(secs(20));
    assert_eq!(settle(first.as_mut()), Next::Finished(()));
}

/// Without `std`, all clocks tick at one rate where a future goes from one to the other.
#[cfg(feature = "std")]
#[test]
fn a_scope_whose_deadline_is_beyond_another_runtime_leaves_the_timers_of_the_first() {
    let _alone = alone();
    let (slow, fast) = (VirtualClock::<1_000>::new(), VirtualClock::<1_000_000_000>::new());
    let scope = RefCell::new(Box::pin(move_on_after(secs(30_000_000_000), forever::<()>())));
    let poll = || poll_fn(|cx| scope.borrow_mut().as_mut().poll(cx).map(drop));
    let mut first = pin!(Runtime::new(&slow, async {
        assert!(poll_once(pin!(poll())).await.is_pending());
        forever::<()>().await
    }));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::At(giambio_core::Tick(30_000_000_000_000))));
    let mut second = pin!(Runtime::new(&fast, poll()));
    assert_eq!(settle(second.as_mut()), Next::Wait(Until::OnWake));
    assert_eq!(settle(first.as_mut()), Next::Wait(Until::OnWake));
}
