//! A byte stream of another library among the streams.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker, ready};

use futures_io::{AsyncRead, AsyncWrite};
use giambio_core::{__fault as fault, poll_proceed};

use super::alone::{Alone, Taken};
use super::ends::{PollReceive, PollSend};
use crate::foreign::{discard, wake_all};
use crate::pool::lock;
use crate::reactor::Direction;

/// A stream of another library, by the traits of `futures-io`, with what streams have here:
/// [`receive`](super::Incoming::receive), [`send_all`](super::Outgoing::send_all), [frames](super::Outgoing::send_frame),
/// [`Buffered`](super::Buffered) with its lines, [`copy`](super::copy) and [`copy_both`](super::copy_both). A connection with
/// TLS, say, or what is compressed.
///
/// As with a [`ByteStream`](super::ByteStream) one task may receive while another sends, also where the library has to send
/// in order to receive, as TLS may.
///
/// What a library keeps to send later is brought on its way by [`send_all`](super::Outgoing::send_all),
/// [`send_frame`](super::Outgoing::send_frame), [`copy`](super::copy) and [`finish`](super::Outgoing::finish) before they are
/// ready; after a [`send`](super::Outgoing::send) alone, by whatever is sent or received next.
///
/// ```
/// use futures_lite::AsyncReadExt;
/// use futures_lite::io::BufWriter;
/// use giambio::stream::{Buffered, Foreign, Outgoing, duplex};
///
/// # giambio::testing::run(async {
/// let (one, other) = duplex(64); // or a connection of any kind
/// let to = Foreign::new(BufWriter::new(&one)); // for a library that keeps what is sent
/// let mut from = Foreign::new((&other).take(0)); // for one that changes what is received
/// from.get_mut().set_limit(10);
/// to.send_all(b"a line\nand more\n").await?;
/// let mut lines = Buffered::new(&from);
/// assert_eq!(lines.receive_line().await?.unwrap(), "a line");
/// assert_eq!(lines.receive_line().await?.unwrap(), "and");
/// assert_eq!(from.into_inner().limit(), 0);
/// # Ok::<(), std::io::Error>(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Foreign<S> {
    stream: RefCell<S>,
    /// Brings on its way what the stream keeps, if it may keep something.
    flush: Cell<Option<Flush<S>>>,
    waiting: Arc<Waiting>,
    receiving: Alone,
    sending: Alone,
}

type Flush<S> = fn(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<()>>;

/// Who waits to receive, and to send. What a library waits for it tells one waker, that of its last poll, and not which of
/// the two it is for: so both are woken.
#[derive(Default)]
struct Waiting {
    wakers: Mutex<[Option<Waker>; 2]>,
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let wakers = std::mem::take(&mut *lock(&self.wakers));
        wake_all(wakers.into_iter().flatten());
    }
}

impl Waiting {
    fn note(&self, direction: Direction, waker: &Waker) {
        // Cloned and dropped outside of the lock: it may be somebody's code.
        let new = Some(waker.clone());
        let old = std::mem::replace(&mut lock(&self.wakers)[direction as usize], new);
        discard(old);
    }
}

impl<S> Foreign<S> {
    /// Over `stream`.
    pub fn new(stream: S) -> Foreign<S> {
        Foreign {
            stream: RefCell::new(stream),
            flush: Cell::new(None),
            waiting: Arc::default(),
            receiving: Alone::new(Direction::Read),
            sending: Alone::new(Direction::Write),
        }
    }

    /// The stream, for what else it can do.
    pub fn get_mut(&mut self) -> &mut S {
        self.stream.get_mut()
    }

    /// The stream.
    pub fn into_inner(self) -> S {
        self.stream.into_inner()
    }
}

impl<S: Unpin> Foreign<S> {
    /// Polls the stream, for who waits in this direction.
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let go = ready!(poll_proceed(cx));
        let waker = match fault!("one-of-two-is-woken") {
            true => cx.waker().clone(),
            false => {
                self.waiting.note(direction, cx.waker());
                Waker::from(self.waiting.clone())
            }
        };
        let cx = &mut Context::from_waker(&waker);
        let mut stream = self.stream.borrow_mut();
        let polled = poll(Pin::new(&mut *stream), cx);
        // An error of this is told by what is sent next.
        if let Some(flush) = self.flush.get()
            && let Poll::Ready(Ok(())) = flush(Pin::new(&mut *stream), cx)
        {
            self.flush.set(None);
        }
        if polled.is_ready() {
            go.made_progress();
        } else {
            go.waits_for("stream");
        }
        polled
    }
}

impl<S: AsyncRead + Unpin> PollReceive for Foreign<S> {
    type Claim<'a>
        = Option<Taken<'a>>
    where
        S: 'a;

    fn poll_receive<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Option<Taken<'a>>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.receiving.poll(claim, || self.poll(cx, Direction::Read, |stream, cx| stream.poll_read(cx, buffer)))
    }
}

impl<S: AsyncWrite + Unpin> PollSend for Foreign<S> {
    type Claim<'a>
        = Option<Taken<'a>>
    where
        S: 'a;

    fn poll_send<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Option<Taken<'a>>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.sending.poll(claim, || {
            self.poll(cx, Direction::Write, |stream, cx| {
                let sent = ready!(stream.poll_write(cx, data))?;
                self.flush.set(Some(S::poll_flush));
                Poll::Ready(Ok(sent))
            })
        })
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(flush) = self.flush.get() else { return Poll::Ready(Ok(())) };
        if fault!("flush-forgotten-where-it-is-put-off") {
            self.flush.set(None);
        }
        // In cancelled code, and without a budget, it is not called now, and stays to be called.
        self.poll(cx, Direction::Write, |stream, cx| {
            let flushed = flush(stream, cx);
            self.flush.set(flushed.is_pending().then_some(flush));
            flushed
        })
    }

    fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, Direction::Write, |stream, cx| {
            self.flush.set(None); // that is a part of it
            stream.poll_close(cx)
        })
    }
}

impl<S: fmt::Debug> fmt::Debug for Foreign<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Foreign").field(&self.stream).finish()
    }
}
