//! A queue for any number of timers: what is near lies in its full order, all else in a [`Wheel`].
//!
//! Until there are more than [`FEW`] there is no wheel, which takes 23 KiB. No operation moves more than [`CHUNK`] + [`FULL`]
//! timers; where more is to be done, `pop` says so, and `spread` does a part of it ahead.
//!
//! # Invariants
//! * **NEAR**: what is near may be anything: it is in its full order. It is given out only if it is sooner than all that lies
//!   in slots (BOUND), or equal and set before (DOWNWARD), so that nothing overtakes.

use std::boxed::Box;

use core::cell::{Cell, OnceCell};

use super::entry::{Place, Timer};
use super::pairing_heap::PairingHeap;
use super::popped::Popped;
use super::wheel::{Span, Wheel};
use crate::kernel::list::List;
use crate::kernel::pin_ref::PinRef;

/// With so few timers a heap costs what a wheel costs.
const FEW: u32 = 64;
/// A slot with more is spread into the levels below, one with fewer is sorted.
pub(super) const FULL: u32 = 32;
/// How many timers an operation spreads.
pub(super) const CHUNK: u32 = 16;

/// See the module. `BITS` of a level of its wheel.
pub(crate) struct Many<T, const BITS: u32> {
    near: Near<T>,
    numbers: Cell<u32>,
    /// The clock when it was looked at last.
    now: Cell<u64>,
    wheel: OnceCell<Box<Wheel<T, BITS>>>,
    /// How many timers were moved, for tests.
    #[cfg(test)]
    moved: Cell<u32>,
}

