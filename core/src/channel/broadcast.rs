//! The same values to everybody.

use core::cell::{RefCell, RefMut};
use core::convert::Infallible;
use core::fmt;

use heapless::Deque;

use super::errors::{BroadcastError, SendError};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::wait_queue::{Access, Line, Local, Shared, Turn, WaitQueue, Waiting, nothing};

/// Values that go to each who has subscribed, of which the last `N` are kept.
///
/// Sending never waits, and nobody who is slow keeps others waiting: who is more than `N` values behind misses the oldest,
/// is told how many, and goes on with the oldest that is left. Any number of tasks subscribe, without a heap. It is of kind
/// [`Shared`] in a `static`, where interrupt handlers or other threads send.
///
/// Values are cloned where others are kept out, in a critical section or under a lock: they should be small. Large ones go in an `Rc`
/// or `Arc`, or by reference. A `clone` that sends to this broadcast, or closes it, panics.
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
    queue: WaitQueue<RefCell<Kept<T, N>>, Infallible, K>,
}

struct Kept<T, const N: usize> {
    values: Deque<T, N>,
    /// How many were ever sent.
    sent: u64,
    is_closed: bool,
}

/// Who gets the values that a [`Broadcast`] sends from when it [subscribes](Broadcast::subscribe) on. A clone is where this one is.
pub struct Subscriber<'a, T, const N: usize, K: Access = Local> {
    broadcast: &'a Broadcast<T, N, K>,
    /// The number of the value that it gets next.
    next: u64,
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
        Broadcast { queue: WaitQueue::new(RefCell::new(Kept { values: Deque::new(), sent: 0, is_closed: false })) }
    }

    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.queue.set_name(name);
        self
    }

    /// Sends a value to all who have subscribed; the oldest that is kept goes, if need be. Never waits.
    ///
    /// # Errors
    /// It is closed; the value is handed back.
    ///
    /// # Panics
    /// In the `clone` of a value in it. And if wakers of other executors panic, with the first of these panics, when all are told.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        // Its destructor runs when nothing is held any more.
        let oldest = self.queue.tell_if(|kept| {
            let pushed = change(kept).push(value);
            let is_sent = pushed.is_ok();
            (pushed, is_sent)
        });
        oldest.map(drop)
    }

    /// Nothing more will be sent: all who wait are told. What is kept is still received.
    ///
    /// # Panics
    /// As [`send`](Broadcast::send).
    pub fn close(&self) {
        self.queue.tell_all(|kept| change(kept).is_closed = true);
    }

    /// Is it closed?
    pub fn is_closed(&self) -> bool {
        self.queue.with(|kept, _| kept.borrow().is_closed)
    }

    /// Somebody who gets what is sent from now on.
    pub fn subscribe(&self) -> Subscriber<'_, T, N, K> {
        Subscriber { broadcast: self, next: self.queue.with(|kept, _| kept.borrow().sent) }
    }

    /// How many values are kept.
    pub const fn capacity(&self) -> usize {
        N
    }
}

fn change<T, const N: usize>(kept: &RefCell<Kept<T, N>>) -> RefMut<'_, Kept<T, N>> {
    let Ok(kept) = kept.try_borrow_mut() else {
        panic!("giambio: a `Broadcast` is changed by the `clone` of a value in it")
    };
    kept
}

impl<T, const N: usize> Kept<T, N> {
    /// Puts a value in; returns the one that has to go.
    fn push(&mut self, value: T) -> Result<Option<T>, SendError<T>> {
        if self.is_closed {
            return Err(SendError(value));
        }
        let oldest = if self.values.is_full() { self.values.pop_front() } else { None };
        self.sent += 1;
        let Ok(()) = self.values.push_back(value) else { unreachable!("giambio: there is room for one more") };
        Ok(oldest)
    }

    fn get(&self, next: &mut u64) -> Option<Result<T, BroadcastError>>
    where
        T: Clone,
    {
        let oldest = self.sent - self.values.len() as u64;
        if *next < oldest {
            let missed = oldest - *next;
            *next = oldest;
            if !fault!("lag-is-not-told") {
                return Some(Err(BroadcastError::Lagged(missed)));
            }
        }
        match self.values.get((*next - oldest) as usize) {
            Some(value) => {
                let value = value.clone();
                *next += 1;
                Some(Ok(value))
            }
            None => self.is_closed.then_some(Err(BroadcastError::Closed)),
        }
    }
}

impl<T: Clone, const N: usize, K: Access> Subscriber<'_, T, N, K> {
    /// Receives the next value, as soon as it is there.
    ///
    /// # Errors
    /// Values were missed; or the broadcast is closed, and nothing is left.
    ///
    /// # Cancellation
    /// [**Restartable.**](crate#cancellation) A value counts as received in the poll that ends.
    ///
    /// # Panics
    /// As the `clone` of the value, which is then received by the next call.
    #[track_caller]
    pub fn receive(&mut self) -> impl Future<Output = Result<T, BroadcastError>> {
        let next = &mut self.next;
        let look = move |kept: &RefCell<Kept<T, N>>, _: &Line<Infallible>, _: Turn<Infallible>| kept.borrow().get(next);
        leaf::<AValue, _>(Waiting::new(self.broadcast.queue.calling(), look, nothing), CallSite::here())
    }

    /// Takes the next value, if it is there: `None` means that it is still to come. Never waits.
    ///
    /// ```
    /// use giambio_core::channel::Broadcast;
    ///
    /// let news = Broadcast::<&str, 4>::new();
    /// let mut reader = news.subscribe();
    /// assert_eq!(reader.try_receive(), Ok(None)); // still to come
    /// news.send("rain").unwrap();
    /// assert_eq!(reader.try_receive(), Ok(Some("rain")));
    /// ```
    ///
    /// # Errors
    /// Values were missed; or the broadcast is closed, and nothing is left.
    ///
    /// # Panics
    /// As [`receive`](Subscriber::receive).
    pub fn try_receive(&mut self) -> Result<Option<T>, BroadcastError> {
        let next = &mut self.next;
        self.broadcast.queue.calling().with(|kept| kept.borrow().get(next)).transpose()
    }
}

struct AValue;

impl Named for AValue {
    const NAME: &'static str = "value of broadcast";
}

impl<T, const N: usize, K: Access> Clone for Subscriber<'_, T, N, K> {
    fn clone(&self) -> Self {
        Subscriber { ..*self }
    }
}

impl<T, const N: usize, K: Access> Default for Broadcast<T, N, K> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize, K: Access> fmt::Debug for Broadcast<T, N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sent, is_closed) = self.queue.with(|kept, _| (kept.borrow().sent, kept.borrow().is_closed));
        write!(f, "Broadcast({sent} were sent{})", if is_closed { ", closed" } else { "" })
    }
}

impl<T, const N: usize, K: Access> fmt::Debug for Subscriber<'_, T, N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("next", &self.next).finish_non_exhaustive()
    }
}
