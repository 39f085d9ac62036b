//! From one stream to another, one way or both.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use giambio_core::{__fault as fault, Instant, Sleep, clock, sleep_until};

use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::pump::{Failed, Pump};

/// Sends to `to` whatever comes from `from`, until that ends; returns how many bytes. `to` is not told of the end.
///
/// ```
/// use giambio::net::TcpStream;
/// use giambio::stream::copy;
///
/// async fn echo(stream: &TcpStream) -> std::io::Result<u64> {
///     copy(stream, stream).await
/// }
/// ```
///
/// # Errors
/// Those of receiving and sending.
///
/// # Panics
/// As [`receive`](super::ByteStream::receive).
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation): what was received and not yet sent is in the future. Await it by `&mut` to go on
/// later, or to ask how much was [sent](Copy::sent), and what is [left](Copy::rest).
#[track_caller]
pub fn copy<'a, R: Incoming + ?Sized, W: Outgoing + ?Sized>(from: &'a R, to: &'a W) -> Copy<'a, R, W> {
    Copy { pump: Pump::new(from, to) }
}

/// Made by [`copy`]. It may be awaited by `&mut`, given up, asked how far it got, and awaited again.
///
/// # Errors
/// As [`copy`].
///
/// # Cancellation
/// As [`copy`].
#[must_use = "nothing is copied until this is awaited"]
pub struct Copy<'a, R: Incoming + ?Sized, W: Outgoing + ?Sized> {
    pump: Pump<'a, R, W>,
}

// Nothing in it is polled by its address.
impl<R: Incoming + ?Sized, W: Outgoing + ?Sized> Unpin for Copy<'_, R, W> {}

impl<R: Incoming + ?Sized, W: Outgoing + ?Sized> Copy<'_, R, W> {
    /// How many bytes the system has taken so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.pump.sent()
    }

    /// What was received, and not yet sent.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.pump.rest()
    }
}

impl<R: Incoming + ?Sized, W: Outgoing + ?Sized> Future for Copy<'_, R, W> {
    type Output = io::Result<u64>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        ready!(self.pump.poll(cx))?;
        Poll::Ready(Ok(self.pump.sent()))
    }
}

impl<R: Incoming + ?Sized, W: Outgoing + ?Sized> fmt::Debug for Copy<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copy").field("sent", &self.sent()).field("rest", &self.rest().len()).finish()
    }
}

/// Sends to each of the two whatever comes from the other, until both have ended; returns how many bytes went from the first
/// to the second, and back. When one ends, the other is told that nothing will follow (as by `shutdown(Shutdown::Write)`),
/// and what it has to say still goes back: it may have waited for just that.
///
/// ```
/// use giambio::net::TcpStream;
/// use giambio::stream::copy_both;
/// use std::io;
/// use std::time::Duration;
///
/// async fn pass_on(client: &TcpStream, to: &str) -> io::Result<()> {
///     let server = TcpStream::connect(to).await?;
///     let (forth, back) = copy_both(client, &server).idle_limit(Duration::from_secs(60)).await?;
///     println!("{forth} bytes forth, {back} back");
///     Ok(())
/// }
/// ```
///
/// Who can't be sent to any more may still have something to say, as a server that refuses an upload, answers and closes: so
/// a send that fails stops its own direction alone. The other goes on to its end, which is passed on, and then the error is
/// returned.
///
/// **A reset looks like a proper end from behind this.** Whatever the error is, the streams are the caller's, and when they are
/// dropped each peer is told of an end: one that takes the end of the stream for the end of the data (a file without a length
/// before) can't see that the other was cut off. Pass the reset on, of TCP by `set_linger(Some(Duration::ZERO))` before the
/// drop:
///
/// ```
/// use giambio::net::TcpStream;
/// use giambio::stream::copy_both;
/// use std::io;
/// use std::time::Duration;
///
/// async fn tunnel(client: TcpStream, server: TcpStream) -> io::Result<()> {
///     let copied = copy_both(&client, &server).await;
///     if copied.is_err() {
///         client.set_linger(Some(Duration::ZERO))?;
///         server.set_linger(Some(Duration::ZERO))?;
///     }
///     copied.map(drop)
/// }
/// ```
///
/// # Errors
/// Those of receiving, in either direction: the first ends both. Those of sending, when the other direction is over. Their
/// texts say which of the two it was, as in `sending to the second: broken pipe`; the error of the system is the
/// [source](std::error::Error::source). [`TimedOut`](io::ErrorKind::TimedOut), if there is an [idle
/// limit](CopyBoth::idle_limit) and no send has failed before.
///
/// # Panics
/// As [`receive`](super::ByteStream::receive).
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation): what was received and not yet sent is in the future. Await it by `&mut` to go on
/// later, or to ask [how much was moved](CopyBoth::counts).
#[track_caller]
pub fn copy_both<'a, A, B>(one: &'a A, other: &'a B) -> CopyBoth<'a, A, B>
where
    A: Incoming + Outgoing + ?Sized,
    B: Incoming + Outgoing + ?Sized,
{
    CopyBoth {
        forth: Way::new(Pump::new(one, other), ["first", "second"]),
        back: Way::new(Pump::new(other, one), ["second", "first"]),
        failed: None,
        idle: None,
    }
}

