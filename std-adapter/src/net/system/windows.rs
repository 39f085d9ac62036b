//! Windows: moves bytes through a connection. It has no signal that sending could raise, and no way to say for one call that it
//! must not wait: that is the socket's mode, which its clones share. So `Source::call` sets it first where others may have
//! changed it, by one more call to the system.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::TcpStream;

use crate::reactor::Done;
use crate::sys::errno::send_error;

/// Does only the socket's mode keep a call from waiting?
pub(in crate::net) const RELIES_ON_MODE: bool = true;

/// On Windows the option means something else: that a port may be taken from who has it.
pub(in crate::net) const REUSE_ADDRESS: bool = false;

pub(in crate::net) fn set_reuse_port(_: &socket2::Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(in crate::net) fn make_quiet(_: &TcpStream) {}

pub(in crate::net) fn receive(mut socket: &TcpStream, buffer: &mut [u8]) -> io::Result<Done<usize>> {
    let room = buffer.len();
    Ok(Done::moved(socket.read(buffer)?, room))
}

pub(in crate::net) fn peek(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    socket.peek(buffer)
}

pub(in crate::net) fn receive_vectored(
    mut socket: &TcpStream,
    buffers: &mut [IoSliceMut<'_>],
    room: usize,
) -> io::Result<Done<usize>> {
    Ok(Done::moved(socket.read_vectored(buffers)?, room))
}

pub(in crate::net) fn send(mut socket: &TcpStream, data: &[u8]) -> io::Result<Done<usize>> {
    Ok(Done::moved(socket.write(data).map_err(send_error)?, data.len()))
}

pub(in crate::net) fn send_vectored(
    mut socket: &TcpStream,
    data: &[IoSlice<'_>],
    length: usize,
) -> io::Result<Done<usize>> {
    Ok(Done::moved(socket.write_vectored(data).map_err(send_error)?, length))
}
