//! Sending frames: bytes with their number before them.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::ByteStream;
use super::ends::PollSend;
use super::kind::Sends;

impl<S: Sends> ByteStream<S> {
    /// Sends how many bytes `data` has, in four of them, the most significant first, and then `data`:
    /// [`Buffered::receive_frame`](super::Buffered::receive_frame) takes it as a whole.
    ///
    /// ```
    /// use giambio::net::{TcpListener, TcpStream};
    /// use giambio::stream::Buffered;
    ///
    /// # giambio::run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// # let (peer, _) = listener.accept().await?;
    /// stream.send_frame(b"hello").await?;
    /// assert_eq!(Buffered::new(&peer).receive_frame().await?.unwrap(), b"hello");
    /// # Ok::<(), std::io::Error>(()) })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): it has 4 GiB or more, and nothing was sent. Else as
    /// [`send`](ByteStream::send).
    ///
    /// # Panics
    /// As [`send`](ByteStream::send).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): a part of the frame may have been sent, after which nothing else must be. To
    /// go on, await the future by `&mut`, and again; [`SendFrame::sent`] says whether it had begun.
    #[track_caller]
    pub fn send_frame<'a>(&'a self, data: &'a [u8]) -> SendFrame<'a, Self> {
        SendFrame::new(self, data)
    }
}

/// Made by [`ByteStream::send_frame`]. It may be awaited by `&mut`, given up, asked how far it got, and awaited again.
///
/// # Errors
/// As [`ByteStream::send_frame`].
///
/// # Cancellation
/// As [`ByteStream::send_frame`].
#[must_use = "nothing is sent until this is awaited"]
pub struct SendFrame<'a, W: PollSend + ?Sized> {
    to: &'a W,
    data: &'a [u8],
    sent: usize,
    claim: W::Claim<'a>,
}

impl<'a, W: PollSend + ?Sized> SendFrame<'a, W> {
    pub(super) fn new(to: &'a W, data: &'a [u8]) -> Self {
        SendFrame { to, data, sent: 0, claim: Default::default() }
    }

    /// How many bytes the system has taken so far, with the four before the data.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent
    }
}

// Nothing in it is polled by its address.
impl<W: PollSend + ?Sized> Unpin for SendFrame<'_, W> {}

impl<W: PollSend + ?Sized> Future for SendFrame<'_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let SendFrame { to, data, sent, claim } = self.get_mut();
        let Ok(length) = u32::try_from(data.len()) else {
            let text = format!("a frame of {} bytes is too long: its length has four bytes", data.len());
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidInput, text)));
        };
        let length = length.to_be_bytes();
        while *sent < length.len() + data.len() {
            let parts = [
                IoSlice::new(length.get(*sent..).unwrap_or_default()),
                IoSlice::new(&data[sent.saturating_sub(length.len())..]),
            ];
            match ready!(to.poll_send_vectored(cx, claim, &parts))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *sent += count,
            }
        }
        to.poll_flush(cx)
    }
}

impl<W: PollSend + ?Sized> fmt::Debug for SendFrame<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFrame").field("length", &self.data.len()).field("sent", &self.sent).finish()
    }
}
