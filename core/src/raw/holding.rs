//! Counting shields: what must not be dropped yet.
//!
//! `contributes(n) = n.HOLD || n.active > 0`, and `n.active` is the number of children of `n` that
//! contribute. So a shield (which holds) is known to each scope around it, and a change travels
//! up only as far as it changes something. `active == 0` in a cancelled scope means: drop it now.
//!
//! A program without shields and clean-ups, where nothing ever holds, does without this code: the tree of scopes comes
//! here by a pointer that they set.

use core::cell::Cell;
use core::ptr;
use core::task::Waker;

use super::asking::{self, Look};
use super::node::{HOLD, Node, POLLING, TASK};
use super::port::now;
use super::state::State;

/// What the tree of scopes needs once a node holds.
pub(crate) struct Counting {
    add: fn(&Node),
    remove: fn(&State, *const Node) -> Option<Waker>,
    look: fn(&Node, Option<&Cell<u32>>) -> Look,
    tell_looker: fn(&State, *const Node) -> Option<Waker>,
}

static COUNTING: Counting = Counting { add: add_active, remove: remove_active, look: asking::look, tell_looker };

/// From now on, nodes may hold.
pub(crate) fn prepare() {
    now(|now| now.counting.set(&COUNTING));
}

/// A child of this node contributes.
pub(super) fn add(state: &State, node: &Node) {
    // SAFETY: null, or the static above.
    if let Some(counting) = unsafe { state.now.counting.get().as_ref() } {
        (counting.add)(node);
    }
}

/// A child of this node no longer contributes.
#[must_use]
pub(super) fn remove(state: &State, node: *const Node) -> Option<Waker> {
    // SAFETY: null, or the static above.
    unsafe { state.now.counting.get().as_ref() }.and_then(|counting| (counting.remove)(state, node))
}

/// A poll of this cancelled scope has ended: does what holds it still answer?
pub(super) fn look(node: &Node, looked_at: Option<&Cell<u32>>) -> Look {
    // SAFETY: null, or the static above.
    now(|now| unsafe { now.counting.get().as_ref() }).map_or(Look::Held, |counting| (counting.look)(node, looked_at))
}

/// The grace of this node is over. Its own waker may lead nowhere, so the scope that it holds looks.
#[must_use]
pub(super) fn tell_of_grace(state: &State, node: &Node) -> Option<Waker> {
    // SAFETY: null, or the static above.
    let counting = unsafe { state.now.counting.get().as_ref() };
    counting.and_then(|counting| (counting.tell_looker)(state, node.parent.get()))
}

fn add_active(mut node: &Node) {
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
/// become free to be dropped is woken; those below it go with it. If none has, the one that looks whether the rest answers.
#[must_use]
fn remove_active(state: &State, from: *const Node) -> Option<Waker> {
    state.now.answered.set(0);
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
    let looker = asking::looker(at);
    wake_unless_polled(state, if freed.is_null() { looker } else { freed })
}

/// Who is being polled looks at the end of that.
#[must_use]
fn wake_unless_polled(state: &State, whole: *const Node) -> Option<Waker> {
    // SAFETY: PINNED.
    let node = unsafe { whole.as_ref() }?;
    let is_polled = if node.has(TASK) { state.is_running(node) } else { node.has(POLLING) };
    if is_polled { None } else { state.wake_node(whole) }
}

fn tell_looker(state: &State, at: *const Node) -> Option<Waker> {
    wake_unless_polled(state, asking::looker(at))
}
