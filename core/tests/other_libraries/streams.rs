//! Channels and intervals as streams and sinks, for the combinators of `futures`: nothing is lost, and others have their turn.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::stream::{self, FusedStream, StreamExt};
use futures::{Sink, SinkExt, Stream, join};

use crate::common::{Woken, alone, millis, now, run_virtual, secs};
use giambio_core::channel::{
    Broadcast, BroadcastError, Carrier, Channel, Closed, Growable, Priority, Rendezvous, Sender, TrySendError,
    Unbounded,
};
use giambio_core::sync::Watch;
use giambio_core::testing::cancel_everywhere;
use giambio_core::{cancel_scope, checkpoint, interval, move_on_after, nursery, sleep};

fn poll_next<S: Stream>(stream: Pin<&mut S>, waker: &std::task::Waker) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(waker))
}

// ---------------------------------------------------------------------------------------- streams

#[test]
fn each_channel_is_a_stream_that_ends_when_it_is_closed_and_empty() {
    run_virtual(async {
        let channel = Channel::<_, 4>::new();
        let priority = Priority::<_, 4>::new();
        let growable = Growable::new(4);
        let unbounded = Unbounded::new();
        for value in 1..=3 {
            channel.send(value).await.unwrap();
            priority.send((value, value)).await.unwrap();
            growable.send(value).await.unwrap();
            unbounded.send(value).unwrap();
        }
        channel.close();
        priority.close();
        growable.close();
        unbounded.close();
        assert_eq!(channel.stream().collect::<Vec<_>>().await, [1, 2, 3]);
        assert_eq!(priority.stream().map(|(_, value)| value).collect::<Vec<_>>().await, [3, 2, 1]);
        assert_eq!(growable.stream().collect::<Vec<_>>().await, [1, 2, 3]);
        assert_eq!(unbounded.stream().collect::<Vec<_>>().await, [1, 2, 3]);
    });
}

#[test]
fn a_stream_from_hand_to_hand_lets_its_sender_go_on_one_by_one() {
    run_virtual(async {
        let counter = Rendezvous::new();
        let sends = async {
            for value in 1..=3 {
                counter.send(value).await.unwrap();
            }
            counter.close();
        };
        assert_eq!(join!(counter.stream().collect::<Vec<_>>(), sends).0, [1, 2, 3]);
    });
}

#[test]
fn an_ended_stream_stays_ended_and_has_dropped_its_end() {
    let _alone = alone();
    let (_, waker) = Woken::new();
    let channel = Channel::<u32, 2>::new();
    let mut values = pin!(channel.receiver().into_stream());
    channel.try_send(1).unwrap();
    assert_eq!(poll_next(values.as_mut(), &waker), Poll::Ready(Some(1)));
    assert_eq!(poll_next(values.as_mut(), &waker), Poll::Pending);
    assert!(!values.is_terminated());
    channel.close();
    assert_eq!(poll_next(values.as_mut(), &waker), Poll::Ready(None));
    assert_eq!(poll_next(values.as_mut(), &waker), Poll::Ready(None));
    assert!(values.is_terminated());

    let channel = Channel::<u32, 2>::new();
    drop(channel.receiver().into_stream());
    assert!(channel.is_closed(), "the last end has gone");
}

#[test]
fn a_next_that_is_dropped_loses_no_value_and_the_stream_keeps_its_place() {
    run_virtual(async {
        let channel = Channel::<_, 4>::new();
        let mut values = pin!(channel.stream());
        assert_eq!(move_on_after(secs(1), values.next()).await, None);
        let mut other = pin!(channel.receive());
        assert_eq!(move_on_after(secs(1), other.as_mut()).await, None);
        channel.try_send('a').unwrap();
        assert_eq!(channel.try_receive().ok(), None, "it is the stream's, which came first");
        assert_eq!(values.next().await, Some('a'));
        channel.try_send('b').unwrap();
        assert_eq!(other.await, Ok('b'));
    });
}

