//! What one call to the system moves, and what its count says about the next call.
//!
//! A count that falls short of what was asked for says that the connection has no more; so a call must not ask for more
//! than the system may take for reasons of its own.

use std::io::{self, IoSlice, IoSliceMut};
use std::ops::{Deref, Range};

use giambio_core::__fault as fault;

use super::kind::{Connection, Receives, Sends};
use crate::reactor::Done;
use crate::sys::limits::MOST_SLICES;

/// What no system finds too much. Linux moves no more than 2 GiB less a page, and says so by a short count; others have their
/// limit at 2 or 4 GiB.
const MOST_BYTES: usize = 1 << 30;

pub(super) fn receive(io: &impl Receives, buffer: &mut [u8]) -> io::Result<Done<usize>> {
    match buffer.len().min(MOST_BYTES) {
        0 => Ok(Done::more(0)), // the system might say that this would block
        room => io.receive_now(&mut buffer[..room]),
    }
}

/// A count that falls short of the buffer says nothing: the data is still there.
pub(super) fn peek(io: &impl Connection, buffer: &mut [u8]) -> io::Result<Done<usize>> {
    match buffer.len().min(MOST_BYTES) {
        0 => Ok(Done::more(0)),
        room => io.peek_now(&mut buffer[..room]).map(Done::more),
    }
}

pub(super) fn receive_vectored(io: &impl Receives, buffers: &mut [IoSliceMut<'_>]) -> io::Result<Done<usize>> {
    let (part, room) = at_once(lengths(buffers));
    match &mut buffers[part] {
        [] => Ok(Done::more(0)),
        [one] => receive(io, one),
        several => io.receive_vectored_now(several, room),
    }
}

pub(super) fn send(io: &impl Sends, data: &[u8]) -> io::Result<Done<usize>> {
    match data.len().min(MOST_BYTES) {
        0 => Ok(Done::more(0)),
        length => io.send_now(&data[..length]),
    }
}

pub(super) fn send_vectored(io: &impl Sends, data: &[IoSlice<'_>]) -> io::Result<Done<usize>> {
    let (part, length) = at_once(lengths(data));
    match &data[part] {
        [] => Ok(Done::more(0)),
        [one] => send(io, one),
        several => io.send_vectored_now(several, length),
    }
}

/// Are there no bytes in any of `slices`?
pub(super) fn are_empty<S: Deref<Target = [u8]>>(slices: &[S]) -> bool {
    slices.iter().all(|slice| slice.is_empty())
}

fn lengths<S: Deref<Target = [u8]>>(slices: &[S]) -> impl Iterator<Item = usize> {
    slices.iter().map(|slice| slice.len())
}

/// Which slices, of so many bytes each, one call is to take, and how many bytes these are. The first is one that is not empty:
/// a call that was given empty ones alone would move 0 bytes, which says that the stream is over. One that is too large comes
/// alone.
fn at_once(lengths: impl Iterator<Item = usize>) -> (Range<usize>, usize) {
    let mut lengths = lengths.enumerate().skip_while(|(_, length)| *length == 0);
    let Some((first, length)) = lengths.next() else { return (0..0, 0) };
    let (mut end, mut bytes) = (first + 1, length.min(MOST_BYTES));
    for (index, length) in lengths.by_ref().take(MOST_SLICES - 1) {
        if length >= MOST_BYTES - bytes {
            break;
        }
        (end, bytes) = (index + 1, bytes + length);
    }
    if fault!("slices-cut-off-count-as-asked-for") {
        bytes += lengths.map(|(_, length)| length).sum::<usize>();
    }
    (first..end, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(lengths: &[usize]) -> (Range<usize>, usize) {
        at_once(lengths.iter().copied())
    }

    #[test]
    fn a_call_takes_what_there_is_without_the_empty_slices_in_front() {
        assert_eq!(part(&[]), (0..0, 0));
        assert_eq!(part(&[0, 0]), (0..0, 0));
        assert_eq!(part(&[0, 0, 3, 0, 4]), (2..5, 7));
    }

    #[test]
    fn a_call_takes_no_more_slices_than_the_system_does() {
        assert_eq!(part(&vec![2; MOST_SLICES]), (0..MOST_SLICES, 2 * MOST_SLICES));
        let (mut many, beyond) = (vec![0; 7], vec![2; MOST_SLICES + 5]);
        many.extend(beyond);
        assert_eq!(part(&many), (7..7 + MOST_SLICES, 2 * MOST_SLICES));
    }

    #[test]
    fn a_call_asks_for_no_more_bytes_than_every_system_moves() {
        assert_eq!(part(&[usize::MAX, 0, 1]), (0..1, MOST_BYTES));
        assert_eq!(part(&[1, usize::MAX, 1]), (0..1, 1));
        assert_eq!(part(&[MOST_BYTES / 2; 5]), (0..1, MOST_BYTES / 2));
        assert_eq!(part(&[MOST_BYTES / 4; 5]), (0..3, MOST_BYTES / 4 * 3));
    }
}
