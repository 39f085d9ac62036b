//! Twin: accepted/each_thread_has_a_runtime_of_its_own.rs
//! Says: cannot be sent between threads safely

use std::thread;

use giambio::{VirtualClock, testing::Autojump};

static CLOCK: VirtualClock<1000> = VirtualClock::new();

fn main() {
    let wait = Autojump::new(&CLOCK);
    thread::spawn(move || drop(wait));
}
