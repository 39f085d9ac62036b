//! The examples of giambio, to be read in order: each is a program of its own, beside this file.
//!
//! There is nothing in the library but the programs of the documents, which are tested here.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("bare-metal/tick-source.md")]
mod tick_source {}
