//! A second timer, which calls a function from its interrupt: stands for a sensor.

use core::cell::Cell;
use core::time::Duration;

use critical_section::Mutex;
use kit::Peripheral;

// SAFETY: CMSDK timer 0; it touches no memory.
const TIMER: Peripheral<0x1000> = unsafe { Peripheral::at(0x4000_0000) };
const CONTROL: usize = 0x0;
const VALUE: usize = 0x4;
const RELOAD: usize = 0x8;
const CLEAR: usize = 0xc;

pub(crate) const IRQ: i16 = 8;

static HANDLER: Mutex<Cell<fn()>> = Mutex::new(Cell::new(|| {}));

/// Calls `handler` every `period` (40 ns to 171 s) from an interrupt.
pub fn every(period: Duration, handler: fn()) {
    critical_section::with(|cs| HANDLER.borrow(cs).set(handler));
    let counts = (period.as_nanos() / 40) as u32;
    TIMER.write(RELOAD, counts - 1);
    TIMER.write(VALUE, counts - 1);
    TIMER.write(CONTROL, 0b1001); // on, with interrupts
    arm::unmask(IRQ);
}

pub(crate) fn on_interrupt() {
    TIMER.write(CLEAR, 1);
    critical_section::with(|cs| HANDLER.borrow(cs).get())();
}
