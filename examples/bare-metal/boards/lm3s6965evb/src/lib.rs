//! TI's Stellaris LM3S6965 board: a Cortex-M3 at 12.5 MHz with 64 KiB of RAM.
//!
//! It is tickless: SysTick runs free for the time, 24 bits that come round every 1.3 s, and a
//! one-shot timer is the alarm.
#![no_std]

mod clock;
pub mod net;
mod timer;
mod uart;

use kit::Peripheral;

pub use clock::{Clock, sleep, sleeps};
pub use cortex_m_rt::entry;
pub use kit::println;
pub use semihosting::process::exit;
pub use timer::every;
pub use uart::Uart;

/// The core and the peripherals run at that many cycles a second.
const HZ: u32 = 12_500_000;

// SAFETY: system control; it touches no memory.
const SYSTEM: Peripheral<0x1000> = unsafe { Peripheral::at(0x400f_e000) };
/// Clock gates.
const GATES_1: usize = 0x104;
const GATES_2: usize = 0x108;

// SAFETY: GPIO port F, whose pin 0 has the status LED; it touches no memory.
const PORT_F: Peripheral<0x1000> = unsafe { Peripheral::at(0x4002_5000) };
const DIRECTION: usize = 0x400;
const DIGITAL: usize = 0x51c;

/// What a program is given.
#[non_exhaustive]
pub struct Board {
    /// The time since the start.
    pub clock: Clock,
    /// Pins 0 (the status LED) and 1 of port F.
    pub leds: Leds,
    /// The first serial line.
    pub uart: Uart,
}

/// Starts the board: once.
///
/// # Panics
/// The second time.
pub fn start() -> Board {
    kit::once();
    SYSTEM.write(GATES_1, SYSTEM.read(GATES_1) | 0b11 << 16 | 1); // timers 0 and 1, UART 0
    SYSTEM.write(GATES_2, SYSTEM.read(GATES_2) | 1 << 5 | 1); // ports A (the UART's pins) and F
    PORT_F.write(DIRECTION, 0b11);
    PORT_F.write(DIGITAL, 0b11);
    clock::start();
    uart::start();
    Board { clock: Clock, leds: Leds(()), uart: kit::Uart::new(uart::Uart0::new()) }
}

/// The LEDs.
pub struct Leds(());

impl Leds {
    /// Switches LED 0 or 1.
    pub fn set(&self, led: usize, on: bool) {
        // The address says which pins are meant.
        PORT_F.write(4 << (led & 1), u32::from(on) << (led & 1));
    }
}

/// Two interrupts that software causes: spare ones.
static NESTED: arm::Nested = arm::Nested::new(24, 25);

/// Runs `handler` in an interrupt, twice: before and after a more urgent interrupt that runs
/// `urgent` in the middle of it.
pub fn nest(handler: fn(), urgent: fn()) {
    NESTED.run(handler, urgent);
}

/// All interrupts.
#[cortex_m_rt::exception]
unsafe fn DefaultHandler(irq: i16) {
    match irq {
        uart::IRQ => uart::on_interrupt(),
        clock::IRQ => clock::on_interrupt(),
        timer::IRQ => timer::on_interrupt(),
        net::IRQ => net::on_interrupt(),
        _ if NESTED.on_interrupt(irq) => {}
        _ => panic!("nobody asked for interrupt {irq}"),
    }
}
