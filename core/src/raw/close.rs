//! The end of a nursery that is dropped, with what is left in it.

use core::ptr::NonNull;

use super::block::{Block, QUEUED};
use super::cell::{HANDLE, Header, OUTPUT, free, kill};
use super::children::Children;
use super::node::{DONE, Node, TASK};
use super::port::with;
use crate::nursery::Scope;
use crate::panics::First;

/// Ends a nursery that is dropped: at the end of its future, or with it. Each child is dropped,
/// even if destructors panic.
pub(crate) struct Close<'scope>(&'scope Children, NonNull<Children>);

impl<'scope> Close<'scope> {
    pub(crate) fn new<'env, E, S>(scope: &'scope Scope<'scope, 'env, E, S>) -> Self {
        Close(scope.children(), NonNull::from(scope).cast())
    }
}

impl Drop for Close<'_> {
    fn drop(&mut self) {
        let children = self.0;
        if children.closed.get() && with(|_| children.node.first().is_null() && children.ready.is_empty()) {
            return;
        }
        children.closed.set(true);
        // The destructors run inside the code that drops the nursery, not where it was last polled:
        // else one that polls a scope from there would make a cycle of the tree.
        let foreign = with(|state| {
            let outer = state.now.node.get();
            if children.node.parent.get() == outer {
                return None;
            }
            state.relink(self.1.as_ptr().cast_const().cast(), outer)
        });
        let mut first = First::new();
        // Without `std` a panic can't be caught: the rest is dropped while it unwinds.
        struct Rest<'a>(&'a Close<'a>);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                drop(Close(self.0.0, self.0.1));
            }
        }
        let rest = Rest(self);
        if let Some(foreign) = foreign {
            first.catch(|| foreign.wake());
        }
        while let Some(task) = find(&children.node, 0, DONE) {
            first.catch(|| kill(task, self.1));
        }
        while let Some(block) = pop(children) {
            if let Some(task) = NonNull::new(with(|_| block.cell.get()).cast_mut()) {
                free(task.cast(), self.1);
            }
        }
        // What is left is over, but has a handle. Results first: a handle in one of them is the last
        // that may look at another cell.
        while let Some(task) = find(&children.node, OUTPUT, 0) {
            // SAFETY: alive: in the list; OUTPUT says that it is there.
            first.catch(|| unsafe { (task.as_ref().vtable.drop_output)(task) });
        }
        // Handles that were forgotten: `'scope` ends here.
        while let Some(task) = find(&children.node, 0, 0) {
            // The results' destructors may have woken some, which keeps their cells.
            while pop(children).is_some() {}
            // SAFETY: alive: in the list.
            unsafe { task.as_ref() }.clear(HANDLE);
            first.catch(|| free(task, self.1));
        }
        core::mem::forget(rest);
        first.resume();
    }
}

/// A task inside this node that has one of some flags of its cell (0: any task) and lacks some of its node. It is the last of its siblings then,
/// so that a search goes on after it.
fn find(node: &Node, has: u8, lacks: u16) -> Option<NonNull<Header>> {
    with(|_| {
        let start = node.first();
        loop {
            let first = NonNull::new(node.first().cast_mut())?;
            node.rotate();
            // SAFETY: PINNED: links lead to live nodes.
            let found = unsafe { first.as_ref() };
            if found.has(TASK) && (has == 0 || found.task.get() & has != 0) && !found.has(lacks) {
                return Some(first.cast());
            }
            if node.first() == start {
                return None;
            }
        }
    })
}

/// Takes a child out of the ready list.
fn pop(children: &Children) -> Option<&'static Block> {
    with(|_| children.ready.pop().inspect(|block| block.clear(QUEUED)))
}
