//! A second timer, which calls a function from its interrupt: stands for a sensor.

use core::cell::Cell;
use core::time::Duration;

use critical_section::Mutex;
use kit::Peripheral;

// SAFETY: timer 1; it touches no memory.
const TIMER: Peripheral<0x1000> = unsafe { Peripheral::at(0x4000_9000) };
const START: usize = 0x0;
const MATCHED_0: usize = 0x140;
const SHORTCUTS: usize = 0x200;
const INTERRUPTS: usize = 0x304;
const PRESCALER: usize = 0x510;
const COMPARE_0: usize = 0x540;

pub(crate) const IRQ: i16 = 9;

static HANDLER: Mutex<Cell<fn()>> = Mutex::new(Cell::new(|| {}));

/// Calls `handler` every `period` (32 µs to 2 s) from an interrupt.
pub fn every(period: Duration, handler: fn()) {
    critical_section::with(|cs| HANDLER.borrow(cs).set(handler));
    TIMER.write(PRESCALER, 9); // 16 MHz / 2^9: 32 µs
    TIMER.write(COMPARE_0, (period.as_micros() / 32) as u32);
    TIMER.write(SHORTCUTS, 1); // a match starts it anew
    TIMER.write(INTERRUPTS, 1 << 16);
    TIMER.write(START, 1);
    arm::unmask(IRQ);
}

pub(crate) fn on_interrupt() {
    TIMER.write(MATCHED_0, 0);
    critical_section::with(|cs| HANDLER.borrow(cs).get())();
}
