//! The time by a timer that runs free, and its compare register as the alarm: no tick.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use giambio_core::{Clock as _, Tick, Until, WideCounter};
use kit::Peripheral;

static TIME: WideCounter<24> = WideCounter::new();
static SLEEPS: AtomicU32 = AtomicU32::new(0);

// SAFETY: timer 0; it touches no memory.
const TIMER: Peripheral<0x1000> = unsafe { Peripheral::at(0x4000_8000) };
const START: usize = 0x0;
const CAPTURE_1: usize = 0x44;
const MATCHED_0: usize = 0x140;
const INTERRUPTS: usize = 0x304;
const BITS: usize = 0x508;
const PRESCALER: usize = 0x510;
const COMPARE_0: usize = 0x540;
const COMPARE_1: usize = 0x544;

pub(crate) const IRQ: i16 = 8;

/// Microseconds since the start.
#[derive(Clone, Copy)]
pub struct Clock;

impl giambio_core::Clock for Clock {
    const HZ: u64 = 1_000_000;

    fn now(&self) -> Tick {
        TIME.read(|| {
            TIMER.write(CAPTURE_1, 1);
            TIMER.read(COMPARE_1)
        })
    }
}

/// Sleeps until then, or an interrupt.
pub fn sleep(until: Until) {
    let now = Clock.now();
    let longest = now.0 + u64::from(WideCounter::<24>::MAX_SLEEP);
    let alarm = match until {
        Until::At(tick) => tick.0.min(longest),
        _ => longest,
    };
    TIMER.write(MATCHED_0, 0);
    TIMER.write(COMPARE_0, alarm as u32 & 0xff_ffff);
    // Only a count that is yet to come matches: within the next one it may be too late already.
    if alarm > Clock.now().0 + 1 {
        SLEEPS.store(SLEEPS.load(Relaxed).wrapping_add(1), Relaxed);
        cortex_m::asm::wfi();
    }
}

/// How often the processor has gone to sleep.
pub fn sleeps() -> u32 {
    SLEEPS.load(Relaxed)
}

pub(crate) fn start() {
    TIMER.write(BITS, 2); // 24
    TIMER.write(PRESCALER, 4); // 16 MHz / 2^4
    TIMER.write(INTERRUPTS, 1 << 16); // at compare register 0
    TIMER.write(START, 1);
    arm::unmask(IRQ);
}

pub(crate) fn on_interrupt() {
    TIMER.write(MATCHED_0, 0);
}
