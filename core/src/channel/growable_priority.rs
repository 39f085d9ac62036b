//! A channel out of which the most urgent comes first, whose size is chosen while the program runs.

use alloc::collections::BinaryHeap;
use core::cell::RefCell;
use core::fmt;

use super::buffered::Buffered;
use super::carrier::Carrier;
use super::deliver::deliver;
use super::ends::{Receiver, Sender};
use super::errors::{Closed, TryReceiveError, TrySendError};
use super::methods::methods;
use super::places::Places;
use super::ranked::{Entry, Ranked};
use super::send::Send;
use super::slot::Slot;
use crate::call_site::CallSite;
use crate::kernel::wait_queue::{Access, Local, Shared};

/// A [`Priority`](super::Priority) whose size is known only while the program runs, and may grow. All that is said there
/// holds here.
///
/// It allocates its places when it is made or [grows](GrowablePriority::grow), and never else.
///
/// ```
/// use giambio_core::{channel::GrowablePriority, testing};
///
/// let jobs = GrowablePriority::new(2);
/// testing::run(async {
///     jobs.send((1, "tidy up")).await.unwrap();
///     jobs.send((9, "put out the fire")).await.unwrap();
///     assert!(jobs.try_send((1, "go home")).is_err());
///     jobs.grow(1);
///     jobs.send((1, "go home")).await.unwrap();
///     assert_eq!(jobs.receive().await, Ok((9, "put out the fire")));
///     assert_eq!(jobs.drain().collect::<Vec<_>>(), [(1, "tidy up"), (1, "go home")]);
/// });
/// ```
pub struct GrowablePriority<T, K: Access = Local> {
    buffered: Buffered<RefCell<Ranked<Heap<T>>>, K>,
}

type Heap<T> = Places<BinaryHeap<Entry<T>>>;

impl<T> GrowablePriority<T> {
    /// An empty channel of so many places, for the tasks of one runtime.
    ///
    /// # Panics
    /// If there are none, or more than memory can hold.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Self::empty(capacity)
    }
}

impl<T> GrowablePriority<T, Shared> {
    /// An empty channel of so many places, for tasks, interrupts and threads.
    ///
    /// # Panics
    /// If there are none, or more than memory can hold.
    #[track_caller]
    pub fn shared(capacity: usize) -> Self {
        Self::empty(capacity)
    }
}

impl<T, K: Access> GrowablePriority<T, K> {
    #[track_caller]
    fn empty(capacity: usize) -> Self {
        GrowablePriority { buffered: Buffered::new(RefCell::new(Ranked::new(Places::new(capacity)))) }
    }

    /// As [`Growable::grow`](super::Growable::grow).
    ///
    /// # Panics
    /// If there would be more than memory can hold; nothing has changed then.
    #[track_caller]
    pub fn grow(&self, places: usize) {
        self.buffered.enlarge(|buffer| buffer.heap.grow(places));
    }

    methods!(waiting(u32, T));

    /// How many values it can hold.
    pub fn capacity(&self) -> usize {
        self.buffered.capacity()
    }
}

impl<T, K: Access> Carrier for GrowablePriority<T, K> {
    type Value = (u32, T);
    type Store = RefCell<Ranked<Heap<T>>>;
    type Access = K;

    fn buffered(&self) -> &Buffered<RefCell<Ranked<Heap<T>>>, K> {
        &self.buffered
    }
}

impl<T, K: Access> fmt::Debug for GrowablePriority<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_closed() { ", closed" } else { "" };
        write!(f, "GrowablePriority({} of {}{state})", self.len(), self.capacity())
    }
}
