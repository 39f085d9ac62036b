//! From one stream to another, one way or both.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use giambio_core::{__fault as fault, Instant, Sleep, clock, sleep_until};

use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::pump::Pump;

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
/// [**Lossy**](giambio_core#cancellation): what was received and not yet sent is in the future. Await it by `&mut` to go on later,
/// or to ask how much was [sent](Copy::sent), and what is [left](Copy::rest).
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

/// Sends to each of the two whatever comes from the other, until both have ended; returns how many bytes went from the first to the
/// second, and back. When one ends, the other is told that nothing will follow (as by `shutdown(Shutdown::Write)`), and what it has
/// to say still goes back: it may have waited for just that.
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
/// # Errors
/// Those of receiving and sending, in either direction: the first ends both. [`TimedOut`](io::ErrorKind::TimedOut), if there is an
/// [idle limit](CopyBoth::idle_limit).
///
/// # Panics
/// As [`receive`](super::ByteStream::receive).
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation): what was received and not yet sent is in the future. Await it by `&mut` to go on later,
/// or to ask [how much was moved](CopyBoth::counts).
#[track_caller]
pub fn copy_both<'a, A, B>(one: &'a A, other: &'a B) -> CopyBoth<'a, A, B>
where
    A: Incoming + Outgoing + ?Sized,
    B: Incoming + Outgoing + ?Sized,
{
    CopyBoth {
        forth: Pump::new(one, other),
        back: Pump::new(other, one),
        ends: (one, other),
        told: (false, false),
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
    forth: Pump<'a, A, B>,
    back: Pump<'a, B, A>,
    ends: (&'a A, &'a B),
    /// Of which end the other one was told: that of the first, and of the second.
    told: (bool, bool),
    idle: Option<Idle>,
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
        (self.forth.sent(), self.back.sent())
    }

    fn poll_both(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (one, other) = self.ends;
        let _ = self.forth.poll(cx)?;
        if self.forth.is_over() && !self.told.0 {
            self.told.0 = fault!("end-not-passed-on") || other.poll_finish(cx)?.is_ready();
        }
        let _ = self.back.poll(cx)?;
        if self.back.is_over() && !self.told.1 {
            self.told.1 = one.poll_finish(cx)?.is_ready();
        }
        if self.told == (true, true) { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl<A, B> Future for CopyBoth<'_, A, B>
where
    A: Incoming + Outgoing + ?Sized,
    B: Incoming + Outgoing + ?Sized,
{
    type Output = io::Result<(u64, u64)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<(u64, u64)>> {
        if self.poll_both(cx)?.is_ready() {
            return Poll::Ready(Ok(self.counts()));
        }
        let (forth, back) = self.counts();
        let this = &mut *self;
        // What was sent counts twice: it was received, too.
        let moved = 2 * (forth + back) + this.forth.rest().len() as u64 + this.back.rest().len() as u64;
        let Some(idle) = &mut this.idle else { return Poll::Pending };
        ready!(idle.poll(cx, moved));
        let limit = idle.limit;
        let text = format!("nothing was moved for {limit:?}, after {forth} bytes forth and {back} bytes back");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
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
