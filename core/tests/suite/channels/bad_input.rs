//! What is asked of channels too late, twice, or in an odd order: each says what is wrong, or does what is documented.

use std::fmt::Debug;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Poll, Waker};

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
        each!(giambio_core::channel::Growable::new(usize::MAX), ());
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

#[test]
fn what_was_ready_and_is_polled_again_asks_anew_and_what_has_no_value_left_says_so() {
    let _alone = alone();
    let waker = Waker::noop();
    let channel = Channel::<_, 2>::new();
    let mut send = pin!(channel.send(1));
    assert_eq!(poll(send.as_mut(), waker), Poll::Ready(Ok(())));
    let panic = catch_unwind(AssertUnwindSafe(|| poll(send.as_mut(), waker))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"giambio: a `Send` is polled whose value was sent or handed back"));
    let mut receive = pin!(channel.receive());
    assert_eq!(poll(receive.as_mut(), waker), Poll::Ready(Ok(1)));
    assert_eq!(poll(receive.as_mut(), waker), Poll::Pending);
    channel.try_send(2).unwrap();
    assert_eq!(poll(receive.as_mut(), waker), Poll::Ready(Ok(2)));
    channel.close();
    for _ in 0..2 {
        assert_eq!(poll(receive.as_mut(), waker), Poll::Ready(Err(Closed)));
    }

    let counter = Rendezvous::new();
    let (mut receive, mut send) = (pin!(counter.receive()), pin!(counter.send(1)));
    assert_eq!(poll(receive.as_mut(), waker), Poll::Pending);
    assert_eq!(poll(send.as_mut(), waker), Poll::Pending);
    assert_eq!(poll(receive.as_mut(), waker), Poll::Ready(Ok(1)));
    assert_eq!(poll(receive.as_mut(), waker), Poll::Pending);
    assert_eq!(poll(send.as_mut(), waker), Poll::Ready(Ok(())));
    let panic = catch_unwind(AssertUnwindSafe(|| poll(send.as_mut(), waker))).unwrap_err();
    let said = "giambio: a `HandOver` is polled whose value was received or handed back";
    assert_eq!((panic.downcast_ref(), send.into_value()), (Some(&said), None));

    let pipe = Pipe::<4>::new();
    let mut send = pin!(pipe.send(b"ab"));
    assert_eq!([(); 3].map(|()| poll(send.as_mut(), waker)), [Poll::Ready(Ok(2)), Poll::Ready(Ok(2)), Poll::Pending]);
    let mut buffer = [0; 4];
    {
        let mut whole = pin!(pipe.receive_exact(&mut buffer));
        assert_eq!([(); 2].map(|()| poll(whole.as_mut(), waker)), [Poll::Ready(Ok(())); 2], "it has all it wanted");
    }
    assert_eq!((&buffer, pipe.len()), (b"abab", 0));
    assert_eq!(poll(send, waker), Poll::Ready(Ok(2)));
    {
        let mut whole = pin!(pipe.send_all(b"cd"));
        assert_eq!([(); 2].map(|()| poll(whole.as_mut(), waker)), [Poll::Ready(Ok(())); 2], "all is sent, once");
    }
    assert_eq!(pipe.len(), 4);

    let answer = OneShot::new();
    answer.send(1).unwrap();
    let mut receive = pin!(answer.receive());
    assert_eq!(poll(receive.as_mut(), waker), Poll::Ready(Ok(1)));
    assert_eq!(poll(receive, waker), Poll::Ready(Err(Closed)));
    let news = Broadcast::<_, 2>::new();
    let mut subscriber = news.subscribe();
    let mut receive = pin!(subscriber.receive());
    for number in 0..3 {
        assert_eq!(poll(receive.as_mut(), waker), Poll::Pending);
        news.send(number).unwrap();
        assert_eq!(poll(receive.as_mut(), waker), Poll::Ready(Ok(number)));
    }
}

#[test]
fn what_is_forgotten_keeps_what_it_has_and_no_more() {
    let _alone = alone();
    let waker = Waker::noop();
    let channel = Channel::<_, 2>::new();
    forget(channel.try_slot().unwrap());
    assert_eq!((channel.try_send(1), channel.try_send(2).is_err()), (Ok(()), true), "a place is kept for ever");
    assert_eq!(channel.try_receive(), Ok(1));
    // One in line keeps the value that it was promised.
    let mut receive = Box::pin(channel.receive());
    assert!(poll(receive.as_mut(), waker).is_pending());
    forget(receive);
    channel.try_send(3).unwrap();
    assert_eq!((channel.len(), channel.try_receive()), (1, Err(TryReceiveError::Empty)));
    channel.close();
    assert_eq!(poll(pin!(channel.receive()), waker), Poll::Pending, "the end is told when that is received");
    // An end keeps the channel open.
    let channel = Channel::<u8, 2>::new();
    forget((channel.sender(), channel.receiver()));
    drop((channel.sender(), channel.receiver()));
    assert!(!channel.is_closed());
    // A turn keeps a pipe for itself, and a value laid down a rendezvous.
    let pipe = Pipe::<4>::new();
    let mut send = Box::pin(pipe.send_all(b"too much"));
    assert!(poll(send.as_mut(), waker).is_pending());
    forget(send);
    let mut buffer = [0; 4];
    assert_eq!((pipe.try_receive(&mut buffer), pipe.try_send(b"x").is_err()), (Some(4), true));
    let counter = Rendezvous::new();
    let mut send = Box::pin(counter.send(1));
    assert!(poll(send.as_mut(), waker).is_pending());
    forget(send);
    assert!(poll(pin!(counter.send(2)), waker).is_pending());
    assert_eq!((counter.try_receive(), counter.try_receive()), (Ok(1), Err(TryReceiveError::Empty)));
    let answer = OneShot::<u8>::new();
    forget(answer.sender());
    assert_eq!(answer.try_receive(), Err(TryReceiveError::Empty));
}

#[test]
fn nothing_at_all_is_sent_and_received_at_once() {
    let _alone = alone();
    let pipe = Pipe::<1>::new();
    pipe.try_send(b"x").unwrap();
    assert_eq!((pipe.try_send(b""), pipe.try_receive(&mut [])), (Ok(0), Some(0)), "full as it is");
    assert_eq!(poll(pin!(pipe.send(b"")), Waker::noop()), Poll::Ready(Ok(0)));
    assert_eq!(poll(pin!(pipe.send_all(b"")), Waker::noop()), Poll::Ready(Ok(())));
    assert_eq!(poll(pin!(pipe.receive_exact(&mut [])), Waker::noop()), Poll::Ready(Ok(())));
    pipe.close();
    assert_eq!(poll(pin!(pipe.send(b"")), Waker::noop()), Poll::Ready(Err(Closed)));
    assert_eq!((pipe.try_send(b""), pipe.len()), (Err(TrySendError::Closed(())), 1));
}

#[test]
fn every_priority_there_is_has_its_place() {
    let _alone = alone();
    let jobs = Priority::<_, 3>::new();
    for priority in [0, u32::MAX, 1] {
        jobs.try_send((priority, priority)).unwrap();
    }
    assert_eq!(jobs.drain().map(|(_, priority)| priority).collect::<Vec<_>>(), [u32::MAX, 1, 0]);
}
