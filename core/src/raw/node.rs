//! The tree of scopes: who is inside whom, who is cancelled, and who must not be dropped yet.
//!
//! A node is one scope: a task, a nursery, a cancel scope, a shield. It is linked at its first
//! poll under the node that is being polled then, and again if another node polls it later; it is
//! unlinked by its destructor.
//!
//! # Counting shields
//! `contributes(n) = n.HOLD || n.active > 0`, and `n.active` is the number of children of `n` that
//! contribute. So a shield (which holds) is known to each scope around it, and a change travels
//! up only as far as it changes something. `active == 0` in a cancelled scope means: drop it now.
//!
//! # Cancelling
//! The cancelled node is marked `CANCELLED`, and all below it, down to shields, `CUT_OFF`, so that
//! whoever asks looks at one word. The walk costs less than dropping what it marks, which follows.
//! Nodes that are linked later inherit the mark.

#[cfg(feature = "alloc")]
mod recount;

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Waker};

#[cfg(feature = "alloc")]
pub(crate) use recount::audit;

use super::port::with;
use super::state::{BUDGET, POLLS_PER_TURN, State};
use super::waker::Kept;
use crate::cancel::Reason;
use crate::panics;

/// This scope itself was cancelled.
pub(crate) const CANCELLED: u32 = 1;
/// A scope around this one was cancelled, with no shield in between. Never on a shield.
pub(crate) const CUT_OFF: u32 = 1 << 11;
/// Keeps the scopes around it from being dropped: a shield, a clean-up to come.
pub(crate) const HOLD: u32 = 1 << 1;
pub(crate) const LINKED: u32 = 1 << 2;
/// What is inside isn't cancelled by what is outside.
pub(crate) const SHIELD: u32 = 1 << 3;
pub(crate) const TASK: u32 = 1 << 4;
pub(crate) const NURSERY: u32 = 1 << 5;
/// The root task of a runtime.
pub(crate) const ROOT: u32 = 1 << 6;
/// Its code is on the stack; not on tasks, see [`is_running`](State::is_running).
pub(crate) const POLLING: u32 = 1 << 7;
/// To be woken by the cancellation under way.
const WAKE: u32 = 1 << 8;
/// Its deadline has passed: one last poll, then it is cancelled.
pub(crate) const EXPIRED: u32 = 1 << 9;
/// Starts a [`Timed`](super::heap::Timed).
pub(crate) const TIMED: u32 = 1 << 10;

const REASON_SHIFT: u32 = 12;
/// Of a nursery: its body must be polled whatever the count of wakes says.
pub(crate) const FRESH: u32 = 1 << 22;
/// Flags of tasks only: see [`cell`](super::cell).
pub(super) const TASK_SHIFT: u32 = 16;
const END_SHIFT: u32 = 24;

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
    active: Cell<u32>,
    flags: Cell<u32>,
    _pinned: PhantomPinned,
}

/// Notices the death of a node while foreign code runs.
pub(crate) struct Watch {
    node: Cell<*const Node>,
    outer: *const Watch,
}

impl Node {
    pub(crate) const fn new(flags: u32) -> Self {
        Node {
            parent: Cell::new(ptr::null()),
            first: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            waker: Kept::new(),
            active: Cell::new(0),
            flags: Cell::new(flags),
            _pinned: PhantomPinned,
        }
    }

    #[inline]
    pub(crate) fn has(&self, flags: u32) -> bool {
        self.flags.get() & flags != 0
    }

    #[inline]
    pub(crate) fn set(&self, flags: u32) {
        self.flags.set(self.flags.get() | flags);
    }

