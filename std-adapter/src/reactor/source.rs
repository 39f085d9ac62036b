//! One socket (or pipe) and its registration: what everything in `net` and `signal` is built on.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use giambio_core::{__fault as fault, poll_proceed};
use socket2::SockRef;

use super::system::Poller;
use super::table::{Half, Halves, Key, Side, Signal};
use super::{AsSource, Reactor};
use crate::foreign::First;
use crate::net::Closed;
use crate::platform::bytes::RELY_ON_MODE;

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
/// # Invariants
/// * While there is a `key`, the system knows the descriptor by it. [`Source::take`] is the only way out for the
///   descriptor, and ends the registration first.
/// * **LENT-STAYS-OPEN**: a descriptor that was lent, by [`Source::lend`], is closed when the source is dropped or taken over
///   by value, and not before: who borrowed it borrows the source.
///
/// The future of a task has it several times, as an argument and as what becomes of it: so it is small, and all that can
/// be is in `shared`.
pub(crate) struct Source<S: AsSource> {
    /// `None` once closed, and while it is looked at.
    io: Cell<Option<S>>,
    key: Cell<Key>,
    shared: Rc<Shared>,
}

/// What the reactor knows of a source, too, while it is registered.
pub(super) struct Shared {
    halves: Halves,
    reactor: Rc<Reactor>,
}

const _: () = assert!(
    size_of::<Shared>() <= 56
        && size_of::<Source<std::net::TcpStream>>() <= (12 + size_of::<std::net::TcpStream>()).next_multiple_of(8),
    "an idle connection should stay small"
);

impl Shared {
    pub(super) fn half(&self, side: Side) -> &Half {
        self.halves.half(side)
    }

    /// The registration is another process's. Who waits is woken, to try and to register anew.
    pub(super) fn lose(&self, first: &mut First) {
        self.halves.lose();
        for side in [Side::Read, Side::Write] {
            if let Some(waker) = self.half(side).event(Signal { ready: true, lasting: false }) {
                first.catch(|| waker.wake());
            }
        }
    }
}

impl<S: AsSource> Source<S> {
    /// A socket of the program, which must be in non-blocking mode.
    pub(crate) fn new(io: S) -> Source<S> {
        Source::make(Some(io), false)
    }

    /// A descriptor of the runtime's own.
    #[allow(dead_code, reason = "not every system signals through a descriptor")]
    pub(crate) fn own(io: S) -> Source<S> {
        Source::make(Some(io), true)
    }

    /// A socket that never opened.
    pub(crate) fn closed() -> Source<S> {
        Source::make(None, false)
    }

    fn make(io: Option<S>, own: bool) -> Source<S> {
        let shared = Shared { halves: Halves::new(own), reactor: Reactor::current() };
        Source { io: Cell::new(io), key: Cell::new(Key::NONE), shared: Rc::new(shared) }
    }

    /// From now on others may have the descriptor, too, and change its mode.
    pub(crate) fn share(&self) {
        self.shared.halves.share();
    }

