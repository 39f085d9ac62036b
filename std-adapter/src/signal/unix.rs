//! Signals on Unix: a handler that is up while somebody watches. It marks the signal in each watch for it, and writes a byte into a
//! pair of sockets, whose other end our own reactor watches.
//!
//! # Whose signal it is
//! The first watch for a signal puts the handler up, the last one puts back what was there before. A signal that is ignored stays
//! so: a shell does that to what it starts in the background. A handler of others that was there before is called as well.
//! One that was put up over ours is left there, and ours below it, since that one may call it.
//!
//! # Invariants
//! * **HANDLER-IS-SAFE**: the handler uses atomics, and of the system what POSIX allows there: `write`, `sigaction`,
//!   `raise`, `getpid`. The code that it interrupts finds `errno` as it was, whatever fails meanwhile.
//! * **SLOTS-STAY**: a slot is leaked and used again, so a handler may look at it at any time.
//! * **ENDS-ARE-OPEN**: an end in a slot is open until no handler can have read it there: a watch takes it out, and then waits
//!   for the handlers that have begun. It holds the lock meanwhile, which no handler takes, so that nobody
//!   else gets the slot.

use std::ffi::{c_int, c_void};
use std::fmt;
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread;

use giambio_core::__fault as fault;
#[cfg(any(target_os = "illumos", target_os = "solaris"))]
use libc::___errno as errno_location;
#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
use libc::__errno as errno_location;
#[cfg(any(target_os = "linux", target_os = "dragonfly"))]
use libc::__errno_location as errno_location;
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
use libc::__error as errno_location;

use super::kinds::{Set, Signal};
use super::patience::Patience;
use crate::reactor::{Descriptor, Direction, Done, Source};
use crate::sys::process::Process;

/// What terminals, containers and init systems send to a program that is to end.
pub(crate) const ORDERS: [Signal; 2] = [Signal::TERM, Signal::INT];

/// No process sees the first two; after the others a program can't go on.
pub(crate) const UNWATCHABLE: &[Signal] =
    &[Signal::KILL, Signal::STOP, Signal::SEGV, Signal::BUS, Signal::FPE, Signal::ILL];

/// The place with the handler goes first: it has the end that the handler writes to, and to write to a pair whose other end is closed
/// is a signal of its own.
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
                match slot.take() {
                    Some(signal) => return Ok(Done::more(signal)),
                    None => pipe.read(&mut [0; 64])?,
                };
            }
        })
    }

    /// How many have come, each counted.
    pub(crate) fn count(&self) -> u32 {
        self.place.slot.count.load(SeqCst)
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
        let mut known = Signals::lock();
        let slot = Slot::free().unwrap_or_else(Slot::add);
        let process = Process::current();
        slot.process.store(process.number(), SeqCst);
        slot.pid.store(std::process::id(), SeqCst);
        slot.patience.store(if let Patience::For(most) = patience { most } else { ENDLESS }, SeqCst);
        slot.count.store(0, SeqCst);
        for (at, word) in signals.words().into_iter().enumerate() {
            slot.watched[at].store(word, SeqCst);
            slot.arrived[at].store(0, SeqCst);
        }
        slot.end.store(end.as_raw_fd(), SeqCst);
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
        let mut known = Signals::lock();
        self.slot.leave();
        if self.process == Process::current() {
            self.signals.iter().for_each(|signal| known.end(signal));
        } else {
            // The first that goes after a fork puts back what was there, unless somebody watches here.
            self.signals.iter().for_each(|signal| known.settle(signal));
        }
    }
}

/// No descriptor.
const NONE: c_int = -1;

/// As many signals as there may be are borne.
const ENDLESS: u32 = u32::MAX;

/// What the handler knows of a watch.
#[derive(Debug)]
struct Slot {
    /// Where to write; [`NONE`]: it is nobody's. Written last.
    end: AtomicI32,
    process: AtomicU32,
    /// Its number with the system: ours changes a moment after a fork, and the signal may come first.
    pid: AtomicU32,
    /// Which signals it is for, and which have come, by their bits.
    watched: [AtomicU32; 2],
    arrived: [AtomicU32; 2],
    /// How many have come, and how many are borne before one ends the process.
    count: AtomicU32,
    patience: AtomicU32,
    next: *const Slot,
}

// SAFETY: `next` never changes, and leads to a leaked slot; the rest are atomics.
unsafe impl Sync for Slot {}
// SAFETY: as above.
unsafe impl Send for Slot {}

static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());

/// How many handlers may have read an end, and not yet written to it.
static BUSY: AtomicUsize = AtomicUsize::new(0);

