//! Channels of fixed size: both sides wait, nothing is lost, and the end is told.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::poll;
use crate::common::{Log, Woken, alone, run_foreign, run_virtual};
use giambio_core::channel::{Channel, Closed, SendError, TryReceiveError, TrySendError};
use giambio_core::sync::Shared;
use giambio_core::{Arena, cancel_scope, checkpoint, move_on_after, nursery_in, sleep};

const SECOND: Duration = Duration::from_secs(1);

// -------------------------------------------------------------------------------- without waiting

#[test]
fn values_come_out_as_they_went_in_and_a_full_channel_gives_them_back() {
    let _alone = alone();
    let channel = Channel::<_, 2>::new();
    assert_eq!(channel.try_send('a'), Ok(()));
    assert_eq!(channel.try_send('b'), Ok(()));
    let full = channel.try_send('c').unwrap_err();
    assert_eq!(full, TrySendError::Full { value: 'c', capacity: 2 });
    assert_eq!(full.to_string(), "all 2 places of the channel are taken");
    assert_eq!(full.into_value(), 'c');
    assert_eq!((channel.len(), channel.capacity(), channel.peak()), (2, 2, 2));
    assert_eq!(format!("{channel:?}"), "Channel(2 of 2)");
    assert_eq!(channel.try_receive(), Ok('a'));
    assert_eq!(channel.try_send('c'), Ok(()));
    assert_eq!([channel.try_receive(), channel.try_receive()], [Ok('b'), Ok('c')]);
    let empty = channel.try_receive().unwrap_err();
    assert_eq!((empty, channel.is_empty()), (TryReceiveError::Empty, true));
    assert_eq!(empty.to_string(), "no value is there that isn't promised to somebody");
}

#[test]
fn a_closed_channel_gives_what_is_in_it_and_takes_no_more() {
    let _alone = alone();
    let channel = Channel::<_, 2>::new();
    channel.try_send(1).unwrap();
    channel.close();
    channel.close();
    assert!(channel.is_closed());
    assert_eq!(format!("{channel:?}"), "Channel(1 of 2, closed)");
    let closed = channel.try_send(2).unwrap_err();
    assert_eq!((closed, closed.to_string()), (TrySendError::Closed(2), "the channel is closed".into()));
    assert_eq!(channel.try_slot().err(), Some(TrySendError::Closed(())));
    assert_eq!(channel.try_receive(), Ok(1));
    assert_eq!(channel.try_receive(), Err(TryReceiveError::Closed));
    let (_, waker) = Woken::new();
    assert_eq!(poll(pin!(channel.receive()), &waker), Poll::Ready(Err(Closed)));
    assert_eq!(poll(pin!(channel.send(3)), &waker), Poll::Ready(Err(SendError(3))));
    assert!(matches!(poll(pin!(channel.slot()), &waker), Poll::Ready(Err(Closed))));
}

#[test]
fn the_peak_is_the_most_that_was_ever_in_it() {
    let _alone = alone();
    let channel = Channel::<_, 8>::new();
    assert_eq!(channel.peak(), 0);
    (0..5).for_each(|number| channel.try_send(number).unwrap());
    assert_eq!(channel.drain().count(), 5);
    channel.try_send(5).unwrap();
    assert_eq!((channel.len(), channel.peak()), (1, 5));
}

#[test]
fn values_that_nobody_took_are_dropped_with_the_channel() {
    let value = Rc::new(());
    let channel = Channel::<_, 3>::new();
    channel.try_send(value.clone()).unwrap();
    channel.try_send(value.clone()).unwrap();
    drop(channel);
    assert_eq!(Rc::strong_count(&value), 1);
}

// ---------------------------------------------------------------------------- who waits to receive

