//! The tree of scopes: who is inside whom, who is cancelled, and who must not be dropped yet.
//!
//! A node is one scope: a task, a nursery, a cancel scope, a shield. It is linked at its first
//! poll under the node that is being polled then, and again if another node polls it later; it is
//! unlinked by its destructor.

#[cfg(feature = "alloc")]
mod recount;

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Waker};

#[cfg(feature = "alloc")]
pub(crate) use recount::audit;

use super::port::{Half, now, with};
use super::state::{POLLS_PER_TURN, State};
use super::waker::Kept;
use super::{cancelling, foreign, holding};
use crate::cancel::Reason;

/// This scope itself was cancelled.
pub(crate) const CANCELLED: u16 = 1;
/// A scope around this one was cancelled, with no shield in between. Never on a shield.
pub(crate) const CUT_OFF: u16 = 1 << 11;
/// Keeps the scopes around it from being dropped: a shield, a clean-up to come.
pub(crate) const HOLD: u16 = 1 << 1;
pub(crate) const LINKED: u16 = 1 << 2;
/// What is inside isn't cancelled by what is outside.
pub(crate) const SHIELD: u16 = 1 << 3;
pub(crate) const TASK: u16 = 1 << 4;
pub(crate) const NURSERY: u16 = 1 << 5;
/// The root task of a runtime.
pub(crate) const ROOT: u16 = 1 << 6;
/// Its code is on the stack; not on tasks, see [`is_running`](State::is_running).
pub(crate) const POLLING: u16 = 1 << 7;
/// To be woken by the cancellation under way.
pub(super) const WAKE: u16 = 1 << 8;
/// Its deadline has passed: one last poll, then it is cancelled.
pub(crate) const EXPIRED: u16 = 1 << 9;
/// Starts a [`Timed`](super::heap::Timed).
pub(crate) const TIMED: u16 = 1 << 10;

/// Was woken to show that somebody polls it still, and was not polled since; see [`asking`](super::asking).
pub(crate) const ASKED: u16 = 1 << 13;

/// Something in it has answered, and it was not at rest since.
pub(crate) const HEARD: u16 = 1 << 14;

/// A task that is over, one way or another.
pub(super) const DONE: u16 = 1 << 12;

/// A scope in the tree.
#[repr(C)]
pub(crate) struct Node {
    pub(crate) parent: Cell<*const Node>,
    first: Cell<*const Node>,
    prev: Cell<*const Node>,
    next: Cell<*const Node>,
    /// Whom to wake so that this scope is polled: the waker of its last poll. A task's is the
    /// waker of whoever awaits its handle.
    pub(crate) waker: Kept,
    /// How many children contribute.
    pub(super) active: Cell<u32>,
    /// Changed only inside `with`, and only by the code that polls this scope or one around it.
    pub(super) flags: Half,
    /// More flags of a task, which nobody looks at but its nursery and its handle.
    pub(super) task: Cell<u8>,
    /// Why the task was dropped and, above, why the scope was cancelled.
    reasons: Cell<u8>,
    _pinned: PhantomPinned,
}

impl Node {
    pub(crate) const fn new(flags: u16) -> Self {
        Self::with_both(flags, 0)
    }

    /// A child's, with flags of its cell.
    pub(super) const fn new_task(task: u8) -> Self {
        Self::with_both(TASK, task)
    }

    const fn with_both(flags: u16, task: u8) -> Self {
        Node {
            parent: Cell::new(ptr::null()),
            first: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            waker: Kept::new(),
            active: Cell::new(0),
            flags: Half::new(flags),
            task: Cell::new(task),
            reasons: Cell::new(0),
            _pinned: PhantomPinned,
        }
    }

    #[inline]
    pub(crate) fn has(&self, flags: u16) -> bool {
        self.flags.get() & flags != 0
    }

    #[inline]
    pub(crate) fn set(&self, flags: u16) {
        self.flags.set(self.flags.get() | flags);
    }

    #[inline]
    pub(crate) fn clear(&self, flags: u16) {
        self.flags.set(self.flags.get() & !flags);
    }

