//! Each of `channel`: waiting on both sides, ends that are counted.

use giambio_core::channel::{
    Broadcast, BroadcastError, Channel, Closed, OneShot, Priority, SendError, TryReceiveError, TrySendError,
};
use giambio_core::{move_on_after, nursery_in, sleep};

use super::cases;
use crate::world::{Log, Never, OUTER, SECOND, run};

cases! {
    who_sends_into_a_full_channel_waits_in_its_order,
    a_cancelled_send_hands_its_value_back,
    a_place_is_kept_for_a_value_and_given_back,
    the_last_sender_that_goes_closes_the_channel,
    the_most_urgent_comes_first_and_of_equals_the_oldest,
    an_answer_comes_once,
    an_answer_that_will_never_come_is_told,
    all_subscribers_get_all_values_and_who_is_too_slow_is_told,
}

fn who_sends_into_a_full_channel_waits_in_its_order() {
    let channel = Channel::<u8, 1>::new();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for value in 0..4 {
            let channel = &channel;
            n.spawn_wait(async move {
                assert_eq!(channel.send(value).await, Ok(()));
                Ok::<(), Never>(())
            })
            .await;
        }
        sleep(SECOND).await;
        for value in 0..4 {
            assert_eq!(channel.receive().await, Ok(value));
        }
        Ok(())
    }));
    assert_eq!((channel.peak(), channel.len()), (1, 0));
}

fn a_cancelled_send_hands_its_value_back() {
    let channel = Channel::<u8, 1>::new();
    run(async {
        assert_eq!(channel.send(1).await, Ok(()));
        let mut send = core::pin::pin!(channel.send(2));
        assert!(move_on_after(SECOND, send.as_mut()).await.is_none());
        assert_eq!(send.into_value(), Some(2));
        assert_eq!(channel.receive().await, Ok(1));
        assert!(channel.is_empty());
    });
}

fn a_place_is_kept_for_a_value_and_given_back() {
    let channel = Channel::<u8, 1>::new();
    run(async {
        let slot = channel.slot().await.expect("it is open");
        assert_eq!(channel.try_send(1), Err(TrySendError::Full { value: 1, capacity: 1 }));
        slot.send(2);
        assert_eq!(channel.receive().await, Ok(2));
        drop(channel.slot().await);
        assert_eq!(channel.try_send(3), Ok(()));
    });
}

fn the_last_sender_that_goes_closes_the_channel() {
    let channel = Channel::<u8, 4>::new();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for value in 0..2 {
            let sender = channel.sender();
            n.spawn_wait(async move {
                assert_eq!(sender.send(value).await, Ok(()));
                sleep(SECOND).await;
                Ok::<(), Never>(())
            })
            .await;
        }
        let receiver = channel.receiver();
        assert_eq!((receiver.receive().await, receiver.receive().await), (Ok(0), Ok(1)));
        assert_eq!(receiver.receive().await, Err(Closed));
        Ok(())
    }));
    assert_eq!(channel.try_send(2), Err(TrySendError::Closed(2)));
}

fn the_most_urgent_comes_first_and_of_equals_the_oldest() {
    let jobs = Priority::<&str, 4>::new();
    let log = Log::default();
    run(async {
        for job in [(1, "tidy up"), (9, "put out the fire"), (1, "go home")] {
            assert_eq!(jobs.send(job).await, Ok(()));
        }
        for _ in 0..3 {
            log.add(jobs.receive().await.expect("it is open").1);
        }
    });
    log.is(&["put out the fire", "tidy up", "go home"]);
}

fn an_answer_comes_once() {
    let answer = OneShot::new();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        n.spawn_wait(async {
            sleep(SECOND).await;
            assert_eq!(answer.send(42), Ok(()));
            assert_eq!(answer.send(43), Err(SendError(43)));
            Ok::<(), Never>(())
        })
        .await;
        assert_eq!(answer.receive().await, Ok(42));
        assert_eq!(answer.try_receive(), Err(TryReceiveError::Closed));
        Ok(())
    }));
}

fn an_answer_that_will_never_come_is_told() {
    let answer = OneShot::<u8>::new();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        let sender = answer.sender();
        n.spawn_wait(async move {
            sleep(SECOND).await;
            drop(sender);
            Ok::<(), Never>(())
        })
        .await;
        assert_eq!(answer.receive().await, Err(Closed));
        Ok(())
    }));
}

fn all_subscribers_get_all_values_and_who_is_too_slow_is_told() {
    let broadcast = Broadcast::<u8, 2>::new();
    let Ok(()) = run(nursery_in(&OUTER, async |n| {
        for _ in 0..2 {
            let mut fast = broadcast.subscribe();
            n.spawn_wait(async move {
                for value in 0..5 {
                    assert_eq!(fast.receive().await, Ok(value));
                }
                assert_eq!(fast.receive().await, Err(BroadcastError::Closed));
                Ok::<(), Never>(())
            })
            .await;
        }
        let mut slow = broadcast.subscribe();
        for value in 0..5 {
            assert_eq!(broadcast.send(value), Ok(()));
            sleep(SECOND).await;
        }
        broadcast.close();
        assert_eq!(slow.receive().await, Err(BroadcastError::Lagged(3)));
        assert_eq!((slow.receive().await, slow.receive().await), (Ok(3), Ok(4)));
        assert_eq!(slow.receive().await, Err(BroadcastError::Closed));
        Ok(())
    }));
}
