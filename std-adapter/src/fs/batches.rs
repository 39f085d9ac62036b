//! Things that a thread finds, by the hundred.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::job::reading;

/// So many are found at once.
const HUNDRED: usize = 100;

/// What finds them, and goes to the thread and back.
type Finder<T> = Box<dyn Iterator<Item = io::Result<T>> + Send>;
type Found<T> = (Finder<T>, VecDeque<io::Result<T>>);
type Looking<T> = Pin<Box<dyn Future<Output = io::Result<Found<T>>>>>;

/// A thread looks for things while somebody waits for the next one, and finds a hundred. It stays with them, so that who gives up
/// waiting and comes again goes on.
pub(super) struct Batches<T> {
    found: VecDeque<io::Result<T>>,
    finder: Option<Finder<T>>,
    looking: Option<Looking<T>>,
}

impl<T: Send + 'static> Batches<T> {
    pub(super) fn new(finder: impl Iterator<Item = io::Result<T>> + Send + 'static) -> Batches<T> {
        Batches { found: VecDeque::new(), finder: Some(Box::new(finder)), looking: None }
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<T>>> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Poll::Ready(found.map(Some));
            }
            if let Some(looking) = &mut self.looking {
                let looked = ready!(looking.as_mut().poll(cx));
                self.looking = None;
                let (finder, found) = looked?;
                self.finder = (found.len() == HUNDRED).then_some(finder);
                self.found = found;
                continue;
            }
            let Some(mut finder) = self.finder.take() else { return Poll::Ready(Ok(None)) };
            self.looking = Some(Box::pin(reading(move || {
                let found = finder.by_ref().take(HUNDRED).collect();
                Ok((finder, found))
            })));
        }
    }
}
