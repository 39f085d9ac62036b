//! The same for what goes on between tasks: an image of its own, for both together are larger than the flash of a small board.
#![no_std]
#![no_main]

#[path = "between/mod.rs"]
mod cases;
mod runner;
#[expect(dead_code, reason = "the other image uses it")]
mod world;

#[board::entry]
fn main() -> ! {
    runner::run(cases::ALL)
}
