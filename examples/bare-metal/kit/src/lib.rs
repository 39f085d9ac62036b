//! What the boards have in common. A real project takes these from the chip's own crates (PAC and
//! HAL); here they are few lines, so that nothing is hidden.
#![no_std]

mod console;
mod once;
mod registers;
mod serial;

pub use console::print_line;
pub use once::once;
pub use registers::Peripheral;
pub use serial::{Port, Taker, Uart, nobody, received};
