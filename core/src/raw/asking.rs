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

use super::block::{Block, QUEUED};
use super::heap::Timed;
use super::holding;
use super::node::{ASKED, CANCELLED, Entered, HEARD, HOLD, Node, SHIELD, step};
use super::port::{now, with};
use super::state::State;
use super::waker;
use crate::fault::fault;

/// What holds goes on after a poll: it is polled still.
pub(crate) fn answer(node: &Node) {
    with(|_| node.clear(ASKED));
    now(|now| now.answered.set(1));
}

/// A scope is cancelled, or a poll of one begins that was: nothing of what holds it has answered yet.
#[inline]
pub(super) fn begin(state: &State, node: &Node) {
    if node.is_active() {
        state.now.answered.set(0);
    }
}

/// A poll of a cancelled scope that isn't a task or a nursery: what shows whether it was woken meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    /// The task that polls it, if with its own waker.
    task: Option<&'static Block>,
    wakes: u16,
    was_queued: bool,
}

impl Round {
    /// Begins one, if the scope has one of these flags, by which it was cancelled.
    #[inline]
    pub(crate) fn begin(entered: &Entered<'_>, flags: u16, cx: &Context<'_>) -> Option<Round> {
        if entered.node.has(flags) { Some(Round::begin_cancelled(entered.node, cx)) } else { None }
    }

    #[cold]
    #[inline(never)]
    fn begin_cancelled(node: &Node, cx: &Context<'_>) -> Round {
        let task = now(|now| waker::block_of_current(now, cx.waker()));
        with(|state| {
            begin(state, node);
            let (wakes, was_queued) = task.map_or((0, false), |task| (task.look_at_wakes(), task.has(QUEUED)));
            Round { task, wakes, was_queued }
        })
    }

    /// The poll has left something pending that holds the scope. Is it forsaken?
    #[cold]
    #[inline(never)]
    pub(crate) fn is_forsaken(self, timed: &Timed, cx: &Context<'_>) -> bool {
        let is_at_rest = match self.task {
            // A wake through a nursery is not direct, and shows only in the list that it leads to.
            Some(task) => task.direct.get() == self.wakes && (self.was_queued || !task.has(QUEUED)),
            None => is_task_at_rest(),
        };
        is_forsaken(&timed.node, timed.looked_at().filter(|_| is_at_rest), cx.waker())
    }
}

/// For what is polled with a waker that isn't its task's: was the task not woken again? Where there is none, in an executor
/// of others, nobody knows.
pub(super) fn is_task_at_rest() -> bool {
    // SAFETY: STATIC-BLOCKS.
    now(|now| unsafe { now.block.get().as_ref() }).is_none_or(|task| !task.has(QUEUED))
}

/// A poll of a cancelled scope has ended, and something holds it: is it at rest, and nothing of that answers? If it isn't
/// known, it is asked, and the scope woken by its waker to hear of it.
///
/// `looked_at`: where it is noted at rest in which poll of the task that was, if it is; else none.
pub(super) fn is_forsaken(node: &Node, looked_at: Option<&Cell<u32>>, waker: &Waker) -> bool {
    match holding::look(node, looked_at) {
        Look::Held => false,
        Look::Forsaken => !fault!("unpolled-holds-for-ever"),
        Look::Asked(foreign) => {
            waker.wake_by_ref();
            super::foreign::wake(foreign);
            false
        }
    }
}

/// What becomes of a cancelled scope at rest that something holds.
pub(super) enum Look {
    /// It is waited for.
    Held,
    /// Something was asked; a foreign waker is to be called for that.
    Asked(Option<Waker>),
    /// It is waited for no longer.
    Forsaken,
}

/// For [`holding::look`].
pub(super) fn look(node: &Node, looked_at: Option<&Cell<u32>>) -> Look {
    with(|state| {
        let has_answer = state.now.answered.get() != 0 || node.has(HEARD);
        if has_answer {
            // To the scopes around as well.
            state.now.answered.set(1);
        }
        // If the task is to be polled again, it may be for what was asked in this very poll: the answer counts then.
        // SAFETY: STATIC-BLOCKS.
        let is_queued = unsafe { state.now.block.get().as_ref() }.is_some_and(|task| task.has(QUEUED));
        match has_answer && (is_queued || looked_at.is_none()) {
            true => node.set(HEARD),
            false if looked_at.is_some() => node.clear(HEARD),
            false => {}
        }
        let Some(looked_at) = looked_at else { return Look::Held };
        // Whoever is polled twice in one poll of its task has seen nothing new: a wake leads to another.
        let poll = state.now.since.get();
        let is_seen = looked_at.replace(poll) == poll;
        // Without `std`, that may have been in an interrupt.
        if has_answer && cfg!(feature = "std") {
            return Look::Held;
        }
        let whole = unasked(node);
        // SAFETY: null, or PINNED: found in the tree.
        match unsafe { whole.as_ref() } {
            None => Look::Forsaken,
            Some(_) if has_answer || is_seen => {
                state.now.answered.set(1);
                Look::Held
            }
            Some(holder) => {
                holder.set(ASKED);
                Look::Asked(state.wake_node(whole))
            }
        }
    })
}

/// The first in a scope that holds it, by itself, and has answered since it was asked last.
pub(super) fn unasked(top: &Node) -> *const Node {
    let mut at: *const Node = top;
    // SAFETY: PINNED: links lead to live nodes.
    while let Some(node) = unsafe { at.as_ref() } {
        let is_top = ptr::eq(top, node);
        if !is_top && holds_itself(node) && !node.has(ASKED) {
            return at;
        }
        at = step(top, node, is_top || node.is_held());
    }
    ptr::null()
}

/// Does this hold the scopes around it, not because of something inside?
pub(super) fn holds_itself(node: &Node) -> bool {
    node.has(HOLD) && !node.is_held()
}

/// Something has ceased to hold the scope at `at`, or has come to the end of its grace: the scope around it that looks
/// whether the rest answers, and has to do so anew; null if none is cancelled.
pub(super) fn looker(mut at: *const Node) -> *const Node {
    // SAFETY: PINNED.
    while let Some(node) = unsafe { at.as_ref() }.filter(|node| node.is_cancelled()) {
        if node.has(CANCELLED) || node.has(HOLD) && !node.has(SHIELD) {
            node.clear(HEARD);
            return at;
        }
        at = node.parent.get();
    }
    ptr::null()
}
