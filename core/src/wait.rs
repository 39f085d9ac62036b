//! Words for the loop: what comes of a turn, and how to wait for the next.

use crate::time::Tick;

/// When a runtime has work again.
///
/// ```
/// use giambio_core::{Next, Tick};
/// let next: Next<u8> = Next::At(Tick(5));
/// assert_eq!(next, Next::At(Tick(5)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it says when the runtime must be turned again"]
pub enum Next<T> {
    /// Tasks are ready: look at I/O without waiting, then turn again.
    Now,
    /// Nothing to do before this reading of the clock, unless a task is woken.
    ///
    /// As a rule it is the soonest deadline. With feature `std`, where dozens of deadlines lie close together, it may be sooner:
    /// a turn then sorts some of them, so that none has to sort them all, and no task goes on. So it says when to turn
    /// again, and not that somebody waits for that moment. What comes later is never named.
    At(Tick),
    /// Nothing to do until a task is woken.
    OnWake,
    /// The main future has ended, with this.
    Finished(T),
}

impl<T> Next<T> {
    pub(crate) fn from_until(until: Until) -> Self {
        match until {
            Until::Now => Next::Now,
            Until::At(tick) => Next::At(tick),
            Until::OnWake => Next::OnWake,
        }
    }
}

/// How long a [`Wait`] may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Not at all: look for events and return.
    Now,
    /// Until this reading of the clock, or an earlier wake. It may be sooner than the soonest deadline: see [`Next::At`].
    At(Tick),
    /// Until a task is woken.
    OnWake,
}

/// How a loop waits between turns: an operating system's poll, `wfi`, or moving a virtual clock.
///
/// A wait may end too early, at the cost of a needless turn. It must end when a task is woken:
/// by an event that the wait itself delivers, by an interrupt, or by another thread through
/// [`Runtime::with_notify`](crate::Runtime::with_notify).
///
/// ```
/// use core::pin::pin;
/// use core::time::Duration;
/// use giambio_core::{Runtime, Until, VirtualClock, sleep};
///
/// let clock: VirtualClock = VirtualClock::new();
/// let runtime = pin!(Runtime::new(&clock, sleep(Duration::from_secs(3600))));
/// // A wait that takes no time at all.
/// runtime.run(&mut |until| match until {
///     Until::Now => {}
///     Until::At(tick) => clock.advance_to(tick),
///     Until::OnWake => panic!("all tasks wait, and nobody is left to wake one"),
/// });
/// ```
pub trait Wait {
    /// Waits, at most until then.
    fn wait(&mut self, until: Until);
}

impl<F: FnMut(Until)> Wait for F {
    fn wait(&mut self, until: Until) {
        self(until)
    }
}