#[test]
fn what_a_stream_was_promised_goes_on_when_it_is_dropped_or_put_aside() {
    run_virtual(async {
        let channel = Channel::<_, 4>::new();
        for is_dropped in [true, false] {
            let mut aside = Box::pin(channel.stream());
            assert_eq!(move_on_after(secs(1), aside.next()).await, None);
            channel.try_send('a').unwrap();
            let kept = (!is_dropped).then_some(aside);
            assert_eq!(channel.receive().await, Ok('a'));
            drop(kept);
        }
    });
}

#[test]
fn streams_of_news_say_what_was_missed() {
    run_virtual(async {
        let news = Broadcast::<_, 2>::new();
        let all = news.stream();
        (1..=3).for_each(|value| news.send(value).unwrap());
        news.close();
        let all: Vec<_> = all.collect().await;
        assert_eq!(all, [Err(BroadcastError::Lagged(1)), Ok(2), Ok(3)]);
    });
}

#[test]
fn a_stream_of_a_watch_has_each_value_that_was_not_seen_and_the_last_of_several() {
    run_virtual(async {
        let watch = Watch::new(0);
        let values = watch.watcher().into_stream().take(2).collect::<Vec<_>>();
        let sets = async {
            sleep(secs(1)).await;
            watch.set(1);
            sleep(secs(1)).await;
            watch.set(2);
            watch.set(3);
        };
        assert_eq!(join!(values, sets).0, [1, 3]);
    });
}

#[test]
fn ticks_are_a_stream() {
    run_virtual(async {
        let start = now();
        let ticks = interval(millis(10)).into_stream();
        let beats: Vec<_> = ticks.zip(stream::iter(1..=3)).map(|(_, beat)| (beat, now() - start)).collect().await;
        assert_eq!(beats, [(1, millis(10)), (2, millis(20)), (3, millis(30))]);
    });
}

#[test]
fn several_streams_are_one_and_a_select_goes_over_them() {
    run_virtual(async {
        let (left, right) = (Channel::<_, 2>::new(), Channel::<_, 2>::new());
        let sends = async {
            for value in 0..10 {
                let side = if value % 2 == 0 { &left } else { &right };
                side.send(value).await.unwrap();
            }
            left.close();
            right.close();
        };
        let both = stream::select(left.stream(), right.stream()).collect::<Vec<_>>();
        let (mut all, ()) = join!(both, sends);
        all.sort_unstable();
        assert!(all.into_iter().eq(0..10));

        let (left, right) = (Channel::<_, 2>::new(), Channel::<_, 2>::new());
        left.try_send(1).unwrap();
        right.try_send(2).unwrap();
        left.close();
        right.close();
        let (mut one, mut other, mut sum) = (pin!(left.stream()), pin!(right.stream()), 0);
        loop {
            futures::select_biased! {
                value = one.next() => sum += value.unwrap_or(0),
                value = other.next() => sum += value.unwrap_or(0),
                complete => break,
            }
        }
        assert_eq!(sum, 3);
    });
}

#[test]
fn who_takes_from_a_stream_that_is_always_ready_lets_others_run_and_can_be_cancelled() {
    run_virtual(async {
        let channel = Unbounded::new();
        (0..1_000).for_each(|value| channel.send(value).unwrap());
        channel.close();
        let others = std::cell::Cell::new(0);
        let takes = async {
            let count = channel.stream().count().await;
            assert!(others.get() >= 7, "{}", others.get());
            count
        };
        let runs = async {
            for _ in 0..7 {
                checkpoint().await;
                others.set(others.get() + 1);
            }
        };
        let Ok(count) = nursery(async |n| {
            n.spawn(async {
                runs.await;
                Ok::<(), Infallible>(())
            });
            Ok(takes.await)
        })
        .await;
        assert_eq!(count, 1_000);

        let channel = Unbounded::new();
        (0..1_000).for_each(|value| channel.send(value).unwrap());
        let taken = std::cell::Cell::new(0);
        let cut_off = cancel_scope(async |scope| {
            let counts = channel.stream().for_each(async |_| {
                taken.set(taken.get() + 1);
                if taken.get() == 5 {
                    scope.cancel();
                }
            });
            counts.await;
        });
        assert!(cut_off.await.is_err());
        assert_eq!((taken.get(), channel.len()), (5, 995));
    });
}

