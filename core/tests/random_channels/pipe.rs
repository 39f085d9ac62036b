//! Bytes against a model: what comes out is what went in, in one piece where that was asked for.

use std::collections::VecDeque;
use std::pin::pin;
use std::task::Poll;

use crate::common::{Rng, alone, seeds};
use crate::ends::Ends;
use crate::line::{Boxed, COUNT, Line, NOBODY, State, Wakers};
use giambio_core::channel::{Closed, EndedEarly, Pipe, TrySendError};
use giambio_core::sync::Access;

const N: usize = 3;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Side {
    Sends,
    Receives,
}
use Side::{Receives, Sends};

/// What somebody is at, for as many bytes, and how many of them it has moved.
enum Doing<'a> {
    Nothing,
    Sends(Vec<u8>, Boxed<'a, Result<usize, Closed>>),
    SendsAll(Vec<u8>, usize, Boxed<'a, Result<(), Closed>>),
    Receives(usize, Boxed<'a, Vec<u8>>),
    ReceivesExact(usize, Vec<u8>, Boxed<'a, Result<Vec<u8>, EndedEarly>>),
}

#[derive(Default, Debug)]
struct Turns {
    is_promised: bool,
    held: Option<usize>,
    /// Who holds it has left a waker.
    has_waker: bool,
    line: Line,
}

#[derive(Default, Debug)]
struct Model {
    bytes: VecDeque<u8>,
    peak: usize,
    is_closed: bool,
    sending: Turns,
    receiving: Turns,
    woken: Vec<usize>,
}

impl Model {
    fn turns(&mut self, side: Side) -> &mut Turns {
        if side == Sends { &mut self.sending } else { &mut self.receiving }
    }
    fn can_move(&self, side: Side) -> bool {
        if side == Sends { self.bytes.len() < N } else { !self.bytes.is_empty() }
    }
    fn has_ended(&self, side: Side) -> bool {
        self.is_closed && (side == Sends || self.bytes.is_empty())
    }
    fn tell_holder(&mut self, side: Side) {
        let turns = self.turns(side);
        if std::mem::take(&mut turns.has_waker) {
            let holder = turns.held;
            self.woken.extend(holder);
        }
    }
    fn serve(&mut self, side: Side) {
        let has_to_look = self.can_move(side) || self.has_ended(side);
        let turns = self.turns(side);
        if turns.is_promised || !has_to_look {
            return;
        }
        if turns.held.is_some() {
            return self.tell_holder(side);
        }
        if let Some(who) = turns.line.grant() {
            turns.is_promised = true;
            self.woken.push(who);
        }
    }
    fn serve_both(&mut self, side: Side) {
        self.serve(side);
        self.serve(if side == Sends { Receives } else { Sends });
    }
    /// May somebody begin who comes now? `None`: it waits in line.
    fn may_begin(&mut self, side: Side, who: usize) -> Option<bool> {
        let turns = self.turns(side);
        if turns.line.has_waiting(who) {
            return None;
        }
        let is_granted = turns.line.leave(who) == Some(State::Granted);
        if is_granted {
            turns.is_promised = false;
        }
        Some(is_granted || !turns.is_promised && turns.held.is_none())
    }
    fn put(&mut self, data: &[u8]) -> usize {
        let count = data.len().min(N - self.bytes.len());
        self.bytes.extend(&data[..count]);
        self.peak = self.peak.max(self.bytes.len());
        count
    }
    fn take(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.bytes.len());
        self.bytes.drain(..count).collect()
    }
    fn send(&mut self, who: usize, data: &[u8]) -> Poll<Result<usize, Closed>> {
        let Some(may_begin) = self.may_begin(Sends, who) else { return Poll::Pending };
        if self.is_closed {
            return Poll::Ready(Err(Closed));
        }
        let may_move = may_begin && self.can_move(Sends);
        if !may_move && !data.is_empty() {
            self.sending.line.join(who);
            return Poll::Pending;
        }
        let count = self.put(data);
        self.serve_both(Sends);
        Poll::Ready(Ok(count))
    }
    fn receive(&mut self, who: usize, wanted: usize) -> Poll<Vec<u8>> {
        let Some(may_begin) = self.may_begin(Receives, who) else { return Poll::Pending };
        let may_move = may_begin && self.can_move(Receives);
        if !may_move && wanted > 0 && !self.has_ended(Receives) {
            self.receiving.line.join(who);
            return Poll::Pending;
        }
        let bytes = self.take(wanted);
        self.serve_both(Receives);
        Poll::Ready(bytes)
    }
    /// Somebody moves all: `step` says how many it moved now, and whether that was all.
    fn whole(&mut self, side: Side, who: usize, mut step: impl FnMut(&mut Self) -> (usize, bool)) -> Poll<bool> {
        if self.turns(side).held != Some(who) {
            let Some(may_begin) = self.may_begin(side, who) else { return Poll::Pending };
            if self.has_ended(side) {
                self.serve_both(side);
                return Poll::Ready(false);
            }
            if !may_begin || !self.can_move(side) {
                self.turns(side).line.join(who);
                return Poll::Pending;
            }
            (self.turns(side).held, self.turns(side).has_waker) = (Some(who), false);
        }
        let is_done = loop {
            if self.has_ended(side) {
                break false;
            }
            match step(self) {
                (0, _) => {
                    self.turns(side).has_waker = true;
                    return Poll::Pending;
                }
                (_, is_done) => {
                    self.serve(if side == Sends { Receives } else { Sends });
                    if is_done {
                        break true;
                    }
                }
            }
        };
        self.turns(side).held = None;
        self.serve_both(side);
        Poll::Ready(is_done)
    }
    fn leave(&mut self, side: Side, who: usize) {
        let turns = self.turns(side);
        if turns.line.leave(who) == Some(State::Granted) {
            turns.is_promised = false;
            self.serve(side);
        } else if turns.held == Some(who) {
            turns.held = None;
            self.serve_both(side);
        }
    }
    fn close(&mut self) {
        self.is_closed = true;
        self.tell_holder(Sends);
        self.tell_holder(Receives);
        self.woken.extend(self.sending.line.tell_all());
        self.woken.extend(self.receiving.line.tell_all());
    }
}

struct World<'a, K: Access> {
    pipe: &'a Pipe<N, K>,
    doing: [Doing<'a>; COUNT],
    wakers: Wakers,
    ends: Ends<'a, Pipe<N, K>>,
    model: Model,
    rng: Rng,
}

impl<'a, K: Access> World<'a, K> {
    fn data(&mut self) -> Vec<u8> {
        (0..self.rng.below(8)).map(|_| self.rng.next() as u8).collect()
    }

    fn begin(&mut self) -> Doing<'a> {
        let (pipe, wanted) = (self.pipe, self.rng.below(8) as usize);
        match self.rng.below(4) {
            0 => {
                let data = self.data();
                let sent = data.clone();
                Doing::Sends(data, Box::pin(async move { pipe.send(&sent).await }))
            }
            1 => {
                let data = self.data();
                let sent = data.clone();
                Doing::SendsAll(data, 0, Box::pin(async move { pipe.send_all(&sent).await }))
            }
            2 => {
                let receive = async move {
                    let mut buffer = vec![0; wanted];
                    let count = pipe.receive(&mut buffer).await;
                    buffer.truncate(count);
                    buffer
                };
                Doing::Receives(wanted, Box::pin(receive))
            }
            _ => {
                let receive = async move {
                    let mut buffer = vec![0; wanted];
                    pipe.receive_exact(&mut buffer).await?;
                    Ok(buffer)
                };
                Doing::ReceivesExact(wanted, Vec::new(), Box::pin(receive))
            }
        }
    }

    fn act(&mut self, who: usize) {
        if let Doing::Nothing = self.doing[who] {
            self.doing[who] = self.begin();
        }
        let (model, wakers) = (&mut self.model, &self.wakers);
        let is_over = match &mut self.doing[who] {
            Doing::Nothing => unreachable!(),
            Doing::Sends(data, send) => {
                let expected = model.send(who, data);
                assert_eq!(wakers.poll(who, send.as_mut()), expected);
                expected.is_ready()
            }
            Doing::SendsAll(data, sent, send) => {
                let step = |model: &mut Model| {
                    let count = model.put(&data[*sent..]);
                    *sent += count;
                    (count, *sent == data.len())
                };
                let expected = if data.is_empty() { Poll::Ready(true) } else { model.whole(Sends, who, step) };
                let expected = expected.map(|is_done| if is_done { Ok(()) } else { Err(Closed) });
                assert_eq!(wakers.poll(who, send.as_mut()), expected);
                expected.is_ready()
            }
            Doing::Receives(wanted, receive) => {
                let expected = model.receive(who, *wanted);
                let got = wakers.poll(who, receive.as_mut());
                assert_eq!(got, expected);
                expected.is_ready()
            }
            Doing::ReceivesExact(wanted, received, receive) => {
                let step = |model: &mut Model| {
                    let bytes = model.take(*wanted - received.len());
                    received.extend(&bytes);
                    (bytes.len(), received.len() == *wanted)
                };
                let expected = if *wanted == 0 { Poll::Ready(true) } else { model.whole(Receives, who, step) };
                let ended = EndedEarly { received: received.len(), wanted: *wanted };
                let expected = expected.map(|is_done| if is_done { Ok(received.clone()) } else { Err(ended) });
                assert_eq!(wakers.poll(who, receive.as_mut()), expected);
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
            Doing::Sends(..) | Doing::SendsAll(..) => self.model.leave(Sends, who),
            Doing::Receives(..) | Doing::ReceivesExact(..) => self.model.leave(Receives, who),
        }
    }

    fn try_something(&mut self) {
        if self.rng.one_in(2) {
            let data = self.data();
            let expected = match self.model.send(NOBODY, &data) {
                Poll::Pending => Err(TrySendError::Full { value: (), capacity: N }),
                Poll::Ready(sent) => sent.map_err(|Closed| TrySendError::Closed(())),
            };
            self.model.sending.line.leave(NOBODY);
            assert_eq!(self.pipe.try_send(&data), expected);
        } else {
            let mut buffer = vec![0; self.rng.below(8) as usize];
            let expected = match self.model.receive(NOBODY, buffer.len()) {
                Poll::Pending => None,
                Poll::Ready(bytes) => Some(bytes),
            };
            self.model.receiving.line.leave(NOBODY);
            let count = self.pipe.try_receive(&mut buffer);
            assert_eq!(count.map(|count| buffer[..count].to_vec()), expected);
        }
    }

    fn change_ends(&mut self) {
        let pipe = self.pipe;
        if self.ends.change(&mut self.rng, || pipe.sender(), || pipe.receiver()) {
            self.model.close();
        }
    }

    fn step(&mut self) {
        let who = self.rng.below(COUNT as u64) as usize;
        match self.rng.below(40) {
            0..=25 => self.act(who),
            26..=29 => self.give_up(who),
            30..=35 => self.try_something(),
            36 | 37 => self.change_ends(),
            38 if self.rng.one_in(6) => {
                self.model.close();
                self.pipe.close();
            }
            _ => {}
        }
        self.check();
    }

    fn check(&mut self) {
        self.wakers.check(&mut self.model.woken);
        let model = &self.model;
        let counts = (self.pipe.len(), self.pipe.peak(), self.pipe.is_closed());
        assert_eq!(counts, (model.bytes.len(), model.peak, model.is_closed));
    }

    /// Whatever was cut off when, bytes that are left come out.
    fn end(mut self) {
        for who in 0..COUNT {
            self.give_up(who);
            self.check();
        }
        let mut buffer = [0; N];
        let left = self.pipe.try_receive(&mut buffer).unwrap_or(0);
        assert!(self.model.bytes.iter().eq(&buffer[..left]));
        // And nobody has kept a turn.
        let mut one = [0];
        if !self.pipe.is_closed() {
            assert_eq!(self.wakers.poll(0, pin!(self.pipe.send_all(&[7]))), Poll::Ready(Ok(())));
            assert_eq!(self.wakers.poll(0, pin!(self.pipe.receive_exact(&mut one))), Poll::Ready(Ok(())));
        }
    }
}

fn play<K: Access>(new: fn() -> Pipe<N, K>) {
    let _alone = alone();
    for seed in seeds(2_000) {
        let pipe = new();
        let mut world = World {
            pipe: &pipe,
            doing: [const { Doing::Nothing }; COUNT],
            wakers: Wakers::new(),
            ends: Ends::new(pipe.sender(), pipe.receiver()),
            model: Model::default(),
            rng: Rng(seed),
        };
        (0..150).for_each(|_| world.step());
        world.end();
    }
}

#[test]
fn random_bytes_agree_with_a_model() {
    play(Pipe::new);
    play(Pipe::shared);
}
