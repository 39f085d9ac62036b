//! Channels that keep values: against a model of lists.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::pin::Pin;
use std::task::Poll;

use crate::common::{Rng, alone, seeds};
use crate::ends::Ends;
use crate::line::{Boxed, COUNT, Line, NOBODY, State, Wakers};
use giambio_core::channel::{
    Carrier, Channel, Closed, Priority, Receiver, Send, SendError, Sender, Slot, TryReceiveError, TrySendError,
};
use giambio_core::sync::Shared;

/// What all of them have.
trait Tested: Carrier<Value: Copy + PartialEq + Debug> + Sized {
    const CAPACITY: usize;
    /// A value goes by its number.
    fn value(number: u32) -> Self::Value;
    fn number(value: Self::Value) -> u32;
    fn receive(&self) -> Boxed<'_, Result<Self::Value, Closed>>;
    fn close(&self);
    fn sender(&self) -> Sender<'_, Self>;
    fn receiver(&self) -> Receiver<'_, Self>;
    /// How many values are in it, and were at most; is it closed?
    fn counts(&self) -> (usize, usize, bool);
    /// Which of the values in it comes out next.
    fn next(values: &VecDeque<u32>) -> usize;
}

/// A number comes out in the order in which it went in.
fn in_order(_: &VecDeque<u32>) -> usize {
    0
}

fn priority(number: u32) -> u32 {
    number % 3
}

/// The first of the most urgent.
fn most_urgent(values: &VecDeque<u32>) -> usize {
    let most = values.iter().map(|number| priority(*number)).max();
    values.iter().position(|number| Some(priority(*number)) == most).unwrap()
}

macro_rules! tested {
    ($type:ty, $capacity:expr) => {
        tested!($type, $capacity, u32, |number| number, |value| value, in_order);
    };
    ($type:ty, $capacity:expr, $value:ty, $of:expr, $number:expr, $next:expr) => {
        impl Tested for $type {
            const CAPACITY: usize = $capacity;
            fn value(number: u32) -> $value {
                let of: fn(u32) -> $value = $of;
                of(number)
            }
            fn number(value: $value) -> u32 {
                let number: fn($value) -> u32 = $number;
                number(value)
            }
            fn receive(&self) -> Boxed<'_, Result<$value, Closed>> {
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
                $next(values)
            }
        }
    };
}

#[cfg(feature = "alloc")]
tested!(giambio_core::channel::Growable<u32>, 3);
#[cfg(feature = "alloc")]
tested!(giambio_core::channel::Unbounded<u32>, usize::MAX);
#[cfg(feature = "alloc")]
tested!(
    giambio_core::channel::GrowablePriority<u32>,
    3,
    (u32, u32),
    |number| (priority(number), number),
    |(_, number)| number,
    most_urgent
);
tested!(Channel<u32, 1>, 1);
tested!(Channel<u32, 3>, 3);
tested!(Channel<u32, 2, Shared>, 2);
tested!(Priority<u32, 3>, 3, (u32, u32), |number| (priority(number), number), |(_, number)| number, most_urgent);
tested!(Priority<u32, 2, Shared>, 2, (u32, u32), |number| (priority(number), number), |(_, number)| number, most_urgent);

