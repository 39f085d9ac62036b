//! What is sent to, whatever it is.

use std::future::poll_fn;
use std::io;

use super::all::SendAll;
use super::ends::PollSend;
use super::frame::SendFrame;

/// What bytes go to: a [`ByteStream`](super::ByteStream), its [`SendHalf`](super::SendHalf), an end of a
/// [`duplex`](super::duplex), a stream of another library in a [`Foreign`](super::Foreign), a reference to one of these.
///
/// It is a bound for code that is for all of them, and what such code calls; none can be added from outside.
///
/// ```
/// use giambio::stream::{Buffered, Outgoing, duplex};
/// use std::io;
///
/// async fn greet(to: &impl Outgoing) -> io::Result<()> {
///     to.send_all(b"hello\n").await?;
///     to.send_frame(b"any bytes").await?;
///     to.finish().await
/// }
///
/// giambio::testing::run(async {
///     let (one, other) = duplex(64);
///     assert_eq!(one.send(b"well, ").await?, 6);
///     greet(&one).await?;
///     let mut from = Buffered::new(&other);
///     assert_eq!(from.receive_line().await?.unwrap(), "well, hello");
///     assert_eq!(from.receive_frame().await?.unwrap(), b"any bytes");
///     assert_eq!(from.receive_line().await?, None);
///     io::Result::Ok(())
/// })?;
/// # io::Result::Ok(())
/// ```
pub trait Outgoing: PollSend {
    /// As [`ByteStream::send`](super::ByteStream::send).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    fn send(&self, data: &[u8]) -> impl Future<Output = io::Result<usize>> {
        let mut claim = Self::Claim::default();
        poll_fn(move |cx| self.poll_send(cx, &mut claim, data))
    }

    /// As [`ByteStream::send_all`](super::ByteStream::send_all).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As [`send`](Outgoing::send).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): see there.
    fn send_all<'a>(&'a self, data: &'a [u8]) -> SendAll<'a, Self> {
        SendAll::new(self, data)
    }

    /// As [`ByteStream::send_frame`](super::ByteStream::send_frame).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As [`send`](Outgoing::send).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): see there.
    fn send_frame<'a>(&'a self, data: &'a [u8]) -> SendFrame<'a, Self> {
        SendFrame::new(self, data)
    }

    /// Tells the other end that nothing will follow: as `shutdown(Shutdown::Write)` of a socket; a pipe is closed. If the
    /// connection is over there is nothing to tell, which is no error.
    ///
    /// # Errors
    /// Those of the system, or of the other library.
    ///
    /// # Cancellation
    /// [**Restartable.**](giambio_core#cancellation)
    fn finish(&self) -> impl Future<Output = io::Result<()>> {
        poll_fn(|cx| self.poll_finish(cx))
    }
}

impl<T: PollSend + ?Sized> Outgoing for T {}
