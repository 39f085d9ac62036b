//! UDP: a socket, and its options.

mod options;
mod socket;

pub use socket::UdpSocket;
