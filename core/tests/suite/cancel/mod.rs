//! Conformance, area *cancel*. Law CANCEL-ALWAYS-WORKS.
#![cfg(feature = "alloc")]

mod by_reference;
mod clean_ups;
mod deadlines;
mod dropped;
mod moving;
mod on_the_way;
mod requests;
mod scopes;
mod shields;

#[cfg(feature = "hooks")] // who was abandoned is told to a debugger
mod unpolled;

use giambio_core::{Cancelled, Instant, Reason};

fn at(n: u64) -> Instant {
    Instant::from_nanos(n * 1_000_000_000)
}

fn because(reason: Reason) -> Cancelled {
    Cancelled { reason }
}
