//! One descriptor and its registration: what sockets, pipes and signals are built on.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use giambio_core::{__fault as fault, is_cancelled, poll_proceed};

use super::claim::{Claim, busy_error};
use super::closed::Closed;
use super::readiness::{AGAIN, Direction, Directions, Readiness};
use super::registry::{Entry, Key};
use super::system::AsSource;
use super::thread::Reactor;
use crate::foreign::wake_all;

/// What a source may be over: a socket, or an end of a pipe.
pub trait Descriptor: AsSource + fmt::Debug + Sized + 'static {
    /// Does only its mode keep a call from waiting? Then it is set before each, where others may have changed it.
    #[doc(hidden)]
    const RELIES_ON_MODE: bool;

    #[doc(hidden)]
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()>;

    /// Before its first use.
    #[doc(hidden)]
    fn prepare(&self) {}

    /// What closing is while it stays open, for who has borrowed it: nobody else is to wait for anything from here.
    #[doc(hidden)]
    fn end(&self);
}

/// What a call that succeeded gives back.
#[derive(Debug)]
pub struct Done<T> {
    value: T,
    fell_short: bool,
}

impl<T> Done<T> {
    /// Nothing is known about the next call: try it.
    pub(crate) fn more(value: T) -> Done<T> {
        Done { value, fell_short: false }
    }

    #[allow(dead_code, reason = "sockets use it")]
    pub(crate) fn into_value(self) -> T {
        self.value
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
/// * LENT-STAYS-OPEN, as `descriptor.rs` has it.
///
/// The future of a task has it several times, as an argument and as what becomes of it: so it is small, and all that can
/// be is in the entry.
pub struct Source<S: Descriptor> {
    /// `None` once closed, and while it is looked at.
    io: Cell<Option<S>>,
    key: Cell<Key>,
    entry: Rc<Entry<Reactor>>,
}

const _: () = assert!(
    size_of::<Entry<Reactor>>() <= 56
        && size_of::<(Cell<Option<std::net::TcpStream>>, Cell<Key>, Rc<()>)>()
            <= (12 + size_of::<std::net::TcpStream>()).next_multiple_of(8),
    "an idle connection should stay small"
);

impl<S: Descriptor> Source<S> {
    /// A descriptor of the program, which must be in non-blocking mode.
    pub(crate) fn new(io: S) -> Source<S> {
        io.prepare();
        Source::make(Some(io), false)
    }

    /// A descriptor of the runtime's own.
    #[allow(dead_code, reason = "not every system signals through a descriptor")]
    pub(crate) fn own(io: S) -> Source<S> {
        Source::make(Some(io), true)
    }

    /// One that never opened.
    pub(crate) fn closed() -> Source<S> {
        Source::make(None, false)
    }

    fn make(io: Option<S>, own: bool) -> Source<S> {
        let entry = Entry { directions: Directions::new(own), reactor: Reactor::current() };
        Source { io: Cell::new(io), key: Cell::new(Key::NONE), entry: Rc::new(entry) }
    }

    /// From now on others may have the descriptor, too, and change its mode.
    pub(crate) fn share(&self) {
        self.entry.directions.share();
    }

    /// Calls `look` with the descriptor, if it is still open; `look` makes system calls, and leaves this source alone.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&S) -> io::Result<T>) -> io::Result<T> {
        let taken = Taken { io: self.io.take(), home: &self.io };
        match &taken.io {
            Some(io) if !self.entry.directions.is_over() => look(io),
            _ => Err(Closed::error()),
        }
    }

    /// The same for what must not wait: if only its mode sees to that, and others may have changed it, it is set first.
    fn call<T>(&self, attempt: impl FnOnce(&S) -> io::Result<T>) -> io::Result<T> {
        self.with(|io| {
            if S::RELIES_ON_MODE && self.entry.directions.is_shared() {
                io.set_nonblocking(true)?;
            }
            attempt(io)
        })
    }

    /// Tries `attempt` while it may succeed, and waits when not. Every wait for a descriptor ends up here.
    pub(crate) fn poll_io<T>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut attempt: impl FnMut(&S) -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        self.poll_call(cx, direction, || self.call(&mut attempt))
    }

