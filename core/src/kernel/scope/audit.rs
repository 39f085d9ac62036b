//! The books of the tree of scopes, audited: each count and mark that is kept, against a recount. For tests.
//!
//! It holds between turns, when nothing is being polled. Of scopes it sees those that are watched, for nothing is kept of
//! others; with feature `introspect` it sees of all of them that each is in the list of the one that it is in.

use core::ptr;

use super::asking;
use super::node::{
    ASKED, CANCELLED, CUT_OFF, DONE, EXPIRED, HOLD, NURSERY, Node, POLLING, ROOT, SHIELD, TASK, WAKE, WATCHED,
};
use super::tree::step;
use super::whole::{nursery_at, poller_of, task_at};
use crate::kernel::context::with;
use crate::kernel::nursery::children::Children;
use crate::kernel::task::cell::{DAEMON, FUTURE};
use crate::kernel::task::header::{OVER, TaskRef};

/// What is wrong: which book, what it says, what it should.
type Audit = Result<(), (&'static str, usize, usize)>;

/// Audits all that is watched below a root task. `is_tame`: no foreign waker has panicked, so each wake was made.
pub(crate) fn audit(root: TaskRef, is_tame: bool) -> Audit {
    let top: *const Node = root.as_ptr().cast();
    // Nobody is about to be polled, and so to look.
    let all_rest = !root.is_queued();
    with(|_| {
        let mut at = top;
        while !at.is_null() {
            audit_node(at, is_tame)?;
            // SAFETY: KNOWN-PARENT: what is found in the tree is alive.
            if let Some(nursery) = unsafe { nursery_at(at) } {
                audit_nursery(nursery, is_tame)?;
            }
            if all_rest {
                audit_cancelled(at)?;
            }
            at = step(top, at, true);
        }
        #[cfg(feature = "introspect")]
        crate::kernel::walk::audit(top)?;
        Ok(())
    })
}

fn same(what: &'static str, kept: usize, counted: usize) -> Audit {
    if kept == counted { Ok(()) } else { Err((what, kept, counted)) }
}

fn so(what: &'static str, kept: bool, counted: bool) -> Audit {
    same(what, kept.into(), counted.into())
}

fn audit_node(this: *const Node, is_tame: bool) -> Audit {
    // SAFETY: KNOWN-PARENT: the caller found it in the tree.
    let node = unsafe { &*this };
    let (mut active, mut at) = (0, step(this, this, true));
    // Those directly inside.
    // SAFETY: as above.
    while let Some(inner) = unsafe { at.as_ref() } {
        so("who is inside knows it", inner.has(WATCHED) && ptr::eq(inner.parent.get(), this), true)?;
        active += usize::from(inner.contributes());
        so("cut off", inner.has(CUT_OFF), node.is_cancelled() && !inner.has(SHIELD))?;
        at = step(this, at, false);
    }
    same("active", node.active.get() as usize, active)?;
    so("asked without holding", node.has(ASKED) && !node.has(HOLD), false)?;
    if is_tame && node.has(CANCELLED) && node.is_active() && is_at_rest(this) {
        so("held by what answers", !asking::unasked(this).is_null(), true)?;
    }
    so("being polled", node.has(POLLING), false)?;
    so("to be woken", is_tame && node.has(WAKE), false)?;
    so("cancelled and expired", node.has(CANCELLED) && node.has(EXPIRED), false)
}

/// All rest: has everything in cancelled code noticed it?
fn audit_cancelled(this: *const Node) -> Audit {
    // SAFETY: KNOWN-PARENT: the caller found it in the tree.
    let (node, nursery) = unsafe { (&*this, nursery_at(this)) };
    let waits_unasked = node.has(HOLD) && !node.has(SHIELD | ASKED | NURSERY);
    so("a clean-up that has not begun", node.has(CUT_OFF) && waits_unasked && !node.is_active(), false)?;
    // Else nobody may poll it.
    let is_polled = || !asking::unasked(this).is_null();
    let Some(nursery) = nursery.filter(|nursery| nursery.is_cancelled() && is_polled()) else { return Ok(()) };
    let mut idle = 0;
    for list in [&nursery.idle, &nursery.watched] {
        let mut at = list.first();
        while let Some(task) = at {
            idle += usize::from(!task.node.has(DONE) && !task.node.is_active());
            at = list.after(task);
        }
    }
    same("idle in a cancelled nursery", idle, 0)
}

/// Will a task's code look at this again by itself?
fn is_at_rest(this: *const Node) -> bool {
    // SAFETY: KNOWN-PARENT: the caller found it in the tree.
    let node = unsafe { &*this };
    let task = if node.has(TASK | ROOT) {
        // SAFETY: a task's.
        Some(unsafe { task_at(this) })
    } else {
        // SAFETY: none of a task's.
        unsafe { poller_of(this) }
    };
    task.is_some_and(|task| !task.is_queued())
}

fn audit_nursery(nursery: &Children, is_tame: bool) -> Audit {
    let (mut running, mut daemons, mut queued) = (0, 0, 0);
    for list in [&nursery.idle, &nursery.watched] {
        let mut at = list.first();
        while let Some(task) = at {
            let runs = !task.node.has(DONE);
            so("has a future", task.has(FUTURE), runs)?;
            so("its nursery is its parent", ptr::eq(task.node.parent.get(), nursery.node()), true)?;
            running += usize::from(runs);
            daemons += usize::from(runs && task.has(DAEMON));
            queued += usize::from(if runs { task.is_queued() } else { task.wake.get() & OVER != 0 });
            at = list.after(task);
        }
    }
    same("running", nursery.running.get() as usize, running)?;
    same("daemons", nursery.daemons.get() as usize, daemons)?;
    let (mut ready, mut last) = (0, None::<TaskRef>);
    let mut next = nursery.queue.first();
    while let Some(task) = next.filter(|_| ready <= queued) {
        so("ready and queued", task.is_queued(), true)?;
        so("ready in its nursery", ptr::eq(task.node.parent.get(), nursery.node()), true)?;
        (ready, last) = (ready + 1, Some(task));
        next = task.next.get();
    }
    same("ready", ready, queued)?;
    let is_last = match (nursery.queue.last(), last) {
        (Some(kept), Some(found)) => kept.is(found),
        (kept, found) => kept.is_none() && found.is_none(),
    };
    so("the last one is the last", is_last, true)?;
    // Where a foreign waker lies in between, it was called, and what becomes of that isn't known here.
    match nursery.poller() {
        Some(task) if is_tame && ready > 0 && task.is_live() => so("ready, so its task is", task.is_queued(), true),
        _ => Ok(()),
    }
}
