//! Who waits for which socket, and what the operating system says about it.
//!
//! There is one reactor a thread, made when first needed and kept: a socket is registered with the system once and may
//! be used in one `run` after another. Nothing here is shared between threads but the [`Notifier`].
//!
//! A call is always tried first; a source is registered when its first call would block. So a connection that never
//! waits is never registered, and wrapping a socket of the standard library costs nothing and cannot fail.
//!
//! # The seam
//! One file a system, each offering the same names: `AsSource` (what can be registered), `Poller`, `Events` and `Bell`.
//! `epoll.rs` goes to the floor on Linux: one system call a wait. `portable.rs` is everything else.
//!
//! # Elsewhere
//! What is remembered of each source, and why no event gets lost: `table.rs`. What sockets call: `attempt.rs`,
//! `source.rs`.

mod attempt;
mod notifier;
mod source;
mod table;

#[cfg_attr(all(any(target_os = "linux", target_os = "android"), not(giambio_portable)), path = "epoll.rs")]
#[cfg_attr(
    any(
        giambio_portable,
        windows,
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly",
        target_os = "illumos",
        target_os = "solaris",
    ),
    path = "portable.rs"
)]
mod system; // no match: `system.rs`, which says what to add

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::foreign::First;
use giambio_core::__fault as fault;
use notifier::Notifier;
use source::Shared;
pub(crate) use source::{Claim, Done, Source};
pub(crate) use system::AsSource;
use system::Poller;
pub(crate) use table::Side;
use table::Table;

thread_local! {
    static REACTOR: Rc<Reactor> = Rc::new(Reactor::default());
}

/// How long a wait may last.
#[derive(Clone, Copy)]
pub(crate) enum Limit<'a> {
    /// Not at all.
    Now,
    /// Until an event.
    Never,
    /// Until an event, or `left()` from now. `moment` names the same deadline so that it can be compared with others of
    /// the same loop without reading a clock, if that is steady: if it goes as the system's own. `left` is called only if
    /// the system may have to be told.
    #[allow(dead_code, reason = "not every system has a use for all")]
    At { moment: u64, is_steady: bool, left: &'a dyn Fn() -> Duration },
}

/// The sources of one thread.
#[derive(Default)]
pub(crate) struct Reactor {
    table: RefCell<Table<Shared>>,
    system: OnceCell<System>,
    /// How many of the sources are the program's own.
    sockets: Cell<usize>,
    /// How many loops wait here, in turns.
    loops: Cell<usize>,
}

/// What needs descriptors, and so may fail to be made.
struct System {
    poller: Poller,
    notifier: Arc<Notifier>,
}

impl Reactor {
    /// This thread's.
    pub(crate) fn current() -> Rc<Reactor> {
        REACTOR.with(Rc::clone)
    }

    #[inline]
    fn system(&self) -> io::Result<&System> {
        match self.system.get() {
            Some(system) => Ok(system),
            None => self.make_system(),
        }
    }

    #[cold]
    fn make_system(&self) -> io::Result<&System> {
        let poller = Poller::new()?;
        let notifier = Arc::new(Notifier::new(poller.bell()));
        Ok(self.system.get_or_init(|| System { poller, notifier }))
    }

    /// Ends a wait of this reactor, from any thread.
    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Ok(Waker::from(self.system()?.notifier.clone()))
    }

    /// Room for the events of one wait. As long as it is there, there is a loop that waits.
    pub(crate) fn events(self: &Rc<Self>, capacity: NonZeroUsize) -> io::Result<Events> {
        let list = self.system()?.poller.events(capacity);
        self.loops.set(self.loops.get() + 1);
        Ok(Events { list, reactor: self.clone() })
    }

    /// Panics if there is no loop that would ever see what is waited for.
    fn expect_loop(&self) {
        if self.loops.get() == 0 {
            no_loop();
        }
    }

    /// Is anything registered at all? If not, there is nothing that a look without waiting could find.
    pub(crate) fn watches_anything(&self) -> bool {
        self.table.borrow().len() > 0
    }

    /// Is a socket registered? Sources of the runtime's own do not count.
    pub(crate) fn watches_sockets(&self) -> bool {
        self.sockets.get() > 0
    }

    /// Waits for events and wakes who waits for them. May return early.
    pub(crate) fn wait(&self, events: &mut Events, limit: Limit<'_>) -> io::Result<()> {
        let System { poller, notifier } = self.system()?;
        let limit = match limit {
            Limit::Now => Limit::Now,
            limit if notifier.may_sleep() => limit,
            _ => Limit::Now,
        };
        let waited = poller.wait(&mut events.list, limit);
        notifier.awake();
        waited?;
        let mut first = First::new();
        for event in events.list.iter() {
            // Wakers of other executors may do anything, so nothing is borrowed while they are called. The system reports
            // an edge once, so none that panics keeps the others from being told.
            let Some(source) = self.table.borrow().get(event.key) else { continue };
            for (side, signal) in [(Side::Read, event.read), (Side::Write, event.write)] {
                if let Some(waker) = source.half(side).event(signal) {
                    match fault!("events-lost-with-a-panic") {
                        false => first.catch(|| waker.wake()),
                        true => waker.wake(),
                    }
                }
            }
        }
        first.resume();
        Ok(())
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("registered", &self.table.borrow().len()).finish_non_exhaustive()
    }
}

#[cold]
fn no_loop() -> ! {
    panic!(
        "giambio: waited for a socket (or a signal) outside a runtime that looks at this thread's: run it inside \
         `giambio::run`, or in a loop of your own over an `Idle`"
    )
}

/// Room for the events of one wait; each loop has its own.
pub(crate) struct Events {
    list: system::Events,
    reactor: Rc<Reactor>,
}

impl Drop for Events {
    fn drop(&mut self) {
        self.reactor.loops.set(self.reactor.loops.get() - 1);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
