//! Asking: is what holds a cancelled scope still polled by anybody?
//!
//! A shield or a clean-up that was begun may be kept and never polled again: in a set of futures whose owner waits for
//! something else, say. It would hold the cancelled scopes around it for ever. So all that holds is *asked* when it is
//! cancelled: it is marked `ASKED` and woken, by the waker of its last poll. Who is polled then has answered. At the end of
//! each later poll of the cancelled scope that leaves it at rest (nothing it could wait for was woken in that poll):
//!
//! * Something that holds it was polled in that poll, and goes on: it is waited for.
//! * Nothing was, but there is some that has answered before. One of it is asked anew: the wake that led here may have been
//!   its own, and it isn't polled any more. If it answers, see above; else the next one is asked. Where it has answered since
//!   the scope was at rest last, this is done once, and then it is waited for: what is asked elsewhere may be all that keeps
//!   the scope from its rest, and two that do so to each other would go on for ever.
//! * All was asked, and nothing answered: the scope is *forsaken*. Nothing holds it any longer, and what is in it is dropped
//!   with its code.
//!
//! Where the scope is polled by somebody else's waker, nobody knows whether its task was woken for what is in it: then it has
//! itself polled once more.
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

/// A scope is cancelled: nothing of what holds it has answered yet.
pub(super) fn forget(context: &Kernel, node: &Node) {
    if node.is_active() {
        context.answered.set(0);
    }
}

/// A poll of a cancelled scope begins: as above. But what has answered beside it has done so to the scopes around.
pub(crate) fn begin(context: &Kernel, node: &Node) {
    if !node.is_active() || context.answered.get() == 0 {
        return;
    }
    context.answered.set(0);
    let mut at = node.parent.get();
    // SAFETY: PINNED: what is around a scope that is being polled is alive.
    while let Some(around) = unsafe { at.as_ref() } {
        if around.is_cancelled() && !fault!("answers-forgotten-around") {
            around.set(HEARD);
        }
        at = around.parent.get();
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
    fn rest(self, looked_at: &Cell<u32>) -> Rest<'_> {
        let Some(task) = self.task else { return Rest::of_foreign(looked_at) };
        // A wake through a nursery shows only in the queue that it leads to.
        let is_woken = masked(|| {
            let flags = task.wake.get();
            if self.was_woken {
                task.wake.set(flags | AGAIN);
            }
            flags & AGAIN != 0 || (!self.was_queued && task.is_queued())
        });
        if is_woken { Rest::Woken } else { Rest::At(looked_at) }
    }

    /// The poll has left something pending that holds the scope. Is it forsaken?
    ///
    /// # Safety
    /// The scope is alive, and the pointer is good for the whole.
    pub(super) unsafe fn is_forsaken(self, this: *const Node, looked_at: &Cell<u32>, cx: &Context<'_>) -> bool {
        // SAFETY: by contract.
        unsafe { is_forsaken(this, self.rest(looked_at), cx.waker()) }
    }
}

/// Was nothing woken in a poll that a scope could wait for?
#[derive(Clone, Copy)]
pub(crate) enum Rest<'a> {
    /// Nothing was. Where it is noted in which poll of the task that was.
    At(&'a Cell<u32>),
    /// Something was, by which the scope is polled again.
    Woken,
    /// Something was, perhaps elsewhere.
    Unknown,
}

impl<'a> Rest<'a> {
    /// That of what is polled with a waker that isn't its task's: was the task woken again? Where there is none, in an executor
    /// of others, nobody knows.
    pub(crate) fn of_foreign(looked_at: &'a Cell<u32>) -> Self {
        match with(|context| context.task()) {
            Some(task) if task.is_queued() => Rest::Unknown,
            _ => Rest::At(looked_at),
        }
    }
}

/// A poll of a cancelled scope has ended, and something holds it: is it at rest, and nothing of that answers? If it isn't
/// known, it is asked, and the scope woken by its waker to hear of it.
///
/// # Safety
/// The scope is alive, and the pointer is good for the whole.
pub(crate) unsafe fn is_forsaken(this: *const Node, rest: Rest<'_>, waker: &Waker) -> bool {
    // SAFETY: by contract.
    match unsafe { look(this, rest) } {
        Look::Held => false,
        Look::Forsaken => !fault!("unpolled-holds-for-ever"),
        Look::Again(foreign) => {
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
    /// Something was asked, or may have been woken: it is looked at again. A foreign waker is to be called for that.
    Again(Option<Waker>),
    /// It is waited for no longer.
    Forsaken,
}

/// A poll of this cancelled scope has ended: does what holds it still answer?
///
/// # Safety
/// As [`is_forsaken`].
unsafe fn look(this: *const Node, rest: Rest<'_>) -> Look {
    // SAFETY: by contract.
    let node = unsafe { &*this };
    with(|context| {
        let has_answered_now = context.answered.get() != 0;
        let has_answer = has_answered_now || node.has(HEARD);
        if has_answer {
            // To the scopes around as well.
            context.answered.set(1);
        }
        // If the task is to be polled again, it may be for what was asked in this very poll: the answer counts then.
        let is_queued = context.task().is_some_and(|task| task.is_queued());
        match (rest, has_answer) {
            (Rest::At(_), _) => node.put(HEARD, has_answer && is_queued),
            (_, true) => node.set(HEARD),
            (_, false) => {}
        }
        let looked_at = match rest {
            Rest::At(looked_at) => looked_at,
            // Who polls it may have done so already for what has woken the task.
            Rest::Unknown if !has_answered_now && !fault!("woken-elsewhere-looked-at-no-more") => {
                return Look::Again(None);
            }
            Rest::Unknown | Rest::Woken => return Look::Held,
        };
        // Whoever is polled twice in one poll of its task has seen nothing new: a wake leads to another.
        let poll = context.poll.get();
        let is_seen = looked_at.replace(poll) == poll;
        // What has answered earlier, and was woken since, may have been passed over in this poll.
        let is_to_ask = has_answer
            && !has_answered_now
            && !is_queued
            && !node.is_asked_once_more()
            && !fault!("heard-once-held-for-ever");
        if is_to_ask || has_answered_now && !is_queued {
            node.put_asked_once_more(is_to_ask);
        }
        let is_held = has_answer && !is_to_ask;
        // That may have been in an interrupt.
        if is_held && !HAS_INTERRUPTS {
            return Look::Held;
        }
        let whole = unasked(this);
        // SAFETY: null, or PINNED: found in the tree.
        match unsafe { whole.as_ref() } {
            None if is_to_ask => Look::Again(None),
            None => Look::Forsaken,
            Some(_) if is_held || is_seen => {
                context.answered.set(1);
                Look::Held
            }
            Some(holder) => {
                holder.set(ASKED);
                // SAFETY: as above, and good for the whole.
                Look::Again(unsafe { context.wake_node(whole) })
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
