//! Beginning to listen.

use std::io;
use std::net::{self, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use super::listener::TcpListener;
use crate::net::address_errors::AddressErrors;
use crate::net::addresses::{Target, ToAddresses, lookup};
use crate::net::system::{REUSE_ADDRESS, set_reuse_port};
use crate::sys::errno::is_not_ours;

/// So many ports are tried before [`ListenOptions::bind_all`] gives up to find one that is free at all addresses.
const PORTS_TO_TRY: u32 = 16;

impl TcpListener {
    /// Listens at the first of `addresses` that can be had. To listen at all of them: [`ListenOptions::bind_all`].
    ///
    /// # Errors
    /// [`AddrInUse`](io::ErrorKind::AddrInUse), [`PermissionDenied`](io::ErrorKind::PermissionDenied) and others, if all
    /// fail; of several, [`AddressErrors`] has each. [`InvalidInput`](io::ErrorKind::InvalidInput)
    /// for what is no address. What [`lookup`] says of a name.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn bind(addresses: impl ToAddresses) -> impl Future<Output = io::Result<TcpListener>> {
        async { ListenOptions::new().bind(addresses).await }
    }
}

/// What has to be settled before listening begins.
///
/// ```
/// use giambio::net::ListenOptions;
///
/// giambio::run(async {
///     let listener = ListenOptions::new().backlog(16).only_v6(false).bind("127.0.0.1:0").await?;
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until `bind` is called"]
pub struct ListenOptions {
    backlog: i32,
    reuse_address: bool,
    reuse_port: bool,
    only_v6: Option<bool>,
    ttl: Option<u32>,
}

impl Default for ListenOptions {
    fn default() -> ListenOptions {
        ListenOptions::new()
    }
}

impl ListenOptions {
    /// A backlog of 1,024; the rest as the standard library does it.
    pub fn new() -> ListenOptions {
        let reuse_address = REUSE_ADDRESS;
        ListenOptions { backlog: 1024, reuse_address, reuse_port: false, only_v6: None, ttl: None }
    }

    /// How many connections may wait to be accepted. The system may have a limit of its own.
    pub fn backlog(self, connections: i32) -> ListenOptions {
        ListenOptions { backlog: connections, ..self }
    }

