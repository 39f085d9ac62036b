//! Laws FAIR, NO-LOST-WAKE and IDLE-IS-IDLE: who gets a turn, and when nobody does.
#![cfg(feature = "alloc")]

mod budget;
mod idle;
mod passes;
mod turns;
