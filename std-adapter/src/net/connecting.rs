//! The end of making a connection, of whatever kind.

use std::io;

use socket2::{SockAddr, Socket};

use crate::reactor::{Direction, Done};
use crate::stream::{ByteStream, Connection};
use crate::sys::errno::is_in_progress;

/// Connects a socket, which is in non-blocking mode.
pub(super) async fn connected<S: Connection + From<Socket>>(
    socket: Socket,
    address: &SockAddr,
) -> io::Result<ByteStream<S>> {
    let pending = match socket.connect(address) {
        Ok(()) => false,
        Err(error) if is_in_progress(&error) => true,
        Err(error) => return Err(error),
    };
    let stream = ByteStream::from_nonblocking(S::from(socket));
    if pending {
        stream.source().attempt(Some(Direction::Write), is_connected).await?;
    }
    Ok(stream)
}

/// Has the connection come about? Would block: not yet.
fn is_connected(socket: &impl Connection) -> io::Result<Done<()>> {
    if let Some(error) = socket.pending_error()? {
        return Err(error);
    }
    match socket.peer_address() {
        Ok(_) => Ok(Done::more(())),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error),
    }
}
