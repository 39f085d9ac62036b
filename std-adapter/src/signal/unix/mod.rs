//! Signals on Unix: a handler that is up while somebody watches. It marks the signal in each watch for it, and writes a byte
//! into a pair of sockets, whose other end our own reactor watches.
//!
//! Here is a watch; `slot` is what the handler knows of it, `handler` the handler, `disposition` what else becomes of a
//! signal: who else wants it, and what it does when nobody watches.

mod disposition;
mod handler;
mod slot;

use std::fmt;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll};

use self::disposition::Dispositions;
use self::slot::Slot;
use super::kinds::{Set, Signal};
use super::patience::Patience;
use crate::reactor::{Descriptor, Direction, Done, Source};
use crate::sys::process::Process;

/// What terminals, containers and init systems send to a program that is to end.
pub(crate) const ORDERS: [Signal; 2] = [Signal::TERM, Signal::INT];

/// No process sees the first two; after the others a program can't go on.
pub(crate) const UNWATCHABLE: &[Signal] =
    &[Signal::KILL, Signal::STOP, Signal::SEGV, Signal::BUS, Signal::FPE, Signal::ILL];

/// The place with the handler goes first: it has the end that the handler writes to, and to write to a pair whose other end
/// is closed is a signal of its own.
#[derive(Debug)]
pub(crate) struct Watch {
    place: Place,
    pipe: Source<Pipe>,
}

impl Watch {
    pub(crate) fn new(signals: Set, patience: Patience) -> io::Result<Watch> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Watch { place: Place::take(writer, signals, patience)?, pipe: Source::own(Pipe(reader)) })
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Signal>> {
        if self.place.process != Process::current() {
            // What comes there is for the process that this one was forked from.
            *self = Watch::new(self.place.signals, self.place.patience)?;
        }
        let slot = self.place.slot;
        self.pipe.poll_io(cx, Direction::Read, |Pipe(pipe)| {
            let mut pipe = pipe;
            loop {
                // The mark comes before the byte.
                match slot.take_arrived() {
                    Some(signal) => return Ok(Done::more(signal)),
                    None => pipe.read(&mut [0; 64])?,
                };
            }
        })
    }

    /// How many have come, each counted.
    pub(crate) fn count(&self) -> u32 {
        self.place.slot.count()
    }
}

/// The end that tells of signals. Nobody else has it.
struct Pipe(UnixStream);

/// As those see it who look on.
impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signals")
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Descriptor for Pipe {
    const RELIES_ON_MODE: bool = false;

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }

    fn end(&self) {}
}

/// While it lives, the handler writes to its end.
#[derive(Debug)]
struct Place {
    process: Process,
    signals: Set,
    patience: Patience,
    slot: &'static Slot,
    /// Open until the slot is left.
    _end: UnixStream,
}

impl Place {
    fn take(end: UnixStream, signals: Set, patience: Patience) -> io::Result<Place> {
        let mut known = Dispositions::lock();
        let process = Process::current();
        let slot = Slot::take(process, signals, patience, end.as_fd());
        for signal in signals.iter() {
            if let Err(error) = known.begin(signal) {
                slot.leave();
                signals.iter().take_while(|earlier| *earlier != signal).for_each(|earlier| known.end(earlier));
                return Err(error);
            }
        }
        Ok(Place { process, signals, patience, slot, _end: end })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut known = Dispositions::lock();
        self.slot.leave();
        if self.process == Process::current() {
            self.signals.iter().for_each(|signal| known.end(signal));
        } else {
            // The first that goes after a fork puts back what was there, unless somebody watches here.
            self.signals.iter().for_each(|signal| known.settle(signal));
        }
    }
}
