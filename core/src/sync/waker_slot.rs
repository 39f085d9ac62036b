//! A waker where an interrupt handler finds it.

use core::fmt;
use core::task::Waker;

use crate::kernel::waker::Kept;
use crate::lock::Lock;

/// Holds the waker of one task for an interrupt handler: the least that a driver needs.
///
/// The task registers, *then* looks at what it waits for: so whenever the interrupt comes, either
/// the task sees its effect or the handler finds the waker.
///
/// It is for one task. If another one registers, the first is woken, to find out that it is not
/// alone; two that take turns at it wake each other for ever. Several tasks share an
/// [`Event`](super::Event).
///
/// ```
/// # use core::pin::pin;
/// # use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
/// # use core::future::poll_fn;
/// # use core::task::{Poll, ready};
/// # use giambio_core::{Next, Runtime, Until, VirtualClock, poll_proceed};
/// use giambio_core::sync::WakerSlot;
///
/// static READY: AtomicBool = AtomicBool::new(false); // stands for a flag of the hardware
/// static WAITS: WakerSlot = WakerSlot::new();
///
/// fn interrupt_handler() {
///     # READY.store(true, Relaxed);
///     WAITS.wake();
/// }
///
/// let task = poll_fn(|cx| {
///     let go = ready!(poll_proceed(cx)); // cancelled code stays where it is
///     WAITS.register(cx.waker());
///     if !READY.load(Relaxed) {
///         return Poll::Pending;
///     }
///     go.made_progress();
///     Poll::Ready(())
/// });
/// # let clock: VirtualClock = VirtualClock::new();
/// # let mut runtime = pin!(Runtime::new(&clock, task));
/// # assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
/// # interrupt_handler();
/// # assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
/// ```
pub struct WakerSlot {
    waker: Lock<Kept>,
}

impl WakerSlot {
    /// An empty slot.
    pub const fn new() -> Self {
        WakerSlot { waker: Lock::new(Kept::new()) }
    }

    /// Keeps a waker until the next [`wake`](WakerSlot::wake).
    pub fn register(&self, waker: &Waker) {
        // Cloning and dropping a waker may run foreign code, so both are done outside of the lock.
        let new = waker.clone();
        let old = self.waker.with(|slot| slot.replace(new));
        if let Some(old) = old.filter(|old| !old.will_wake(waker)) {
            old.wake();
        }
    }

    /// Wakes the task that registered, if one has since the last wake.
    pub fn wake(&self) {
        if let Some(waker) = self.waker.with(|slot| slot.take()) {
            waker.wake();
        }
    }
}

impl Default for WakerSlot {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WakerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakerSlot").finish_non_exhaustive()
    }
}
