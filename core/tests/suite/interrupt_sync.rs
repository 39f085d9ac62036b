//! What interrupts and tasks say to each other: events, queues, waker slots.
#![cfg(feature = "heapless")]

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::common::{Log, Woken, alone, run_foreign, run_virtual, settle};
use giambio_core::sync::{Event, Queue, QueueFull, Shared, WakerSlot};
use giambio_core::{
    Arena, Next, Runtime, Until, VirtualClock, cancel_scope, checkpoint, move_on_after, nursery_in, poll_proceed, sleep,
};

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

// ------------------------------------------------------------------------------------ queues

#[test]
fn values_come_out_as_they_went_in_and_a_full_queue_gives_them_back() {
    let _alone = alone();
    let queue = Queue::<_, 2>::new();
    assert_eq!(queue.try_push('a'), Ok(()));
    assert_eq!(queue.try_push('b'), Ok(()));
    let full = queue.try_push('c').unwrap_err();
    assert_eq!(full, QueueFull { capacity: 2, value: 'c' });
    assert_eq!(full.to_string(), "no room for another value: all 2 places of the queue are taken");
    assert_eq!((queue.len(), queue.capacity()), (2, 2));
    assert_eq!(queue.try_pop(), Some('a'));
    assert_eq!(queue.try_push('c'), Ok(()));
    assert_eq!([queue.try_pop(), queue.try_pop(), queue.try_pop()], [Some('b'), Some('c'), None]);
    assert!(queue.is_empty());
}

