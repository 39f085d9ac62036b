//! The nursery of a program around which there is nothing: its loop is the program's, so that a wake of its children leads
//! nowhere else, and is told to nobody.

use core::mem::replace;
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::Context;

use super::children::NurseryRef;
use super::drive::{Body, Polling};
use crate::kernel::clock::Given;
use crate::kernel::context::with;
use crate::kernel::mask::masked;
use crate::kernel::root::{Root, take_wake};
use crate::kernel::scope::node::ROOT;
use crate::kernel::task::header::{DIRECT, Header, QUEUED, TaskRef};
use crate::kernel::waker::waker;
use crate::time::Tick;
use crate::wait::{Until, Wait};

/// The one root task of such a program.
struct Task(Header);

// SAFETY: headers are touched as all are (ONE-CONTEXT).
unsafe impl Sync for Task {}

static TASK: Task = Task(Header::new());

/// While this lives, it is the turn of a program that is one nursery.
pub(crate) struct Outermost<'a> {
    root: Pin<&'a Root>,
    task: TaskRef,
    clock: Given<'a>,
}

impl<'a> Outermost<'a> {
    /// # Panics
    /// In code that is polled already.
    pub(crate) fn begin(root: Pin<&'a Root>, clock: Given<'a>) -> Self {
        // SAFETY: NEVER-FREED.
        let task = unsafe { TaskRef::new(NonNull::from(&TASK.0)) };
        let is_polled = with(|context| {
            let is_polled = !context.runtime.get().is_null() || !context.node.get().is_null();
            if !is_polled {
                context.runtime.set(ptr::from_ref(root.get_ref()).cast());
                context.clock.set(clock);
                context.node.set(task.as_ptr().cast());
                context.task.set(task.as_ptr());
            }
            is_polled
        });
        assert!(!is_polled, "giambio: `run_nursery` inside of what is polled already: `.await` a nursery instead");
        task.node.begin(ptr::null(), ROOT, 0);
        task.wake.set(QUEUED | DIRECT);
        Outermost { root, task, clock }
    }

    /// Runs a nursery to its end. `wait` is called with interrupts kept out, where nothing is ready.
    pub(crate) fn run(&self, nursery: NurseryRef, body: &mut dyn Body, wait: &mut impl Wait) {
        let polling = Polling::outermost(nursery, self.task);
        let waker = waker(self.task);
        let is_ready = || self.task.is_queued() || !nursery.queue.is_empty() || nursery.is_body_awake();
        let mut is_first = true;
        loop {
            self.root.fire_due(self.clock);
            if is_ready() {
                // In one step: a wake between the look at the last ones and their end would be lost.
                with(|context| {
                    context.stop.set(0);
                    context.begin_turn();
                    // A turn for children alone is no poll of the body's; only who looks whether what holds it answers has to
                    // know that it is another one.
                    if self.task.is_queued() || nursery.is_cancelled() {
                        let woken = take_wake(self.task);
                        if woken & DIRECT != 0 {
                            context.count_direct(self.task);
                        }
                        context.begin_poll();
                        polling.begin_turn(context, woken);
                    }
                });
                if polling.passes(body, replace(&mut is_first, false), &mut Context::from_waker(&waker)) {
                    return;
                }
                // What comes between two turns is none of the child's that was polled last.
                polling.leave_child();
            }
            masked(|| {
                if !is_ready() {
                    wait.wait(self.root.heap.next().map_or(Until::OnWake, |tick| Until::At(Tick(tick))));
                }
            });
        }
    }
}

impl Drop for Outermost<'_> {
    fn drop(&mut self) {
        with(|context| {
            // What was polled beside the nursery may live on.
            context.orphan(self.task.as_ptr().cast());
            context.leave_all(&self.task.node);
            context.runtime.set(ptr::null());
            context.node.set(ptr::null());
            context.task.set(ptr::null());
            // A name of this task leads nowhere from now on.
            self.task.node.begin(ptr::null(), 0, 0);
            self.task.wake.set(QUEUED);
        });
    }
}
