//! One socket (or pipe) and its registration: what everything in `net` and `signal` is built on.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use giambio_core::poll_gate;

use super::table::{Half, Key, Side};
use super::{AsSource, Reactor};
use crate::net::Closed;

/// What a call that succeeded gives back.
pub(crate) struct Done<T> {
    value: T,
    fell_short: bool,
}

impl<T> Done<T> {
    /// Nothing is known about the next call: try it.
    pub(crate) fn more(value: T) -> Done<T> {
        Done { value, fell_short: false }
    }
}

impl Done<usize> {
    /// `moved` bytes of the `asked`: if fewer, the next call would block. 0 says something else: the stream is over.
    pub(crate) fn moved(moved: usize, asked: usize) -> Done<usize> {
        Done { value: moved, fell_short: 0 < moved && moved < asked }
    }
}

/// A non-blocking descriptor that can be waited for, and closed by `&self`.
///
/// Invariant: while `registered`, the system knows the descriptor under `key`. [`Source::take`] is the only way out
/// for the descriptor, and ends the registration first.
pub(crate) struct Source<S: AsSource> {
    reactor: Rc<Reactor>,
    key: Key,
    registered: Cell<bool>,
    /// Made by the runtime for itself: looking at it is not I/O of the program.
    own: bool,
    /// `None` once closed.
    io: RefCell<Option<S>>,
}

impl<S: AsSource> Source<S> {
    /// A socket of the program, which must be in non-blocking mode.
    pub(crate) fn new(io: S) -> Source<S> {
        Source::make(Some(io), false)
    }

    /// A descriptor of the runtime's own.
    pub(crate) fn own(io: S) -> Source<S> {
        Source::make(Some(io), true)
    }

    /// A socket that never opened.
    pub(crate) fn closed() -> Source<S> {
        let source = Source::make(None, false);
        source.close();
        source
    }

    fn make(io: Option<S>, own: bool) -> Source<S> {
        let reactor = Reactor::current();
        let key = reactor.insert();
        Source { reactor, key, registered: Cell::new(false), own, io: RefCell::new(io) }
    }

    /// Calls `look` with the socket, if it is still open.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&S) -> io::Result<T>) -> io::Result<T> {
        match &*self.io.borrow() {
            Some(io) => look(io),
            None => Err(Closed::error()),
        }
    }

    /// Tries `attempt` if it may succeed, and waits for its turn if not. Every wait for a socket ends up here.
    pub(crate) fn poll_io<T>(
        &self,
        cx: &mut Context<'_>,
        side: Side,
        mut attempt: impl FnMut(&S) -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        ready!(poll_gate(cx));
        while self.half(side, |half| half.is_ready()) {
            match self.with(&mut attempt) {
                Ok(done) => {
                    if done.fell_short {
                        self.half(side, Half::fell_short);
                    }
                    return Poll::Ready(Ok(done.value));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.half(side, Half::blocked),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        match self.park(cx, side) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Waits until `side` may have changed. May be a false alarm.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>, side: Side) -> Poll<io::Result<()>> {
        self.poll_io(cx, side, |_| Ok(Done::more(())))
    }

    /// Tries once, without waiting.
    pub(crate) fn try_io<T>(&self, side: Side, attempt: impl FnOnce(&S) -> io::Result<Done<T>>) -> io::Result<T> {
        if !self.half(side, |half| half.is_ready()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        match self.with(attempt) {
            Ok(done) => {
                if done.fell_short {
                    self.half(side, Half::fell_short);
                }
                Ok(done.value)
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::WouldBlock {
                    self.half(side, Half::blocked);
                }
                Err(error)
            }
        }
    }

    /// Leaves a waker for the next event. One that is there already means that the system has been told.
    fn park(&self, cx: &mut Context<'_>, side: Side) -> io::Result<()> {
        if self.half(side, |half| half.awaited_by(cx.waker())) {
            return Ok(());
        }
        self.watch(side)?;
        // The clone and the drop of a foreign waker may do anything, so nothing is borrowed meanwhile.
        let waker = cx.waker().clone();
        let old = self.half(side, |half| half.await_by(waker));
        drop(old);
        Ok(())
    }

    /// Tells the system what is waited for.
    fn watch(&self, side: Side) -> io::Result<()> {
        let io = self.io.borrow();
        let io = io.as_ref().ok_or_else(Closed::error)?;
        let system = self.reactor.system()?;
        if !self.registered.get() {
            system.poller.add(io, self.key)?;
            self.registered.set(true);
            self.reactor.count(self.own, |n| n + 1);
        }
        let awaited = |this| this == side || self.half(this, |half| half.is_awaited());
        system.poller.arm(io, self.key, awaited(Side::Read), awaited(Side::Write))
    }

    /// Takes one side for a future that is about to wait. An error if another one has it.
    pub(crate) fn claim(&self, side: Side) -> io::Result<Claim<'_>> {
        let busy = self.half(side, |half| {
            let busy = half.is_claimed();
            half.claim();
            busy
        });
        if busy { Err(busy_error(side)) } else { Ok(Claim { reactor: &self.reactor, key: self.key, side }) }
    }

    /// An error if a future has claimed `side`: for callers that only poll.
    pub(crate) fn unclaimed(&self, side: Side) -> io::Result<()> {
        if self.half(side, |half| half.is_claimed()) { Err(busy_error(side)) } else { Ok(()) }
    }

    /// Ends the registration and gives back the descriptor, if it was still open. Who waits is woken.
    pub(crate) fn take(&self) -> Option<S> {
        let io = self.io.borrow_mut().take()?;
        if self.registered.replace(false) {
            self.reactor.count(self.own, |n| n - 1);
            if let Ok(system) = self.reactor.system() {
                // It can only fail if the descriptor was closed behind our back, and then it is gone from there too.
                let _ = system.poller.remove(&io);
            }
        }
        Some(io)
    }

    /// Closes the descriptor. Who waits is woken and gets an error, as does every later call.
    pub(crate) fn close(&self) {
        drop(self.take());
        for side in [Side::Read, Side::Write] {
            if let Some(waker) = self.half(side, Half::open_for_good) {
                waker.wake();
            }
        }
    }

    fn half<T>(&self, side: Side, look: impl FnOnce(&mut Half) -> T) -> T {
        self.reactor.half(self.key, side, look)
    }
}

impl<S: AsSource> Drop for Source<S> {
    fn drop(&mut self) {
        drop(self.take());
        self.reactor.remove(self.key);
    }
}

impl<S: AsSource + fmt::Debug> fmt::Debug for Source<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.io.borrow() {
            Some(io) => io.fmt(f),
            None => f.write_str("Closed"),
        }
    }
}

/// One side of a source belongs to the future that holds this. Dropping it also withdraws the future's waker.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    reactor: &'a Reactor,
    key: Key,
    side: Side,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let waker = self.reactor.half(self.key, self.side, Half::release);
        drop(waker);
    }
}

fn busy_error(side: Side) -> io::Error {
    let message = match side {
        Side::Read => "another task is already receiving from this socket",
        Side::Write => "another task is already sending to this socket",
    };
    io::Error::new(io::ErrorKind::ResourceBusy, message)
}
