//! TCP: one file for each thing that a caller does with it.

mod bytes;
mod connect;
mod futures_io;
mod line;
mod listen;
mod listener;
mod options;
mod split;
mod stream;
mod whole;

pub use connect::ConnectOptions;
pub use listen::ListenOptions;
pub use listener::TcpListener;
pub use split::{ReadHalf, ReuniteError, WriteHalf};
pub use stream::TcpStream;
pub use whole::{ReceiveExact, SendAll};
