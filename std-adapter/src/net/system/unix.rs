//! Unix: moves bytes through a connection, without waiting and without a signal.
//!
//! The mode of a socket is shared by all its clones, in other threads and processes too, and each may change it. So no call
//! relies on it: each says that it must not wait.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsFd;

use giambio_core::__fault as fault;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, recv, recvmsg, send as send_with,
    sendmsg,
};

use crate::reactor::Done;

/// Does only the socket's mode keep a call from waiting?
pub(in crate::net) const RELIES_ON_MODE: bool = false;

/// As the standard library: a port may be bound again while old connections linger in TIME_WAIT.
pub(in crate::net) const REUSE_ADDRESS: bool = true;

#[cfg(not(any(target_os = "solaris", target_os = "illumos")))]
pub(in crate::net) fn set_reuse_port(socket: &socket2::Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(any(target_os = "solaris", target_os = "illumos"))]
pub(in crate::net) fn set_reuse_port(_: &socket2::Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Who sends what nobody receives gets an error, and not SIGPIPE, which ends the process.
#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
/// There, [`make_quiet`] sees to it.
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::DONTWAIT;

#[cfg(not(target_vendor = "apple"))]
pub(in crate::net) fn make_quiet(_: &impl AsFd) {}

#[cfg(target_vendor = "apple")]
pub(in crate::net) fn make_quiet(socket: &impl AsFd) {
    // It is refused where the peer has reset the connection already; then the next call says so.
    let _ = rustix::net::sockopt::set_socket_nosigpipe(socket, true);
}

pub(in crate::net) fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<Done<usize>> {
    let room = buffer.len();
    Ok(Done::moved(recv(socket, buffer, RecvFlags::DONTWAIT)?.0, room))
}

pub(in crate::net) fn peek(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    Ok(recv(socket, buffer, RecvFlags::DONTWAIT | RecvFlags::PEEK)?.0)
}

/// As `receive`, where descriptors may come along with bytes. Nobody takes those here, and the system closes them; but a call
/// stops behind the bytes with which they came, so that its count is short though there is more. It says that they were cut off.
pub(in crate::net) fn receive_vectored(
    socket: &impl AsFd,
    buffers: &mut [IoSliceMut<'_>],
    room: usize,
) -> io::Result<Done<usize>> {
    let message = recvmsg(socket, buffers, &mut RecvAncillaryBuffer::default(), RecvFlags::DONTWAIT)?;
    Ok(match message.flags.contains(ReturnFlags::CTRUNC) && !fault!("descriptors-hide-what-follows") {
        true => Done::more(message.bytes),
        false => Done::moved(message.bytes, room),
    })
}

pub(in crate::net) fn send(socket: &impl AsFd, data: &[u8]) -> io::Result<Done<usize>> {
    Ok(Done::moved(send_with(socket, data, SEND)?, data.len()))
}

pub(in crate::net) fn send_vectored(
    socket: &impl AsFd,
    data: &[IoSlice<'_>],
    length: usize,
) -> io::Result<Done<usize>> {
    Ok(Done::moved(sendmsg(socket, data, &mut SendAncillaryBuffer::default(), SEND)?, length))
}
