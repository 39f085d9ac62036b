//! Pipes as the byte streams of `futures-io`: `AsyncRead` and `AsyncWrite`, for the libraries that are written over them.
//!
//! What those traits do is polled, with another buffer each time, and not awaited; who waits keeps its place in line between
//! the polls. So each is an end with such a place.

use core::cell::RefCell;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, ErrorKind};

use futures_io::{AsyncRead, AsyncWrite};
use pin_project_lite::pin_project;

use super::deliver::Wakes;
use super::ends::{Receiver, Sender};
use super::errors::Closed;
use super::flow::{Flow, InsideOf};
use super::pipe::{Bytes, Pipe, Room};
use crate::budgeted::tell;
use crate::call_site::CallSite;
use crate::gate::poll_proceed;
use crate::kernel::wait_queue::{Access, End, Place, Side};

pin_project! {
    /// An end, and its place in line, which is left first.
    struct Polled<P, E> {
        #[pin]
        place: P,
        end: Option<E>,
        asked_at: CallSite,
    }
}

type Reader<'a, const N: usize, K> = Polled<Place<End<'a, RefCell<Flow<N>>, K>>, Receiver<'a, Pipe<N, K>>>;
type Writer<'a, const N: usize, K> = Polled<Place<End<'a, RefCell<Flow<N>>, K>>, Sender<'a, Pipe<N, K>>>;

impl<'a, const N: usize, K: Access> Receiver<'a, Pipe<N, K>> {
    /// This end as a reader of `futures-io`, for the libraries that are written for such; it has to be pinned, as by
    /// `Box::pin`.
    ///
    /// # Cancellation
    /// Bytes are taken in the poll that says so. While nobody polls it, it keeps its place in line, until it is dropped.
    ///
    /// ```
    /// # #[cfg(feature = "heapless")] {
    /// use core::pin::pin;
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// use giambio_core::{channel::Pipe, testing};
    ///
    /// let pipe = Pipe::<4>::new();
    /// testing::run(async {
    ///     let (mut writer, mut reader) = (pin!(pipe.sender().into_writer()), pin!(pipe.receiver().into_reader()));
    ///     let mut text = String::new();
    ///     let writes = async {
    ///         writer.write_all(b"more than fits").await?;
    ///         writer.close().await
    ///     };
    ///     let (written, read) = futures::join!(writes, reader.read_to_string(&mut text));
    ///     assert_eq!((written.is_ok(), read.unwrap(), &*text), (true, 14, "more than fits"));
    /// });
    /// # }
    /// ```
    #[track_caller]
    pub fn into_reader(self) -> impl AsyncRead + use<'a, N, K> {
        let place = Place::new(self.channel().sides.end(Side::Receives));
        Reader { place, end: Some(self), asked_at: CallSite::here() }
    }
}

impl<'a, const N: usize, K: Access> Sender<'a, Pipe<N, K>> {
    /// This end as a writer of `futures-io`, for the libraries that are written for such; it has to be pinned, as by
    /// `Box::pin`. What was written can be read at once, so there is nothing to flush. Closed, it drops this end.
    ///
    /// # Cancellation
    /// Bytes are sent in the poll that says so. While nobody polls it, it keeps its place in line, until it is dropped.
    #[track_caller]
    pub fn into_writer(self) -> impl AsyncWrite + use<'a, N, K> {
        let place = Place::new(self.channel().sides.end(Side::Sends));
        Writer { place, end: Some(self), asked_at: CallSite::here() }
    }
}

impl<const N: usize, K: Access> AsyncRead for Reader<'_, N, K> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        let go = ready!(poll_proceed(cx));
        let receive = |inside: &InsideOf<N>, _: &_, _| inside.state.borrow_mut().receive(inside, buffer);
        let Poll::Ready((count, woken)) = this.place.poll(cx, receive) else {
            if let Some(end) = this.end {
                tell::<Bytes>(&end.channel().sides, *this.asked_at);
            }
            return Poll::Pending;
        };
        go.made_progress();
        woken.wake();
        Poll::Ready(Ok(count))
    }
}

impl<const N: usize, K: Access> AsyncWrite for Writer<'_, N, K> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        let go = ready!(poll_proceed(cx));
        let Some(end) = this.end else { return Poll::Ready(Err(broken())) };
        let send = |inside: &InsideOf<N>, _: &_, _| inside.state.borrow_mut().send(inside, data);
        let Poll::Ready((sent, woken)) = this.place.poll(cx, send) else {
            tell::<Room>(&end.channel().sides, *this.asked_at);
            return Poll::Pending;
        };
        go.made_progress();
        woken.wake();
        Poll::Ready(sent.map_err(|Closed| broken()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.place.leave();
        *this.end = None;
        Poll::Ready(Ok(()))
    }
}

fn broken() -> io::Error {
    io::Error::new(ErrorKind::BrokenPipe, Closed)
}
