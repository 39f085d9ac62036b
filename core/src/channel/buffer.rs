//! What lies between the two sides of a channel.

#[cfg(feature = "heapless")]
use heapless::Deque;

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

#[cfg(feature = "heapless")]
impl<T, const N: usize> Buffer for Deque<T, N> {
    type Value = T;

    fn push(&mut self, value: T) {
        let Ok(()) = self.push_back(value) else { unreachable!("giambio: a channel's places are counted") };
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
