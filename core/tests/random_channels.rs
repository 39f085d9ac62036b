//! Channels against a model of lists: who gets what, who is woken, what is counted, whatever is polled, dropped and closed
//! when. Laws NOTHING-LOST, NO-LOST-WAKE.
#![cfg(feature = "heapless")]

mod common;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use common::{Rng, Woken, seeds};
use giambio_core::channel::{
    Carrier, Channel, Closed, Receiver, Send, SendError, Sender, Slot, TryReceiveError, TrySendError,
};
use giambio_core::sync::Shared;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What all of them have.
trait Tested: Carrier<Value = u32> + Sized {
    const CAPACITY: usize;
    fn send(&self, value: u32) -> Send<'_, Self>;
    fn slot(&self) -> Boxed<'_, Result<Slot<'_, Self>, Closed>>;
    fn receive(&self) -> Boxed<'_, Result<u32, Closed>>;
    fn close(&self);
    fn sender(&self) -> Sender<'_, Self>;
    fn receiver(&self) -> Receiver<'_, Self>;
    /// How many values are in it, and were at most; is it closed?
    fn counts(&self) -> (usize, usize, bool);
    /// Which of the values in it comes out next.
    fn next(values: &VecDeque<u32>) -> usize;
}

macro_rules! tested {
    ($type:ty, $capacity:expr, $next:expr) => {
        impl Tested for $type {
            const CAPACITY: usize = $capacity;
            fn send(&self, value: u32) -> Send<'_, Self> {
                self.send(value)
            }
            fn slot(&self) -> Boxed<'_, Result<Slot<'_, Self>, Closed>> {
                Box::pin(self.slot())
            }
            fn receive(&self) -> Boxed<'_, Result<u32, Closed>> {
                Box::pin(self.receive())
            }
            fn close(&self) {
                self.close();
            }
            fn sender(&self) -> Sender<'_, Self> {
                self.sender()
            }
            fn receiver(&self) -> Receiver<'_, Self> {
                self.receiver()
            }
            fn counts(&self) -> (usize, usize, bool) {
                (self.len(), self.peak(), self.is_closed())
            }
            fn next(values: &VecDeque<u32>) -> usize {
                let next: fn(&VecDeque<u32>) -> usize = $next;
                next(values)
            }
        }
    };
}

#[cfg(feature = "alloc")]
tested!(giambio_core::channel::Growable<u32>, 3, |_| 0);
tested!(Channel<u32, 1>, 1, |_| 0);
tested!(Channel<u32, 3>, 3, |_| 0);
tested!(Channel<u32, 2, Shared>, 2, |_| 0);

