//! Who gets what a broadcast sends.

use core::fmt;

use super::errors::BroadcastError;
use super::news::{News, Row};
use crate::call_site::CallSite;
use crate::kernel::wait_queue::Access;

/// A broadcast, as those have it who subscribe: [`Broadcast`](super::Broadcast), `GrowableBroadcast`. Nobody else can
/// implement it.
pub trait Broadcasts {
    /// What is sent.
    type Value;

    #[doc(hidden)]
    type Kept: Row<Value = Self::Value>;
    #[doc(hidden)]
    type Access: Access;
    #[doc(hidden)]
    fn news(&self) -> &News<Self::Kept, Self::Access>;
}

/// Who gets the values that a [`Broadcast`](super::Broadcast) sends from when it [subscribes](super::Broadcast::subscribe)
/// on. A clone is where this one is, and counts as one more.
///
/// ```
/// # #[cfg(feature = "heapless")] {
/// use giambio_core::{channel::{Broadcast, BroadcastError, Subscriber}, testing};
///
/// /// Listens to the end.
/// async fn count(mut reader: Subscriber<'_, Broadcast<&str, 4>>) -> usize {
///     let mut count = 0;
///     while reader.receive().await != Err(BroadcastError::Closed) {
///         count += 1;
///     }
///     count
/// }
///
/// let news = Broadcast::new();
/// let reader = news.subscribe();
/// ["rain", "wind"].map(|line| news.send(line).unwrap());
/// news.close();
/// assert_eq!(testing::run(count(reader)), 2);
/// # }
/// ```
pub struct Subscriber<'a, B: Broadcasts> {
    broadcast: &'a B,
    /// The number of the value that it gets next.
    next: u64,
}

impl<'a, B: Broadcasts> Subscriber<'a, B> {
    pub(super) fn new(broadcast: &'a B) -> Self {
        Subscriber { broadcast, next: broadcast.news().comes() }
    }
}

impl<B: Broadcasts<Value: Clone>> Subscriber<'_, B> {
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
    pub fn receive(&mut self) -> impl Future<Output = Result<B::Value, BroadcastError>> {
        self.broadcast.news().receive(&mut self.next, CallSite::here())
    }

    /// Takes the next value, if it is there: `None` means that it is still to come. Never waits.
    ///
    /// ```
    /// # #[cfg(feature = "heapless")] {
    /// use giambio_core::channel::Broadcast;
    ///
    /// let news = Broadcast::<&str, 4>::new();
    /// let mut reader = news.subscribe();
    /// assert_eq!(reader.try_receive(), Ok(None)); // still to come
    /// news.send("rain").unwrap();
    /// assert_eq!(reader.try_receive(), Ok(Some("rain")));
    /// # }
    /// ```
    ///
    /// # Errors
    /// Values were missed; or the broadcast is closed, and nothing is left.
    ///
    /// # Panics
    /// As [`receive`](Subscriber::receive).
    pub fn try_receive(&mut self) -> Result<Option<B::Value>, BroadcastError> {
        self.broadcast.news().try_receive(&mut self.next).transpose()
    }
}

impl<B: Broadcasts> Clone for Subscriber<'_, B> {
    fn clone(&self) -> Self {
        self.broadcast.news().comes();
        Subscriber { broadcast: self.broadcast, next: self.next }
    }
}

impl<B: Broadcasts> Drop for Subscriber<'_, B> {
    fn drop(&mut self) {
        self.broadcast.news().goes();
    }
}

impl<B: Broadcasts> fmt::Debug for Subscriber<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("next", &self.next).finish_non_exhaustive()
    }
}
