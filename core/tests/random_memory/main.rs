//! Random programs that are treated badly by safe code: forgotten half-way with their surroundings
//! freed, polled with wakers that drop, poll and panic when they are cloned, woken or dropped, by
//! clocks, debuggers and destructors that do so too.
//!
//! What becomes of them then is nobody's promise, but the core must touch nothing that is gone, leak
//! nothing that was dropped, and be as good as new for the next program. Run under AddressSanitizer
//! too. Laws NESTED-POLL, NEVER-REUSED-UNDROPPED, WAKERS-ARE-NAMES, HOOKS-OBSERVE. The programs are
//! those of `random_programs`, and as many as `GIAMBIO_PROGRAMS` says, from the seed
//! `GIAMBIO_FIRST_PROGRAM` on.
#![cfg(feature = "std")]
#![allow(dead_code)] // the programs can do more than is asked of them here

#[path = "../random_programs/arenas.rs"]
mod arenas;
#[path = "../random_programs/between.rs"]
mod between;
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

fn seeds() -> std::ops::Range<u64> {
    common::seeds(400)
}
