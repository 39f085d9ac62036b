//! Conformance, area *time*. Law NEVER-EARLY.
#![cfg(feature = "alloc")]

mod clocks;
mod intervals;
mod leftovers;
mod moving;
mod sleeps;

use std::time::Duration;

use crate::common::*;
use giambio_core::Instant;

fn at(n: u64) -> Instant {
    Instant::from_nanos(n * 1_000_000_000)
}

/// From a nanosecond to two days, evenly over the orders of magnitude.
fn any_span(rng: &mut Rng) -> Duration {
    let magnitude = rng.below(48);
    Duration::from_nanos(1 + rng.below(1 << magnitude))
}
