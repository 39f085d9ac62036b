//! Sockets that wait without stopping the thread.
//!
//! [`TcpListener`], [`TcpStream`] and [`UdpSocket`] have the calls of their namesakes in the standard library, `async` where
//! those would block. They differ in this:
//!
//! * Everything takes `&self`, so one task may receive while another sends. Two tasks that receive from one
//!   socket at once would get each other's data, so the second is told [`ResourceBusy`](std::io::ErrorKind::ResourceBusy)
//!   at once; the same goes for two that send. Any number may accept from one listener, each in its turn.
//! * [`close`](TcpStream::close) works while a task waits for the socket: the task gets [`Closed`].
//! * Dropping any future at any moment leaves the socket usable. Nothing received is lost with it, and what was
//!   sent in part can be asked for ([`SendAll::sent`](crate::stream::SendAll::sent)).
//! * They stay on the thread on which they were made, and wait for the loop there: [`run`](crate::run()), or one of your own
//!   over an [`Idle`](crate::Idle). To have to wait where there is none, as in another executor's `block_on` or in
//!   [`testing::run`](crate::testing::run), is a panic that says so. What need not wait works anywhere.
//!
//! A server of many is [`serve()`]: it accepts, runs a handler for each, and ends in order.
//!
//! What the streams have in common with other streams of bytes is in [`stream`](crate::stream); on Unix, there are those that
//! have a path for an address, too, in `net::unix`.
//!
//! Addresses are given as anything that implements [`ToAddresses`]; names are looked up on another thread, or by whom
//! [`with_resolver`] says. Sockets of any other kind are a [`Socket`].

mod address_errors;
mod addresses;
mod buffers;
mod connecting;
mod connection;
mod datagram;
mod descriptor;
mod listener;
mod received;
mod resolve;
mod serve;
mod socket;
mod system;
mod tcp;
mod udp;
#[cfg(unix)]
pub mod unix;

pub use address_errors::AddressErrors;
pub use addresses::{Target, ToAddresses, lookup};
pub use datagram::{DatagramSocket, Datagrams, TooLong};
pub use listener::{Listener, Listens};
pub use received::Received;
pub use resolve::{Resolve, SystemResolver, with_resolver};
pub use serve::{Accept, Counts, Handled, Serve, ServerError, Unheard, Verdict, serve};
pub use socket::Socket;
pub use tcp::{ConnectOptions, ListenOptions, TcpListener, TcpStream};
pub use udp::UdpSocket;

pub use crate::reactor::Closed;
