//! Unix: moves bytes through a connection, without waiting and without a signal.
//!
//! The mode of a socket is shared by all its clones, in other threads and processes too, and each may change it. So no call
//! relies on it: each says that it must not wait.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use giambio_core::__fault as fault;
use rustix::io::Errno;
use rustix::net::addr::SocketAddrArg;
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::net::recvfrom;
use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny, recv, recvmsg,
    send as send_with, sendmsg, sendto,
};

use crate::net::received::Received;
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

/// A datagram, or with `peek` a look at it, and who has sent it, if he has an address.
pub(in crate::net) fn receive_datagram(
    socket: &impl AsFd,
    buffer: &mut [u8],
    peek: bool,
) -> io::Result<(Received, Option<SocketAddrAny>)> {
    let flags = RecvFlags::DONTWAIT | if peek { RecvFlags::PEEK } else { RecvFlags::empty() };
    receive_whole_or_cut(socket, buffer, flags)
}

/// Here the system says how long it was, however much of it there is room for.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn receive_whole_or_cut(
    socket: &impl AsFd,
    buffer: &mut [u8],
    flags: RecvFlags,
) -> io::Result<(Received, Option<SocketAddrAny>)> {
    let room = buffer.len();
    let (_, whole, from) = recvfrom(socket, buffer, flags | RecvFlags::TRUNC)?;
    Ok((Received::of(whole, room), from))
}

/// Here it says that there was more, and not how much.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn receive_whole_or_cut(
    socket: &impl AsFd,
    buffer: &mut [u8],
    flags: RecvFlags,
) -> io::Result<(Received, Option<SocketAddrAny>)> {
    let message = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut RecvAncillaryBuffer::default(), flags)?;
    let is_cut = message.flags.contains(ReturnFlags::TRUNC);
    Ok((Received::cut_or_not(message.bytes, is_cut), message.address))
}

/// A datagram of UDP, which always has a sender.
pub(in crate::net) fn receive_from(
    socket: &UdpSocket,
    buffer: &mut [u8],
    peek: bool,
) -> io::Result<(Received, SocketAddr)> {
    let (received, from) = receive_datagram(socket, buffer, peek)?;
    let from = from.ok_or(Errno::AFNOSUPPORT)?;
    Ok((received, SocketAddr::try_from(from)?))
}

pub(in crate::net) fn send_datagram(socket: &impl AsFd, data: &[u8]) -> io::Result<()> {
    send_with(socket, data, SEND)?;
    Ok(())
}

pub(in crate::net) fn send_to(socket: &impl AsFd, data: &[u8], to: &impl SocketAddrArg) -> io::Result<()> {
    sendto(socket, data, SEND, to)?;
    Ok(())
}
