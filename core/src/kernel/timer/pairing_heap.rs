//! Timers in their full order: the soonest is known, and taken out of it in O(log n), amortised.
//!
//! A timer that is set is compared with the root alone, and one without children is cut out of its siblings: most timers are
//! set and taken away, and cost a few writes. From Fredman, Sedgewick, Sleator and Tarjan, "The pairing heap: a new form of
//! self-adjusting heap", Algorithmica 1 (1986), in its two-pass form.
//!
//! # Invariants
//! * **HEAP-ORDER**: no timer is sooner than its parent.
//! * **CHILDREN**: `child` leads to the first child, `next` to the next sibling; `prev` to the sibling before, or from a first
//!   child to its parent. The root has neither.

use core::cell::Cell;

use super::entry::Timer;
use crate::fault::fault;
use crate::kernel::list::Linked;
use crate::kernel::pin_ref::PinRef;

type At<T> = Option<PinRef<Timer<T>>>;

/// See the module.
pub(crate) struct PairingHeap<T> {
    root: Cell<At<T>>,
}

impl<T> PairingHeap<T> {
    pub(crate) const fn new() -> Self {
        PairingHeap { root: Cell::new(None) }
    }

    /// The soonest.
    pub(crate) fn first(&self) -> At<T> {
        self.root.get()
    }

    /// # Safety
    /// The timer is in no heap and no list.
    pub(crate) unsafe fn push(&self, timer: PinRef<Timer<T>>) {
        timer.links().set(None, None);
        self.root.set(meld(self.root.get(), Some(timer)));
    }

    /// Takes a timer out, wherever it is.
    ///
    /// # Safety
    /// MEMBER: it is in this heap.
    pub(crate) unsafe fn remove(&self, timer: PinRef<Timer<T>>) {
        let rest = pair(timer.child.take());
        let (prev, next) = timer.links().take();
        let Some(prev) = prev else {
            // Only the root has nothing before it.
            self.root.set(rest);
            return;
        };
        if prev.child.get().is_some_and(|first| first.is(timer)) {
            prev.child.set(next);
        } else {
            prev.links().set_next(next);
        }
        if let Some(next) = next {
            next.links().set_prev(Some(prev));
        }
        let rest = rest.filter(|_| !fault!("timers-lost-with-one-removed"));
        self.root.set(meld(self.root.get(), rest));
    }
}

/// Joins two heaps, each given by its root.
fn meld<T>(a: At<T>, b: At<T>) -> At<T> {
    let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
    let (top, low) = if b.is_sooner(&a) { (b, a) } else { (a, b) };
    let first = top.child.replace(Some(low));
    low.links().set(Some(top), first);
    if let Some(first) = first {
        first.links().set_prev(Some(low));
    }
    Some(top)
}

/// Makes one heap of a list of siblings: in pairs from the left, then all from the right.
fn pair<T>(mut list: At<T>) -> At<T> {
    // The pairs, last first, linked through `next`.
    let mut pairs = None;
    while let Some(a) = list {
        let b = a.links().take().1;
        list = b.and_then(|b| b.links().take().1);
        let top = meld(Some(a), b);
        if let Some(top) = top {
            top.links().set_next(pairs);
        }
        pairs = top;
    }
    let mut all = None;
    while let Some(top) = pairs {
        pairs = top.links().take().1;
        all = meld(all, Some(top));
    }
    if let Some(root) = all {
        root.links().set(None, None);
    }
    all
}
