//! Random use of locks against a model: permits in a line, first come, first served. A mutex is a semaphore with one permit;
//! of a lock for looking each look takes one of many, and a change all of them.

use std::collections::VecDeque;
use std::future::Future;
use std::task::Poll;

use crate::by_hand::ByHand;
use crate::common::{Rng, alone, seeds};
use giambio_core::sync::{
    Access, AcquireError, Local, Mutex, MutexGuard, Permit, ReadGuard, RwLock, Semaphore, Shared, TryAcquireError,
    WriteGuard,
};

/// What is tried.
trait Subject {
    type Held<'a>
    where
        Self: 'a;

    /// How many permits it takes the place of.
    const TOTAL: usize;
    /// What may be asked for.
    fn ask(random: &mut Rng) -> usize;
    fn acquire(&self, ask: usize) -> impl Future<Output = Result<Self::Held<'_>, AcquireError>>;
    fn try_acquire(&self, ask: usize) -> Result<Self::Held<'_>, TryAcquireError>;
    /// It goes, and its permits with it; false: there is no such thing, and nothing has happened.
    fn remove(_held: Self::Held<'_>) -> bool {
        false
    }
    fn add(&self, _n: usize) -> bool {
        false
    }
    fn close(&self) -> bool {
        false
    }
    /// What it says of itself: how many are free, and there in all.
    fn counts(&self) -> Option<(usize, usize)> {
        None
    }
}

impl<K: Access> Subject for Semaphore<K> {
    type Held<'a> = Permit<'a, K>;
    const TOTAL: usize = 4;

    fn ask(random: &mut Rng) -> usize {
        random.below(7) as usize
    }
    fn acquire(&self, ask: usize) -> impl Future<Output = Result<Permit<'_, K>, AcquireError>> {
        Semaphore::acquire(self, ask)
    }
    fn try_acquire(&self, ask: usize) -> Result<Permit<'_, K>, TryAcquireError> {
        Semaphore::try_acquire(self, ask)
    }
    fn remove(held: Permit<'_, K>) -> bool {
        held.remove();
        true
    }
    fn add(&self, n: usize) -> bool {
        Semaphore::add(self, n);
        true
    }
    fn close(&self) -> bool {
        Semaphore::close(self);
        true
    }
    fn counts(&self) -> Option<(usize, usize)> {
        Some((self.free(), self.total()))
    }
}

impl<K: Access> Subject for Mutex<(), K> {
    type Held<'a> = MutexGuard<'a, (), K>;
    const TOTAL: usize = 1;

    fn ask(_: &mut Rng) -> usize {
        1
    }
    async fn acquire(&self, _: usize) -> Result<MutexGuard<'_, (), K>, AcquireError> {
        Ok(self.lock().await)
    }
    fn try_acquire(&self, _: usize) -> Result<MutexGuard<'_, (), K>, TryAcquireError> {
        self.try_lock().ok_or(TryAcquireError::Busy { asked: 1, free: 0 })
    }
    fn counts(&self) -> Option<(usize, usize)> {
        Some((usize::from(!self.is_locked()), 1))
    }
}

/// Looking takes one, changing all.
enum Either<'a, K: Access> {
    Read(#[expect(dead_code, reason = "for what it holds")] ReadGuard<'a, (), K>),
    Write(#[expect(dead_code, reason = "for what it holds")] WriteGuard<'a, (), K>),
}

impl<K: Access> Subject for RwLock<(), K> {
    type Held<'a> = Either<'a, K>;
    const TOTAL: usize = 1_000;

    fn ask(random: &mut Rng) -> usize {
        if random.one_in(3) { Self::TOTAL } else { 1 }
    }
    async fn acquire(&self, ask: usize) -> Result<Either<'_, K>, AcquireError> {
        Ok(if ask == 1 { Either::Read(self.read().await) } else { Either::Write(self.write().await) })
    }
    fn try_acquire(&self, ask: usize) -> Result<Either<'_, K>, TryAcquireError> {
        let read = || self.try_read().map(Either::Read);
        let held = if ask == 1 { read() } else { self.try_write().map(Either::Write) };
        held.ok_or(TryAcquireError::Busy { asked: ask, free: 0 })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Away,
    Waits,
    /// It was told to look.
    Told,
    Granted,
}

const COUNT: usize = 6;

type Slot<'a, S> = Option<ByHand<'a, Result<<S as Subject>::Held<'a>, AcquireError>>>;

