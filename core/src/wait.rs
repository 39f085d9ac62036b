//! Words for the loop: what comes of a turn, and how to wait for the next.

use crate::time::Tick;

/// What comes of a [turn](crate::Runtime::turn): the end, or a wait before the next one.
///
/// ```
/// use giambio_core::{Next, Tick, Until};
/// let next: Next<u8> = Next::Wait(Until::At(Tick(5)));
/// assert_eq!(next, Next::Wait(Until::At(Tick(5))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it says when the runtime must be turned again"]
pub enum Next<T> {
    /// The main future has ended, with this.
    Finished(T),
    /// All that could be done now is done: wait so long, then turn again.
    Wait(Until),
}

/// How long to wait: said by a turn, and done by a [`Wait`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Not at all, for tasks are ready: look for events, and turn again.
    Now,
    /// Until this reading of the clock, or until a task is woken.
    ///
    /// As a rule it is the soonest deadline. With feature `std`, where dozens of deadlines lie close together, it may be
    /// sooner: a turn then sorts some of them, so that none has to sort them all, and no task goes on. So it says when to
    /// turn again, and not that somebody waits for that moment. What comes later is never named.
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

    /// Does a wait until then look for the operating system's events, or for others from outside? Then the debugger is told
    /// of it, by [`Event::BeforeIo`](crate::Event::BeforeIo) and `AfterIo`. By default it does not: it merely idles.
    ///
    /// Where it idles, but looks if it is not to wait ([`Until::Now`]), it is asked for one look after each deadline that it
    /// idled for, while a debugger looks on: when those that slept were told, and before they go on.
    fn looks_for_io(&self, until: Until) -> bool {
        let _ = until;
        false
    }
}

impl<F: FnMut(Until)> Wait for F {
    fn wait(&mut self, until: Until) {
        self(until)
    }
}