impl<T, const BITS: u32> Many<T, BITS> {
    pub(crate) const fn new() -> Self {
        Many {
            near: Near { sorted: List::new(), heap: PairingHeap::new(), count: Cell::new(0) },
            numbers: Cell::new(0),
            now: Cell::new(0),
            wheel: OnceCell::new(),
            #[cfg(test)]
            moved: Cell::new(0),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.near.count.get() == 0 && self.wheel.get().is_none_or(|wheel| wheel.is_empty())
    }

    /// Puts a timer in, until `deadline`.
    ///
    /// # Safety
    /// It is in no queue.
    pub(crate) unsafe fn insert(&self, timer: PinRef<Timer<T>>, deadline: u64) {
        debug_assert!(!timer.is_set(), "a timer is in one queue at most");
        let number = self.numbers.get().wrapping_add(1);
        self.numbers.set(number);
        timer.begin(deadline, number);
        let wheel = match self.wheel.get() {
            None if self.near.count.get() < FEW => None,
            _ => Some(self.wheel.get_or_init(|| Box::new(Wheel::new(self.now.get())))),
        };
        // SAFETY: by contract it is in no list and no heap; and it goes into one.
        unsafe {
            if wheel.is_none_or(|wheel| !wheel.take_in(timer, Wheel::<T, BITS>::LEVELS)) {
                self.near.push(timer);
            }
        }
    }

    /// # Safety
    /// MEMBER: the timer is in this queue.
    pub(crate) unsafe fn remove(&self, timer: PinRef<Timer<T>>) {
        match timer.place.get() {
            // SAFETY: MEMBER, by contract, and its place says where.
            Place::HEAP | Place::SORTED => unsafe { self.near.take_out(timer) },
            _ => {
                if let Some(wheel) = self.wheel.get() {
                    // SAFETY: PLACE: by contract it is in this wheel, since it is in this queue and not near.
                    unsafe { wheel.take_out(timer) };
                }
            }
        }
    }

    /// When to look again: at the soonest deadline, or before it where a full slot is to be spread.
    pub(crate) fn next(&self) -> Option<u64> {
        let near = || self.near.first().map(|first| first.deadline());
        let Some(wheel) = self.wheel.get() else { return near() };
        let mut moved = 0;
        loop {
            let near = near();
            if near.is_some_and(|near| near < wheel.bound()) {
                return near;
            }
            let Some((span, ahead)) = wheel.first(FULL) else {
                wheel.set_bound(u64::MAX);
                return near;
            };
            wheel.set_bound(span.begin);
            if let Some(near) = near.filter(|near| *near < span.begin) {
                return Some(near.min(ahead));
            }
            let is_little = moved < CHUNK && wheel.count(span) <= FULL && self.near.count.get() < FEW;
            if span.level == 0 || !is_little {
                // Of a slot that isn't sorted now it is known when it begins, which may be before its soonest timer.
                return Some(span.begin.min(ahead));
            }
            moved += self.sort(wheel, span);
        }
    }

    /// Takes out the soonest timer if it is due.
    pub(crate) fn pop(&self, now: u64) -> Popped<PinRef<Timer<T>>> {
        self.now.set(self.now.get().max(now));
        let mut moved = 0;
        loop {
            let bound = self.wheel.get().map_or(u64::MAX, |wheel| wheel.bound());
            let near = self.near.first();
            if let Some(near) = near.filter(|near| near.deadline() <= now && near.deadline() < bound) {
                // SAFETY: MEMBER: it was found there.
                unsafe { self.near.take_out(near) };
                return Popped::Due(near);
            }
            let Some(wheel) = self.wheel.get().filter(|_| bound <= now && bound != u64::MAX) else {
                if let Some(wheel) = self.wheel.get() {
                    wheel.reach(now);
                }
                return Popped::Nothing;
            };
            if moved >= CHUNK {
                return Popped::More;
            }
            let Some((span, _)) = wheel.first(FULL) else {
                wheel.set_bound(u64::MAX);
                continue;
            };
            wheel.set_bound(span.begin);
            if span.begin > now {
                continue;
            }
            if span.level == 0 {
                // All of its timers have this deadline, and of those that are near some may have it too.
                let Some(front) = wheel.front(span) else { continue };
                let due = near.filter(|near| near.is_sooner(&front)).unwrap_or(front);
                // SAFETY: MEMBER: it was found in this queue.
                unsafe { self.remove(due) };
                return Popped::Due(due);
            }
            if near.is_some_and(|near| near.deadline() < span.begin) {
                continue;
            }
            wheel.reach(span.begin);
            moved += match wheel.count(span) {
                count if count > FULL => self.spread_some(wheel, span, CHUNK - moved),
                _ => self.sort(wheel, span),
            };
        }
    }

    /// Takes out some timer, due or not.
    pub(crate) fn pop_any(&self) -> Option<PinRef<Timer<T>>> {
        let first = self.near.first().or_else(|| {
            let wheel = self.wheel.get()?;
            wheel.front(wheel.first(FULL)?.0)
        })?;
        // SAFETY: MEMBER: it was found in this queue.
        unsafe { self.remove(first) };
        Some(first)
    }

    /// Does a part of what is to be done ahead: spreads a full slot that comes next. Is there more of it?
    pub(crate) fn spread(&self) -> bool {
        let now = self.now.get();
        let Some(wheel) = self.wheel.get().filter(|wheel| !wheel.is_empty() && wheel.bound() > now) else {
            return false;
        };
        wheel.reach(now);
        let mut moved = 0;
        let mut levels = wheel.levels() & !1;
        while levels != 0 {
            let span = wheel.next_at(levels.trailing_zeros());
            levels &= levels - 1;
            if wheel.count(span) > FULL {
                if moved == CHUNK {
                    return true;
                }
                moved += self.spread_some(wheel, span, CHUNK - moved);
                if wheel.count(span) > 0 {
                    return true;
                }
            }
        }
        false
    }

    /// Moves the first `most` timers of a slot to where they belong below it; says how many.
    fn spread_some(&self, wheel: &Wheel<T, BITS>, span: Span, most: u32) -> u32 {
        let mut moved = 0;
        while moved < most
            && let Some(timer) = wheel.front(span)
        {
            // SAFETY: PLACE: it was found there; so it is nowhere when it is taken in again.
            unsafe {
                wheel.take_out(timer);
                if !wheel.take_in(timer, span.level) {
                    self.near.push(timer);
                }
            }
            moved += 1;
        }
        self.count_moved(moved);
        moved
    }

    /// All timers of a slot that isn't full become near; says how many.
    fn sort(&self, wheel: &Wheel<T, BITS>, span: Span) -> u32 {
        let mut timers = [None; FULL as usize];
        let mut count = 0;
        while let Some(timer) = wheel.front(span) {
            // SAFETY: PLACE: it was found there.
            unsafe { wheel.take_out(timer) };
            timers[count] = Some(timer);
            count += 1;
        }
        // SAFETY: all have just been taken out.
        unsafe { self.near.take_in(&mut timers[..count]) };
        self.count_moved(count as u32);
        count as u32
    }

    fn count_moved(&self, _moved: u32) {
        #[cfg(test)]
        self.moved.set(self.moved.get() + _moved);
    }

    #[cfg(test)]
    pub(super) fn moved(&self) -> u32 {
        self.moved.get()
    }

    #[cfg(test)]
    pub(super) fn has_wheel(&self) -> bool {
        self.wheel.get().is_some()
    }
}

/// The timers that are near, in a sorted list, which was a slot, and a heap.
struct Near<T> {
    sorted: List<Timer<T>>,
    heap: PairingHeap<T>,
    count: Cell<u32>,
}

impl<T> Near<T> {
    /// The soonest.
    fn first(&self) -> Option<PinRef<Timer<T>>> {
        match (self.sorted.first(), self.heap.first()) {
            (Some(sorted), Some(root)) => Some(if root.is_sooner(&sorted) { root } else { sorted }),
            (sorted, root) => sorted.or(root),
        }
    }

    /// # Safety
    /// The timer is in no list and no heap.
    unsafe fn push(&self, timer: PinRef<Timer<T>>) {
        timer.place.set(Place::HEAP);
        self.count.set(self.count.get() + 1);
        // SAFETY: by contract.
        unsafe { self.heap.push(timer) };
    }

    /// Takes in what was a slot's.
    ///
    /// # Safety
    /// The timers are in no list and no heap.
    unsafe fn take_in(&self, timers: &mut [Option<PinRef<Timer<T>>>]) {
        if timers.len() == 1 || !self.sorted.is_empty() {
            // SAFETY: by contract.
            timers.iter().flatten().for_each(|timer| unsafe { self.push(*timer) });
            return;
        }
        timers.sort_unstable_by(|a, b| match (a, b) {
            (Some(a), Some(b)) => a.order(b),
            _ => core::cmp::Ordering::Equal,
        });
        for timer in timers.iter().flatten() {
            timer.place.set(Place::SORTED);
            self.sorted.push(*timer);
        }
        self.count.set(self.count.get() + timers.len() as u32);
    }

    /// # Safety
    /// MEMBER: the timer is near, in this queue.
    unsafe fn take_out(&self, timer: PinRef<Timer<T>>) {
        let place = timer.place.replace(Place::NONE);
        self.count.set(self.count.get() - 1);
        // SAFETY: MEMBER, by contract, and its place says where.
        unsafe {
            match place {
                Place::SORTED => self.sorted.remove(timer),
                _ => self.heap.remove(timer),
            }
        }
    }
}
