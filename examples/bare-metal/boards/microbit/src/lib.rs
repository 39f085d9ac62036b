//! The BBC micro:bit: an nRF51822 with a Cortex-M0 (no compare-and-swap), 16 MHz, 16 KiB of RAM.
//!
//! It is tickless: a timer of 24 bits and 1 MHz gives the time, and its compare register the
//! alarm. It comes round every 16.8 s.
#![no_std]

mod clock;
mod timer;
mod uart;

use kit::Peripheral;

pub use clock::{Clock, sleep, sleeps};
pub use cortex_m_rt::entry;
pub use kit::println;
pub use semihosting::process::exit;
pub use timer::every;
pub use uart::Uart;

// SAFETY: the pins; they touch no memory.
const PINS: Peripheral<0x1000> = unsafe { Peripheral::at(0x5000_0000) };
const SET: usize = 0x508;
const CLEAR: usize = 0x50c;
const OUTPUTS: usize = 0x518;
/// LEDs lie between rows, which are high, and columns, which are low.
const COLUMN: u32 = 4;
const ROWS: [u32; 2] = [13, 14];

/// What a program is given.
#[non_exhaustive]
pub struct Board {
    /// The time since the start.
    pub clock: Clock,
    /// Two of the 25.
    pub leds: Leds,
    /// The serial line.
    pub uart: Uart,
}

/// Starts the board: once.
///
/// # Panics
/// The second time.
pub fn start() -> Board {
    kit::once();
    PINS.write(OUTPUTS, 1 << COLUMN | 1 << ROWS[0] | 1 << ROWS[1]);
    clock::start();
    uart::start();
    Board { clock: Clock, leds: Leds(()), uart: kit::Uart::new(uart::Uart0::new()) }
}

/// The LEDs.
pub struct Leds(());

impl Leds {
    /// Switches LED 0 or 1.
    pub fn set(&self, led: usize, on: bool) {
        PINS.write(if on { SET } else { CLEAR }, 1 << ROWS[led & 1]);
    }
}

/// Two interrupts that software causes: the chip has them for software.
static NESTED: arm::Nested = arm::Nested::new(20, 21);

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
        _ if NESTED.on_interrupt(irq) => {}
        _ => panic!("nobody asked for interrupt {irq}"),
    }
}