    #[inline]
    pub(crate) fn clear(&self, flags: u32) {
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
    fn is_held(&self) -> bool {
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
        with(|_| self.has(EXPIRED))
    }

    pub(crate) fn reason(&self) -> Reason {
        Reason::from_code((self.flags.get() >> REASON_SHIFT) as u8 & 0xf)
    }

    /// Notes why a task was dropped.
    pub(super) fn set_end(&self, reason: Reason) {
        with(|_| self.flags.set(self.flags.get() & !(0xf << END_SHIFT) | u32::from(reason.code()) << END_SHIFT));
    }

    /// Why the task was dropped.
    pub(super) fn end(&self) -> Reason {
        Reason::from_code((self.flags.get() >> END_SHIFT) as u8 & 0xf)
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

    /// Cancels this scope: wakes it and all in it that has to notice. The node may be gone when
    /// this returns, if a foreign waker dropped it.
    ///
    /// # Safety
    /// `this` leads to a live, pinned node and was made as WHOLE-POINTER asks.
    pub(crate) unsafe fn cancel(this: *const Node, reason: Reason) {
        let watch = with(|state| {
            // SAFETY: by contract.
            let node = unsafe { &*this };
            if node.has(CANCELLED) {
                return None;
            }
            node.set(CANCELLED | (u32::from(reason.code()) << REASON_SHIFT));
            node.clear(EXPIRED);
            if !node.has(CUT_OFF) {
                state.mark_below(node, true);
            }
            state.mark_for_wake(this);
            Some(Watch { node: Cell::new(this), outer: state.watch.get() })
        });
        let Some(watch) = watch else { return };
        with(|state| state.watch.set(&watch));
        // A foreign waker may cancel, drop and wake whatever it likes, so each is called with
        // nothing borrowed, and the search starts anew after it. Should one panic, the others are
        // called all the same.
        let mut first_panic = Ok(());
        while let Some(foreign) = with(|state| state.wake_next(watch.node.get())) {
            let result = panics::catch(|| foreign.wake());
            if first_panic.is_ok() {
                first_panic = result;
            }
        }
        drop(watch);
        if let Err(payload) = first_panic {
            panics::resume_unless_panicking(payload);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        with(|state| state.watch.set(self.outer));
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
        let this = scope.node_ptr();
        // SAFETY: `scope` is borrowed for as long as we live.
        let node: &'a Node = unsafe { &*this };
        let entered = with(|state| {
            let outer = state.node.get();
            let is_known = !outer.is_null() && node.parent.get() == outer && node.waker.is(cx.waker());
            is_known.then(|| {
                node.set(POLLING);
                state.node.set(this);
                Entered { node, outer, fresh_waker: false }
            })
        });
        // SAFETY: as above.
        entered.unwrap_or_else(|| unsafe { Self::anew(this, cx) })
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
            let begins = state.node.get().is_null() && state.runtime.get().is_null();
            if begins {
                state.polls_left.set(POLLS_PER_TURN);
                state.budget.set(BUDGET);
                state.bursts.set(false);
            }
            begins
        });
        if begins_turn {
            super::root::begin_foreign_turn(cx.waker());
        }
        let (entered, foreign) = with(|state| {
            let outer = state.node.get();
            let moved = !(node.has(LINKED) && node.parent.get() == outer);
            let foreign = if moved { state.relink(this, outer) } else { None };
            node.set(POLLING);
            state.node.set(this);
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
        with(|_| self.node.is_cancelled())
    }

    /// Is it cancelled, with nothing left inside that must run on?
    #[inline]
    pub(crate) fn must_drop(&self) -> bool {
        with(|_| self.node.must_drop())
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
        with(|state| {
            self.node.clear(POLLING);
            state.leave(self.node, self.outer);
        });
    }
}

impl State {
    /// Marks all below a node as cut off, or as not, down to shields and to what is cancelled
    /// itself.
    fn mark_below(&self, top: &Node, cut_off: bool) {
        let mut at: *const Node = top;
        loop {
            // SAFETY: PINNED: links lead to live nodes.
            let node = unsafe { &*at };
            let below = ptr::eq(top, node) || !node.has(SHIELD | CANCELLED);
            at = step(top, node, below);
            // SAFETY: as above.
            let Some(node) = (unsafe { at.as_ref() }) else { return };
            match cut_off && !node.has(SHIELD) {
                true => node.set(CUT_OFF),
                false => node.clear(CUT_OFF),
            }
        }
    }

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
            self.mark_below(node, cut_off);
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
                node.set(FRESH);
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
            self.add_active(parent);
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
        if node.contributes() { self.remove_active(whole) } else { None }
    }

    fn add_active(&self, mut node: &Node) {
        loop {
            let contributed = node.contributes();
            node.active.set(node.active.get() + 1);
            if contributed {
                return;
            }
            // SAFETY: PINNED.
            match unsafe { node.parent.get().as_ref() } {
                Some(parent) => node = parent,
                None => return,
            }
        }
    }

    /// A child of this node no longer contributes. The topmost cancelled scope that has thereby
    /// become free to be dropped is woken; those below it go with it.
    #[must_use]
    fn remove_active(&self, from: *const Node) -> Option<Waker> {
        let mut freed: *const Node = ptr::null();
        let mut at = from;
        // SAFETY: PINNED.
        while let Some(node) = unsafe { at.as_ref() } {
            node.active.set(node.active.get() - 1);
            if node.is_active() {
                break;
            }
            if node.is_cancelled() {
                freed = at;
            }
            if node.has(HOLD) {
                break;
            }
            at = node.parent.get();
        }
        // SAFETY: PINNED.
        let node = unsafe { freed.as_ref() }?;
        let is_polled = if node.has(TASK) { self.is_running(node) } else { node.has(POLLING) };
        if is_polled { None } else { self.wake_node(freed) }
    }

    /// This node no longer holds the scopes around it.
    #[must_use]
    pub(crate) fn let_go(&self, node: &Node) -> Option<Waker> {
        if !node.has(HOLD) {
            return None;
        }
        node.clear(HOLD);
        if node.is_active() { None } else { self.remove_active(node.parent.get()) }
    }

    fn mark_for_wake(&self, top: *const Node) {
        // SAFETY: PINNED: the caller's node.
        let top = unsafe { &*top };
        top.set(WAKE);
        if !top.is_active() {
            return;
        }
        let mut at: *const Node = top;
        // SAFETY: PINNED.
        while let Some(node) = unsafe { at.as_ref() } {
            // An inactive task is dropped by its nursery, an active one runs on.
            if !node.has(TASK) {
                node.set(WAKE);
            }
            at = step(top, node, ptr::eq(top, node) || node.is_held());
        }
    }

    /// Wakes the marked nodes up to the first whose waker isn't ours.
    fn wake_next(&self, whole: *const Node) -> Option<Waker> {
        // SAFETY: null (the node died) or alive: the watch follows it.
        let top = unsafe { whole.as_ref() }?;
        let mut at = whole;
        // SAFETY: PINNED.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.has(WAKE) {
                node.clear(WAKE);
                if let Some(foreign) = self.wake_node(at) {
                    return Some(foreign);
                }
            }
            at = step(top, node, ptr::eq(top, node) || node.is_held());
        }
        None
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
        if node.active.replace(0) == 0 || node.has(HOLD) { None } else { self.remove_active(node.parent.get()) }
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
fn step(top: &Node, at: &Node, below: bool) -> *const Node {
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
        let foreign = with(|state| state.retire(self));
        if let Some(foreign) = foreign {
            foreign.wake();
        }
    }
}
