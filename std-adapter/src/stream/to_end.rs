//! Receiving all there is, within a limit.

use std::fmt;
use std::io;
use std::mem;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::ByteStream;
use super::ends::PollReceive;
use super::halves::ReceiveHalf;
use super::kind::{Connection, Receives};

/// How much room there is at first.
const SMALL: usize = 4 << 10;

impl<S: Receives> ByteStream<S> {
    /// Receives until the stream ends, at most `limit` bytes.
    ///
    /// ```
    /// # use giambio::net::TcpStream;
    /// async fn answer(stream: &TcpStream) -> std::io::Result<Vec<u8>> {
    ///     stream.send_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    ///     stream.receive_to_end(1 << 20).await
    /// }
    /// ```
    ///
    /// # Errors
    /// [`InvalidData`](io::ErrorKind::InvalidData) if there is more: with a limit of 0, if there is anything. Else as
    /// [`receive`](ByteStream::receive).
    ///
    /// # Panics
    /// As [`receive`](ByteStream::receive).
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): what was received is in the future. Await it by `&mut`, and
    /// [ask it](ReceiveToEnd::received) afterwards; or go on by awaiting it again.
    #[track_caller]
    pub fn receive_to_end(&self, limit: usize) -> ReceiveToEnd<'_, Self> {
        ReceiveToEnd::new(self, limit)
    }
}

impl<S: Connection, P: Deref<Target = ByteStream<S>>> ReceiveHalf<P> {
    /// As [`ByteStream::receive_to_end`].
    ///
    /// # Errors
    /// As [`ByteStream::receive_to_end`].
    ///
    /// # Panics
    /// As [`ByteStream::receive`].
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): see [`ByteStream::receive_to_end`].
    #[track_caller]
    pub fn receive_to_end(&self, limit: usize) -> ReceiveToEnd<'_, ByteStream<S>> {
        ReceiveToEnd::new(self.stream(), limit)
    }
}

/// Made by [`ByteStream::receive_to_end`]. It may be awaited by `&mut`, given up, asked what it has, and awaited again.
///
/// # Errors
/// As [`ByteStream::receive_to_end`].
///
/// # Cancellation
/// As [`ByteStream::receive_to_end`].
#[must_use = "nothing is received until this is awaited"]
pub struct ReceiveToEnd<'a, R: PollReceive + ?Sized> {
    from: &'a R,
    limit: usize,
    claim: R::Claim<'a>,
    buffer: Vec<u8>,
    received: usize,
}

impl<'a, R: PollReceive + ?Sized> ReceiveToEnd<'a, R> {
    pub(crate) fn new(from: &'a R, limit: usize) -> Self {
        ReceiveToEnd { from, limit, claim: Default::default(), buffer: Vec::new(), received: 0 }
    }

    /// What was received so far; after an error of the limit, one byte or more beyond it.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.buffer[..self.received]
    }
}

// Nothing in it is polled by its address.
impl<R: PollReceive + ?Sized> Unpin for ReceiveToEnd<'_, R> {}

impl<R: PollReceive + ?Sized> Future for ReceiveToEnd<'_, R> {
    type Output = io::Result<Vec<u8>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        let this = self.get_mut();
        while this.received <= this.limit {
            if this.received == this.buffer.len() {
                // One byte more than there may be, so that it is known whether there is more.
                let room = this.received.saturating_mul(2).max(SMALL);
                this.buffer.resize(room.min(this.limit.saturating_add(1)), 0);
            }
            match ready!(this.from.poll_receive(cx, &mut this.claim, &mut this.buffer[this.received..]))? {
                0 => {
                    this.buffer.truncate(mem::take(&mut this.received));
                    return Poll::Ready(Ok(mem::take(&mut this.buffer)));
                }
                count => this.received += count,
            }
        }
        let text = format!("the stream has more than the {} bytes that it may have", this.limit);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)))
    }
}

impl<R: PollReceive + ?Sized> fmt::Debug for ReceiveToEnd<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveToEnd").field("limit", &self.limit).field("received", &self.received).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use giambio_core::move_on_after;
    use giambio_core::testing::run;

    use super::super::ends::tests::Script;
    use super::*;

    #[test]
    fn as_much_as_the_limit_is_received_and_no_more() {
        run(async {
            let to_end = async |pieces: &[&[u8]], limit| ReceiveToEnd::new(&Script::of(pieces), limit).await;
            assert_eq!(to_end(&[b"12", b"345"], 5).await.unwrap(), b"12345");
            assert_eq!(to_end(&[b"12", b"345"], usize::MAX).await.unwrap(), b"12345");
            let error = to_end(&[b"12", b"345"], 4).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_eq!(error.to_string(), "the stream has more than the 4 bytes that it may have");
            assert_eq!(to_end(&[], 0).await.unwrap(), b"");
            assert!(to_end(&[b"1"], 0).await.is_err());
            let large = vec![7; 100_000];
            assert_eq!(to_end(&[&large, &large], 200_000).await.unwrap(), [7; 200_000]);
        });
    }

    #[test]
    fn what_was_received_is_known_and_gone_on_with() {
        run(async {
            let script = Script::of(&[b"12", b"34"]);
            let mut receiving = ReceiveToEnd::new(&script, 3);
            assert!(move_on_after(Duration::from_millis(1500), &mut receiving).await.is_none());
            assert_eq!(receiving.received(), b"12");
            assert!((&mut receiving).await.is_err());
            assert_eq!(receiving.received(), b"1234");
        });
    }
}