impl Slot {
    fn all() -> impl Iterator<Item = &'static Slot> {
        // SAFETY: null, or leaked (SLOTS-STAY).
        let slot = |slot: *const Slot| unsafe { slot.as_ref() };
        std::iter::successors(slot(SLOTS.load(SeqCst)), move |last| slot(last.next))
    }

    /// For who has the lock.
    fn free() -> Option<&'static Slot> {
        Slot::all().find(|slot| slot.end.load(SeqCst) == NONE)
    }

    /// For who has the lock.
    fn add() -> &'static Slot {
        let new: &'static Slot = Box::leak(Box::new(Slot {
            end: AtomicI32::new(NONE),
            process: AtomicU32::new(0),
            pid: AtomicU32::new(0),
            watched: [const { AtomicU32::new(0) }; 2],
            arrived: [const { AtomicU32::new(0) }; 2],
            count: AtomicU32::new(0),
            patience: AtomicU32::new(ENDLESS),
            next: SLOTS.load(SeqCst),
        }));
        SLOTS.store(ptr::from_ref(new).cast_mut(), SeqCst);
        new
    }

    /// Nobody's from now on, and no handler has its end any more. For who has the lock.
    fn leave(&self) {
        self.end.store(NONE, SeqCst);
        while BUSY.load(SeqCst) > 0 {
            thread::yield_now();
        }
    }

    /// Takes out the first of the signals that have come. For who has the watch.
    fn take(&self) -> Option<Signal> {
        self.arrived.iter().enumerate().find_map(|(at, word)| {
            let bits = word.load(SeqCst);
            word.fetch_and(!(bits & bits.wrapping_neg()), SeqCst);
            Set::first_of(at, bits)
        })
    }
}

/// A handler that was there before ours: what ours calls first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Before {
    handler: libc::sighandler_t,
    takes_info: bool,
}

/// By their numbers, from 0, which is none, to 64.
const NUMBERS: usize = 65;

/// Null: there was none. What it points to stays, since a handler may have read it.
static BEFORE: [AtomicPtr<Before>; NUMBERS] = [const { AtomicPtr::new(ptr::null_mut()) }; NUMBERS];

impl Before {
    fn call(self, signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        if self.takes_info {
            // SAFETY: the flags that came with it said that it is one of these.
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                unsafe { mem::transmute::<libc::sighandler_t, _>(self.handler) };
            handler(signal, info, context);
        } else {
            // SAFETY: as above.
            let handler: extern "C" fn(c_int) = unsafe { mem::transmute::<libc::sighandler_t, _>(self.handler) };
            handler(signal);
        }
    }
}

/// The handler of all signals that are watched for.
extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: each thread has its own, at an address that stays.
    let errno = unsafe { *errno_location() };
    look_at(signal, info, context);
    // SAFETY: as above.
    unsafe { *errno_location() = errno };
}

fn look_at(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some((word, bit)) = Set::place(signal) else { return };
    // SAFETY: null, or leaked.
    let before = unsafe { BEFORE[signal as usize].load(SeqCst).as_ref() };
    if let Some(before) = before {
        before.call(signal, info, context);
    }
    let (mut is_watched, mut was_watched, mut kills) = (false, false, false);
    BUSY.fetch_add(1, SeqCst);
    for slot in Slot::all() {
        let end = slot.end.load(SeqCst);
        if end == NONE || slot.watched[word].load(SeqCst) & bit == 0 {
            continue;
        }
        if slot.process.load(SeqCst) != Process::current().number() || slot.pid.load(SeqCst) != std::process::id() {
            was_watched = true; // before this process was forked
            continue;
        }
        is_watched = true;
        let patience = match slot.patience.load(SeqCst) {
            ENDLESS => Patience::Endless,
            most => Patience::For(most),
        };
        kills |= patience.is_over_after(slot.count.fetch_add(1, SeqCst));
        slot.arrived[word].fetch_or(bit, SeqCst);
        // SAFETY: it is open, by ENDS-ARE-OPEN.
        let end = unsafe { BorrowedFd::borrow_raw(end) };
        // A pair that takes no more says it already.
        let _ = rustix::io::write(end, &[1]);
    }
    BUSY.fetch_sub(1, SeqCst);
    if kills || (was_watched && !is_watched && before.is_none()) {
        act_by_default(signal);
    }
}

/// As if the signal were not handled: it comes once more when the handler, during which it is held back, has returned.
fn act_by_default(signal: c_int) {
    // SAFETY: plain data, for which zeros are good.
    let mut default: libc::sigaction = unsafe { mem::zeroed() };
    default.sa_sigaction = libc::SIG_DFL;
    // SAFETY: the pointers are good, or null where they may be; `raise` has no conditions.
    unsafe {
        libc::sigaction(signal, &default, ptr::null_mut());
        libc::raise(signal);
    }
}

