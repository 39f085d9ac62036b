//! The books of a tree of scopes, audited: each count and mark that is kept, against a recount. For tests.
//!
//! It holds between turns, when nothing is being polled. What was orphaned is in no tree until it is polled again, and is
//! counted then.

use core::pin::Pin;
use core::ptr;

use super::{
    ASKED, CANCELLED, CUT_OFF, DONE, EXPIRED, HOLD, LINKED, NURSERY, Node, POLLING, SHIELD, Scoped, State, TASK, WAKE,
    step, with,
};
use crate::raw::asking;
use crate::raw::block::{Block, QUEUED};
use crate::raw::cell::{DAEMON, FUTURE, Header};
use crate::raw::children::Children;

/// What is wrong: its name, what was kept, what it should be.
type Audit = Result<(), (&'static str, usize, usize)>;

/// Audits all that is linked below a scope. `is_tame`: its code polls each nursery in it whenever it is polled, so that
/// where a child is ready, the task around is ready too; and no foreign waker drops or moves what is just being cancelled,
/// so that no mark of that is left.
pub(crate) fn audit<T: Scoped>(top: Pin<&T>, is_tame: bool) -> Audit {
    let this = top.node_ptr();
    with(|state| {
        // SAFETY: `top` is borrowed.
        let top = unsafe { &*this };
        let mut at = this;
        // SAFETY: PINNED: links lead to live nodes, and those of this node were audited before they are followed.
        while let Some(node) = unsafe { at.as_ref() } {
            state.audit_node(node, is_tame)?;
            if node.has(NURSERY) {
                // SAFETY: it starts the nursery's core (WHOLE-POINTER).
                state.audit_nursery(unsafe { &*at.cast::<Children>() }, is_tame)?;
            }
            at = step(top, node, true);
        }
        Ok(())
    })
}

fn same(what: &'static str, kept: usize, counted: usize) -> Audit {
    if kept == counted { Ok(()) } else { Err((what, kept, counted)) }
}

fn so(what: &'static str, kept: bool, counted: bool) -> Audit {
    same(what, kept.into(), counted.into())
}

/// Calls `f` with each node directly inside one.
fn each_child(node: &Node, mut f: impl FnMut(&Node) -> Audit) -> Audit {
    let first = node.first.get();
    let mut at = first;
    // SAFETY: PINNED.
    while let Some(child) = unsafe { at.as_ref() } {
        // SAFETY: PINNED: the list is circular. If each link leads back, it comes round.
        let next = unsafe { &*child.next.get() };
        so("a link leads back", ptr::eq(next.prev.get(), child), true)?;
        f(child)?;
        at = child.next.get();
        if at == first {
            break;
        }
    }
    Ok(())
}

fn header(node: &Node) -> Option<&Header> {
    // SAFETY: a task's node starts its header, and was reached by a pointer to the whole (WHOLE-POINTER).
    node.has(TASK).then(|| unsafe { &*ptr::from_ref(node).cast::<Header>() })
}

impl State {
    fn audit_node(&self, node: &Node, is_tame: bool) -> Audit {
        let mut active = 0;
        each_child(node, |child| {
            so("who is inside knows it", child.has(LINKED) && ptr::eq(child.parent.get(), node), true)?;
            active += usize::from(child.contributes());
            so("cut off", child.has(CUT_OFF), node.is_cancelled() && !child.has(SHIELD))
        })?;
        same("active", node.active.get() as usize, active)?;
        so("asked without holding", node.has(ASKED) && !node.has(HOLD), false)?;
        if is_tame && node.has(CANCELLED) && node.is_active() && self.is_at_rest(node) {
            so("held by what answers", !asking::unasked(node).is_null(), true)?;
        }
        so("being polled", node.has(POLLING), false)?;
        so("to be woken", is_tame && node.has(WAKE), false)?;
        so("cancelled and expired", node.has(CANCELLED) && node.has(EXPIRED), false)
    }

    /// Will the task that polls this node not be polled by itself?
    fn is_at_rest(&self, node: &Node) -> bool {
        let task = header(node).map_or_else(|| node.waker.block(self), |task| task.block.get());
        task.is_some_and(|task| !task.has(QUEUED))
    }

    fn audit_nursery(&self, nursery: &Children, is_tame: bool) -> Audit {
        let (mut running, mut keeping, mut queued) = (0, 0, 0);
        each_child(&nursery.node, |child| {
            let Some(task) = header(child) else { return Ok(()) };
            let runs = !child.has(DONE);
            so("has a future", task.has(FUTURE), runs)?;
            running += usize::from(runs);
            keeping += usize::from(runs && !task.has(DAEMON));
            let block = task.block.get();
            so("its block knows it", block.is_some_and(|block| ptr::eq(block.cell.get(), child)), true)?;
            queued += usize::from(block.is_some_and(|block| block.has(QUEUED)));
            Ok(())
        })?;
        same("running", nursery.running.get() as usize, running)?;
        same("keeping", nursery.keeping.get() as usize, keeping)?;
        let (mut ready, mut last): (usize, *const Block) = (0, ptr::null());
        let mut next = nursery.ready.first();
        while let Some(block) = next.filter(|_| ready <= queued) {
            so("ready and queued", block.has(QUEUED), true)?;
            // SAFETY: PINNED: a queued block's cell is alive.
            let node = unsafe { block.cell.get().as_ref() };
            so("ready in its nursery", node.is_some_and(|node| ptr::eq(node.parent.get(), &nursery.node)), true)?;
            (ready, last) = (ready + 1, block);
            // SAFETY: STATIC-BLOCKS.
            next = unsafe { block.next.get().as_ref() };
        }
        same("ready", ready, queued)?;
        so("the last one is the last", ptr::eq(nursery.ready.last(), last), true)?;
        // Where a foreign waker lies in between, it was called, and what becomes of that isn't known here.
        match nursery.node.waker.block(self) {
            Some(task) if is_tame && ready > 0 => so("ready, so its task is", task.has(QUEUED), true),
            _ => Ok(()),
        }
    }
}
