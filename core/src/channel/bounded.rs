//! A channel of fixed size.

use core::fmt;

use super::buffer::MOST;
use super::buffered::Buffered;
use super::carrier::Carrier;
use super::deliver::deliver;
use super::ends::{Receiver, Sender};
use super::errors::{Closed, TryReceiveError, TrySendError};
use super::send::Send;
use super::slot::Slot;
use crate::call_site::CallSite;
use crate::kernel::fifo::Fifo;
use crate::kernel::wait_queue::{Access, Local, Shared};

/// Up to `N` values on their way from any number of tasks to any number of tasks. Each value is received once.
///
/// Both sides wait, first come, first served: who sends, while the channel is full; who receives, while it is empty. Values
/// come out in the order in which they went in. It lies anywhere, and is borrowed; it needs no heap. It is of kind [`Shared`]
/// in a `static`, where interrupt handlers or other threads use it: `Channel<u8, 8, Shared>`. Interrupt handlers may call
/// [`try_send`](Channel::try_send) and [`try_receive`](Channel::try_receive).
///
/// ```
/// use giambio_core::{channel::Channel, nursery, testing};
///
/// let squares = Channel::<u32, 2>::new();
/// let sum = testing::run(nursery(async |n| {
///     n.spawn(async {
///         for number in 1..=10 {
///             squares.send(number * number).await?; // waits while two are on their way
///         }
///         squares.close();
///         Ok(())
///     });
///     let mut sum = 0;
///     while let Ok(square) = squares.receive().await {
///         sum += square;
///     }
///     Ok::<_, giambio_core::channel::SendError<u32>>(sum)
/// }));
/// assert_eq!(sum, Ok(385));
/// assert_eq!(squares.peak(), 2);
/// ```
///
/// From an interrupt handler:
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Next, Runtime, Until, VirtualClock};
/// use giambio_core::channel::{Channel, Closed};
/// use giambio_core::sync::Shared;
///
/// static SAMPLES: Channel<u16, 8, Shared> = Channel::shared();
///
/// fn interrupt_handler(sample: u16) {
///     if SAMPLES.try_send(sample).is_err() {
///         // The task is too slow: count it, light an LED, …
///     }
/// }
///
/// async fn sum() -> Result<u32, Closed> {
///     Ok(u32::from(SAMPLES.receive().await?) + u32::from(SAMPLES.receive().await?))
/// }
/// # let clock: VirtualClock = VirtualClock::new();
/// # let mut runtime = pin!(Runtime::new(&clock, sum()));
/// # assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
/// # interrupt_handler(40);
/// # interrupt_handler(2);
/// # assert_eq!(runtime.as_mut().turn(), Next::Finished(Ok(42)));
/// ```
pub struct Channel<T, const N: usize, K: Access = Local> {
    buffered: Buffered<Fifo<T, N>, K>,
}

impl<T, const N: usize> Channel<T, N> {
    /// An empty channel, for the tasks of one runtime.
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize> Channel<T, N, Shared> {
    /// An empty channel, for tasks, interrupts and threads.
    pub const fn shared() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize, K: Access> Channel<T, N, K> {
    const fn empty() -> Self {
        const { assert!(N > 0, "Channel<_, 0> holds nothing: choose N >= 1") };
        const { assert!(N <= MOST, "Channel<_, N> holds at most isize::MAX values") };
        Channel { buffered: Buffered::new(Fifo::new()) }
    }

    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.buffered.set_name(name);
        self
    }

    /// Sends a value, if there is room, and wakes the task that has waited longest. Never waits, and overtakes nobody who does.
    ///
    /// # Errors
    /// The channel is full, or closed; the value is handed back.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.buffered.try_send(value)
    }

