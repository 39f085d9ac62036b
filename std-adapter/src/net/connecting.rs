//! The end of making a connection, of whatever kind.

use std::io;

use socket2::{SockAddr, SockRef, Socket};

use crate::reactor::{Direction, Done};
use crate::stream::{ByteStream, Connection};
use crate::sys::errno::is_in_progress;

/// Connects a socket, which is in non-blocking mode.
pub(super) async fn connected<S>(socket: Socket, address: &SockAddr) -> io::Result<ByteStream<S>>
where
    S: Connection + From<Socket>,
    for<'a> SockRef<'a>: From<&'a S>,
{
    let pending = match socket.connect(address) {
        Ok(()) => false,
        Err(error) if is_in_progress(&error) => true,
        Err(error) => return Err(error),
    };
    let stream = ByteStream::from_nonblocking(S::from(socket));
    if pending {
        stream.source().attempt(Some(Direction::Write), |socket| is_connected(socket.into())).await?;
    }
    Ok(stream)
}

/// Has the connection come about? Would block: not yet.
pub(super) fn is_connected(socket: SockRef<'_>) -> io::Result<Done<()>> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(Done::more(())),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error),
    }
}
