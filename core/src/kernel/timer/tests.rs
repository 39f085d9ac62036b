//! The queue against a sorted map: what comes out, when, and how much one operation does.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec::Vec;

use core::pin::Pin;
use core::ptr::NonNull;

use super::many::{CHUNK, FULL, Many};
use super::{Popped, Timer};
use crate::kernel::pin_ref::PinRef;

/// Random numbers of Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }
}

/// A queue, and what has to be in it.
struct World<const BITS: u32> {
    timers: Vec<Pin<Box<Timer<usize>>>>,
    queue: Many<usize, BITS>,
    model: BTreeMap<(u64, u64), usize>,
    keys: Vec<Option<(u64, u64)>>,
    set: u64,
    now: u64,
    random: Random,
}

impl<const BITS: u32> World<BITS> {
    fn new(count: usize, now: u64, seed: u64) -> Self {
        World {
            timers: (0..count).map(|number| Box::pin(Timer::new(number, 0))).collect(),
            queue: Many::new(),
            model: BTreeMap::new(),
            keys: std::vec![None; count],
            set: 0,
            now,
            random: Random(seed),
        }
    }

    fn timer(&self, number: usize) -> PinRef<Timer<usize>> {
        // SAFETY: the timers outlive the queue's use of them in this struct, and are pinned.
        unsafe { PinRef::new(NonNull::from(&*self.timers[number])) }
    }

    fn set(&mut self, number: usize, deadline: u64) {
        self.clear(number);
        self.set += 1;
        self.keys[number] = Some((deadline, self.set));
        self.model.insert((deadline, self.set), number);
        let timer = self.timer(number);
        // SAFETY: it was taken out, if it was in.
        self.bounded(|queue| unsafe { queue.insert(timer, deadline) });
    }

    fn clear(&mut self, number: usize) {
        if let Some(key) = self.keys[number].take() {
            self.model.remove(&key);
            let timer = self.timer(number);
            // SAFETY: MEMBER: the model has it.
            self.bounded(|queue| unsafe { queue.remove(timer) });
        }
    }

