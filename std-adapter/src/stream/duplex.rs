//! Two streams in memory, of which one has what is sent to the other.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use futures_io::{AsyncRead, AsyncWrite};
use giambio_core::poll_proceed;

use super::alone::{Alone, Taken};
use super::ends::{PollReceive, PollSend};
use crate::foreign::{discard, wake_all};
use crate::reactor::Direction;

/// Two ends in memory: what is sent to one is received from the other. At most `capacity` bytes are on their way in each
/// direction, at least one; who sends more waits until they are received.
///
/// It needs neither a system nor a run of this crate: a test of code for any stream ([`Incoming`](super::Incoming),
/// [`Outgoing`](super::Outgoing)) has it in virtual time.
///
/// ```
/// use giambio::stream::{Buffered, Incoming, Outgoing, duplex};
/// use giambio::{nursery, testing};
///
/// async fn greet(stream: impl Incoming + Outgoing) -> std::io::Result<()> {
///     let mut from = Buffered::new(&stream);
///     while let Some(name) = from.receive_line().await? {
///         stream.send_all(format!("hello, {name}\n").as_bytes()).await?;
///     }
///     stream.finish().await
/// }
///
/// testing::run(async {
///     let (client, server) = duplex(16);
///     nursery(async |n| {
///         n.spawn(greet(server));
///         client.send_all(b"Ada\nCharles\n").await?;
///         client.finish().await?;
///         assert_eq!(client.receive_to_end(100).await?, b"hello, Ada\nhello, Charles\n");
///         Ok::<(), std::io::Error>(())
///     })
///     .await
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn duplex(capacity: usize) -> (Duplex, Duplex) {
    let (forth, back) = (Rc::new(Way::new(capacity)), Rc::new(Way::new(capacity)));
    let one = Duplex { incoming: back.clone(), outgoing: forth.clone() };
    (one, Duplex { incoming: forth, outgoing: back })
}

/// One of the two ends that [`duplex`] makes. Dropped, it is closed: the other receives what was sent and then the end, and
/// what that sends is a [`BrokenPipe`](io::ErrorKind::BrokenPipe).
///
/// What it can do is at [`Incoming`](super::Incoming) and [`Outgoing`](super::Outgoing). For libraries it is an [`AsyncRead`]
/// and [`AsyncWrite`], and so is `&Duplex`.
pub struct Duplex {
    incoming: Rc<Way>,
    outgoing: Rc<Way>,
}

/// From one end to the other.
struct Way {
    capacity: usize,
    bytes: RefCell<VecDeque<u8>>,
    /// Nothing more is sent.
    is_over: Cell<bool>,
    /// Nobody receives any more.
    is_left: Cell<bool>,
    receiver: Cell<Option<Waker>>,
    sender: Cell<Option<Waker>>,
    receiving: Alone,
    sending: Alone,
}

impl Way {
    fn new(capacity: usize) -> Way {
        Way {
            capacity: capacity.max(1),
            bytes: RefCell::default(),
            is_over: Cell::new(false),
            is_left: Cell::new(false),
            receiver: Cell::new(None),
            sender: Cell::new(None),
            receiving: Alone::new(Direction::Read),
            sending: Alone::new(Direction::Write),
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut bytes = self.bytes.borrow_mut();
        if bytes.is_empty() && !self.is_over.get() && !buffer.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(bytes.read(buffer))
    }

    fn send(&self, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_over.get() || self.is_left.get() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut bytes = self.bytes.borrow_mut();
        let room = self.capacity - bytes.len();
        if room == 0 && !data.is_empty() {
            return Poll::Pending;
        }
        let count = room.min(data.len());
        bytes.extend(&data[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_receive(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll(cx, &self.receiver, &self.sender, || self.receive(buffer))
    }

    fn poll_send(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        poll(cx, &self.sender, &self.receiver, || self.send(data))
    }
}

/// Tries `call`, and tells the other side of what it has moved; or leaves a waker.
fn poll(
    cx: &mut Context<'_>,
    own: &Cell<Option<Waker>>,
    other: &Cell<Option<Waker>>,
    mut call: impl FnMut() -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let go = ready!(poll_proceed(cx));
    let mut called = call();
    if called.is_pending() {
        let new = cx.waker().clone();
        discard(own.replace(Some(new)));
        // Wakers are anybody's code, which may have come between.
        called = call();
    }
    if called.is_pending() {
        go.waits_for("stream");
        return Poll::Pending;
    }
    go.made_progress();
    if let Some(waker) = other.take() {
        waker.wake();
    }
    called
}

impl PollReceive for Duplex {
    type Claim<'a> = Option<Taken<'a>>;

    fn poll_receive<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Option<Taken<'a>>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let way = &self.incoming;
        way.receiving.poll(claim, || way.poll_receive(cx, buffer))
    }
}

impl PollSend for Duplex {
    type Claim<'a> = Option<Taken<'a>>;

    fn poll_send<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Option<Taken<'a>>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let way = &self.outgoing;
        way.sending.poll(claim, || way.poll_send(cx, data))
    }

    fn poll_finish(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.is_over.set(true);
        // Who waits to send is told that it is over, as by a socket.
        wake_all([self.outgoing.receiver.take(), self.outgoing.sender.take()].into_iter().flatten());
        Poll::Ready(Ok(()))
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        self.outgoing.is_over.set(true);
        self.incoming.is_left.set(true);
        wake_all([self.outgoing.receiver.take(), self.incoming.sender.take()].into_iter().flatten());
    }
}

impl AsyncRead for &Duplex {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.incoming.receiving.expect_free()?;
        self.incoming.poll_receive(cx, buffer)
    }
}

/// Nothing is kept from the other end, so flushing does nothing; closing tells that nothing will follow.
impl AsyncWrite for &Duplex {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.outgoing.sending.expect_free()?;
        self.outgoing.poll_send(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(cx)
    }
}

impl AsyncRead for Duplex {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_close(cx)
    }
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (incoming, outgoing) = (self.incoming.bytes.borrow().len(), self.outgoing.bytes.borrow().len());
        f.debug_struct("Duplex").field("incoming", &incoming).field("outgoing", &outgoing).finish_non_exhaustive()
    }
}
