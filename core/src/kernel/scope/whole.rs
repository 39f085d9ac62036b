//! From a node to what it starts: a task, a sub-scope, a nursery; and whom to wake for it.
//!
//! * **WHOLE-POINTER**: a pointer to a [`Node`] in the tree, or to one that is being polled, was made from a pointer to the
//!   whole that it starts, as its flags say; so it may be cast back.

use core::ptr::NonNull;
use core::task::Waker;

use super::node::{NURSERY, Node, POLLING, ROOT, SubScope, TASK};
use crate::kernel::context::Context;
use crate::kernel::mask::within;
use crate::kernel::nursery::children::Children;
use crate::kernel::pin_ref::PinRef;
use crate::kernel::task::header::{Header, TaskRef};

/// The task that a node starts.
///
/// # Safety
/// `TASK` or `ROOT` is set, and the pointer is good for the whole.
pub(crate) unsafe fn task_at(node: *const Node) -> TaskRef {
    // SAFETY: by contract; NEVER-FREED.
    unsafe { PinRef::new(NonNull::new_unchecked(node.cast_mut().cast::<Header>())) }
}

/// The sub-scope that a node starts.
///
/// # Safety
/// It is alive and none of `TASK` and `ROOT` is set, and the pointer is good for the whole.
pub(super) unsafe fn sub_at(node: *const Node) -> PinRef<SubScope> {
    // SAFETY: by contract; LIVE: it leaves its list before it dies.
    unsafe { PinRef::new(NonNull::new_unchecked(node.cast_mut().cast::<SubScope>())) }
}

/// The nursery that a node starts, if it is one.
///
/// # Safety
/// It is alive for `'a`, and the pointer is good for the whole.
pub(crate) unsafe fn nursery_at<'a>(node: *const Node) -> Option<&'a Children> {
    // SAFETY: by contract; a nursery's node starts its children (WHOLE-POINTER).
    unsafe { (*node).has(NURSERY).then(|| &*node.cast::<Children>()) }
}

/// The task whose waker polls a sub-scope, if it is known and of this thread.
///
/// # Safety
/// It is alive, none of a task's, and the pointer is good for the whole.
#[cfg(feature = "alloc")]
pub(super) unsafe fn poller_of(this: *const Node) -> Option<TaskRef> {
    // SAFETY: by contract.
    unsafe { nursery_at(this).and_then(Children::poller).or_else(|| sub_at(this).waker.task()) }
}

impl Context {
    /// Is this node's code on the stack?
    ///
    /// # Safety
    /// It is alive, and the pointer is good for the whole.
    pub(super) unsafe fn is_polled(&self, this: *const Node) -> bool {
        // SAFETY: by contract.
        let (node, nursery) = unsafe { (&*this, nursery_at(this)) };
        match nursery {
            Some(nursery) => nursery.is_being_polled(),
            None if node.has(TASK) => self.is_running(node),
            None => node.has(POLLING),
        }
    }

    /// Makes the code that polls this node poll it again.
    ///
    /// # Safety
    /// It is alive, and the pointer is good for the whole.
    pub(crate) unsafe fn wake_node(&self, this: *const Node) -> Option<Waker> {
        // SAFETY: by contract.
        let node = unsafe { &*this };
        if node.has(TASK | ROOT) {
            // SAFETY: a task's node starts its header (WHOLE-POINTER).
            return self.wake(unsafe { task_at(this) });
        }
        // SAFETY: by contract.
        if let Some(nursery) = unsafe { nursery_at(this) }
            && let Some(task) = nursery.poller()
        {
            return if self.is_ours(&task) { self.wake(task) } else { None };
        }
        // A nursery's kept waker is taken by interrupts too.
        // SAFETY: by contract, and it is none of a task's.
        within(|| unsafe { sub_at(this) }.waker.wake(self))
    }
}
