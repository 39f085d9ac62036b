//! The tree of scopes, as far as it has to be known: what is *watched* is in the list of its parent.
//!
//! Where a scope lies is known while it is polled: its parent is the scope that polls it, and all of them are on the stack.
//! Most scopes need no more, and cost no more. Watched is what has to be found from outside at other times: what holds the
//! scopes around it (a shield, a clean-up), what is polled with a waker of somebody else, and whatever has such a thing
//! inside.
//!
//! # Invariants
//! * **KNOWN-PARENT**: the parent of what is polled, or is watched, is alive. Whoever dies takes itself out of its parent's
//!   list, and makes roots of what it has in its own.
//! * **MARKED**: `CUT_OFF` is right on what is polled, or is watched (but for what lies in a root that was made so): it is
//!   noted when a poll begins, and by whoever cancels.

use core::ptr;
use core::task::Waker;

use super::node::{CANCELLED, CUT_OFF, FOREIGN, HOLD, NURSERY, Node, SHIELD, SubScope, TASK, WATCHED};
use super::shields;
use super::whole::{nursery_at, sub_at, task_at};
use crate::fault::fault;
use crate::kernel::context::{Context, with};
use crate::kernel::foreign;
use crate::kernel::used::{CANCELS, HOLDS, is_anything_watched};

/// What is watched first in a node that is alive.
fn first_inside(node: *const Node) -> *const Node {
    // SAFETY: KNOWN-PARENT: the callers' node is alive.
    match unsafe { &*node }.inside.first() {
        Some(first) => first.as_ptr().cast(),
        None => first_task_inside(node),
    }
}

fn first_task_inside(node: *const Node) -> *const Node {
    // SAFETY: as above.
    let first = unsafe { nursery_at(node) }.and_then(|nursery| nursery.watched.first());
    first.map_or(ptr::null(), |task| task.as_ptr().cast())
}

/// What is watched beside a node that is, in the same parent.
fn next_beside(at: *const Node) -> *const Node {
    // SAFETY: KNOWN-PARENT.
    let (node, parent) = unsafe { (&*at, (*at).parent.get()) };
    if node.has(TASK) {
        // SAFETY: as above; a task's node; MEMBER: it is watched.
        let next = unsafe { nursery_at(parent).and_then(|nursery| nursery.watched.after(task_at(at))) };
        return next.map_or(ptr::null(), |next| next.as_ptr().cast());
    }
    // SAFETY: as above; none of a task's; MEMBER: it is watched.
    match unsafe { (*parent).inside.after(sub_at(at)) } {
        Some(next) => next.as_ptr().cast(),
        None => first_task_inside(parent),
    }
}

/// The node after `at` among what is watched below `top`: the first inside if `below`, else the next beside it, or beside its
/// parent, and so on.
pub(super) fn step(top: *const Node, at: *const Node, below: bool) -> *const Node {
    if below {
        let first = first_inside(at);
        if !first.is_null() {
            return first;
        }
    }
    let mut at = at;
    while !at.is_null() && !ptr::eq(top, at) {
        // SAFETY: KNOWN-PARENT: what is found in the tree is alive.
        if !unsafe { &*at }.has(WATCHED) {
            return ptr::null();
        }
        let next = next_beside(at);
        if !next.is_null() {
            return next;
        }
        // SAFETY: as above.
        at = unsafe { &*at }.parent.get();
    }
    ptr::null()
}

/// Has it to be known to its parent?
fn is_to_be_watched(this: *const Node) -> bool {
    // SAFETY: KNOWN-PARENT: the callers' node is alive.
    is_anything_watched() && (unsafe { &*this }.has(HOLD | FOREIGN) || !first_inside(this).is_null())
}

impl Context {
    /// A node becomes watched, and whatever it is in.
    pub(super) fn watch(&self, this: *const Node) {
        let mut at = this;
        // SAFETY: KNOWN-PARENT: the callers' node is being polled, and so is all around it.
        while let Some(node) = unsafe { at.as_ref() } {
            let parent = node.parent.get();
            // SAFETY: as above.
            let Some(outer) = (unsafe { parent.as_ref() }) else { return };
            if node.has(WATCHED) {
                return;
            }
            node.set(WATCHED);
            match node.has(TASK) {
                // SAFETY: as above; a task's; MEMBER: it was not watched so far.
                true => unsafe {
                    if let Some(nursery) = nursery_at(parent) {
                        nursery.idle.remove(task_at(at));
                        nursery.watched.push(task_at(at));
                    }
                },
                // SAFETY: none of a task's.
                false => outer.inside.push(unsafe { sub_at(at) }),
            }
            at = parent;
        }
    }

