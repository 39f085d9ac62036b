//! Unix: tokio waits for the reactor's descriptor. Another thread that wakes a task, or a signal handler, rings the
//! reactor's bell, which makes that readable: tokio's own wakers may not be called from a signal handler.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use giambio::Idle;
use giambio_core::Until;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::clock::TokioClock;

#[derive(Debug)]
pub(crate) struct System {
    idle: Idle<TokioClock>,
    /// A duplicate: tokio takes a descriptor once, and there may be other guests in the thread.
    descriptor: AsyncFd<OwnedFd>,
}

impl System {
    pub(crate) fn new(clock: TokioClock) -> io::Result<System> {
        let idle = Idle::new(clock)?;
        let descriptor = duplicate(&idle)?;
        Ok(System { idle, descriptor })
    }

    /// The runtime is another one than before.
    pub(crate) fn move_here(&mut self) -> io::Result<()> {
        self.descriptor = duplicate(&self.idle)?;
        Ok(())
    }

    /// For wakes of other threads.
    pub(crate) fn waker(&self) -> Waker {
        self.idle.waker()
    }

    /// Takes what there is, and has `cx` woken for more. Is there more already?
    pub(crate) fn look(&mut self, cx: &mut Context<'_>) -> bool {
        // The second time tokio says, as a rule, that there is nothing, and only then wakes anybody.
        for _ in 0..2 {
            let mut ready = match self.descriptor.poll_read_ready(cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(ready)) => ready,
                Poll::Ready(Err(error)) => {
                    panic!("giambio-tokio: the runtime that the guest is in tells it nothing: {error}")
                }
            };
            // tokio hears of edges: what is left would not be told again.
            if self.idle.look() {
                return true;
            }
            ready.clear_ready();
        }
        true
    }

    /// After a turn that said `until`: may the guest rest?
    pub(crate) fn may_rest(&mut self, until: Until) -> bool {
        self.idle.arm(until) != Some(Duration::ZERO)
    }
}

#[allow(deprecated, reason = "sound for an `OwnedFd`, which always has the same descriptor; what is new is `unsafe`")]
fn duplicate(idle: &Idle<TokioClock>) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(idle.as_fd().try_clone_to_owned()?, Interest::READABLE)
}
