//! Channels, watches and intervals by the traits of other libraries, as their combinators use them.
#![cfg(all(feature = "std", feature = "heapless"))]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "embedded-io-async")]
mod embedded_io;
#[cfg(feature = "futures")]
mod futures_io;
#[cfg(feature = "futures")]
mod streams;
