//! Two interrupts that software causes, one of which interrupts the other.

use core::cell::Cell;

use cortex_m::peripheral::NVIC;
use critical_section::Mutex;

use crate::{Irq, unmask};

/// Two numbers that no device of the board has, and what to run when they come.
pub struct Nested {
    irq: i16,
    urgent_irq: i16,
    handler: Mutex<Cell<fn()>>,
    urgent: Mutex<Cell<fn()>>,
}

impl Nested {
    /// For these two.
    pub const fn new(irq: i16, urgent_irq: i16) -> Nested {
        let [handler, urgent] = [const { Mutex::new(Cell::new((|| {}) as fn())) }; 2];
        Nested { irq, urgent_irq, handler, urgent }
    }

    /// Runs `handler` in an interrupt, twice: before and after a more urgent interrupt that runs
    /// `urgent` in the middle of it.
    pub fn run(&self, handler: fn(), urgent: fn()) {
        critical_section::with(|cs| {
            self.handler.borrow(cs).set(handler);
            self.urgent.borrow(cs).set(urgent);
            // SAFETY: this register is touched here alone.
            let mut nvic = unsafe { cortex_m::Peripherals::steal() }.NVIC;
            for (irq, priority) in [(self.irq, 0xc0), (self.urgent_irq, 0x40)] {
                // SAFETY: no critical section relies on priorities.
                unsafe { nvic.set_priority(Irq(irq as u16), priority) };
            }
        });
        unmask(self.irq);
        unmask(self.urgent_irq);
        raise(self.irq);
    }

    /// Is it one of the two? Then it has been handled.
    pub fn on_interrupt(&self, irq: i16) -> bool {
        let get = |of: &Mutex<Cell<fn()>>| critical_section::with(|cs| of.borrow(cs).get());
        if irq == self.urgent_irq {
            get(&self.urgent)();
        } else if irq == self.irq {
            let handler = get(&self.handler);
            handler();
            raise(self.urgent_irq);
            handler();
        } else {
            return false;
        }
        true
    }
}

fn raise(irq: i16) {
    NVIC::pend(Irq(irq as u16));
    cortex_m::asm::dsb();
    cortex_m::asm::isb(); // it has run when this returns
}
