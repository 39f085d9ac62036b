//! The wakes of other threads, taken where a turn begins.

#[cfg(feature = "std")]
mod imp {
    use core::task::Waker;

    use crate::kernel::context::with;
    use crate::kernel::emit as hooks;
    use crate::panics::First;
    use crate::task_info::WokenBy;

    /// Takes the wakes of other threads.
    pub(crate) fn take_remote() {
        let mut first = First::new();
        with(|context| context.home()).take_remote(|task| {
            // One that is over doesn't mind. What was called before may have ended the last task of a thread that ends, and
            // all of them are another thread's now.
            let woken = with(|context| context.is_ours(&task).then(|| (task.is_queued(), context.wake(task))));
            let Some((was_ready, foreign)) = woken else { return };
            if hooks::tells_wakes() && !was_ready {
                hooks::tell_wake(task, WokenBy::Thread);
            }
            if let Some(foreign) = foreign {
                first.catch(|| foreign.wake());
            }
        });
        first.resume();
    }

    /// A scope is polled by an executor that isn't ours: wakes from other threads have to reach it.
    pub(crate) fn begin_foreign_turn(waker: &Waker) {
        with(|context| context.home()).notify.add_executor(waker);
        take_remote();
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use core::task::Waker;

    /// There are no other threads.
    pub(crate) fn take_remote() {}

    pub(crate) fn begin_foreign_turn(_: &Waker) {}
}

pub(crate) use imp::{begin_foreign_turn, take_remote};
