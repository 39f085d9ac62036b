//! Twin: accepted/what_everybody_uses_is_shared.rs
//! Says: Channel<_, 0> holds nothing: choose N >= 1
//! Says: Priority<_, 0> holds nothing: choose N >= 1
//! Says: Broadcast<_, 0> keeps nothing: choose N >= 1
//! Says: Pipe<0> holds nothing: choose N >= 1

use giambio::channel::{Broadcast, Channel, Pipe, Priority};
use giambio::sync::Shared;

static NUMBERS: Channel<u32, 0, Shared> = Channel::shared();
static URGENT: Priority<u32, 0, Shared> = Priority::shared();
static NEWS: Broadcast<u32, 0, Shared> = Broadcast::shared();
static BYTES: Pipe<0, Shared> = Pipe::shared();

fn main() {
    println!("{NUMBERS:?} {URGENT:?} {NEWS:?} {BYTES:?}");
}
