//! Each waiting method of each channel, cut off at each place where it waits, cancelled and dropped: what went in has come
//! out, or is there still, and nothing is left behind.
#![expect(clippy::await_holding_refcell_ref, reason = "nobody else borrows them meanwhile")]

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::time::Duration;

use futures::join;

use giambio_core::channel::{
    Broadcast, BroadcastError, Channel, Growable, HandOver, OneShot, Pipe, Priority, Rendezvous, Unbounded,
};
use giambio_core::sync::{Access, Local, Shared, Watch};
use giambio_core::testing::cancel_everywhere;
use giambio_core::{checkpoint, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// Sends four values and receives four, each side waiting for the other now and then, cut off everywhere.
fn cut_off(send: impl AsyncFn(u32), receive: impl AsyncFn() -> u32, drain: impl Fn() -> Vec<u32>) {
    let (sent, received) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let work = || async {
        let sends = async {
            for value in 1..=4 {
                send(value).await;
                sent.borrow_mut().push(value);
                if value == 3 {
                    sleep(3 * SECOND).await;
                }
            }
        };
        let receives = async {
            sleep(SECOND).await;
            for _ in 1..=4 {
                let value = receive().await;
                received.borrow_mut().push(value);
                checkpoint().await;
            }
        };
        join!(sends, receives)
    };
    let check = |ended: Option<_>| {
        let mut out = received.take();
        out.extend(drain());
        assert_eq!(out, sent.take());
        assert!(ended.is_none() || out == [1, 2, 3, 4]);
    };
    let runs = cancel_everywhere(work, check);
    assert!(runs > 8, "{runs}");
}

macro_rules! cuts_off_a_channel {
    ($channel:expr, $value:expr, $number:expr) => {{
        let (channel, number) = ($channel, $number);
        let (sender, receiver) = (channel.sender(), channel.receiver());
        let drain = || channel.drain().map(number).collect::<Vec<_>>();
        let send = async |value| channel.send($value(value)).await.unwrap();
        cut_off(send, async || number(channel.receive().await.unwrap()), drain);
        let slot = async |value| channel.slot().await.unwrap().send($value(value));
        cut_off(slot, async || number(channel.receive().await.unwrap()), drain);
        let send = async |value| sender.send($value(value)).await.unwrap();
        cut_off(send, async || number(receiver.receive().await.unwrap()), drain);
        let slot = async |value| sender.slot().await.unwrap().send($value(value));
        cut_off(slot, async || number(receiver.receive().await.unwrap()), drain);
        // No place is lost.
        for _ in 0..channel.capacity() {
            assert!(channel.try_send($value(0)).is_ok());
        }
    }};
}

#[test]
fn channels_of_both_kinds_lose_no_value_and_no_place() {
    cuts_off_a_channel!(Channel::<u32, 1>::new(), |value| value, |value| value);
    cuts_off_a_channel!(Channel::<u32, 2, Shared>::shared(), |value| value, |value| value);
    cuts_off_a_channel!(Growable::<u32>::new(1), |value| value, |value| value);
    cuts_off_a_channel!(Growable::<u32, Shared>::shared(2), |value| value, |value| value);
    cuts_off_a_channel!(Priority::<u32, 1>::new(), |value| (7, value), |(_, value)| value);
    cuts_off_a_channel!(Priority::<u32, 2, Shared>::shared(), |value| (7, value), |(_, value)| value);
}

#[test]
fn a_channel_that_is_never_full_loses_no_value() {
    let channel = Unbounded::new();
    let (sender, receiver) = (channel.sender(), channel.receiver());
    let drain = || channel.drain().collect();
    cut_off(async |value| channel.send(value).unwrap(), async || channel.receive().await.unwrap(), drain);
    cut_off(async |value| sender.send(value).await.unwrap(), async || receiver.receive().await.unwrap(), drain);
    cut_off(async |value| sender.slot().await.unwrap().send(value), async || receiver.receive().await.unwrap(), drain);
}

/// Sends, and knows also where it is cut off whether the value was received.
struct Sending<'a, K: Access> {
    send: Pin<Box<HandOver<'a, u32, K>>>,
    value: u32,
    sent: &'a RefCell<Vec<u32>>,
}

