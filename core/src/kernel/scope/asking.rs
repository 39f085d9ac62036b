//! Asking: is what holds a cancelled scope still polled by anybody?
//!
//! A shield or a clean-up that was begun may be kept and never polled again: in a set of futures whose owner waits for
//! something else, say. It would hold the cancelled scopes around it for ever. So all that holds is *asked* when it is
//! cancelled: it is marked `ASKED` and woken, by the waker of its last poll. Who is polled then has answered. At the end of
//! each later poll of the cancelled scope that leaves it at rest (nothing it could wait for was woken in that poll):
//!
//! * Something that holds it was polled since it was at rest last, and goes on: it is waited for.
//! * Nothing was, but there is some that has answered before. One of it is asked anew: the wake that led here may have been
//!   its own, and it isn't polled any more. If it answers, see above; else the next one is asked.
//! * All was asked, and nothing answered: the scope is *forsaken*. Nothing holds it any longer, and what is in it is dropped
//!   with its code.
//!
//! So at rest there is always some that was polled since the last wake, and whose own wake leads to the next look. Who looks is
//! the scope that was cancelled itself, and a `finally` that waits to drop its body; what lies between goes with them.

use core::cell::Cell;
use core::ptr;
use core::task::{Context, Waker};

use super::node::{ASKED, HEARD, HOLD, Node};
use super::tree::step;
use crate::fault::fault;
use crate::kernel::context::{Context as Kernel, now, with};
use crate::kernel::foreign;
use crate::kernel::mask::{HAS_INTERRUPTS, masked, within};
use crate::kernel::task::header::{AGAIN, TaskRef};
use crate::kernel::waker::task_of;

/// What holds goes on after a poll: it is polled still.
pub(crate) fn answer(node: &Node) {
    with(|_| node.clear(ASKED));
    now(|context| context.answered.set(1));
}

/// A scope is cancelled, or a poll of one begins that was: nothing of what holds it has answered yet.
pub(crate) fn begin(context: &Kernel, node: &Node) {
    if node.is_active() {
        context.answered.set(0);
    }
}

/// A poll of a cancelled scope that isn't a task or a nursery: what shows whether it was woken meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    /// The task that polls it, if with its own waker.
    task: Option<TaskRef>,
    was_queued: bool,
    /// It was woken before this began, as a round around this one has to know.
    was_woken: bool,
}

impl Round {
    /// Begins one, if the scope has one of these flags, by which it was cancelled.
    pub(crate) fn begin(node: &Node, flags: u16, cx: &Context<'_>) -> Option<Round> {
        if node.has(flags) { Some(Round::begin_cancelled(node, cx)) } else { None }
    }

    #[cold]
    fn begin_cancelled(node: &Node, cx: &Context<'_>) -> Round {
        with(|context| {
            begin(context, node);
            let task = task_of(context, cx.waker());
            let (flags, was_queued) = within(|| {
                let flags = task.map_or(0, |task| task.wake.get());
                if let Some(task) = task {
                    task.wake.set(flags & !AGAIN);
                }
                (flags, task.is_some_and(|task| task.is_queued()))
            });
            Round { task, was_queued, was_woken: flags & AGAIN != 0 }
        })
    }

    /// The poll has left something pending that holds the scope. Is it at rest?
    #[cold]
    fn is_at_rest(self) -> bool {
        match self.task {
            // A wake through a nursery shows only in the queue that it leads to.
            Some(task) => masked(|| {
                let flags = task.wake.get();
                if self.was_woken {
                    task.wake.set(flags | AGAIN);
                }
                flags & AGAIN == 0 && (self.was_queued || !task.is_queued())
            }),
            None => is_task_at_rest(),
        }
    }

