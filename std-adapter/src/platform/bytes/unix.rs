//! Unix: moves bytes through a connection, without waiting and without a signal.
//!
//! The mode of a socket is shared by all its clones, in other threads and processes too, and each may change it. So no call
//! relies on it: each says that it must not wait.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::TcpStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags, recv, recvmsg, send as send_with, sendmsg,
};

/// Does only the socket's mode keep a call from waiting?
pub(crate) const RELY_ON_MODE: bool = false;

/// How many slices every call takes; the system refuses more.
pub(crate) const MOST_SLICES: usize = if cfg!(any(target_os = "solaris", target_os = "illumos")) { 16 } else { 1024 };

/// Who sends what nobody receives gets an error, and not SIGPIPE, which ends the process.
#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
/// There, [`make_quiet`] sees to it.
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::DONTWAIT;

#[cfg(not(target_vendor = "apple"))]
pub(crate) fn make_quiet(_: &TcpStream) {}

#[cfg(target_vendor = "apple")]
pub(crate) fn make_quiet(socket: &TcpStream) {
    // It is refused where the peer has reset the connection already; then the next call says so.
    let _ = rustix::net::sockopt::set_socket_nosigpipe(socket, true);
}

pub(crate) fn receive(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(recv(socket, buffer, RecvFlags::DONTWAIT)?.0)
}

pub(crate) fn peek(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(recv(socket, buffer, RecvFlags::DONTWAIT | RecvFlags::PEEK)?.0)
}

pub(crate) fn receive_vectored(socket: &TcpStream, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    Ok(recvmsg(socket, buffers, &mut RecvAncillaryBuffer::default(), RecvFlags::DONTWAIT)?.bytes)
}

pub(crate) fn send(socket: &TcpStream, data: &[u8]) -> io::Result<usize> {
    Ok(send_with(socket, data, SEND)?)
}

pub(crate) fn send_vectored(socket: &TcpStream, data: &[IoSlice<'_>]) -> io::Result<usize> {
    Ok(sendmsg(socket, data, &mut SendAncillaryBuffer::default(), SEND)?)
}
