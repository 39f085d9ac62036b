//! Without feature `std` there is one state for the program. A program of its own, which is soon built where everything is
//! built anew: for ThreadSanitizer.
#![cfg(not(feature = "std"))]

#[path = "../common/mod.rs"]
mod common;

mod looks;
mod one_state_for_all;
