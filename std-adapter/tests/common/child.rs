//! Children of `fork`.
#![allow(dead_code, reason = "each program uses a part")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

/// What hangs takes longer.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A child of this process, which is the caller's thread alone.
pub(crate) struct Child(pub(crate) libc::pid_t);

impl Child {
    /// Forks. `None`: this is the child.
    pub(crate) fn fork() -> Option<Child> {
        // SAFETY: what the child does could only be disturbed by a lock that another thread held just then; the tests are
        // made one after the other, and their threads are waited for.
        match unsafe { libc::fork() } {
            -1 => panic!("{}", std::io::Error::last_os_error()),
            0 => None,
            child => Some(Child(child)),
        }
    }

    /// Calls `child` in one.
    pub(crate) fn doing(child: impl FnOnce()) -> Child {
        Child::fork().unwrap_or_else(|| Child::end(child))
    }

    /// The child's part, which never returns.
    pub(crate) fn end(child: impl FnOnce()) -> ! {
        let ended = catch_unwind(AssertUnwindSafe(child));
        // SAFETY: it ends this process as if it were killed: nothing more of ours runs.
        unsafe { libc::_exit(if ended.is_ok() { 7 } else { 1 }) }
    }

    pub(crate) fn send(&self, signal: libc::c_int) {
        // SAFETY: it is our child, and not yet waited for.
        assert_eq!(unsafe { libc::kill(self.0, signal) }, 0);
    }

    /// Waits until it has ended; how it did.
    pub(crate) fn wait(self) -> libc::c_int {
        let began = Instant::now();
        let mut status = 0;
        // SAFETY: `status` is there to be written to.
        while unsafe { libc::waitpid(self.0, &mut status, libc::WNOHANG) } == 0 {
            if began.elapsed() > LONG {
                self.send(libc::SIGKILL);
                panic!("the child hangs");
            }
            thread::sleep(Duration::from_millis(1));
        }
        status
    }

    /// Waits until it has ended, and as it should.
    pub(crate) fn join(self) {
        let status = self.wait();
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "the child has failed: {status}");
    }

    /// Waits until a signal has ended it; which one.
    pub(crate) fn killed_by(self) -> libc::c_int {
        let status = self.wait();
        assert!(libc::WIFSIGNALED(status), "no signal has ended the child: {status}");
        libc::WTERMSIG(status)
    }
}
