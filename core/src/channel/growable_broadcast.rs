//! The same values to everybody, of which as many are kept as is chosen while the program runs.

use alloc::collections::VecDeque;
use core::fmt;

use super::errors::SendError;
use super::news::{News, Row};
use super::places::Places;
use super::subscriber::{Broadcasts, Subscriber};
use crate::kernel::wait_queue::{Access, Local, Shared};

/// A [`Broadcast`](super::Broadcast) that keeps as many values as is said while the program runs, and may keep more later.
/// All that is said there holds here.
///
/// It allocates their places when it is made or [grows](GrowableBroadcast::grow), and never else.
///
/// ```
/// use giambio_core::{channel::{BroadcastError, GrowableBroadcast}, testing};
///
/// let news = GrowableBroadcast::new(1);
/// let mut reader = news.subscribe();
/// testing::run(async {
///     news.send("one").unwrap();
///     news.send("two").unwrap();
///     news.grow(1); // it was too slow
///     news.send("three").unwrap();
///     assert_eq!(reader.receive().await, Err(BroadcastError::Lagged(1)));
///     assert_eq!(reader.receive().await, Ok("two"));
///     assert_eq!(reader.receive().await, Ok("three"));
/// });
/// ```
pub struct GrowableBroadcast<T, K: Access = Local> {
    news: News<Places<VecDeque<T>>, K>,
}

impl<T> GrowableBroadcast<T> {
    /// One that keeps so many values, for the tasks of one runtime.
    ///
    /// # Panics
    /// If those are none, or more than memory can hold.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        GrowableBroadcast { news: News::new(Places::new(capacity)) }
    }
}

impl<T> GrowableBroadcast<T, Shared> {
    /// One that keeps so many values, for tasks, interrupts and threads.
    ///
    /// # Panics
    /// If those are none, or more than memory can hold.
    #[track_caller]
    pub fn shared(capacity: usize) -> Self {
        GrowableBroadcast { news: News::new(Places::new(capacity)) }
    }
}

impl<T, K: Access> GrowableBroadcast<T, K> {
    /// As [`Broadcast::named`](super::Broadcast::named).
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.news.set_name(name);
        self
    }

    /// Keeps so many values more from now on. Allocates.
    ///
    /// # Panics
    /// If there would be more than memory can hold, and in the `clone` of a value in it; nothing has changed then.
    #[track_caller]
    pub fn grow(&self, places: usize) {
        self.news.enlarge(|kept| kept.grow(places));
    }

    /// As [`Broadcast::send`](super::Broadcast::send).
    ///
    /// # Errors
    /// It is closed; the value is handed back.
    ///
    /// # Panics
    /// As there.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.news.send(value)
    }

    /// As [`Broadcast::close`](super::Broadcast::close).
    ///
    /// # Panics
    /// As there.
    pub fn close(&self) {
        self.news.close();
    }

    /// Is it closed?
    pub fn is_closed(&self) -> bool {
        self.news.is_closed()
    }

    /// As [`Broadcast::subscribe`](super::Broadcast::subscribe).
    pub fn subscribe(&self) -> Subscriber<'_, Self> {
        Subscriber::new(self)
    }

    /// As [`Broadcast::subscribers`](super::Broadcast::subscribers).
    pub fn subscribers(&self) -> usize {
        self.news.subscribers()
    }

    /// How many values are kept.
    pub fn capacity(&self) -> usize {
        self.news.capacity()
    }
}

impl<T> Row for Places<VecDeque<T>> {
    fn nth(&self, n: usize) -> Option<&T> {
        self.values().get(n)
    }
}

impl<T, K: Access> Broadcasts for GrowableBroadcast<T, K> {
    type Value = T;
    type Kept = Places<VecDeque<T>>;
    type Access = K;

    fn news(&self) -> &News<Places<VecDeque<T>>, K> {
        &self.news
    }
}

impl<T, K: Access> fmt::Debug for GrowableBroadcast<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_closed() { ", closed" } else { "" };
        write!(f, "GrowableBroadcast({} were sent{state})", self.news.sent())
    }
}
