//! A direction of a stream that has no descriptor: for one future at a time.

use std::cell::Cell;
use std::io;
use std::task::Poll;

use crate::reactor::{Direction, busy_error};

/// Has a future this direction to itself?
#[derive(Debug)]
pub(super) struct Alone {
    direction: Direction,
    is_taken: Cell<bool>,
}

/// A future has a direction to itself as long as it has this.
#[derive(Debug)]
pub struct Taken<'a>(&'a Cell<bool>);

impl Alone {
    pub(super) const fn new(direction: Direction) -> Alone {
        Alone { direction, is_taken: Cell::new(false) }
    }

    /// An error if a future has it.
    pub(super) fn expect_free(&self) -> io::Result<()> {
        if self.is_taken.get() { Err(busy_error(self.direction)) } else { Ok(()) }
    }

    /// Polls for one future: `claim` is its claim, which it needs while it waits.
    pub(super) fn poll<'a, T>(
        &'a self,
        claim: &mut Option<Taken<'a>>,
        poll: impl FnOnce() -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if claim.is_none() {
            self.expect_free()?;
        }
        let polled = poll();
        match (&polled, &claim) {
            (Poll::Pending, None) => {
                self.is_taken.set(true);
                *claim = Some(Taken(&self.is_taken));
            }
            (Poll::Ready(_), Some(_)) => *claim = None,
            _ => {}
        }
        polled
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
