//! What is asked of channels too late, twice, or in an odd order: each says what is wrong, or does what is documented.

use std::fmt::Debug;
use std::pin::pin;
use std::task::Poll;

use super::poll;
use crate::common::{Woken, alone};
use giambio_core::channel::{
    Broadcast, BroadcastError, Carrier, Channel, Closed, EndedEarly, Ends, OneShot, Pipe, Priority, Receiver,
    Rendezvous, SendError, Sender, TryReceiveError, TrySendError,
};

/// Two ends of each side are dropped in every order: it is closed as soon as the last of a side is gone, and stays so.
fn drops_its_ends_in_any_order<C: Ends>(
    new: impl Fn() -> C,
    sender: impl Fn(&C) -> Sender<'_, C>,
    receiver: impl Fn(&C) -> Receiver<'_, C>,
    is_closed: impl Fn(&C) -> bool,
) {
    for order in 0..24 {
        let channel = new();
        let first = (sender(&channel), receiver(&channel));
        let (mut senders, mut receivers) = (vec![first.0.clone(), first.0], vec![first.1.clone(), first.1]);
        let (mut order, mut left) = (order, vec![true, true, false, false]);
        for count in (1..=4).rev() {
            let is_sender = left.remove(order % count);
            order /= count;
            if is_sender {
                drop(senders.pop())
            } else {
                drop(receivers.pop())
            }
            assert_eq!(is_closed(&channel), senders.is_empty() || receivers.is_empty());
        }
        drop((sender(&channel), receiver(&channel)));
        assert!(is_closed(&channel), "a new end opens nothing");
    }
}

#[test]
fn ends_are_dropped_in_any_order() {
    let _alone = alone();
    macro_rules! each {
        ($($type:ty),*) => {$(
            drops_its_ends_in_any_order(<$type>::default, <$type>::sender, <$type>::receiver, <$type>::is_closed);
        )*};
    }
    each!(Channel<u8, 2>, Priority<u8, 2>, Rendezvous<u8>, Pipe<2>);
    #[cfg(feature = "alloc")]
    {
        use giambio_core::channel::{Growable, Unbounded};
        each!(Unbounded<u8>);
        drops_its_ends_in_any_order(
            || Growable::new(2),
            Growable::<u8>::sender,
            Growable::receiver,
            Growable::is_closed,
        );
    }
}

/// After a close, and another one, nothing goes in, what is there comes out, and then the end.
fn is_closed_with_values_left<C: Carrier<Value: Copy + Debug + PartialEq>>(
    value: C::Value,
    sender: Sender<'_, C>,
    receiver: Receiver<'_, C>,
    close: impl Fn(),
) {
    let (_, waker) = Woken::new();
    sender.try_send(value).unwrap();
    sender.try_send(value).unwrap();
    close();
    close();
    let closed = TrySendError::Closed(value);
    assert_eq!((sender.try_send(value), closed.to_string()), (Err(closed), "the channel is closed".into()));
    assert_eq!(sender.try_slot().err(), Some(TrySendError::Closed(())));
    assert_eq!(poll(pin!(sender.send(value)), &waker), Poll::Ready(Err(SendError(value))));
    assert!(matches!(poll(pin!(sender.slot()), &waker), Poll::Ready(Err(Closed))));
    assert_eq!(receiver.try_receive(), Ok(value));
    assert_eq!(poll(pin!(receiver.receive()), &waker), Poll::Ready(Ok(value)));
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::Closed));
    assert_eq!(poll(pin!(receiver.receive()), &waker), Poll::Ready(Err(Closed)));
    close();
    assert_eq!(receiver.drain().count(), 0);
}

