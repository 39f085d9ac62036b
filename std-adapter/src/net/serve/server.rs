//! A server at work: who accepts, and what becomes of those that are served.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use giambio_core::{__fault as fault, Nursery, TaskName, move_on_after, nursery, race, sleep, until_stopped};

use super::accept::Accept;
use super::answers::{Handled, ServerError};
use super::connection::{Connection, Place, Untimed};
use super::counts::Counts;
use super::hooks::{NameOf, OnError, OnShortage};
use super::shared::Server;
use crate::net::listener::retrying;

/// How a server is to be.
pub(super) struct Plan<'a, P> {
    pub(super) limit: usize,
    pub(super) time: Option<Duration>,
    pub(super) end: Ending<'a>,
    pub(super) on_shortage: Option<OnShortage<'a>>,
    pub(super) counts: Option<&'a Counts>,
    pub(super) name: Option<NameOf<'a, P>>,
}

/// How it is to end.
pub(super) struct Ending<'a> {
    pub(super) stop: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    pub(super) grace: Option<Duration>,
}

/// What is done with each connection.
struct Work<'e, H, P, E, X> {
    handler: &'e H,
    server: &'e Server<'e, P, E, X>,
    limit: usize,
    time: Option<Duration>,
    name: Option<&'e dyn Fn(&P) -> TaskName>,
}

/// Serves until it is stopped.
pub(super) async fn run<'a, A, H, R, X>(
    listener: A,
    handler: H,
    on_error: OnError<'a, A::Peer, R::Error, X>,
    plan: Plan<'a, A::Peer>,
) -> Result<(), X>
where
    A: Accept,
    A::Stream: 'a,
    A::Peer: Clone + 'a,
    H: AsyncFn(A::Stream, A::Peer) -> R,
    R: Handled + 'a,
    X: ServerError,
{
    let own = Counts::new();
    let server = Server::new(plan.counts.unwrap_or(&own), on_error, plan.on_shortage);
    let work =
        Work { handler: &handler, server: &server, limit: plan.limit, time: plan.time, name: plan.name.as_deref() };
    let end = plan.end;
    nursery(async |n| {
        // A child, so that it hears of a stop before those that it has started.
        n.child().name("accept").spawn(accept_until_stopped(n, listener, work, end));
        Ok(())
    })
    .await
}

/// Closes the listener when a stop is asked for, and sees to it that the others hear of it.
async fn accept_until_stopped<'n, 'e, A, H, R, X>(
    n: Nursery<'n, 'e, X>,
    listener: A,
    work: Work<'e, H, A::Peer, R::Error, X>,
    end: Ending<'_>,
) -> Result<(), X>
where
    A: Accept,
    A::Stream: 'e,
    A::Peer: Clone + 'e,
    H: AsyncFn(A::Stream, A::Peer) -> R,
    R: Handled + 'e,
    X: ServerError,
{
    let open = Open(listener);
    let stopped = async {
        match end.stop {
            Some(stop) => stop.await,
            None => pending().await,
        }
        Ok(())
    };
    until_stopped(race((stopped, accept_all(n, &open.0, work)))).await.unwrap_or(Ok(()))?;
    drop(open);
    n.ask_to_stop();
    match end.grace {
        None => {}
        Some(Duration::ZERO) => n.cancel_children(),
        Some(grace) => {
            n.child().name("grace").daemon().spawn(async move {
                sleep(grace).await;
                n.cancel_children();
                Ok(())
            });
        }
    }
    Ok(())
}

/// Accepts until the listener itself fails.
async fn accept_all<'n, 'e, A, H, R, X>(
    n: Nursery<'n, 'e, X>,
    listener: &A,
    work: Work<'e, H, A::Peer, R::Error, X>,
) -> Result<(), X>
where
    A: Accept,
    A::Stream: 'e,
    A::Peer: Clone + 'e,
    H: AsyncFn(A::Stream, A::Peer) -> R,
    R: Handled + 'e,
    X: ServerError,
{
    let Work { handler, server, limit, time, name } = work;
    loop {
        server.has_room(limit).await;
        let (stream, peer) = retrying(async || listener.accept().await, |error| server.lacks(error)).await?;
        let place = Place::new(server);
        let child = n.child().name(name.map_or(TaskName::from_static("connection"), |name| name(&peer)));
        let handling = handler(stream, peer.clone());
        // Two kinds of children, so that who sets no limit doesn't pay for it in each of them.
        match time {
            None => child.spawn(Connection::new(Untimed { handling }, peer, place)),
            Some(time) => child.spawn(Connection::new(move_on_after(time, handling), peer, place)),
        };
    }
}

/// Closes what accepts when it is dropped: also when the server fails or is cancelled, and before clean-ups of handlers end.
struct Open<A: Accept>(A);

impl<A: Accept> Drop for Open<A> {
    fn drop(&mut self) {
        if !fault!("a-lent-listener-stays-open") {
            self.0.close();
        }
    }
}
