//! What bytes come from and go to, whether it is a stream, a half of one, or a reference to one: what copying, buffering and frames
//! are written over.

use std::io;
use std::ops::Deref;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::ByteStream;
use super::calls::{receive, send};
use super::halves::{ReceiveHalf, SendHalf};
use super::kind::{Connection, Receives, Sends};
use crate::reactor::{Claim, Direction};

/// What bytes come from: a [`ByteStream`], its [`ReceiveHalf`], a reference to one, the standard input.
///
/// It is a bound for code that is for all of them; none can be added from outside.
pub trait Incoming {
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

/// What bytes go to: a [`ByteStream`], its [`SendHalf`], a reference to one.
///
/// It is a bound for code that is for all of them; none can be added from outside.
pub trait Outgoing {
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

    /// Tells the other end that nothing will follow. There is nothing to tell if the connection is over.
    #[doc(hidden)]
    fn finish(&self) -> io::Result<()>;
}

impl<S: Receives> Incoming for ByteStream<S> {
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

impl<S: Sends> Outgoing for ByteStream<S> {
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

    fn finish(&self) -> io::Result<()> {
        match S::finish(self.source()) {
            Err(error) if is_over(&error) => Ok(()),
            ended => ended,
        }
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
        impl<$($bound)*> Incoming for $end
        where
            $target: Incoming,
        {
            type Claim<'a>
                = <$target as Incoming>::Claim<'a>
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
        impl<$($bound)*> Outgoing for $end
        where
            $target: Outgoing,
        {
            type Claim<'a>
                = <$target as Outgoing>::Claim<'a>
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

            fn finish(&self) -> io::Result<()> {
                self.$way().finish()
            }
        }
    )*};
}

incoming! {
    (T: ?Sized) &T, T, deref;
    (T: ?Sized) Rc<T>, T, deref;
    (S: Connection, P: Deref<Target = ByteStream<S>>) ReceiveHalf<P>, ByteStream<S>, stream;
}

outgoing! {
    (T: ?Sized) &T, T, deref;
    (T: ?Sized) Rc<T>, T, deref;
    (S: Connection, P: Deref<Target = ByteStream<S>>) SendHalf<P>, ByteStream<S>, stream;
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

    /// An end in virtual time: each piece comes a second after the one before was taken, and each send, of three bytes at most, takes a
    /// second.
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

    impl Incoming for Script {
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

    impl Outgoing for Script {
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

        fn finish(&self) -> io::Result<()> {
            self.is_finished.set(true);
            Ok(())
        }
    }
}