/// Made by [`copy_both`]. It may be awaited by `&mut`, given up, asked how far it got, and awaited again.
///
/// # Errors
/// As [`copy_both`].
///
/// # Cancellation
/// As [`copy_both`].
#[must_use = "nothing is copied until this is awaited"]
pub struct CopyBoth<'a, A, B>
where
    A: Incoming + Outgoing + ?Sized,
    B: Incoming + Outgoing + ?Sized,
{
    forth: Way<'a, A, B>,
    back: Way<'a, B, A>,
    /// The first send that failed: what is returned when the other direction is over.
    failed: Option<io::Error>,
    idle: Option<Idle>,
}

/// One of the two directions.
struct Way<'a, R: Incoming + ?Sized, W: Outgoing + ?Sized> {
    pump: Pump<'a, R, W>,
    /// What is called what, of the one that it comes from and the one that it goes to.
    names: [&'static str; 2],
    /// Its end was passed on, or can't be: nothing more is to be done.
    is_over: bool,
    /// Its end was passed on.
    has_ended: bool,
}

impl<'a, R: Incoming + ?Sized, W: Outgoing + ?Sized> Way<'a, R, W> {
    fn new(pump: Pump<'a, R, W>, names: [&'static str; 2]) -> Self {
        Way { pump, names, is_over: false, has_ended: false }
    }

    /// Goes on as far as it can. An error is one that ends both directions; one that ends this alone is kept in `failed`.
    fn advance(&mut self, cx: &mut Context<'_>, failed: &mut Option<io::Error>) -> io::Result<()> {
        if self.is_over {
            return Ok(());
        }
        let [from, to] = self.names;
        match self.poll_to_its_end(cx) {
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(())) => self.has_ended = true,
            Poll::Ready(Err(Failed::Receiving(error))) => return Err(told("receiving from", from, error)),
            Poll::Ready(Err(Failed::Sending(error))) => {
                let error = told("sending to", to, error);
                if fault!("a-send-that-fails-ends-both-ways") {
                    return Err(error);
                }
                failed.get_or_insert(error);
            }
        }
        self.is_over = true;
        Ok(())
    }

    fn poll_to_its_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        ready!(self.pump.poll(cx))?;
        if fault!("end-not-passed-on") {
            return Poll::Ready(Ok(()));
        }
        self.pump.poll_finish(cx)
    }
}

/// Says which end failed, and in what.
#[derive(Debug)]
struct Told {
    what: &'static str,
    end: &'static str,
    error: io::Error,
}

fn told(what: &'static str, end: &'static str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), Told { what, end, error })
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} the {}: {}", self.what, self.end, self.error)
    }
}

impl std::error::Error for Told {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// How long nothing may be moved.
struct Idle {
    limit: Duration,
    /// When it was last seen that something had been, and how much by then; `None`: it was not polled yet.
    last: Option<(Instant, u64)>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    /// Ready when nothing was moved for as long as may be. The alarm is set anew only when it goes off.
    fn poll(&mut self, cx: &mut Context<'_>, moved: u64) -> Poll<()> {
        let now = clock();
        let (since, _) = match self.last {
            Some(last) if last.1 == moved => last,
            _ => *self.last.insert((now, moved)),
        };
        loop {
            if now - since >= self.limit {
                return Poll::Ready(());
            }
            let end = since + self.limit;
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
            ready!(alarm.as_mut().poll(cx));
            self.alarm = None;
        }
    }
}

// Nothing in it is polled by its address, but for what is on the heap.
impl<A, B> Unpin for CopyBoth<'_, A, B>
where
    A: Incoming + Outgoing + ?Sized,
    B: Incoming + Outgoing + ?Sized,
{
}

impl<A, B> CopyBoth<'_, A, B>
where
    A: Incoming + Outgoing + ?Sized,
    B: Incoming + Outgoing + ?Sized,
{
    /// Gives up, with an error, when nothing was moved in either direction for so long.
    pub fn idle_limit(self, limit: Duration) -> Self {
        CopyBoth { idle: Some(Idle { limit, last: None, alarm: None }), ..self }
    }

    /// How many bytes went from the first to the second so far, and back.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.forth.pump.sent(), self.back.pump.sent())
    }

