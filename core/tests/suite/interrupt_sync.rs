//! What interrupts and tasks say to each other: events, channels, waker slots.
#![cfg(feature = "heapless")]

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::common::{Log, Woken, alone, run_foreign, run_virtual, settle};
use giambio_core::channel::Channel;
use giambio_core::sync::{Event, WakerSlot};
use giambio_core::{Arena, Next, Runtime, Until, VirtualClock, checkpoint, nursery_in, poll_proceed, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// Polls once, with a waker that counts.
fn poll<F: Future>(future: std::pin::Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

// ------------------------------------------------------------------------------------ events

#[test]
fn an_event_lets_all_go_who_wait_in_the_order_in_which_they_came() {
    static ARENA: Arena<3, 512> = Arena::new();
    let log = Log::new();
    let event = Event::new();
    run_virtual(async {
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for name in ["first", "second", "third"] {
                let (event, log) = (&event, &log);
                n.spawn_wait(async move {
                    event.wait().await;
                    log.add(name);
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            sleep(SECOND).await;
            log.add("set");
            event.set();
            Ok(())
        })
        .await;
    });
    assert_eq!(log.take(), ["set", "first", "second", "third"]);
    assert!(event.is_set());
}

#[test]
fn an_event_that_was_set_is_not_waited_for() {
    let _alone = alone();
    let event = Event::new();
    event.set();
    event.set();
    let (woken, waker) = Woken::new();
    assert_eq!(poll(pin!(event.wait()), &waker), Poll::Ready(()));
    assert_eq!(poll(pin!(event.wait_and_clear()), &waker), Poll::Ready(()));
    assert!(!event.is_set());
    assert_eq!(poll(pin!(event.wait_and_clear()), &waker), Poll::Pending, "set twice is set once");
    assert_eq!(woken.take(), 0);
}

#[test]
fn who_waits_is_let_go_even_if_the_event_is_cleared_before_it_runs() {
    let _alone = alone();
    let event = Event::new();
    let (woken, waker) = Woken::new();
    let mut waits = pin!(event.wait());
    assert_eq!(poll(waits.as_mut(), &waker), Poll::Pending);
    event.set();
    assert!(event.clear());
    assert!(!event.clear());
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(waits, &waker), Poll::Ready(()));
    assert_eq!(poll(pin!(event.wait()), &waker), Poll::Pending, "who comes later waits");
}

#[test]
fn of_those_who_clear_one_gets_through_for_each_set() {
    let _alone = alone();
    let event = Event::new();
    let (woken, waker) = Woken::new();
    let mut first = pin!(event.wait_and_clear());
    let mut second = pin!(event.wait_and_clear());
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
    for _ in 0..2 {
        event.set();
        assert!(woken.take() >= 1);
        if poll(first.as_mut(), &waker).is_ready() {
            assert!(!event.is_set());
            assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
            first.set(event.wait_and_clear());
            assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
        } else {
            panic!("the event was set");
        }
    }
}

#[test]
fn a_waiter_that_is_dropped_takes_nothing_along() {
    let _alone = alone();
    let event = Event::new();
    let (woken, waker) = Woken::new();
    drop(event.wait()); // never polled
    {
        let mut waits = pin!(event.wait_and_clear());
        assert_eq!(poll(waits.as_mut(), &waker), Poll::Pending);
    } // in line
    event.set();
    assert_eq!(woken.take(), 0, "nobody is there to be woken");
    event.clear();
    {
        let mut waits = pin!(event.wait_and_clear());
        assert_eq!(poll(waits.as_mut(), &waker), Poll::Pending);
        event.set();
    } // woken, and never ran
    assert!(event.is_set(), "the event is still there for the next");
}

// ------------------------------------------------------------------------------ waker slots

#[test]
fn a_waker_slot_wakes_once_and_a_second_task_shows_itself_to_the_first() {
    let slot = WakerSlot::new();
    slot.wake(); // nobody there
    let (first, first_waker) = Woken::new();
    let (second, second_waker) = Woken::new();
    slot.register(&first_waker);
    slot.register(&first_waker);
    assert_eq!(first.take(), 0, "the same task again");
    slot.register(&second_waker);
    assert_eq!(first.take(), 1);
    slot.wake();
    slot.wake();
    assert_eq!((first.take(), second.take()), (0, 1));
}

#[test]
fn an_interrupt_ends_the_masked_sleep_of_the_loop() {
    static FLAG: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    static SLOT: WakerSlot = WakerSlot::new();
    use std::sync::atomic::Ordering::Relaxed;
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let mut sleeps = 0;
    let runtime = pin!(Runtime::new(&clock, async {
        checkpoint().await; // makes the loop turn again without sleeping
        poll_fn(|cx| {
            let go = std::task::ready!(poll_proceed(cx));
            SLOT.register(cx.waker());
            if !FLAG.load(Relaxed) {
                return Poll::Pending;
            }
            go.made_progress();
            Poll::Ready(())
        })
        .await;
    }));
    runtime.run_masked(&mut |until| {
        assert_eq!(until, giambio_core::Until::OnWake);
        sleeps += 1;
        FLAG.store(true, Relaxed);
        SLOT.wake();
    });
    assert_eq!(sleeps, 1);
}

// -------------------------------------------------------------------------- other executors

#[test]
fn events_and_channels_work_in_an_executor_that_is_not_ours() {
    let event = Event::new();
    let channel = Channel::<_, 1>::new();
    let sum = run_foreign(async {
        let setter = async {
            event.set();
            channel.try_send(5).unwrap();
        };
        let taker = async {
            event.wait_and_clear().await;
            channel.receive().await
        };
        let (taken, ()) = futures::join!(taker, setter);
        taken
    });
    assert_eq!(sum, Ok(5));
}

#[cfg(feature = "std")]
#[test]
fn other_threads_set_events_and_send_values() {
    use giambio_core::sync::Shared;
    static EVENT: Event<Shared> = Event::shared();
    static CHANNEL: Channel<u32, 1024, Shared> = Channel::shared();
    let (sender, receiver) = std::sync::mpsc::channel();
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let notify = Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    let clock: VirtualClock = VirtualClock::new();
    let runtime = pin!(
        Runtime::new(&clock, async {
            sender.send(()).unwrap();
            EVENT.wait_and_clear().await;
            let mut sum = 0;
            for _ in 0..1000 {
                sum += CHANNEL.receive().await.unwrap();
            }
            sum
        })
        .with_notify(notify)
    );
    let other = std::thread::spawn(move || {
        receiver.recv().unwrap();
        EVENT.set();
        for value in 0..1000 {
            CHANNEL.try_send(value).unwrap();
        }
    });
    let sum = runtime.run(&mut |until| {
        if until != giambio_core::Until::Now {
            std::thread::park();
        }
    });
    assert_eq!(sum, 1000 * 999 / 2);
    other.join().unwrap();
}

#[test]
fn a_task_in_line_sleeps() {
    let _alone = alone();
    let event = Event::new();
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&clock, event.wait()));
    assert_eq!(settle(runtime.as_mut()), Next::Wait(Until::OnWake));
    event.set();
    assert!(runtime.is_ready());
    assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
}
