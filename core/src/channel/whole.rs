//! Sending and receiving all of a buffer, in one piece, with a count that outlives a cancellation.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use super::deliver::Wakes;
use super::errors::{Closed, EndedEarly};
use super::flow::{Flow, InsideOf};
use super::held::{Look, poll_held};
use super::pipe::{Bytes, Pipe, Room};
use crate::budgeted::tell;
use crate::call_site::CallSite;
use crate::gate::poll_proceed;
use crate::kernel::wait_queue::{Access, Side, Waiting};
use crate::panics::First;

pin_project! {
    /// Made by [`Pipe::send_all`]; `F` is how it waits for its turn.
    ///
    /// It may be awaited by `as_mut()`, given up, asked how far it got, and awaited again. From its first byte until it
    /// completes or is dropped, nobody else sends.
    ///
    /// # Errors
    /// As [`Pipe::send_all`].
    ///
    /// # Cancellation
    /// As [`Pipe::send_all`].
    #[must_use = "nothing is sent until this is awaited"]
    pub struct SendAll<'a, P, F>
    where
        P: InTurn,
    {
        data: &'a [u8],
        sent: usize,
        turn: MyTurn<'a, P>,
        asked_at: CallSite,
        #[pin]
        wait: F,
    }
}

pin_project! {
    /// Made by [`Pipe::receive_exact`]; `F` is how it waits for its turn.
    ///
    /// It may be awaited by `as_mut()`, given up, asked how far it got, and awaited again. From its first byte until it
    /// completes or is dropped, nobody else receives.
    ///
    /// # Errors
    /// As [`Pipe::receive_exact`].
    ///
    /// # Cancellation
    /// As [`Pipe::receive_exact`].
    #[must_use = "nothing is received until this is awaited"]
    pub struct ReceiveExact<'a, P, F>
    where
        P: InTurn,
    {
        buffer: &'a mut [u8],
        received: usize,
        turn: MyTurn<'a, P>,
        asked_at: CallSite,
        #[pin]
        wait: F,
    }
}

/// Where one moves its bytes after the other: a [`Pipe`]. Nobody else can implement it.
pub trait InTurn {
    #[doc(hidden)]
    fn gives_back(&self, side: Side, number: u64);
}

/// The turn of one who moves several bytes, as soon as it has it; it keeps it until all are moved.
struct MyTurn<'a, P: InTurn> {
    pipe: &'a P,
    side: Side,
    /// By which it is known while it has the turn.
    number: Option<u64>,
}

impl<P: InTurn> MyTurn<'_, P> {
    /// The turn is the next one's, if it was this one's.
    fn leave(&mut self) {
        if let Some(number) = self.number.take() {
            self.pipe.gives_back(self.side, number);
        }
    }
}

impl<P: InTurn> Drop for MyTurn<'_, P> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<const N: usize, K: Access> InTurn for Pipe<N, K> {
    fn gives_back(&self, side: Side, number: u64) {
        let (own, woken) = self.with(|flow, inside| {
            let held = &mut flow.turns(side).held;
            let own = if held.is_by(number) { held.end() } else { None };
            (own, flow.serve_both(side, inside))
        });
        let mut first = First::new();
        first.catch(|| woken.wake());
        first.catch(|| drop(own));
        first.resume();
    }
}

impl<const N: usize, K: Access> MyTurn<'_, Pipe<N, K>> {
    /// Waits for the turn, and moves bytes until `step` says that there are none left: it says how many it moved, and whether
    /// that was all. `false`: the pipe is closed.
    fn poll(
        &mut self,
        wait: Pin<&mut impl Future<Output = Option<u64>>>,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut Flow<N>) -> (usize, bool),
    ) -> Poll<bool> {
        let (pipe, side) = (self.pipe, self.side);
        let number = match self.number {
            Some(number) => number,
            None => match ready!(wait.poll(cx)) {
                Some(number) => *self.number.insert(number),
                None => {
                    // Others may wait behind it.
                    pipe.with(|flow, inside| flow.serve_both(side, inside)).wake();
                    return Poll::Ready(false);
                }
            },
        };
        let mut is_done = false;
        while !is_done {
            let look = |waker: &Waker| {
                pipe.with(|flow, inside| {
                    if flow.has_ended(side) {
                        return Look::Got(None);
                    }
                    let (count, is_done) = step(flow);
                    match count {
                        0 => flow.turns(side).held.look(waker),
                        _ => Look::Got(Some((is_done, flow.serve_other(side, inside)))),
                    }
                })
            };
            let keep = |waker: &mut Option<Waker>| pipe.with(|flow, _| flow.turns(side).held.keep(number, waker));
            let Some((is_all, other)) = ready!(poll_held(cx, look, keep)) else { break };
            is_done = is_all;
            other.wake();
        }
        self.leave();
        Poll::Ready(is_done)
    }
}

