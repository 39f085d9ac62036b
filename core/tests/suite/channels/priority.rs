//! The most urgent comes first, and of equal ones the first.

use std::task::Poll;

use super::poll;
use crate::common::{Rng, Woken, alone, seeds};
use giambio_core::channel::{Closed, Priority, SendError, TrySendError};
use giambio_core::sync::Shared;

#[test]
fn random_values_come_out_by_priority_and_equal_ones_as_they_went_in() {
    let _alone = alone();
    for seed in seeds(300) {
        let (mut rng, channel) = (Rng(seed), Priority::<u32, 8>::new());
        let mut inside: Vec<(u32, u32)> = Vec::new();
        for number in 0..100 {
            if rng.one_in(2) {
                let value = (rng.below(3) as u32, number);
                match channel.try_send(value) {
                    Ok(()) => inside.push(value),
                    Err(full) => assert_eq!((full, inside.len()), (TrySendError::Full { value, capacity: 8 }, 8)),
                }
            } else {
                // `max_by_key` would take the last of equal ones.
                let most = inside.iter().map(|(priority, _)| *priority).max();
                let next = inside.iter().position(|(priority, _)| Some(*priority) == most);
                assert_eq!(channel.try_receive().ok(), next.map(|next| inside.remove(next)));
            }
            assert_eq!(channel.len(), inside.len());
        }
    }
}

#[test]
fn who_was_promised_a_value_gets_the_most_urgent_when_it_comes() {
    let _alone = alone();
    static JOBS: Priority<char, 4, Shared> = Priority::shared();
    let (woken, waker) = Woken::new();
    let mut waits = [Box::pin(JOBS.receive()), Box::pin(JOBS.receive())];
    assert!(waits.iter_mut().all(|wait| poll(wait.as_mut(), &waker).is_pending()));
    JOBS.try_send((1, 'a')).unwrap();
    JOBS.try_send((5, 'b')).unwrap();
    assert_eq!(woken.take(), 2);
    JOBS.try_send((9, 'c')).unwrap();
    let got = waits.map(|mut wait| poll(wait.as_mut(), &waker));
    assert_eq!(got, [Poll::Ready(Ok((9, 'c'))), Poll::Ready(Ok((5, 'b')))]);
    assert_eq!((JOBS.try_receive(), JOBS.peak()), (Ok((1, 'a')), 3));
}

#[test]
fn who_waits_to_send_is_told_of_the_end_as_elsewhere() {
    let _alone = alone();
    let jobs = Priority::<char, 1>::new();
    let (woken, waker) = Woken::new();
    jobs.try_slot().unwrap().send((1, 'a'));
    let (sender, receiver) = (jobs.sender(), jobs.receiver());
    let mut send = Box::pin(sender.send((9, 'b')));
    assert!(poll(send.as_mut(), &waker).is_pending());
    drop(receiver);
    assert_eq!((woken.take(), format!("{jobs:?}")), (1, "Priority(1 of 1, closed)".into()));
    assert_eq!(poll(send.as_mut(), &waker), Poll::Ready(Err(SendError((9, 'b')))));
    assert_eq!(jobs.drain().collect::<Vec<_>>(), [(1, 'a')]);
    assert_eq!(poll(Box::pin(jobs.receive()).as_mut(), &waker), Poll::Ready(Err(Closed)));
}
