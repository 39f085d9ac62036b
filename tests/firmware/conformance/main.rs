//! The core's conformance cases on the target itself: those that need no operating system and no
//! heap. Prints the name of each, and ends with 0 if all pass. The first that fails panics, which
//! ends it with 101.
#![no_std]
#![no_main]

mod cases;
mod world;

use board::{entry, println};

#[entry]
fn main() -> ! {
    let board = board::start();
    let mut count = 0;
    for (module, cases) in cases::ALL {
        for (name, case) in *cases {
            println!("test {module}::{name} ...");
            case(board.clock);
            world::everything_is_free();
            println!("test {module}::{name} ... ok");
            count += 1;
        }
    }
    println!("{count} passed");
    board::exit(0)
}