    fn soonest(&self) -> Option<u64> {
        self.model.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// No operation moves more than this.
    fn bounded<R>(&self, operation: impl FnOnce(&Many<usize, BITS>) -> R) -> R {
        let before = self.queue.moved();
        let result = operation(&self.queue);
        let moved = self.queue.moved() - before;
        assert!(moved <= CHUNK + FULL, "one operation moved {moved} timers");
        result
    }

    fn next(&self) -> Option<u64> {
        let next = self.bounded(Many::next);
        assert_eq!(next.is_some(), self.soonest().is_some());
        assert!(next <= self.soonest(), "a wake at {next:?}, and the soonest is {:?}", self.soonest());
        next
    }

    /// Takes out at most `most` of what is due. Says how many.
    fn pop(&mut self, most: u64) -> u64 {
        let mut count = 0;
        while count < most {
            match self.bounded(|queue| queue.pop(self.now)) {
                Popped::Due(timer) => {
                    let (key, number) = self.model.pop_first().expect("nothing is set, and something came out");
                    assert_eq!((*timer.with(), timer.deadline()), (number, key.0));
                    assert!(key.0 <= self.now, "it came early");
                    assert!(!timer.is_set());
                    self.keys[number] = None;
                    count += 1;
                }
                Popped::More if self.random.below(4) == 0 => break,
                Popped::More => {}
                Popped::Nothing => {
                    assert!(self.soonest().is_none_or(|soonest| soonest > self.now), "it comes late");
                    break;
                }
            }
        }
        count
    }

    fn anything(&mut self, span: u32) {
        let number = self.random.below(self.timers.len() as u64) as usize;
        match self.random.below(16) {
            0..=7 => {
                let bits = if self.random.below(2) == 0 { self.random.below(u64::from(span) + 1) as u32 } else { span };
                let mut deadline = self.now.saturating_add(1).saturating_add(self.random.below(1 << bits));
                if self.random.below(4) == 0 {
                    let same = self.random.below(8) as usize;
                    deadline = self.model.keys().nth(same).map_or(deadline, |key| key.0.max(self.now + 1));
                }
                self.set(number, deadline.min(u64::MAX - 1));
            }
            8..=10 => self.clear(number),
            11 => drop(self.next()),
            12 => drop(self.bounded(Many::spread)),
            _ => {
                if self.random.below(3) == 0 {
                    let step = match self.random.below(4) {
                        0 => self.next().map_or(0, |next| next.saturating_sub(self.now)),
                        1 => self.random.below(1 << span) / 16,
                        2 => self.random.below(1 << (span / 2)),
                        _ => 1,
                    };
                    self.now = self.now.saturating_add(step).min(u64::MAX - 2);
                }
                let most = self.random.below(200);
                self.pop(most);
            }
        }
    }
}

fn agrees_with_a_map<const BITS: u32>(operations: u32) {
    for (round, span) in [0, 3, 6, 12, 20, 30, 40, 55, 63].into_iter().enumerate() {
        let count = if round % 2 == 0 { 3000 } else { 300 };
        let now = if round == 3 { u64::MAX / 2 } else { 0 };
        let mut world = World::<BITS>::new(count, now, 77 * u64::from(span) + 1);
        for _ in 0..operations {
            world.anything(span);
        }
        while world.soonest().is_some() {
            world.now = world.now.max(world.next().unwrap());
            world.pop(u64::MAX);
            while world.bounded(Many::spread) {}
        }
        assert!(world.queue.is_empty());
    }
}

#[test]
fn random_timers_agree_with_a_sorted_map() {
    agrees_with_a_map::<6>(20_000);
}

/// In so narrow a wheel many timers share the way down, which is where equal deadlines could overtake each other.
#[test]
fn random_timers_in_a_narrow_wheel_agree_with_a_sorted_map() {
    agrees_with_a_map::<4>(20_000);
}

/// Runs the queue as a runtime does that has nothing else to do: looks when it says, and spreads ahead before it waits.
fn fires_all(deadlines: &[u64], what: &str) {
    let mut world = World::<6>::new(deadlines.len(), 0, 9);
    for (number, deadline) in deadlines.iter().enumerate() {
        world.set(number, *deadline);
    }
    let mut fired = 0;
    let mut looks = 0_u64;
    while let Some(next) = world.next() {
        looks += 1;
        world.now = world.now.max(next);
        fired += world.pop(u64::MAX);
        while world.bounded(Many::spread) {}
    }
    assert_eq!(fired, deadlines.len() as u64, "{what}");
    // Each slot that is spread costs a look; there are a few of them for each thousand timers.
    assert!(looks <= 2 * deadlines.len() as u64 + 100, "{what}: {looks} looks");
}

#[test]
fn no_operation_does_much_however_the_deadlines_lie() {
    const COUNT: u64 = 20_000;
    const SECOND: u64 = 1_000_000_000;
    let mut random = Random(7);
    let mut uniform = |span: u64| -> Vec<u64> { (0..COUNT).map(|_| 1 + random.below(span)).collect() };
    fires_all(&uniform(SECOND), "within a second");
    fires_all(&uniform(60 * SECOND), "within a minute");
    fires_all(&uniform(1_000), "within a thousand ticks");
    fires_all(&uniform(u64::MAX / 2), "within centuries");
    fires_all(&std::vec![30 * SECOND; COUNT as usize], "all at once");
    let far: Vec<u64> = uniform(4 * SECOND).iter().map(|deadline| deadline + 30 * SECOND).collect();
    fires_all(&far, "all of them far off");
}

#[test]
fn a_clock_that_jumps_over_all_deadlines_gets_them_in_order_and_in_small_pieces() {
    let mut world = World::<6>::new(50_000, 0, 3);
    for number in 0..50_000 {
        let deadline = 1 + world.random.below(60_000_000_000);
        world.set(number, deadline);
    }
    world.now = 61_000_000_000;
    let mut fired = 0;
    while !world.model.is_empty() {
        fired += world.pop(u64::MAX);
    }
    assert_eq!(fired, 50_000);
}

#[test]
fn few_timers_need_no_wheel() {
    let mut world = World::<6>::new(1000, 0, 1);
    for number in 0..64 {
        world.set(number, 1_000 * (number as u64 + 1));
    }
    assert!(!world.queue.has_wheel());
    for number in 0..64 {
        world.clear(number);
    }
    for number in 0..1000 {
        world.set(number, 1_000 * (number as u64 + 1));
    }
    assert!(world.queue.has_wheel());
}

#[test]
fn what_was_set_anew_leaves_once() {
    let mut world = World::<6>::new(200, 0, 5);
    for round in 0..50_u64 {
        for number in 0..200 {
            world.set(number, 10_000 + 37 * round + number as u64 % 7);
        }
    }
    world.now = 1 << 40;
    let mut left = 200;
    while left > 0 {
        left -= world.pop(left);
    }
    assert!(world.queue.is_empty());
}
