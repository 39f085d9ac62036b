//! Cancelling: who is told, and what is dropped.
//!
//! Whoever can cancel something has this in the program: a cancel scope, a handle, an error, a race, a daemon. The code
//! of nurseries, which all have, comes here by [`Ways`] alone, which are not there before; so a program that can't
//! cancel does without all of this.
//!
//! The cancelled node is marked `CANCELLED`, and all below it, down to shields, `CUT_OFF`, so that
//! whoever asks looks at one word. The walk costs less than dropping what it marks, which follows.
//! Nodes that are linked later inherit the mark.

use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::task::Waker;

use super::asking::{self, holds_itself};
use super::cell::Header;
use super::children::{Children, Polling, running_task};
use super::current::Current;
use super::node::{ASKED, CANCELLED, CUT_OFF, EXPIRED, HEARD, Node, SHIELD, TASK, WAKE, step};
use super::port::{now, with};
use super::state::State;
use crate::cancel::Reason;
use crate::panics::{First, Payload};

/// What nurseries need once something is, or can be, cancelled.
pub(crate) struct Ways {
    pub(super) cancel: unsafe fn(*const Node, Reason),
    pub(super) cancel_children: fn(NonNull<Children>, Reason),
    pub(super) mark_below: fn(&Node, bool),
    pub(super) drop_idle: fn(&Polling<'_>, bool) -> Result<(), Payload>,
    pub(super) body_is_active: fn(&Polling<'_>) -> bool,
}

static WAYS: Ways = Ways { cancel, cancel_children, mark_below, drop_idle, body_is_active };

/// From now on, something may be cancelled.
pub(crate) fn prepare() {
    now(|now| now.ways.set(&WAYS));
}

/// The ways, if anything can be cancelled.
#[inline]
pub(super) fn ways(now: &Current) -> Option<&'static Ways> {
    // SAFETY: null, or the static above.
    unsafe { now.ways.get().as_ref() }
}

/// Notices the death of a node while foreign code runs.
pub(crate) struct Watch {
    pub(super) node: Cell<*const Node>,
    pub(super) outer: *const Watch,
}

/// Cancels a scope: wakes it and all in it that has to notice. The node may be gone when
/// this returns, if a foreign waker dropped it.
///
/// # Safety
/// `this` leads to a live, pinned node and was made as WHOLE-POINTER asks.
pub(crate) unsafe fn cancel(this: *const Node, reason: Reason) {
    prepare();
    let watch = with(|state| {
        // SAFETY: by contract.
        let node = unsafe { &*this };
        if node.has(CANCELLED) {
            return None;
        }
        node.set(CANCELLED);
        node.set_reason(reason);
        node.clear(EXPIRED);
        if !node.has(CUT_OFF) {
            mark_below(node, true);
        }
        mark_for_wake(this);
        asking::begin(state, node);
        Some(Watch { node: Cell::new(this), outer: state.watch.get() })
    });
    let Some(watch) = watch else { return };
    with(|state| state.watch.set(&watch));
    // A foreign waker may cancel, drop and wake whatever it likes, so each is called with
    // nothing borrowed, and the search starts anew after it. Should one panic, the others are
    // called all the same.
    let mut first = First::new();
    while let Some(foreign) = with(|state| wake_next(state, watch.node.get())) {
        first.catch(|| foreign.wake());
    }
    drop(watch);
    first.resume();
}

impl Drop for Watch {
    fn drop(&mut self) {
        with(|state| state.watch.set(self.outer));
    }
}

/// Marks all below a node as cut off, or as not, down to shields and to what is cancelled
/// itself.
fn mark_below(top: &Node, cut_off: bool) {
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

fn mark_for_wake(top: *const Node) {
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
        node.clear(HEARD);
        if !ptr::eq(top, node) && holds_itself(node) {
            node.set(ASKED);
        }
        at = step(top, node, ptr::eq(top, node) || node.is_held());
    }
}

/// Wakes the marked nodes up to the first whose waker isn't ours.
fn wake_next(state: &State, whole: *const Node) -> Option<Waker> {
    // SAFETY: null (the node died) or alive: the watch follows it.
    let top = unsafe { whole.as_ref() }?;
    let mut at = whole;
    // SAFETY: PINNED.
    while let Some(node) = unsafe { at.as_ref() } {
        if node.has(WAKE) {
            node.clear(WAKE);
            if let Some(foreign) = state.wake_node(at) {
                return Some(foreign);
            }
        }
        at = step(top, node, ptr::eq(top, node) || node.is_held());
    }
    None
}

/// Cancels each child that runs; the nursery itself isn't cancelled.
pub(super) fn cancel_children(children: NonNull<Children>, reason: Reason) {
    // SAFETY: the callers' nursery is alive, though a foreign waker may have ended its children.
    let node = &unsafe { children.as_ref() }.node;
    let mut first = First::new();
    for _ in 0..with(|_| node.count()) {
        let task = with(|_| {
            let first = node.first();
            node.rotate();
            running_task(first)
        });
        if let Some(task) = task {
            // SAFETY: alive: just found in the list; a whole cell's pointer.
            first.catch(|| unsafe { cancel(task.as_ptr().cast_const().cast(), reason) });
        }
    }
    first.resume();
}

/// The nursery is cancelled: drops all children but those in which a shield is at work, and these too if it is forsaken.
fn drop_idle(polling: &Polling<'_>, is_forsaken: bool) -> Result<(), Payload> {
    let mut first = First::new();
    let node = &polling.children().node;
    // Once is enough: a child whose shields end later is woken and dropped in its own turn.
    if polling.children().dropped_idle.replace(true) && node.is_active() && !is_forsaken {
        return Ok(());
    }
    for _ in 0..with(|_| node.count()) {
        let task = with(|_| {
            let first = node.first();
            node.rotate();
            idle_task(first, is_forsaken)
        });
        let Some(task) = task else { continue };
        first.catch(|| polling.kill(task));
    }
    first.into_result()
}

/// Is a shield at work in the body (not in a child)?
fn body_is_active(polling: &Polling<'_>) -> bool {
    with(|_| {
        let node = &polling.children().node;
        (0..node.count()).any(|_| {
            // SAFETY: PINNED: links lead to live nodes.
            let first = unsafe { node.first().as_ref() };
            let found = first.is_some_and(|inner| !inner.has(TASK) && inner.contributes());
            // What was found stays in front, where the next look finds it at once.
            if !found {
                node.rotate();
            }
            found
        })
    })
}

/// The task that this node starts, if it is one that may be dropped now.
fn idle_task(node: *const Node, is_forsaken: bool) -> Option<NonNull<Header>> {
    let task = running_task(node)?;
    // SAFETY: see there.
    let is_active = unsafe { task.as_ref() }.node.is_active();
    if is_active && !is_forsaken { None } else { Some(task) }
}
