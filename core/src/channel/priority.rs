//! A channel out of which the most urgent comes first.

use core::cmp::{Ordering, Reverse};
use core::fmt;

use heapless::BinaryHeap;
use heapless::binary_heap::Max;

use super::buffer::Buffer;
use super::buffered::Buffered;
use super::carrier::Carrier;
use super::deliver::deliver;
use super::ends::{Receiver, Sender};
use super::errors::{Closed, TryReceiveError, TrySendError};
use super::methods::methods;
use super::send::Send;
use super::slot::Slot;
use crate::call_site::CallSite;
use crate::kernel::wait_queue::{Access, Local, Shared};

/// A [`Channel`](super::Channel) of `N` places out of which the value of the highest priority comes first, and of equal ones the one
/// that went in first. All else that is said there holds here.
///
/// Each value goes in, and comes out, with its priority, a number. Who waits to send waits in the order of coming, whatever the
/// priority: what is not in the channel yet is not compared.
///
/// ```
/// use giambio_core::{channel::Priority, testing};
///
/// let jobs = Priority::<&str, 4>::new();
/// testing::run(async {
///     jobs.send((1, "tidy up")).await.unwrap();
///     jobs.send((9, "put out the fire")).await.unwrap();
///     jobs.send((1, "go home")).await.unwrap();
///     assert_eq!(jobs.receive().await, Ok((9, "put out the fire")));
///     assert_eq!(jobs.receive().await, Ok((1, "tidy up")));
///     assert_eq!(jobs.receive().await, Ok((1, "go home")));
/// });
/// ```
pub struct Priority<T, const N: usize, K: Access = Local> {
    buffered: Buffered<Ranked<T, N>, K>,
}

/// Values by their urgency.
#[expect(missing_debug_implementations, reason = "nobody can name it")]
pub struct Ranked<T, const N: usize> {
    heap: BinaryHeap<Entry<T>, Max, N>,
    /// How many ever went in.
    sent: u64,
}

struct Entry<T> {
    priority: u32,
    /// Of equal ones the first comes out first.
    number: Reverse<u64>,
    value: T,
}

impl<T, const N: usize> Priority<T, N> {
    /// An empty channel, for the tasks of one runtime.
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize> Priority<T, N, Shared> {
    /// An empty channel, for tasks, interrupts and threads.
    pub const fn shared() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize, K: Access> Priority<T, N, K> {
    const fn empty() -> Self {
        const { assert!(N > 0, "Priority<_, 0> holds nothing: choose N >= 1") };
        Priority { buffered: Buffered::new(Ranked { heap: BinaryHeap::new(), sent: 0 }) }
    }

    methods!(waiting(u32, T));

    /// How many values it can hold.
    pub const fn capacity(&self) -> usize {
        N
    }
}

impl<T, const N: usize> Buffer for Ranked<T, N> {
    type Value = (u32, T);

    fn push(&mut self, (priority, value): (u32, T)) {
        let entry = Entry { priority, number: Reverse(self.sent), value };
        self.sent += 1;
        let Ok(()) = self.heap.push(entry) else { unreachable!("giambio: a channel's places are counted") };
    }

    fn pop(&mut self) -> Option<(u32, T)> {
        self.heap.pop().map(|entry| (entry.priority, entry.value))
    }

    fn len(&self) -> usize {
        self.heap.len()
    }

    fn capacity(&self) -> usize {
        N
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.priority, self.number).cmp(&(other.priority, other.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

impl<T, const N: usize, K: Access> Carrier for Priority<T, N, K> {
    type Value = (u32, T);
    type Buffer = Ranked<T, N>;
    type Access = K;

    fn buffered(&self) -> &Buffered<Ranked<T, N>, K> {
        &self.buffered
    }
}

impl<T, const N: usize, K: Access> Default for Priority<T, N, K> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize, K: Access> fmt::Debug for Priority<T, N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_closed() { ", closed" } else { "" };
        write!(f, "Priority({} of {N}{state})", self.len())
    }
}
