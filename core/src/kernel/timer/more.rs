//! A queue for timers by the hundred, without a wheel: a pairing heap, which takes two words.

use core::cell::Cell;

use super::entry::{Place, Timer};
use super::pairing_heap::PairingHeap;
use super::popped::Popped;
use crate::kernel::pin_ref::PinRef;

/// See the module.
pub(crate) struct More<T> {
    heap: PairingHeap<T>,
    numbers: Cell<u32>,
}

impl<T> More<T> {
    pub(crate) const fn new() -> Self {
        More { heap: PairingHeap::new(), numbers: Cell::new(0) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heap.first().is_none()
    }

    /// Puts a timer in, until `deadline`.
    ///
    /// # Safety
    /// It is in no queue.
    pub(crate) unsafe fn insert(&self, timer: PinRef<Timer<T>>, deadline: u64) {
        let number = self.numbers.get().wrapping_add(1);
        self.numbers.set(number);
        timer.begin(deadline, number);
        timer.place.set(Place::HEAP);
        // SAFETY: by contract it is in no heap.
        unsafe { self.heap.push(timer) };
    }

    /// # Safety
    /// MEMBER: the timer is in this queue.
    pub(crate) unsafe fn remove(&self, timer: PinRef<Timer<T>>) {
        timer.place.set(Place::NONE);
        // SAFETY: by contract.
        unsafe { self.heap.remove(timer) };
    }

    /// When to look again: at the soonest deadline.
    pub(crate) fn next(&self) -> Option<u64> {
        self.heap.first().map(|first| first.deadline())
    }

    /// Takes out the soonest timer if it is due.
    pub(crate) fn pop(&self, now: u64) -> Popped<PinRef<Timer<T>>> {
        match self.heap.first() {
            Some(first) if first.deadline() <= now => {
                // SAFETY: MEMBER: it was found there.
                unsafe { self.remove(first) };
                Popped::Due(first)
            }
            _ => Popped::Nothing,
        }
    }

    /// Takes out some timer, due or not.
    pub(crate) fn pop_any(&self) -> Option<PinRef<Timer<T>>> {
        let first = self.heap.first()?;
        // SAFETY: MEMBER: it was found there.
        unsafe { self.remove(first) };
        Some(first)
    }

    /// Nothing needs to be done ahead.
    pub(crate) fn spread(&self) -> bool {
        false
    }
}