    /// Has the direction from the first to the second ended in order, with its end passed on, and the one back? After an error
    /// or a deadline this tells which peer has got all that was for it, and may be left without a reset.
    ///
    /// ```
    /// use giambio::stream::{Incoming, Outgoing, copy_both, duplex};
    /// use giambio::{move_on_after, testing};
    /// use std::time::Duration;
    ///
    /// testing::run(async {
    ///     let ((client, one), (other, server)) = (duplex(100), duplex(100));
    ///     client.send_all(b"a question").await?;
    ///     client.finish().await?;
    ///     let mut copying = copy_both(&one, &other);
    ///     assert!(move_on_after(Duration::from_secs(60), &mut copying).await.is_none()); // no answer
    ///     assert_eq!((copying.ended(), copying.counts()), ((true, false), (10, 0)));
    ///     assert_eq!(server.receive_to_end(100).await?, b"a question");
    ///     std::io::Result::Ok(())
    /// })?;
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    pub fn ended(&self) -> (bool, bool) {
        (self.forth.has_ended, self.back.has_ended)
    }

    fn poll_both(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.forth.advance(cx, &mut self.failed)?;
        self.back.advance(cx, &mut self.failed)?;
        if self.forth.is_over && self.back.is_over { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_in_time(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(ended) = self.poll_both(cx) {
            return Poll::Ready(ended);
        }
        let (forth, back) = self.counts();
        // What was sent counts twice: it was received, too.
        let moved = 2 * (forth + back) + self.forth.pump.rest().len() as u64 + self.back.pump.rest().len() as u64;
        let Some(idle) = &mut self.idle else { return Poll::Pending };
        ready!(idle.poll(cx, moved));
        let limit = idle.limit;
        let text = format!("nothing was moved for {limit:?}, after {forth} bytes forth and {back} bytes back");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
    }
}

impl<A, B> Future for CopyBoth<'_, A, B>
where
    A: Incoming + Outgoing + ?Sized,
    B: Incoming + Outgoing + ?Sized,
{
    type Output = io::Result<(u64, u64)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<(u64, u64)>> {
        let ended = ready!(self.poll_in_time(cx));
        // What came first is why the rest came.
        let ended = self.failed.take().map_or(ended, Err);
        Poll::Ready(ended.map(|()| self.counts()))
    }
}

impl<A, B> fmt::Debug for CopyBoth<'_, A, B>
where
    A: Incoming + Outgoing + ?Sized,
    B: Incoming + Outgoing + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyBoth").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use giambio_core::testing::{cancel_everywhere, run};
    use giambio_core::{clock, move_on_after};

    use super::super::ends::tests::Script;
    use super::*;

    #[test]
    #[allow(clippy::await_holding_refcell_ref, reason = "nobody else borrows it meanwhile")]
    fn a_copy_that_is_given_up_anywhere_knows_what_was_sent_and_what_is_left() {
        let ends = RefCell::new((Script::default(), Script::default()));
        let runs = cancel_everywhere(
            || {
                ends.replace((Script::of(&[b"structured", b"con", b"currency"]), Script::default()));
                async {
                    let ends = &*ends.borrow();
                    let mut copying = copy(&ends.0, &ends.1);
                    // Given up now and then, and gone on with.
                    while move_on_after(Duration::from_millis(1500), &mut copying).await.is_none() {
                        assert_eq!(copying.sent() as usize, ends.1.sent.borrow().len());
                    }
                }
            },
            |ended| {
                let all = b"structuredconcurrency";
                let ends = ends.borrow();
                let sent = ends.1.sent.borrow();
                assert!(all.starts_with(&sent));
                assert!(ended.is_none() || sent.len() == all.len());
            },
        );
        assert!(runs > 20);
    }

    #[test]
    fn an_end_is_passed_on_and_what_comes_back_after_it_too() {
        run(async {
            let (client, server) = (Script::of(&[b"request"]), Script::of(&[b"an", b"answer", b"in", b"pieces"]));
            assert_eq!(copy_both(&client, &server).await.unwrap(), (7, 16));
            assert_eq!(*server.sent.borrow(), b"request");
            assert_eq!(*client.sent.borrow(), b"ananswerinpieces");
            assert!(client.is_finished.get() && server.is_finished.get());
        });
    }

    #[test]
    fn who_moves_nothing_for_too_long_is_given_up() {
        run(async {
            let (client, server) = (Script::of(&[b"a", b"b", b"c", b"d"]), Script::default());
            client.is_silent.set(true);
            server.is_silent.set(true);
            let start = clock();
            // A second a piece, and one to send it: none of it is idle for three.
            let mut both = copy_both(&client, &server).idle_limit(Duration::from_secs(3));
            let error = (&mut both).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert_eq!(both.counts(), (4, 0));
            assert_eq!(error.to_string(), "nothing was moved for 3s, after 4 bytes forth and 0 bytes back");
            assert_eq!(clock() - start, Duration::from_secs(8 + 3));
            let nothing = copy_both(&client, &server).idle_limit(Duration::ZERO).await;
            assert_eq!(nothing.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    }
}
