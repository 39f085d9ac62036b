//! Handles to children: what a [`Task`](crate::Task) rests on.

use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::task::{Context, Poll};

use super::cell::{BODY_AWAITS, HANDLE, KILLED, OUTPUT, awaiter, name_of, vtable};
use super::header::TaskRef;
use super::id::id_of;
use super::lifecycle::free;
use crate::kernel::context::with;
use crate::kernel::emit::{Told, told, waits};
use crate::kernel::foreign;
use crate::kernel::nursery::children::{Children, NurseryRef};
use crate::kernel::scope::cancel::cancel_child;
use crate::kernel::used::{AWAITS, may_be_over};
use crate::kernel::waker::task_of;
use crate::reason::Reason;
use crate::task_info::{Status, TaskId, WaitsFor};

/// What a [`Task`](crate::Task) is made of: keeps the cell (HANDLE). `T` is the type that the child was spawned with.
pub(crate) struct Handle<T>(TaskRef, PhantomData<T>);

impl<T> Handle<T> {
    /// # Safety
    /// HANDLE is set, there is no other handle, and `T` is the type of the child's result.
    pub(crate) unsafe fn new(task: TaskRef) -> Self {
        Handle(task, PhantomData)
    }

    /// Its nursery. While the handle is used, that has not ended.
    fn nursery(&self) -> NurseryRef {
        let nursery = self.0.node.parent.get().cast_mut().cast::<Children>();
        // SAFETY: the parent of a child is its nursery, until its cell is freed; LIVE: `'scope` has not ended, or nobody
        // would use the handle; WHOLE-POINTER.
        unsafe { NurseryRef::new(NonNull::new_unchecked(nursery)) }
    }

    /// Is it over? Else the waker is kept for when it will be.
    pub(crate) fn poll_done(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.is_done() { Poll::Ready(()) } else { self.wait(cx) }
    }

    #[inline(never)] // so that the poll of a handle is inlined: 28 instructions less in each of `spawn_seq`
    fn wait(&self, cx: &mut Context<'_>) -> Poll<()> {
        AWAITS.note();
        let task = self.0;
        // In the body of its nursery, by the waker of the task around: then the nursery sees to it that the body is polled,
        // which needs no wake.
        let in_body = with(|context| {
            ptr::eq(context.node.get(), task.node.parent.get()) && task_of(context, cx.waker()).is_some()
        });
        if in_body {
            task.set(BODY_AWAITS);
            drop(with(|_| awaiter(&task).take()));
        } else {
            task.clear(BODY_AWAITS);
            awaiter(&task).keep(cx.waker());
        }
        waits(|| WaitsFor { task: Some(id_of(task)), ..WaitsFor::new("task") });
        Poll::Pending
    }

    /// The result of a child that is over; the reason, if it was cancelled or has failed.
    pub(crate) fn take(&self) -> Result<T, Reason> {
        let task = self.0;
        if !task.has(OUTPUT) {
            return Err(task.node.end());
        }
        task.clear(OUTPUT);
        // SAFETY: OUTPUT said that a `T` is in it.
        Ok(unsafe { (vtable(task).output)(task).cast::<T>().read() })
    }

    pub(crate) fn cancel(&self) {
        cancel_child(self.0, Reason::Requested);
    }

    pub(crate) fn is_done(&self) -> bool {
        self.0.is_done()
    }

    pub(crate) fn id(&self) -> TaskId {
        id_of(self.0)
    }

    pub(crate) fn name(&self) -> &str {
        // SAFETY: HANDLE keeps the cell.
        unsafe { name_of(self.0) }
    }

    pub(crate) fn told(&self) -> Option<Told> {
        told(self.0)
    }

    pub(crate) fn status(&self) -> Status {
        // What waits has noted no mark of its nursery.
        let is_cancelled_around = self.nursery().is_cancelled();
        status_of(self.0, is_cancelled_around, with(|context| context.is_running(&self.0.node)))
    }
}

/// What a task is doing, whose nursery is cancelled or not, and whose code is running or not.
pub(crate) fn status_of(task: TaskRef, is_cancelled_around: bool, is_running: bool) -> Status {
    if task.is_done() {
        return if task.has(KILLED) { Status::Cancelled } else { Status::Finished };
    }
    if is_running {
        return Status::Running;
    }
    if task.node.is_cancelled() || is_cancelled_around {
        return Status::Cancelling;
    }
    if with(|_| task.is_queued()) { Status::Ready } else { Status::Waiting }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        let task = self.0;
        task.clear(HANDLE);
        if may_be_over() && task.is_done() {
            free(task, self.nursery());
        } else if AWAITS.is() {
            foreign::discard(with(|_| awaiter(&task).take()));
        }
    }
}
