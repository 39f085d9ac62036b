//! Places that are allocated, as many as the program says while it runs.

use alloc::collections::{BinaryHeap, VecDeque};

use super::buffer::Buffer;

/// So many places, all of them allocated, in a collection: in a queue, or in a heap.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct Places<C> {
    values: C,
    count: usize,
}

/// What grows. Nobody else can implement it, for nobody else can name it.
pub trait Grows: Sized {
    type Value;

    fn with_capacity(count: usize) -> Self;
    fn reserve(&mut self, more: usize);
    fn push(&mut self, value: Self::Value);
    /// Takes out the next.
    fn pop(&mut self) -> Option<Self::Value>;
    fn len(&self) -> usize;
}

impl<C: Grows> Places<C> {
    #[track_caller]
    pub(super) fn new(count: usize) -> Self {
        assert!(count > 0, "giambio: a channel of 0 places holds nothing: choose 1 at least");
        Places { values: C::with_capacity(count), count }
    }

    /// Adds some, or panics, where memory can't hold so many, and nothing has changed.
    #[track_caller]
    pub(super) fn grow(&mut self, places: usize) {
        let count = self.count.checked_add(places).expect("giambio: a channel has at most `usize::MAX` places");
        self.values.reserve(count - self.values.len());
        self.count = count;
    }

    pub(super) const fn values(&self) -> &C {
        &self.values
    }
}

impl<C: Grows> Buffer for Places<C> {
    type Value = C::Value;

    fn push(&mut self, value: C::Value) {
        self.values.push(value);
    }

    fn pop(&mut self) -> Option<C::Value> {
        self.values.pop()
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn capacity(&self) -> usize {
        self.count
    }
}

macro_rules! grows {
    ($collection:ident<T $(: $bound:ident)?>, $push:ident, $pop:ident) => {
        impl<T $(: $bound)?> Grows for $collection<T> {
            type Value = T;

            fn with_capacity(count: usize) -> Self {
                $collection::with_capacity(count)
            }

            fn reserve(&mut self, more: usize) {
                $collection::reserve(self, more);
            }

            fn push(&mut self, value: T) {
                $collection::$push(self, value);
            }

            fn pop(&mut self) -> Option<T> {
                $collection::$pop(self)
            }

            fn len(&self) -> usize {
                $collection::len(self)
            }
        }
    };
}

grows!(VecDeque<T>, push_back, pop_front);
grows!(BinaryHeap<T: Ord>, push, pop);
