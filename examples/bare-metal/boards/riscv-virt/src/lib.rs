//! QEMU's `virt`: one RISC-V hart at rv32imac.
//!
//! It is tickless: `mtime` counts with 64 bits at 10 MHz, and `mtimecmp` is the alarm.
#![no_std]

mod clock;
pub mod net;
mod plic;
mod software;
mod uart;

use critical_section as _;

pub use clock::{Clock, every, sleep, sleeps};
pub use kit::println;
pub use riscv_rt::entry;
pub use semihosting::process::exit;
pub use software::nest;
pub use uart::Uart;

/// What a program is given.
#[non_exhaustive]
pub struct Board {
    /// The time since the start.
    pub clock: Clock,
    /// None: the board has no LEDs.
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
    uart::start();
    plic::start();
    clock::start();
    // SAFETY: everything that handlers touch is ready, and nothing relies on interrupts being masked.
    unsafe { riscv::interrupt::enable() };
    Board { clock: Clock, leds: Leds(()), uart: kit::Uart::new(uart::Uart0::new()) }
}

/// No LEDs.
pub struct Leds(());

impl Leds {
    /// Would switch an LED.
    pub fn set(&self, _: usize, _: bool) {}
}