#[test]
fn what_is_closed_takes_no_more_and_gives_what_it_has() {
    let _alone = alone();
    macro_rules! each {
        ($channel:expr, $value:expr) => {
            let channel = $channel;
            is_closed_with_values_left($value, channel.sender(), channel.receiver(), || channel.close());
        };
    }
    each!(Channel::<u8, 2>::new(), 7);
    each!(Priority::<u8, 2>::new(), (1, 7));
    #[cfg(feature = "alloc")]
    {
        each!(giambio_core::channel::Growable::new(2), 7);
        each!(giambio_core::channel::Unbounded::new(), 7);
    }
}

#[test]
fn what_is_drained_wakes_who_waits_to_send_in_every_channel_that_can_be_full() {
    let _alone = alone();
    fn drains<C: Carrier<Value: Copy + Debug + PartialEq>>(
        value: C::Value,
        sender: Sender<'_, C>,
        receiver: Receiver<'_, C>,
    ) {
        let (woken, waker) = Woken::new();
        while sender.try_send(value).is_ok() {}
        let (mut send, mut slot) = (pin!(sender.send(value)), pin!(sender.slot()));
        assert!(poll(send.as_mut(), &waker).is_pending());
        assert!(poll(slot.as_mut(), &waker).is_pending());
        assert_eq!(receiver.drain().count(), 2);
        assert_eq!(woken.take(), 2);
        assert_eq!(poll(send, &waker), Poll::Ready(Ok(())));
        assert!(matches!(poll(slot, &waker), Poll::Ready(Ok(_))));
        assert_eq!(receiver.try_receive(), Ok(value));
    }
    let channel = Channel::<u8, 2>::new();
    drains(7, channel.sender(), channel.receiver());
    let channel = Priority::<u8, 2>::new();
    drains((1, 7), channel.sender(), channel.receiver());
    #[cfg(feature = "alloc")]
    {
        let channel = giambio_core::channel::Growable::new(2);
        drains(7, channel.sender(), channel.receiver());
    }
}

#[test]
fn an_answer_and_news_that_are_closed_twice_or_sent_after_the_close_say_so() {
    let _alone = alone();
    let answer = OneShot::new();
    answer.close();
    answer.close();
    let late = answer.send(7).unwrap_err();
    assert_eq!((late, late.to_string()), (SendError(7), "the channel is closed".into()));
    assert_eq!(answer.try_receive(), Err(TryReceiveError::Closed));

    let news = Broadcast::<_, 2>::new();
    let mut subscriber = news.subscribe();
    news.send(1).unwrap();
    news.close();
    news.close();
    assert_eq!(news.send(2), Err(SendError(2)));
    assert_eq!((subscriber.try_receive(), news.subscribe().try_receive()), (Ok(Some(1)), Err(BroadcastError::Closed)));
    assert_eq!(subscriber.try_receive(), Err(BroadcastError::Closed));
}

#[test]
fn each_error_says_what_is_wrong() {
    let texts = [
        (Closed.to_string(), "the channel is closed"),
        (SendError(7).to_string(), "the channel is closed"),
        (TrySendError::Closed(7).to_string(), "the channel is closed"),
        (TrySendError::Full { value: 7, capacity: 0 }.to_string(), "nobody waits to receive"),
        (TrySendError::Full { value: 7, capacity: 1 }.to_string(), "the only place of the channel is taken"),
        (TrySendError::Full { value: 7, capacity: 3 }.to_string(), "all 3 places of the channel are taken"),
        (TryReceiveError::Empty.to_string(), "no value is there that isn't promised to somebody"),
        (TryReceiveError::Closed.to_string(), "the channel is closed"),
        (BroadcastError::Lagged(1).to_string(), "too slow: one value was missed"),
        (BroadcastError::Lagged(3).to_string(), "too slow: 3 values were missed"),
        (BroadcastError::Closed.to_string(), "the channel is closed"),
        (EndedEarly { received: 3, wanted: 5 }.to_string(), "the pipe was closed after 3 of 5 bytes"),
    ];
    for (text, expected) in texts {
        assert_eq!(text, expected);
    }
}
