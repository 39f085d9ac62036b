//! Guests in hosts of each kind, as a user has them.

mod ends;
mod hosts;
mod http;
mod rests;
#[cfg(unix)]
mod sockets;
mod together;
