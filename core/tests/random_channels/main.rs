//! Channels against models: who gets what, who is woken, what is counted, whatever is polled, dropped and closed when. Laws
//! NOTHING-LOST, NO-LOST-WAKE. A module a kind of channel.
#![cfg(feature = "heapless")]

#[path = "../common/mod.rs"]
mod common;

mod broadcast;
mod buffered;
mod ends;
mod line;
mod oneshot;
mod pipe;
mod rendezvous;
