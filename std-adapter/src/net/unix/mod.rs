//! Sockets whose addresses are paths, between programs of one machine. On Unix.
//!
//! # Names that are no paths
//! On Linux an address may also be a name of another kind, which makes no file and is gone with its socket. The standard
//! library makes one of bytes, by `std::os::linux::net::SocketAddrExt::from_abstract_name`; [`UnixListener::bind_addr`],
//! [`UnixStream::connect_addr`], [`UnixDatagram::bind_addr`] and [`UnixDatagram::send_to_addr`] take it as any other address.

mod address;
mod credentials;
mod datagram;
mod fresh;
mod listener;
mod passing;
mod stream;

pub use credentials::PeerCredentials;
pub use datagram::{FreshUnixDatagram, UnixDatagram};
pub use fresh::Fresh;
pub use listener::{FreshUnixListener, UnixListener};
pub use passing::Passed;
pub use stream::UnixStream;
