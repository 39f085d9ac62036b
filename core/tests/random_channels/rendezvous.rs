//! Values from hand to hand, against a model: at each moment each is somebody's.

use std::pin::Pin;
use std::task::Poll;

use crate::common::{Rng, alone, seeds};
use crate::ends::Ends;
use crate::line::{Boxed, COUNT, Line, NOBODY, State, Wakers};
use giambio_core::channel::{Closed, HandOver, Rendezvous, SendError, TryReceiveError, TrySendError};
use giambio_core::sync::Access;

/// What somebody is at.
enum Doing<'a, K: Access> {
    Nothing,
    Sends(u32, Pin<Box<HandOver<'a, u32, K>>>),
    Receives(Boxed<'a, Result<u32, Closed>>),
}

/// What lies on the table, and by whom.
#[derive(Default, Debug)]
struct Model {
    value: Option<(u32, Option<usize>)>,
    is_kept: bool,
    is_promised: bool,
    is_closed: bool,
    /// Those whose value was laid down.
    laid: [bool; COUNT],
    senders: Line,
    receivers: Line,
    woken: Vec<usize>,
}

impl Model {
    /// No value can come: one that was tried is still received, and one of who waits is handed back.
    fn is_over(&self) -> bool {
        self.is_closed && self.value.is_none_or(|(_, owner)| owner.is_some())
    }
    fn offer(&mut self) {
        if !self.is_promised
            && (self.value.is_some() || self.is_over())
            && let Some(who) = self.receivers.grant()
        {
            self.is_promised = true;
            self.woken.push(who);
        }
    }
    fn release(&mut self) {
        if !self.is_closed
            && !self.is_kept
            && self.value.is_none()
            && let Some(who) = self.senders.grant()
        {
            self.is_kept = true;
            self.woken.push(who);
        }
    }
    fn owns(&self, who: usize) -> bool {
        self.value.is_some_and(|(_, owner)| owner == Some(who))
    }
    /// Somebody goes on with its send.
    fn send(&mut self, who: usize, value: u32) -> Poll<Result<(), SendError<u32>>> {
        if !self.laid[who] {
            if self.senders.has_waiting(who) {
                return Poll::Pending;
            }
            if self.senders.leave(who) == Some(State::Granted) {
                self.is_kept = false;
            }
            if self.is_closed {
                return Poll::Ready(Err(SendError(value)));
            }
            if self.is_kept || self.value.is_some() {
                self.senders.join(who);
                return Poll::Pending;
            }
            self.value = Some((value, Some(who)));
            self.laid[who] = true;
            self.offer();
        }
        if self.owns(who) && !self.is_closed {
            return Poll::Pending;
        }
        self.laid[who] = false;
        match self.value.take_if(|(_, owner)| *owner == Some(who)) {
            Some((value, _)) => Poll::Ready(Err(SendError(value))),
            None => Poll::Ready(Ok(())),
        }
    }
    /// Somebody gives its send up: has it the value still?
    fn take_back(&mut self, who: usize) -> bool {
        if self.senders.leave(who) == Some(State::Granted) {
            self.is_kept = false;
            self.release();
        }
        let is_taken = std::mem::take(&mut self.laid[who]) && !self.owns(who);
        if self.owns(who) {
            self.value = None;
            self.release();
        }
        !is_taken
    }
    fn receive(&mut self, who: usize) -> Poll<Result<u32, Closed>> {
        if self.receivers.has_waiting(who) {
            return Poll::Pending;
        }
        let is_granted = self.receivers.leave(who) == Some(State::Granted);
        if is_granted {
            self.is_promised = false;
        }
        let is_closed = self.is_closed;
        let is_mine = is_granted || !self.is_promised;
        if let Some((value, owner)) = self.value.take_if(|(_, owner)| is_mine && !(is_closed && owner.is_some())) {
            self.woken.extend(owner);
            match is_closed {
                true => self.offer(),
                false => self.release(),
            }
            return Poll::Ready(Ok(value));
        }
        if self.is_over() {
            self.offer();
            return Poll::Ready(Err(Closed));
        }
        self.receivers.join(who);
        Poll::Pending
    }
    fn receiver_leaves(&mut self, who: usize) {
        if self.receivers.leave(who) == Some(State::Granted) {
            self.is_promised = false;
            self.offer();
        }
    }
    fn try_send(&mut self, value: u32) -> Result<(), TrySendError<u32>> {
        let is_awaited = self.is_promised || self.receivers.is_waited_in();
        if self.is_closed {
            return Err(TrySendError::Closed(value));
        }
        if !is_awaited || self.is_kept || self.value.is_some() {
            return Err(TrySendError::Full { value, capacity: 0 });
        }
        self.value = Some((value, None));
        self.offer();
        Ok(())
    }
    fn close(&mut self) {
        if !std::mem::replace(&mut self.is_closed, true) {
            self.woken.extend(self.value.and_then(|(_, owner)| owner));
        }
        self.woken.extend(self.senders.tell_all());
        if self.is_over() {
            self.woken.extend(self.receivers.tell_all());
        }
    }
}

struct World<'a, K: Access> {
    counter: &'a Rendezvous<u32, K>,
    doing: [Doing<'a, K>; COUNT],
    wakers: Wakers,
    ends: Ends<'a, Rendezvous<u32, K>>,
    model: Model,
    rng: Rng,
    made: u32,
    /// Those that were received, and those that came back.
    out: Vec<u32>,
}

impl<K: Access> World<'_, K> {
    fn act(&mut self, who: usize) {
        self.doing[who] = match std::mem::replace(&mut self.doing[who], Doing::Nothing) {
            Doing::Nothing if self.rng.one_in(2) => {
                self.made += 1;
                Doing::Sends(self.made, Box::pin(self.counter.send(self.made)))
            }
            Doing::Nothing => Doing::Receives(Box::pin(self.counter.receive())),
            doing => doing,
        };
        let (model, wakers) = (&mut self.model, &self.wakers);
        let is_over = match &mut self.doing[who] {
            Doing::Nothing => unreachable!(),
            Doing::Sends(value, send) => {
                let expected = model.send(who, *value);
                assert_eq!(wakers.poll(who, send.as_mut()), expected);
                if let Poll::Ready(Err(SendError(value))) = expected {
                    self.out.push(value);
                }
                expected.is_ready()
            }
            Doing::Receives(wait) => {
                let expected = model.receive(who);
                assert_eq!(wakers.poll(who, wait.as_mut()), expected);
                if let Poll::Ready(Ok(value)) = expected {
                    self.out.push(value);
                }
                expected.is_ready()
            }
        };
        if is_over {
            self.doing[who] = Doing::Nothing;
        }
    }

    fn give_up(&mut self, who: usize) {
        match std::mem::replace(&mut self.doing[who], Doing::Nothing) {
            Doing::Nothing => {}
            Doing::Sends(value, mut send) => {
                let expected = self.model.take_back(who).then_some(value);
                assert_eq!(send.as_mut().into_value(), expected);
                self.out.extend(expected);
            }
            Doing::Receives(wait) => {
                self.model.receiver_leaves(who);
                drop(wait);
            }
        }
    }

    fn try_something(&mut self) {
        if self.rng.one_in(2) {
            self.made += 1;
            let expected = self.model.try_send(self.made);
            assert_eq!(self.counter.try_send(self.made), expected);
            self.out.extend(expected.err().map(TrySendError::into_value));
        } else {
            let expected = match self.model.receive(NOBODY) {
                Poll::Pending => Err(TryReceiveError::Empty),
                Poll::Ready(got) => got.map_err(|Closed| TryReceiveError::Closed),
            };
            self.model.receivers.leave(NOBODY);
            assert_eq!(self.counter.try_receive(), expected);
            self.out.extend(expected.ok());
        }
    }

    fn change_ends(&mut self) {
        let counter = self.counter;
        if self.ends.change(&mut self.rng, || counter.sender(), || counter.receiver()) {
            self.model.close();
        }
    }

    fn step(&mut self) {
        let who = self.rng.below(COUNT as u64) as usize;
        match self.rng.below(40) {
            0..=23 => self.act(who),
            24..=28 => self.give_up(who),
            29..=35 => self.try_something(),
            36 | 37 => self.change_ends(),
            38 if self.rng.one_in(6) => {
                self.model.close();
                self.counter.close();
            }
            _ => {}
        }
        self.check();
    }

    fn check(&mut self) {
        self.wakers.check(&mut self.model.woken);
        assert_eq!(self.counter.is_closed(), self.model.is_closed);
    }

    /// Values in are values out.
    fn end(mut self) {
        for who in 0..COUNT {
            self.give_up(who);
            self.check();
        }
        self.out.extend(self.counter.try_receive().ok());
        self.out.sort_unstable();
        let (made, out) = (self.made, &self.out);
        assert!(out.iter().copied().eq(1..=made), "{made} values were made, and {out:?} is left");
    }
}

fn play<K: Access>(new: fn() -> Rendezvous<u32, K>) {
    let _alone = alone();
    for seed in seeds(2_000) {
        let counter = new();
        let mut world = World {
            counter: &counter,
            doing: [const { Doing::Nothing }; COUNT],
            wakers: Wakers::new(),
            ends: Ends::new(counter.sender(), counter.receiver()),
            model: Model::default(),
            rng: Rng(seed),
            made: 0,
            out: Vec::new(),
        };
        (0..120).for_each(|_| world.step());
        world.end();
    }
}

#[test]
fn random_meetings_agree_with_a_model() {
    play(Rendezvous::new);
    play(Rendezvous::shared);
}
