//! The same values to everybody.

use core::fmt;

use heapless::Deque;

use super::errors::SendError;
use super::news::{News, Row};
use super::subscriber::{Broadcasts, Subscriber};
use crate::kernel::wait_queue::{Access, Local, Shared};

/// Values that go to each who has subscribed, of which the last `N` are kept.
///
/// Sending never waits, and nobody who is slow keeps others waiting: who is more than `N` values behind misses the oldest,
/// is told how many, and goes on with the oldest that is left. Any number of tasks subscribe, without a heap. It is of kind
/// [`Shared`] in a `static`, where interrupt handlers or other threads send.
///
/// Values are cloned where others are kept out, in a critical section or under a lock: they should be small. Large ones go in
/// an `Rc` or `Arc`, or by reference. A `clone` that sends to this broadcast, or closes it, panics.
///
/// ```
/// use giambio_core::{channel::{Broadcast, BroadcastError}, testing};
///
/// let news = Broadcast::<&str, 2>::new();
/// let (mut quick, mut slow) = (news.subscribe(), news.subscribe());
/// testing::run(async {
///     news.send("one").unwrap();
///     assert_eq!(quick.receive().await, Ok("one"));
///     news.send("two").unwrap();
///     news.send("three").unwrap();
///     assert_eq!(quick.receive().await, Ok("two"));
///     assert_eq!(slow.receive().await, Err(BroadcastError::Lagged(1))); // "one" is gone
///     assert_eq!(slow.receive().await, Ok("two"));
///     news.close();
///     assert_eq!(slow.receive().await, Ok("three"));
///     assert_eq!(slow.receive().await, Err(BroadcastError::Closed));
/// });
/// ```
pub struct Broadcast<T, const N: usize, K: Access = Local> {
    news: News<Deque<T, N>, K>,
}

impl<T, const N: usize> Broadcast<T, N> {
    /// One for the tasks of one runtime.
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize> Broadcast<T, N, Shared> {
    /// One for tasks, interrupts and threads.
    pub const fn shared() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize, K: Access> Broadcast<T, N, K> {
    const fn empty() -> Self {
        const { assert!(N > 0, "Broadcast<_, 0> keeps nothing: choose N >= 1") };
        Broadcast { news: News::new(Deque::new()) }
    }

    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.news.set_name(name);
        self
    }

    /// Sends a value to all who have subscribed; the oldest that is kept goes, if need be. Never waits.
    ///
    /// # Errors
    /// It is closed; the value is handed back.
    ///
    /// # Panics
    /// In the `clone` of a value in it. And if wakers of other executors panic, with the first of these panics, when all are
    /// told.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.news.send(value)
    }

    /// Nothing more will be sent: all who wait are told. What is kept is still received.
    ///
    /// # Panics
    /// As [`send`](Broadcast::send).
    pub fn close(&self) {
        self.news.close();
    }

    /// Is it closed?
    pub fn is_closed(&self) -> bool {
        self.news.is_closed()
    }

    /// Somebody who gets what is sent from now on.
    pub fn subscribe(&self) -> Subscriber<'_, Self> {
        Subscriber::new(self)
    }

    /// How many subscribe: what is sent to none is only kept. One that is forgotten (`mem::forget`) counts for ever.
    ///
    /// ```
    /// use giambio_core::channel::Broadcast;
    ///
    /// let news = Broadcast::<String, 4>::new();
    /// let reader = news.subscribe();
    /// assert_eq!(news.subscribers(), 1);
    /// drop(reader);
    /// if news.subscribers() > 0 {
    ///     news.send("what is dear to make".repeat(1000)).unwrap();
    /// }
    /// ```
    pub fn subscribers(&self) -> usize {
        self.news.subscribers()
    }

    /// How many values are kept.
    pub const fn capacity(&self) -> usize {
        N
    }
}

impl<T, const N: usize> Row for Deque<T, N> {
    fn nth(&self, n: usize) -> Option<&T> {
        self.get(n)
    }
}

impl<T, const N: usize, K: Access> Broadcasts for Broadcast<T, N, K> {
    type Value = T;
    type Kept = Deque<T, N>;
    type Access = K;

    fn news(&self) -> &News<Deque<T, N>, K> {
        &self.news
    }
}

impl<T, const N: usize, K: Access> Default for Broadcast<T, N, K> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize, K: Access> fmt::Debug for Broadcast<T, N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broadcast({} were sent{})", self.news.sent(), if self.is_closed() { ", closed" } else { "" })
    }
}