    /// A node is watched no longer, if there is no reason, and whatever was so for its sake.
    fn unwatch_idle(&self, this: *const Node) {
        let mut at = this;
        // SAFETY: KNOWN-PARENT.
        while let Some(node) = unsafe { at.as_ref() }.filter(|node| node.is_watched() && !is_to_be_watched(at)) {
            self.unwatch(at);
            at = node.parent.get();
        }
    }

    /// Takes a node out of its parent's list.
    fn unwatch(&self, this: *const Node) {
        let mut watch = self.watch.get();
        // SAFETY: a watch lives on the stack of a `cancel` that has not returned.
        while let Some(w) = unsafe { watch.as_ref() } {
            if w.comes_to(this) {
                w.next.set(step(w.top.get(), this, false));
            }
            watch = w.outer;
        }
        // SAFETY: the callers' node is alive, and watched: KNOWN-PARENT.
        let (node, parent) = unsafe { (&*this, (*this).parent.get()) };
        node.clear(WATCHED);
        match node.has(TASK) {
            // SAFETY: as above; a task's; MEMBER: it was watched.
            true => unsafe {
                if let Some(nursery) = nursery_at(parent) {
                    nursery.watched.remove(task_at(this));
                    nursery.idle.push(task_at(this));
                }
            },
            // SAFETY: as above; none of a task's; MEMBER: it was watched.
            false => unsafe { (*parent).inside.remove(sub_at(this)) },
        }
    }

    /// A node has a new parent: is it cut off now?
    pub(super) fn inherit(&self, this: *const Node, parent: *const Node) {
        if !CANCELS.is() {
            return;
        }
        // SAFETY: PINNED: both are being polled.
        let (node, parent) = unsafe { (&*this, parent.as_ref()) };
        let cut_off = parent.is_some_and(Node::is_cancelled) && !node.has(SHIELD);
        if cut_off != node.has(CUT_OFF) {
            put_cut_off(this, cut_off);
            if !node.has(CANCELLED) {
                mark_below(this, cut_off);
            }
        }
    }

    /// Moves a node under `parent`; null makes it a root. What it leaves may be free to be dropped now: the returned waker
    /// tells it.
    #[must_use]
    pub(crate) fn relink(&self, this: *const Node, parent: *const Node) -> Option<Waker> {
        // SAFETY: PINNED: the callers' scope is alive.
        let node = unsafe { &*this };
        let woken = self.unlink(this);
        node.parent.set(parent);
        // SAFETY: PINNED: the scope is alive, and so is the one that polls or drops it; each leaves before it dies.
        unsafe { sub_at(this).listed.enter(this.cast(), parent.as_ref().map(|outer| &outer.scopes), &self.cursors) };
        if !fault!("moved-scope-not-cancelled") {
            self.inherit(this, parent);
        }
        if is_to_be_watched(this) {
            self.watch(this);
        }
        // SAFETY: PINNED: the node being polled is alive.
        if let Some(parent) = unsafe { parent.as_ref() }.filter(|_| node.contributes())
            && !(parent.is_active() && fault!("two-shields-count-as-one"))
        {
            shields::add(parent);
        }
        woken
    }

    /// Takes a node out of the tree; a scope around it that only waited for it is woken by the returned waker, or by one of
    /// ours.
    fn unlink(&self, this: *const Node) -> Option<Waker> {
        // SAFETY: PINNED: the callers' scope is alive.
        let node = unsafe { &*this };
        if !node.is_watched() {
            // Its parent may be gone, and knows nothing of it.
            node.parent.set(ptr::null());
            return None;
        }
        let parent = node.parent.get();
        self.unwatch(this);
        node.parent.set(ptr::null());
        let woken = if node.contributes() { shields::remove(self, parent) } else { None };
        self.unwatch_idle(parent);
        woken
    }

    /// This node no longer holds the scopes around it.
    ///
    /// # Safety
    /// It is alive, and the pointer is good for the whole.
    #[must_use]
    pub(crate) unsafe fn let_go(&self, this: *const Node) -> Option<Waker> {
        // SAFETY: by contract.
        let node = unsafe { &*this };
        if !node.has(HOLD) {
            return None;
        }
        node.clear(HOLD | super::node::ASKED);
        let is_known = node.has(WATCHED) && !fault!("held-scope-never-left");
        let woken = match node.is_active() {
            _ if !is_known => None,
            false => shields::remove(self, node.parent.get()),
            // What was polled in here and is kept elsewhere holds on; but it was this that has answered.
            true if fault!("answers-outlive-who-gave-them") => None,
            true => shields::look_anew(self, node.parent.get()),
        };
        self.unwatch_idle(this);
        woken
    }

