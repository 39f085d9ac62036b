//! A place for each of a fixed number of results.

use core::cell::Cell;

pub(super) struct Places<T, const N: usize>([Cell<Option<T>>; N]);

impl<T, const N: usize> Places<T, N> {
    pub(super) const fn new() -> Self {
        Places([const { Cell::new(None) }; N])
    }

    pub(super) fn put(&self, number: usize, result: T) {
        self.0[number].set(Some(result));
    }

    /// All of them, which have been put there.
    pub(super) fn all(self) -> [T; N] {
        self.0.map(|place| match place.into_inner() {
            Some(result) => result,
            None => unreachable!("each has its result"),
        })
    }
}
