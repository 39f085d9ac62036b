//! Random programs that are treated badly by safe code: forgotten half-way with their surroundings
//! freed, polled with wakers that drop, poll and panic when they are cloned, woken or dropped.
//!
//! What becomes of them then is nobody's promise, but the core must touch nothing that is gone, leak
//! nothing that was dropped, and be as good as new for the next program. Run under AddressSanitizer
//! too. Laws NESTED-POLL, NEVER-REUSED-UNDROPPED, WAKERS-ARE-NAMES. The programs are those of
//! `random_programs`.
#![cfg(feature = "std")]
#![allow(dead_code)] // the programs can do more than is asked of them here

#[path = "../random_programs/arenas.rs"]
mod arenas;
#[path = "../random_programs/code.rs"]
mod code;
#[path = "../common/mod.rs"]
mod common;
#[path = "../random_programs/maker.rs"]
mod maker;
#[path = "../random_programs/model.rs"]
mod model;
#[path = "../random_programs/real.rs"]
mod real;
#[path = "../random_programs/through.rs"]
mod through;

mod forgotten;
mod hostile;

fn how_many() -> u64 {
    std::env::var("GIAMBIO_PROGRAMS").ok().and_then(|text| text.parse().ok()).unwrap_or(400)
}