impl<K: Access> Drop for Sending<'_, K> {
    fn drop(&mut self) {
        match self.send.as_mut().into_value() {
            Some(value) => assert_eq!(value, self.value),
            None => self.sent.borrow_mut().push(self.value),
        }
    }
}

fn cut_off_a_rendezvous<K: Access>(counter: &Rendezvous<u32, K>) {
    for by_ends in [false, true] {
        let (sender, receiver) = (counter.sender(), counter.receiver());
        let (sent, received) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let work = || async {
            let sends = async |first| {
                for value in first..first + 2 {
                    let send = if by_ends { sender.send(value) } else { counter.send(value) };
                    let mut sending = Sending { send: Box::pin(send), value, sent: &sent };
                    sending.send.as_mut().await.unwrap();
                }
            };
            let receives = async {
                for _ in 0..4 {
                    sleep(SECOND).await;
                    let value = if by_ends { receiver.receive().await } else { counter.receive().await };
                    received.borrow_mut().push(value.unwrap());
                }
            };
            let late = async {
                sleep(3 * SECOND).await;
                sends(3).await;
            };
            join!(sends(1), late, receives)
        };
        let runs = cancel_everywhere(work, |_| {
            let (mut sent, received) = (sent.take(), received.take());
            sent.sort_unstable();
            assert_eq!(received, sent, "it was somebody's at each moment");
            assert!(counter.try_receive().is_err(), "something is left");
        });
        assert!(runs > 8, "{runs}");
        std::mem::forget((sender, receiver)); // or it would be closed
    }
}

#[test]
fn from_hand_to_hand_each_value_is_somebodys() {
    cut_off_a_rendezvous(&Rendezvous::<_, Local>::new());
    cut_off_a_rendezvous(&Rendezvous::<_, Shared>::shared());
}

/// Notes, when it is dropped, how far somebody got.
struct Notes<F: FnMut()>(F);

impl<F: FnMut()> Drop for Notes<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn cut_off_a_pipe<K: Access>(pipe: &Pipe<3, K>) {
    const DATA: &[u8] = b"0123456789";
    for (whole, by_ends) in [(false, false), (false, true), (true, false), (true, true)] {
        let (sender, receiver) = (pipe.sender(), pipe.receiver());
        let (sent, received) = (Cell::new(0), RefCell::new(Vec::<u8>::new()));
        let work = || async {
            let sends = async {
                while !whole && sent.get() < DATA.len() {
                    let rest = &DATA[sent.get()..];
                    let count = if by_ends { sender.send(rest).await } else { pipe.send(rest).await };
                    sent.set(sent.get() + count.unwrap());
                }
                if whole {
                    let all = RefCell::new(Box::pin(pipe.send_all(DATA)));
                    let _notes = Notes(|| sent.set(all.borrow().sent()));
                    std::future::poll_fn(|cx| all.borrow_mut().as_mut().poll(cx)).await.unwrap();
                }
            };
            let receives = async {
                sleep(SECOND).await;
                let mut buffer = [0; 4];
                while !whole && received.borrow().len() < DATA.len() {
                    let count = match by_ends {
                        true => receiver.receive(&mut buffer).await,
                        false => pipe.receive(&mut buffer).await,
                    };
                    received.borrow_mut().extend(&buffer[..count]);
                    checkpoint().await;
                }
                for _ in 0..if whole { 2 } else { 0 } {
                    let mut buffer = [0; 5];
                    let all = RefCell::new(Box::pin(pipe.receive_exact(&mut buffer)));
                    let _notes = Notes(|| received.borrow_mut().extend(all.borrow().received()));
                    std::future::poll_fn(|cx| all.borrow_mut().as_mut().poll(cx)).await.unwrap();
                }
            };
            join!(sends, receives)
        };
        let runs = cancel_everywhere(work, |ended| {
            let (mut out, mut left) = (received.take(), [0; 3]);
            let count = pipe.try_receive(&mut left).unwrap_or(0);
            out.extend(&left[..count]);
            assert_eq!(out, DATA[..sent.take()]);
            assert!(ended.is_none() || out == DATA);
            assert_eq!((pipe.try_send(b"abc"), pipe.try_receive(&mut left)), (Ok(3), Some(3)), "a turn is lost");
        });
        assert!(runs > 8, "{runs}");
        std::mem::forget((sender, receiver)); // or it would be closed
    }
}

