//! Those who wait in a set of futures, which polls only who is woken (law NO-FUTURELOCK).
//!
//! What is granted to a future of a task's own code wakes that task. If the future was put aside, another one of the task has
//! to look. One that is polled whenever the task is does so. One in a set is woken too.

use core::mem::ManuallyDrop;
use core::ptr;
use core::task::Waker;
use std::sync::Arc;
use std::task::Wake;

use super::{Line, Waiter};
use crate::fault::fault;
use crate::kernel::foreign;
use crate::kernel::pin_ref::PinRef;
use crate::kernel::waker::is_ours;

impl<G: Copy> Waiter<G> {
    /// Is its waker that of a set of futures in a task, or of another executor in there?
    fn is_inner(&self) -> bool {
        !self.task.get().is_null() && self.look_at_waker(|waker| waker.is_some_and(|waker| !is_ours(waker)))
    }
}

impl<G: Copy> Line<G> {
    /// Whom to wake for one to whom something was granted, beside the next one of its task that is in a set.
    #[cold]
    pub(super) fn wake_inner_too(&self, granted: PinRef<Waiter<G>>, waker: Waker) -> Waker {
        // By another waker its executor polls it.
        if !is_ours(&waker) || fault!("set-sleeps-on") {
            return waker;
        }
        let (mut at, mut is_any_inner) = (self.next.get(), false);
        while let Some(one) = at {
            at = self.members.after(one);
            if !one.is_inner() {
                continue;
            }
            is_any_inner = true;
            if ptr::eq(one.task.get(), granted.task.get()) {
                // Its set may be put aside too. Then its task has to look for what is granted to it.
                let inner = one.waker.replace(Some(ManuallyDrop::new(waker.clone())));
                return match inner.map(ManuallyDrop::into_inner) {
                    Some(inner) => Arc::new(Both(waker, inner)).into(),
                    None => waker,
                };
            }
        }
        // Until another one comes, nobody searches.
        self.has_inner.set(is_any_inner);
        waker
    }
}

/// Wakes two. There is an allocation for it, under the access: no allocator of a program waits in this line.
#[derive(Clone)]
struct Both(Waker, Waker);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        let Both(one, other) = Arc::unwrap_or_clone(self);
        foreign::wake_all([one, other]);
    }
}
