//! What a nursery knows of its children.

use core::cell::Cell;
use core::ptr::{self, NonNull};

use crate::fault::fault;
use crate::kernel::list::List;
use crate::kernel::mask::{Byte, Pointer, transaction};
use crate::kernel::pin_ref::PinRef;
use crate::kernel::run_queue::RunQueue;
use crate::kernel::scope::node::{NURSERY, Node, SubScope};
use crate::kernel::task::header::{Header, TaskRef};
use crate::kernel::used::{AWAITS, is_anything_watched};

// What a nursery is about, in `wake`.
/// It is being polled.
pub(crate) const BUSY: u8 = 1;
/// It is the innermost that is being polled, so that a wake of a child need not be told to anybody.
pub(crate) const LOOPS: u8 = 1 << 1;
/// Whoever polls it was told since the last poll.
pub(crate) const TOLD: u8 = 1 << 2;

/// A nursery's scope, its children, and which of them are ready.
#[repr(C)]
pub(crate) struct Children {
    pub(crate) scope: SubScope,
    /// All that are not freed: in this list those in which nothing is watched…
    pub(crate) idle: List<Header>,
    /// … and in this one the others.
    pub(crate) watched: List<Header>,
    pub(crate) queue: RunQueue,
    /// The task that polls it with its own waker; null: somebody else does, whose waker the scope has.
    pub(crate) task: Pointer<Header>,
    /// Changed with interrupts kept out. Has `IN_BODY` too, if it lies in the body of another nursery of the same task.
    pub(crate) wake: Byte,
    /// Nothing else is ready, in the code around it and around its task.
    pub(crate) alone: Cell<bool>,
    /// A child is over that the body awaits.
    pub(crate) body_is_awake: Cell<bool>,
    /// The body has ended, or was dropped.
    pub(crate) body_is_over: Cell<bool>,
    pub(crate) race: Cell<bool>,
    pub(crate) closed: Cell<bool>,
    /// The idle children were dropped since the nursery is cancelled.
    pub(crate) dropped_idle: Cell<bool>,
    /// Something was dropped for a scope around the nursery: there is no result to return.
    pub(crate) cut_short: Cell<bool>,
    /// Children that have a future.
    pub(crate) running: Cell<u32>,
    /// Those of them that don't keep the nursery open.
    pub(crate) daemons: Cell<u32>,
    /// The task's count of polls after direct wakes when the nursery was last polled, and the epoch of that.
    pub(crate) seen: Cell<(u16, u32)>,
    /// For [`asking`](crate::kernel::scope::asking): when it was at rest last, cancelled.
    pub(crate) looked_at: Cell<u32>,
}

impl Children {
    pub(crate) const fn new() -> Self {
        Children {
            scope: SubScope::new(NURSERY),
            idle: List::new(),
            watched: List::new(),
            queue: RunQueue::new(),
            task: Pointer::new(ptr::null()),
            wake: Byte::new(0),
            alone: Cell::new(false),
            body_is_awake: Cell::new(false),
            body_is_over: Cell::new(false),
            race: Cell::new(false),
            closed: Cell::new(false),
            dropped_idle: Cell::new(false),
            cut_short: Cell::new(false),
            running: Cell::new(0),
            daemons: Cell::new(0),
            seen: Cell::new((0, 0)),
            looked_at: Cell::new(0),
        }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.scope.node
    }

    /// The task that polls it with its own waker, if it was polled with that last. The task may be over, or another thread's.
    pub(crate) fn poller(&self) -> Option<TaskRef> {
        // SAFETY: NEVER-FREED.
        NonNull::new(self.task.get().cast_mut()).map(|task| unsafe { TaskRef::new(task) })
    }

    /// Is the nursery cancelled, by itself or from outside?
    pub(crate) fn is_cancelled(&self) -> bool {
        self.node().is_cancelled()
    }

    /// Is its code on the stack?
    pub(crate) fn is_being_polled(&self) -> bool {
        self.wake.get() & BUSY != 0
    }

    /// Does it take no more children?
    pub(crate) fn is_closing(&self) -> bool {
        self.closed.get() || self.is_cancelled()
    }

    /// Is a child over that the body awaits?
    pub(crate) fn is_body_awake(&self) -> bool {
        AWAITS.is() && self.body_is_awake.get()
    }

    /// The same; from here on it is not.
    pub(crate) fn take_wake_of_body(&self) -> bool {
        AWAITS.is() && self.body_is_awake.take()
    }

    /// Has it no child, not even one that is over and has a handle?
    pub(crate) fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.watched.is_empty() && self.queue.is_empty()
    }

    /// Calls `f` with each child there is now, which may free it, and any other. One that comes meanwhile may be left out.
    pub(crate) fn each(&self, mut f: impl FnMut(TaskRef)) {
        // Who is watched no longer meanwhile is in the other list.
        let is_one = self.watched.is_empty() || fault!("who-goes-to-the-idle-is-passed-over");
        let lists = if is_one { &[&self.idle, &self.watched][..] } else { &[&self.idle, &self.watched, &self.idle] };
        for list in lists {
            for _ in usize::from(fault!("a-sibling-is-skipped"))..transaction(|| list.count()) {
                let first = transaction(|| list.first().inspect(|_| list.rotate()));
                let Some(task) = first else { break };
                f(task);
            }
        }
    }

    /// A child of which this holds. It is the last of its list then, so that a search goes on after it.
    pub(crate) fn find(&self, is_it: fn(TaskRef) -> bool) -> Option<TaskRef> {
        transaction(|| {
            let found = find_in(&self.idle, is_it);
            if is_anything_watched() { found.or_else(|| find_in(&self.watched, is_it)) } else { found }
        })
    }
}

fn find_in(list: &List<Header>, is_it: fn(TaskRef) -> bool) -> Option<TaskRef> {
    let start = list.first()?;
    loop {
        let task = list.first()?;
        list.rotate();
        if is_it(task) {
            return Some(task);
        }
        if list.first().is_some_and(|first| first.is(start)) {
            return None;
        }
    }
}

/// A nursery that can be polled, or is being dropped. Good for the whole (WHOLE-POINTER).
pub(crate) type NurseryRef = PinRef<Children>;

impl core::fmt::Debug for Children {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Children").field("running", &self.running.get()).finish_non_exhaustive()
    }
}
