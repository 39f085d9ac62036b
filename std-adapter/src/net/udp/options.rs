//! The options of a UDP socket.

use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr};

use socket2::SockRef;

use super::socket::UdpSocket;

/// # Options
///
/// All of them fail with [`Closed`](crate::net::Closed) after `close`, and with the system's error if it refuses.
///
/// ```
/// # use giambio::net::UdpSocket;
/// # use std::net::Ipv4Addr;
/// # giambio::run(async {
/// let socket = UdpSocket::bind("0.0.0.0:0").await?;
/// socket.set_broadcast(true)?;
/// socket.set_multicast_ttl_v4(4)?;
/// assert!(socket.broadcast()? && socket.multicast_ttl_v4()? == 4);
///
/// socket.set_ttl(32)?;
/// socket.set_receive_buffer_size(1 << 18)?; // for bursts
/// socket.set_send_buffer_size(1 << 16)?;
/// assert!(socket.ttl()? == 32 && socket.receive_buffer_size()? > 0 && socket.send_buffer_size()? > 0);
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
impl UdpSocket {
    /// May it send to all in a network at once, at the address for that?
    ///
    /// # Errors
    /// See [options](#options).
    pub fn broadcast(&self) -> io::Result<bool> {
        self.option(net::UdpSocket::broadcast)
    }

    /// Sets [`broadcast`](UdpSocket::broadcast).
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.option(|socket| socket.set_broadcast(broadcast))
    }

    /// How many routers a datagram may pass.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn ttl(&self) -> io::Result<u32> {
        self.option(net::UdpSocket::ttl)
    }

    /// Sets [`ttl`](UdpSocket::ttl).
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.option(|socket| socket.set_ttl(ttl))
    }

    /// Receives from now on what is sent to the group `group`, too, at the interface that has this address; the unspecified one
    /// lets the system choose.
    ///
    /// ```
    /// use giambio::net::UdpSocket;
    /// use std::io;
    /// use std::net::{Ipv4Addr, Ipv6Addr};
    ///
    /// /// What is announced in this network, by either protocol.
    /// async fn listen() -> io::Result<(UdpSocket, UdpSocket)> {
    ///     let (mdns, mdns6) = (Ipv4Addr::new(224, 0, 0, 251), Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb));
    ///     let socket = UdpSocket::bind("0.0.0.0:5353").await?;
    ///     socket.join_multicast_v4(mdns, Ipv4Addr::UNSPECIFIED)?;
    ///     socket.set_multicast_loop_v4(false)?; // not what we say ourselves
    ///     assert!(!socket.multicast_loop_v4()?);
    ///     let socket6 = UdpSocket::bind("[::]:5353").await?;
    ///     socket6.join_multicast_v6(mdns6, 0)?;
    ///     Ok((socket, socket6))
    /// }
    ///
    /// fn leave(socket: &UdpSocket, socket6: &UdpSocket) -> io::Result<()> {
    ///     socket.leave_multicast_v4(Ipv4Addr::new(224, 0, 0, 251), Ipv4Addr::UNSPECIFIED)?;
    ///     socket6.leave_multicast_v6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb), 0)
    /// }
    /// ```
    ///
    /// # Errors
    /// See [options](#options): as for what is no address of a group.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.option(|socket| socket.join_multicast_v4(&group, &interface))
    }

    /// Ends [`join_multicast_v4`](UdpSocket::join_multicast_v4).
    ///
    /// # Errors
    /// See [options](#options): as for a group that was not joined.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.option(|socket| socket.leave_multicast_v4(&group, &interface))
    }

    /// Receives from now on what is sent to the group `group`, too, at the interface of this number; 0 lets the system choose.
    ///
    /// # Errors
    /// See [options](#options): as for what is no address of a group.
    pub fn join_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        self.option(|socket| socket.join_multicast_v6(&group, interface))
    }

    /// Ends [`join_multicast_v6`](UdpSocket::join_multicast_v6).
    ///
    /// # Errors
    /// See [options](#options): as for a group that was not joined.
    pub fn leave_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        self.option(|socket| socket.leave_multicast_v6(&group, interface))
    }

    /// Does this machine get what is sent from here to a group that it has joined? (On Windows that is asked of who receives.)
    ///
    /// # Errors
    /// See [options](#options).
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.option(net::UdpSocket::multicast_loop_v4)
    }

    /// Sets [`multicast_loop_v4`](UdpSocket::multicast_loop_v4).
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.option(|socket| socket.set_multicast_loop_v4(on))
    }

    /// As [`multicast_loop_v4`](UdpSocket::multicast_loop_v4), for groups of IPv6.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.option(net::UdpSocket::multicast_loop_v6)
    }

    /// Sets [`multicast_loop_v6`](UdpSocket::multicast_loop_v6).
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.option(|socket| socket.set_multicast_loop_v6(on))
    }

    /// How many routers a datagram to a group may pass; 1 by default, which keeps it in the network.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.option(net::UdpSocket::multicast_ttl_v4)
    }

    /// Sets [`multicast_ttl_v4`](UdpSocket::multicast_ttl_v4).
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.option(|socket| socket.set_multicast_ttl_v4(ttl))
    }

    /// How many bytes the system may hold that were sent but not passed on.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        self.option(|socket| SockRef::from(socket).send_buffer_size())
    }

    /// Asks for [`send_buffer_size`](UdpSocket::send_buffer_size); the system may round it, or double it as Linux does.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.option(|socket| SockRef::from(socket).set_send_buffer_size(bytes))
    }

    /// How many bytes the system may hold that wait to be received; what comes when it is full is lost.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn receive_buffer_size(&self) -> io::Result<usize> {
        self.option(|socket| SockRef::from(socket).recv_buffer_size())
    }

    /// Asks for [`receive_buffer_size`](UdpSocket::receive_buffer_size); the system may round it, or double it as Linux does.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_receive_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.option(|socket| SockRef::from(socket).set_recv_buffer_size(bytes))
    }

    fn option<T>(&self, look: impl FnOnce(&net::UdpSocket) -> io::Result<T>) -> io::Result<T> {
        self.source().with(look)
    }
}