    /// Is a shield or a clean-up at work inside?
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        self.active.get() != 0
    }

    /// Must the scopes around this one not be dropped yet?
    pub(crate) fn contributes(&self) -> bool {
        self.is_active() || self.has(HOLD)
    }

    /// Is the code in this scope cancelled, by the scope itself or from outside?
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.has(CANCELLED | CUT_OFF)
    }

    /// Is it cancelled, with nothing left inside that must run on?
    #[inline]
    pub(crate) fn must_drop(&self) -> bool {
        self.is_cancelled() && !self.is_active()
    }

    /// Does something inside hold it, other than itself?
    pub(super) fn is_held(&self) -> bool {
        self.is_active() && !self.has(SHIELD)
    }

    /// Makes what is inside safe from cancellations outside.
    pub(crate) fn raise_shield(&self) {
        with(|state| {
            self.set(SHIELD);
            state.inherit(self, None);
        });
    }

    /// Has its deadline passed, with no poll since?
    pub(crate) fn is_expired(&self) -> bool {
        self.has(EXPIRED)
    }

    pub(crate) fn reason(&self) -> Reason {
        Reason::from_code(self.reasons.get() >> 4)
    }

    /// Notes why the scope is cancelled.
    pub(super) fn set_reason(&self, reason: Reason) {
        self.reasons.set(self.reasons.get() & 0xf | reason.code() << 4);
    }

    /// Notes why a task was dropped.
    pub(super) fn set_end(&self, reason: Reason) {
        self.reasons.set(self.reasons.get() & 0xf0 | reason.code());
    }

    /// Why the task was dropped.
    pub(super) fn end(&self) -> Reason {
        Reason::from_code(self.reasons.get() & 0xf)
    }

    /// The first node inside this one.
    pub(crate) fn first(&self) -> *const Node {
        self.first.get()
    }

    /// Makes the second node inside this one the first, and the first the last.
    pub(crate) fn rotate(&self) {
        // SAFETY: PINNED: links lead to live nodes; the list is circular.
        if let Some(first) = unsafe { self.first.get().as_ref() } {
            self.first.set(first.next.get());
        }
    }

    /// Is no other node beside this linked one?
    #[inline]
    pub(crate) fn is_only_one(&self) -> bool {
        ptr::eq(self.next.get(), self)
    }

    /// How many nodes are directly inside this one.
    pub(crate) fn count(&self) -> usize {
        let first = self.first.get();
        let (mut n, mut at) = (0, first);
        // SAFETY: PINNED.
        while let Some(node) = unsafe { at.as_ref() } {
            n += 1;
            at = node.next.get();
            if at == first {
                break;
            }
        }
        n
    }
}

impl core::fmt::Debug for Node {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

/// A struct that starts with a [`Node`].
///
/// # Safety
/// `repr(C)`, the node first, and only ever linked while pinned.
pub(crate) unsafe trait Scoped {
    /// The node; the pointer is good for the whole struct (WHOLE-POINTER).
    fn node_ptr(self: Pin<&Self>) -> *const Node
    where
        Self: Sized,
    {
        ptr::from_ref(self.get_ref()).cast()
    }
}

// SAFETY: it is one.
unsafe impl Scoped for Node {}

/// While this lives, a scope's code is on the stack.
pub(crate) struct Entered<'a> {
    pub(crate) node: &'a Node,
    pub(crate) outer: *const Node,
    /// The waker differs from the last poll's.
    pub(crate) fresh_waker: bool,
}

impl<'a> Entered<'a> {
    /// Marks the start of a poll of a scope: links it under the scope that is being polled, keeps
    /// the waker, and makes it the current scope until the guard is dropped.
    #[inline]
    pub(crate) fn new<T: Scoped>(scope: Pin<&'a T>, cx: &mut Context<'_>) -> Self {
        Self::with(scope, cx, |_| ()).0
    }

    /// The same, with something else to be done inside `with`.
    #[inline]
    pub(super) fn with<T: Scoped, R>(scope: Pin<&'a T>, cx: &mut Context<'_>, f: impl Fn(&State) -> R) -> (Self, R) {
        let this = scope.node_ptr();
        // SAFETY: `scope` is borrowed for as long as we live.
        let node: &'a Node = unsafe { &*this };
        let entered = with(|state| {
            let outer = state.now.node.get();
            let is_known = !outer.is_null() && node.parent.get() == outer && node.waker.is(cx.waker());
            is_known.then(|| {
                node.set(POLLING);
                state.now.node.set(this);
                (Entered { node, outer, fresh_waker: false }, f(state))
            })
        });
        entered.unwrap_or_else(|| {
            // SAFETY: as above.
            let entered = unsafe { Self::anew(this, cx) };
            (entered, with(f))
        })
    }

