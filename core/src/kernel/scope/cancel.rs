//! Cancelling: who is told.
//!
//! The cancelled node is marked `CANCELLED`, and what is being polled or watched below it, down to shields, `CUT_OFF`, so that
//! whoever asks looks at one word. All else notes the mark when its poll begins.

use core::cell::Cell;
use core::ptr;
use core::task::Waker;

use super::asking::{self, holds_itself};
use super::node::{ASKED, CANCELLED, CUT_OFF, DONE, EXPIRED, HEARD, NURSERY, Node, SHIELD, TASK, WAKE, Watch};
use super::tree::{mark_below, step};
use crate::fault::fault;
use crate::kernel::context::{Context, with};
use crate::kernel::foreign;
use crate::kernel::task::header::TaskRef;
use crate::kernel::used::CANCELS;
use crate::panics::First;
use crate::reason::Reason;

/// Cancels a scope: wakes it and all in it that has to notice. The node may be gone when
/// this returns, if a foreign waker dropped it.
///
/// # Safety
/// `this` leads to a live, pinned node and was made as WHOLE-POINTER asks.
pub(crate) unsafe fn cancel(this: *const Node, reason: Reason) {
    // SAFETY: by contract.
    let node = unsafe { &*this };
    if node.has(CANCELLED) {
        return;
    }
    if with(|context| context.mark_cancelled(node, reason)) {
        // SAFETY: by contract.
        foreign::wake(with(|context| unsafe { context.wake_node(this) }));
        return;
    }
    // SAFETY: by contract.
    unsafe { wake_all_in(this) };
}

/// Cancels a child that is in its nursery, and may be over.
pub(crate) fn cancel_child(task: TaskRef, reason: Reason) {
    if task.node.has(CANCELLED | DONE) {
        return;
    }
    if !with(|context| context.mark_cancelled(&task.node, reason)) {
        // SAFETY: alive: in its nursery; and good for the whole.
        return unsafe { wake_all_in(task.as_ptr().cast()) };
    }
    foreign::wake(with(|context| context.wake(task)));
}

impl Context {
    /// Marks a scope as cancelled. Is there nobody in it, or on the stack, who has to notice?
    fn mark_cancelled(&self, node: &Node, reason: Reason) -> bool {
        CANCELS.note();
        node.set(CANCELLED);
        node.set_reason(reason);
        node.clear(if fault!("expired-stays-when-cancelled") { 0 } else { EXPIRED });
        // Whoever goes on polling looks again.
        self.stop.set(1);
        if self.is_running(node) {
            self.mark_what_runs(node);
            return false;
        }
        node.inside.is_empty() && !node.has(NURSERY)
    }
}

/// Wakes a scope that was cancelled just now, and all in it that has to notice.
///
/// # Safety
/// As [`cancel`].
unsafe fn wake_all_in(this: *const Node) {
    let watch = with(|context| {
        // SAFETY: by contract.
        let node = unsafe { &*this };
        if !node.has(CUT_OFF) {
            mark_below(this, true);
        }
        node.set(WAKE);
        mark_for_wake(this);
        asking::forget(context, node);
        Watch { top: Cell::new(this), next: Cell::new(this), outer: context.watch.get() }
    });
    watch.walk();
}

/// A scope that is being polled has come into cancelled code, or from one place there to another while its scope is being
/// cancelled, with what holds it: wakes all inside that has to notice. (What nothing holds is dropped by this very poll.)
///
/// # Safety
/// `this` leads to a live, pinned node and was made as WHOLE-POINTER asks.
pub(super) unsafe fn wake_carried(this: *const Node, is_new: bool) {
    let watch = with(|context| {
        // SAFETY: by contract.
        if is_new && unsafe { &*this }.is_held() {
            mark_for_wake(this);
        }
        Watch { top: Cell::new(this), next: Cell::new(step(this, this, true)), outer: context.watch.get() }
    });
    watch.walk();
}

impl Drop for Watch {
    fn drop(&mut self) {
        with(|context| context.watch.set(self.outer));
    }
}

impl Watch {
    /// Wakes all the marked nodes.
    fn walk(self) {
        with(|context| context.watch.set(&self));
        // A foreign waker may cancel, drop and wake whatever it likes, so each is called with nothing borrowed. Should one
        // panic, the others are called all the same.
        let mut first = First::new();
        while let Some(foreign) = with(|context| self.wake_next(context)) {
            first.catch(|| foreign.wake());
        }
        drop(self);
        first.resume();
    }

    /// Wakes the marked nodes up to the first whose waker isn't ours.
    fn wake_next(&self, context: &Context) -> Option<Waker> {
        loop {
            let at = self.next.get();
            // SAFETY: null (there is none, or the cancelled scope died) or alive: whoever leaves the tree moves it on.
            let node = unsafe { at.as_ref() }?;
            let top = self.top.get();
            self.next.set(step(top, at, ptr::eq(top, at) || node.is_held()));
            if node.has(WAKE) {
                node.clear(WAKE);
                // SAFETY: as above; found in the tree, so good for the whole.
                if let Some(foreign) = unsafe { context.wake_node(at) } {
                    return Some(foreign);
                }
            }
        }
    }
}

impl Context {
    /// Marks what is being polled inside a scope that is being polled, and was cancelled just now.
    fn mark_what_runs(&self, top: &Node) {
        // The outermost shield inside it, on the way from what runs.
        let (mut at, mut shield) = (self.node.get(), ptr::null());
        while !ptr::eq(at, top) {
            // SAFETY: PINNED: what is being polled is alive, and so is all around it.
            let node = unsafe { &*at };
            if node.has(SHIELD) {
                shield = at;
            }
            at = node.parent.get();
        }
        let (mut at, mut is_shielded) = (self.node.get(), !shield.is_null());
        while !ptr::eq(at, top) {
            // SAFETY: as above.
            let node = unsafe { &*at };
            if !is_shielded {
                node.set(CUT_OFF);
            }
            is_shielded = is_shielded && !ptr::eq(at, shield);
            at = node.parent.get();
        }
    }
}

/// Marks all inside a scope that has to notice.
fn mark_for_wake(this: *const Node) {
    // SAFETY: PINNED: the caller's node.
    if !unsafe { &*this }.is_active() {
        return;
    }
    let mut at = this;
    // SAFETY: KNOWN-PARENT: what is found in the tree is alive.
    while let Some(node) = unsafe { at.as_ref() } {
        let is_top = ptr::eq(this, at);
        // An inactive task is dropped by its nursery, an active one runs on.
        if !is_top && !node.has(TASK) {
            node.set(WAKE);
        }
        node.clear(HEARD);
        if !is_top && holds_itself(node) {
            node.set(ASKED);
        }
        at = step(this, at, is_top || node.is_held());
    }
}
