//! The poll of a scope, from its begin to its end.

use core::cell::Cell;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Waker};

use super::asking::Round;
use super::cancel::wake_carried;
use super::node::{CUT_OFF, FOREIGN, Node, POLLING, SHIELD, Scoped, SubScope};
use super::stop::tell_all;
use crate::fault::fault;
use crate::kernel::context::{Context as Kernel, now, with};
use crate::kernel::mask::masked;
use crate::kernel::nursery::children::{Children, NurseryRef};
use crate::kernel::remote::begin_foreign_turn;
use crate::kernel::task::header::TaskRef;
use crate::kernel::used::{CANCELS, FOREIGNS};
use crate::kernel::waker::{task_named, task_of};

/// While this lives, a scope's code is on the stack.
pub(crate) struct Entered<'a> {
    pub(crate) node: &'a Node,
    /// The same, good for the whole (WHOLE-POINTER).
    pub(crate) this: *const Node,
    pub(crate) outer: *const Node,
}

/// Is a scope's place known, and is it marked as it must be?
fn is_in_place(node: &Node, outer: *const Node) -> bool {
    // SAFETY: PINNED: the node that is being polled is alive.
    let Some(around) = (unsafe { outer.as_ref() }) else { return false };
    node.parent.get() == outer && node.is_cut_off_by(around)
}

impl Node {
    /// Is it marked as what is inside that one?
    fn is_cut_off_by(&self, around: &Node) -> bool {
        !CANCELS.is() || (around.is_cancelled() && !self.has(SHIELD)) == self.has(CUT_OFF)
    }
}

impl<'a> Entered<'a> {
    /// Marks the start of a poll of a scope: places it in the scope that is being polled, keeps the waker, and makes it the
    /// current scope until the guard is dropped.
    pub(crate) fn new<T: Scoped>(scope: Pin<&'a T>, cx: &mut Context<'_>) -> Self {
        let this = scope.node_ptr();
        // SAFETY: `scope` is borrowed for as long as we live, and starts with it.
        let sub: &'a SubScope = unsafe { &*this.cast() };
        let entered = with(|context| {
            let outer = context.node.get();
            (is_in_place(&sub.node, outer) && sub.waker.is(cx.waker())).then(|| Self::begin(context, this, &sub.node))
        });
        // SAFETY: as above.
        entered.unwrap_or_else(|| unsafe { Self::anew(this, cx) })
    }

    fn begin(context: &Kernel, this: *const Node, node: &'a Node) -> Self {
        let outer = context.node.get();
        node.set(POLLING);
        context.node.set(this);
        Entered { node, this, outer }
    }

    /// The same for one that has not been polled before, or elsewhere, or with another waker.
    ///
    /// # Safety
    /// `this` leads to a pinned sub-scope that lives for `'a`.
    unsafe fn anew(this: *const Node, cx: &mut Context<'_>) -> Self {
        // SAFETY: by contract.
        let (node, foreign) = unsafe { (&*this, place_anew(this, None, cx)) };
        let entered = with(|context| Self::begin(context, this, node));
        if let Some(foreign) = foreign {
            // Now, with the guard there: it may panic.
            foreign.wake();
        }
        entered
    }

    /// Is this scope cancelled, by itself or from outside?
    pub(crate) fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Is it cancelled, with nothing left inside that must run on?
    pub(crate) fn must_drop(&self) -> bool {
        self.node.is_cancelled() && with(|_| !self.node.is_active())
    }

    /// A round of this scope has left something pending that holds it. Is it forsaken?
    pub(crate) fn is_forsaken(&self, round: Round, looked_at: &Cell<u32>, cx: &Context<'_>) -> bool {
        // SAFETY: PINNED: it is being polled.
        unsafe { round.is_forsaken(self.this, looked_at, cx) }
    }

    /// Is the code around this scope cancelled?
    pub(crate) fn is_cancelled_around(&self) -> bool {
        // SAFETY: PINNED: the scope around a scope that is being polled.
        with(|_| unsafe { self.outer.as_ref() }.is_some_and(Node::is_cancelled))
    }
}

