//! What bytes come from and go to, whether it is a stream, a half of one, or a reference to one: what all that waits for more
//! than a call of the system is written over. Nobody outside can name these traits, and so add to what they are for.

use std::io::{self, IoSlice};
use std::ops::Deref;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::ByteStream;
use super::calls::{receive, send, send_vectored};
use super::kind::{Receives, Sends};
use crate::reactor::{Claim, Direction};

/// As [`Incoming`](super::Incoming), which is the same for those who call: a step of it, for those who wait.
pub trait PollReceive {
    /// While a future has it, nobody else receives.
    #[doc(hidden)]
    type Claim<'a>: Default
    where
        Self: 'a;

    /// As `receive`, for who keeps the claim until this is ready.
    #[doc(hidden)]
    fn poll_receive<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Self::Claim<'a>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;
}

/// As [`Outgoing`](super::Outgoing), which is the same for those who call: a step of it, for those who wait.
pub trait PollSend {
    /// While a future has it, nobody else sends.
    #[doc(hidden)]
    type Claim<'a>: Default
    where
        Self: 'a;

    /// As `send`, for who keeps the claim until this is ready.
    #[doc(hidden)]
    fn poll_send<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Self::Claim<'a>,
        data: &[u8],
    ) -> Poll<io::Result<usize>>;

    /// The same from several buffers.
    #[doc(hidden)]
    fn poll_send_vectored<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Self::Claim<'a>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = data.iter().find(|slice| !slice.is_empty());
        self.poll_send(cx, claim, first.map_or(&[], |slice| slice))
    }

    /// Ready when all that was sent is on its way, if some is kept here.
    #[doc(hidden)]
    fn poll_flush(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Tells the other end that nothing will follow. There is nothing to tell if the connection is over.
    #[doc(hidden)]
    fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl<S: Receives> PollReceive for ByteStream<S> {
    type Claim<'a> = Option<Claim<'a>>;

    fn poll_receive<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Option<Claim<'a>>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let direction = Direction::Read.unless(buffer.is_empty());
        self.source().poll_claimed(cx, direction, claim, |io| receive(io, buffer))
    }
}

impl<S: Sends> PollSend for ByteStream<S> {
    type Claim<'a> = Option<Claim<'a>>;

    fn poll_send<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Option<Claim<'a>>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let direction = Direction::Write.unless(data.is_empty());
        self.source().poll_claimed(cx, direction, claim, |io| send(io, data))
    }

    fn poll_send_vectored<'a>(
        &'a self,
        cx: &mut Context<'_>,
        claim: &mut Option<Claim<'a>>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.source().poll_claimed(cx, Some(Direction::Write), claim, |io| send_vectored(io, data))
    }

    fn poll_finish(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match S::finish(self.source()) {
            Err(error) if is_over(&error) => Ok(()),
            ended => ended,
        })
    }
}

/// Is this what `shutdown` says of a connection that is over, by the peer, the network or this program?
fn is_over(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), NotConnected | ConnectionReset | ConnectionAborted)
}

/// What leads to an end is one.
macro_rules! incoming {
    ($(($($bound:tt)*) $end:ty, $target:ty, $way:ident;)*) => {$(
        impl<$($bound)*> PollReceive for $end
        where
            $target: PollReceive,
        {
            type Claim<'a>
                = <$target as PollReceive>::Claim<'a>
            where
                Self: 'a;

            fn poll_receive<'a>(
                &'a self,
                cx: &mut Context<'_>,
                claim: &mut Self::Claim<'a>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.$way().poll_receive(cx, claim, buffer)
            }
        }
    )*};
}

/// As `incoming`.
macro_rules! outgoing {
    ($(($($bound:tt)*) $end:ty, $target:ty, $way:ident;)*) => {$(
        impl<$($bound)*> PollSend for $end
        where
            $target: PollSend,
        {
            type Claim<'a>
                = <$target as PollSend>::Claim<'a>
            where
                Self: 'a;

            fn poll_send<'a>(
                &'a self,
                cx: &mut Context<'_>,
                claim: &mut Self::Claim<'a>,
                data: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.$way().poll_send(cx, claim, data)
            }

            fn poll_send_vectored<'a>(
                &'a self,
                cx: &mut Context<'_>,
                claim: &mut Self::Claim<'a>,
                data: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.$way().poll_send_vectored(cx, claim, data)
            }

            fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.$way().poll_flush(cx)
            }

            fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.$way().poll_finish(cx)
            }
        }
    )*};
}

pub(super) use {incoming, outgoing};

incoming! {
    (T: ?Sized) &T, T, deref;
    (T: ?Sized) Rc<T>, T, deref;
}

outgoing! {
    (T: ?Sized) &T, T, deref;
    (T: ?Sized) Rc<T>, T, deref;
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::task::ready;
    use std::time::Duration;

    use giambio_core::{Sleep, sleep};

    use super::*;

    /// An end in virtual time: each piece comes a second after the one before was taken, and each send, of three bytes at
    /// most, takes a second.
    #[derive(Default)]
    pub(in crate::stream) struct Script {
        pieces: RefCell<VecDeque<Vec<u8>>>,
        wait: RefCell<Option<Pin<Box<Sleep>>>>,
        pub(in crate::stream) sent: RefCell<Vec<u8>>,
        pub(in crate::stream) is_finished: Cell<bool>,
        /// After the pieces it is silent, instead of over.
        pub(in crate::stream) is_silent: Cell<bool>,
    }

    impl Script {
        pub(in crate::stream) fn of(pieces: &[&[u8]]) -> Script {
            let script = Script::default();
            script.pieces.borrow_mut().extend(pieces.iter().map(|piece| piece.to_vec()));
            script
        }

        fn poll_wait(&self, cx: &mut Context<'_>) -> Poll<()> {
            let mut wait = self.wait.borrow_mut();
            ready!(wait.get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(1)))).as_mut().poll(cx));
            *wait = None;
            Poll::Ready(())
        }
    }

    impl PollReceive for Script {
        type Claim<'a> = ();

        fn poll_receive(&self, cx: &mut Context<'_>, (): &mut (), buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            if self.is_silent.get() && self.pieces.borrow().is_empty() {
                return Poll::Pending;
            }
            ready!(self.poll_wait(cx));
            let mut pieces = self.pieces.borrow_mut();
            let Some(mut piece) = pieces.pop_front() else { return Poll::Ready(Ok(0)) };
            let count = piece.len().min(buffer.len());
            buffer[..count].copy_from_slice(&piece[..count]);
            if count < piece.len() {
                pieces.push_front(piece.split_off(count));
            }
            Poll::Ready(Ok(count))
        }
    }

    impl PollSend for Script {
        type Claim<'a> = Option<Pin<Box<Sleep>>>;

        fn poll_send(
            &self,
            cx: &mut Context<'_>,
            wait: &mut Option<Pin<Box<Sleep>>>,
            data: &[u8],
        ) -> Poll<io::Result<usize>> {
            ready!(wait.get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(1)))).as_mut().poll(cx));
            *wait = None;
            let count = data.len().min(3);
            self.sent.borrow_mut().extend(&data[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_finish(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.is_finished.set(true);
            Poll::Ready(Ok(()))
        }
    }
}
