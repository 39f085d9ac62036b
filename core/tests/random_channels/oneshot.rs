//! One value, once, against a model: it is nowhere yet, there, or with somebody.

use std::task::Poll;

use crate::common::{Rng, alone, seeds};
use crate::line::{Boxed, COUNT, Line, Wakers};
use giambio_core::channel::{Closed, OneShot, SendError, TryReceiveError};
use giambio_core::sync::Access;

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Empty,
    Full(u32),
    Over,
}

#[derive(Debug)]
struct Model {
    state: State,
    line: Line,
    woken: Vec<usize>,
}

impl Model {
    fn take(&mut self) -> Option<Result<u32, Closed>> {
        match self.state {
            State::Empty => None,
            State::Full(value) => {
                self.state = State::Over;
                Some(Ok(value))
            }
            State::Over => Some(Err(Closed)),
        }
    }
    fn becomes(&mut self, state: State) {
        self.state = state;
        self.woken.extend(self.line.tell_all());
    }
    fn close(&mut self) {
        if self.state == State::Empty {
            self.becomes(State::Over);
        }
    }
}

fn play<K: Access>(new: fn() -> OneShot<u32, K>) {
    let _alone = alone();
    for seed in seeds(4_000) {
        let (answer, wakers, mut rng) = (new(), Wakers::new(), Rng(seed));
        let mut model = Model { state: State::Empty, line: Line::default(), woken: Vec::new() };
        let mut waits: [Option<Boxed<'_, Result<u32, Closed>>>; COUNT] = [const { None }; COUNT];
        for step in 0..40 {
            let who = rng.below(COUNT as u64) as usize;
            match rng.below(20) {
                0..=9 => {
                    let wait = waits[who].get_or_insert_with(|| Box::pin(answer.receive()));
                    let is_waiting = model.line.has_waiting(who);
                    let expected = if is_waiting { None } else { model.take() };
                    if !is_waiting {
                        model.line.leave(who);
                        if expected.is_none() {
                            model.line.join(who);
                        }
                    }
                    let polled = wakers.poll(who, wait.as_mut());
                    assert_eq!(polled, expected.map_or(Poll::Pending, Poll::Ready));
                    if polled.is_ready() {
                        waits[who] = None;
                    }
                }
                10..=12 => {
                    model.line.leave(who);
                    waits[who] = None;
                }
                13 | 14 => {
                    let expected = model.take().unwrap_or(Err(Closed));
                    let is_empty = model.state == State::Empty;
                    let error = if is_empty { TryReceiveError::Empty } else { TryReceiveError::Closed };
                    assert_eq!(answer.try_receive(), expected.map_err(|Closed| error));
                }
                15 if rng.one_in(3) => {
                    let is_empty = model.state == State::Empty;
                    if is_empty {
                        model.becomes(State::Full(step));
                    }
                    // By itself, or by who was to send.
                    let sent = if rng.one_in(2) { answer.send(step) } else { answer.sender().send(step) };
                    assert_eq!(sent, if is_empty { Ok(()) } else { Err(SendError(step)) });
                }
                16 if rng.one_in(6) => {
                    model.close();
                    if rng.one_in(2) { answer.close() } else { drop(answer.sender()) }
                }
                _ => {}
            }
            wakers.check(&mut model.woken);
        }
        // What nobody has taken is there still.
        drop(waits);
        let left = model.take();
        assert_eq!(answer.try_receive().ok(), left.and_then(Result::ok));
    }
}

#[test]
fn random_answers_agree_with_a_model() {
    play(OneShot::new);
    play(OneShot::shared);
}
