//! Ctrl+C on Unix is SIGINT: a handler that is up while somebody watches, and writes a byte for each watch into a pair of
//! sockets, whose other end our own reactor watches.
//!
//! # Whose signal it is
//! The first watch puts the handler up, the last one puts back what was there before. A signal that is ignored stays so:
//! a shell does that to what it starts in the background. A handler of others that was there before is called as well.
//! One that was put up over ours is left there, and ours below it, since that one may call it.
//!
//! # Invariants
//! * **HANDLER-IS-SAFE**: the handler uses atomics, and of the system what POSIX allows there: `write`, `sigaction`,
//!   `raise`, `getpid`.
//! * **SLOTS-STAY**: a slot is leaked and used again, so a handler may look at it at any time.
//! * **ENDS-ARE-OPEN**: an end in a slot is open until no handler can have read it there: a watch takes it out, and then waits
//!   for the handlers that have begun. It holds the lock meanwhile, which no handler takes, so that nobody
//!   else gets the slot.

use std::ffi::{c_int, c_void};
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread;

use giambio_core::__fault as fault;
use libc::SIGINT;

use super::again::Again;
use crate::reactor::{Descriptor, Direction, Done, Source};
use crate::sys::process::Process;

/// The watch goes first: it has the end that the handler writes to, and to write to a pair whose other end is closed is a
/// signal of its own.
#[derive(Debug)]
pub(crate) struct CtrlC {
    watch: Watch,
    pipe: Source<Pipe>,
}

impl CtrlC {
    pub(crate) fn new(again: Again) -> io::Result<CtrlC> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(CtrlC { watch: Watch::begin(writer, again)?, pipe: Source::own(Pipe(reader)) })
    }

    pub(crate) fn poll_pressed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.watch.process != Process::current() {
            // What is written there is for the process that this one was forked from.
            *self = CtrlC::new(self.watch.again)?;
        }
        self.pipe.poll_io(cx, Direction::Read, |Pipe(pipe)| {
            let (mut pipe, mut bytes) = (pipe, [0; 64]);
            pipe.read(&mut bytes).map(|_| Done::more(()))
        })
    }
}

/// The end from which presses are read. Nobody else has it.
#[derive(Debug)]
struct Pipe(UnixStream);

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
struct Watch {
    process: Process,
    again: Again,
    slot: &'static Slot,
    /// Open until the watch has left the slot.
    _end: UnixStream,
}

impl Watch {
    fn begin(end: UnixStream, again: Again) -> io::Result<Watch> {
        let mut signal = Signal::lock();
        signal.put_up()?;
        let slot = Slot::free().unwrap_or_else(Slot::add);
        let process = Process::current();
        slot.process.store(process.number(), SeqCst);
        slot.pid.store(std::process::id(), SeqCst);
        slot.kills.store(again == Again::Kill, SeqCst);
        slot.pressed.store(false, SeqCst);
        slot.end.store(end.as_raw_fd(), SeqCst);
        signal.watches += 1;
        Ok(Watch { process, again, slot, _end: end })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut signal = Signal::lock();
        self.slot.end.store(NONE, SeqCst);
        while BUSY.load(SeqCst) > 0 {
            thread::yield_now();
        }
        if self.process == Process::current() {
            signal.watches -= 1;
        }
        if signal.watches == 0 && !fault!("ctrl-c-kept-for-ever") {
            signal.take_down();
        }
    }
}

/// No descriptor.
const NONE: c_int = -1;

/// What the handler knows of a watch.
#[derive(Debug)]
struct Slot {
    /// Where to write; [`NONE`]: it is nobody's. Written last.
    end: AtomicI32,
    process: AtomicU32,
    /// Its number with the system: ours changes a moment after a fork, and the signal may come first.
    pid: AtomicU32,
    /// The second press ends the process.
    kills: AtomicBool,
    pressed: AtomicBool,
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
            kills: AtomicBool::new(false),
            pressed: AtomicBool::new(false),
            next: SLOTS.load(SeqCst),
        }));
        SLOTS.store(ptr::from_ref(new).cast_mut(), SeqCst);
        new
    }
}

/// A handler that was there before ours: what ours calls first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Before {
    handler: libc::sighandler_t,
    takes_info: bool,
}

/// Null: there was none. What it points to stays, since a handler may have read it.
static BEFORE: AtomicPtr<Before> = AtomicPtr::new(ptr::null_mut());

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

