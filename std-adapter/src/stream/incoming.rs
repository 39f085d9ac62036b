//! What is received from, whatever it is.

use std::future::poll_fn;
use std::io;

use super::all::ReceiveExact;
use super::ends::PollReceive;
use super::to_end::ReceiveToEnd;

/// What bytes come from: a [`ByteStream`](super::ByteStream), its [`ReceiveHalf`](super::ReceiveHalf), an end of a
/// [`duplex`](super::duplex), a stream of another library in a [`Foreign`](super::Foreign), a reference to one of these, the
/// standard input.
///
/// It is a bound for code that is for all of them, and what such code calls; none can be added from outside.
///
/// ```
/// use giambio::stream::{Incoming, Outgoing, duplex};
/// use std::io;
///
/// async fn echo(stream: &(impl Incoming + Outgoing)) -> io::Result<()> {
///     let mut buffer = [0; 1024];
///     loop {
///         match stream.receive(&mut buffer).await? {
///             0 => return stream.finish().await,
///             count => stream.send_all(&buffer[..count]).await?,
///         }
///     }
/// }
///
/// giambio::testing::run(async {
///     let (client, server) = duplex(64);
///     client.send_all(b"hello").await?;
///     client.finish().await?;
///     echo(&server).await?;
///     let mut beginning = [0; 2];
///     client.receive_exact(&mut beginning).await?;
///     assert_eq!((&beginning, &*client.receive_to_end(100).await?), (b"he", &b"llo"[..]));
///     io::Result::Ok(())
/// })?;
/// # io::Result::Ok(())
/// ```
pub trait Incoming: PollReceive {
    /// As [`ByteStream::receive`](super::ByteStream::receive).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        let mut claim = Self::Claim::default();
        poll_fn(move |cx| self.poll_receive(cx, &mut claim, buffer))
    }

    /// As [`ByteStream::receive_exact`](super::ByteStream::receive_exact).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As [`receive`](Incoming::receive).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): see there.
    fn receive_exact<'a>(&'a self, buffer: &'a mut [u8]) -> ReceiveExact<'a, Self> {
        ReceiveExact::new(self, buffer)
    }

    /// As [`ByteStream::receive_to_end`](super::ByteStream::receive_to_end).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As [`receive`](Incoming::receive).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): see there.
    fn receive_to_end(&self, limit: usize) -> ReceiveToEnd<'_, Self> {
        ReceiveToEnd::new(self, limit)
    }
}

impl<T: PollReceive + ?Sized> Incoming for T {}
