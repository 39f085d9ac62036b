//! What a runtime has to do with what is outside of its thread's turns: who ends its wait when another thread wakes a task,
//! the loop that it is a guest in, the test that chooses the order of its passes. Without `std` there is none of this.

#[cfg(feature = "std")]
mod imp {
    use core::cell::Cell;
    use core::task::Waker;

    use crate::fault::fault;
    use crate::kernel::context::{Context, with};
    use crate::kernel::task::header::TaskRef;
    use crate::panics::First;

    pub(crate) struct Outside {
        /// By what a test has the order of each pass chosen.
        pub(crate) seed: Cell<Option<u64>>,
        /// What ends its wait.
        pub(crate) notify: Option<Waker>,
    }

    impl Outside {
        pub(crate) const fn new() -> Self {
            Outside { seed: Cell::new(None), notify: None }
        }

        /// Have other threads woken something that this thread has not seen yet?
        pub(crate) fn has_woken() -> bool {
            with(|context| context.home.get().is_some_and(|home| home.mailbox.is_pending()))
        }

        /// From now on other threads that wake a task of this one end this runtime's wait.
        pub(crate) fn is_told(&self, runtime: *const ()) {
            with(|context| context.home()).notify.set_of(runtime, &self.notify);
        }

        /// For a turn.
        pub(crate) fn lend_seed(&self, context: &Context) {
            context.seed.set(self.seed.get());
        }

        /// As far as it has come in the turn.
        pub(crate) fn take_seed(&self, context: &Context) {
            self.seed.set(context.seed.take());
        }

        /// What tells the loop that this root task is a guest in, if it was not woken since. It is to be dropped outside.
        pub(crate) fn take_host(task: TaskRef) -> Option<Waker> {
            with(|context| context.home.get())?.notify.take_host(task.as_ptr().cast())
        }

        /// The runtime dies, and is forgotten by all; its root task is there still, with which a thread that ends may give its
        /// home away: who gets it must not be taken for this. What is dropped may do anything, and panic: not yet.
        pub(crate) fn part(&self, runtime: *const (), task: Option<TaskRef>) -> First {
            let mut first = First::new();
            first.catch(|| drop(task.and_then(Outside::take_host)));
            if let Some(home) = with(|context| context.home.get())
                && !fault!("notifier-given-away")
            {
                first.catch(|| home.notify.forget(runtime));
            }
            first
        }

        /// The root task is gone, too.
        pub(crate) fn end(&mut self, mut first: First) {
            first.catch(|| drop(self.notify.take()));
            first.resume();
        }
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use crate::kernel::context::Context;
    use crate::kernel::task::header::TaskRef;

    pub(crate) struct Outside;

    /// Panicked: without `std` no panic is caught.
    pub(crate) struct Nothing;

    impl Outside {
        pub(crate) const fn new() -> Self {
            Outside
        }

        pub(crate) fn has_woken() -> bool {
            false
        }

        pub(crate) fn is_told(&self, _: *const ()) {}

        pub(crate) fn lend_seed(&self, _: &Context) {}

        pub(crate) fn take_seed(&self, _: &Context) {}

        pub(crate) fn part(&self, _: *const (), _: Option<TaskRef>) -> Nothing {
            Nothing
        }

        pub(crate) fn end(&mut self, _: Nothing) {}
    }
}

pub(super) use imp::Outside;
