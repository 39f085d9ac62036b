//! `embassy-time` on giambio: `Timer`, `Ticker` and `with_timeout` of embassy, and the HALs that
//! use them, work in giambio's tasks.
//!
//! A program has one driver for `embassy-time`. Make it a `static` with [`driver!`], which takes
//! the clock of your runtime, and let its [`run`](Driver::run) be a task of your runtime.
//!
//! ```
//! use giambio_core::{Clock, Tick};
//! use giambio_embassy_time::Driver;
//!
//! #[derive(Clone, Copy)]
//! struct Millis;
//! impl Clock for Millis {
//!     const HZ: u64 = 1000;
//!     fn now(&self) -> Tick {
//!         # /*
//!         …
//!         # */
//!         # Tick(0)
//!     }
//! }
//!
//! // For up to 8 tasks that wait for embassy's timers at once.
//! giambio_embassy_time::driver!(static EMBASSY: Driver<Millis, 8> = Driver::new(Millis));
//!
//! async fn program() {
//!     // n.child().daemon().spawn_wait(async { match EMBASSY.run().await {} }).await;
//! }
//! ```
//!
//! On an operating system it is `Driver<StdClock, 8> = Driver::new(StdClock::new())`, with `giambio::StdClock`, which is
//! the clock of `giambio::run` too.
//!
//! # What to know
//! * Embassy counts in its own ticks: `embassy-time`'s features `tick-hz-…`, a million a second
//!   unless told otherwise. Readings of the clock are converted, rounded so that nothing is early.
//! * Embassy's timers know nothing of cancel scopes, and need not: they are dropped with the code
//!   that waits for them. What they have scheduled wakes the task once more, in vain.
//! * Where [`sleep`](giambio_core::sleep()) will do, it is better: its timers need no room.
#![no_std]
#![forbid(unsafe_code)]

mod queue;

use core::cell::RefCell;
use core::convert::Infallible;
use core::fmt;
use core::task::Waker;

use critical_section::Mutex;
use embassy_time_driver::TICK_HZ;
use giambio_core::sync::{Event, Shared};
use giambio_core::{Clock, Instant, move_on_at};

use queue::Queue;

/// Makes a driver the program's: `driver!(static NAME: Driver<MyClock, 8> = Driver::new(MyClock))`.
pub use embassy_time_driver::time_driver_impl as driver;

/// The driver: a clock, and room for `N` tasks that wait. More tasks may wait than that; those
/// beyond are polled over and over until one of the others is done.
pub struct Driver<C, const N: usize> {
    clock: C,
    queue: Mutex<RefCell<Queue<N>>>,
    /// Set when the soonest deadline has changed.
    changed: Event<Shared>,
}

impl<C: Clock, const N: usize> Driver<C, N> {
    /// A driver by this clock, which has to be that of the runtime.
    pub const fn new(clock: C) -> Self {
        const { assert!(N > 0, "Driver<_, 0> wakes nobody: choose N >= 1") };
        Driver { clock, queue: Mutex::new(RefCell::new(Queue::new())), changed: Event::shared() }
    }

    /// Wakes tasks when their time has come, for as long as it is polled: a task of your runtime,
    /// most likely a daemon.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) In the meantime nobody is woken.
    pub async fn run(&self) -> Infallible {
        loop {
            self.changed.clear(); // then look: what comes later sets it again
            match self.wake_due() {
                None => self.changed.wait().await,
                Some(at) => drop(move_on_at(at, self.changed.wait()).await),
            }
        }
    }

    /// Wakes those whose time has come; when is the next?
    fn wake_due(&self) -> Option<Instant> {
        let now = self.now();
        loop {
            let due = critical_section::with(|cs| self.queue.borrow_ref_mut(cs).take_due(now));
            match due {
                Some(waker) => waker.wake(),
                None => break,
            }
        }
        critical_section::with(|cs| self.queue.borrow_ref(cs).soonest()).map(to_instant)
    }

    fn now(&self) -> u64 {
        scale(self.clock.now().0, TICK_HZ, C::HZ)
    }
}

impl<C: Clock + Send + Sync + 'static, const N: usize> embassy_time_driver::Driver for Driver<C, N> {
    fn now(&self) -> u64 {
        Driver::now(self)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        let moved = critical_section::with(|cs| self.queue.borrow_ref_mut(cs).move_up(at, waker));
        let is_soonest = match moved {
            Some(is_soonest) => is_soonest,
            None => {
                // Cloned and woken outside of the critical section: a waker may be anyone's.
                let new = waker.clone();
                match critical_section::with(|cs| self.queue.borrow_ref_mut(cs).add(at, new)) {
                    Ok(is_soonest) => is_soonest,
                    Err(refused) => return refused.wake(),
                }
            }
        };
        if is_soonest {
            self.changed.set();
        }
    }
}

impl<C, const N: usize> fmt::Debug for Driver<C, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = critical_section::with(|cs| self.queue.borrow_ref(cs).len());
        write!(f, "Driver({waiting} of {N} waiting)")
    }
}

/// `ticks * to / from`, rounded down; saturates.
fn scale(ticks: u64, to: u64, from: u64) -> u64 {
    let (whole, rest) = (ticks / from, ticks % from);
    let part = (u128::from(rest) * u128::from(to) / u128::from(from)) as u64;
    whole.saturating_mul(to).saturating_add(part)
}

/// When it is at least `ticks` for embassy: rounded up.
fn to_instant(ticks: u64) -> Instant {
    const NANOS: u64 = 1_000_000_000;
    let (whole, rest) = (ticks / TICK_HZ, ticks % TICK_HZ);
    let part = (u128::from(rest) * u128::from(NANOS)).div_ceil(u128::from(TICK_HZ)) as u64;
    Instant::from_nanos(whole.saturating_mul(NANOS).saturating_add(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_converted_and_never_overflow() {
        assert_eq!(scale(1_500, 1_000_000, 1_000), 1_500_000);
        assert_eq!(scale(32_767, 1_000_000, 32_768), 999_969);
        assert_eq!(scale(u64::MAX, 1_000_000, 1), u64::MAX);
        assert_eq!(to_instant(u64::MAX), Instant::MAX);
    }
}
