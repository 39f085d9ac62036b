//! What the models have in common: who is in line, in which order, and who was woken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::common::Woken;

/// What somebody waits for.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Where one who waits is, as the model has it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum State {
    Waits,
    Granted,
    IsTold,
}

/// Who is in line, in which order.
#[derive(Default, Debug)]
pub(crate) struct Line(pub(crate) Vec<(usize, State)>);

impl Line {
    /// Does it wait there, for what it was not told of yet?
    pub(crate) fn has_waiting(&self, who: usize) -> bool {
        self.0.contains(&(who, State::Waits))
    }
    pub(crate) fn is_waited_in(&self) -> bool {
        self.0.iter().any(|(_, state)| *state == State::Waits)
    }
    pub(crate) fn join(&mut self, who: usize) {
        self.0.push((who, State::Waits));
    }
    pub(crate) fn leave(&mut self, who: usize) -> Option<State> {
        let at = self.0.iter().position(|(other, _)| *other == who)?;
        Some(self.0.remove(at).1)
    }
    pub(crate) fn grant(&mut self) -> Option<usize> {
        let first = self.0.iter_mut().find(|(_, state)| *state == State::Waits)?;
        first.1 = State::Granted;
        Some(first.0)
    }
    pub(crate) fn tell_all(&mut self) -> Vec<usize> {
        let waiting = self.0.iter_mut().filter(|(_, state)| *state == State::Waits);
        waiting
            .map(|(who, state)| {
                *state = State::IsTold;
                *who
            })
            .collect()
    }
}

/// How many there are, each of whom does one thing at a time.
pub(crate) const COUNT: usize = 7;
/// What never waits is done by.
pub(crate) const NOBODY: usize = COUNT;

/// Those who are polled, each with a waker that counts.
pub(crate) struct Wakers([(Arc<Woken>, Waker); COUNT]);

impl Wakers {
    pub(crate) fn new() -> Self {
        Wakers(std::array::from_fn(|_| Woken::new()))
    }
    pub(crate) fn poll<F: Future + ?Sized>(&self, who: usize, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&self.0[who].1))
    }
    /// Those were woken since the last look, and nobody else.
    pub(crate) fn check(&self, woken: &mut Vec<usize>) {
        let mut expected = [0; COUNT];
        for who in woken.drain(..) {
            expected[who] += 1;
        }
        assert_eq!(std::array::from_fn(|who| self.0[who].0.take()), expected, "who was woken");
    }
}
