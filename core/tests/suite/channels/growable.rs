//! Channels that allocate: of a size that is chosen while the program runs, and of none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use super::poll;
use crate::common::{CountingAlloc, Woken, alone};
use giambio_core::channel::{
    BroadcastError, Closed, Growable, GrowableBroadcast, GrowablePriority, SendError, TryReceiveError, TrySendError,
    Unbounded,
};
use giambio_core::sync::Shared;

#[test]
fn a_channel_that_grows_wakes_as_many_as_there_are_new_places() {
    let _alone = alone();
    let channel = Growable::new(1);
    channel.try_send(0).unwrap();
    assert_eq!(channel.try_send(1), Err(TrySendError::Full { value: 1, capacity: 1 }));
    let (woken, waker) = Woken::new();
    let mut sends = [Box::pin(channel.send(1)), Box::pin(channel.send(2)), Box::pin(channel.send(3))];
    assert!(sends.iter_mut().all(|send| poll(send.as_mut(), &waker).is_pending()));
    channel.grow(2);
    assert_eq!((woken.take(), channel.capacity()), (2, 3));
    assert!(channel.try_send(4).is_err(), "the places are promised");
    let states = sends.each_mut().map(|send| poll(send.as_mut(), &waker));
    assert_eq!(states, [Poll::Ready(Ok(())), Poll::Ready(Ok(())), Poll::Pending]);
    channel.grow(2);
    assert_eq!(woken.take(), 1);
    assert_eq!(poll(sends[2].as_mut(), &waker), Poll::Ready(Ok(())));
    assert_eq!((channel.try_send(4), channel.try_send(5).is_err()), (Ok(()), true));
    assert_eq!(format!("{channel:?}"), "Growable(5 of 5)");
    assert_eq!(channel.drain().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_channel_that_is_closed_grows_for_nobody() {
    let _alone = alone();
    let channel = Growable::new(1);
    channel.try_send(0).unwrap();
    let (woken, waker) = Woken::new();
    let mut send = Box::pin(channel.send(1));
    assert!(poll(send.as_mut(), &waker).is_pending());
    channel.close();
    assert_eq!(woken.take(), 1);
    channel.grow(3);
    assert_eq!(woken.take(), 0);
    assert_eq!(poll(send.as_mut(), &waker), Poll::Ready(Err(SendError(1))));
}

#[test]
fn a_channel_that_would_grow_beyond_memory_says_so_and_is_as_before() {
    let _alone = alone();
    let (channel, jobs, news) = (Growable::shared(1), GrowablePriority::new(1), GrowableBroadcast::shared(1));
    let mut listener = news.subscribe();
    for places in [usize::MAX, usize::MAX / 2] {
        let grows: [&dyn Fn(); 3] = [&|| channel.grow(places), &|| jobs.grow(places), &|| news.grow(places)];
        for grow in grows {
            assert!(catch_unwind(AssertUnwindSafe(grow)).is_err());
        }
    }
    assert_eq!((channel.capacity(), jobs.capacity(), news.capacity()), (1, 1, 1));
    channel.try_send(1).unwrap();
    jobs.try_send((1, 1)).unwrap();
    news.send(1).unwrap();
    assert_eq!((channel.try_receive(), jobs.try_receive()), (Ok(1), Ok((1, 1))));
    assert_eq!(listener.try_receive(), Ok(Some(1)));
}

#[test]
fn what_is_urgent_comes_first_out_of_a_channel_that_grows() {
    let _alone = alone();
    let jobs = GrowablePriority::new(1).named("jobs");
    let (woken, waker) = Woken::new();
    jobs.try_send((1, "first")).unwrap();
    let mut sends = [Box::pin(jobs.send((1, "second"))), Box::pin(jobs.send((2, "urgent")))];
    assert!(sends.iter_mut().all(|send| poll(send.as_mut(), &waker).is_pending()));
    jobs.grow(2);
    assert_eq!((woken.take(), jobs.capacity()), (2, 3));
    assert!(sends.iter_mut().all(|send| poll(send.as_mut(), &waker).is_ready()));
    assert_eq!(format!("{jobs:?}"), "GrowablePriority(3 of 3)");
    jobs.close();
    assert_eq!(jobs.drain().collect::<Vec<_>>(), [(2, "urgent"), (1, "first"), (1, "second")]);
    assert_eq!((jobs.try_receive(), jobs.peak()), (Err(TryReceiveError::Closed), 3));
}

#[test]
fn a_broadcast_that_grows_keeps_more_and_allocates_nothing_else() {
    let _alone = alone();
    let news = GrowableBroadcast::new(2).named("news");
    let mut slow = news.subscribe();
    (0..3).for_each(|number| news.send(number).unwrap());
    news.grow(1);
    let before = CountingAlloc::calls();
    news.send(3).unwrap();
    assert_eq!((news.capacity(), slow.try_receive()), (3, Err(BroadcastError::Lagged(1))));
    assert_eq!([(); 3].map(|()| slow.try_receive()), [Ok(Some(1)), Ok(Some(2)), Ok(Some(3))]);
    news.close();
    assert_eq!(CountingAlloc::calls(), before);
    assert_eq!((news.send(4), slow.try_receive()), (Err(SendError(4)), Err(BroadcastError::Closed)));
    assert_eq!(format!("{news:?}"), "GrowableBroadcast(4 were sent, closed)");
}

#[test]
fn a_channel_of_no_places_is_refused() {
    let makers: [fn(); 6] = [
        || drop(Growable::<u8>::new(0)),
        || drop(Growable::<u8, Shared>::shared(0)),
        || drop(GrowablePriority::<u8>::new(0)),
        || drop(GrowablePriority::<u8, Shared>::shared(0)),
        || drop(GrowableBroadcast::<u8>::new(0)),
        || drop(GrowableBroadcast::<u8, Shared>::shared(0)),
    ];
    for make in makers {
        let text = *catch_unwind(make).unwrap_err().downcast::<&str>().unwrap();
        assert_eq!(text, "giambio: a channel of 0 places holds nothing: choose 1 at least");
    }
    assert!(catch_unwind(|| drop(Growable::<u64>::new(usize::MAX))).is_err(), "more than memory can hold");
    assert!(catch_unwind(|| drop(GrowablePriority::<u64>::new(usize::MAX))).is_err());
    assert!(catch_unwind(|| drop(GrowableBroadcast::<u64>::new(usize::MAX))).is_err());
    // Values of no size need none.
    let units = Growable::<()>::new(usize::MAX);
    units.try_send(()).unwrap();
    assert_eq!((units.len(), units.capacity(), units.try_receive()), (1, usize::MAX, Ok(())));
    assert!(catch_unwind(AssertUnwindSafe(|| units.grow(1))).is_err());
}

#[test]
fn what_goes_through_a_channel_of_chosen_size_allocates_nothing() {
    let _alone = alone();
    let channel = Growable::new(3);
    let (_, waker) = Woken::new();
    let before = CountingAlloc::calls();
    for round in 0..100 {
        for number in 0..3 {
            channel.try_send(round + number).unwrap();
        }
        assert!(poll(std::pin::pin!(channel.send(0)), &waker).is_pending());
        assert_eq!(channel.drain().count(), 3);
    }
    assert_eq!(CountingAlloc::calls(), before);
}

#[test]
fn an_unbounded_channel_takes_all_and_ends_as_others_do() {
    let _alone = alone();
    let channel = Unbounded::new();
    let (woken, waker) = Woken::new();
    let sender = channel.sender();
    let mut wait = Box::pin(channel.receive());
    assert!(poll(wait.as_mut(), &waker).is_pending());
    (0..1000).for_each(|number| channel.send(number).unwrap());
    assert_eq!(woken.take(), 1);
    assert_eq!((channel.len(), channel.try_receive()), (1000, Ok(0)), "the first value of which nobody was told");
    assert_eq!(poll(wait.as_mut(), &waker), Poll::Ready(Ok(1)));
    assert_eq!(sender.try_send(1000), Ok(()));
    drop(sender);
    assert_eq!((channel.is_closed(), channel.send(7)), (true, Err(SendError(7))));
    assert!(channel.drain().eq(2..=1000));
    assert_eq!((channel.try_receive(), channel.peak()), (Err(TryReceiveError::Closed), 1000));
    assert_eq!(poll(Box::pin(channel.receive()).as_mut(), &waker), Poll::Ready(Err(Closed)));
    assert_eq!(format!("{channel:?}"), "Unbounded(0, closed)");
}

#[test]
fn more_places_than_there_can_be_are_refused_and_nothing_has_changed() {
    let channel = Growable::<u32>::new(1);
    channel.try_send(0).unwrap();
    for places in [usize::MAX, isize::MAX as usize] {
        assert!(catch_unwind(std::panic::AssertUnwindSafe(|| channel.grow(places))).is_err());
        assert_eq!((channel.capacity(), channel.len()), (1, 1));
    }
    channel.grow(1);
    channel.try_send(1).unwrap();
    assert_eq!(channel.try_send(2), Err(TrySendError::Full { value: 2, capacity: 2 }));
}
