//! The time by a counter that runs free, and an alarm when the next deadline is due: no tick.
//!
//! SysTick has 24 bits, which come round after 1.34 s. So the processor wakes about once a second
//! even when nothing is to be done: to notice.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use giambio_core::{Clock as _, Tick, Until, WideCounter};
use kit::Peripheral;

static TIME: WideCounter<24> = WideCounter::new();
static SLEEPS: AtomicU32 = AtomicU32::new(0);

/// Seven eighths of a round, 1.17 s: what is left is time enough for an interrupt to be taken.
const LONGEST: u64 = (1 << 24) / 8 * 7;

// SAFETY: general-purpose timer 0; it touches no memory.
const ALARM: Peripheral<0x1000> = unsafe { Peripheral::at(0x4003_0000) };
const MODE: usize = 0x4;
const CONTROL: usize = 0xc;
const MASK: usize = 0x18;
const CLEAR: usize = 0x24;
const LOAD: usize = 0x28;

pub(crate) const IRQ: i16 = 19;

/// Cycles since the start, 80 ns each.
#[derive(Clone, Copy)]
pub struct Clock;

impl giambio_core::Clock for Clock {
    const HZ: u64 = crate::HZ as u64;

    fn now(&self) -> Tick {
        // It counts down.
        TIME.read(|| !SYST::get_current())
    }
}

/// Sleeps until then, or an interrupt.
pub fn sleep(until: Until) {
    let now = Clock.now();
    let span = match until {
        Until::At(tick) if tick <= now => return,
        Until::At(tick) => (tick.0 - now.0).min(LONGEST),
        _ => LONGEST,
    };
    ALARM.write(CONTROL, 0);
    ALARM.write(LOAD, span as u32);
    ALARM.write(CONTROL, 1);
    SLEEPS.store(SLEEPS.load(Relaxed).wrapping_add(1), Relaxed);
    cortex_m::asm::wfi();
}

/// How often the processor has gone to sleep.
pub fn sleeps() -> u32 {
    SLEEPS.load(Relaxed)
}

pub(crate) fn start() {
    let Some(peripherals) = cortex_m::Peripherals::take() else { return };
    let mut systick = peripherals.SYST;
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(0xff_ffff);
    systick.clear_current();
    systick.enable_counter();
    ALARM.write(MODE, 1); // one shot
    ALARM.write(MASK, 1);
    arm::unmask(IRQ);
}

pub(crate) fn on_interrupt() {
    ALARM.write(CLEAR, 1);
}
