//! Things that a thread finds, by the hundred.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use super::job::reading;
use crate::pool::lock;

/// So many are found at once.
const HUNDRED: usize = 100;

/// What finds them. One call at a time has it locked; it is kept here, too, since a call may get no thread and be gone.
type Finder<T> = Arc<Mutex<dyn Iterator<Item = io::Result<T>> + Send>>;
type Found<T> = VecDeque<io::Result<T>>;
type Looking<T> = Pin<Box<dyn Future<Output = io::Result<Found<T>>>>>;

/// A thread looks for things while somebody waits for the next one, and finds a hundred. It stays with them, so that who
/// gives up waiting and comes again goes on.
pub(super) struct Batches<T> {
    found: Found<T>,
    /// Until it has found all.
    finder: Option<Finder<T>>,
    looking: Option<Looking<T>>,
}

impl<T: Send + 'static> Batches<T> {
    pub(super) fn new(finder: impl Iterator<Item = io::Result<T>> + Send + 'static) -> Batches<T> {
        Batches { found: VecDeque::new(), finder: Some(Arc::new(Mutex::new(finder))), looking: None }
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<T>>> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Poll::Ready(found.map(Some));
            }
            if let Some(looking) = &mut self.looking {
                let looked = ready!(looking.as_mut().poll(cx));
                self.looking = None;
                self.found = looked?;
                if self.found.len() < HUNDRED {
                    self.finder = None;
                }
                continue;
            }
            let Some(finder) = self.finder.clone() else { return Poll::Ready(Ok(None)) };
            self.looking = Some(Box::pin(reading(move || Ok((&mut *lock(&finder)).take(HUNDRED).collect()))));
        }
    }
}
