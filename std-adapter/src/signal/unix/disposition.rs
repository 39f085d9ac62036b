//! What a signal does, and whose it is.
//!
//! The first watch for a signal puts the handler up, the last one puts back what was there before. A signal that is ignored
//! stays so: a shell does that to what it starts in the background. A handler of others that was there before is called as
//! well. One that was put up over ours is left there, and ours below it, since that one may call it.

use std::ffi::c_int;
use std::io;
use std::mem;
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Mutex, MutexGuard, PoisonError};

use giambio_core::__fault as fault;

use super::handler::{BEFORE, Before, NUMBERS, on_signal};
use super::slot::forget_handlers;
use crate::signal::kinds::Signal;
use crate::sys::process::Process;

/// What became of the signals.
pub(super) struct Dispositions {
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

static DISPOSITIONS: Mutex<Dispositions> = Mutex::new(Dispositions {
    process: None,
    each: [const { Disposition { watches: 0, before: None, known: None } }; NUMBERS],
});

impl Dispositions {
    pub(super) fn lock() -> MutexGuard<'static, Dispositions> {
        let mut signals = DISPOSITIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let process = Some(Process::remembered());
        if mem::replace(&mut signals.process, process) != process {
            // Threads and watches of the process that this one was forked from are its own.
            signals.each.iter_mut().for_each(|disposition| disposition.watches = 0);
            forget_handlers();
        }
        signals
    }

    /// One more watches for it.
    pub(super) fn begin(&mut self, signal: Signal) -> io::Result<()> {
        let disposition = &mut self.each[signal.as_raw() as usize];
        disposition.put_up(signal.as_raw())?;
        disposition.watches += 1;
        Ok(())
    }

    /// One watches no more.
    pub(super) fn end(&mut self, signal: Signal) {
        self.each[signal.as_raw() as usize].watches -= 1;
        self.settle(signal);
    }

    /// Puts back what was there before, if nobody watches.
    pub(super) fn settle(&mut self, signal: Signal) {
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
