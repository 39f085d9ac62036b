//! The soft stop: which scopes were asked to come to an end, and who waits for that.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{self, Poll};

use pin_project_lite::pin_project;

use super::node::{ASKED_TO_STOP, Node, TOLD_TO_STOP};
use crate::fault::fault;
use crate::kernel::context::Context;
use crate::kernel::wait_queue::{Awaits, WaitQueue, Waiting};
use crate::task_info::TaskId;

/// Those who wait for it, in whatever scope of this thread: it is rare, so all are woken to look.
type Waiters<K> = WaitQueue<(), Infallible, K>;

#[cfg(feature = "std")]
mod imp {
    use super::Waiters;
    use crate::kernel::wait_queue::Local;

    std::thread_local! {
        pub(super) static WAITERS: Waiters<Local> = const { Waiters::new(()) };
    }

    /// All who wait for it look again.
    pub(crate) fn tell_all() {
        WAITERS.with(|waiters| waiters.tell_all(|()| ()));
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use super::Waiters;
    use crate::kernel::wait_queue::Shared;

    pub(super) static WAITERS: Waiters<Shared> = Waiters::new(());

    /// All who wait for it look again.
    pub(crate) fn tell_all() {
        WAITERS.tell_all(|()| ());
    }
}

pub(super) use imp::tell_all;

/// Asks a cancel scope or a nursery.
pub(crate) fn ask(scope: &Node) {
    scope.more.set(scope.more.get() | ASKED_TO_STOP);
    if !fault!("stop-asked-silently") {
        tell_all();
    }
}

/// What is waited for, in a word.
pub(crate) const WORD: &str = "stop";

/// Ready when a scope around was asked, if it is polled after that.
pub(crate) fn asked(is_asked: fn() -> bool) -> impl Future<Output = ()> + Awaits {
    let waiting = Waiting::new(&imp::WAITERS, move |(): &(), _: &_, _| is_asked().then_some(()));
    Asked { waiting, is_asked }
}

pin_project! {
    struct Asked<W> {
        #[pin]
        waiting: W,
        is_asked: fn() -> bool,
    }
}

impl<W: Future<Output = ()>> Future for Asked<W> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let this = self.project();
        // Who waits may have been carried to where it was asked before.
        if (this.is_asked)() && !fault!("stop-asked-before-unheard") {
            return Poll::Ready(());
        }
        this.waiting.poll(cx)
    }
}

impl<W: Awaits> Awaits for Asked<W> {
    fn awaits(&self) -> (Option<&'static str>, Option<TaskId>) {
        self.waiting.awaits()
    }
}

impl Context {
    /// A scope that is being polled has another place: was that asked to come to an end, and its place before not?
    ///
    /// # Safety
    /// It is alive, and none of a task's.
    pub(super) unsafe fn is_asked_anew(&self, this: *const Node) -> bool {
        // SAFETY: by contract.
        let more = unsafe { &(*this).more };
        let (was_told, is_asked) = (more.get() & TOLD_TO_STOP != 0, self.is_asked_to_stop());
        if was_told != is_asked {
            more.set(more.get() ^ TOLD_TO_STOP);
        }
        is_asked && !was_told && !fault!("carried-past-a-stop")
    }

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