/// What somebody is at.
enum Doing<'a, C: Carrier> {
    Nothing,
    Sends(u32, Pin<Box<Send<'a, C>>>),
    Reserves(Boxed<'a, Result<Slot<'a, C>, Closed>>),
    HasSlot(Slot<'a, C>),
    Receives(Boxed<'a, Result<C::Value, Closed>>),
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
        self.is_closed && self.slots == 0 && self.values.is_empty()
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
            None if self.values.is_empty() => {}
            None => self.free += 1,
        }
    }
    /// The end is told by one to the next.
    fn tell_end(&mut self) {
        if let Some(who) = self.receivers.grant() {
            self.woken.push(who);
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
        if self.senders.has_waiting(who) {
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
        self.senders.join(who);
        None
    }
    fn fetch(&mut self, who: usize, next: fn(&VecDeque<u32>) -> usize) -> Option<Result<u32, Closed>> {
        if self.receivers.has_waiting(who) {
            return None;
        }
        if self.receivers.leave(who) != Some(State::Granted) {
            if self.free == 0 {
                if self.is_over() {
                    self.tell_end();
                    return Some(Err(Closed));
                }
                self.receivers.join(who);
                return None;
            }
            self.free -= 1;
        }
        if self.values.is_empty() {
            self.tell_end();
            return Some(Err(Closed));
        }
        let value = self.values.remove(next(&self.values)).unwrap();
        match self.is_over() {
            true => self.tell_end(),
            false => self.release(),
        }
        Some(Ok(value))
    }
    fn sender_leaves(&mut self, who: usize) {
        if self.senders.leave(who) == Some(State::Granted) {
            self.promised -= 1;
            self.release();
        }
    }
}

struct World<'a, C: Carrier> {
    channel: &'a C,
    doing: [Doing<'a, C>; COUNT],
    wakers: Wakers,
    ends: Ends<'a, C>,
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
            wakers: Wakers::new(),
            ends: Ends::new(channel.sender(), channel.receiver()),
            model: Model { capacity: C::CAPACITY, ..Model::default() },
            rng: Rng(seed),
            made: 0,
            out: Vec::new(),
        }
    }

    fn number(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    /// Somebody begins something, or goes on with it.
    fn act(&mut self, who: usize) {
        let mut uses_an_end = false;
        let doing = match std::mem::replace(&mut self.doing[who], Doing::Nothing) {
            Doing::Nothing if self.rng.below(5) < 2 => {
                uses_an_end = true;
                let number = self.number();
                Doing::Sends(number, Box::pin(self.channel.sender().send(C::value(number))))
            }
            Doing::Nothing if self.rng.one_in(3) => {
                uses_an_end = true;
                Doing::Reserves(Box::pin(self.channel.sender().slot()))
            }
            Doing::Nothing => Doing::Receives(self.channel.receive()),
            doing => doing,
        };
        let model = &mut self.model;
        if uses_an_end && self.ends.senders.is_empty() {
            // The end that it was begun by was the last.
            model.close();
        }
        let wakers = &self.wakers;
        self.doing[who] = match doing {
            Doing::Nothing => unreachable!(),
            Doing::Sends(value, mut send) => {
                let admitted = model.admit(who);
                let expected = match admitted {
                    None => Poll::Pending,
                    Some(Ok(())) => Poll::Ready(Ok(())),
                    Some(Err(Closed)) => Poll::Ready(Err(SendError(C::value(value)))),
                };
                assert_eq!(wakers.poll(who, send.as_mut()), expected);
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
                match (wakers.poll(who, slot.as_mut()), admitted) {
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
                slot.send(C::value(self.made));
                Doing::Nothing
            }
            Doing::Receives(mut wait) => {
                let expected = model.fetch(who, C::next);
                match (wakers.poll(who, wait.as_mut()), expected) {
                    (Poll::Pending, None) => Doing::Receives(wait),
                    (Poll::Ready(got), Some(expected)) => {
                        assert_eq!(got.map(C::number), expected);
                        self.out.extend(expected.ok());
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
                assert_eq!(send.as_mut().into_value(), Some(C::value(value)));
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
        let sender = self.ends.senders.last().cloned();
        let receiver = self.ends.receivers.last().cloned();
        match (self.rng.below(3), sender, receiver) {
            (0, Some(sender), _) => {
                let number = self.number();
                let value = C::value(number);
                let admitted = self.model.admit(NOBODY);
                self.model.senders.leave(NOBODY);
                let expected = match admitted {
                    None => Err(TrySendError::Full { value, capacity: C::CAPACITY }),
                    Some(Err(Closed)) => Err(TrySendError::Closed(value)),
                    Some(Ok(())) => Ok(()),
                };
                assert_eq!(sender.try_send(value), expected);
                match expected {
                    Ok(()) => self.model.put(number),
                    Err(_) => self.out.push(number),
                }
            }
            (1, Some(sender), _) => {
                let admitted = self.model.admit(NOBODY);
                self.model.senders.leave(NOBODY);
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
                let expected = self.model.fetch(NOBODY, C::next);
                self.model.receivers.leave(NOBODY);
                let expected = match expected {
                    None => Err(TryReceiveError::Empty),
                    Some(got) => got.map_err(|Closed| TryReceiveError::Closed),
                };
                assert_eq!(receiver.try_receive().map(C::number), expected);
                self.out.extend(expected.ok());
            }
            _ => {}
        }
    }

    /// An end comes, or goes: the last of a side closes the channel.
    fn change_ends(&mut self) {
        let channel = self.channel;
        if self.ends.change(&mut self.rng, || channel.sender(), || channel.receiver()) {
            self.model.close();
        }
    }

    fn close(&mut self) {
        self.model.close();
        self.channel.close();
    }

    fn drain(&mut self) {
        let Some(receiver) = self.ends.receivers.last() else { return };
        let drained: Vec<u32> = receiver.drain().map(C::number).collect();
        for value in &drained {
            assert_eq!(self.model.fetch(NOBODY, C::next), Some(Ok(*value)));
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
        self.wakers.check(&mut self.model.woken);
        let model = &self.model;
        assert_eq!(self.channel.counts(), (model.values.len(), model.peak, model.is_closed));
    }

    /// Values in are values out.
    fn end(mut self) {
        for who in 0..COUNT {
            self.give_up(who);
            self.check();
        }
        self.out.extend(self.channel.receiver().drain().map(C::number));
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
    let _alone = alone();
    for seed in seeds(2_000) {
        let channel = new();
        let mut world = World::new(&channel, seed);
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
    play(|| giambio_core::channel::GrowablePriority::new(3));
}

#[cfg(feature = "alloc")]
#[test]
fn random_changes_of_a_channel_that_is_never_full_agree_with_a_model() {
    play(giambio_core::channel::Unbounded::<u32>::new);
}

#[test]
fn random_changes_of_a_channel_with_priorities_agree_with_a_model() {
    play(Priority::<u32, 3>::new);
    play(Priority::<u32, 2, Shared>::shared);
}