    /// May a port be bound while connections of its last owner linger? `true` by default, but on Windows, where the
    /// option means that a port may be taken from its owner.
    ///
    /// ```
    /// use giambio::net::ListenOptions;
    ///
    /// # giambio::run(async {
    /// let options = ListenOptions::new().reuse_address(true).ttl(64);
    /// let listener = options.bind("127.0.0.1:0").await?;
    /// assert_eq!(listener.ttl()?, 64);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reuse_address(self, reuse: bool) -> ListenOptions {
        ListenOptions { reuse_address: reuse, ..self }
    }

    /// May several listeners share the port, as when each thread has its own? Linux spreads connections over them; elsewhere
    /// one may get them all. Where ports can't be shared, [`bind`](ListenOptions::bind) fails with
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    ///
    /// ```
    /// use giambio::net::ListenOptions;
    /// use std::io::ErrorKind;
    ///
    /// # giambio::run(async {
    /// let options = ListenOptions::new().reuse_port(true);
    /// match options.bind("127.0.0.1:0").await {
    ///     Ok(first) => {
    ///         let second = options.bind(first.local_addr()?).await?; // in another thread, say
    ///         assert_eq!(first.local_addr()?, second.local_addr()?);
    ///     }
    ///     Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported),
    /// }
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reuse_port(self, reuse: bool) -> ListenOptions {
        ListenOptions { reuse_port: reuse, ..self }
    }

    /// Should a listener of IPv6 refuse IPv4? The system decides unless this does. Means nothing for IPv4.
    pub fn only_v6(self, only: bool) -> ListenOptions {
        ListenOptions { only_v6: Some(only), ..self }
    }

    /// How many routers a packet of an accepted connection may pass.
    pub fn ttl(self, ttl: u32) -> ListenOptions {
        ListenOptions { ttl: Some(ttl), ..self }
    }

    /// Listens at the first of `addresses` that can be had.
    ///
    /// # Errors
    /// As [`TcpListener::bind`].
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn bind(&self, addresses: impl ToAddresses) -> impl Future<Output = io::Result<TcpListener>> {
        async move {
            let addresses = lookup(addresses).await?;
            let mut errors = Vec::new();
            for &address in &addresses {
                match self.bind_one(address) {
                    Ok(listener) => return Ok(listener),
                    Err(error) => errors.push((address, error)),
                }
            }
            Err(AddressErrors::into_one(addresses.len(), errors))
        }
    }

    /// Listens at all of `addresses`, with a listener for each, in their order.
    ///
    /// ```
    /// # use giambio::net::TcpStream;
    /// use giambio::net::ListenOptions;
    /// use giambio::nursery;
    /// use std::io;
    ///
    /// giambio::run(async {
    ///     let listeners = ListenOptions::new().bind_all("localhost:0").await?; // [::1] and 127.0.0.1
    ///     # let port = listeners[0].local_addr()?.port();
    ///     # let client = TcpStream::connect(("localhost", port)).await?;
    ///     nursery(async |n| {
    ///         for listener in &listeners {
    ///             n.spawn(async move {
    ///                 loop {
    ///                     let (stream, peer) = listener.accept().await?;
    ///                     n.spawn(async move { stream.send_all(format!("hello, {peer}\n").as_bytes()).await });
    ///                     # n.cancel();
    ///                 }
    ///             });
    ///         }
    ///         Ok::<(), io::Error>(())
    ///     })
    ///     .await
    ///     # .or_else(|error| if error.get_ref().is_some_and(|e| e.is::<giambio::Cancelled>()) { Ok(()) } else { Err(error) })
    /// })?;
    /// # Ok::<(), io::Error>(())
    /// ```
    ///
    /// * All that ask for port 0 get the same port.
    /// * An address of a *name* that this machine doesn't have is passed over, as long as there is one that it has. An address
    ///   that is given as such has to be there.
    /// * Listeners of IPv6 are for IPv6 alone if there is an address of IPv4 among them, unless
    ///   [`only_v6`](ListenOptions::only_v6) says otherwise.
    ///
    /// # Errors
    /// As [`TcpListener::bind`], if one fails; none listens then.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    #[track_caller]
    pub fn bind_all(&self, addresses: impl ToAddresses) -> impl Future<Output = io::Result<Vec<TcpListener>>> {
        async move {
            let target = addresses.to_target()?;
            let is_name = matches!(target, Target::Name(..));
            let addresses = target.look_up().await?;
            let has_v4 = addresses.iter().any(SocketAddr::is_ipv4);
            let options = ListenOptions { only_v6: self.only_v6.or(has_v4.then_some(true)), ..self.clone() };
            let mut tries = PORTS_TO_TRY;
            loop {
                tries -= 1;
                match options.bind_each(&addresses, is_name) {
                    // The port that the system chose for the first may be taken at another.
                    Err(error)
                        if tries > 0
                            && error.kind() == io::ErrorKind::AddrInUse
                            && addresses.iter().any(|address| address.port() == 0) => {}
                    bound => return bound,
                }
            }
        }
    }

    fn bind_each(&self, addresses: &[SocketAddr], is_name: bool) -> io::Result<Vec<TcpListener>> {
        let (mut listeners, mut missing) = (Vec::new(), Vec::new());
        let mut port = 0;
        for address in addresses {
            let mut address = *address;
            let any_port = address.port() == 0;
            if any_port {
                address.set_port(port);
            }
            match self.bind_one(address) {
                Ok(listener) => {
                    if any_port {
                        port = listener.local_addr()?.port();
                    }
                    listeners.push(listener);
                }
                Err(error) if is_name && is_not_ours(&error) => missing.push((address, error)),
                Err(error) => return Err(AddressErrors::into_one(addresses.len(), vec![(address, error)])),
            }
        }
        if listeners.is_empty() { Err(AddressErrors::into_one(addresses.len(), missing)) } else { Ok(listeners) }
    }

    fn bind_one(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        if self.reuse_address {
            socket.set_reuse_address(true)?;
        }
        if self.reuse_port {
            set_reuse_port(&socket)?;
        }
        if let (Some(only), SocketAddr::V6(_)) = (self.only_v6, address) {
            socket.set_only_v6(only)?;
        }
        let listener = {
            socket.bind(&address.into())?;
            socket.listen(self.backlog)?;
            net::TcpListener::from(socket)
        };
        if let Some(ttl) = self.ttl {
            listener.set_ttl(ttl)?;
        }
        Ok(TcpListener::from_nonblocking(listener))
    }
}
