//! Counting shields: what must not be dropped yet.
//!
//! `contributes(n) = n.HOLD || n.active > 0`, and `n.active` is the number of nodes directly inside `n` that contribute. So a
//! shield (which holds) is known to each scope around it, and a change travels up only as far as it changes something.
//! `active == 0` in a cancelled scope means: drop it now.

use core::ptr;
use core::task::Waker;

use super::node::{ASKED, CANCELLED, HEARD, HOLD, Node, SHIELD};
use super::whole::nursery_at;
use crate::fault::fault;
use crate::kernel::context::Context;

/// Something directly inside this node contributes now.
pub(super) fn add(mut node: &Node) {
    loop {
        let contributed = node.contributes();
        node.active.set(node.active.get() + 1);
        if contributed {
            return;
        }
        // SAFETY: KNOWN-PARENT: it is being polled, or watched for what contributed.
        match unsafe { node.parent.get().as_ref() } {
            Some(parent) => node = parent,
            None => return,
        }
    }
}

/// Something directly inside this node contributes no longer. Of the cancelled scopes that have thereby become free to be
/// dropped, those that are being polled look at the end of that; of the others the topmost is woken, and those below go with
/// it. If none has, the one that looks whether the rest answers.
#[must_use]
pub(super) fn remove(context: &Context, from: *const Node) -> Option<Waker> {
    context.answered.set(0);
    let (mut freed, mut is_any_free): (*const Node, _) = (ptr::null(), false);
    let mut at = from;
    // SAFETY: KNOWN-PARENT: what contributes is watched.
    while let Some(node) = unsafe { at.as_ref() } {
        node.active.set(node.active.get() - 1);
        if node.is_active() {
            break;
        }
        // What is freed here may be held again, by something else, before it looks.
        // SAFETY: as above; good for the whole.
        if let Some(nursery) = unsafe { nursery_at(at) }
            && !fault!("idle-dropped-once-and-for-all")
        {
            nursery.dropped_idle.set(false);
        }
        if node.is_cancelled() {
            is_any_free = true;
            // SAFETY: as above.
            if !unsafe { context.is_polled(at) } {
                freed = at;
            }
        }
        if node.has(HOLD) {
            break;
        }
        at = node.parent.get();
    }
    let looker = looker(at);
    // SAFETY: as above.
    if let Some(holder) = unsafe { freed.as_ref() }.filter(|node| node.has(HOLD)) {
        // It holds the scopes around by itself now, and is woken.
        holder.set(ASKED);
    }
    wake_unless_polled(context, if is_any_free { freed } else { looker })
}

/// Who is being polled looks at the end of that.
#[must_use]
fn wake_unless_polled(context: &Context, whole: *const Node) -> Option<Waker> {
    if whole.is_null() {
        return None;
    }
    // SAFETY: KNOWN-PARENT: the callers found it above what contributed.
    if unsafe { context.is_polled(whole) } { None } else { unsafe { context.wake_node(whole) } }
}

/// Something directly inside this node has ceased to hold it by itself, and goes on to contribute. Who looks whether the rest
/// answers does so anew.
#[must_use]
pub(super) fn look_anew(context: &Context, at: *const Node) -> Option<Waker> {
    context.answered.set(0);
    wake_unless_polled(context, looker(at))
}

/// The grace of this node is over. Its own waker may lead nowhere, so the scope that it holds looks.
#[must_use]
pub(crate) fn tell_of_grace(context: &Context, node: &Node) -> Option<Waker> {
    wake_unless_polled(context, looker(node.parent.get()))
}

/// Something has ceased to hold the scope at `at`, or has come to the end of its grace: those scopes around it that look
/// whether the rest answers have to do so anew. The innermost is the one to wake, and the others are polled for that; null if
/// none is cancelled.
fn looker(mut at: *const Node) -> *const Node {
    let mut innermost: *const Node = ptr::null();
    // SAFETY: PINNED.
    while let Some(node) = unsafe { at.as_ref() }.filter(|node| node.is_cancelled()) {
        if node.has(CANCELLED) || node.has(HOLD) && !node.has(SHIELD) {
            if innermost.is_null() {
                innermost = at;
            } else if fault!("outer-scopes-have-heard-enough") {
                break;
            }
            node.clear(HEARD);
        }
        at = node.parent.get();
    }
    innermost
}