    /// The poll has left something pending that holds the scope. Is it forsaken?
    ///
    /// # Safety
    /// The scope is alive, and the pointer is good for the whole.
    pub(super) unsafe fn is_forsaken(self, this: *const Node, looked_at: &Cell<u32>, cx: &Context<'_>) -> bool {
        // SAFETY: by contract.
        unsafe { is_forsaken(this, self.is_at_rest().then_some(looked_at), cx.waker()) }
    }
}

/// For what is polled with a waker that isn't its task's: was the task not woken again? Where there is none, in an executor
/// of others, nobody knows.
pub(crate) fn is_task_at_rest() -> bool {
    with(|context| context.task()).is_none_or(|task| !task.is_queued())
}

/// A poll of a cancelled scope has ended, and something holds it: is it at rest, and nothing of that answers? If it isn't
/// known, it is asked, and the scope woken by its waker to hear of it.
///
/// `looked_at`: where it is noted at rest in which poll of the task that was, if it is; else none.
///
/// # Safety
/// The scope is alive, and the pointer is good for the whole.
pub(crate) unsafe fn is_forsaken(this: *const Node, looked_at: Option<&Cell<u32>>, waker: &Waker) -> bool {
    // SAFETY: by contract.
    match unsafe { look(this, looked_at) } {
        Look::Held => false,
        Look::Forsaken => !fault!("unpolled-holds-for-ever"),
        Look::Asked(foreign) => {
            waker.wake_by_ref();
            foreign::wake(foreign);
            false
        }
    }
}

/// What becomes of a cancelled scope at rest that something holds.
enum Look {
    /// It is waited for.
    Held,
    /// Something was asked; a foreign waker is to be called for that.
    Asked(Option<Waker>),
    /// It is waited for no longer.
    Forsaken,
}

/// A poll of this cancelled scope has ended: does what holds it still answer?
///
/// # Safety
/// As [`is_forsaken`].
unsafe fn look(this: *const Node, looked_at: Option<&Cell<u32>>) -> Look {
    // SAFETY: by contract.
    let node = unsafe { &*this };
    with(|context| {
        let has_answer = context.answered.get() != 0 || node.has(HEARD);
        if has_answer {
            // To the scopes around as well.
            context.answered.set(1);
        }
        // If the task is to be polled again, it may be for what was asked in this very poll: the answer counts then.
        let is_queued = context.task().is_some_and(|task| task.is_queued());
        match has_answer && (is_queued || looked_at.is_none()) {
            true => node.set(HEARD),
            false if looked_at.is_some() => node.clear(HEARD),
            false => {}
        }
        let Some(looked_at) = looked_at else { return Look::Held };
        // Whoever is polled twice in one poll of its task has seen nothing new: a wake leads to another.
        let poll = context.poll.get();
        let is_seen = looked_at.replace(poll) == poll;
        // That may have been in an interrupt.
        if has_answer && !HAS_INTERRUPTS {
            return Look::Held;
        }
        let whole = unasked(this);
        // SAFETY: null, or PINNED: found in the tree.
        match unsafe { whole.as_ref() } {
            None => Look::Forsaken,
            Some(_) if has_answer || is_seen => {
                context.answered.set(1);
                Look::Held
            }
            Some(holder) => {
                holder.set(ASKED);
                // SAFETY: as above, and good for the whole.
                Look::Asked(unsafe { context.wake_node(whole) })
            }
        }
    })
}

/// The first in a scope that holds it, by itself, and has answered since it was asked last.
pub(super) fn unasked(top: *const Node) -> *const Node {
    let mut at = top;
    // SAFETY: KNOWN-PARENT: what is found in the tree is alive.
    while let Some(node) = unsafe { at.as_ref() } {
        let is_top = ptr::eq(top, at);
        if !is_top && holds_itself(node) && !node.has(ASKED) {
            return at;
        }
        at = step(top, at, is_top || node.is_held());
    }
    ptr::null()
}

/// Does this hold the scopes around it, not because of something inside?
pub(super) fn holds_itself(node: &Node) -> bool {
    node.has(HOLD) && !node.is_held()
}
