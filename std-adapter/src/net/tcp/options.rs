//! The options of a connection that can be set at any time.

use std::io;
use std::net;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use super::stream::TcpStream;
use crate::sys::limits::LONGEST_LINGER;

/// # Options
///
/// All of them fail with [`Closed`](crate::net::Closed) after `close`, and with the system's error if it refuses.
///
/// ```
/// # use giambio::net::{TcpListener, TcpStream};
/// # use std::time::Duration;
/// # giambio::run(async {
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let stream = TcpStream::connect(listener.local_addr()?).await?;
/// stream.set_nodelay(true)?;
/// stream.set_keepalive(Some(Duration::from_secs(60)))?;
/// stream.set_ttl(32)?;
/// stream.set_linger(None)?;
/// assert!(stream.nodelay()? && stream.keepalive()? && stream.ttl()? == 32 && stream.linger()?.is_none());
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
impl TcpStream {
    /// Are small pieces of data sent at once, rather than gathered while earlier ones are on their way?
    ///
    /// # Errors
    /// See [options](#options).
    pub fn nodelay(&self) -> io::Result<bool> {
        self.option(net::TcpStream::nodelay)
    }

    /// Sets [`nodelay`](TcpStream::nodelay).
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.option(|socket| socket.set_nodelay(nodelay))
    }

    /// How many routers a packet may pass.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn ttl(&self) -> io::Result<u32> {
        self.option(net::TcpStream::ttl)
    }

    /// Sets [`ttl`](TcpStream::ttl).
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.option(|socket| socket.set_ttl(ttl))
    }

    /// How long the system goes on trying to deliver what was sent, once the socket is closed. `None`: it decides.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.option(|socket| SockRef::from(socket).linger())
    }

    /// Sets [`linger`](TcpStream::linger), in whole seconds, rounded up, and no more than the system knows (9 hours; 5
    /// minutes on Apple's). Zero throws away what was not delivered and resets the connection. Anything else makes closing
    /// block the thread for as long, so prefer `None`.
    ///
    /// # Errors
    /// See [options](#options).
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        let linger = linger.map(|linger| whole_seconds(linger).min(LONGEST_LINGER));
        self.option(|socket| SockRef::from(socket).set_linger(linger))
    }

    /// Does the system probe a connection on which nothing moves?
    ///
    /// # Errors
    /// See [options](#options).
    pub fn keepalive(&self) -> io::Result<bool> {
        self.option(|socket| SockRef::from(socket).keepalive())
    }

    /// Has the system probe the connection when nothing has moved for `idle`, so that a peer that vanished is noticed;
    /// `None`: not. It counts whole seconds: rounded up, and at least one.
    ///
    /// # Errors
    /// See [options](#options). [`InvalidInput`](io::ErrorKind::InvalidInput) for more than the system knows (9 hours on
    /// Linux); whether it probes is then as before.
    pub fn set_keepalive(&self, idle: Option<Duration>) -> io::Result<()> {
        self.option(|socket| {
            let socket = SockRef::from(socket);
            let Some(idle) = idle else { return socket.set_keepalive(false) };
            let idle = whole_seconds(idle).max(Duration::from_secs(1));
            let before = socket.keepalive()?;
            // This switches it on first.
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle)).inspect_err(|_| {
                let _ = socket.set_keepalive(before);
            })
        })
    }

    pub(super) fn option<T>(&self, look: impl FnOnce(&net::TcpStream) -> io::Result<T>) -> io::Result<T> {
        self.source().with(look)
    }
}

/// Rounded up: what becomes zero would mean something else.
fn whole_seconds(span: Duration) -> Duration {
    let up = u64::from(span.subsec_nanos() > 0);
    Duration::from_secs(span.as_secs().saturating_add(up))
}
