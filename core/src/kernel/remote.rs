//! The wakes of other threads, taken where a turn begins.

#[cfg(feature = "std")]
use super::context::with;
#[cfg(feature = "std")]
use super::memory::home::Home;

/// Takes the wakes of other threads.
#[cfg(feature = "std")]
#[inline]
pub(crate) fn take_remote(home: &'static Home) {
    home.take_remote(|task| {
        // One that is over doesn't mind. What was called before may have ended the last task of a thread that ends, and all of
        // them are another thread's now.
        if let Some(foreign) = with(|context| context.is_ours(&task).then(|| context.wake(task)).flatten()) {
            foreign.wake();
        }
    });
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
