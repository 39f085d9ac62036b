//! Twin: accepted/a_sleep_is_awaited.rs
//! What the tutorial shows, which is a warning elsewhere.
//! Says: unused `Sleep` that must be used
//! Says: a sleep does nothing unless it is awaited
#![deny(unused_must_use)]

use std::time::Duration;

use giambio::{run, sleep};

fn main() {
    run(async {
        sleep(Duration::from_millis(1));
    });
}
