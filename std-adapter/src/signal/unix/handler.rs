//! The handler of all signals that are watched for.
//!
//! # Invariants
//! * **HANDLER-IS-SAFE**: the handler uses atomics, and of the system what POSIX allows there: `write`, `sigaction`,
//!   `raise`, `getpid`, `waitpid`, `kill`. The code that it interrupts finds `errno` as it was, whatever fails meanwhile.

use std::ffi::{c_int, c_void};
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

#[cfg(feature = "process")]
use giambio_core::__fault as fault;
#[cfg(any(target_os = "illumos", target_os = "solaris"))]
use libc::___errno as errno_location;
#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
use libc::__errno as errno_location;
#[cfg(any(target_os = "linux", target_os = "dragonfly"))]
use libc::__errno_location as errno_location;
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
use libc::__error as errno_location;

use super::slot::{Heard, tell_all};
use crate::signal::kinds::Set;

/// A handler that was there before ours: what ours calls first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) handler: libc::sighandler_t,
    pub(super) takes_info: bool,
}

/// By their numbers, from 0, which is none, to 64.
pub(super) const NUMBERS: usize = 65;

/// Null: there was none. What it points to stays, since a handler may have read it.
pub(super) static BEFORE: [AtomicPtr<Before>; NUMBERS] = [const { AtomicPtr::new(ptr::null_mut()) }; NUMBERS];

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
pub(super) extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
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
    match tell_all(word, bit) {
        Heard::TooOften => {
            #[cfg(feature = "process")]
            if !fault!("programs-outlive-a-death-by-order") {
                crate::sys::children::kill_all();
            }
            act_by_default(signal);
        }
        Heard::ByItsParent if before.is_none() => act_by_default(signal),
        Heard::NotWatched | Heard::ByItsParent | Heard::Watched => {}
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
