//! One value, once.

use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::poll;
use crate::common::{OnDrop, Woken, alone, on_drop};
use giambio_core::channel::{Closed, OneShot, SendError, TryReceiveError};
use giambio_core::sync::Shared;

#[test]
fn who_waits_gets_the_value_and_there_is_one() {
    let _alone = alone();
    let answer = OneShot::new();
    let (woken, waker) = Woken::new();
    assert_eq!((answer.try_receive(), format!("{answer:?}")), (Err(TryReceiveError::Empty), "OneShot(empty)".into()));
    let mut waits = [Box::pin(answer.receive()), Box::pin(answer.receive())];
    assert!(waits.iter_mut().all(|wait| poll(wait.as_mut(), &waker).is_pending()));
    assert_eq!(answer.send(1), Ok(()));
    assert_eq!((answer.send(2), format!("{answer:?}")), (Err(SendError(2)), "OneShot(full)".into()));
    assert_eq!(woken.take(), 2);
    assert_eq!(waits.map(|mut wait| poll(wait.as_mut(), &waker)), [Poll::Ready(Ok(1)), Poll::Ready(Err(Closed))]);
    assert_eq!((answer.try_receive(), answer.send(3)), (Err(TryReceiveError::Closed), Err(SendError(3))));
}

#[test]
fn a_value_whose_receiver_is_dropped_is_there_for_the_next() {
    let _alone = alone();
    let answer = OneShot::new();
    let (_, waker) = Woken::new();
    let mut second = pin!(answer.receive());
    {
        let mut first = pin!(answer.receive());
        assert!(poll(first.as_mut(), &waker).is_pending());
        assert!(poll(second.as_mut(), &waker).is_pending());
        answer.send(7).unwrap();
    } // told, and never polled again
    assert_eq!(poll(second, &waker), Poll::Ready(Ok(7)));
}

#[test]
fn a_sender_that_is_dropped_tells_who_waits_and_a_value_that_was_sent_stays() {
    let _alone = alone();
    static ANSWER: OneShot<u32, Shared> = OneShot::shared();
    let (woken, waker) = Woken::new();
    let mut wait = pin!(ANSWER.receive());
    let sender = ANSWER.sender();
    assert_eq!(format!("{sender:?}"), "OneShotSender(OneShot(empty))");
    assert!(poll(wait.as_mut(), &waker).is_pending());
    drop(sender);
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(wait, &waker), Poll::Ready(Err(Closed)));
    assert_eq!(ANSWER.sender().send(1), Err(SendError(1)));

    let answer = OneShot::new();
    assert_eq!(answer.sender().send(5), Ok(()));
    drop(answer.sender());
    answer.close();
    assert_eq!(answer.try_receive(), Ok(5));
}

#[test]
fn the_destructor_of_a_value_may_use_the_channel() {
    type Value = OnDrop<Box<dyn FnOnce()>>;
    let _alone = alone();
    let answer = Rc::new(OneShot::<Value>::new());
    let inside = answer.clone();
    let sends_again = move || assert!(inside.send(on_drop(Box::new(|| ()))).is_err());
    assert!(answer.send(on_drop(Box::new(sends_again))).is_ok());
    drop(answer.try_receive());
    assert_eq!(Rc::strong_count(&answer), 1);
}
