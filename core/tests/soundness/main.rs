//! What safe code may do to futures: forget them, drop them, move them about before the first poll, stop polling them, wake
//! them at the wrong moment. Run under AddressSanitizer too. Laws NESTED-POLL, NEVER-REUSED-UNDROPPED, NO-LOST-WAKE.
#![cfg(feature = "alloc")]

#[path = "../common/mod.rs"]
mod common;

mod destructors;
mod dropped;
mod every_kind;
mod forgotten;
mod leftovers;
mod moved;
mod pollers;
