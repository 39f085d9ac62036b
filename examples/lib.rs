//! The examples of giambio, to be read in order: each is a program of its own, beside this file.
//!
//! There is nothing in the library but the programs of the README, which are tested here.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
