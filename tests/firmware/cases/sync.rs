use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use giambio_core::sync::{Event, Queue, Shared};
use giambio_core::{move_on_after, nursery_in, sleep};

use super::cases;
use crate::world::{Log, Never, OUTER, SECOND, run};

cases! {
    an_event_lets_all_go_who_wait,
    values_come_out_as_they_went_in,
    a_full_queue_hands_the_value_back,
    a_value_whose_taker_is_dropped_goes_to_the_next,
    a_cancelled_pop_loses_no_value,
}

fn an_event_lets_all_go_who_wait() {
    let log = Log::default();
    let event = Event::new();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for name in ["first", "second", "third"] {
            let (event, log) = (&event, &log);
            n.spawn_wait(async move {
                event.wait().await;
                log.add(name);
                Ok::<(), Never>(())
            })
            .await;
        }
        sleep(SECOND).await;
        log.add("set");
        event.set();
        Ok(())
    }));
    log.is(&["set", "first", "second", "third"]);
}

fn values_come_out_as_they_went_in() {
    static QUEUE: Queue<u32, 4, Shared> = Queue::shared();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            for value in 0..100 {
                while QUEUE.try_push(value).is_err() {
                    sleep(SECOND).await;
                }
            }
            Ok::<(), Never>(())
        })
        .await;
        for value in 0..100 {
            assert_eq!(QUEUE.pop().await, value);
        }
        Ok(())
    }));
}

fn a_full_queue_hands_the_value_back() {
    let queue = Queue::<u8, 2>::new();
    assert!(queue.try_push(1).is_ok());
    assert!(queue.try_push(2).is_ok());
    let full = queue.try_push(3).expect_err("two places");
    assert_eq!((full.capacity, full.value), (2, 3));
}

fn a_value_whose_taker_is_dropped_goes_to_the_next() {
    let queue = Queue::<u8, 2>::new();
    run(async {
        let mut second = pin!(queue.pop());
        {
            let mut first = pin!(queue.pop());
            poll_fn(|cx| {
                assert!(first.as_mut().poll(cx).is_pending());
                assert!(second.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            assert!(queue.try_push(7).is_ok());
            assert_eq!(queue.try_pop(), None, "it is promised");
        }
        assert_eq!(second.await, 7);
    });
}

fn a_cancelled_pop_loses_no_value() {
    static QUEUE: Queue<u32, 4, Shared> = Queue::shared();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            for value in 0..50 {
                assert!(QUEUE.try_push(value).is_ok());
                sleep(2 * SECOND).await; // together with the deadline of every second pop
            }
            Ok::<(), Never>(())
        })
        .await;
        let mut next = 0;
        while next < 50 {
            if let Some(value) = move_on_after(SECOND, QUEUE.pop()).await {
                assert_eq!(value, next);
                next += 1;
            }
        }
        Ok(())
    }));
}