struct World<'a, S: Subject> {
    subject: &'a S,
    random: Rng,
    slots: [Slot<'a, S>; COUNT],
    held: Vec<(usize, S::Held<'a>)>,
    // The model.
    states: [(State, usize); COUNT],
    line: VecDeque<usize>,
    taken: usize,
    total: usize,
    is_closed: bool,
}

impl<'a, S: Subject> World<'a, S> {
    fn free(&self) -> usize {
        self.total.saturating_sub(self.taken)
    }

    /// The first in line get what they ask for, as long as there is enough.
    fn serve(&mut self) {
        while let Some(&first) = self.line.front()
            && !self.is_closed
        {
            let ask = self.states[first].1;
            if ask > self.total {
                self.states[first].0 = State::Told;
            } else if ask <= self.free() {
                self.taken += ask;
                self.states[first].0 = State::Granted;
            } else {
                return;
            }
            self.line.pop_front();
        }
    }

    /// What somebody gets who comes now.
    fn comes(&mut self, ask: usize) -> Result<(), TryAcquireError> {
        if self.is_closed {
            Err(TryAcquireError::Closed)
        } else if ask > self.total {
            Err(TryAcquireError::TooMany { asked: ask, total: self.total })
        } else if !self.line.is_empty() || ask > self.free() {
            Err(TryAcquireError::Busy { asked: ask, free: self.free() })
        } else {
            self.taken += ask;
            Ok(())
        }
    }

    fn poll(&mut self, who: usize) {
        let (state, ask) = match self.states[who] {
            (State::Away, _) => (State::Away, S::ask(&mut self.random)),
            known => known,
        };
        let subject = self.subject;
        let mut waits = self.slots[who].take().unwrap_or_else(|| ByHand::new(subject.acquire(ask)));
        let expected = match state {
            State::Waits => Err(TryAcquireError::Busy { asked: ask, free: 0 }),
            State::Granted => Ok(()),
            State::Away | State::Told => self.comes(ask),
        };
        match (waits.poll(), expected) {
            (Poll::Ready(Ok(held)), Ok(())) => {
                self.states[who].0 = State::Away;
                self.held.push((ask, held));
            }
            (Poll::Ready(Err(error)), Err(expected)) => {
                self.states[who].0 = State::Away;
                assert_eq!(TryAcquireError::from(error), expected);
            }
            (Poll::Pending, Err(TryAcquireError::Busy { .. })) => {
                if state != State::Waits {
                    self.line.push_back(who);
                }
                self.states[who] = (State::Waits, ask);
                self.slots[who] = Some(waits);
            }
            (poll, expected) => {
                panic!("{who} was {state:?} and asked for {ask}: {expected:?}, and ready: {}", poll.is_ready())
            }
        }
    }

    fn drop(&mut self, who: usize) {
        self.slots[who] = None;
        let (state, ask) = self.states[who];
        self.states[who].0 = State::Away;
        self.line.retain(|other| *other != who);
        if state == State::Granted {
            self.taken -= ask;
        }
        self.serve();
    }

    fn give_back(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let (ask, held) = self.held.swap_remove(self.random.below(self.held.len() as u64) as usize);
        if self.random.one_in(6) {
            if S::remove(held) {
                self.total -= ask;
            }
        } else {
            drop(held);
        }
        self.taken -= ask;
        self.serve();
    }

    fn step(&mut self) {
        let states = self.states;
        match self.random.below(100) {
            0..40 => {
                let who = self.random.below(COUNT as u64) as usize;
                self.poll(who);
            }
            40..55 => {
                let who = self.random.below(COUNT as u64) as usize;
                self.drop(who);
            }
            55..85 => self.give_back(),
            85..95 => {
                let ask = S::ask(&mut self.random);
                match (self.subject.try_acquire(ask), self.comes(ask)) {
                    (Ok(held), Ok(())) => self.held.push((ask, held)),
                    (Err(error), Err(expected)) => {
                        assert!(error == expected || matches!(expected, TryAcquireError::Busy { .. }), "{error:?}");
                    }
                    (tried, expected) => panic!("tried for {ask}: {expected:?}, and got it: {}", tried.is_ok()),
                }
            }
            95..99 => {
                let n = self.random.below(4) as usize;
                if self.subject.add(n) {
                    self.total += n;
                    self.serve();
                }
            }
            _ => {
                if self.random.one_in(3) && self.subject.close() {
                    self.is_closed = true;
                    self.line.drain(..).for_each(|who| self.states[who].0 = State::Told);
                }
            }
        }
        // Who got something was woken, and nobody else.
        for (who, slot) in self.slots.iter().enumerate() {
            let is_due = states[who].0 == State::Waits && matches!(self.states[who].0, State::Told | State::Granted);
            assert_eq!(slot.as_ref().is_some_and(ByHand::is_woken), is_due, "{who} is {:?}", self.states[who]);
        }
        if let Some(counts) = self.subject.counts() {
            assert_eq!(counts, (self.free(), self.total));
        }
    }
}

/// Says which program it was, if it fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in program {}", self.0);
        }
    }
}

fn try_all<S: Subject>(new: impl Fn() -> S) {
    let _alone = alone();
    for seed in seeds(400) {
        let _seed = Seed(seed);
        let subject = new();
        let mut world = World {
            subject: &subject,
            random: Rng(seed),
            slots: Default::default(),
            held: Vec::new(),
            states: [(State::Away, 0); COUNT],
            line: VecDeque::new(),
            taken: 0,
            total: S::TOTAL,
            is_closed: false,
        };
        (0..200).for_each(|_| world.step());
        (0..COUNT).for_each(|who| world.drop(who));
        world.held.clear();
        if let Some((free, total)) = subject.counts() {
            assert_eq!(free, total, "all of it is back");
        }
    }
}

#[test]
fn random_requests_to_a_semaphore_agree_with_a_model() {
    try_all(|| Semaphore::<Local>::new(4));
    try_all(|| Semaphore::<Shared>::shared(4));
}

#[test]
fn random_holders_of_a_mutex_agree_with_a_model() {
    try_all(|| Mutex::<_, Local>::new(()));
    try_all(|| Mutex::<_, Shared>::shared(()));
}

#[test]
fn random_readers_and_writers_agree_with_a_model() {
    try_all(|| RwLock::<_, Local>::new(()));
    try_all(|| RwLock::<_, Shared>::shared(()));
}
