//! What can be served: whatever accepts.

use std::io;

use crate::net::listener::{Listener, Listens};
use crate::stream::{ByteStream, Connection};

/// What [`serve`](super::serve()) takes connections from: each [`Listener`] of this crate, and whatever else accepts, as a
/// channel of connections in a test. A handshake, as that of TLS, is for the handler, where nobody else waits for it.
///
/// ```
/// use giambio::channel::Unbounded;
/// use giambio::net::{Accept, serve};
/// use std::io;
///
/// /// Serves what other tasks send.
/// struct Calls<'a>(&'a Unbounded<String>);
///
/// impl Accept for Calls<'_> {
///     type Stream = String;
///     type Peer = ();
///
///     async fn accept(&self) -> io::Result<(String, ())> {
///         match self.0.receive().await {
///             Ok(call) => Ok((call, ())),
///             Err(_) => Err(io::ErrorKind::ConnectionRefused.into()), // the server ends with it
///         }
///     }
///
///     fn close(&self) {
///         self.0.close();
///     }
/// }
///
/// giambio::run(async {
///     let calls = Unbounded::new();
///     calls.send("hello".to_owned()).unwrap();
///     calls.close();
///     let ended = serve(Calls(&calls), async |call, ()| assert_eq!(call, "hello")).await;
///     assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
/// });
/// ```
pub trait Accept {
    /// A connection.
    type Stream;
    /// Who is at its other end.
    type Peer;

    /// Waits for a connection. It has to suspend now and then even if one is always there, as the waiting methods of this
    /// crate do, or nothing else gets on.
    ///
    /// # Errors
    /// Of a connection or of the system as well: [`serve`](super::serve()) passes over those, and waits for what there is a
    /// want of. Any other ends the server.
    ///
    /// # Cancellation
    /// It should be [**Restartable; loses its place**](giambio_core#cancellation): a stop drops it, and no connection with it.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>>;

    /// Takes no more connections, and lets nobody connect. It may be called twice.
    fn close(&self);
}

impl<L: Listens> Accept for Listener<L> {
    type Stream = ByteStream<L::Stream>;
    type Peer = <L::Stream as Connection>::Address;

    /// As [`accept`](Listener::accept), but each error is told, as this trait has it.
    ///
    /// # Errors
    /// [`Closed`](crate::net::Closed); what the system says about the listener, a connection, or itself.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](giambio_core#cancellation)
    #[track_caller]
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>> {
        self.accept_once()
    }

    fn close(&self) {
        Listener::close(self);
    }
}

/// A listener that is lent is closed all the same.
impl<A: Accept + ?Sized> Accept for &A {
    type Stream = A::Stream;
    type Peer = A::Peer;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>> {
        (**self).accept()
    }

    fn close(&self) {
        (**self).close();
    }
}
