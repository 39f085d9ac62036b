//! Conformance, area *nursery*: who runs when, who waits for whom, and what is left at the end.
#![cfg(feature = "alloc")]

mod failures;
mod halfway;
mod handles;
mod life;
mod races_and_daemons;
mod scale;
mod spawning;
