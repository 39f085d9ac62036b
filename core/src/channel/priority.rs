//! A channel out of which the most urgent comes first.

use core::cell::RefCell;
use core::fmt;

use heapless::BinaryHeap;
use heapless::binary_heap::Max;

use super::buffer::{Buffer, MOST};
use super::buffered::Buffered;
use super::carrier::Carrier;
use super::deliver::deliver;
use super::ends::{Receiver, Sender};
use super::errors::{Closed, TryReceiveError, TrySendError};
use super::methods::methods;
use super::ranked::{Entry, Ranked};
use super::send::Send;
use super::slot::Slot;
use crate::call_site::CallSite;
use crate::kernel::wait_queue::{Access, Local, Shared};

/// A [`Channel`](super::Channel) of `N` places out of which the value of the highest priority comes first, and of equal ones
/// the one that went in first. All else that is said there holds here.
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
    buffered: Buffered<RefCell<Ranked<Heap<T, N>>>, K>,
}

type Heap<T, const N: usize> = BinaryHeap<Entry<T>, Max, N>;

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
        const { assert!(N <= MOST, "Priority<_, N> holds at most isize::MAX values") };
        Priority { buffered: Buffered::new(RefCell::new(Ranked::new(BinaryHeap::new()))) }
    }

    methods!(waiting(u32, T));

    /// How many values it can hold.
    pub const fn capacity(&self) -> usize {
        N
    }
}

impl<T: Ord, const N: usize> Buffer for BinaryHeap<T, Max, N> {
    type Value = T;

    fn push(&mut self, value: T) {
        let Ok(()) = BinaryHeap::push(self, value) else { unreachable!("giambio: a channel's places are counted") };
    }

    fn pop(&mut self) -> Option<T> {
        BinaryHeap::pop(self)
    }

    fn len(&self) -> usize {
        BinaryHeap::len(self)
    }

    fn capacity(&self) -> usize {
        N
    }
}

impl<T, const N: usize, K: Access> Carrier for Priority<T, N, K> {
    type Value = (u32, T);
    type Store = RefCell<Ranked<Heap<T, N>>>;
    type Access = K;

    fn buffered(&self) -> &Buffered<RefCell<Ranked<Heap<T, N>>>, K> {
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
