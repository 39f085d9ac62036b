//! A broadcast against a model: a list of all that was sent, and where each one is.

use std::task::Poll;

use crate::common::{Rng, alone, seeds};
use crate::line::{Boxed, COUNT, Line, Wakers};
use giambio_core::channel::{Broadcast, BroadcastError, Broadcasts, SendError, Subscriber};
use giambio_core::sync::Shared;

/// So many are kept at first.
const N: usize = 2;

/// One that is tested.
trait Tested: Broadcasts<Value = u32> + Sized {
    fn subscribe(&self) -> Subscriber<'_, Self>;
    fn send(&self, value: u32) -> Result<(), SendError<u32>>;
    fn close(&self);
    /// Whether it is closed, who subscribes, how many are kept.
    fn counts(&self) -> (bool, usize, usize);
    /// Keeps one more from now on, if it can.
    fn grow(&self) -> bool;
}

macro_rules! tested {
    ($type:ty, $grow:expr) => {
        impl Tested for $type {
            fn subscribe(&self) -> Subscriber<'_, Self> {
                self.subscribe()
            }
            fn send(&self, value: u32) -> Result<(), SendError<u32>> {
                self.send(value)
            }
            fn close(&self) {
                self.close();
            }
            fn counts(&self) -> (bool, usize, usize) {
                (self.is_closed(), self.subscribers(), self.capacity())
            }
            fn grow(&self) -> bool {
                let grow: fn(&Self) -> bool = $grow;
                grow(self)
            }
        }
    };
}

tested!(Broadcast<u32, N>, |_| false);
tested!(Broadcast<u32, N, Shared>, |_| false);
#[cfg(feature = "alloc")]
tested!(giambio_core::channel::GrowableBroadcast<u32>, |news| {
    news.grow(1);
    true
});
#[cfg(feature = "alloc")]
tested!(giambio_core::channel::GrowableBroadcast<u32, Shared>, |news| {
    news.grow(1);
    true
});

type Received<'a, B> = (Result<u32, BroadcastError>, Subscriber<'a, B>);

/// One who has subscribed, and perhaps waits. What a receive that is given up has left is where its copy is.
struct Listener<'a, B: Tested> {
    subscriber: Subscriber<'a, B>,
    waits: Option<Boxed<'a, Received<'a, B>>>,
    /// The number of the value that it gets next, as the model has it.
    next: usize,
}

struct World<'a, B: Tested> {
    broadcast: &'a B,
    listeners: [Listener<'a, B>; COUNT],
    wakers: Wakers,
    rng: Rng,
    /// The values are their own numbers.
    sent: usize,
    /// The oldest that is kept.
    oldest: usize,
    capacity: usize,
    is_closed: bool,
    line: Line,
    woken: Vec<usize>,
}

impl<B: Tested> World<'_, B> {
    /// What a listener gets now.
    fn next(&mut self, who: usize) -> Option<Result<u32, BroadcastError>> {
        let next = &mut self.listeners[who].next;
        if *next < self.oldest {
            let missed = self.oldest - std::mem::replace(next, self.oldest);
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
            14 if self.broadcast.grow() => self.capacity += 1,
            15.. => {
                let value = self.sent as u32;
                let expected = if self.is_closed { Err(SendError(value)) } else { Ok(()) };
                if expected.is_ok() {
                    self.sent += 1;
                    self.oldest = self.oldest.max(self.sent.saturating_sub(self.capacity));
                    self.woken.extend(self.line.tell_all());
                }
                assert_eq!(self.broadcast.send(value), expected);
            }
            _ => {}
        }
        self.wakers.check(&mut self.woken);
        let subscribers = COUNT + self.listeners.iter().filter(|listener| listener.waits.is_some()).count();
        assert_eq!(self.broadcast.counts(), (self.is_closed, subscribers, self.capacity));
    }
}

fn play<B: Tested>(new: impl Fn() -> B) {
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
            oldest: 0,
            capacity: N,
            is_closed: false,
            line: Line::default(),
            woken: Vec::new(),
        };
        (0..120).for_each(|_| world.step());
    }
}

#[test]
fn random_news_agree_with_a_model() {
    play(Broadcast::<_, N>::new);
    play(Broadcast::<_, N, _>::shared);
}

#[cfg(feature = "alloc")]
#[test]
fn random_news_that_grow_agree_with_a_model() {
    play(|| giambio_core::channel::GrowableBroadcast::new(N));
    play(|| giambio_core::channel::GrowableBroadcast::shared(N));
}