#[test]
fn a_pipe_loses_no_byte_and_no_turn_and_counts_are_right() {
    cut_off_a_pipe(&Pipe::<3>::new());
    cut_off_a_pipe(&Pipe::<3, Shared>::shared());
}

#[test]
fn an_answer_is_there_until_somebody_has_it() {
    let answer = RefCell::new(OneShot::new());
    let received = Cell::new(None);
    let work = || async {
        let answer = &*answer.borrow();
        let receives = async {
            received.set(Some(answer.receive().await.unwrap()));
            checkpoint().await;
        };
        let sends = async {
            sleep(SECOND).await;
            answer.send(7).unwrap();
            checkpoint().await;
        };
        join!(receives, sends)
    };
    let runs = cancel_everywhere(work, |_| {
        let answer = answer.replace(OneShot::new());
        let was_sent = answer.send(8).is_err();
        let value = received.take().or_else(|| answer.try_receive().ok());
        assert_eq!(value, Some(if was_sent { 7 } else { 8 }));
    });
    assert!(runs > 4, "{runs}");
}

#[test]
fn what_is_broadcast_is_received_by_each_once() {
    let news = Broadcast::<u32, 4>::new();
    let subscribers = [news.subscribe(), news.subscribe()].map(RefCell::new);
    let received = [const { RefCell::new(Vec::new()) }; 2];
    let sent = RefCell::new(Vec::new());
    let work = || async {
        let receives = async |who: usize| {
            let mut subscriber = subscribers[who].borrow_mut();
            for _ in 0..3 {
                let value = subscriber.receive().await.unwrap();
                received[who].borrow_mut().push(value);
            }
        };
        let sends = async {
            for value in 1..=3 {
                sleep(SECOND).await;
                news.send(value).unwrap();
                sent.borrow_mut().push(value);
            }
        };
        join!(receives(0), receives(1), sends)
    };
    let runs = cancel_everywhere(work, |_| {
        let sent = sent.take();
        for who in 0..2 {
            let mut out = received[who].take();
            while let Some(value) = subscribers[who].borrow_mut().try_receive().unwrap() {
                out.push(value);
            }
            assert_eq!(out, sent);
        }
    });
    assert!(runs > 6, "{runs}");
    news.close();
    assert_eq!(subscribers[0].borrow_mut().try_receive(), Err(BroadcastError::Closed));
}

#[test]
fn a_change_is_seen_only_where_the_wait_for_it_has_ended() {
    for waits_for_more in [false, true] {
        let watch = Watch::new(0);
        let watcher = RefCell::new(watch.watcher());
        let (changes, seen) = (Cell::new(0), Cell::new(0));
        let work = || async {
            let looks = async {
                let mut watcher = watcher.borrow_mut();
                for _ in 0..2 {
                    if waits_for_more {
                        let last = seen.get();
                        seen.set(watcher.wait_for(|value| (*value > last).then_some(*value)).await);
                    } else {
                        watcher.changed().await;
                        seen.set(watcher.read(|value| *value));
                    }
                }
            };
            let sets = async {
                for _ in 0..2 {
                    sleep(SECOND).await;
                    changes.set(changes.get() + 1);
                    watch.set(changes.get());
                }
            };
            join!(looks, sets)
        };
        let runs = cancel_everywhere(work, |_| {
            let mut watcher = watcher.borrow_mut();
            assert_eq!(watcher.has_changed(), seen.get() != changes.get());
            seen.set(watcher.read(|value| *value));
        });
        assert!(runs > 4, "{runs}");
    }
}
