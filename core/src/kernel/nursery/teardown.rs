//! The end of a nursery that is dropped, with what is left in it.

use core::marker::PhantomData;

use super::cell::NurseryCell;
use super::children::{Children, NurseryRef};
use crate::fault::fault;
use crate::kernel::context::{Around, now, with};
use crate::kernel::mask::within;
use crate::kernel::scope::node::DONE;
use crate::kernel::task::cell::{HANDLE, OUTPUT, vtable};
use crate::kernel::task::header::{OVER, TaskRef};
use crate::kernel::task::lifecycle::{free, kill};
use crate::kernel::used::{CLOSES, RESULTS};
use crate::panics::First;

/// Ends a nursery that is dropped: at the end of its future, or with it. Each child is dropped, even if destructors panic.
pub(crate) struct Close<'scope>(NurseryRef, PhantomData<&'scope ()>);

impl<'scope> Close<'scope> {
    pub(crate) fn new<O>(nursery: &'scope NurseryCell<'scope, O>) -> Self {
        Close(nursery.pinned(), PhantomData)
    }
}

impl Drop for Close<'_> {
    fn drop(&mut self) {
        let nursery: &Children = &self.0;
        nursery.closed.set(true);
        CLOSES.note();
        if with(|_| nursery.is_empty()) {
            return;
        }
        // The destructors run inside the code that drops the nursery, not where it was last polled:
        // else one that polls a scope from there would make a cycle of the tree.
        let foreign = with(|context| {
            let outer = context.node.get();
            if nursery.node().parent.get() == outer {
                return None;
            }
            nursery.task.set(context.task.get());
            context.relink(self.0.as_ptr().cast(), outer)
        });
        let mut first = First::new();
        // Without `std` a panic can't be caught: the rest is dropped while it unwinds.
        struct Rest(NurseryRef);
        impl Drop for Rest {
            fn drop(&mut self) {
                drop(Close(self.0, PhantomData));
            }
        }
        let rest = Rest(self.0);
        let around = now(Around::new);
        if let Some(foreign) = foreign {
            first.catch(|| foreign.wake());
        }
        while let Some(task) = nursery.find(|task| !task.node.has(DONE)) {
            first.catch(|| kill(task, self.0, || now(|context| around.restore(context))));
        }
        while let Some(task) = pop(nursery) {
            first.catch(|| free(task, self.0));
        }
        // What is left is over, but has a handle. Results first: a handle in one of them is the last
        // that may look at another cell.
        while RESULTS.is()
            && let Some(task) = nursery.find(|task| task.has(OUTPUT))
        {
            first.catch(|| {
                // A handle of the same child in it frees nothing: the rest of the result is in the cell still.
                let _kept = (!fault!("result-freed-half-way")).then(|| Kept::new(task));
                // SAFETY: alive: in the list; OUTPUT says that it is there.
                unsafe { (vtable(task).drop_output)(task) };
            });
            first.catch(|| free(task, self.0));
        }
        // Handles that were forgotten: `'scope` ends here.
        while let Some(task) = nursery.find(|_| true) {
            task.clear(HANDLE);
            first.catch(|| free(task, self.0));
        }
        core::mem::forget(rest);
        first.resume();
    }
}

/// While this lives, a child that is over is not freed.
struct Kept(TaskRef);

impl Kept {
    fn new(task: TaskRef) -> Self {
        with(|_| within(|| task.wake.set(task.wake.get() | OVER)));
        Kept(task)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        with(|_| within(|| self.0.wake.set(self.0.wake.get() & !OVER)));
    }
}

/// Takes a child out of the run queue. All are over.
fn pop(nursery: &Children) -> Option<TaskRef> {
    with(|_| within(|| nursery.queue.pop().inspect(|task| task.wake.set(task.wake.get() & !OVER))))
}
