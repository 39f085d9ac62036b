//! What lies between the two sides of a channel.

use core::cell::RefCell;

#[cfg(feature = "heapless")]
use heapless::Deque;

#[cfg(feature = "heapless")]
use crate::kernel::fifo::Fifo;

/// No buffer has more values than this, so the top bit of their count is free.
pub(super) const MOST: usize = isize::MAX as usize;

/// Keeps values until they are fetched. Nobody else can implement it, for nobody else can name it.
pub trait Buffer {
    type Value;

    /// Puts a value in. There is room: who calls has counted.
    fn push(&mut self, value: Self::Value);
    /// Takes out the next.
    fn pop(&mut self) -> Option<Self::Value>;
    fn len(&self) -> usize;
    fn capacity(&self) -> usize;
}

/// Where the values of a channel are kept, of whose places and values some are somebody's. Nobody else can implement it, for
/// nobody else can name it.
pub trait Store {
    type Value;

    /// Puts a value in, if more than `kept` places are free; how many are there then?
    fn push(&self, kept: usize, value: &mut Option<Self::Value>) -> Option<usize>;
    /// Takes out the next, if more than `kept` are there.
    fn pop(&self, kept: usize) -> Option<Self::Value>;
    fn len(&self) -> usize;
    fn capacity(&self) -> usize;
}

impl<B: Buffer> Store for RefCell<B> {
    type Value = B::Value;

    fn push(&self, kept: usize, value: &mut Option<B::Value>) -> Option<usize> {
        let mut buffer = self.borrow_mut();
        if (buffer.capacity() - buffer.len()).min(MOST) <= kept {
            return None;
        }
        buffer.push(value.take()?);
        Some(buffer.len())
    }

    fn pop(&self, kept: usize) -> Option<B::Value> {
        let mut buffer = self.borrow_mut();
        if buffer.len() <= kept { None } else { buffer.pop() }
    }

    fn len(&self) -> usize {
        self.borrow().len()
    }

    fn capacity(&self) -> usize {
        self.borrow().capacity()
    }
}

#[cfg(feature = "heapless")]
impl<T, const N: usize> Store for Fifo<T, N> {
    type Value = T;

    fn push(&self, kept: usize, value: &mut Option<T>) -> Option<usize> {
        Fifo::push(self, kept, value)
    }

    fn pop(&self, kept: usize) -> Option<T> {
        Fifo::pop(self, kept)
    }

    fn len(&self) -> usize {
        Fifo::len(self)
    }

    fn capacity(&self) -> usize {
        N
    }
}

#[cfg(feature = "heapless")]
impl<T, const N: usize> Buffer for Deque<T, N> {
    type Value = T;

    fn push(&mut self, value: T) {
        let Ok(()) = self.push_back(value) else { unreachable!("giambio: there is room for it") };
    }

    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn len(&self) -> usize {
        Deque::len(self)
    }

    fn capacity(&self) -> usize {
        N
    }
}
