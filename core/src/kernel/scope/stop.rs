//! The soft stop: which scopes were asked to come to an end, and who waits for that.

use core::convert::Infallible;

use super::node::{ASKED_TO_STOP, Node};
use crate::fault::fault;
use crate::kernel::context::Context;
use crate::kernel::wait_queue::{Awaits, WaitQueue, Waiting};

/// Those who wait for it, in whatever scope of this thread: it is rare, so all are woken to look.
type Waiters<K> = WaitQueue<(), Infallible, K>;

#[cfg(feature = "std")]
mod imp {
    use super::Waiters;
    use crate::kernel::wait_queue::Local;

    std::thread_local! {
        pub(super) static WAITERS: Waiters<Local> = const { Waiters::new(()) };
    }

    pub(super) fn tell_all() {
        WAITERS.with(|waiters| waiters.tell_all(|()| ()));
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use super::Waiters;
    use crate::kernel::wait_queue::Shared;

    pub(super) static WAITERS: Waiters<Shared> = Waiters::new(());

    pub(super) fn tell_all() {
        WAITERS.tell_all(|()| ());
    }
}

/// Asks a cancel scope or a nursery.
pub(crate) fn ask(scope: &Node) {
    scope.more.set(scope.more.get() | ASKED_TO_STOP);
    if !fault!("stop-asked-silently") {
        imp::tell_all();
    }
}

/// Ready when a scope around was asked, if it is polled after that.
pub(crate) fn asked(is_asked: fn() -> bool) -> impl Future<Output = ()> + Awaits {
    Waiting::new(&imp::WAITERS, move |(): &(), _: &_, _| is_asked().then_some(()), |_, _, _| None)
}

impl Context {
    /// Was a scope around the running code asked to come to an end?
    pub(crate) fn is_asked_to_stop(&self) -> bool {
        let mut at = self.node.get();
        // SAFETY: PINNED: what is being polled is alive, and so is all around it.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.is_asked_to_stop() {
                return true;
            }
            at = node.parent.get();
        }
        false
    }
}