/// What somebody is at.
enum Doing<'a, C: Carrier<Value = u32>> {
    Nothing,
    Sends(u32, Pin<Box<Send<'a, C>>>),
    Reserves(Boxed<'a, Result<Slot<'a, C>, Closed>>),
    HasSlot(Slot<'a, C>),
    Receives(Boxed<'a, Result<u32, Closed>>),
}

/// Where one who waits is, as the model has it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Waits,
    Granted,
    IsTold,
}

/// Who is in line, in which order.
#[derive(Default, Debug)]
struct Line(Vec<(usize, State)>);

impl Line {
    fn leave(&mut self, who: usize) -> Option<State> {
        let at = self.0.iter().position(|(other, _)| *other == who)?;
        Some(self.0.remove(at).1)
    }
    fn grant(&mut self) -> Option<usize> {
        let first = self.0.iter_mut().find(|(_, state)| *state == State::Waits)?;
        first.1 = State::Granted;
        Some(first.0)
    }
    fn tell_all(&mut self) -> Vec<usize> {
        let waiting = self.0.iter_mut().filter(|(_, state)| *state == State::Waits);
        waiting
            .map(|(who, state)| {
                *state = State::IsTold;
                *who
            })
            .collect()
    }
}

/// A channel made of lists.
#[derive(Default, Debug)]
struct Model {
    values: VecDeque<u32>,
    capacity: usize,
    free: usize,
    promised: usize,
    slots: usize,
    peak: usize,
    is_closed: bool,
    senders: Line,
    receivers: Line,
    /// Who has to be woken by what is being done.
    woken: Vec<usize>,
}

impl Model {
    fn has_room(&self) -> bool {
        self.values.len() + self.promised < self.capacity
    }
    fn is_over(&self) -> bool {
        self.is_closed && self.slots == 0
    }
    fn put(&mut self, value: u32) {
        assert!(self.values.len() < self.capacity);
        self.values.push_back(value);
        self.peak = self.peak.max(self.values.len());
        self.offer();
    }
    fn offer(&mut self) {
        match self.receivers.grant() {
            Some(who) => self.woken.push(who),
            None => self.free += 1,
        }
    }
    fn release(&mut self) {
        if !self.is_closed
            && let Some(who) = self.senders.grant()
        {
            self.promised += 1;
            self.woken.push(who);
        }
    }
    fn slot_is_gone(&mut self, value: Option<u32>) {
        self.slots -= 1;
        self.promised -= 1;
        match value {
            Some(value) => self.put(value),
            None => self.release(),
        }
        if self.is_over() {
            self.woken.extend(self.receivers.tell_all());
        }
    }
    fn close(&mut self) {
        self.is_closed = true;
        self.woken.extend(self.senders.tell_all());
        if self.is_over() {
            self.woken.extend(self.receivers.tell_all());
        }
    }
    /// Somebody comes for a place: is it there?
    fn admit(&mut self, who: usize) -> Option<Result<(), Closed>> {
        if self.senders.0.contains(&(who, State::Waits)) {
            return None;
        }
        let is_granted = self.senders.leave(who) == Some(State::Granted);
        self.promised -= usize::from(is_granted);
        if self.is_closed {
            return Some(Err(Closed));
        }
        if is_granted || self.has_room() {
            return Some(Ok(()));
        }
        self.senders.0.push((who, State::Waits));
        None
    }
    fn fetch(&mut self, who: usize, next: fn(&VecDeque<u32>) -> usize) -> Option<Result<u32, Closed>> {
        if self.receivers.0.contains(&(who, State::Waits)) {
            return None;
        }
        if self.receivers.leave(who) != Some(State::Granted) {
            if self.free == 0 {
                if self.is_over() {
                    return Some(Err(Closed));
                }
                self.receivers.0.push((who, State::Waits));
                return None;
            }
            self.free -= 1;
        }
        let value = self.values.remove(next(&self.values)).unwrap();
        self.release();
        Some(Ok(value))
    }
    fn sender_leaves(&mut self, who: usize) {
        if self.senders.leave(who) == Some(State::Granted) {
            self.promised -= 1;
            self.release();
        }
    }
}

const COUNT: usize = 7;

struct World<'a, C: Carrier<Value = u32>> {
    channel: &'a C,
    doing: [Doing<'a, C>; COUNT],
    wakers: [(Arc<Woken>, Waker); COUNT],
    senders: Vec<Sender<'a, C>>,
    receivers: Vec<Receiver<'a, C>>,
    model: Model,
    rng: Rng,
    /// The last value that was made.
    made: u32,
    /// Those that came out, and those that were handed back.
    out: Vec<u32>,
}

impl<'a, C: Tested> World<'a, C> {
    fn new(channel: &'a C, seed: u64) -> Self {
        World {
            channel,
            doing: [const { Doing::Nothing }; COUNT],
            wakers: std::array::from_fn(|_| Woken::new()),
            senders: Vec::new(),
            receivers: Vec::new(),
            model: Model { capacity: C::CAPACITY, ..Model::default() },
            rng: Rng(seed),
            made: 0,
            out: Vec::new(),
        }
    }

    fn value(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    /// Somebody begins something, or goes on with it.
    fn act(&mut self, who: usize) {
        let doing = match std::mem::replace(&mut self.doing[who], Doing::Nothing) {
            Doing::Nothing if self.rng.below(5) < 2 => {
                let value = self.value();
                Doing::Sends(value, Box::pin(self.channel.send(value)))
            }
            Doing::Nothing if self.rng.one_in(3) => Doing::Reserves(self.channel.slot()),
            Doing::Nothing => Doing::Receives(self.channel.receive()),
            doing => doing,
        };
        let model = &mut self.model;
        let cx = &mut Context::from_waker(&self.wakers[who].1);
        self.doing[who] = match doing {
            Doing::Nothing => unreachable!(),
            Doing::Sends(value, mut send) => {
                let admitted = model.admit(who);
                let expected = match admitted {
                    None => Poll::Pending,
                    Some(Ok(())) => Poll::Ready(Ok(())),
                    Some(Err(Closed)) => Poll::Ready(Err(SendError(value))),
                };
                assert_eq!(send.as_mut().poll(cx), expected);
                match admitted {
                    None => Doing::Sends(value, send),
                    Some(sent) => {
                        assert_eq!(send.as_mut().into_value(), None);
                        match sent {
                            Ok(()) => model.put(value),
                            Err(Closed) => self.out.push(value),
                        }
                        Doing::Nothing
                    }
                }
            }
            Doing::Reserves(mut slot) => {
                let admitted = model.admit(who);
                match (slot.as_mut().poll(cx), admitted) {
                    (Poll::Pending, None) => Doing::Reserves(slot),
                    (Poll::Ready(Err(Closed)), Some(Err(Closed))) => Doing::Nothing,
                    (Poll::Ready(Ok(slot)), Some(Ok(()))) => {
                        (model.promised, model.slots) = (model.promised + 1, model.slots + 1);
                        Doing::HasSlot(slot)
                    }
                    (polled, _) => panic!("{polled:?} is not {admitted:?}"),
                }
            }
            Doing::HasSlot(slot) => {
                self.made += 1;
                model.slot_is_gone(Some(self.made));
                slot.send(self.made);
                Doing::Nothing
            }
            Doing::Receives(mut wait) => {
                let expected = model.fetch(who, C::next);
                match (wait.as_mut().poll(cx), expected) {
                    (Poll::Pending, None) => Doing::Receives(wait),
                    (Poll::Ready(got), Some(expected)) => {
                        assert_eq!(got, expected);
                        self.out.extend(got.ok());
                        Doing::Nothing
                    }
                    (polled, _) => panic!("{polled:?} is not {expected:?}"),
                }
            }
        };
    }

    /// Somebody gives up.
    fn give_up(&mut self, who: usize) {
        match std::mem::replace(&mut self.doing[who], Doing::Nothing) {
            Doing::Nothing => {}
            Doing::Sends(value, mut send) => {
                self.model.sender_leaves(who);
                assert_eq!(send.as_mut().into_value(), Some(value));
                self.out.push(value);
            }
            Doing::Reserves(slot) => {
                self.model.sender_leaves(who);
                drop(slot);
            }
            Doing::HasSlot(slot) => {
                self.model.slot_is_gone(None);
                drop(slot);
            }
            Doing::Receives(wait) => {
                if self.model.receivers.leave(who) == Some(State::Granted) {
                    self.model.offer();
                }
                drop(wait);
            }
        }
    }

    /// What never waits.
    fn try_something(&mut self) {
        let nobody = COUNT;
        let sender = self.senders.last().cloned();
        let receiver = self.receivers.last().cloned();
        match (self.rng.below(3), sender, receiver) {
            (0, Some(sender), _) => {
                let value = self.value();
                let admitted = self.model.admit(nobody);
                self.model.senders.leave(nobody);
                let expected = match admitted {
                    None => Err(TrySendError::Full { value, capacity: C::CAPACITY }),
                    Some(Err(Closed)) => Err(TrySendError::Closed(value)),
                    Some(Ok(())) => Ok(()),
                };
                assert_eq!(sender.try_send(value), expected);
                match expected {
                    Ok(()) => self.model.put(value),
                    Err(_) => self.out.push(value),
                }
            }
            (1, Some(sender), _) => {
                let admitted = self.model.admit(nobody);
                self.model.senders.leave(nobody);
                let slot = sender.try_slot();
                assert_eq!(slot.is_ok(), admitted == Some(Ok(())));
                let free = self.doing.iter().position(|doing| matches!(doing, Doing::Nothing));
                if let Ok(slot) = slot {
                    (self.model.promised, self.model.slots) = (self.model.promised + 1, self.model.slots + 1);
                    match free {
                        Some(free) => self.doing[free] = Doing::HasSlot(slot),
                        None => {
                            self.model.slot_is_gone(None);
                            drop(slot);
                        }
                    }
                }
            }
            (_, _, Some(receiver)) => {
                let expected = self.model.fetch(nobody, C::next);
                self.model.receivers.leave(nobody);
                let expected = match expected {
                    None => Err(TryReceiveError::Empty),
                    Some(got) => got.map_err(|Closed| TryReceiveError::Closed),
                };
                assert_eq!(receiver.try_receive(), expected);
                self.out.extend(expected.ok());
            }
            _ => {}
        }
    }

    /// An end comes, or goes: the last of a side closes the channel.
    fn change_ends(&mut self) {
        let (comes, is_sender) = (self.rng.one_in(2), self.rng.one_in(2));
        let left = if is_sender { self.senders.len() } else { self.receivers.len() };
        match (comes, is_sender) {
            (true, true) => self.senders.push(self.channel.sender()),
            (true, false) => self.receivers.push(self.channel.receiver()),
            // The last goes seldom, or every program would end early.
            _ if left == 1 && !self.rng.one_in(6) => {}
            _ => {
                if left == 1 {
                    self.model.close();
                }
                if is_sender { drop(self.senders.pop()) } else { drop(self.receivers.pop()) }
            }
        }
    }

    fn close(&mut self) {
        self.model.close();
        self.channel.close();
    }

    fn drain(&mut self) {
        let Some(receiver) = self.receivers.last() else { return };
        let drained: Vec<u32> = receiver.drain().collect();
        for value in &drained {
            assert_eq!(self.model.fetch(COUNT, C::next), Some(Ok(*value)));
        }
        // It takes no more than there was when it began.
        self.out.extend(drained);
    }

    fn step(&mut self) {
        let who = self.rng.below(COUNT as u64) as usize;
        match self.rng.below(20) {
            0..=10 => self.act(who),
            11 | 12 => self.give_up(who),
            13..=16 => self.try_something(),
            17 | 18 => self.change_ends(),
            _ => match self.rng.below(8) {
                0 | 1 => self.drain(),
                2 => self.close(),
                _ => {}
            },
        }
        self.check();
    }

    fn check(&mut self) {
        let mut expected = [0; COUNT];
        for who in self.model.woken.drain(..) {
            expected[who] += 1;
        }
        assert_eq!(std::array::from_fn(|who| self.wakers[who].0.take()), expected, "who was woken");
        let model = &self.model;
        assert_eq!(self.channel.counts(), (model.values.len(), model.peak, model.is_closed));
    }

    /// Values in are values out.
    fn end(mut self) {
        for who in 0..COUNT {
            self.give_up(who);
            self.check();
        }
        self.out.extend(self.channel.receiver().drain());
        self.model.values.clear();
        assert_eq!(self.channel.counts().0, 0);
        self.out.sort_unstable();
        assert!(
            self.out.iter().copied().eq(1..=self.made),
            "{} values were made, and {:?} is left",
            self.made,
            self.out
        );
    }
}

fn play<C: Tested>(new: fn() -> C) {
    let _alone = common::alone();
    for seed in seeds(2_000) {
        let channel = new();
        let mut world = World::new(&channel, seed);
        world.senders.push(channel.sender());
        world.receivers.push(channel.receiver());
        (0..120).for_each(|_| world.step());
        world.end();
    }
}

#[test]
fn random_changes_of_a_channel_of_one_place_agree_with_a_model() {
    play(Channel::<u32, 1>::new);
}

#[test]
fn random_changes_of_a_channel_of_several_places_agree_with_a_model() {
    play(Channel::<u32, 3>::new);
}

#[test]
fn random_changes_of_a_shared_channel_agree_with_a_model() {
    play(Channel::<u32, 2, Shared>::shared);
}

#[cfg(feature = "alloc")]
#[test]
fn random_changes_of_a_channel_of_chosen_size_agree_with_a_model() {
    play(|| giambio_core::channel::Growable::new(3));
}
