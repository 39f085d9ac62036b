//! Unix: a byte through a pair of sockets.
//!
//! `polling` has a bell of its own. Over kqueue it allocates, and a signal handler may ring
//! ([`wake_from_signal`](giambio_core::wake_from_signal)); this one is a single `write`.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use polling::{PollMode, Poller};

use crate::reactor::{descriptor, notifier};

/// Its key. The highest one is `polling`'s own.
pub(super) const BELL: usize = usize::MAX - 1;

/// Ends a wait from any thread, and from a signal handler. Both ends live as long as anyone may ring: writing to a
/// pair whose other end is closed would be a signal of its own.
#[derive(Clone, Debug)]
pub(in crate::reactor) struct Bell(Arc<Ends>);

#[derive(Debug)]
struct Ends {
    loops: UnixStream,
    ringers: UnixStream,
}

impl Ends {
    fn new() -> io::Result<Ends> {
        let (loops, ringers) = UnixStream::pair()?;
        loops.set_nonblocking(true)?;
        ringers.set_nonblocking(true)?;
        Ok(Ends { loops, ringers })
    }
}

impl Bell {
    /// A bell that `poller` reports as [`BELL`].
    pub(super) fn new(poller: &Arc<Poller>, mode: PollMode) -> io::Result<Bell> {
        let bell = Bell(Arc::new(Ends::new()?));
        bell.put_up(poller, mode)?;
        Ok(bell)
    }

    /// From now on it is not the one of the process that this was forked from, and `poller` reports it.
    pub(super) fn renew(&self, poller: &Arc<Poller>, mode: PollMode) -> io::Result<()> {
        let new = Ends::new()?;
        descriptor::replace(&self.0.loops, &new.loops)?;
        descriptor::replace(&self.0.ringers, &new.ringers)?;
        self.put_up(poller, mode)
    }

    fn put_up(&self, poller: &Poller, mode: PollMode) -> io::Result<()> {
        descriptor::watch(poller, &self.0.loops, polling::Event::readable(BELL), mode)
    }

    /// The poller has reported it: makes it ready for the next time.
    pub(super) fn heard(&self, poller: &Poller, mode: PollMode) -> io::Result<()> {
        let _ = (&self.0.loops).read(&mut [0; 64]);
        match mode {
            PollMode::Oneshot => poller.modify_with_mode(&self.0.loops, polling::Event::readable(BELL), mode),
            _ => Ok(()),
        }
    }

    /// Ends its registration, before anything is closed.
    pub(super) fn take_down(&self, poller: &Poller) {
        // It can only fail if the descriptor was closed behind our back, and then it is gone from there too.
        let _ = poller.delete(&self.0.loops);
    }
}

impl notifier::Bell for Bell {
    fn ring(&self) {
        // A pair that takes no more is ringing already.
        let _ = (&self.0.ringers).write(&[1]);
    }
}
