//! What the Arm boards have in common: the interrupt controller.
#![no_std]

mod nested;

pub use nested::Nested;

use cortex_m::peripheral::NVIC;

/// A number that a board's interrupt controller knows.
#[derive(Clone, Copy)]
struct Irq(u16);

// SAFETY: the numbers are those of the boards' manuals, and constant.
unsafe impl cortex_m::interrupt::InterruptNumber for Irq {
    fn number(self) -> u16 {
        self.0
    }
}

/// From now on the interrupt comes. What the boards' handlers touch is made for interrupts.
pub fn unmask(irq: i16) {
    // SAFETY: no critical section relies on a mask.
    unsafe { NVIC::unmask(Irq(irq as u16)) };
}
