//! The wakes of other threads, taken where a turn begins.

#[cfg(feature = "std")]
use super::context::with;
#[cfg(feature = "std")]
use super::emit as hooks;
#[cfg(feature = "std")]
use super::memory::home::Home;
#[cfg(feature = "std")]
use crate::panics::First;
#[cfg(feature = "std")]
use crate::task_info::WokenBy;

/// Takes the wakes of other threads.
#[cfg(feature = "std")]
pub(crate) fn take_remote(home: &'static Home) {
    let mut first = First::new();
    home.take_remote(|task| {
        // One that is over doesn't mind. What was called before may have ended the last task of a thread that ends, and all of
        // them are another thread's now.
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
pub(crate) fn begin_foreign_turn(waker: &core::task::Waker) {
    #[cfg(feature = "std")]
    {
        let home = with(|context| context.home());
        home.notify.add_executor(waker);
        take_remote(home);
    }
    #[cfg(not(feature = "std"))]
    let _ = waker;
}
