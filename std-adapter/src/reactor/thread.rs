//! The reactor of a thread: its sources, and the system's poller for them.

use std::cell::{Cell, Ref, RefCell};
use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Waker;

use giambio_core::__fault as fault;

use super::armed::{Armed, Since};
use super::limit::Limit;
use super::notifier::Notifier;
use super::readiness::Direction;
use super::registry::{Entry, Key, Registry};
use super::system::{self, AsSource, Bell, Poller};
use crate::foreign::First;
use crate::sys::process::Process;

thread_local! {
    /// This thread's, while there is one. Without a destructor, and so there until the thread is gone.
    static CURRENT: ManuallyDrop<Cell<Weak<Reactor>>> = const { ManuallyDrop::new(Cell::new(Weak::new())) };
    /// Keeps it from one run to the next.
    static KEPT: Cell<Option<Rc<Reactor>>> = const { Cell::new(None) };
}

/// The sources of one thread.
pub(crate) struct Reactor {
    /// Whose sources these are.
    process: Cell<Process>,
    registry: RefCell<Registry<Entry<Reactor>>>,
    /// Borrowed while nothing else runs: nobody's waker, nobody's destructor.
    system: RefCell<Option<System>>,
    /// How many of the sources are the program's own.
    sockets: Cell<usize>,
    /// How many loops wait here, in turns.
    loops: Cell<usize>,
    /// Those of them that wait for the descriptor elsewhere.
    armed: Armed,
}

