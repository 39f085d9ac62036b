//! Looking at what there is: each live task and each scope of a runtime, from the root task on.
//!
//! ```
//! # use core::pin::pin;
//! # use core::time::Duration;
//! # use giambio_core::{Runtime, Until, VirtualClock, move_on_after, nursery_in, Arena, sleep};
//! # static ARENA: Arena<2, 512> = Arena::new();
//! use giambio_core::introspect::{self, Kind};
//!
//! /// What there is, a line each.
//! fn tree() -> String {
//!     let mut lines = String::new();
//!     introspect::visit(|entry| {
//!         let what = match entry.kind {
//!             Kind::Task(task, status) => format!("{} ({status:?})", task.name),
//!             Kind::Nursery { children } => format!("a nursery of {children}"),
//!             _ => format!("a scope until {:?}", entry.deadline),
//!         };
//!         lines += &format!("{:1$}{what}\n", "", 2 * entry.depth);
//!     });
//!     lines
//! }
//! # let time: VirtualClock = VirtualClock::new();
//! # let tree = pin!(Runtime::new(&time, async {
//! #     let work = nursery_in(&ARENA, async |n| {
//! #         n.child().name("clerk").spawn_wait(async { Ok::<_, ()>(sleep(Duration::from_secs(1)).await) }).await;
//! #         sleep(Duration::from_millis(1)).await;
//! #         Ok(tree())
//! #     });
//! #     move_on_after(Duration::from_secs(9), work).await.unwrap().unwrap()
//! # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
//! # assert_eq!(tree, "main (Running)\n  a scope until Some(Instant(9000000000))\n    a nursery of 1\n      clerk (Waiting)\n");
//! ```
//!
//! A scope is found where it was polled last. So one that nobody has polled yet is not found, nor is one in a task that has
//! ended.
//!
//! [`write`] writes a tree like that, into whatever takes text.
//!
//! What each task waits for is found by `dump`, which asks them all (with feature `std`). Without `std`, a [`Debugger`] is
//! told of it as it happens, if it [wants](Debugger::wants) to know.

#[cfg(feature = "std")]
mod chains;
#[cfg(feature = "std")]
mod dump;
mod line;
#[cfg(feature = "std")]
mod show;

use core::pin::Pin;

use crate::debugger::Debugger;
use crate::kernel::root::with_clock;
use crate::kernel::walk::{What, walk};
use crate::reason::Reason;
use crate::runtime::Runtime;
use crate::task_info::{Status, TaskInfo};
use crate::time::{Clock, Instant};

#[cfg(feature = "std")]
pub use crate::task_info::Waits;
#[cfg(feature = "std")]
pub use dump::{Dump, Node, NodeKind, TaskNode, dump};
pub use line::write;

/// A task or a scope.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// In how many others it is; 0: it is the outermost.
    pub depth: usize,
    /// What it is.
    pub kind: Kind<'a>,
    /// Why it was cancelled, if it was itself. What is inside is cancelled with it, but for shields.
    pub cancelled: Option<Reason>,
    /// What is inside isn't cancelled by what is outside: it is a shield, or a clean-up that runs.
    pub is_shielded: bool,
    /// When it ends at the latest, if it has a deadline.
    pub deadline: Option<Instant>,
}

/// What an [`Entry`] is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind<'a> {
    /// A task, and what it is doing.
    Task(TaskInfo<'a>, Status),
    /// A nursery. Its children follow, after what is in its body.
    Nursery {
        /// How many run.
        children: usize,
    },
    /// Another scope: a cancel scope, a deadline, a shield, a clean-up.
    Scope,
}

/// Calls `f` with all there is in the runtime whose code is running, from the outside in: with a scope or a task, then with
/// what is in it. In a nursery that another executor polls, with what is in that.
///
/// It may do what it likes. If something goes thereby that was to come next, that was all.
///
/// Returns whether all there is was visited: false too where no such code is running.
pub fn visit(f: impl FnMut(Entry<'_>)) -> bool {
    visit_all(false, f)
}

fn visit_all(is_idle: bool, mut visit: impl FnMut(Entry<'_>)) -> bool {
    walk(is_idle, |found| {
        let kind = match &found.what {
            What::Task(task, status) => Kind::Task(task.info(), *status),
            What::Nursery(children) => Kind::Nursery { children: *children },
            What::Scope => Kind::Scope,
        };
        let instant = |ticks| with_clock(|clock, _| clock.instant(ticks));
        visit(Entry {
            depth: found.depth,
            kind,
            cancelled: found.reason,
            is_shielded: found.is_shield,
            deadline: found.deadline.and_then(instant),
        });
    })
}

/// The same for a runtime between two turns. Nobody's code is running then.
///
/// Returns false too inside another runtime's turn.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Next, Runtime, Until, VirtualClock};
/// # use core::future::pending;
/// use giambio_core::introspect;
///
/// # let clock: VirtualClock = VirtualClock::new();
/// let mut runtime = pin!(Runtime::new(&clock, pending::<()>()));
/// assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
/// let mut count = 0;
/// assert!(introspect::visit_runtime(runtime.as_ref(), |_| count += 1));
/// assert_eq!(count, 1); // the root task
/// ```
pub fn visit_runtime<F: Future, C: Clock, D: Debugger>(
    runtime: Pin<&Runtime<F, C, D>>,
    f: impl FnMut(Entry<'_>),
) -> bool {
    runtime.between_turns(|| visit_all(true, f)).unwrap_or(false)
}
