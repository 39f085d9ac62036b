//! A channel that is never full.

use alloc::collections::VecDeque;
use core::cell::RefCell;
use core::fmt;

use super::buffer::Buffer;
use super::buffered::Buffered;
use super::carrier::Carrier;
use super::deliver::deliver;
use super::ends::{Receiver, Sender};
use super::errors::{Closed, SendError, TryReceiveError};
use super::methods::methods;
use crate::call_site::CallSite;
use crate::kernel::wait_queue::{Access, Local, Shared};

/// Any number of values on their way from any number of tasks to any number of tasks: a [`Channel`](super::Channel) that is
/// never full, so sending never waits.
///
/// Nothing holds back who sends faster than others receive, and all that waits is in memory: take it where the number is
/// limited by something else, and look at its [`peak`](Unbounded::peak). It allocates when something is sent, so interrupt
/// handlers take a `Channel`.
///
/// ```
/// use giambio_core::{channel::Unbounded, testing};
///
/// let jobs = Unbounded::new();
/// testing::run(async {
///     (1..=1000).for_each(|job| jobs.send(job).unwrap());
///     assert_eq!(jobs.receive().await, Ok(1));
///     jobs.close();
///     assert_eq!(jobs.drain().count(), 999);
///     assert_eq!(jobs.peak(), 1000);
/// });
/// ```
pub struct Unbounded<T, K: Access = Local> {
    buffered: Buffered<RefCell<VecDeque<T>>, K>,
}

impl<T> Unbounded<T> {
    /// An empty channel, for the tasks of one runtime.
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<T> Unbounded<T, Shared> {
    /// An empty channel, for tasks and threads.
    pub const fn shared() -> Self {
        Self::empty()
    }
}

impl<T, K: Access> Unbounded<T, K> {
    const fn empty() -> Self {
        Unbounded { buffered: Buffered::new(RefCell::new(VecDeque::new())) }
    }

    /// Sends a value, and wakes the task that has waited longest. Never waits.
    ///
    /// # Errors
    /// The channel is closed; the value is handed back.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.buffered.try_send(value).map_err(|error| SendError(error.into_value()))
    }

    methods!(T);
}

impl<T> Buffer for VecDeque<T> {
    type Value = T;

    fn push(&mut self, value: T) {
        self.push_back(value);
    }

    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn len(&self) -> usize {
        VecDeque::len(self)
    }

    fn capacity(&self) -> usize {
        usize::MAX
    }
}

impl<T, K: Access> Carrier for Unbounded<T, K> {
    type Value = T;
    type Store = RefCell<VecDeque<T>>;
    type Access = K;

    fn buffered(&self) -> &Buffered<RefCell<VecDeque<T>>, K> {
        &self.buffered
    }
}

impl<T, K: Access> Default for Unbounded<T, K> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T, K: Access> fmt::Debug for Unbounded<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_closed() { ", closed" } else { "" };
        write!(f, "Unbounded({}{state})", self.len())
    }
}
