//! The core's conformance cases on the target itself: those that need no operating system and no heap.
#![no_std]
#![no_main]

mod cases;
mod runner;
mod world;

#[board::entry]
fn main() -> ! {
    runner::run(cases::ALL)
}
