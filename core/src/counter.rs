//! Hardware counters of few bits, as clocks of 64.

use core::cell::Cell;
use core::fmt;

use crate::lock::Lock;

/// Extends a hardware counter of `BITS` bits to 64: the part of a [`Clock`](crate::Clock) that is
/// easy to get wrong.
///
/// It remembers the last reading; a counter that stands lower than that has come round. So it must
/// be read at least once each time the counter goes round, which is what a wait sees to by never
/// sleeping for longer than [`MAX_SLEEP`](WideCounter::MAX_SLEEP), half of a round.
///
/// Readings may be taken from tasks and from interrupt handlers of any priority.
///
/// ```
/// use giambio_core::{Clock, Tick, WideCounter};
///
/// # fn counter_register() -> u32 { 42 }
/// static TIME: WideCounter<24> = WideCounter::new();
///
/// struct Microseconds;
/// impl Clock for Microseconds {
///     const HZ: u64 = 1_000_000;
///     fn now(&self) -> Tick {
///         TIME.read(|| counter_register()) // a counter that counts down: `|| !counter_register()`
///     }
/// }
/// # assert_eq!(Microseconds.now(), Tick(42));
/// ```
pub struct WideCounter<const BITS: u32> {
    last: Lock<Cell<u64>>,
}

impl<const BITS: u32> WideCounter<BITS> {
    const MASK: u64 = {
        assert!(BITS > 1 && BITS <= 32, "a WideCounter has 2 to 32 bits");
        (1 << BITS) - 1
    };

    /// Half of a round, in ticks: never sleep for longer without a reading.
    ///
    /// ```
    /// use giambio_core::WideCounter;
    ///
    /// assert_eq!(WideCounter::<24>::MAX_SLEEP, 0x7f_ffff); // of a SysTick at 16 MHz, half a second
    /// ```
    pub const MAX_SLEEP: u32 = (Self::MASK / 2) as u32;

    /// A counter that has not been read.
    pub const fn new() -> Self {
        WideCounter { last: Lock::new(Cell::new(0)) }
    }

    /// The time now. `counter` reads the hardware; of its result the lower `BITS` bits count. It
    /// is called with interrupts masked, so that no later reading comes in between.
    pub fn read(&self, counter: impl FnOnce() -> u32) -> crate::time::Tick {
        self.last.with(|last| {
            let passed = u64::from(counter()).wrapping_sub(last.get()) & Self::MASK;
            last.set(last.get() + passed);
            crate::time::Tick(last.get())
        })
    }
}

impl<const BITS: u32> Default for WideCounter<BITS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const BITS: u32> fmt::Debug for WideCounter<BITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WideCounter").field("last", &self.last.with(Cell::get)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Tick;

    #[test]
    fn a_counter_that_comes_round_goes_on() {
        let counter = WideCounter::<24>::new();
        let readings = [5, 0xff_fff0, 3, 3, 0x80_0000, 2];
        let seen: [Tick; 6] = readings.map(|reading| counter.read(|| reading));
        assert_eq!(seen.map(|tick| tick.0), [5, 0xff_fff0, 0x100_0003, 0x100_0003, 0x180_0000, 0x200_0002]);
    }

    #[test]
    fn bits_beyond_the_counters_own_do_not_matter() {
        let counter = WideCounter::<24>::new();
        assert_eq!(counter.read(|| !0xff_fff0), Tick(0xf)); // one that counts down
        assert_eq!(counter.read(|| 0xab00_0010), Tick(0x10));
    }

    #[test]
    fn thirty_two_bits_come_round_as_well() {
        let counter = WideCounter::<32>::new();
        assert_eq!(counter.read(|| u32::MAX), Tick(u64::from(u32::MAX)));
        assert_eq!(counter.read(|| 0), Tick(1 << 32));
        assert_eq!(counter.read(|| WideCounter::<32>::MAX_SLEEP), Tick((1 << 32) + 0x7fff_ffff));
    }
}
