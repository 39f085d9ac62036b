//! Why a program in virtual time did not come to an end.

use core::fmt;
use core::time::Duration;
use std::string::String;
use std::vec::Vec;

use crate::time::Instant;

/// Why a test in virtual time comes to no end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stuck {
    /// All tasks wait, no deadline is set, and nobody is left to wake one. Look at what each of them
    /// waits for. Virtual time can't see sockets, calls that block, and other threads: if a task waits for such a call or
    /// a thread, give it some [`patience`](crate::testing::Simulation::patience); what needs sockets is tested under
    /// `giambio::run`.
    #[non_exhaustive]
    Deadlock {
        /// When, by the virtual clock.
        at: Instant,
        /// The names of the children there are, in the order in which they were spawned. Empty without
        /// feature `hooks`, and where an [`Autojump`](crate::testing::Autojump) was the wait of a runtime of your own.
        tasks: Vec<String>,
        /// With feature `introspect`: who waits for whom, as `introspect::Dump::chains` has it. To find it out, each task was
        /// polled once more. Empty where an `Autojump` was the wait of a runtime of your own.
        chains: Vec<String>,
    },
    /// Some task has always been ready, so the clock stands still: a loop of
    /// [`checkpoint`](crate::checkpoint()) or of sleeps of no length, as a rule, that waits for the
    /// time. Let it sleep for a while.
    #[non_exhaustive]
    Livelock {
        /// When, by the virtual clock.
        at: Instant,
        /// How many turns there were at that moment, none of which another thread brought about.
        turns: u64,
        /// As for a deadlock.
        tasks: Vec<String>,
    },
}

impl Stuck {
    /// Who waits for whom, as far as it is known.
    fn chains(&self) -> &[String] {
        match self {
            Stuck::Deadlock { chains, .. } => chains,
            Stuck::Livelock { .. } => &[],
        }
    }

    pub(super) fn with(mut self, names: Vec<String>) -> Self {
        let (Stuck::Deadlock { tasks, .. } | Stuck::Livelock { tasks, .. }) = &mut self;
        *tasks = names;
        self
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = |at: &Instant| Duration::from_nanos(at.as_nanos());
        let tasks = match self {
            Stuck::Deadlock { at, tasks, .. } => {
                let at = after(at);
                write!(
                    f,
                    "deadlock {at:?} after the start: all tasks wait, for no timer, and nobody is left to wake one. Virtual \
                     time sees no blocking calls and other threads, which `Simulation::patience` waits for, and no sockets, \
                     which `giambio::run` is for"
                )?;
                tasks
            }
            Stuck::Livelock { at, turns, tasks } => {
                let at = after(at);
                write!(f, "livelock {at:?} after the start: in {turns} turns some task has always been ready")?;
                tasks
            }
        };
        if !tasks.is_empty() {
            write!(f, "; the children are: {}", tasks.join(", "))?;
        }
        // The first are of those that wait for each other.
        const ENOUGH: usize = 16;
        let chains = self.chains();
        for chain in chains.iter().take(ENOUGH) {
            write!(f, "\n  {chain}")?;
        }
        match chains.len().saturating_sub(ENOUGH) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl core::error::Error for Stuck {}
