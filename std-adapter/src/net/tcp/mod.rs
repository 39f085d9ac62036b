//! TCP: one file for each thing that a caller does with it.

mod connect;
mod listen;
mod listener;
mod options;
mod stream;
#[cfg(unix)]
mod unix;

pub use connect::ConnectOptions;
pub use listen::ListenOptions;
pub use listener::TcpListener;
pub use stream::TcpStream;