    /// Is nothing that anybody has to know of inside this node, and nobody watching it?
    pub(crate) fn is_leaf(&self, node: &Node) -> bool {
        debug_assert!(node.active.get() == 0 || !node.inside.is_empty() || node.has(NURSERY));
        !is_anything_watched() || node.inside.is_empty() && self.watch.get().is_null()
    }

    /// Takes a dying node out of everything. Nodes inside it, whose code lives on elsewhere, become roots until they are polled
    /// again.
    pub(crate) fn retire(&self, this: *const Node) -> Option<Waker> {
        // SAFETY: PINNED: the callers' scope is alive.
        let node = unsafe { &*this };
        if self.is_leaf(node) && !node.is_watched() {
            return None;
        }
        self.orphan(this);
        let woken = self.unlink(this);
        node.active.set(0);
        woken
    }

    /// What was at work inside a node is gone; a scope around it may have become free to be dropped.
    #[must_use]
    pub(crate) fn clear_shields(&self, this: *const Node) -> Option<Waker> {
        if !is_anything_watched() {
            return None;
        }
        // SAFETY: PINNED: the callers' scope is alive.
        let node = unsafe { &*this };
        let is_known = node.has(WATCHED) && !fault!("count-kept-by-a-finished-task");
        let contributed = node.active.replace(0) != 0 && !node.has(HOLD) && is_known;
        let woken = if contributed { shields::remove(self, node.parent.get()) } else { None };
        self.unwatch_idle(this);
        woken
    }

    /// A node is over: what it polled last is inside of nothing known.
    pub(crate) fn leave_all(&self, node: &Node) {
        node.scopes.clear(&self.cursors, |inner| {
            // SAFETY: LIVE: it was in the list, and lives on.
            let inner = unsafe { &*inner.cast::<Node>() };
            // Whoever polls it next gives it a place. What is watched is taken out of its parent's other list first (`orphan`).
            if !inner.has(WATCHED) {
                inner.parent.set(ptr::null());
            }
        });
    }

    /// Makes roots of the nodes inside a dying one, and tells those who watch it.
    #[inline]
    pub(crate) fn orphan(&self, this: *const Node) {
        if !is_anything_watched() {
            return;
        }
        // SAFETY: PINNED: the callers' scope is alive.
        let node = unsafe { &*this };
        while let Some(child) = node.inside.first() {
            let at: *const Node = child.as_ptr().cast();
            // Its mark stays, so that whoever places it anew sees what to do about those below it.
            self.unwatch(at);
            child.node.parent.set(ptr::null());
        }
        let mut watch = self.watch.get();
        // SAFETY: a watch lives on the stack of a `cancel` that has not returned.
        while let Some(w) = unsafe { watch.as_ref() } {
            if w.top.get() == this {
                w.top.set(ptr::null());
                w.next.set(ptr::null());
            }
            watch = w.outer;
        }
    }
}

impl Node {
    /// Is a shield or a clean-up at work in here, and not in a task?
    pub(crate) fn has_active_inside(&self) -> bool {
        if !HOLDS.is() {
            return false;
        }
        let mut at = self.inside.first();
        while let Some(sub) = at {
            if sub.node.contributes() {
                return true;
            }
            at = self.inside.after(sub);
        }
        false
    }
}

/// Marks a node as cut off, or as not.
fn put_cut_off(this: *const Node, cut_off: bool) {
    // SAFETY: KNOWN-PARENT: the callers' node is alive.
    let (node, nursery) = unsafe { (&*this, nursery_at(this)) };
    node.put(CUT_OFF, cut_off);
    if let Some(nursery) = nursery.filter(|_| !cut_off && !fault!("idle-dropped-once")) {
        // It was cancelled where it was before, and is to be again.
        nursery.dropped_idle.set(false);
    }
}

/// Marks all below a node as cut off, or as not, down to shields and to what is cancelled itself.
pub(super) fn mark_below(top: *const Node, cut_off: bool) {
    let mut at = top;
    loop {
        // SAFETY: KNOWN-PARENT: what is found in the tree is alive.
        let node = unsafe { &*at };
        let stops = SHIELD | CANCELLED | if fault!("mark-stops-at-tasks") { TASK } else { 0 };
        let below = ptr::eq(top, at) || !node.has(stops);
        at = step(top, at, below);
        // SAFETY: as above.
        let Some(node) = (unsafe { at.as_ref() }) else { return };
        put_cut_off(at, cut_off && !node.has(SHIELD));
    }
}

impl Drop for SubScope {
    fn drop(&mut self) {
        let this: *const Node = ptr::from_ref(self).cast();
        foreign::wake(with(|context| {
            let woken = context.retire(this);
            self.listed.leave(&context.cursors);
            context.leave_all(&self.node);
            woken
        }));
        self.waker.discard();
    }
}
