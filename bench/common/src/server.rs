//! What the echo servers share: their command line, their listener, the size of their buffers.

use std::net::TcpListener;

use crate::{argument, limit_life};

/// Bytes of a connection's buffer.
pub const BUFFER: usize = 4096;

/// A listener at the port that the command line names, and the variant behind it: `PEER-echo PORT [VARIANT]`.
pub fn server_arguments() -> (TcpListener, String) {
    limit_life();
    let port = argument(1).and_then(|port| port.parse::<u16>().ok()).expect("usage: PEER-echo PORT [VARIANT]");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    (listener, argument(2).unwrap_or_default())
}
