//! A channel whose size is chosen while the program runs.

use alloc::collections::VecDeque;
use core::cell::RefCell;
use core::fmt;

use super::buffered::Buffered;
use super::carrier::Carrier;
use super::deliver::deliver;
use super::ends::{Receiver, Sender};
use super::errors::{Closed, TryReceiveError, TrySendError};
use super::methods::methods;
use super::places::Places;
use super::send::Send;
use super::slot::Slot;
use crate::call_site::CallSite;
use crate::kernel::wait_queue::{Access, Local, Shared};

/// A [`Channel`](super::Channel) whose size is known only while the program runs, and may grow. All that is said there holds
/// here.
///
/// It allocates its places when it is made or [grows](Growable::grow), and never else.
///
/// ```
/// use giambio_core::{channel::Growable, nursery, testing};
///
/// async fn squares(places: usize) -> u32 {
///     let squares = Growable::new(places);
///     let Ok(sum) = nursery(async |n| {
///         n.spawn(async {
///             for number in 1..=10 {
///                 squares.send(number * number).await.unwrap();
///             }
///             squares.close();
///             Ok::<_, core::convert::Infallible>(())
///         });
///         let mut sum = 0;
///         while let Ok(square) = squares.receive().await {
///             sum += square;
///         }
///         Ok(sum)
///     })
///     .await;
///     sum
/// }
/// assert_eq!(testing::run(squares(3)), 385);
/// ```
pub struct Growable<T, K: Access = Local> {
    buffered: Buffered<RefCell<Places<VecDeque<T>>>, K>,
}

impl<T> Growable<T> {
    /// An empty channel of so many places, for the tasks of one runtime.
    ///
    /// # Panics
    /// If there are none, or more than memory can hold.
    pub fn new(capacity: usize) -> Self {
        Self::empty(capacity)
    }
}

impl<T> Growable<T, Shared> {
    /// An empty channel of so many places, for tasks, interrupts and threads.
    ///
    /// # Panics
    /// If there are none, or more than memory can hold.
    pub fn shared(capacity: usize) -> Self {
        Self::empty(capacity)
    }
}

impl<T, K: Access> Growable<T, K> {
    #[track_caller]
    fn empty(capacity: usize) -> Self {
        Growable { buffered: Buffered::new(RefCell::new(Places::new(capacity))) }
    }

    /// Adds places, and wakes those who have waited for some. Allocates.
    ///
    /// ```
    /// use giambio_core::channel::Growable;
    ///
    /// let jobs = Growable::new(1);
    /// jobs.try_send("first").unwrap();
    /// assert!(jobs.try_send("second").is_err());
    /// jobs.grow(1);
    /// jobs.try_send("second").unwrap();
    /// assert_eq!((jobs.len(), jobs.capacity(), jobs.peak()), (2, 2, 2));
    /// ```
    ///
    /// # Panics
    /// If there would be more than memory can hold; nothing has changed then.
    #[track_caller]
    pub fn grow(&self, places: usize) {
        self.buffered.enlarge(|buffer| buffer.grow(places));
    }

    methods!(waiting T);

    /// How many values it can hold.
    pub fn capacity(&self) -> usize {
        self.buffered.capacity()
    }
}

impl<T, K: Access> Carrier for Growable<T, K> {
    type Value = T;
    type Store = RefCell<Places<VecDeque<T>>>;
    type Access = K;

    fn buffered(&self) -> &Buffered<RefCell<Places<VecDeque<T>>>, K> {
        &self.buffered
    }
}

impl<T, K: Access> fmt::Debug for Growable<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_closed() { ", closed" } else { "" };
        write!(f, "Growable({} of {}{state})", self.len(), self.capacity())
    }
}
