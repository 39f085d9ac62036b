//! Which process this is: a fork copies all memory, and so everything that was believed of descriptors and threads.
//!
//! The C library tells of each `fork` that goes through it, so that looking costs one load and no system call. One that is
//! made by a bare system call goes unnoticed.

use std::ffi::c_int;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many forks lie between the first process that counted and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Tells a process from those it was forked from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(u32);

impl Process {
    /// The process that runs this, from which on forks are counted. For who keeps it, to compare it later.
    pub(crate) fn remembered() -> Process {
        static COUNTING: Once = Once::new();
        COUNTING.call_once(|| {
            // It fails only for want of memory, of a few bytes.
            // SAFETY: `count` may be called at any time in any child: it touches nothing but an atomic.
            let _ = unsafe { pthread_atfork(None, None, Some(count)) };
        });
        Process::current()
    }

    /// The process that runs this.
    #[inline]
    pub(crate) fn current() -> Process {
        Process(FORKS.load(Ordering::Relaxed))
    }

    /// Different in each process and in those that it was forked from.
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

unsafe extern "C" {
    /// POSIX, and everywhere; the crate `libc` has it for some systems only.
    fn pthread_atfork(
        prepare: Option<unsafe extern "C" fn()>,
        parent: Option<unsafe extern "C" fn()>,
        child: Option<unsafe extern "C" fn()>,
    ) -> c_int;
}

/// In the child, on the thread that forked, before `fork` returns.
extern "C" fn count() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