/// The signal's handler.
extern "C" fn on_interrupt(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: null, or leaked.
    let before = unsafe { BEFORE.load(SeqCst).as_ref() };
    if let Some(before) = before {
        before.call(signal, info, context);
    }
    let (mut is_watched, mut was_watched, mut kills) = (false, false, false);
    BUSY.fetch_add(1, SeqCst);
    for slot in Slot::all() {
        let end = slot.end.load(SeqCst);
        if end == NONE {
            continue;
        }
        if slot.process.load(SeqCst) != Process::current().number() || slot.pid.load(SeqCst) != std::process::id() {
            was_watched = true; // before this process was forked
            continue;
        }
        is_watched = true;
        kills |= slot.pressed.swap(true, SeqCst) && slot.kills.load(SeqCst);
        // SAFETY: it is open, by ENDS-ARE-OPEN.
        let end = unsafe { BorrowedFd::borrow_raw(end) };
        // A pair that takes no more says it already.
        let _ = rustix::io::write(end, &[1]);
    }
    BUSY.fetch_sub(1, SeqCst);
    if kills || (was_watched && !is_watched && before.is_none()) {
        end_the_process();
    }
}

/// As if the signal were not handled: it comes once more when the handler, during which it is held back, has returned.
fn end_the_process() {
    // SAFETY: plain data, for which zeros are good.
    let mut default: libc::sigaction = unsafe { mem::zeroed() };
    default.sa_sigaction = libc::SIG_DFL;
    // SAFETY: the pointers are good, or null where they may be; `raise` has no conditions.
    unsafe {
        libc::sigaction(SIGINT, &default, ptr::null_mut());
        libc::raise(SIGINT);
    }
}

/// What became of the signal, and of how many watches that hangs.
struct Signal {
    process: Option<Process>,
    watches: usize,
    /// What was there before our handler was put up; `None`: it is not.
    before: Option<libc::sigaction>,
    /// The handler of others that was there the last time that there was one.
    known: Option<&'static Before>,
}

static SIGNAL: Mutex<Signal> = Mutex::new(Signal { process: None, watches: 0, before: None, known: None });

impl Signal {
    fn lock() -> MutexGuard<'static, Signal> {
        let mut signal = SIGNAL.lock().unwrap_or_else(PoisonError::into_inner);
        let process = Some(Process::remembered());
        if mem::replace(&mut signal.process, process) != process {
            // Threads and watches of the process that this one was forked from are its own.
            signal.watches = 0;
            BUSY.store(0, SeqCst);
        }
        signal
    }

    /// Puts the handler up, unless it is, or the signal is ignored.
    fn put_up(&mut self) -> io::Result<()> {
        let current = current()?;
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
        self.publish(&current);
        // SAFETY: plain data, for which zeros are good.
        let mut new: libc::sigaction = unsafe { mem::zeroed() };
        new.sa_sigaction = ours();
        // As most handlers are: calls go on where the signal interrupted them.
        new.sa_flags = (libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK) as _;
        // SAFETY: the mask is there to be written to; the handler takes the three arguments that the flags promise, and may
        // be called at any time, by HANDLER-IS-SAFE.
        let done = unsafe {
            libc::sigemptyset(&mut new.sa_mask);
            libc::sigaction(SIGINT, &new, ptr::null_mut())
        };
        succeeded(done)?;
        self.before = Some(current);
        Ok(())
    }

    /// Has the handler call the one that is there now.
    fn publish(&mut self, current: &libc::sigaction) {
        if current.sa_sigaction == libc::SIG_DFL {
            return BEFORE.store(ptr::null_mut(), SeqCst);
        }
        let takes_info = current.sa_flags as i64 & libc::SA_SIGINFO as i64 != 0; // not the same type everywhere
        let before = Before { handler: current.sa_sigaction, takes_info };
        let known = match self.known {
            Some(known) if *known == before => known,
            _ => Box::leak(Box::new(before)),
        };
        self.known = Some(known);
        BEFORE.store(ptr::from_ref(known).cast_mut(), SeqCst);
    }

    /// Puts back what was there before.
    fn take_down(&mut self) {
        let Some(before) = self.before else { return };
        match current() {
            Ok(current) if current.sa_sigaction == ours() => {
                // SAFETY: the pointer is good, and so is what the system itself said.
                unsafe { libc::sigaction(SIGINT, &before, ptr::null_mut()) };
                self.before = None;
            }
            Ok(current) if matches!(current.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN) => self.before = None,
            // Somebody's over ours.
            _ => {}
        }
    }
}

fn ours() -> libc::sighandler_t {
    on_interrupt as *const () as libc::sighandler_t
}

/// What the signal does now.
fn current() -> io::Result<libc::sigaction> {
    // SAFETY: plain data, for which zeros are good, and which is there to be written to.
    let (done, current) = unsafe {
        let mut current = mem::zeroed();
        (libc::sigaction(SIGINT, ptr::null(), &mut current), current)
    };
    succeeded(done)?;
    Ok(current)
}

fn succeeded(done: c_int) -> io::Result<()> {
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
