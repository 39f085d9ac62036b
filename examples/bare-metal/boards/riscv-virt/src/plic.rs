//! The interrupt controller for everything outside of the core.

use kit::Peripheral;
use riscv::interrupt::Interrupt;

// SAFETY: the platform-level interrupt controller; it touches no memory.
const PLIC: Peripheral<0x40_0000> = unsafe { Peripheral::at(0x0c00_0000) };
const PRIORITIES: usize = 0x0;
const ENABLES: usize = 0x2000;
const THRESHOLD: usize = 0x20_0000;
const CLAIM: usize = 0x20_0004;

pub(crate) fn enable(irq: usize) {
    critical_section::with(|_| {
        PLIC.write(PRIORITIES + 4 * irq, 1);
        PLIC.write(ENABLES, PLIC.read(ENABLES) | 1 << irq);
    });
}

pub(crate) fn start() {
    PLIC.write(THRESHOLD, 0);
    // SAFETY: the handler is below, and no critical section relies on this mask.
    unsafe { riscv::interrupt::enable_interrupt(Interrupt::MachineExternal) };
}

#[riscv_rt::core_interrupt(Interrupt::MachineExternal)]
fn machine_external() {
    let irq = PLIC.read(CLAIM);
    match irq {
        0 => return, // gone already
        crate::uart::IRQ => crate::uart::on_interrupt(),
        irq if crate::net::on_interrupt(irq) => {}
        _ => panic!("nobody asked for interrupt {irq}"),
    }
    PLIC.write(CLAIM, irq);
}