#[test]
fn a_stream_that_is_cut_off_anywhere_loses_no_value() {
    let channel = Channel::<u32, 1>::new();
    let (sent, received) = (std::cell::RefCell::new(Vec::new()), std::cell::RefCell::new(Vec::new()));
    let work = || async {
        let sends = async {
            for value in 1..=4 {
                channel.send(value).await.unwrap();
                sent.borrow_mut().push(value);
                sleep(secs(u64::from(value / 2))).await;
            }
        };
        let receives = channel.stream().take(4).for_each(async |value| received.borrow_mut().push(value));
        join!(sends, receives)
    };
    let runs = cancel_everywhere(work, |_| {
        let mut out = received.take();
        out.extend(channel.drain());
        assert_eq!(out, sent.take());
        assert_eq!((channel.try_send(7), channel.try_receive()), (Ok(()), Ok(7)), "a place is lost");
    });
    assert!(runs > 8, "{runs}");
}

// ------------------------------------------------------------------------------------------ sinks

#[test]
fn a_sink_waits_for_room_and_closes_the_channel_with_its_end() {
    run_virtual(async {
        let channel = Channel::<_, 2>::new();
        let receiver = channel.receiver();
        let sends = stream::iter(0..10).map(Ok).forward(channel.sender().into_sink());
        let (sent, all) = join!(sends, receiver.into_stream().collect::<Vec<_>>());
        assert_eq!(sent, Ok(()));
        assert!(all.into_iter().eq(0..10));
        assert!(channel.is_closed());
        assert_eq!(channel.peak(), 2);
    });
}

#[test]
fn a_sink_of_a_closed_channel_says_so() {
    run_virtual(async {
        let channel = Channel::<_, 1>::new();
        let mut sink = pin!(channel.sender().into_sink());
        assert_eq!(sink.send(1).await, Ok(()));
        let (sent, ()) = join!(sink.send(2), async {
            sleep(secs(1)).await;
            channel.close();
        });
        assert_eq!(sent, Err(Closed));
        assert_eq!((sink.close().await, sink.send(3).await), (Ok(()), Err(Closed)));
        assert_eq!(channel.try_receive(), Ok(1));
    });
}

#[test]
fn a_slot_that_a_sink_does_not_use_is_kept_until_it_is_dropped() {
    let _alone = alone();
    let channel = Channel::<_, 1>::new();
    let (woken, waker) = Woken::new();
    let cx = &mut Context::from_waker(&waker);
    let mut sink = Box::pin(channel.sender().into_sink());
    assert_eq!(sink.as_mut().poll_ready(cx), Poll::Ready(Ok(())));
    assert_eq!(sink.as_mut().poll_ready(cx), Poll::Ready(Ok(())));
    assert_eq!(channel.try_send(1), Err(TrySendError::Full { value: 1, capacity: 1 }));
    let mut other = Box::pin(channel.sender().into_sink());
    assert_eq!(other.as_mut().poll_ready(cx), Poll::Pending);
    drop(sink);
    assert_eq!(woken.take(), 1);
    assert_eq!(other.as_mut().poll_ready(cx), Poll::Ready(Ok(())));
    assert_eq!(other.as_mut().start_send(2), Ok(()));
    assert_eq!(other.as_mut().poll_flush(cx), Poll::Ready(Ok(())));
    assert_eq!(channel.try_receive(), Ok(2));
}

#[test]
#[should_panic = "giambio: a value is given to a sink that is not ready: `poll_ready` comes before"]
fn a_value_for_a_sink_that_is_not_ready_is_a_panic_that_says_so() {
    let channel = Channel::<_, 1>::new();
    let sink = pin!(channel.sender().into_sink());
    let _ = sink.start_send(1);
}

#[test]
fn ends_of_every_channel_are_sinks_and_streams() {
    async fn through<C: Carrier<Value = u32>>(sender: Sender<'_, C>) {
        pin!(sender.into_sink()).send(7).await.unwrap();
    }
    run_virtual(async {
        let growable = Growable::new(1);
        through(growable.sender()).await;
        assert_eq!(growable.receiver().into_stream().collect::<Vec<_>>().await, [7]);
        let unbounded = Unbounded::new();
        through(unbounded.sender()).await;
        assert_eq!(unbounded.receiver().into_stream().collect::<Vec<_>>().await, [7]);
    });
}
