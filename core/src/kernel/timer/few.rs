//! A queue for few timers: a list, soonest first. It takes a word, and a timer in it one more.
//!
//! What is set, or taken away, is looked for from the front, which is cheaper than a heap up to some 32 timers, and less code.

use core::cell::Cell;
use core::marker::PhantomPinned;

use super::popped::Popped;
use crate::kernel::pin_ref::PinRef;

type At<T> = Option<PinRef<Timer<T>>>;

/// A deadline, in ticks, and what comes with it.
pub(crate) struct Timer<T> {
    next: Cell<At<T>>,
    deadline: Cell<u64>,
    with: T,
    _pinned: PhantomPinned,
}

impl<T> Timer<T> {
    pub(crate) const fn new(with: T, deadline: u64) -> Self {
        Timer { next: Cell::new(None), deadline: Cell::new(deadline), with, _pinned: PhantomPinned }
    }

    /// What comes with the deadline.
    pub(crate) fn with(&self) -> &T {
        &self.with
    }

    /// The deadline that was set last.
    pub(crate) fn deadline(&self) -> u64 {
        self.deadline.get()
    }

    /// Notes a deadline that it isn't set to yet.
    pub(crate) fn set_deadline(&self, deadline: u64) {
        self.deadline.set(deadline);
    }
}

impl<T> core::fmt::Debug for Timer<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Timer").field("deadline", &self.deadline.get()).finish_non_exhaustive()
    }
}

/// See the module.
pub(crate) struct Few<T> {
    first: Cell<At<T>>,
}

impl<T> Few<T> {
    pub(crate) const fn new() -> Self {
        Few { first: Cell::new(None) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_none()
    }

    /// The link that leads to the first timer that `is_it`, or to nothing.
    fn find(&self, is_it: impl Fn(PinRef<Timer<T>>) -> bool) -> &Cell<At<T>> {
        let mut link = &self.first;
        while let Some(timer) = link.get()
            && !is_it(timer)
        {
            // SAFETY: LIVE: it is in the list.
            link = unsafe { &(*timer.as_ptr()).next };
        }
        link
    }

    /// Puts a timer in, until `deadline`.
    ///
    /// # Safety
    /// It is in no queue.
    pub(crate) unsafe fn insert(&self, timer: PinRef<Timer<T>>, deadline: u64) {
        timer.deadline.set(deadline);
        let link = self.find(|other| deadline < other.deadline.get());
        timer.next.set(link.replace(Some(timer)));
    }

    /// # Safety
    /// MEMBER: the timer is in this queue.
    pub(crate) unsafe fn remove(&self, timer: PinRef<Timer<T>>) {
        self.find(|other| other.is(timer)).set(timer.next.get());
    }

    /// When to look again: at the soonest deadline.
    pub(crate) fn next(&self) -> Option<u64> {
        self.first.get().map(|first| first.deadline())
    }

    /// Takes out the soonest timer if it is due.
    pub(crate) fn pop(&self, now: u64) -> Popped<PinRef<Timer<T>>> {
        match self.first.get() {
            Some(first) if first.deadline.get() <= now => {
                self.first.set(first.next.get());
                Popped::Due(first)
            }
            _ => Popped::Nothing,
        }
    }

    /// Takes out some timer, due or not.
    pub(crate) fn pop_any(&self) -> At<T> {
        let first = self.first.get()?;
        self.first.set(first.next.get());
        Some(first)
    }

    /// Nothing needs to be done ahead.
    pub(crate) fn spread(&self) -> bool {
        false
    }
}

#[cfg(all(test, not(feature = "std")))]
mod tests {
    extern crate std;

    use std::collections::BTreeMap;
    use std::vec::Vec;

    use core::ptr::NonNull;

    use super::*;

    #[test]
    fn random_timers_agree_with_a_sorted_map() {
        let timers: Vec<Timer<usize>> = (0..20).map(|number| Timer::new(number, 0)).collect();
        // SAFETY: the timers outlive the queue, and are not moved.
        let at = |number: usize| unsafe { PinRef::new(NonNull::from(&timers[number])) };
        let (queue, mut model, mut now, mut seed) = (Few::new(), BTreeMap::new(), 0_u64, 7_u64);
        for turn in 0..50_000_u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (number, span) = ((seed >> 33) as usize % timers.len(), (seed >> 55) % 16);
            let key = model.iter().find(|(_, there)| **there == number).map(|(key, _)| *key);
            match key {
                None => {
                    model.insert((now + span, turn), number);
                    // SAFETY: the model says that it is not there.
                    unsafe { queue.insert(at(number), now + span) };
                }
                Some(key) if span < 4 => {
                    model.remove(&key);
                    // SAFETY: MEMBER: the model has it.
                    unsafe { queue.remove(at(number)) };
                }
                Some(_) => now += span % 3,
            }
            assert_eq!(queue.next(), model.first_key_value().map(|((deadline, _), _)| *deadline));
            assert_eq!(queue.is_empty(), model.is_empty());
            let due = model.first_entry().filter(|first| first.key().0 <= now);
            match (queue.pop(now), due) {
                (Popped::Due(timer), Some(first)) => assert_eq!(*timer.with(), first.remove()),
                (Popped::Nothing, None) => {}
                _ => panic!("what is due comes out, and nothing else"),
            }
        }
        while let Some(timer) = queue.pop_any() {
            assert_eq!(Some(*timer.with()), model.pop_first().map(|(_, number)| number));
        }
        assert!(model.is_empty());
    }
}