    /// Calls `look` with the socket, if it is still open; `look` makes system calls, and leaves this source alone.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&S) -> io::Result<T>) -> io::Result<T> {
        let taken = Taken { io: self.io.take(), home: &self.io };
        match &taken.io {
            Some(io) if !self.shared.halves.is_over() => look(io),
            _ => Err(Closed::error()),
        }
    }

    /// The same for what must not wait: if only its mode sees to that, and others may have changed it, it is set first.
    fn call<T>(&self, attempt: impl FnOnce(&S) -> io::Result<T>) -> io::Result<T> {
        self.with(|io| {
            if RELY_ON_MODE && self.shared.halves.is_shared() {
                SockRef::from(io).set_nonblocking(true)?;
            }
            attempt(io)
        })
    }

    /// Tries `attempt` while it may succeed, and waits when not. Every wait for a socket ends up here.
    pub(crate) fn poll_io<T>(
        &self,
        cx: &mut Context<'_>,
        side: Side,
        mut attempt: impl FnMut(&S) -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        let go = ready!(poll_proceed(cx));
        let result = loop {
            if !self.half(side).is_ready() {
                match self.park(cx, side) {
                    Ok(()) => return Poll::Pending,
                    Err(error) => break Err(error),
                }
            }
            match self.call(&mut attempt) {
                Ok(done) => {
                    if done.fell_short {
                        self.half(side).fell_short();
                    }
                    break Ok(done.value);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.half(side).blocked(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        go.made_progress();
        Poll::Ready(result)
    }

    /// The same for a caller that only polls, while no future has claimed the side. Without a side, it does not wait.
    pub(crate) fn poll_unclaimed<T>(
        &self,
        cx: &mut Context<'_>,
        side: Option<Side>,
        attempt: impl FnMut(&S) -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(side) = side else { return self.poll_once(cx, attempt) };
        self.unclaimed(side)?;
        self.poll_io(cx, side, attempt)
    }

    /// The same for one future alone: `claim` is its claim to the side, which it needs while it waits.
    pub(crate) fn poll_claimed<'a, T>(
        &'a self,
        cx: &mut Context<'_>,
        side: Option<Side>,
        claim: &mut Option<Claim<'a>>,
        attempt: impl FnMut(&S) -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(side) = side else { return self.poll_once(cx, attempt) };
        if claim.is_none() {
            self.unclaimed(side)?;
        }
        let polled = self.poll_io(cx, side, attempt);
        match (&polled, &claim) {
            (Poll::Pending, None) => *claim = Some(Claim::new(self.half(side))),
            (Poll::Ready(_), Some(_)) => *claim = None,
            _ => {}
        }
        polled
    }

    /// For a call that waits for neither side.
    fn poll_once<T>(
        &self,
        cx: &mut Context<'_>,
        attempt: impl FnOnce(&S) -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        let go = ready!(poll_proceed(cx));
        let result = self.with(attempt);
        go.made_progress();
        Poll::Ready(result.map(|done| done.value))
    }

    /// Tries once, without waiting.
    pub(crate) fn try_io<T>(
        &self,
        side: Option<Side>,
        attempt: impl FnOnce(&S) -> io::Result<Done<T>>,
    ) -> io::Result<T> {
        let Some(side) = side else { return self.with(attempt).map(|done| done.value) };
        self.unclaimed(side)?;
        let tried = self.call(attempt);
        match &tried {
            Ok(done) if done.fell_short => self.half(side).fell_short(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.half(side).blocked(),
            _ => {}
        }
        tried.map(|done| done.value)
    }

    /// Panics if no loop looks at this source: for what waits without telling the reactor.
    pub(crate) fn expect_loop(&self) {
        self.shared.reactor.expect_loop();
    }

    /// Leaves a waker for the next event. One that is there already means that the system has been told.
    fn park(&self, cx: &mut Context<'_>, side: Side) -> io::Result<()> {
        self.expect_loop();
        if self.half(side).is_awaited_by(cx.waker()) {
            return Ok(());
        }
        // Somebody's code, which may close the source: so it comes first.
        let waker = cx.waker().clone();
        if self.key() == Key::NONE {
            self.register()?;
        }
        if Poller::MUST_BE_ARMED {
            self.arm(side)?;
        }
        self.half(side).await_by(waker);
        Ok(())
    }

    #[cold]
    fn register(&self) -> io::Result<()> {
        self.with(|io| {
            let reactor = &self.shared.reactor;
            let system = reactor.system()?;
            let key = reactor.table.borrow_mut().insert(self.shared.clone());
            if let Err(error) = system.poller.add(io, key) {
                reactor.table.borrow_mut().remove(key);
                return Err(error);
            }
            self.key.set(key);
            self.count(|sockets| sockets + 1);
            Ok(())
        })
    }

    fn arm(&self, side: Side) -> io::Result<()> {
        let key = self.key.get();
        if key == Key::NONE {
            return Ok(());
        }
        let awaited = |this| this == side || self.half(this).is_awaited();
        self.with(|io| self.shared.reactor.system()?.poller.arm(io, key, awaited(Side::Read), awaited(Side::Write)))
    }

    fn count(&self, change: impl FnOnce(usize) -> usize) {
        if !self.shared.halves.is_own() {
            self.shared.reactor.sockets.set(change(self.shared.reactor.sockets.get()));
        }
    }

    /// An error if a future has claimed `side`.
    fn unclaimed(&self, side: Side) -> io::Result<()> {
        if self.half(side).is_claimed() { Err(busy_error(side)) } else { Ok(()) }
    }

    /// Ends the registration and gives back the descriptor, if it was still open.
    pub(crate) fn take(&self) -> Option<S> {
        if self.shared.halves.is_over() {
            return None;
        }
        let io = self.io.take()?;
        self.deregister(&io);
        Some(io)
    }

    fn deregister(&self, io: &S) {
        let key = self.key();
        self.key.set(Key::NONE);
        if key != Key::NONE
            && let Ok(system) = self.shared.reactor.system()
        {
            // It can only fail if the descriptor was closed behind our back, and then it is gone from there too.
            let _ = system.poller.remove(io);
            self.shared.reactor.table.borrow_mut().remove(key);
            self.count(|sockets| sockets - 1);
        }
    }

    /// What `name` says of the descriptor, which is open as long as this is there, by LENT-STAYS-OPEN.
    pub(crate) fn lend<T>(&self, name: impl FnOnce(&S) -> T) -> T {
        self.shared.halves.lend();
        match self.with(|io| Ok(name(io))) {
            Ok(named) => named,
            Err(_) => panic!("giambio: a socket that this program closed has no descriptor to lend"),
        }
    }

    /// Closes the descriptor; ends the connection, if it was lent. Who waits is woken and gets an error, as does every later
    /// call.
    pub(crate) fn close(&self) {
        if self.shared.halves.is_lent() && !fault!("lent-descriptor-closed") {
            self.end();
        } else {
            drop(self.take());
        }
        let mut first = First::new();
        for side in [Side::Read, Side::Write] {
            if let Some(waker) = self.half(side).closed() {
                first.catch(|| waker.wake());
            }
        }
        first.resume();
    }

    /// What closing is while the descriptor stays open.
    fn end(&self) {
        let _ = self.with(|io| {
            self.deregister(io);
            // It is refused where there is no connection any more, or where a listener is not one.
            SockRef::from(io).shutdown(Shutdown::Both)
        });
        self.shared.halves.end();
    }

    /// By which the system of this process knows the descriptor.
    fn key(&self) -> Key {
        self.shared.reactor.stay_in_process();
        if self.shared.halves.take_loss() {
            self.key.set(Key::NONE);
        }
        self.key.get()
    }

    fn half(&self, side: Side) -> &Half {
        self.shared.half(side)
    }
}

impl<S: AsSource> Drop for Source<S> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<S: AsSource + fmt::Debug> fmt::Debug for Source<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is written to may be anything: it gets text, and not the socket.
        let text = self.with(|io| Ok(if f.alternate() { format!("{io:#?}") } else { format!("{io:?}") }));
        f.write_str(text.as_deref().unwrap_or("Closed"))
    }
}

/// A source's descriptor, which goes back when this is dropped: a `RefCell` would take eight bytes more.
struct Taken<'a, S> {
    io: Option<S>,
    home: &'a Cell<Option<S>>,
}

impl<S> Drop for Taken<'_, S> {
    fn drop(&mut self) {
        self.home.set(self.io.take());
    }
}

/// One side of a source belongs to the future that holds this. Dropping it also withdraws the future's waker.
pub(crate) struct Claim<'a>(&'a Half);

impl<'a> Claim<'a> {
    fn new(half: &'a Half) -> Claim<'a> {
        half.claim();
        Claim(half)
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

fn busy_error(side: Side) -> io::Error {
    let message = match side {
        Side::Read => {
            "another task is already receiving from this stream, and each would get parts of what is for the other: let one \
             task receive, and pass on what comes"
        }
        Side::Write => {
            "another task is already sending to this stream, and what both send would be mixed up: let one task send what \
             others hand to it"
        }
    };
    io::Error::new(io::ErrorKind::ResourceBusy, message)
}
