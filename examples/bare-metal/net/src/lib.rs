//! TCP on bare metal: `smoltcp` does the protocol, giambio the waiting.
//!
//! One task [runs the stack](Stack::run): it wakes when a frame has arrived, when a stream has
//! something to send, and when a timer of the protocol is due. [`Listener`] and [`TcpStream`] are
//! for other tasks. Everything borrows the stack and nothing is allocated.
#![no_std]
#![forbid(unsafe_code)]

mod listener;
mod memory;
mod stack;
mod stream;

pub use listener::Listener;
pub use memory::{Buffers, Sockets};
pub use smoltcp::phy::Device;
pub use smoltcp::wire::{EthernetAddress, IpEndpoint, Ipv4Address, Ipv4Cidr};
pub use stack::{Settings, Stack};
pub use stream::{TcpError, TcpStream};