#[test]
fn tasks_get_values_in_the_order_in_which_they_came_for_them() {
    static ARENA: Arena<3, 512> = Arena::new();
    static CHANNEL: Channel<u32, 4, Shared> = Channel::shared();
    let log = Log::new();
    run_virtual(async {
        let Ok(()) = nursery_in(&ARENA, async |n| {
            for name in ["first", "second", "third"] {
                let log = &log;
                n.spawn_wait(async move {
                    let value = CHANNEL.receive().await.unwrap();
                    log.add(format!("{name} got {value}"));
                    Ok::<(), Infallible>(())
                })
                .await;
            }
            sleep(SECOND).await;
            for value in 1..=3 {
                CHANNEL.try_send(value).unwrap();
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
    let channel = Channel::<_, 2>::new();
    let (woken, waker) = Woken::new();
    let mut first = pin!(channel.receive());
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    channel.try_send(1).unwrap();
    assert_eq!(woken.take(), 1);
    assert_eq!(channel.try_receive(), Err(TryReceiveError::Empty), "it is promised");
    assert_eq!(channel.drain().count(), 0, "it is promised");
    let mut late = pin!(channel.receive());
    assert_eq!(poll(late.as_mut(), &waker), Poll::Pending, "it is promised");
    assert_eq!(poll(first, &waker), Poll::Ready(Ok(1)));
    channel.try_send(2).unwrap();
    assert_eq!(poll(late, &waker), Poll::Ready(Ok(2)));
}

#[test]
fn a_value_whose_taker_is_dropped_goes_to_the_next() {
    let _alone = alone();
    let channel = Channel::<_, 2>::new();
    let (first_woken, first_waker) = Woken::new();
    let (second_woken, second_waker) = Woken::new();
    let mut second = pin!(channel.receive());
    drop(channel.receive()); // never polled
    {
        let mut first = pin!(channel.receive());
        assert_eq!(poll(first.as_mut(), &first_waker), Poll::Pending);
    } // in line
    {
        let mut first = pin!(channel.receive());
        assert_eq!(poll(first.as_mut(), &first_waker), Poll::Pending);
        assert_eq!(poll(second.as_mut(), &second_waker), Poll::Pending);
        channel.try_send(7).unwrap();
        assert_eq!((first_woken.take(), second_woken.take()), (1, 0));
    } // its turn had come
    assert_eq!(second_woken.take(), 1);
    assert_eq!(poll(second, &second_waker), Poll::Ready(Ok(7)));
    {
        let mut last = pin!(channel.receive());
        assert_eq!(poll(last.as_mut(), &first_waker), Poll::Pending);
        channel.try_send(8).unwrap();
    } // its turn had come, and nobody else is there
    assert_eq!(channel.try_receive(), Ok(8));
}

#[test]
fn two_who_wait_get_a_value_each_and_do_not_wake_each_other() {
    let _alone = alone();
    let channel = Channel::<_, 2>::new();
    let wakers = [Woken::new(), Woken::new()];
    let mut waits = [Box::pin(channel.receive()), Box::pin(channel.receive())];
    for (wait, (_, waker)) in waits.iter_mut().zip(&wakers) {
        assert_eq!(poll(wait.as_mut(), waker), Poll::Pending);
        assert_eq!(poll(wait.as_mut(), waker), Poll::Pending);
    }
    assert_eq!((wakers[0].0.take(), wakers[1].0.take()), (0, 0));
    channel.try_send(1).unwrap();
    assert_eq!((wakers[0].0.take(), wakers[1].0.take()), (1, 0));
    channel.try_send(2).unwrap();
    assert_eq!((wakers[0].0.take(), wakers[1].0.take()), (0, 1));
    assert_eq!(waits.map(|mut wait| poll(wait.as_mut(), &wakers[0].1)), [Poll::Ready(Ok(1)), Poll::Ready(Ok(2))]);
}

#[test]
fn a_cancelled_receive_loses_no_value() {
    static CHANNEL: Channel<u32, 8, Shared> = Channel::shared();
    static ARENA: Arena<1, 512> = Arena::new();
    let got = run_virtual(async {
        let mut got = Vec::new();
        let Ok(()) = nursery_in(&ARENA, async |n| {
            n.spawn_wait(async {
                for value in 0..100 {
                    CHANNEL.try_send(value).unwrap();
                    sleep(2 * SECOND).await; // together with the deadline of every second receive
                }
                Ok::<(), Infallible>(())
            })
            .await;
            while got.len() < 100 {
                got.extend(move_on_after(SECOND, CHANNEL.receive()).await.map(Result::unwrap));
            }
            Ok(())
        })
        .await;
        got
    });
    assert_eq!(got, (0..100).collect::<Vec<_>>());
}

#[test]
fn cancelled_code_takes_nothing_out_of_a_channel_and_puts_nothing_in() {
    let channel = Channel::<_, 2>::new();
    channel.try_send(1).unwrap();
    let received = run_virtual(cancel_scope(async |scope| {
        scope.cancel();
        channel.receive().await
    }));
    assert!(received.is_err());
    let sent = run_virtual(cancel_scope(async |scope| {
        scope.cancel();
        channel.send(2).await
    }));
    assert!(sent.is_err());
    assert_eq!(channel.drain().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_task_that_drains_a_full_channel_lets_others_run() {
    static ARENA: Arena<1, 512> = Arena::new();
    static CHANNEL: Channel<u32, 2, Shared> = Channel::shared();
    let others = run_virtual(async {
        let mut others = 0;
        let Ok(()) = nursery_in(&ARENA, async |n| {
            n.spawn_wait(async {
                for value in 0..500 {
                    CHANNEL.try_send(value).unwrap(); // an interrupt is always ahead of the task
                    assert_eq!(CHANNEL.receive().await, Ok(value));
                    CHANNEL.send(value).await.unwrap();
                    assert_eq!(CHANNEL.try_receive(), Ok(value));
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

// ------------------------------------------------------------------------------- who waits to send

#[test]
fn who_sends_waits_for_a_place_and_nobody_overtakes() {
    let _alone = alone();
    let channel = Channel::<_, 1>::new();
    channel.try_send(0).unwrap();
    let (woken, waker) = Woken::new();
    let mut first = pin!(channel.send(1));
    let mut second = pin!(channel.send(2));
    assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
    assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
    assert_eq!(channel.try_receive(), Ok(0));
    assert_eq!(woken.take(), 1, "the place is the first one's");
    assert_eq!(channel.try_send(3), Err(TrySendError::Full { value: 3, capacity: 1 }), "it is promised");
    assert!(channel.try_slot().is_err(), "it is promised");
    assert_eq!(poll(second.as_mut(), &waker), Poll::Pending, "it is promised");
    assert_eq!(poll(first, &waker), Poll::Ready(Ok(())));
    assert_eq!(channel.try_receive(), Ok(1));
    assert_eq!(poll(second, &waker), Poll::Ready(Ok(())));
    assert_eq!(channel.try_receive(), Ok(2));
}

#[test]
fn a_cancelled_send_hands_its_value_back() {
    let channel = Channel::<_, 1>::new();
    run_virtual(async {
        channel.send(String::from("first")).await.unwrap();
        let mut send = pin!(channel.send(String::from("second")));
        assert!(move_on_after(SECOND, send.as_mut()).await.is_none());
        let value = send.as_mut().into_value();
        assert_eq!(value.as_deref(), Some("second"), "the message is lost");
        assert_eq!(send.into_value(), None);
        assert_eq!(channel.try_receive().as_deref(), Ok("first"));
        channel.send(value.unwrap()).await.unwrap();
        let mut sent = pin!(channel.send(String::from("third")));
        assert_eq!(channel.receive().await.as_deref(), Ok("second"));
        assert_eq!(sent.as_mut().await, Ok(()));
        assert_eq!(sent.into_value(), None, "it is in the channel");
        assert_eq!(channel.try_receive().as_deref(), Ok("third"));
    });
}

#[test]
fn a_place_whose_sender_is_dropped_or_takes_its_value_back_goes_to_the_next() {
    let _alone = alone();
    let channel = Channel::<_, 1>::new();
    channel.try_send(0).unwrap();
    let (first_woken, first_waker) = Woken::new();
    let (second_woken, second_waker) = Woken::new();
    let (third_woken, third_waker) = Woken::new();
    let mut second = pin!(channel.send(2));
    let mut third = pin!(channel.slot());
    {
        let mut first = pin!(channel.send(1));
        assert_eq!(poll(first.as_mut(), &first_waker), Poll::Pending);
        assert_eq!(poll(second.as_mut(), &second_waker), Poll::Pending);
        assert!(poll(third.as_mut(), &third_waker).is_pending());
        assert_eq!(channel.try_receive(), Ok(0));
        assert_eq!((first_woken.take(), second_woken.take(), third_woken.take()), (1, 0, 0));
    } // its turn had come
    assert_eq!((second_woken.take(), third_woken.take()), (1, 0));
    assert_eq!(second.into_value(), Some(2));
    assert_eq!((second_woken.take(), third_woken.take()), (0, 1));
    let Poll::Ready(Ok(slot)) = poll(third, &third_waker) else { panic!("the place is lost") };
    slot.send(3);
    assert_eq!(channel.drain().collect::<Vec<_>>(), [3]);
    channel.try_send(4).unwrap();
    {
        let mut last = pin!(channel.send(5));
        assert_eq!(poll(last.as_mut(), &first_waker), Poll::Pending);
        assert_eq!(channel.try_receive(), Ok(4));
    } // its turn had come, and nobody else is there
    assert_eq!(channel.try_send(6), Ok(()), "the place is lost");
}

#[test]
fn draining_wakes_who_waits_to_send() {
    let _alone = alone();
    let channel = Channel::<_, 2>::new();
    channel.try_send(1).unwrap();
    channel.try_send(2).unwrap();
    let (woken, waker) = Woken::new();
    let mut sends = [Box::pin(channel.send(3)), Box::pin(channel.send(4)), Box::pin(channel.send(5))];
    assert!(sends.iter_mut().all(|send| poll(send.as_mut(), &waker).is_pending()));
    assert_eq!(channel.drain().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(woken.take(), 2);
    let states = sends.map(|mut send| poll(send.as_mut(), &waker));
    assert_eq!(states, [Poll::Ready(Ok(())), Poll::Ready(Ok(())), Poll::Pending]);
}

#[test]
fn a_send_that_has_given_its_value_back_says_so_when_it_is_polled() {
    let _alone = alone();
    let channel = Channel::<_, 1>::new();
    let (_, waker) = Woken::new();
    let mut send = Box::pin(channel.send(1));
    assert_eq!(send.as_mut().into_value(), Some(1));
    assert_eq!(format!("{send:?}"), "Send { is_sent: true, .. }");
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(send.as_mut(), &waker)));
    let text = *polled.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(text, "giambio: a `Send` is polled whose value was sent or handed back");
}

// ------------------------------------------------------------------------------------------- slots

#[test]
fn a_slot_is_a_place_that_nobody_else_gets_and_what_goes_into_it_does_not_wait() {
    let _alone = alone();
    let channel = Channel::<_, 2>::new();
    let slot = channel.try_slot().unwrap();
    assert_eq!(format!("{slot:?}"), "Slot { .. }");
    channel.try_send(1).unwrap();
    assert_eq!(channel.try_send(2), Err(TrySendError::Full { value: 2, capacity: 2 }));
    assert_eq!((channel.len(), channel.try_slot().err()), (1, Some(TrySendError::Full { value: (), capacity: 2 })));
    slot.send(3);
    assert_eq!(channel.drain().collect::<Vec<_>>(), [1, 3], "in the order in which they were sent");
}

#[test]
fn a_slot_that_is_dropped_wakes_who_waits_for_a_place() {
    let _alone = alone();
    let channel = Channel::<_, 1>::new();
    let slot = channel.try_slot().unwrap();
    let (woken, waker) = Woken::new();
    let mut send = pin!(channel.send(1));
    assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
    drop(slot);
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(send, &waker), Poll::Ready(Ok(())));
    assert_eq!((channel.len(), channel.try_receive()), (1, Ok(1)));
    // And from one that waits for a slot to the next.
    channel.try_send(2).unwrap();
    let mut second = pin!(channel.send(3));
    {
        let mut first = pin!(channel.slot());
        assert!(poll(first.as_mut(), &waker).is_pending());
        assert_eq!(poll(second.as_mut(), &waker), Poll::Pending);
        assert_eq!(channel.try_receive(), Ok(2));
        assert_eq!(woken.take(), 1);
    } // its turn had come
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(second, &waker), Poll::Ready(Ok(())));
}

#[test]
fn a_closed_channel_with_a_slot_out_is_empty_until_the_slot_is_gone() {
    let _alone = alone();
    for is_used in [true, false] {
        let channel = Channel::<_, 2>::new();
        let slots = [channel.try_slot().unwrap(), channel.try_slot().unwrap()];
        let (woken, waker) = Woken::new();
        let mut waits = [Box::pin(channel.receive()), Box::pin(channel.receive())];
        assert!(waits.iter_mut().all(|wait| poll(wait.as_mut(), &waker).is_pending()));
        channel.close();
        assert_eq!(channel.try_receive(), Err(TryReceiveError::Empty), "a value may come yet");
        assert_eq!((channel.len(), woken.take()), (0, 0));
        let [first, second] = slots;
        drop(first);
        assert_eq!((channel.try_receive(), woken.take()), (Err(TryReceiveError::Empty), 0));
        if is_used {
            second.send(7);
        } else {
            drop(second);
        }
        assert_eq!(woken.take(), if is_used { 1 } else { 2 }, "one has a value, or both the end");
        let first = if is_used { Ok(7) } else { Err(Closed) };
        assert_eq!(waits.map(|mut wait| poll(wait.as_mut(), &waker)), [Poll::Ready(first), Poll::Ready(Err(Closed))]);
        assert_eq!(woken.take(), u32::from(is_used), "the first tells the second");
        assert_eq!((channel.try_receive(), channel.len()), (Err(TryReceiveError::Closed), 0));
    }
}

#[test]
fn counts_stay_right_whatever_is_done_after_the_close() {
    let _alone = alone();
    let channel = Channel::<_, 3>::new();
    let (_, waker) = Woken::new();
    channel.try_send(1).unwrap();
    let slots = [channel.try_slot().unwrap(), channel.try_slot().unwrap()];
    let mut send = Box::pin(channel.send(2));
    assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
    assert_eq!(channel.try_receive(), Ok(1)); // the place is promised now
    channel.close();
    assert_eq!(channel.len(), 0);
    assert_eq!(poll(send.as_mut(), &waker), Poll::Ready(Err(SendError(2))));
    let [first, second] = slots;
    first.send(3);
    assert_eq!((channel.len(), channel.try_receive(), channel.len()), (1, Ok(3), 0));
    drop(second);
    assert_eq!((channel.len(), channel.try_receive()), (0, Err(TryReceiveError::Closed)));
}

// -------------------------------------------------------------------------------- the end is told

#[test]
fn closing_tells_all_who_wait_and_gives_values_back() {
    let _alone = alone();
    let channel = Channel::<u8, 1>::new();
    let (woken, waker) = Woken::new();
    let mut receives = [Box::pin(channel.receive()), Box::pin(channel.receive())];
    assert!(receives.iter_mut().all(|wait| poll(wait.as_mut(), &waker).is_pending()));
    channel.close();
    assert_eq!(woken.take(), 2);
    assert!(receives.iter_mut().all(|wait| poll(wait.as_mut(), &waker) == Poll::Ready(Err(Closed))));

    let channel = Channel::<_, 1>::new();
    channel.try_send(0).unwrap();
    let mut sends = [Box::pin(channel.send(1)), Box::pin(channel.send(2))];
    let mut slot = pin!(channel.slot());
    assert!(sends.iter_mut().all(|wait| poll(wait.as_mut(), &waker).is_pending()));
    assert!(poll(slot.as_mut(), &waker).is_pending());
    channel.close();
    assert_eq!(woken.take(), 3);
    let [mut first, mut second] = sends;
    assert_eq!(poll(first.as_mut(), &waker), Poll::Ready(Err(SendError(1))));
    assert_eq!(second.as_mut().into_value(), Some(2));
    assert!(matches!(poll(slot, &waker), Poll::Ready(Err(Closed))));
    assert_eq!(channel.try_receive(), Ok(0));
}

#[test]
fn a_value_that_was_promised_when_the_channel_was_closed_is_received() {
    let _alone = alone();
    let channel = Channel::<_, 2>::new();
    let (_, waker) = Woken::new();
    let mut waits = [Box::pin(channel.receive()), Box::pin(channel.receive())];
    assert!(waits.iter_mut().all(|wait| poll(wait.as_mut(), &waker).is_pending()));
    channel.try_send(1).unwrap();
    channel.close();
    assert_eq!(channel.try_receive(), Err(TryReceiveError::Empty), "what is left is promised");
    assert_eq!(waits.map(|mut wait| poll(wait.as_mut(), &waker)), [Poll::Ready(Ok(1)), Poll::Ready(Err(Closed))]);
    // And one that is dropped with its promise leaves the value to whoever comes.
    let channel = Channel::<_, 2>::new();
    let mut wait = Box::pin(channel.receive());
    assert!(poll(wait.as_mut(), &waker).is_pending());
    channel.try_send(1).unwrap();
    channel.close();
    drop(wait);
    assert_eq!((channel.try_receive(), channel.try_receive()), (Ok(1), Err(TryReceiveError::Closed)));
}

#[test]
fn the_end_is_told_when_no_value_can_come_any_more() {
    let _alone = alone();
    let (woken, waker) = Woken::new();
    let (next_woken, next_waker) = Woken::new();
    let (last_woken, last_waker) = Woken::new();
    for (first_comes, next_comes) in [(true, true), (true, false), (false, true), (false, false)] {
        let channel = Channel::<u32, 2>::new();
        let (mut first, mut next) = (Box::pin(channel.receive()), Box::pin(channel.receive()));
        let mut last = pin!(channel.receive());
        assert_eq!(poll(first.as_mut(), &waker), Poll::Pending);
        assert_eq!(poll(next.as_mut(), &next_waker), Poll::Pending);
        assert_eq!(poll(last.as_mut(), &last_waker), Poll::Pending);
        assert_eq!(channel.try_send(1), Ok(()));
        channel.close();
        assert_eq!((woken.take(), next_woken.take(), last_woken.take()), (1, 0, 0));
        assert_eq!(poll(next.as_mut(), &next_waker), Poll::Pending, "a value is promised to another, who may leave");
        assert_eq!(poll(pin!(channel.receive()), &waker), Poll::Pending);
        assert_eq!(channel.try_receive(), Err(TryReceiveError::Empty));
        let expected = if first_comes {
            assert_eq!(poll(first.as_mut(), &waker), Poll::Ready(Ok(1)));
            Err(Closed)
        } else {
            drop(first);
            Ok(1)
        };
        assert_eq!((next_woken.take(), last_woken.take()), (1, 0));
        let mut last_expected = Err(Closed);
        if next_comes {
            assert_eq!(poll(next.as_mut(), &next_waker), Poll::Ready(expected));
        } else {
            drop(next);
            last_expected = expected;
        }
        assert_eq!(last_woken.take(), 1);
        assert_eq!(poll(last.as_mut(), &last_waker), Poll::Ready(last_expected));
        assert_eq!((channel.try_receive(), channel.len()), (Err(TryReceiveError::Closed), 0));
    }
}

#[test]
fn the_last_end_of_a_side_closes_the_channel() {
    let _alone = alone();
    let channel = Channel::<_, 2>::new();
    let sender = channel.sender();
    let second = sender.clone();
    let (woken, waker) = Woken::new();
    let receiver = channel.receiver();
    let mut wait = pin!(receiver.receive());
    assert_eq!(poll(wait.as_mut(), &waker), Poll::Pending);
    drop(sender);
    assert!(!channel.is_closed(), "there is another one");
    assert_eq!(second.try_send(1), Ok(()));
    assert_eq!(poll(wait, &waker), Poll::Ready(Ok(1)));
    second.try_slot().unwrap().send(2);
    assert_eq!(woken.take(), 1);
    drop(second);
    assert!(channel.is_closed());
    assert_eq!(receiver.drain().collect::<Vec<_>>(), [2]);
    assert_eq!(poll(pin!(receiver.receive()), &waker), Poll::Ready(Err(Closed)));

    let channel = Channel::<_, 1>::new();
    let (sender, receiver) = (channel.sender(), channel.receiver());
    let second = receiver.clone();
    assert_eq!(poll(pin!(sender.send(1)), &waker), Poll::Ready(Ok(())));
    let mut send = pin!(sender.send(2));
    let mut slot = pin!(sender.slot());
    assert_eq!(poll(send.as_mut(), &waker), Poll::Pending);
    assert!(poll(slot.as_mut(), &waker).is_pending());
    drop(receiver);
    assert_eq!(woken.take(), 0);
    drop(second);
    assert_eq!(woken.take(), 2);
    assert_eq!(poll(send, &waker), Poll::Ready(Err(SendError(2))));
    assert!(matches!(poll(slot, &waker), Poll::Ready(Err(Closed))));
    assert_eq!(sender.channel().try_receive(), Ok(1), "what was sent is there for who looks");
    assert_eq!(format!("{sender:?}"), "Sender(Channel(0 of 1, closed))");
}

#[test]
fn who_receives_in_a_loop_ends_when_the_last_of_many_senders_has_ended() {
    static ARENA: Arena<4, 512> = Arena::new();
    let channel = Channel::<_, 2>::new();
    let got = run_virtual(nursery_in(&ARENA, async |n| {
        for number in 0..4 {
            let sender = channel.sender();
            n.spawn_wait(async move {
                for round in 0..5 {
                    sleep(number * SECOND).await;
                    sender.send((number, round)).await?;
                }
                Ok(())
            })
            .await;
        }
        let mut got = Vec::new();
        while let Ok(value) = channel.receive().await {
            got.push(value);
        }
        Ok::<_, SendError<_>>(got)
    }));
    let mut got = got.unwrap();
    for number in 0..4 {
        let of_one = got.iter().filter(|(from, _)| *from == number).map(|(_, round)| *round);
        assert!(of_one.eq(0..5), "the values of each come in their order");
    }
    got.sort();
    assert_eq!(got.len(), 20);
}

// ---------------------------------------------------------------------------- cut off everywhere

#[cfg(feature = "std")]
#[test]
fn a_send_or_a_slot_that_is_cut_off_at_any_suspension_loses_no_value_and_no_place() {
    use giambio_core::testing::cancel_everywhere;
    for by_slot in [false, true] {
        let channel = Channel::<u32, 1>::new();
        let received = std::cell::Cell::new(0);
        let work = || async {
            channel.try_send(0).unwrap();
            let receives = async {
                sleep(SECOND).await;
                received.set(received.get() + usize::from(channel.try_receive().is_ok()));
            };
            let sends = async {
                match by_slot {
                    true => channel.slot().await.unwrap().send(1),
                    false => channel.send(1).await.unwrap(),
                }
            };
            futures::join!(sends, receives)
        };
        let check = |ended: Option<_>| {
            let sent = 1 + usize::from(ended.is_some());
            assert_eq!(channel.drain().count() + received.take(), sent);
            assert_eq!(channel.try_send(7), Ok(()), "the place is lost");
            assert_eq!(channel.drain().count(), 1);
        };
        assert!(cancel_everywhere(work, check) > 2);
    }
}

#[cfg(feature = "std")]
#[test]
fn a_receive_that_is_cut_off_at_any_suspension_loses_no_value() {
    use giambio_core::testing::cancel_everywhere;
    let channel = Channel::<u32, 1>::new();
    let sent = std::cell::Cell::new(0);
    let work = || async {
        let sends = async {
            sleep(SECOND).await;
            channel.try_send(1).unwrap();
            sent.set(1);
        };
        futures::join!(channel.receive(), sends).0
    };
    let check = |received: Option<_>| {
        assert!(received.is_none_or(|value| value == Ok(1)));
        assert_eq!(channel.drain().count() + usize::from(received.is_some()), sent.take());
    };
    assert!(cancel_everywhere(work, check) > 2);
}

// -------------------------------------------------------------------------------- other executors

#[test]
fn both_sides_wait_in_an_executor_that_is_not_ours() {
    let channel = Channel::<_, 1>::new();
    let sum = run_foreign(async {
        let sends = async {
            for number in 1..=10 {
                channel.send(number).await.unwrap();
            }
            channel.close();
        };
        let receives = async {
            let mut sum = 0;
            while let Ok(number) = channel.receive().await {
                sum += number;
            }
            sum
        };
        futures::join!(sends, receives).1
    });
    assert_eq!(sum, 55);
}

#[cfg(feature = "std")]
#[test]
fn threads_send_and_receive_and_nothing_is_lost_or_doubled() {
    use super::{block_on, threads::meet};
    use std::task::Waker;
    let channel = Channel::<u32, 3, Shared>::shared();
    meet(
        2_000,
        || channel.receive(),
        [(); 3].map(|()| channel.sender()),
        |sender, number| {
            let mut send = pin!(sender.send(number));
            if poll(send.as_mut(), Waker::noop()).is_pending() {
                let number = send.into_value().unwrap();
                block_on(sender.slot()).unwrap().send(number);
            }
        },
    );
}
