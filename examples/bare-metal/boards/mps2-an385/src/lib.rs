//! QEMU's `mps2-an385`: a Cortex-M3 at 25 MHz, with 4 MiB of RAM of which 64 KiB are used here.
//!
//! Its time is the simplest there is: SysTick interrupts 1,000 times a second.
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

/// The core and the peripherals run at that many cycles a second.
const HZ: u32 = 25_000_000;

// SAFETY: the board's LEDs and buttons; they touch no memory.
const FPGA: Peripheral<0x1000> = unsafe { Peripheral::at(0x4002_8000) };
const LEDS: usize = 0x0;

/// What a program is given.
#[non_exhaustive]
pub struct Board {
    /// The time since the start.
    pub clock: Clock,
    /// Two of them.
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
    clock::start();
    uart::start();
    Board { clock: Clock, leds: Leds(()), uart: kit::Uart::new(uart::Uart0::new()) }
}

/// The LEDs.
pub struct Leds(());

impl Leds {
    /// Switches LED 0 or 1.
    pub fn set(&self, led: usize, on: bool) {
        critical_section::with(|_| {
            let others = FPGA.read(LEDS) & !(1 << (led & 1));
            FPGA.write(LEDS, others | u32::from(on) << (led & 1));
        });
    }
}

/// Two interrupts that software causes: spare ones.
static NESTED: arm::Nested = arm::Nested::new(30, 31);

/// Runs `handler` in an interrupt, twice: before and after a more urgent interrupt that runs
/// `urgent` in the middle of it.
pub fn nest(handler: fn(), urgent: fn()) {
    NESTED.run(handler, urgent);
}

/// All interrupts but SysTick.
#[cortex_m_rt::exception]
unsafe fn DefaultHandler(irq: i16) {
    match irq {
        uart::RECEIVE_IRQ | uart::SEND_IRQ => uart::on_interrupt(),
        timer::IRQ => timer::on_interrupt(),
        _ if NESTED.on_interrupt(irq) => {}
        _ => panic!("nobody asked for interrupt {irq}"),
    }
}