    /// The same for any call, which need not be of this source's descriptor, and may do anything with the source.
    fn poll_call<T>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut call: impl FnMut() -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        let go = ready!(poll_proceed(cx));
        let result = loop {
            if !self.of(direction).is_ready() {
                match self.park(cx, direction) {
                    Ok(()) => {
                        if cfg!(feature = "introspect") {
                            go.waits_for_this(direction.awaited(), &format_args!("{self:?}"));
                        }
                        return Poll::Pending;
                    }
                    Err(error) => break Err(error),
                }
            }
            match call() {
                Ok(done) => {
                    if done.fell_short {
                        self.of(direction).fell_short();
                    }
                    break Ok(done.value);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.of(direction).blocked(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        go.made_progress();
        Poll::Ready(result)
    }

    /// The same for a caller that only polls, while no future has claimed the direction. Without one, it does not wait.
    pub(crate) fn poll_unclaimed<T>(
        &self,
        cx: &mut Context<'_>,
        direction: Option<Direction>,
        attempt: impl FnMut(&S) -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(direction) = direction else { return self.poll_once(cx, attempt) };
        self.unclaimed(direction)?;
        self.poll_io(cx, direction, attempt)
    }

    /// The same for one future alone: `claim` is its claim to the direction, which it needs while it waits,
    /// and does not have in cancelled code.
    pub(crate) fn poll_claimed<'a, T>(
        &'a self,
        cx: &mut Context<'_>,
        direction: Option<Direction>,
        claim: &mut Option<Claim<'a>>,
        mut attempt: impl FnMut(&S) -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(direction) = direction else { return self.poll_once(cx, attempt) };
        self.poll_call_claimed(cx, direction, claim, || self.call(&mut attempt))
    }

    /// The same for any call, as [`poll_call`](Source::poll_call).
    pub(super) fn poll_call_claimed<'a, T>(
        &'a self,
        cx: &mut Context<'_>,
        direction: Direction,
        claim: &mut Option<Claim<'a>>,
        call: impl FnMut() -> io::Result<Done<T>>,
    ) -> Poll<io::Result<T>> {
        // It gets no further there, and a shield beside it may hold that code for long.
        if is_cancelled() && !fault!("claim-kept-in-cancelled-code") {
            *claim = None;
            return Poll::Pending;
        }
        if claim.is_none() {
            self.unclaimed(direction)?;
        }
        let polled = self.poll_call(cx, direction, call);
        match (&polled, &claim) {
            (Poll::Pending, None) => *claim = Some(Claim::new(self.of(direction))),
            (Poll::Ready(_), Some(_)) => *claim = None,
            _ => {}
        }
        polled
    }

    /// For a call that waits for neither direction.
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
        direction: Option<Direction>,
        attempt: impl FnOnce(&S) -> io::Result<Done<T>>,
    ) -> io::Result<T> {
        let Some(direction) = direction else { return self.with(attempt).map(|done| done.value) };
        self.try_call(direction, || self.call(attempt))
    }

