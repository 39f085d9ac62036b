//! Windows: moves bytes through a connection. It has no signal that sending could raise, and no way to say for one call that it
//! must not wait: that is the socket's mode, which its clones share. So `Source::call` sets it first where others may have
//! changed it, by one more call to the system.

use std::cell::Cell;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use socket2::{SockAddr, Socket};

use crate::net::received::Received;
use crate::reactor::Done;
use crate::sys::errno::{is_of_another, is_too_long, send_error};

/// Does only the socket's mode keep a call from waiting?
pub(in crate::net) const RELIES_ON_MODE: bool = true;

/// On Windows the option means something else: that a port may be taken from who has it.
pub(in crate::net) const REUSE_ADDRESS: bool = false;

pub(in crate::net) fn set_reuse_port(_: &socket2::Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(in crate::net) fn make_quiet<S>(_: &S) {}

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

/// Room for the longest datagram of UDP.
const LONGEST: usize = 1 << 16;

/// So many errors that concern others are passed over at a stretch, before others have their turn.
const ERRORS_AT_A_STRETCH: u32 = 100;

thread_local! {
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A datagram, or with `peek` a look at it, and who has sent it.
///
/// Of one that is longer than the buffer the system does not say who has sent it. So there is always room for the longest, from
/// which the beginning is copied.
pub(in crate::net) fn receive_from(
    socket: &UdpSocket,
    buffer: &mut [u8],
    peek: bool,
) -> io::Result<(Received, SocketAddr)> {
    if buffer.len() >= LONGEST {
        let (length, from) = receive_own(socket, buffer, peek)?;
        return Ok((Received::of(length, buffer.len()), from));
    }
    let mut room = ROOM.take();
    room.resize(LONGEST, 0);
    let received = receive_own(socket, &mut room, peek).map(|(length, from)| {
        let received = Received::of(length, buffer.len());
        buffer[..received.length].copy_from_slice(&room[..received.length]);
        (received, from)
    });
    ROOM.set(room);
    received
}

/// Passes over what the system says about datagrams that were sent to others, where nobody was: a socket that is connected to
/// nobody has no use for it. What is about the one peer is as elsewhere that he refuses.
fn receive_own(socket: &UdpSocket, buffer: &mut [u8], peek: bool) -> io::Result<(usize, SocketAddr)> {
    for _ in 0..ERRORS_AT_A_STRETCH {
        match if peek { socket.peek_from(buffer) } else { socket.recv_from(buffer) } {
            Err(error) if !is_of_another(&error) => return Err(error),
            Err(error) if socket.peer_addr().is_ok() => {
                return Err(io::Error::new(io::ErrorKind::ConnectionRefused, error));
            }
            Err(_) => {}
            received => return received,
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

pub(in crate::net) fn send_datagram(socket: &UdpSocket, data: &[u8]) -> io::Result<()> {
    socket.send(data).map(|_| ())
}

pub(in crate::net) fn send_to(socket: &UdpSocket, data: &[u8], to: &SocketAddr) -> io::Result<()> {
    socket.send_to(data, to).map(|_| ())
}

/// Bytes of a stream, or a message.
pub(in crate::net) fn receive_any(mut socket: &Socket, buffer: &mut [u8], _is_stream: bool) -> io::Result<Received> {
    let room = buffer.len();
    match socket.read(buffer) {
        Err(error) if is_too_long(&error) => Ok(Received::cut_or_not(room, true)),
        received => received.map(|count| Received::of(count, count)),
    }
}

pub(in crate::net) fn send_any(socket: &Socket, data: &[u8]) -> io::Result<usize> {
    socket.send(data).map_err(send_error)
}

pub(in crate::net) fn send_to_any(socket: &Socket, data: &[u8], to: &SockAddr) -> io::Result<usize> {
    socket.send_to(data, to).map_err(send_error)
}
