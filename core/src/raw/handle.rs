//! Handles to children: what a [`Task`](crate::Task) rests on.

use core::marker::PhantomData;
use core::ptr::NonNull;
use core::task::{Context, Poll};

use super::block::QUEUED;
use super::cell::{HANDLE, Header, KILLED, OUTPUT, free};
use super::children::Children;
use super::foreign;
use super::port::with;
use crate::cancel::Reason;
use crate::hooks;
use crate::task_info::{Status, TaskId};

/// What a [`Task`](crate::Task) is made of: keeps the cell. `T` is the type that the child was
/// spawned with, since only `spawn` makes one.
pub(crate) struct Handle<T>(pub(super) NonNull<Header>, pub(super) PhantomData<T>);

impl<T> Handle<T> {
    fn header(&self) -> &Header {
        // SAFETY: HANDLE keeps the cell.
        unsafe { self.0.as_ref() }
    }

    /// Is it over? Else the waker is kept for when it will be.
    pub(crate) fn poll_done(&self, cx: &mut Context<'_>) -> Poll<()> {
        let header = self.header();
        if header.is_done() {
            return Poll::Ready(());
        }
        header.node.waker.keep(cx.waker());
        Poll::Pending
    }

    /// The result of a child that is over; the reason, if it was cancelled or has failed.
    pub(crate) fn take(&self) -> Result<T, Reason> {
        let header = self.header();
        if !header.has(OUTPUT) {
            return Err(header.node.end());
        }
        header.clear(OUTPUT);
        // SAFETY: the place lies at that offset of the cell, and OUTPUT says that a `T` is in it.
        Ok(unsafe { self.0.byte_add(header.vtable.output).cast::<T>().read() })
    }

    pub(crate) fn cancel(&self) {
        if !self.header().is_done() {
            // SAFETY: alive, and made from the whole cell.
            unsafe { super::cancelling::cancel(self.0.as_ptr().cast_const().cast(), Reason::Requested) };
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.header().is_done()
    }

    pub(crate) fn id(&self) -> TaskId {
        self.header().id()
    }

    pub(crate) fn name(&self) -> &str {
        // SAFETY: HANDLE keeps the cell, the table belongs to it, and the name is in it or for ever.
        unsafe { &*(self.header().vtable.name)(self.0) }
    }

    pub(crate) fn told(&self) -> Option<hooks::Told> {
        hooks::told(self.0)
    }

    pub(crate) fn status(&self) -> Status {
        let header = self.header();
        if header.is_done() {
            return if header.has(KILLED) { Status::Cancelled } else { Status::Finished };
        }
        if with(|state| state.is_running(&header.node)) {
            return Status::Running;
        }
        if header.node.is_cancelled() {
            return Status::Cancelling;
        }
        match header.block.get() {
            Some(block) if with(|_| block.has(QUEUED)) => Status::Ready,
            _ => Status::Waiting,
        }
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        let header = self.header();
        header.clear(HANDLE);
        if header.is_done() {
            // SAFETY: a cell that is over and has a handle stays linked under its nursery, made
            // from the whole; and `'scope` has not ended, or we would not be dropped.
            let children = header.node.parent.get().cast_mut().cast::<Children>();
            if let Some(children) = NonNull::new(children) {
                free(self.0, children);
            }
        } else {
            foreign::discard(with(|_| header.node.waker.take()));
        }
    }
}
