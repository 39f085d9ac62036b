//! Which process this is: a fork copies all memory, and so everything that was believed of descriptors and threads.

use std::mem;
use std::sync::Arc;

use super::callbacks::{count_forks, forks};

/// Tells a process from those it was forked from. Where there is no fork, all are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(u32);

impl Process {
    /// The process that runs this, from which on forks are counted. For who keeps it, to compare it later.
    pub(crate) fn remembered() -> Process {
        count_forks();
        Process::current()
    }

    /// The process that runs this.
    #[inline]
    pub(crate) fn current() -> Process {
        Process(forks())
    }

    /// Has this process made `shared`, and is it to drop it? In another one that is never dropped: a kqueue does not outlive
    /// a fork, and its number is another descriptor's by now.
    #[allow(dead_code, reason = "not every system has a kqueue")]
    pub(crate) fn keeps<T>(self, shared: &Arc<T>) -> bool {
        let is_ours = self == Process::current();
        if !is_ours {
            mem::forget(shared.clone());
        }
        is_ours
    }

    /// Different in each process and in those that it was forked from.
    #[cfg(unix)]
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}
