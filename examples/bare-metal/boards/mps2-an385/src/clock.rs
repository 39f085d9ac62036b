//! The time by a periodic tick: an interrupt counts milliseconds, and ends every sleep.
//!
//! It needs nothing but SysTick. The price: the processor wakes 1,000 times a second.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use cortex_m::peripheral::syst::SystClkSource;
use giambio_core::{Tick, Until, WideCounter};

static MILLIS: AtomicU32 = AtomicU32::new(0);
/// 32 bits of milliseconds come round after 49 days.
static TIME: WideCounter<32> = WideCounter::new();
static SLEEPS: AtomicU32 = AtomicU32::new(0);

/// Milliseconds since the start.
#[derive(Clone, Copy)]
pub struct Clock;

impl giambio_core::Clock for Clock {
    const HZ: u64 = 1000;

    fn now(&self) -> Tick {
        TIME.read(|| MILLIS.load(Relaxed))
    }
}

/// Sleeps until the next interrupt, which is the next tick at the latest.
pub fn sleep(_: Until) {
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
    systick.set_reload(crate::HZ / 1000 - 1);
    systick.clear_current();
    systick.enable_interrupt();
    systick.enable_counter();
}

#[cortex_m_rt::exception]
fn SysTick() {
    // The only place that writes it.
    MILLIS.store(MILLIS.load(Relaxed).wrapping_add(1), Relaxed);
}
