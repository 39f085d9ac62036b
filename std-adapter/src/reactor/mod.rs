//! Who waits for which socket, and what the operating system says about it.
//!
//! There is one reactor a thread, made when first needed and kept: a socket is registered with the system once and may
//! be used in one `run` after another. Nothing here is shared between threads but the [`Notifier`]. While a thread ends,
//! in destructors of thread-locals, there may be one after the other: each lives for as long as somebody uses it.
//!
//! A call is always tried first; a source is registered when its first call would block. So a connection that never
//! waits is never registered, and wrapping a socket of the standard library costs nothing and cannot fail.
//!
//! # Forks
//! A child of `fork` has its parent's reactors in its memory, and its descriptors: what the child registered there or
//! removed from there would be so for the parent, and what one of them is told the other is not. So a reactor remembers
//! its process. In another one it starts afresh before it does anything: who waited is woken, and registers
//! what it still waits for with a new poller; the parent's is left alone. Looking costs a load and a comparison.
//!
//! # The seam
//! One file a system, each offering the same names: `AsSource` (what can be registered), `Poller`, `Events` and `Bell`.
//! `epoll.rs` goes to the floor on Linux: one system call a wait. `portable.rs` is everything else.
//!
//! # Elsewhere
//! What is remembered of each source, and why no event gets lost: `table.rs`. What sockets call: `attempt.rs`,
//! `source.rs`.

mod attempt;
#[cfg(unix)]
mod descriptor;
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

use std::cell::{Cell, Ref, RefCell};
use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use giambio_core::__fault as fault;
use notifier::Notifier;
use source::Shared;
pub(crate) use source::{Claim, Done, Source};
pub(crate) use system::AsSource;
use system::Poller;
pub(crate) use table::Side;
use table::Table;

use crate::foreign::First;
use crate::platform::Process;

thread_local! {
    /// This thread's, while there is one. Without a destructor, and so there until the thread is gone.
    static CURRENT: ManuallyDrop<Cell<Weak<Reactor>>> = const { ManuallyDrop::new(Cell::new(Weak::new())) };
    /// Keeps it from one run to the next.
    static KEPT: Cell<Option<Rc<Reactor>>> = const { Cell::new(None) };
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
pub(crate) struct Reactor {
    /// Whose sources these are.
    process: Cell<Process>,
    table: RefCell<Table<Shared>>,
    /// Borrowed while nothing else runs: nobody's waker, nobody's destructor.
    system: RefCell<Option<System>>,
    /// How many of the sources are the program's own.
    sockets: Cell<usize>,
    /// How many loops wait here, in turns.
    loops: Cell<usize>,
}

/// What needs descriptors, and so may fail to be made.
struct System {
    process: Process,
    poller: Poller,
    notifier: Arc<Notifier>,
}

impl System {
    fn new(process: Process) -> io::Result<System> {
        let poller = Poller::new()?;
        let notifier = Arc::new(Notifier::new(poller.bell()));
        Ok(System { process, poller, notifier })
    }
}

impl Reactor {
    /// This thread's.
    pub(crate) fn current() -> Rc<Reactor> {
        let known = CURRENT.with(|current| {
            let known = current.take();
            let reactor = known.upgrade();
            current.set(known);
            reactor
        });
        known.unwrap_or_else(Reactor::begin)
    }

    #[cold]
    fn begin() -> Rc<Reactor> {
        let reactor = Rc::new(Reactor {
            process: Cell::new(Process::remembered()),
            table: RefCell::default(),
            system: RefCell::new(None),
            sockets: Cell::new(0),
            loops: Cell::new(0),
        });
        CURRENT.with(|current| current.set(Rc::downgrade(&reactor)));
        // Fails while the thread ends: then the last who uses it takes it along.
        let _ = KEPT.try_with(|kept| kept.set(Some(reactor.clone())));
        reactor
    }

    /// Starts afresh in a process that was forked from the one whose reactor this is.
    #[inline]
    fn stay_in_process(&self) {
        if self.process.get() != Process::current() && !fault!("fork-unnoticed") {
            self.start_afresh();
        }
    }

    /// Nothing is registered any more. All who wait are woken: they try, and register what they still wait for.
    #[cold]
    fn start_afresh(&self) {
        self.process.set(Process::current());
        self.sockets.set(0);
        let lost = self.table.take();
        let mut first = First::new();
        for source in lost.entries() {
            source.lose(&mut first);
        }
        first.resume();
    }

    #[inline]
    fn system(&self) -> io::Result<Ref<'_, System>> {
        self.stay_in_process();
        let system = Ref::filter_map(self.system.borrow(), |system| {
            system.as_ref().filter(|system| system.process == self.process.get())
        });
        system.or_else(|unfit| {
            drop(unfit);
            self.make_system()
        })
    }

    #[cold]
    fn make_system(&self) -> io::Result<Ref<'_, System>> {
        let process = self.process.get();
        let mut place = self.system.borrow_mut();
        match &mut *place {
            // Its bell is with those who may ring.
            Some(system) => {
                system.poller.renew()?;
                system.process = process;
            }
            none => *none = Some(System::new(process)?),
        }
        drop(place);
        self.system()
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
    #[inline]
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
        let system = self.system()?;
        let System { poller, notifier, .. } = &*system;
        let limit = match limit {
            Limit::Now => Limit::Now,
            limit if notifier.may_sleep() => limit,
            _ => Limit::Now,
        };
        let waited = poller.wait(&mut events.list, limit);
        notifier.awake();
        drop(system);
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

impl Drop for Reactor {
    fn drop(&mut self) {
        CURRENT.with(|current| {
            let known = current.take();
            if known.strong_count() > 0 {
                current.set(known);
            }
        });
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
