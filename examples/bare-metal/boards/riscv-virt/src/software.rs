//! An interrupt that software causes, and that lets the timer's interrupt it.

use core::cell::Cell;

use critical_section::Mutex;
use riscv::interrupt::Interrupt;

use crate::clock::{CLINT, every, never};

const SOFTWARE: usize = 0x0;

static HANDLER: Mutex<Cell<fn()>> = Mutex::new(Cell::new(|| {}));
static URGENT: Mutex<Cell<fn()>> = Mutex::new(Cell::new(|| {}));
static HAS_RUN: Mutex<Cell<bool>> = Mutex::new(Cell::new(false));

/// Runs `handler` in an interrupt, twice: before and after a more urgent interrupt that runs
/// `urgent` in the middle of it. It takes the place of what `every` calls.
pub fn nest(handler: fn(), urgent: fn()) {
    critical_section::with(|cs| {
        HANDLER.borrow(cs).set(handler);
        URGENT.borrow(cs).set(urgent);
        HAS_RUN.borrow(cs).set(false);
    });
    // SAFETY: the handler is below, and no critical section relies on this mask.
    unsafe { riscv::interrupt::enable_interrupt(Interrupt::MachineSoft) };
    CLINT.write(SOFTWARE, 1);
    wait();
}

fn wait() {
    while !critical_section::with(|cs| HAS_RUN.borrow(cs).get()) {}
}

#[riscv_rt::core_interrupt(Interrupt::MachineSoft)]
fn machine_soft() {
    CLINT.write(SOFTWARE, 0);
    let handler = critical_section::with(|cs| HANDLER.borrow(cs).get());
    handler();
    every(core::time::Duration::from_micros(1), || {
        never();
        let urgent = critical_section::with(|cs| {
            HAS_RUN.borrow(cs).set(true);
            URGENT.borrow(cs).get()
        });
        urgent();
    });
    // SAFETY: in an interrupt handler, outside of a critical section, with its cause cleared.
    unsafe { riscv::interrupt::nested(wait) };
    handler();
}
