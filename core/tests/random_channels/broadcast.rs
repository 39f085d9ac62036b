//! A broadcast against a model: a list of all that was sent, and where each one is.

use std::task::Poll;

use crate::common::{Rng, alone, seeds};
use crate::line::{Boxed, COUNT, Line, Wakers};
use giambio_core::channel::{Broadcast, BroadcastError, SendError, Subscriber};
use giambio_core::sync::Access;

/// So many are kept.
const N: usize = 2;

type Received<'a, K> = (Result<u32, BroadcastError>, Subscriber<'a, Broadcast<u32, N, K>>);

/// One who has subscribed, and perhaps waits. What a receive that is given up has left is where its copy is.
struct Listener<'a, K: Access> {
    subscriber: Subscriber<'a, Broadcast<u32, N, K>>,
    waits: Option<Boxed<'a, Received<'a, K>>>,
    /// The number of the value that it gets next, as the model has it.
    next: usize,
}

struct World<'a, K: Access> {
    broadcast: &'a Broadcast<u32, N, K>,
    listeners: [Listener<'a, K>; COUNT],
    wakers: Wakers,
    rng: Rng,
    /// The values are their own numbers.
    sent: usize,
    is_closed: bool,
    line: Line,
    woken: Vec<usize>,
}

impl<K: Access> World<'_, K> {
    /// What a listener gets now.
    fn next(&mut self, who: usize) -> Option<Result<u32, BroadcastError>> {
        let next = &mut self.listeners[who].next;
        let oldest = self.sent.saturating_sub(N);
        if *next < oldest {
            let missed = oldest - std::mem::replace(next, oldest);
            return Some(Err(BroadcastError::Lagged(missed as u64)));
        }
        if *next < self.sent {
            *next += 1;
            return Some(Ok(*next as u32 - 1));
        }
        self.is_closed.then_some(Err(BroadcastError::Closed))
    }

    fn act(&mut self, who: usize) {
        let waits = self.line.has_waiting(who);
        let expected = if waits { None } else { self.next(who) };
        if !waits {
            self.line.leave(who);
            if expected.is_none() {
                self.line.join(who);
            }
        }
        let listener = &mut self.listeners[who];
        let mut subscriber = listener.subscriber.clone();
        let wait = listener.waits.get_or_insert_with(|| {
            Box::pin(async move {
                let received = subscriber.receive().await;
                (received, subscriber)
            })
        });
        match (self.wakers.poll(who, wait.as_mut()), expected) {
            (Poll::Pending, None) => {}
            (Poll::Ready((got, subscriber)), Some(expected)) => {
                assert_eq!(got, expected);
                (listener.subscriber, listener.waits) = (subscriber, None);
            }
            (polled, _) => panic!("{:?} is not {expected:?}", polled.map(|(got, _)| got)),
        }
    }

    fn step(&mut self) {
        let who = self.rng.below(COUNT as u64) as usize;
        match self.rng.below(20) {
            0..=9 => self.act(who),
            10 | 11 => {
                self.line.leave(who);
                self.listeners[who].waits = None;
            }
            12 if self.listeners[who].waits.is_none() => {
                let expected = self.next(who).transpose();
                assert_eq!(self.listeners[who].subscriber.try_receive(), expected);
            }
            13 if self.listeners[who].waits.is_none() => {
                let subscriber = self.broadcast.subscribe();
                self.listeners[who] = Listener { subscriber, waits: None, next: self.sent };
            }
            14 if self.rng.one_in(12) => {
                self.is_closed = true;
                self.woken.extend(self.line.tell_all());
                self.broadcast.close();
            }
            15.. => {
                let value = self.sent as u32;
                let expected = if self.is_closed { Err(SendError(value)) } else { Ok(()) };
                if expected.is_ok() {
                    self.sent += 1;
                    self.woken.extend(self.line.tell_all());
                }
                assert_eq!(self.broadcast.send(value), expected);
            }
            _ => {}
        }
        self.wakers.check(&mut self.woken);
        assert_eq!(self.broadcast.is_closed(), self.is_closed);
    }
}

fn play<K: Access>(new: fn() -> Broadcast<u32, N, K>) {
    let _alone = alone();
    for seed in seeds(2_000) {
        let broadcast = new();
        let listener = |_| Listener { subscriber: broadcast.subscribe(), waits: None, next: 0 };
        let mut world = World {
            broadcast: &broadcast,
            listeners: std::array::from_fn(listener),
            wakers: Wakers::new(),
            rng: Rng(seed),
            sent: 0,
            is_closed: false,
            line: Line::default(),
            woken: Vec::new(),
        };
        (0..120).for_each(|_| world.step());
    }
}

#[test]
fn random_news_agree_with_a_model() {
    play(Broadcast::new);
    play(Broadcast::shared);
}