/// What became of the signals.
struct Signals {
    process: Option<Process>,
    each: [Disposition; NUMBERS],
}

/// What became of a signal, and of how many watches that hangs.
struct Disposition {
    watches: usize,
    /// What was there before our handler was put up; `None`: it is not.
    before: Option<libc::sigaction>,
    /// The handler of others that was there the last time that there was one.
    known: Option<&'static Before>,
}

static SIGNALS: Mutex<Signals> = Mutex::new(Signals {
    process: None,
    each: [const { Disposition { watches: 0, before: None, known: None } }; NUMBERS],
});

impl Signals {
    fn lock() -> MutexGuard<'static, Signals> {
        let mut signals = SIGNALS.lock().unwrap_or_else(PoisonError::into_inner);
        let process = Some(Process::remembered());
        if mem::replace(&mut signals.process, process) != process {
            // Threads and watches of the process that this one was forked from are its own.
            signals.each.iter_mut().for_each(|disposition| disposition.watches = 0);
            BUSY.store(0, SeqCst);
        }
        signals
    }

    /// One more watches for it.
    fn begin(&mut self, signal: Signal) -> io::Result<()> {
        let disposition = &mut self.each[signal.as_raw() as usize];
        disposition.put_up(signal.as_raw())?;
        disposition.watches += 1;
        Ok(())
    }

    /// One watches no more.
    fn end(&mut self, signal: Signal) {
        self.each[signal.as_raw() as usize].watches -= 1;
        self.settle(signal);
    }

    /// Puts back what was there before, if nobody watches.
    fn settle(&mut self, signal: Signal) {
        let disposition = &mut self.each[signal.as_raw() as usize];
        if disposition.watches == 0 && !fault!("ctrl-c-kept-for-ever") {
            disposition.take_down(signal.as_raw());
        }
    }
}

impl Disposition {
    /// Puts the handler up, unless it is, or the signal is ignored.
    fn put_up(&mut self, signal: c_int) -> io::Result<()> {
        let current = current(signal)?;
        match current.sa_sigaction {
            handler if handler == ours() => return Ok(()),
            libc::SIG_IGN => {
                self.before = None;
                return Ok(());
            }
            // Somebody's over ours, which it calls, or does not want to be called.
            handler if handler != libc::SIG_DFL && self.before.is_some() => return Ok(()),
            _ => {}
        }
        self.publish(signal, &current);
        // SAFETY: plain data, for which zeros are good.
        let mut new: libc::sigaction = unsafe { mem::zeroed() };
        new.sa_sigaction = ours();
        // As most handlers are: calls go on where the signal interrupted them.
        new.sa_flags = (libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK) as _;
        // SAFETY: the mask is there to be written to; the handler takes the three arguments that the flags promise, and may
        // be called at any time, by HANDLER-IS-SAFE.
        let done = unsafe {
            libc::sigemptyset(&mut new.sa_mask);
            libc::sigaction(signal, &new, ptr::null_mut())
        };
        succeeded(done)?;
        self.before = Some(current);
        Ok(())
    }

    /// Has the handler call the one that is there now.
    fn publish(&mut self, signal: c_int, current: &libc::sigaction) {
        let place = &BEFORE[signal as usize];
        if current.sa_sigaction == libc::SIG_DFL {
            return place.store(ptr::null_mut(), SeqCst);
        }
        let takes_info = current.sa_flags as i64 & libc::SA_SIGINFO as i64 != 0; // not the same type everywhere
        let before = Before { handler: current.sa_sigaction, takes_info };
        let known = match self.known {
            Some(known) if *known == before => known,
            _ => Box::leak(Box::new(before)),
        };
        self.known = Some(known);
        place.store(ptr::from_ref(known).cast_mut(), SeqCst);
    }

    /// Puts back what was there before.
    fn take_down(&mut self, signal: c_int) {
        let Some(before) = self.before else { return };
        match current(signal) {
            Ok(current) if current.sa_sigaction == ours() => {
                // SAFETY: the pointer is good, and so is what the system itself said.
                unsafe { libc::sigaction(signal, &before, ptr::null_mut()) };
                self.before = None;
            }
            Ok(current) if matches!(current.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN) => self.before = None,
            // Somebody's over ours.
            _ => {}
        }
    }
}

fn ours() -> libc::sighandler_t {
    on_signal as *const () as libc::sighandler_t
}

/// What the signal does now.
fn current(signal: c_int) -> io::Result<libc::sigaction> {
    // SAFETY: plain data, for which zeros are good, and which is there to be written to.
    let (done, current) = unsafe {
        let mut current = mem::zeroed();
        (libc::sigaction(signal, ptr::null(), &mut current), current)
    };
    succeeded(done)?;
    Ok(current)
}

fn succeeded(done: c_int) -> io::Result<()> {
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