    /// The same for any call, as [`poll_call`](Source::poll_call).
    pub(crate) fn try_call<T>(
        &self,
        direction: Direction,
        call: impl FnOnce() -> io::Result<Done<T>>,
    ) -> io::Result<T> {
        self.unclaimed(direction)?;
        let tried = call();
        match &tried {
            Ok(done) if done.fell_short => self.of(direction).fell_short(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.of(direction).blocked(),
            _ => {}
        }
        tried.map(|done| done.value)
    }

    /// Panics if no loop looks at this source: for what waits without telling the reactor.
    pub(crate) fn expect_loop(&self) {
        self.entry.reactor.expect_loop();
    }

    /// Leaves a waker for the next event. One that is there already means that the system has been told.
    fn park(&self, cx: &mut Context<'_>, direction: Direction) -> io::Result<()> {
        self.expect_loop();
        if self.of(direction).is_awaited_by(cx.waker()) {
            return Ok(());
        }
        // Somebody's code, which may close the source: so it comes first.
        let waker = cx.waker().clone();
        if self.key() == Key::NONE {
            self.register()?;
        }
        if Reactor::MUST_BE_ARMED {
            self.arm(direction)?;
        }
        self.of(direction).await_by(waker);
        Ok(())
    }

    /// An error if it is closed.
    pub(crate) fn expect_open(&self) -> io::Result<()> {
        self.with(|_| Ok(()))
    }

    /// Makes it known to the system now, which otherwise comes with the first wait: it may be nothing that can be waited for.
    #[cold]
    pub(crate) fn register(&self) -> io::Result<()> {
        self.with(|io| {
            self.key.set(self.entry.reactor.register(&self.entry, io)?);
            Ok(())
        })
    }

    fn arm(&self, direction: Direction) -> io::Result<()> {
        let key = self.key.get();
        if key == Key::NONE {
            return Ok(());
        }
        let awaited = |this| this == direction || self.of(this).is_awaited();
        self.with(|io| self.entry.reactor.arm(io, key, awaited(Direction::Read), awaited(Direction::Write)))
    }

    /// An error if a future has claimed `direction`.
    fn unclaimed(&self, direction: Direction) -> io::Result<()> {
        if self.of(direction).is_claimed() { Err(busy_error(direction)) } else { Ok(()) }
    }

    /// Ends the registration and gives back the descriptor, if it was still open.
    pub(crate) fn take(&self) -> Option<S> {
        if self.entry.directions.is_over() {
            return None;
        }
        let io = self.io.take()?;
        self.deregister(&io);
        Some(io)
    }

    fn deregister(&self, io: &S) {
        let key = self.key();
        self.key.set(Key::NONE);
        if key != Key::NONE {
            self.entry.reactor.deregister(&self.entry, io, key);
        }
    }

    /// What `name` says of the descriptor, which is open as long as this is there, by LENT-STAYS-OPEN.
    pub(super) fn lend<T>(&self, name: impl FnOnce(&S) -> T) -> T {
        self.share();
        self.entry.directions.lend();
        match self.with(|io| Ok(name(io))) {
            Ok(named) => named,
            Err(_) => panic!("giambio: what this program has closed has no descriptor to lend"),
        }
    }

    /// What `name` says of the descriptor to who borrows nothing.
    pub(super) fn raw<T>(&self, name: impl FnOnce(&S) -> T) -> Option<T> {
        self.share();
        self.with(|io| Ok(name(io))).ok()
    }

    /// Ends one direction or both by `call`, and has those try again who wait there: not every system tells them, as Linux does
    /// not who waits to send to a socket with a path.
    #[allow(dead_code, reason = "sockets use it")]
    pub(crate) fn shut_down(&self, how: Shutdown, call: impl FnOnce(&S) -> io::Result<()>) -> io::Result<()> {
        self.with(call)?;
        if fault!("who-waits-to-send-is-not-told-of-the-end") {
            return Ok(());
        }
        let directions = [(Direction::Read, Shutdown::Write), (Direction::Write, Shutdown::Read)];
        let ended = directions.into_iter().filter(|(_, other)| how != *other);
        wake_all(ended.filter_map(|(direction, _)| self.of(direction).event(AGAIN)));
        Ok(())
    }

    /// Closes the descriptor; ends the connection, if it was lent. Who waits is woken and gets an error, as does every later
    /// call.
    pub(crate) fn close(&self) {
        if self.entry.directions.is_lent() && !fault!("lent-descriptor-closed") {
            self.end();
        } else {
            drop(self.take());
        }
        wake_all([Direction::Read, Direction::Write].into_iter().filter_map(|direction| self.of(direction).closed()));
    }

    /// What closing is while the descriptor stays open.
    fn end(&self) {
        let _ = self.with(|io| {
            self.deregister(io);
            io.end();
            Ok(())
        });
        self.entry.directions.end();
    }

    /// By which the system of this process knows the descriptor.
    fn key(&self) -> Key {
        self.entry.reactor.stay_in_process();
        if self.entry.directions.take_loss() {
            self.key.set(Key::NONE);
        }
        self.key.get()
    }

    fn of(&self, direction: Direction) -> &Readiness {
        self.entry.directions.of(direction)
    }
}

impl<S: Descriptor> Drop for Source<S> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<S: Descriptor> fmt::Debug for Source<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is written to may be anything: it gets text, and not the descriptor.
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
