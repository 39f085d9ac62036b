//! Twin: accepted/a_runtime_turns_where_it_is_pinned.rs
//! Says: `PhantomPinned` cannot be unpinned
//! Timers lead into the runtime: it stays where it was at its first turn, also if its main future may be moved.

use std::pin::Pin;
use std::time::Duration;

use giambio::{Runtime, VirtualClock, sleep};

fn main() {
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = Box::new(Runtime::new(&clock, Box::pin(sleep(Duration::from_secs(1)))));
    let _ = Pin::new(&mut *runtime).turn();
    let moved = *runtime;
    drop(moved);
}
