//! Code that would wait for itself: what holds something, and waits for the same.

#[cfg(feature = "introspect")]
use core::cell::Cell;
use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::gate::current_runtime;
#[cfg(feature = "introspect")]
use crate::gate::current_task;
use crate::task_info::TaskId;

/// Which task it is that others wait for: for those who look on. Kept with feature `introspect` alone.
pub(super) struct KnownTask(#[cfg(feature = "introspect")] Cell<TaskId>);

impl KnownTask {
    pub(super) const fn new() -> Self {
        KnownTask(
            #[cfg(feature = "introspect")]
            Cell::new(TaskId::NONE),
        )
    }

    /// The one that is running.
    pub(super) fn is_current(&self) {
        #[cfg(feature = "introspect")]
        self.0.set(current_task().unwrap_or(TaskId::NONE));
    }

    pub(super) fn get(&self) -> Option<TaskId> {
        #[cfg(feature = "introspect")]
        return Some(self.0.get()).filter(|task| *task != TaskId::NONE);
        #[cfg(not(feature = "introspect"))]
        None
    }
}

pin_project! {
    /// Polls code that holds something, and has noted meanwhile by which runtime that is.
    pub(super) struct Inside<F, N: Fn(usize)> {
        #[pin]
        pub(super) future: F,
        // Notes the runtime, or 0.
        pub(super) note: N,
    }
}

/// Does the code that is noted wait for what is polled now? That is polled inside of it, by the same runtime.
pub(super) fn is_inside(noted: usize) -> bool {
    noted != 0 && noted == current_runtime()
}

impl<F: Future, N: Fn(usize)> Future for Inside<F, N> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        /// Takes the note back, also if the code panics.
        struct Noted<'a, N: Fn(usize)>(&'a N);
        impl<N: Fn(usize)> Drop for Noted<'_, N> {
            fn drop(&mut self) {
                (self.0)(0);
            }
        }
        let this = self.project();
        (this.note)(current_runtime());
        let _noted = Noted(this.note);
        this.future.poll(cx)
    }
}
