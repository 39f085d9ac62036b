//! A connection while it is served.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use giambio_core::__fault as fault;
use pin_project_lite::pin_project;

use super::answers::Handled;
use super::counts::End;
use super::shared::Server;

/// One that is counted, until this is dropped or it has ended.
pub(super) struct Place<'s, P, E, X> {
    /// `None`: it has ended.
    server: Option<&'s Server<'s, P, E, X>>,
}

impl<'s, P, E, X> Place<'s, P, E, X> {
    pub(super) fn new(server: &'s Server<'s, P, E, X>) -> Self {
        server.begins();
        Place { server: Some(server) }
    }

    /// Nobody is told twice.
    fn end(&mut self, end: Option<End>) -> Option<&'s Server<'s, P, E, X>> {
        let server = self.server.take()?;
        server.ends(end);
        Some(server)
    }
}

impl<P, E, X> Drop for Place<'_, P, E, X> {
    fn drop(&mut self) {
        if !fault!("a-place-dies-with-its-connection") {
            self.end(None);
        }
    }
}

pin_project! {
    /// A handler at work, and what its end leads to. The handler is dropped before its place is free.
    pub(super) struct Connection<'s, F, P, E, X> {
        #[pin]
        handling: F,
        // For the hook.
        peer: Option<P>,
        place: Place<'s, P, E, X>,
    }
}

impl<'s, F, P, E, X> Connection<'s, F, P, E, X> {
    pub(super) fn new(handling: F, peer: P, place: Place<'s, P, E, X>) -> Self {
        Connection { handling, peer: Some(peer), place }
    }
}

impl<F, R, P, E, X> Future for Connection<'_, F, P, E, X>
where
    F: Future<Output = Option<R>>,
    R: Handled<Error = E>,
{
    type Output = Result<(), X>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), X>> {
        let this = self.project();
        let ended = ready!(this.handling.poll(cx)).map(Handled::into_result);
        let end = match &ended {
            None => End::TimedOut,
            Some(Ok(())) => End::Finished,
            Some(Err(_)) => End::Failed,
        };
        let server = this.place.end(Some(end));
        Poll::Ready(match (ended, server, this.peer.take()) {
            (Some(Err(error)), Some(server), Some(peer)) => server.judge(peer, error),
            _ => Ok(()),
        })
    }
}

pin_project! {
    /// A handler without a limit to its time, in the same words as one that has one.
    pub(super) struct Untimed<F> {
        #[pin]
        pub(super) handling: F,
    }
}

impl<F: Future> Future for Untimed<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().handling.poll(cx).map(Some)
    }
}
