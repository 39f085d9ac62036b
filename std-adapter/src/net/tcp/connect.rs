//! Making a connection.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use giambio_core::__fault as fault;
use giambio_core::{Cancelled, fail_after, move_on_after, nursery};
use socket2::{Domain, Protocol, Socket, Type};

use super::stream::TcpStream;
use crate::net::address_errors::AddressErrors;
use crate::net::addresses::{Target, ToAddresses};
use crate::net::connecting::connected;

/// So long after an address was tried the next one is, too, if it has not answered (RFC 8305).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

impl TcpStream {
    /// Connects to the first of `addresses` that answers: how they are tried is said at
    /// [`ConnectOptions::connect`].
    ///
    /// ```no_run
    /// # giambio::run(async {
    /// let stream = giambio::net::TcpStream::connect("localhost:1500").await?;
    /// # Ok::<(), std::io::Error>(()) });
    /// ```
    ///
    /// # Errors
    /// That of the address, or of several [`AddressErrors`], which has the error of each;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for what is no address; what [`lookup`](crate::net::lookup) says of a
    /// name.
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) Connections that were being made are closed.
    #[track_caller]
    pub fn connect(addresses: impl ToAddresses) -> impl Future<Output = io::Result<TcpStream>> {
        async { ConnectOptions::new().connect(addresses).await }
    }
}

/// What has to be settled before a connection is made. Most options of a stream can be set later, on [`TcpStream`].
///
/// ```
/// # use giambio::net::TcpListener;
/// use giambio::net::ConnectOptions;
///
/// giambio::run(async {
///     # let listener = TcpListener::bind("127.0.0.1:0").await?;
///     # let server = listener.local_addr()?;
///     let stream = ConnectOptions::new().local_address("127.0.0.2:0".parse().unwrap()).connect(server).await?;
///     assert_eq!(stream.local_addr()?.ip().to_string(), "127.0.0.2");
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until `connect` is called"]
pub struct ConnectOptions {
    local: Option<SocketAddr>,
    send_buffer: Option<usize>,
    receive_buffer: Option<usize>,
    attempt_timeout: Option<Duration>,
}

impl ConnectOptions {
    /// The system's defaults.
    pub fn new() -> ConnectOptions {
        ConnectOptions::default()
    }

    /// Connects from this address of ours; port 0 lets the system choose one.
    pub fn local_address(self, address: SocketAddr) -> ConnectOptions {
        ConnectOptions { local: Some(address), ..self }
    }

    /// How many bytes the system may hold that were sent but not delivered.
    pub fn send_buffer_size(self, bytes: usize) -> ConnectOptions {
        ConnectOptions { send_buffer: Some(bytes), ..self }
    }

    /// How many bytes the system may hold that wait to be received. Settled when the connection is made, because it limits the
    /// window that the peer is offered.
    pub fn receive_buffer_size(self, bytes: usize) -> ConnectOptions {
        ConnectOptions { receive_buffer: Some(bytes), ..self }
    }

    /// Gives up on an address for which there is no answer in this time, with [`TimedOut`](io::ErrorKind::TimedOut). The
    /// system does so by itself, often after minutes.
    ///
    /// ```
    /// use giambio::net::{ConnectOptions, TcpListener};
    /// use std::time::Duration;
    ///
    /// # giambio::run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let server = listener.local_addr()?;
    /// let options = ConnectOptions::new().attempt_timeout(Duration::from_secs(3));
    /// let stream = options.send_buffer_size(1 << 16).receive_buffer_size(1 << 16).connect(server).await?;
    /// assert!(stream.send_buffer_size()? > 0);
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn attempt_timeout(self, limit: Duration) -> ConnectOptions {
        ConnectOptions { attempt_timeout: Some(limit), ..self }
    }