    /// The same for one that has not been polled before, or elsewhere, or with another waker.
    ///
    /// # Safety
    /// `this` leads to a pinned node that lives for `'a`.
    #[inline(never)]
    unsafe fn anew(this: *const Node, cx: &mut Context<'_>) -> Self {
        // SAFETY: by contract.
        let node: &'a Node = unsafe { &*this };
        let known = node.waker.keep(cx.waker());
        // In somebody else's executor every poll from outside is a turn.
        let begins_turn = with(|state| {
            let begins = state.now.node.get().is_null() && state.now.runtime.get().is_null();
            if begins {
                state.now.polls_left.set(POLLS_PER_TURN);
                state.now.spent.set(0);
                state.now.bursts.set(0);
            }
            begins
        });
        if begins_turn {
            super::root::begin_foreign_turn(cx.waker());
        }
        let (entered, foreign) = with(|state| {
            let outer = state.now.node.get();
            let moved = !(node.has(LINKED) && node.parent.get() == outer);
            let foreign = if moved { state.relink(this, outer) } else { None };
            node.set(POLLING);
            state.now.node.set(this);
            (Entered { node, outer, fresh_waker: !known || moved }, foreign)
        });
        if let Some(foreign) = foreign {
            foreign.wake();
        }
        entered
    }

    /// Is this scope cancelled, by itself or from outside?
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Is it cancelled, with nothing left inside that must run on?
    #[inline]
    pub(crate) fn must_drop(&self) -> bool {
        self.node.is_cancelled() && with(|_| !self.node.is_active())
    }

    /// Is the code around this scope cancelled?
    pub(crate) fn is_cancelled_around(&self) -> bool {
        // SAFETY: PINNED: the scope around a scope that is being polled.
        with(|_| unsafe { self.outer.as_ref() }.is_some_and(Node::is_cancelled))
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.node.has(POLLING) {
            with(|_| self.node.clear(POLLING));
        }
        now(|now| now.leave(self.node, self.outer));
    }
}

impl State {
    /// A node has a new parent: is it cut off now?
    fn inherit(&self, node: &Node, parent: Option<&Node>) {
        let cut_off = parent.is_some_and(Node::is_cancelled) && !node.has(SHIELD);
        if cut_off == node.has(CUT_OFF) {
            return;
        }
        match cut_off {
            true => node.set(CUT_OFF),
            false => node.clear(CUT_OFF),
        }
        if !node.has(CANCELLED) {
            // Only what was cancelled marks anything, and then this is there.
            if let Some(ways) = cancelling::ways(&self.now) {
                (ways.mark_below)(node, cut_off);
            }
        }
    }

