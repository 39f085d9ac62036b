//! A direction that a future has to itself.

use std::fmt;
use std::io;

use super::readiness::{Direction, Readiness};

/// One direction of a source belongs to the future that holds this. Dropping it also withdraws the future's waker.
pub struct Claim<'a>(&'a Readiness);

impl<'a> Claim<'a> {
    pub(super) fn new(readiness: &'a Readiness) -> Claim<'a> {
        readiness.claim();
        Claim(readiness)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim")
    }
}

pub(crate) fn busy_error(direction: Direction) -> io::Error {
    let message = match direction {
        Direction::Read => {
            "another task is already receiving from this stream, and each would get parts of what is for the other: let one \
             task receive, and pass on what comes"
        }
        Direction::Write => {
            "another task is already sending to this stream, and what both send would be mixed up: let one task send what \
             others hand to it"
        }
    };
    io::Error::new(io::ErrorKind::ResourceBusy, message)
}
