//! The leaf future of everything that waits for a socket: tries a call until it no longer would block.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::claim::Claim;
use super::readiness::Direction;
use super::source::{Descriptor, Done, Source};

/// Made by [`Source::attempt`]. Completes with the first outcome of `call` other than "would block".
///
/// It has its direction of the source to itself from when it first waits until it completes, is dropped or is cancelled. One
/// that never waits needs no claim: nothing else runs between its beginning and its end. Without a direction it never waits.
#[must_use = "nothing is tried until this is awaited"]
pub(crate) struct Attempt<'a, S: Descriptor, F> {
    source: &'a Source<S>,
    direction: Option<Direction>,
    call: F,
    claim: Option<Claim<'a>>,
}

impl<S: Descriptor> Source<S> {
    /// Tries `call` until it no longer would block.
    pub(crate) fn attempt<T, F>(&self, direction: Option<Direction>, call: F) -> Attempt<'_, S, F>
    where
        F: FnMut(&S) -> io::Result<Done<T>> + Unpin,
    {
        Attempt { source: self, direction, call, claim: None }
    }
}

impl<S, F, T> Future for Attempt<'_, S, F>
where
    S: Descriptor,
    F: FnMut(&S) -> io::Result<Done<T>> + Unpin,
{
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let Attempt { source, direction, call, claim } = self.get_mut();
        source.poll_claimed(cx, *direction, claim, call)
    }
}

/// Made by [`Source::attempt_call`]: as [`Attempt`], for a call that may be anybody's code.
#[must_use = "nothing is tried until this is awaited"]
pub(crate) struct AttemptCall<'a, S: Descriptor, F> {
    source: &'a Source<S>,
    direction: Direction,
    call: F,
    claim: Option<Claim<'a>>,
}

impl<S: Descriptor> Source<S> {
    /// Tries `call`, which is made while this is open, until it no longer would block.
    pub(crate) fn attempt_call<T, F>(&self, direction: Direction, call: F) -> AttemptCall<'_, S, F>
    where
        F: FnMut() -> io::Result<T>,
    {
        AttemptCall { source: self, direction, call, claim: None }
    }
}

/// What `call` borrows or holds is never pinned.
impl<S: Descriptor, F> Unpin for AttemptCall<'_, S, F> {}

impl<S, F, T> Future for AttemptCall<'_, S, F>
where
    S: Descriptor,
    F: FnMut() -> io::Result<T>,
{
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let AttemptCall { source, direction, call, claim } = self.get_mut();
        source.poll_call_claimed(cx, *direction, claim, || {
            source.expect_open()?;
            call().map(Done::more)
        })
    }
}
