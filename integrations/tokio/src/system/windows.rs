//! Windows: there is nothing that tokio could wait for, so there are no sockets of giambio's. Another thread that wakes a task
//! wakes the guest.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use giambio_core::{Clock, Until};

use crate::clock::TokioClock;

#[derive(Debug)]
pub(crate) struct System {
    clock: TokioClock,
    relay: Arc<Relay>,
}

/// Wakes whoever polled last.
#[derive(Debug, Default)]
struct Relay(Mutex<Option<Waker>>);

impl Relay {
    fn set(&self, waker: Option<Waker>) -> Option<Waker> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), waker)
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        // Called outside of the lock: it is somebody else's code.
        if let Some(waker) = self.set(None) {
            waker.wake();
        }
    }
}

impl System {
    pub(crate) fn new(clock: TokioClock) -> io::Result<System> {
        Ok(System { clock, relay: Arc::default() })
    }

    /// The runtime is another one than before.
    pub(crate) fn move_here(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// For wakes of other threads.
    pub(crate) fn waker(&self) -> Waker {
        Waker::from(self.relay.clone())
    }

    /// Has `cx` woken for what comes after this, which the next turn does not see. Is there more already?
    pub(crate) fn look(&mut self, cx: &mut Context<'_>) -> bool {
        drop(self.relay.set(Some(cx.waker().clone())));
        false
    }

    /// After a turn that said `until`: may the guest rest?
    pub(crate) fn may_rest(&mut self, until: Until) -> bool {
        match until {
            Until::Now => false,
            Until::At(tick) => self.clock.now() < tick,
            Until::OnWake => true,
        }
    }
}
