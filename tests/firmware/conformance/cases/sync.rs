use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use giambio_core::channel::{Channel, TryReceiveError, TrySendError};
use giambio_core::sync::{
    Barrier, Condition, Event, Latch, Limiter, Mutex, OnceCell, RwLock, Semaphore, Shared, WakerSlot, Watch,
};
use giambio_core::{move_on_after, nursery_in, sleep};

use super::cases;
use crate::world::{Log, Never, OUTER, SECOND, run};

cases! {
    an_event_lets_all_go_who_wait,
    values_come_out_as_they_went_in,
    a_full_channel_hands_the_value_back,
    a_value_whose_taker_is_dropped_goes_to_the_next,
    a_cancelled_receive_loses_no_value,
    all_of_it_is_as_small_as_its_documentation_says,
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
    static CHANNEL: Channel<u32, 4, Shared> = Channel::shared();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            for value in 0..100 {
                while CHANNEL.try_send(value).is_err() {
                    sleep(SECOND).await;
                }
            }
            Ok::<(), Never>(())
        })
        .await;
        for value in 0..100 {
            assert_eq!(CHANNEL.receive().await, Ok(value));
        }
        Ok(())
    }));
}

fn a_full_channel_hands_the_value_back() {
    let channel = Channel::<u8, 2>::new();
    assert!(channel.try_send(1).is_ok());
    assert!(channel.try_send(2).is_ok());
    assert_eq!(channel.try_send(3), Err(TrySendError::Full { value: 3, capacity: 2 }));
}

fn a_value_whose_taker_is_dropped_goes_to_the_next() {
    let channel = Channel::<u8, 2>::new();
    run(async {
        let mut second = pin!(channel.receive());
        {
            let mut first = pin!(channel.receive());
            poll_fn(|cx| {
                assert!(first.as_mut().poll(cx).is_pending());
                assert!(second.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            assert!(channel.try_send(7).is_ok());
            assert_eq!(channel.try_receive(), Err(TryReceiveError::Empty), "it is promised");
        }
        assert_eq!(second.await, Ok(7));
    });
}

fn a_cancelled_receive_loses_no_value() {
    static CHANNEL: Channel<u32, 4, Shared> = Channel::shared();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            for value in 0..50 {
                assert!(CHANNEL.try_send(value).is_ok());
                sleep(2 * SECOND).await; // together with the deadline of every second receive
            }
            Ok::<(), Never>(())
        })
        .await;
        let mut next = 0;
        while next < 50 {
            if let Some(value) = move_on_after(SECOND, CHANNEL.receive()).await {
                assert_eq!(value, Ok(next));
                next += 1;
            }
        }
        Ok(())
    }));
}

/// The table of `sync`, in its order; what is for values without them.
fn all_of_it_is_as_small_as_its_documentation_says() {
    let channel = size_of::<Channel<u32, 8>>() - size_of::<[u32; 8]>();
    let around_a_value =
        [size_of::<Mutex<u32>>(), size_of::<RwLock<u32>>(), size_of::<OnceCell<u32>>(), size_of::<Watch<u32>>()];
    let [mutex, rw_lock, once_cell, watch] = around_a_value.map(|size| size - size_of::<u32>());
    let counts = [size_of::<Semaphore>(), size_of::<Limiter>(), size_of::<Condition>()];
    let gates = [size_of::<Barrier>(), size_of::<Latch>()];
    assert_eq!(
        ([size_of::<WakerSlot>(), size_of::<Event>(), channel], [mutex, rw_lock, once_cell, watch], counts, gates),
        ([8, 16, 64], [28, 16, 28, 20], [24, 36, 16], [24, 16])
    );
}
