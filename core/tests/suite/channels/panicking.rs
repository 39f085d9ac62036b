//! Wakers of other executors that panic: what goes with the panic, and that nothing else does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::poll;
use crate::common::{Woken, alone, panics_when_woken};
use giambio_core::channel::{
    Broadcast, Carrier, Channel, Closed, OneShot, Pipe, Priority, Receiver, Rendezvous, Sender,
};
use giambio_core::sync::Shared;

#[track_caller]
fn panics<R>(f: impl FnOnce() -> R) {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it does not panic"),
        Err(panic) => assert_eq!(panic.downcast_ref(), Some(&"the waker")),
    }
}

/// The ways of taking a value out.
const WAYS: usize = 3;

fn takes<'a, C: Carrier>(receiver: &Receiver<'a, C>, way: usize) {
    match way {
        0 => drop(receiver.try_receive()),
        1 => drop(poll(pin!(receiver.receive()), Waker::noop())),
        _ => drop(receiver.drain().count()),
    }
}

/// A channel with one place.
fn loses_one<C: Carrier<Value: Clone>>(
    sender: &Sender<'_, C>,
    receiver: &Receiver<'_, C>,
    new: impl Fn(Arc<u32>) -> C::Value,
) {
    for way in 0..WAYS {
        let values = [1, 2, 3].map(Arc::new);
        let [first, second, third] = values.clone().map(&new);
        let (woken, waker) = Woken::new();
        sender.try_send(first).ok().unwrap();
        let (mut send, mut next) = (pin!(sender.send(second)), pin!(sender.send(third)));
        assert!(poll(send.as_mut(), &panics_when_woken()).is_pending());
        assert!(poll(next.as_mut(), &waker).is_pending());
        panics(|| takes(receiver, way));
        let left = values.each_ref().map(|value| Arc::strong_count(value) - 1);
        assert_eq!(left, [0, 1, 1], "the first is gone, and no other");
        assert!(matches!(poll(send, Waker::noop()), Poll::Ready(Ok(()))), "its place is the next one's all the same");
        assert!(receiver.try_receive().is_ok());
        assert_eq!(woken.take(), 1);
        assert!(matches!(poll(next, Waker::noop()), Poll::Ready(Ok(()))));
        assert!(receiver.try_receive().is_ok());
    }
}

#[test]
fn where_a_sender_that_is_woken_panics_one_value_goes_with_the_panic_and_no_other() {
    let _alone = alone();
    let channel = Channel::<_, 1>::new();
    loses_one(&channel.sender(), &channel.receiver(), |value| value);
    let channel = Channel::<_, 1, Shared>::shared();
    loses_one(&channel.sender(), &channel.receiver(), |value| value);
    let channel = Priority::<_, 1>::new();
    loses_one(&channel.sender(), &channel.receiver(), |value| (1, value));
    #[cfg(feature = "alloc")]
    {
        let channel = giambio_core::channel::Growable::new(1);
        loses_one(&channel.sender(), &channel.receiver(), |value| value);
    }
    for waits in [false, true] {
        let (counter, values) = (Rendezvous::new(), [1, 2].map(Arc::new));
        let [first, second] = values.clone();
        let (mut send, mut next) = (pin!(counter.send(first)), pin!(counter.send(second)));
        assert!(poll(send.as_mut(), &panics_when_woken()).is_pending());
        assert!(poll(next.as_mut(), &panics_when_woken()).is_pending());
        panics(|| match waits {
            true => drop(poll(pin!(counter.receive()), Waker::noop())),
            false => drop(counter.try_receive()),
        });
        assert_eq!(values.each_ref().map(|value| Arc::strong_count(value) - 1), [0, 1]);
        assert!(matches!(poll(send, Waker::noop()), Poll::Ready(Ok(()))), "somebody had it");
        assert!(poll(next.as_mut(), Waker::noop()).is_pending());
        assert_eq!(counter.try_receive().as_deref(), Ok(&2));
        assert!(matches!(poll(next, Waker::noop()), Poll::Ready(Ok(()))));
    }
}

#[test]
fn where_a_receiver_that_is_woken_panics_the_value_is_there() {
    let _alone = alone();
    let channel = Channel::<_, 2>::new();
    let mut receive = pin!(channel.receive());
    assert!(poll(receive.as_mut(), &panics_when_woken()).is_pending());
    panics(|| channel.try_send(1));
    assert_eq!(poll(receive, Waker::noop()), Poll::Ready(Ok(1)));
    let mut receive = pin!(channel.receive());
    assert!(poll(receive.as_mut(), &panics_when_woken()).is_pending());
    let slot = channel.try_slot().unwrap();
    panics(|| slot.send(2));
    assert_eq!(poll(receive, Waker::noop()), Poll::Ready(Ok(2)));

    let counter = Rendezvous::new();
    let mut receive = pin!(counter.receive());
    assert!(poll(receive.as_mut(), &panics_when_woken()).is_pending());
    let mut send: Pin<Box<_>> = Box::pin(counter.send(1));
    panics(|| poll(send.as_mut(), Waker::noop()));
    assert!(poll(send.as_mut(), Waker::noop()).is_pending(), "it is laid down, and its sender's");
    assert_eq!(poll(receive, Waker::noop()), Poll::Ready(Ok(1)));
    assert_eq!(poll(send.as_mut(), Waker::noop()), Poll::Ready(Ok(())));

    let pipe = Pipe::<4>::new();
    let mut buffer = [0; 4];
    let mut receive = pin!(pipe.receive(&mut buffer));
    assert!(poll(receive.as_mut(), &panics_when_woken()).is_pending());
    panics(|| pipe.try_send(b"ab"));
    assert_eq!(poll(receive, Waker::noop()), Poll::Ready(2));
}

#[test]
fn all_who_wait_for_an_answer_or_news_are_told_though_the_first_panics() {
    let _alone = alone();
    for closes in [false, true] {
        let (woken, waker) = Woken::new();
        let answer = OneShot::new();
        let (mut first, mut second) = (pin!(answer.receive()), pin!(answer.receive()));
        assert!(poll(first.as_mut(), &panics_when_woken()).is_pending());
        assert!(poll(second.as_mut(), &waker).is_pending());
        panics(|| if closes { answer.close() } else { answer.send(7).unwrap() });
        assert_eq!(woken.take(), 1);
        assert_eq!(poll(second, &waker), Poll::Ready(if closes { Err(Closed) } else { Ok(7) }));

        let news = Broadcast::<_, 1>::new();
        let (mut first, mut second) = (news.subscribe(), news.subscribe());
        news.send(6).unwrap();
        assert_eq!((first.try_receive(), second.try_receive()), (Ok(Some(6)), Ok(Some(6))));
        let (mut first, mut second) = (pin!(first.receive()), pin!(second.receive()));
        assert!(poll(first.as_mut(), &panics_when_woken()).is_pending());
        assert!(poll(second.as_mut(), &waker).is_pending());
        panics(|| if closes { news.close() } else { news.send(7).unwrap() });
        assert_eq!(woken.take(), 1);
        assert_eq!(poll(second, &waker).map(Result::ok), Poll::Ready((!closes).then_some(7)));
    }
}