impl<const N: usize, K: Access> Pipe<N, K> {
    /// Fills `buffer` to the end, from bytes that follow one another: from its first byte on nobody else receives. The future
    /// tells how far it got: [`ReceiveExact::received`].
    ///
    /// ```
    /// use giambio_core::{channel::Pipe, testing};
    ///
    /// let pipe = Pipe::<16>::new();
    /// pipe.try_send(b"headbody").unwrap();
    /// testing::run(async {
    ///     let mut head = [0; 4];
    ///     pipe.receive_exact(&mut head).await.unwrap();
    ///     assert_eq!(&head, b"head");
    ///     pipe.close();
    ///     let error = pipe.receive_exact(&mut [0; 10]).await.unwrap_err(); // there are four
    ///     assert_eq!(error.to_string(), "the pipe was closed after 4 of 10 bytes");
    /// });
    /// ```
    ///
    /// # Errors
    /// It is closed, and there are not so many.
    ///
    /// # Cancellation
    /// [**Lossy**](crate#cancellation): what was received is in `buffer`, and only the future knows how much. Await it by
    /// `as_mut()`, and ask it afterwards; or go on by awaiting it again. Up to its first byte it only loses its place.
    #[track_caller]
    pub fn receive_exact<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> ReceiveExact<'a, Self, impl Future<Output = Option<u64>> + use<'a, N, K>> {
        let begin = |inside: &InsideOf<N>, _: &_, _| inside.state.borrow_mut().begin(Side::Receives);
        let wait = Waiting::new(self.sides.end(Side::Receives), begin);
        let turn = MyTurn { pipe: self, side: Side::Receives, number: None };
        ReceiveExact { buffer, received: 0, turn, asked_at: CallSite::here(), wait }
    }

    /// Sends all of `data`, in one piece: from its first byte on nobody else sends. The future tells how far it got:
    /// [`SendAll::sent`].
    ///
    /// # Errors
    /// It is closed, or is before all is sent.
    ///
    /// # Cancellation
    /// [**Lossy**](crate#cancellation): only the future knows how much was sent. To know it after a cancellation, await the
    /// future by `as_mut()` and ask it afterwards, or go on by awaiting it again. Up to its first byte it only loses its
    /// place.
    ///
    /// ```
    /// use core::{pin::pin, time::Duration};
    /// use giambio_core::{channel::Pipe, move_on_after, testing};
    ///
    /// let pipe = Pipe::<4>::new();
    /// testing::run(async {
    ///     let mut sending = pin!(pipe.send_all(b"too much"));
    ///     if move_on_after(Duration::from_secs(1), sending.as_mut()).await.is_none() {
    ///         assert_eq!(sending.sent(), 4); // nobody received
    ///     }
    /// });
    /// ```
    #[track_caller]
    pub fn send_all<'a>(
        &'a self,
        data: &'a [u8],
    ) -> SendAll<'a, Self, impl Future<Output = Option<u64>> + use<'a, N, K>> {
        let begin = |inside: &InsideOf<N>, _: &_, _| inside.state.borrow_mut().begin(Side::Sends);
        let wait = Waiting::new(self.sides.end(Side::Sends), begin);
        let turn = MyTurn { pipe: self, side: Side::Sends, number: None };
        SendAll { data, sent: 0, turn, asked_at: CallSite::here(), wait }
    }
}

impl<P: InTurn, F> SendAll<'_, P, F> {
    /// How many bytes are in the pipe, or were received from it, so far.
    pub fn sent(&self) -> usize {
        self.sent
    }
}

impl<const N: usize, K: Access, F: Future<Output = Option<u64>>> Future for SendAll<'_, Pipe<N, K>, F> {
    type Output = Result<(), Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let this = self.project();
        let go = ready!(poll_proceed(cx));
        let (data, sent) = (*this.data, this.sent);
        let mut is_done = *sent == data.len();
        if !is_done {
            let step = |flow: &mut Flow<N>| {
                let count = flow.put(&data[*sent..]);
                *sent += count;
                (count, *sent == data.len())
            };
            let Poll::Ready(done) = this.turn.poll(this.wait, cx, step) else {
                tell::<Room>(&this.turn.pipe.sides, *this.asked_at);
                return Poll::Pending;
            };
            is_done = done;
        }
        go.made_progress();
        Poll::Ready(if is_done { Ok(()) } else { Err(Closed) })
    }
}

impl<P: InTurn, F> ReceiveExact<'_, P, F> {
    /// What was received so far: the beginning of the buffer.
    pub fn received(&self) -> &[u8] {
        &self.buffer[..self.received]
    }
}

impl<const N: usize, K: Access, F: Future<Output = Option<u64>>> Future for ReceiveExact<'_, Pipe<N, K>, F> {
    type Output = Result<(), EndedEarly>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), EndedEarly>> {
        let this = self.project();
        let go = ready!(poll_proceed(cx));
        let (buffer, received) = (this.buffer, this.received);
        let wanted = buffer.len();
        let mut is_done = *received == wanted;
        if !is_done {
            let step = |flow: &mut Flow<N>| {
                let count = flow.ring.take(&mut buffer[*received..]);
                *received += count;
                (count, *received == wanted)
            };
            let Poll::Ready(done) = this.turn.poll(this.wait, cx, step) else {
                tell::<Bytes>(&this.turn.pipe.sides, *this.asked_at);
                return Poll::Pending;
            };
            is_done = done;
        }
        go.made_progress();
        Poll::Ready(if is_done { Ok(()) } else { Err(EndedEarly { received: *received, wanted }) })
    }
}

impl<P: InTurn, F> fmt::Debug for SendAll<'_, P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendAll").field("sent", &self.sent).field("of", &self.data.len()).finish_non_exhaustive()
    }
}

impl<P: InTurn, F> fmt::Debug for ReceiveExact<'_, P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (received, wanted) = (self.received, self.buffer.len());
        f.debug_struct("ReceiveExact").field("received", &received).field("of", &wanted).finish_non_exhaustive()
    }
}
