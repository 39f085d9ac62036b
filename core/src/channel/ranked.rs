//! Values by their urgency.

use core::cmp::{Ordering, Reverse};

use super::buffer::Buffer;

/// Values that come out by their priority, and of equal ones as they went in; they lie in a heap.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct Ranked<H> {
    pub(super) heap: H,
    /// How many ever went in.
    sent: u64,
}

/// A value in the heap, out of which the greatest comes first.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct Entry<T> {
    priority: u32,
    /// Of equal ones the first comes out first.
    number: Reverse<u64>,
    value: T,
}

impl<H> Ranked<H> {
    pub(super) const fn new(heap: H) -> Self {
        Ranked { heap, sent: 0 }
    }
}

impl<T, H: Buffer<Value = Entry<T>>> Buffer for Ranked<H> {
    type Value = (u32, T);

    fn push(&mut self, (priority, value): (u32, T)) {
        self.heap.push(Entry { priority, number: Reverse(self.sent), value });
        self.sent += 1;
    }

    fn pop(&mut self) -> Option<(u32, T)> {
        self.heap.pop().map(|entry| (entry.priority, entry.value))
    }

    fn len(&self) -> usize {
        self.heap.len()
    }

    fn capacity(&self) -> usize {
        self.heap.capacity()
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.priority, self.number).cmp(&(other.priority, other.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}
