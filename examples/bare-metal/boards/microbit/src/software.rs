//! Two interrupts that software causes, one of which interrupts the other: the chip has them for software.

use core::cell::Cell;

use cortex_m::peripheral::NVIC;
use critical_section::Mutex;

use crate::Irq;

pub(crate) const IRQ: i16 = 20;
pub(crate) const URGENT_IRQ: i16 = 21;

static HANDLER: Mutex<Cell<fn()>> = Mutex::new(Cell::new(|| {}));
static URGENT: Mutex<Cell<fn()>> = Mutex::new(Cell::new(|| {}));

/// Runs `handler` in an interrupt, twice: before and after a more urgent interrupt that runs
/// `urgent` in the middle of it.
pub fn nest(handler: fn(), urgent: fn()) {
    critical_section::with(|cs| {
        HANDLER.borrow(cs).set(handler);
        URGENT.borrow(cs).set(urgent);
        // SAFETY: this register is touched here alone.
        let mut nvic = unsafe { cortex_m::Peripherals::steal() }.NVIC;
        // SAFETY: no critical section relies on priorities.
        unsafe { nvic.set_priority(Irq(IRQ as u16), 0xc0) };
        // SAFETY: as above.
        unsafe { nvic.set_priority(Irq(URGENT_IRQ as u16), 0x40) };
    });
    crate::unmask(IRQ as u16);
    crate::unmask(URGENT_IRQ as u16);
    raise(IRQ);
}

fn raise(irq: i16) {
    NVIC::pend(Irq(irq as u16));
    cortex_m::asm::dsb();
    cortex_m::asm::isb(); // it has run when this returns
}

pub(crate) fn on_interrupt(irq: i16) {
    if irq == URGENT_IRQ {
        return critical_section::with(|cs| URGENT.borrow(cs).get())();
    }
    let handler = critical_section::with(|cs| HANDLER.borrow(cs).get());
    handler();
    raise(URGENT_IRQ);
    handler();
}
