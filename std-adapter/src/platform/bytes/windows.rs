//! Windows: moves bytes through a connection. It has no signal that sending could raise, and no way to say for one call that it
//! must not wait: that is the socket's mode, which its clones share. So `Source::call` sets it first where others may have
//! changed it, by one more call to the system.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::TcpStream;

use windows_sys::Win32::Networking::WinSock::WSAESHUTDOWN;

/// Does only the socket's mode keep a call from waiting?
pub(crate) const RELY_ON_MODE: bool = true;

/// There is no limit but memory; as elsewhere.
pub(crate) const MOST_SLICES: usize = 1024;

pub(crate) fn make_quiet(_: &TcpStream) {}

pub(crate) fn receive(mut socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    socket.read(buffer)
}

pub(crate) fn peek(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    socket.peek(buffer)
}

pub(crate) fn receive_vectored(mut socket: &TcpStream, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    socket.read_vectored(buffers)
}

pub(crate) fn send(mut socket: &TcpStream, data: &[u8]) -> io::Result<usize> {
    socket.write(data).map_err(send_error)
}

pub(crate) fn send_vectored(mut socket: &TcpStream, data: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.write_vectored(data).map_err(send_error)
}

/// The standard library has no word for sending after `shutdown(Shutdown::Write)`.
fn send_error(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(WSAESHUTDOWN) => io::Error::new(io::ErrorKind::BrokenPipe, error),
        _ => error,
    }
}
