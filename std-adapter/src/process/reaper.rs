//! Children that were killed while nobody could wait for them: whoever is left does.

use std::sync::{Arc, Mutex};

use rustix::io::retry_on_intr;
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::job::Job;
use crate::pool::{Pool, lock};
use crate::sys::process::Process;

/// Who is killed ends soon, so few threads do. One that the system can't end holds up one of them.
static REAPERS: Pool = Pool::new("giambio reaper", 4);

static LEFT: Mutex<Vec<Left>> = Mutex::new(Vec::new());

struct Left {
    child: Pid,
    /// Whose child.
    process: Process,
}

/// Leaves a child of this process, which was killed, to whoever comes.
pub(super) fn leave(child: Pid) {
    lock(&LEFT).push(Left { child, process: Process::current() });
    // Without a thread it is left to `look`.
    let _ = REAPERS.enqueue(Arc::new(Reap));
}

/// Reaps those that were left, as far as they are over. Does not wait.
pub(super) fn look() {
    lock(&LEFT).retain(|left| {
        left.process == Process::current() && matches!(waitpid(Some(left.child), WaitOptions::NOHANG), Ok(None))
    });
}

/// Waits for one of those that were left.
struct Reap;

impl Job for Reap {
    fn run(&self) {
        let next = lock(&LEFT).pop();
        if let Some(Left { child, process }) = next
            && process == Process::current()
        {
            let _ = retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
        }
    }
}
