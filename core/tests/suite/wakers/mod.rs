//! Conformance, area *wakers*. Laws WAKERS-ARE-NAMES and NO-LOST-WAKE.
#![cfg(feature = "alloc")]

mod combinators;
#[cfg(feature = "std")]
mod notifiers;
mod stale;
#[cfg(feature = "std")]
mod threads;
mod wakes;