/// What needs descriptors, and so may fail to be made.
struct System {
    process: Process,
    poller: Poller,
    notifier: Arc<Notifier<Bell>>,
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
            registry: RefCell::default(),
            system: RefCell::new(None),
            sockets: Cell::new(0),
            loops: Cell::new(0),
            armed: Armed::default(),
        });
        CURRENT.with(|current| current.set(Rc::downgrade(&reactor)));
        // Fails while the thread ends: then the last who uses it takes it along.
        let _ = KEPT.try_with(|kept| kept.set(Some(reactor.clone())));
        reactor
    }

    /// Starts afresh in a process that was forked from the one whose reactor this is.
    #[inline]
    pub(super) fn stay_in_process(&self) {
        if self.process.get() != Process::current() && !fault!("fork-unnoticed") {
            self.start_afresh();
        }
    }

    /// Nothing is registered any more. All who wait are woken: they try, and register what they still wait for.
    #[cold]
    fn start_afresh(&self) {
        self.process.set(Process::current());
        self.sockets.set(0);
        let lost = self.registry.take();
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
        Ok(Events { list, reactor: self.clone(), armed: None })
    }

    /// Panics if there is no loop that would ever see what is waited for.
    #[inline]
    pub(super) fn expect_loop(&self) {
        if self.loops.get() == 0 {
            no_loop();
        }
    }

    /// Must the system be told of each wait for a source?
    pub(super) const MUST_BE_ARMED: bool = Poller::MUST_BE_ARMED;

    /// Makes a source known to the system, which then knows it by this key.
    pub(super) fn register(&self, entry: &Rc<Entry<Reactor>>, io: &impl AsSource) -> io::Result<Key> {
        let system = self.system()?;
        let key = self.registry.borrow_mut().insert(entry.clone());
        if let Err(error) = system.poller.add(io, key) {
            self.registry.borrow_mut().remove(key);
            return Err(error);
        }
        self.count(entry, |sockets| sockets + 1);
        Ok(key)
    }

    /// Tells the system which of the directions are waited for.
    pub(super) fn arm(&self, io: &impl AsSource, key: Key, read: bool, write: bool) -> io::Result<()> {
        self.system()?.poller.arm(io, key, read, write)
    }

    /// Ends what [`register`](Reactor::register) began.
    pub(super) fn deregister(&self, entry: &Entry<Reactor>, io: &impl AsSource, key: Key) {
        if let Ok(system) = self.system() {
            // It can only fail if the descriptor was closed behind our back, and then it is gone from there too.
            let _ = system.poller.remove(io);
            self.registry.borrow_mut().remove(key);
            self.count(entry, |sockets| sockets - 1);
        }
    }

    fn count(&self, entry: &Entry<Reactor>, change: impl FnOnce(usize) -> usize) {
        if !entry.directions.is_own() {
            self.sockets.set(change(self.sockets.get()));
        }
    }

    /// Is anything registered at all? If not, there is nothing that a look without waiting could find.
    pub(crate) fn watches_anything(&self) -> bool {
        self.registry.borrow().len() > 0
    }

    /// Is a socket registered? Sources of the runtime's own do not count.
    pub(crate) fn watches_sockets(&self) -> bool {
        self.sockets.get() > 0
    }

    /// A loop is about to wait for the descriptor elsewhere: until it waits or looks here, whoever rings makes that ready.
    /// May it wait? If not, a wake has come already.
    #[cfg_attr(windows, allow(dead_code, reason = "there is no descriptor"))]
    pub(crate) fn may_wait_elsewhere(&self, events: &mut Events) -> io::Result<bool> {
        let is_owed = events.disarm();
        let has_come = !self.system()?.notifier.may_sleep();
        if has_come {
            self.tell_armed();
        }
        events.armed = Some(self.armed.begin());
        Ok(!has_come && !is_owed)
    }

    /// Something was taken that may be for loops that wait for the descriptor elsewhere.
    fn tell_armed(&self) {
        if self.armed.owe() && !fault!("taken-from-an-armed-loop") {
            self.ring();
        }
    }

    /// Makes the descriptor ready. In a child of a fork the bell is the parent's until somebody waits.
    fn ring(&self) {
        if let Some(system) = &*self.system.borrow()
            && system.process == Process::current()
        {
            system.notifier.ring();
        }
    }

    /// Waits for events and wakes who waits for them. May return early.
    pub(crate) fn wait(&self, events: &mut Events, limit: Limit<'_>) -> io::Result<()> {
        events.disarm();
        let system = self.system()?;
        let System { poller, notifier, .. } = &*system;
        let (limit, mut has_come) = match limit {
            Limit::Now => (Limit::Now, false),
            limit if notifier.may_sleep() => (limit, false),
            _ => (Limit::Now, true),
        };
        let waited = poller.wait(&mut events.list, limit);
        if self.armed.are_there() && !fault!("armed-loop-forgotten") {
            // Another loop of this thread sleeps on, and may be rung for.
            has_come |= !notifier.may_sleep();
        } else {
            notifier.awake();
        }
        drop(system);
        waited?;
        let mut first = First::new();
        for event in events.list.iter() {
            // Wakers of other executors may do anything, so nothing is borrowed while they are called. The system reports
            // an edge once, so none that panics keeps the others from being told.
            let Some(source) = self.registry.borrow().get(event.key) else { continue };
            for (direction, signal) in [(Direction::Read, event.read), (Direction::Write, event.write)] {
                if let Some(waker) = source.directions.of(direction).event(signal) {
                    has_come = true;
                    match fault!("events-lost-with-a-panic") {
                        false => first.catch(|| waker.wake()),
                        true => waker.wake(),
                    }
                }
            }
        }
        if has_come {
            self.tell_armed();
        }
        if first.has_caught() && self.armed.are_there() {
            // No turn of this loop's takes the wakes that the bell was for; so who sleeps on hears it once more.
            self.waker().into_iter().for_each(Waker::wake);
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
        f.debug_struct("Reactor").field("registered", &self.registry.borrow().len()).finish_non_exhaustive()
    }
}

#[cold]
fn no_loop() -> ! {
    panic!(
        "giambio: waited for a socket (or a signal) outside a runtime that looks at this thread's: run it inside \
         `giambio::run`, or in a loop of your own over an `Idle`. Virtual time has no sockets: there `stream::duplex` stands \
         in for one"
    )
}

/// Room for the events of one wait; each loop has its own.
pub(crate) struct Events {
    list: system::Events,
    reactor: Rc<Reactor>,
    /// Its loop waits for the descriptor elsewhere.
    armed: Option<Since>,
}

impl Events {
    /// Did the last wait take as many as there is room for, so that there may be more?
    pub(crate) fn is_full(&self) -> bool {
        self.list.is_full()
    }

    /// Was its loop owed something?
    fn disarm(&mut self) -> bool {
        self.armed.take().is_some_and(|since| self.reactor.armed.end(since))
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Events {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.list.as_fd()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.disarm();
        self.reactor.loops.set(self.reactor.loops.get() - 1);
        // What they were told by may have ended waits of this one.
        if self.reactor.armed.are_owed() && !fault!("owed-after-the-end-of-a-loop") {
            self.reactor.ring();
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
