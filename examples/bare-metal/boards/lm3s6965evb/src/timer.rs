//! A second timer, which calls a function from its interrupt: stands for a sensor.

use core::cell::Cell;
use core::time::Duration;

use critical_section::Mutex;
use kit::Peripheral;

// SAFETY: general-purpose timer 1; it touches no memory.
const TIMER: Peripheral<0x1000> = unsafe { Peripheral::at(0x4003_1000) };
const MODE: usize = 0x4;
const CONTROL: usize = 0xc;
const MASK: usize = 0x18;
const CLEAR: usize = 0x24;
const LOAD: usize = 0x28;

pub(crate) const IRQ: i16 = 21;

static HANDLER: Mutex<Cell<fn()>> = Mutex::new(Cell::new(|| {}));

/// Calls `handler` every `period` (80 ns to 343 s) from an interrupt.
pub fn every(period: Duration, handler: fn()) {
    critical_section::with(|cs| HANDLER.borrow(cs).set(handler));
    TIMER.write(MODE, 2); // periodic
    TIMER.write(LOAD, (period.as_nanos() / 80) as u32 - 1);
    TIMER.write(MASK, 1);
    TIMER.write(CONTROL, 1);
    arm::unmask(IRQ);
}

pub(crate) fn on_interrupt() {
    TIMER.write(CLEAR, 1);
    critical_section::with(|cs| HANDLER.borrow(cs).get())();
}
