//! Values in a row, of which the first that went in comes out first: a [`Deque`] that counts.
//!
//! As a `Cell` it is changed through a shared reference, and nothing notes that: no operation runs code of the program, for a
//! value is moved and no more, and none leaves a reference behind.
//!
//! # Invariants
//! * **COUNTED**: `len` is how many values there are, and at most `N`.
//! * **ALONE**: no reference to `values` outlives the operation that made it, and there is no other meanwhile.

use core::cell::{Cell, UnsafeCell};
use core::mem::needs_drop;

use heapless::Deque;

use crate::panics::First;

/// Up to `N` values.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct Fifo<T, const N: usize> {
    values: UnsafeCell<Deque<T, N>>,
    len: Cell<usize>,
}

impl<T, const N: usize> Fifo<T, N> {
    pub(crate) const fn new() -> Self {
        Fifo { values: UnsafeCell::new(Deque::new()), len: Cell::new(0) }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len.get()
    }

    /// Puts a value in, if more than `kept` places are free; how many are there then?
    pub(crate) fn push(&self, kept: usize, value: &mut Option<T>) -> Option<usize> {
        let len = self.len.get();
        if N - len <= kept {
            return None;
        }
        let value = value.take()?;
        // SAFETY: ALONE, and COUNTED: there is room.
        unsafe { (*self.values.get()).push_back_unchecked(value) };
        self.len.set(len + 1);
        Some(len + 1)
    }

    /// Takes out the first value, if more than `kept` are there.
    pub(crate) fn pop(&self, kept: usize) -> Option<T> {
        let len = self.len.get();
        if len <= kept {
            return None;
        }
        self.len.set(len - 1);
        // SAFETY: ALONE, and COUNTED: there is one.
        Some(unsafe { (*self.values.get()).pop_front_unchecked() })
    }
}

impl<T, const N: usize> Drop for Fifo<T, N> {
    fn drop(&mut self) {
        if !needs_drop::<T>() {
            return;
        }
        let mut first = First::new();
        while let Some(value) = self.pop(0) {
            first.catch(|| drop(value));
        }
        first.resume();
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::collections::VecDeque;
    use std::rc::Rc;

    use super::Fifo;

    #[test]
    fn random_changes_agree_with_a_queue_and_each_value_is_dropped_once() {
        let count = Rc::new(());
        let (fifo, mut queue) = (Fifo::<(u64, Rc<()>), 5>::new(), VecDeque::new());
        let mut random = 1u64;
        for number in 0..5_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let kept = (random >> 40) as usize % 3;
            if random >> 63 == 0 {
                let mut value = Some((number, count.clone()));
                let has_room = 5 - queue.len() > kept;
                queue.extend(has_room.then_some(number));
                assert_eq!(fifo.push(kept, &mut value), has_room.then_some(queue.len()));
                assert_eq!(value.is_none(), has_room);
            } else {
                let first = if queue.len() > kept { queue.pop_front() } else { None };
                assert_eq!(fifo.pop(kept).map(|(number, _)| number), first);
            }
            assert_eq!((fifo.len(), Rc::strong_count(&count)), (queue.len(), queue.len() + 1));
        }
        let mut last = Some((0, count.clone()));
        fifo.pop(0);
        assert!(fifo.push(0, &mut last).is_some(), "one is dropped with it");
        drop(fifo);
        assert_eq!(Rc::strong_count(&count), 1);
    }
}