#[test]
fn tasks_get_values_in_the_order_in_which_they_came_for_them() {
    static ARENA: Arena<3, 512> = Arena::new();
    static QUEUE: Queue<u32, 4, Shared> = Queue::shared();
    let log = Log::new();
    run_virtual(async {
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for name in ["first", "second", "third"] {
                let log = &log;
                n.spawn_wait(async move {
                    let value = QUEUE.pop().await;
                    log.add(format!("{name} got {value}"));
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            sleep(SECOND).await;
            for value in 1..=3 {
                QUEUE.try_push(value).unwrap();
            }
            Ok(())
        })
        .await;
    });
    assert_eq!(log.take(), ["first got 1", "second got 2", "third got 3"]);
}

#[test]
fn nobody_overtakes_a_task_whose_turn_has_come() {
    let _alone = alone();
    let queue = Queue::<_, 2>::new();
    let (woken, waker) = Woken::new();
    let mut first = pin!(queue.pop());
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    queue.try_push(1).unwrap();
    assert_eq!(woken.take(), 1);
    assert_eq!(queue.try_pop(), None, "it is promised");
    let mut late = pin!(queue.pop());
    assert_eq!(poll(late.as_mut(), &waker), Poll::Pending, "it is promised");
    assert_eq!(poll(first, &waker), Poll::Ready(1));
    queue.try_push(2).unwrap();
    assert_eq!(poll(late, &waker), Poll::Ready(2));
}

#[test]
fn a_value_whose_taker_is_dropped_goes_to_the_next() {
    let _alone = alone();
    let queue = Queue::<_, 2>::new();
    let (first_woken, first_waker) = Woken::new();
    let (second_woken, second_waker) = Woken::new();
    let mut second = pin!(queue.pop());
    drop(queue.pop()); // never polled
    {
        let mut first = pin!(queue.pop());
        assert_eq!(poll(first.as_mut(), &first_waker), Poll::Pending);
    } // in line
    {
        let mut first = pin!(queue.pop());
        assert_eq!(poll(first.as_mut(), &first_waker), Poll::Pending);
        assert_eq!(poll(second.as_mut(), &second_waker), Poll::Pending);
        queue.try_push(7).unwrap();
        assert_eq!((first_woken.take(), second_woken.take()), (1, 0));
    } // its turn had come
    assert_eq!(second_woken.take(), 1);
    assert_eq!(poll(second, &second_waker), Poll::Ready(7));
    {
        let mut last = pin!(queue.pop());
        assert_eq!(poll(last.as_mut(), &first_waker), Poll::Pending);
        queue.try_push(8).unwrap();
    } // its turn had come, and nobody else is there
    assert_eq!(queue.try_pop(), Some(8));
}

#[test]
fn a_cancelled_pop_loses_no_value() {
    static QUEUE: Queue<u32, 8, Shared> = Queue::shared();
    static ARENA: Arena<1, 512> = Arena::new();
    let got = run_virtual(async {
        let mut got = Vec::new();
        let Ok(()) = nursery_in(&ARENA, async |n| {
            n.spawn_wait(async {
                for value in 0..100 {
                    QUEUE.try_push(value).unwrap();
                    sleep(2 * SECOND).await; // together with the deadline of every second pop
                }
                Ok::<(), Infallible>(())
            })
            .await;
            while got.len() < 100 {
                got.extend(move_on_after(SECOND, QUEUE.pop()).await);
            }
            Ok(())
        })
        .await;
        got
    });
    assert_eq!(got, (0..100).collect::<Vec<_>>());
}

#[test]
fn cancelled_code_takes_nothing_out_of_a_queue() {
    let queue = Queue::<_, 1>::new();
    queue.try_push(1).unwrap();
    let result = run_virtual(cancel_scope(async |scope| {
        scope.cancel();
        queue.pop().await
    }));
    assert!(result.is_err());
    assert_eq!(queue.try_pop(), Some(1));
}

#[test]
fn a_task_that_drains_a_full_queue_lets_others_run() {
    static ARENA: Arena<1, 512> = Arena::new();
    static QUEUE: Queue<u32, 2, Shared> = Queue::shared();
    let others = run_virtual(async {
        let mut others = 0;
        let Ok(()) = nursery_in(&ARENA, async |n| {
            n.spawn_wait(async {
                for value in 0..1000 {
                    QUEUE.try_push(value).unwrap(); // an interrupt is always ahead of the task
                    assert_eq!(QUEUE.pop().await, value);
                }
                Ok::<(), Infallible>(())
            })
            .await;
            for _ in 0..7 {
                checkpoint().await;
                others += 1;
            }
            Ok(())
        })
        .await;
        others
    });
    assert_eq!(others, 7);
}

#[test]
fn values_that_nobody_took_are_dropped_with_the_queue() {
    let value = std::rc::Rc::new(());
    let queue = Queue::<_, 3>::new();
    queue.try_push(value.clone()).unwrap();
    queue.try_push(value.clone()).unwrap();
    drop(queue);
    assert_eq!(std::rc::Rc::strong_count(&value), 1);
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
fn events_and_queues_work_in_an_executor_that_is_not_ours() {
    let event = Event::new();
    let queue = Queue::<_, 1>::new();
    let sum = run_foreign(async {
        let setter = async {
            event.set();
            queue.try_push(5).unwrap();
            0
        };
        let taker = async {
            event.wait_and_clear().await;
            queue.pop().await
        };
        let (taken, _) = futures::join!(taker, setter);
        taken
    });
    assert_eq!(sum, 5);
}

#[cfg(feature = "std")]
#[test]
fn other_threads_set_events_and_push_values() {
    static EVENT: Event<Shared> = Event::shared();
    static QUEUE: Queue<u32, 1024, Shared> = Queue::shared();
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
                sum += QUEUE.pop().await;
            }
            sum
        })
        .with_notify(notify)
    );
    let pusher = std::thread::spawn(move || {
        receiver.recv().unwrap();
        EVENT.set();
        for value in 0..1000 {
            QUEUE.try_push(value).unwrap();
        }
    });
    let sum = runtime.run(&mut |until| {
        if until != giambio_core::Until::Now {
            std::thread::park();
        }
    });
    assert_eq!(sum, 1000 * 999 / 2);
    pusher.join().unwrap();
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
