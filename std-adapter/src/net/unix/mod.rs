//! Sockets whose addresses are paths, between programs of one machine. On Unix.

mod listener;
mod stream;

pub use listener::UnixListener;
pub use stream::UnixStream;
