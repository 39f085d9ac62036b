//! A wake: the task is queued in its nursery, and whoever polls that is woken in turn, up to whoever is being polled or to a
//! waker that isn't ours (law NO-LOST-WAKE).
//!
//! All of this is in a transaction, and one step, with interrupts kept out; a foreign waker is handed out, to be called when
//! nothing is borrowed.

use core::task::Waker;

use super::context::{Context, now};
use super::mask::within;
use super::nursery::children::{BUSY, Children, LOOPS, TOLD};
use super::task::header::{AGAIN, CHILD, DIRECT, IN_BODY, MANY, QUEUED, TaskRef};
use super::used::NURSERIES;
use crate::fault::fault;

/// The nursery of a task that is live; a root task has none.
fn nursery_of(task: &TaskRef) -> Option<&Children> {
    // SAFETY: PINNED: a live task's parent is its nursery, for as long as it lives; WHOLE-POINTER.
    unsafe { task.node.parent.get().cast::<Children>().as_ref() }
}

/// Something in this nursery is to be polled, and it isn't the innermost that is being polled. Iterative: depth costs no stack.
#[inline(never)] // apart from the way of most wakes, which so need no registers: 8 instructions less in each of `yield_100`
pub(crate) fn tell(nursery: &Children) -> Option<Waker> {
    now(|context| context.tell(nursery))
}

impl Context {
    /// Somebody woke this task: it is polled in the next pass of its nursery, and all nurseries in its code poll their bodies.
    #[inline] // see `RunQueue::pop_first`
    pub(crate) fn wake(&self, task: TaskRef) -> Option<Waker> {
        within(|| {
            let flags = task.wake.get();
            task.wake.set(flags | QUEUED | DIRECT | AGAIN);
            if flags & QUEUED != 0 { None } else { self.queue(task) }
        })
    }

    /// The same for one that was just marked `QUEUED`, with interrupts kept out already.
    pub(crate) fn queue(&self, task: TaskRef) -> Option<Waker> {
        let Some(nursery) = nursery_of(&task) else { return self.tell_host(task) };
        self.queue_in(nursery, task)
    }

    /// The same, in this nursery, which is its own.
    #[inline] // see `RunQueue::push`
    pub(crate) fn queue_in(&self, nursery: &Children, task: TaskRef) -> Option<Waker> {
        match fault!("last-woken-first") {
            true => nursery.queue.push_front(task),
            false => nursery.queue.push(task),
        }
        // Who polls it looks at the queue again.
        if !NURSERIES.is() || nursery.wake.get() & LOOPS != 0 { None } else { tell(nursery) }
    }

    fn tell(&self, mut nursery: &Children) -> Option<Waker> {
        loop {
            let about = nursery.wake.get();
            if about & (BUSY | TOLD) != 0 {
                if !fault!("alone-for-ever") {
                    self.stop.set(1);
                }
                return None;
            }
            nursery.wake.set(about | TOLD);
            let Some(task) = nursery.poller() else { return nursery.scope.waker.take() };
            if !self.is_ours(&task) {
                return None;
            }
            let flags = task.wake.get();
            // Where the nursery lies in the body of another one, that has to be polled to come here.
            let why = if about & IN_BODY != 0 { DIRECT } else { CHILD | if flags & CHILD != 0 { MANY } else { 0 } };
            task.wake.set(flags | QUEUED | why);
            if flags & QUEUED != 0 {
                return None;
            }
            // SAFETY: PINNED: it was not queued, so it is live; WHOLE-POINTER.
            let Some(outer) = (unsafe { task.node.parent.get().cast::<Children>().as_ref() }) else {
                return self.tell_host(task);
            };
            outer.queue.push(task);
            if outer.wake.get() & LOOPS != 0 {
                return None;
            }
            nursery = outer;
        }
    }

    /// A root task is to be polled: in this turn or the next, for which the loop comes back by itself; one that the runtime
    /// is a guest in has to be told.
    #[cold] // apart from the way of a child's wake, as `tell`: 9 instructions less in each of `yield_100`
    fn tell_host(&self, root: TaskRef) -> Option<Waker> {
        self.stop.set(1);
        #[cfg(feature = "std")]
        return if fault!("host-untold") { None } else { self.home.get()?.notify.take_host(root.as_ptr().cast()) };
        #[cfg(not(feature = "std"))]
        {
            let _ = root;
            None
        }
    }
}
