//! What may come of sending and receiving.

use core::fmt;

/// The channel is closed, and nothing is left in it: nothing more will come, so end the loop that receives.
///
/// From where something was to be sent: nothing can be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// The channel is closed, since [`close`](super::Channel::close) was called or the last end of one side was dropped. The
/// value is handed back: keep it, or end the loop that sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// Why a value could not be sent at once. It is handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// Each place is taken, or promised to somebody who waits: try again later, wait by `send`, drop the value, or enlarge the
    /// channel.
    Full {
        /// The value.
        value: T,
        /// How many places there are. Where there is none, in a [`Rendezvous`](super::Rendezvous), nobody waits to receive.
        capacity: usize,
    },
    /// The channel is closed: nobody will want the value. End the loop that sends.
    Closed(T),
}

/// Why no value could be had at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryReceiveError {
    /// No value is there that isn't promised to somebody who waits: try again later, or wait by `receive`.
    Empty,
    /// The channel is closed, and nothing is left in it: nothing more will come.
    Closed,
}

/// A [`Pipe`](super::Pipe) was closed, and fewer bytes were in it than were wanted: use those that have come, or take it for
/// a message that was cut off.
#[cfg(any(feature = "heapless", feature = "alloc"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedEarly {
    /// How many bytes have come; they are in the buffer.
    pub received: usize,
    /// How many were wanted.
    pub wanted: usize,
}

/// Why a subscriber of a [`Broadcast`](super::Broadcast) got no value.
#[cfg(any(feature = "heapless", feature = "alloc"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroadcastError {
    /// It was too slow, and has missed so many values: go on with the next, which is there, after whatever the loss asks for;
    /// keep more values, or be faster.
    Lagged(u64),
    /// The broadcast is closed, and all that was sent has been received: end the loop that receives.
    Closed,
}

#[cfg(any(feature = "heapless", feature = "alloc"))]
impl fmt::Display for BroadcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BroadcastError::Lagged(1) => f.write_str("too slow: one value was missed"),
            BroadcastError::Lagged(count) => write!(f, "too slow: {count} values were missed"),
            BroadcastError::Closed => Closed.fmt(f),
        }
    }
}

#[cfg(any(feature = "heapless", feature = "alloc"))]
impl core::error::Error for BroadcastError {}

#[cfg(any(feature = "heapless", feature = "alloc"))]
impl fmt::Display for EndedEarly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pipe was closed after {} of {} bytes", self.received, self.wanted)
    }
}

#[cfg(any(feature = "heapless", feature = "alloc"))]
impl core::error::Error for EndedEarly {}

impl<T> TrySendError<T> {
    /// The value.
    ///
    /// ```
    /// # #[cfg(feature = "heapless")] {
    /// use giambio_core::channel::Channel;
    ///
    /// let channel = Channel::<String, 1>::new();
    /// channel.try_send("first".to_owned()).unwrap();
    /// let refused = channel.try_send("second".to_owned()).unwrap_err();
    /// assert_eq!(refused.into_value(), "second"); // nothing is lost
    /// # }
    /// ```
    pub fn into_value(self) -> T {
        match self {
            TrySendError::Full { value, .. } | TrySendError::Closed(value) => value,
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel is closed")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Closed.fmt(f)
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Full { capacity: 0, .. } => f.write_str("nobody waits to receive"),
            TrySendError::Full { capacity: 1, .. } => f.write_str("the only place of the channel is taken"),
            TrySendError::Full { capacity, .. } => write!(f, "all {capacity} places of the channel are taken"),
            TrySendError::Closed(_) => Closed.fmt(f),
        }
    }
}

impl fmt::Display for TryReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryReceiveError::Empty => f.write_str("no value is there that isn't promised to somebody"),
            TryReceiveError::Closed => Closed.fmt(f),
        }
    }
}

impl core::error::Error for Closed {}
impl<T: fmt::Debug> core::error::Error for SendError<T> {}
impl<T: fmt::Debug> core::error::Error for TrySendError<T> {}
impl core::error::Error for TryReceiveError {}