/// A poll of a nursery begins: is it known already that the task that is being polled polls it there, by its own waker?
pub(crate) fn is_known(context: &Kernel, nursery: &Children, waker: &Waker) -> bool {
    let (node, outer) = (nursery.node(), context.node.get());
    let named = task_named(waker).map_or(ptr::null(), TaskRef::as_ptr);
    if node.parent.get() != outer || named.is_null() || named != nursery.task.get() || named != context.task.get() {
        return false;
    }
    // SAFETY: PINNED: the node that is being polled is alive. There is one: that of the task, or in it.
    !CANCELS.is() || unsafe { &*outer }.is_cancelled() == node.has(CUT_OFF)
}

/// Places a nursery in the code that is being polled, and keeps who does that.
#[cold]
pub(crate) fn place_nursery(nursery: NurseryRef, cx: &mut Context<'_>) {
    // SAFETY: LIVE, and a nursery starts with a sub-scope.
    let foreign = unsafe { place_anew(nursery.as_ptr().cast(), Some(&nursery), cx) };
    // What it has left is told. That may panic; so far nothing has been entered.
    if let Some(foreign) = foreign {
        foreign.wake();
    }
}

/// Places a scope that has not been polled before, or elsewhere, or with another waker; `nursery`, if it is one, is the same.
///
/// # Safety
/// `this` leads to a pinned sub-scope that is alive.
unsafe fn place_anew(this: *const Node, nursery: Option<&Children>, cx: &mut Context<'_>) -> Option<Waker> {
    // SAFETY: by contract.
    let sub: &SubScope = unsafe { &*this.cast() };
    let own = with(|context| task_of(context, cx.waker()));
    let was_polled = !sub.waker.is_empty() || nursery.is_some_and(|nursery| nursery.poller().is_some());
    match own.filter(|_| nursery.is_some()) {
        // Who polls it is known otherwise.
        Some(_) => drop(masked(|| sub.waker.take())),
        None => _ = sub.waker.keep(cx.waker()),
    }
    // In somebody else's executor every poll from outside is a turn.
    let begins_turn = with(|context| {
        let begins = context.node.get().is_null() && context.runtime.get().is_null();
        if begins {
            context.begin_turn();
            context.woken.set(0);
            context.stop.set(0);
            context.begin_poll();
        }
        begins
    });
    if begins_turn {
        begin_foreign_turn(cx.waker());
    }
    let was_cut_off = sub.node.has(CUT_OFF);
    let (left, is_walked) = with(|context| {
        if let Some(nursery) = nursery {
            nursery.task.set(own.map_or(ptr::null(), TaskRef::as_ptr));
        }
        (context.place(this, own.is_none()), !context.watch.get().is_null())
    });
    if was_polled {
        // SAFETY: by contract.
        unsafe { tell_inside(this, was_cut_off, is_walked) };
    }
    left
}

/// A scope that was polled before has another place, and what is inside may have to know of it: that is polled only if it is
/// woken.
///
/// # Safety
/// As [`place_anew`].
#[cold]
unsafe fn tell_inside(this: *const Node, was_cut_off: bool, is_walked: bool) {
    // SAFETY: by contract.
    let is_new = !was_cut_off && unsafe { &*this }.has(CUT_OFF) && !fault!("carried-in-unawares");
    if is_new || is_walked {
        // SAFETY: by contract.
        unsafe { wake_carried(this, is_new) };
    }
    // SAFETY: by contract.
    if with(|context| unsafe { context.is_asked_anew(this) }) {
        tell_all();
    }
}

impl Kernel {
    /// Puts a scope where it is polled now, by a waker of its task or another one.
    #[must_use]
    fn place(&self, this: *const Node, is_foreign: bool) -> Option<Waker> {
        // SAFETY: PINNED: it is being polled.
        let node = unsafe { &*this };
        let outer = self.node.get();
        let moved = outer.is_null() || node.parent.get() != outer || node.has(FOREIGN) != is_foreign;
        if !moved {
            self.inherit(this, outer);
            return None;
        }
        if is_foreign {
            FOREIGNS.note();
        }
        node.put(FOREIGN, is_foreign);
        self.relink(this, outer)
    }

    /// What is inside this scope is safe from cancellations outside.
    ///
    /// # Safety
    /// It is alive, and the pointer is good for the whole.
    pub(crate) unsafe fn raise_shield(&self, this: *const Node) {
        // SAFETY: by contract.
        unsafe { &*this }.set(SHIELD);
        self.inherit(this, ptr::null());
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if self.node.has(POLLING) {
            with(|_| self.node.clear(POLLING));
        }
        now(|context| context.leave(self.this, self.outer));
    }
}