    /// A task's count of direct wakes has come round: a nursery in its code that looks again after just so many wakes
    /// would take the number for the one it has seen.
    #[cold]
    pub(crate) fn refresh(&self, block: &super::block::Block) {
        let mut at = block.cell.get();
        // SAFETY: PINNED: a live block's node, and what is linked below it.
        let Some(task) = (unsafe { at.as_ref() }) else { return };
        // SAFETY: as above.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.has(NURSERY) {
                // SAFETY: as above; it starts the nursery's core (WHOLE-POINTER).
                unsafe { &*at.cast::<super::children::Children>() }.is_fresh.set(true);
            }
            at = step(task, node, ptr::eq(task, node) || !node.has(TASK));
        }
    }

    /// Why the code in this node is cancelled: the innermost cancelled scope's reason.
    pub(crate) fn reason_at(&self, mut at: *const Node) -> Option<Reason> {
        // SAFETY: PINNED.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.has(CANCELLED) {
                return Some(node.reason());
            }
            if node.has(SHIELD) {
                return None;
            }
            at = node.parent.get();
        }
        None
    }

    /// Moves a node under `parent`; null makes it a root.
    /// What it leaves may be free to be dropped now: the returned waker tells it.
    #[must_use]
    pub(crate) fn relink(&self, this: *const Node, parent: *const Node) -> Option<Waker> {
        // SAFETY: PINNED: the caller's scope is alive.
        let node = unsafe { &*this };
        let woken = self.unlink(node);
        node.parent.set(parent);
        node.set(LINKED);
        // SAFETY: PINNED: the node being polled is alive.
        let parent = unsafe { parent.as_ref() };
        self.inherit(node, parent);
        let Some(parent) = parent else { return woken };
        append(parent, node, this);
        if node.contributes() {
            holding::add(self, parent);
        }
        woken
    }

    /// Links a node for the first time, at the end of what is inside `parent`, which isn't cancelled.
    #[inline]
    pub(crate) fn adopt(&self, this: *const Node, parent: &Node, whole_parent: *const Node) {
        // SAFETY: PINNED: the caller's scope is alive.
        let node = unsafe { &*this };
        debug_assert!(!node.has(LINKED) && !node.contributes() && !parent.is_cancelled());
        node.parent.set(whole_parent);
        node.set(LINKED);
        append(parent, node, this);
    }

    /// Takes a node out of the tree; a scope around it that only waited for it is woken by the
    /// returned waker, or by one of ours.
    fn unlink(&self, node: &Node) -> Option<Waker> {
        if !node.has(LINKED) {
            return None;
        }
        node.clear(LINKED);
        let whole = node.parent.replace(ptr::null());
        // SAFETY: PINNED: a linked node's parent is alive or null.
        let parent = unsafe { whole.as_ref() }?;
        let this = ptr::from_ref(node);
        let (prev, next) = (node.prev.get(), node.next.get());
        if next == this {
            parent.first.set(ptr::null());
        } else {
            // SAFETY: PINNED: the list is circular.
            unsafe { &*prev }.next.set(next);
            // SAFETY: as above.
            unsafe { &*next }.prev.set(prev);
            if parent.first.get() == this {
                parent.first.set(next);
            }
        }
        if node.contributes() { holding::remove(self, whole) } else { None }
    }

    /// This node no longer holds the scopes around it.
    #[must_use]
    pub(crate) fn let_go(&self, node: &Node) -> Option<Waker> {
        if !node.has(HOLD) {
            return None;
        }
        node.clear(HOLD | ASKED);
        if node.is_active() { None } else { holding::remove(self, node.parent.get()) }
    }

    /// Takes a dying node out of everything. Nodes inside it, whose code lives on elsewhere, become
    /// roots until they are polled again.
    #[inline]
    pub(crate) fn retire(&self, node: &Node) -> Option<Waker> {
        self.orphan(node);
        let woken = self.unlink(node);
        node.active.set(0);
        woken
    }

    /// What was at work inside a node is gone; a scope around it may have become free to be dropped.
    #[must_use]
    #[inline]
    pub(crate) fn calm(&self, node: &Node) -> Option<Waker> {
        if node.active.replace(0) == 0 || node.has(HOLD) { None } else { holding::remove(self, node.parent.get()) }
    }

    /// Is nothing inside this node, nothing at work and nobody watching?
    #[inline]
    pub(crate) fn is_leaf(&self, node: &Node) -> bool {
        node.first.get().is_null() && node.active.get() == 0 && self.watch.get().is_null()
    }

    /// Makes roots of the nodes inside a dying one, and tells those who watch it.
    #[inline]
    pub(crate) fn orphan(&self, node: &Node) {
        if !node.first.get().is_null() || !self.watch.get().is_null() {
            self.orphan_some(node);
        }
    }

    #[cold]
    fn orphan_some(&self, node: &Node) {
        let first = node.first.replace(ptr::null());
        let mut at = first;
        // SAFETY: PINNED.
        while let Some(child) = unsafe { at.as_ref() } {
            child.clear(LINKED);
            child.parent.set(ptr::null());
            self.inherit(child, None);
            at = child.next.get();
            if at == first {
                break;
            }
        }
        let mut watch = self.watch.get();
        // SAFETY: a watch lives on the stack of a `cancel` that has not returned.
        while let Some(w) = unsafe { watch.as_ref() } {
            if ptr::eq(w.node.get(), node) {
                w.node.set(ptr::null());
            }
            watch = w.outer;
        }
    }
}

/// Puts a node, which is whole as `this`, at the end of its parent's list.
#[inline]
fn append(parent: &Node, node: &Node, this: *const Node) {
    // SAFETY: PINNED: links lead to live nodes.
    match unsafe { parent.first.get().as_ref() } {
        None => {
            node.prev.set(this);
            node.next.set(this);
            parent.first.set(this);
        }
        Some(first) => {
            let last = first.prev.get();
            node.prev.set(last);
            node.next.set(first);
            first.prev.set(this);
            // SAFETY: PINNED: the list is circular.
            unsafe { &*last }.next.set(this);
        }
    }
}

/// The node after `at` in the tree below `top`: its first child if `below`, else the next of its
/// siblings, or of its parent's, and so on.
pub(super) fn step(top: &Node, at: &Node, below: bool) -> *const Node {
    if below && !at.first.get().is_null() {
        return at.first.get();
    }
    let mut at = at;
    while !ptr::eq(top, at) {
        // SAFETY: PINNED; below `top` each node has a parent.
        let parent = unsafe { &*at.parent.get() };
        if at.next.get() != parent.first.get() {
            return at.next.get();
        }
        at = parent;
    }
    ptr::null()
}

impl Drop for Node {
    fn drop(&mut self) {
        foreign::wake(with(|state| state.retire(self)));
    }
}
