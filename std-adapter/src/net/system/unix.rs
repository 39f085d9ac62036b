//! Unix: moves bytes through a connection, without waiting and without a signal.
//!
//! The mode of a socket is shared by all its clones, in other threads and processes too, and each may change it. So no call
//! relies on it: each says that it must not wait.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr as UnixAddress;

use giambio_core::__fault as fault;
use rustix::io::Errno;
use rustix::net::addr::SocketAddrArg;
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::net::recvfrom;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrAny, SocketAddrUnix, recv, recvmsg, send as send_with, sendmsg, sendto,
};
use socket2::{SockAddr, SockRef};

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
/// stops behind the bytes with which they came, so that its count is short though there is more. It says that they were cut
/// off.
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

/// Bytes of a stream, or a message, of which the system would otherwise throw bytes away to count them.
pub(in crate::net) fn receive_any(socket: &impl AsFd, buffer: &mut [u8], is_stream: bool) -> io::Result<Received> {
    if is_stream {
        let count = recv(socket, buffer, RecvFlags::DONTWAIT)?.1;
        return Ok(Received::of(count, count));
    }
    receive_datagram(socket, buffer, false).map(|(received, _)| received)
}

pub(in crate::net) fn send_any(socket: &impl AsFd, data: &[u8]) -> io::Result<usize> {
    Ok(send_with(socket, data, SEND)?)
}

/// As `send_to`, for the addresses that `socket2` has.
pub(in crate::net) fn send_to_any(socket: &impl AsFd, data: &[u8], to: &SockAddr) -> io::Result<usize> {
    SockRef::from(socket).send_to_with_flags(data, to, SEND.bits() as _)
}

/// The address of a socket on this machine, as `socket2` has it.
pub(in crate::net) fn address_of(address: &UnixAddress) -> io::Result<SockAddr> {
    if let Some(path) = address.as_pathname() {
        return SockAddr::unix(path);
    }
    match abstract_name(address) {
        Some(name) => SockAddr::unix(OsStr::from_bytes(&[b"\0", name].concat())),
        None => Err(io::Error::new(io::ErrorKind::InvalidInput, "an address without a name leads to nobody")),
    }
}

/// The address of who has sent something, which may be without a name. So is one that can't be said, or its datagram were lost.
pub(in crate::net) fn unix_address(address: Option<SocketAddrAny>) -> io::Result<UnixAddress> {
    // Linux lets a path fill the whole field, and adds a NUL behind it; rustix panics at that.
    let address = address.filter(|address| address.addr_len() as usize <= size_of::<libc::sockaddr_un>());
    let Some(address) = address else { return UnixAddress::from_pathname("") };
    let address = SocketAddrUnix::try_from(address)?;
    let named = match address.path() {
        Some(path) => UnixAddress::from_pathname(OsStr::from_bytes(path.to_bytes())),
        None => with_abstract_name(&address),
    };
    named.or_else(|_| UnixAddress::from_pathname(""))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
use abstract_names::{abstract_name, with_abstract_name};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod abstract_names {
    use std::io;
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    use rustix::net::SocketAddrUnix;

    pub(super) fn abstract_name(address: &SocketAddr) -> Option<&[u8]> {
        address.as_abstract_name()
    }

    pub(super) fn with_abstract_name(address: &SocketAddrUnix) -> io::Result<SocketAddr> {
        match address.abstract_name() {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(""),
        }
    }
}

/// Only Linux has such names.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name(_: &UnixAddress) -> Option<&[u8]> {
    None
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn with_abstract_name(_: &SocketAddrUnix) -> io::Result<UnixAddress> {
    UnixAddress::from_pathname("")
}

/// How many descriptors go along at once: no system takes more than Linux.
pub(in crate::net) const MOST_FDS: usize = 253;

/// Room for as many, in the system's format.
type RoomForFds = [MaybeUninit<u8>; rustix::cmsg_space!(ScmRights(MOST_FDS))];

/// Sends bytes, and descriptors along with the first of them.
pub(in crate::net) fn send_with_fds(socket: &impl AsFd, data: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut room: RoomForFds = [MaybeUninit::uninit(); _];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        let text = format!("{} descriptors can't go along at once: {MOST_FDS} are the most", fds.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(sendmsg(socket, &[IoSlice::new(data)], &mut control, SEND)?)
}

/// Nobody that this process starts inherits what comes along.
#[cfg(not(any(target_vendor = "apple", target_os = "illumos", target_os = "solaris")))]
const RECEIVE_FDS: RecvFlags = RecvFlags::DONTWAIT.union(RecvFlags::CMSG_CLOEXEC);
/// There, it is said of each afterwards.
#[cfg(any(target_vendor = "apple", target_os = "illumos", target_os = "solaris"))]
const RECEIVE_FDS: RecvFlags = RecvFlags::DONTWAIT;

/// Receives bytes or a datagram, and at most so many descriptors along with it. Were there more? Those are closed.
pub(in crate::net) fn receive_with_fds(
    socket: &impl AsFd,
    buffer: &mut [u8],
    most: usize,
) -> io::Result<(Received, Vec<OwnedFd>, bool)> {
    let most = most.min(MOST_FDS);
    let mut room: RoomForFds = [MaybeUninit::uninit(); _];
    let space = if most == 0 { 0 } else { rustix::cmsg_space!(ScmRights(most)) };
    let mut control = RecvAncillaryBuffer::new(&mut room[..space]);
    let message = recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RECEIVE_FDS)?;
    let mut fds = Vec::new();
    // The room is rounded up, so that there may be one more.
    let mut surplus = message.flags.contains(ReturnFlags::CTRUNC);
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            for fd in passed {
                if fds.len() < most {
                    close_on_exec(&fd)?;
                    fds.push(fd);
                } else {
                    surplus = true;
                }
            }
        }
    }
    Ok((Received::cut_or_not(message.bytes, message.flags.contains(ReturnFlags::TRUNC)), fds, surplus))
}

#[cfg(not(any(target_vendor = "apple", target_os = "illumos", target_os = "solaris")))]
fn close_on_exec(_: &OwnedFd) -> io::Result<()> {
    Ok(())
}

#[cfg(any(target_vendor = "apple", target_os = "illumos", target_os = "solaris"))]
fn close_on_exec(fd: &OwnedFd) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?)
}