    /// Sends a value, as soon as there is room.
    ///
    /// # Errors
    /// The channel is closed, or is while this waits; the value is handed back.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) The value is sent in the poll that ends, or not at all:
    /// [`Send::into_value`] hands it back. Dropped after its turn had come, this leaves its place to the next. Where the value
    /// must not even be made before there is room for it, take a [`slot`](Channel::slot).
    #[track_caller]
    pub fn send(&self, value: T) -> Send<'_, Self> {
        Send::new(self, value)
    }

    /// Keeps a place for a value that is still to come, if there is one. Never waits.
    ///
    /// ```
    /// use giambio_core::channel::{Channel, TrySendError};
    ///
    /// let orders = Channel::<&str, 1>::new();
    /// let slot = orders.try_slot().unwrap(); // from now on the place is taken
    /// assert!(matches!(orders.try_send("late"), Err(TrySendError::Full { .. })));
    /// slot.send("early");
    /// assert_eq!(orders.try_receive(), Ok("early"));
    /// ```
    ///
    /// # Errors
    /// The channel is full, or closed.
    pub fn try_slot(&self) -> Result<Slot<'_, Self>, TrySendError<()>> {
        self.buffered.try_slot().map(|()| Slot::new(self))
    }

    /// Keeps a place for a value that is still to come, as soon as there is one.
    ///
    /// ```
    /// # use giambio_core::channel::{Channel, Closed};
    /// async fn pump(lines: &Channel<String, 4>) -> Result<(), Closed> {
    ///     let slot = lines.slot().await?; // may be cancelled: nothing has been read yet
    ///     slot.send(read_line()); // does not wait
    ///     Ok(())
    /// }
    /// # fn read_line() -> String { "a line".into() }
    /// # let lines = Channel::new();
    /// # giambio_core::testing::run(pump(&lines)).unwrap();
    /// # assert_eq!(lines.try_receive().unwrap(), "a line");
    /// ```
    ///
    /// # Errors
    /// The channel is closed, or is while this waits.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Dropped after its turn had come, it leaves the place to the
    /// next.
    #[track_caller]
    pub fn slot(&self) -> impl Future<Output = Result<Slot<'_, Self>, Closed>> {
        Slot::wait(self)
    }

    /// Takes the first value that is promised to nobody who waits. Never waits.
    ///
    /// # Errors
    /// No such value is there, or none will ever be.
    pub fn try_receive(&self) -> Result<T, TryReceiveError> {
        self.buffered.try_receive()
    }

    /// Receives the first value, as soon as there is one.
    ///
    /// # Errors
    /// The channel is closed, and nothing is left in it.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) No value is lost: dropped after its turn had come, it
    /// leaves the value to the next.
    #[track_caller]
    pub fn receive(&self) -> impl Future<Output = Result<T, Closed>> {
        deliver(self.buffered.receive(CallSite::here()))
    }

    /// From now on nothing can be sent: all who wait to send are told so, and get their values back. What is in the channel can
    /// still be received, and after that all who receive are told.
    pub fn close(&self) {
        self.buffered.close();
    }

    /// Is it closed? Values may still be in it.
    ///
    /// ```
    /// use giambio_core::channel::{Channel, TryReceiveError};
    ///
    /// let channel = Channel::<u8, 2>::new();
    /// channel.try_send(1).unwrap();
    /// channel.close();
    /// assert!(channel.is_closed() && channel.len() == 1);
    /// assert_eq!(channel.try_receive(), Ok(1));
    /// assert_eq!(channel.try_receive(), Err(TryReceiveError::Closed));
    /// ```
    pub fn is_closed(&self) -> bool {
        self.buffered.is_closed()
    }

    /// Takes the values that are in the channel now, but for those that are promised to tasks that have waited for them. For
    /// what is left when nobody receives any more.
    ///
    /// ```
    /// # use giambio_core::channel::Channel;
    /// let channel = Channel::<u8, 4>::new();
    /// (1..=3).for_each(|number| channel.try_send(number).unwrap());
    /// assert_eq!(channel.drain().collect::<Vec<_>>(), [1, 2, 3]);
    /// assert!(channel.is_empty());
    /// ```
    pub fn drain(&self) -> impl Iterator<Item = T> {
        self.buffered.drain()
    }

    /// One more end to send by. When the last is dropped, the channel is closed. Nobody needs one who calls
    /// [`close`](Channel::close).
    pub fn sender(&self) -> Sender<'_, Self> {
        Sender::new(self)
    }

    /// One more end to receive by. When the last is dropped, the channel is closed. Nobody needs one who calls
    /// [`close`](Channel::close).
    pub fn receiver(&self) -> Receiver<'_, Self> {
        Receiver::new(self)
    }

    /// How many values are in it.
    pub fn len(&self) -> usize {
        self.buffered.len()
    }

    /// Is nothing in it?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values it can hold.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// How many values were in it at most, at any one time: if that is far less than its [`capacity`](Channel::capacity), it
    /// may be smaller.
    pub fn peak(&self) -> usize {
        self.buffered.peak()
    }
}

impl<T, const N: usize, K: Access> Carrier for Channel<T, N, K> {
    type Value = T;
    type Store = Fifo<T, N>;
    type Access = K;

    fn buffered(&self) -> &Buffered<Self::Store, K> {
        &self.buffered
    }
}

impl<T, const N: usize, K: Access> Default for Channel<T, N, K> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize, K: Access> fmt::Debug for Channel<T, N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_closed() { ", closed" } else { "" };
        write!(f, "Channel({} of {N}{state})", self.len())
    }
}