    /// Connects to the first of `addresses` that answers.
    ///
    /// They are tried in their order, each when the one before has failed or has not answered within 250 ms; that one is
    /// waited for all the same. The first connection that comes about is returned, the others are closed. Of the
    /// addresses of a *name*, those of IPv6 and of IPv4 take turns: if one of the two leads nowhere, the other one is soon
    /// tried (RFC 8305).
    ///
    /// A connection to itself is refused. Systems make one now and then where nobody listens at a port of this machine that
    /// they might as well choose for who connects: then the answer to each question would be the question.
    ///
    /// # Errors
    /// That of the address, or of several [`AddressErrors`], which has the error of each;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for what is no address; what [`lookup`](crate::net::lookup) says of a
    /// name.
    ///
    /// # Panics
    /// If it has to wait [outside of a run](crate::net).
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation) Connections that were being made are closed.
    #[track_caller]
    pub fn connect(&self, addresses: impl ToAddresses) -> impl Future<Output = io::Result<TcpStream>> {
        async move {
            let target = addresses.to_target()?;
            let is_name = matches!(target, Target::Name(..));
            let addresses = target.look_up().await?;
            match addresses[..] {
                // The one path that is not boxed: most connections take it.
                [only] if self.attempt_timeout.is_none() => self.connect_one(only).await,
                _ if is_name => Box::pin(self.race(taking_turns(addresses))).await,
                _ => Box::pin(self.race(addresses)).await,
            }
        }
    }

    /// An attempt for each address, in a nursery: the first that succeeds cancels the others.
    async fn race(&self, addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
        let asked = addresses.len();
        let (winner, errors) = (Cell::new(None), RefCell::new(Vec::new()));
        let _: Result<(), Cancelled> = nursery(async |n| {
            let (winner, errors) = (&winner, &errors);
            for address in addresses {
                let attempt = n.child().name("connect").spawn(async move {
                    match self.attempt(address).await {
                        Ok(stream) => {
                            winner.set(Some(stream));
                            n.cancel();
                        }
                        Err(error) => errors.borrow_mut().push((address, error)),
                    }
                    Ok(())
                });
                let delay = if fault!("one-address-after-the-other") { Duration::MAX } else { ATTEMPT_DELAY };
                move_on_after(delay, attempt).await;
            }
            Ok(())
        })
        .await;
        winner.into_inner().ok_or_else(|| AddressErrors::into_one(asked, errors.into_inner()))
    }

    async fn attempt(&self, address: SocketAddr) -> io::Result<TcpStream> {
        match self.attempt_timeout {
            None => self.connect_one(address).await,
            Some(limit) => fail_after(limit, self.connect_one(address)).await?,
        }
    }

    async fn connect_one(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        if let Some(bytes) = self.send_buffer {
            socket.set_send_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(local) = self.local {
            socket.bind(&local.into())?;
        }
        let stream = connected(socket, &address.into()).await?;
        if !fault!("connected-to-itself") {
            refuse_itself(&stream)?;
        }
        Ok(stream)
    }
}

/// Where nobody listens at a port that the system may choose as ours, it chooses that some day, and connects the socket to
/// itself.
fn refuse_itself(stream: &TcpStream) -> io::Result<()> {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(local), Ok(peer)) if local == peer => {
            // Who comes to listen finds the port free.
            let _ = stream.set_linger(Some(Duration::ZERO));
            let text = format!("nobody listens at {peer}: the system had connected the socket to itself");
            Err(io::Error::new(io::ErrorKind::ConnectionRefused, text))
        }
        _ => Ok(()),
    }
}

/// IPv6 and IPv4 in turn, beginning with that of the first address, each in its order.
fn taking_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(first.next());
        all.extend(second.next());
        if all.len() == before {
            return all;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns_and_what_is_left_of_one_follows() {
        let address = |text: &&str| -> SocketAddr { format!("{text}:1").parse().unwrap() };
        let of = |texts: &[&str]| texts.iter().map(address).collect::<Vec<_>>();
        let turns = |texts| taking_turns(of(texts));
        assert_eq!(turns(&["[::1]", "[::2]", "[::3]", "1.1.1.1"]), of(&["[::1]", "1.1.1.1", "[::2]", "[::3]"]));
        assert_eq!(turns(&["1.1.1.1", "1.1.1.2", "[::1]"]), of(&["1.1.1.1", "[::1]", "1.1.1.2"]));
        assert_eq!(turns(&["1.1.1.1", "1.1.1.2"]), of(&["1.1.1.1", "1.1.1.2"]));
        assert_eq!(turns(&[]), of(&[]));
    }
}
