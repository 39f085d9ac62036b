//! Bytes from tasks and interrupts to tasks.

use core::cell::RefCell;
use core::fmt;

use super::carrier::Ends;
use super::deliver::{Wakes, deliver};
use super::ends::{Receiver, Sender};
use super::errors::{Closed, TrySendError};
use super::flow::{Flow, InsideOf};
use crate::budgeted::{Named, tells};
use crate::call_site::CallSite;
use crate::kernel::wait_queue::{Access, Local, Shared, Side, Sides, Waiting};
use crate::panics::First;

/// Up to `N` bytes on their way, in order, without a heap: a byte stream inside of a program.
///
/// It has the words of all byte streams: [`receive`](Pipe::receive) and [`send`](Pipe::send) move what they can at once and
/// say how many bytes, [`receive_exact`](Pipe::receive_exact) and [`send_all`](Pipe::send_all) move all, in one piece. A 0
/// that was received is the end. Any number of tasks wait on both sides, first come, first served.
///
/// It is of kind [`Shared`] in a `static`, where interrupt handlers or other threads use it; interrupt handlers may call
/// [`try_send`](Pipe::try_send) and [`try_receive`](Pipe::try_receive). Bytes are copied where others are kept out, with
/// `Shared` in a critical section: that should have few at a time.
///
/// ```
/// use giambio_core::{channel::Pipe, nursery, testing};
///
/// let pipe = Pipe::<16>::new();
/// let received = testing::run(nursery(async |n| {
///     n.spawn(async {
///         pipe.send_all(b"more than goes into it at once").await?;
///         pipe.close(); // what is in it is still received
///         Ok(())
///     });
///     let (mut received, mut buffer) = (Vec::<u8>::new(), [0; 8]);
///     loop {
///         match pipe.receive(&mut buffer).await {
///             0 => return Ok::<_, giambio_core::channel::Closed>(received),
///             count => received.extend(&buffer[..count]),
///         }
///     }
/// }));
/// assert_eq!(received.unwrap(), b"more than goes into it at once");
/// ```
///
/// From an interrupt handler:
/// ```
/// use giambio_core::channel::Pipe;
/// use giambio_core::sync::Shared;
///
/// static UART: Pipe<64, Shared> = Pipe::shared();
///
/// fn interrupt_handler(byte: u8) {
///     if UART.try_send(&[byte]).is_err() {
///         // Nobody was quick enough: count it.
///     }
/// }
/// # interrupt_handler(7);
/// # let mut byte = [0];
/// # assert_eq!((UART.try_receive(&mut byte), byte), (Some(1), [7]));
/// ```
pub struct Pipe<const N: usize, K: Access = Local> {
    pub(super) sides: Sides<RefCell<Flow<N>>, K>,
}

impl<const N: usize> Pipe<N> {
    /// An empty pipe, for the tasks of one runtime.
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<const N: usize> Pipe<N, Shared> {
    /// An empty pipe, for tasks, interrupts and threads.
    pub const fn shared() -> Self {
        Self::empty()
    }
}

impl<const N: usize, K: Access> Pipe<N, K> {
    const fn empty() -> Self {
        const { assert!(N > 0, "Pipe<0> holds nothing: choose N >= 1") };
        Pipe { sides: Sides::new(RefCell::new(Flow::new())) }
    }

    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.sides.set_name(name);
        self
    }

    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Flow<N>, &InsideOf<N>) -> R) -> R {
        self.sides.with(|inside| f(&mut inside.state.borrow_mut(), inside))
    }

    /// Takes what there is now, if it is nobody else's turn, as much as `buffer` has room for; says how many bytes. 0 is the
    /// end (or `buffer` is empty), `None` means that something may still come. Never waits.
    pub fn try_receive(&self, buffer: &mut [u8]) -> Option<usize> {
        let (count, woken) = self.with(|flow, inside| flow.receive(inside, buffer))?;
        woken.wake();
        Some(count)
    }

    /// Waits for bytes and moves them to `buffer`; returns how many. 0 is the end: it is closed, and everything was received
    /// (or `buffer` is empty: that waits for nothing).
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Bytes are taken in the poll that ends, or not at all.
    #[track_caller]
    pub fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = usize> {
        let receive = move |inside: &InsideOf<N>, _: &_, _| inside.state.borrow_mut().receive(inside, buffer);
        let wait = Waiting::new(self.sides.end(Side::Receives), receive);
        deliver(tells::<Bytes, _>(wait, CallSite::here()))
    }

    /// Sends the beginning of `data`, as much as there is room for, if it is nobody else's turn; says how many bytes, which
    /// is 0 only if there are none. Never waits.
    ///
    /// # Errors
    /// `Full`: no byte has room, or others wait to send. Or it is closed.
    pub fn try_send(&self, data: &[u8]) -> Result<usize, TrySendError<()>> {
        match self.with(|flow, inside| flow.send(inside, data)) {
            Some((sent, woken)) => {
                woken.wake();
                sent.map_err(|Closed| TrySendError::Closed(()))
            }
            None => Err(TrySendError::Full { value: (), capacity: N }),
        }
    }

    /// Waits for room and sends the beginning of `data`; returns how many bytes, which is 0 only if there are none.
    ///
    /// ```
    /// use giambio_core::{channel::Pipe, testing};
    ///
    /// let pipe = Pipe::<4>::new();
    /// let sent = testing::run(pipe.send(b"abcdef"));
    /// assert_eq!(sent, Ok(4)); // as much as there was room for
    /// ```
    ///
    /// # Errors
    /// It is closed, or is while this waits.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Bytes are sent in the poll that ends, or not at all.
    #[track_caller]
    pub fn send(&self, data: &[u8]) -> impl Future<Output = Result<usize, Closed>> {
        let send = move |inside: &InsideOf<N>, _: &_, _| inside.state.borrow_mut().send(inside, data);
        let wait = Waiting::new(self.sides.end(Side::Sends), send);
        deliver(tells::<Room, _>(wait, CallSite::here()))
    }

    /// From now on nothing can be sent, and all who wait to are told so. What is in it can still be received, and then comes
    /// the end.
    pub fn close(&self) {
        let held = self.with(|flow, _| {
            flow.is_closed = true;
            [flow.sending.held.tell(), flow.receiving.held.tell()]
        });
        let mut first = First::new();
        first.catch(|| held.wake());
        first.catch(|| self.sides.tell_all(Side::Sends));
        first.catch(|| self.sides.tell_all(Side::Receives));
        first.resume();
    }

    /// Is it closed? Bytes may still be in it.
    ///
    /// ```
    /// use giambio_core::channel::Pipe;
    ///
    /// let pipe = Pipe::<8>::new();
    /// pipe.try_send(b"the end").unwrap();
    /// pipe.close();
    /// assert!(pipe.is_closed() && !pipe.is_empty());
    /// assert_eq!((pipe.len(), pipe.peak(), pipe.capacity()), (7, 7, 8));
    /// ```
    pub fn is_closed(&self) -> bool {
        self.with(|flow, _| flow.is_closed)
    }

    /// One more end to send by. When the last is dropped, the pipe is closed.
    pub fn sender(&self) -> Sender<'_, Self> {
        Sender::new(self)
    }

    /// One more end to receive by. When the last is dropped, the pipe is closed.
    pub fn receiver(&self) -> Receiver<'_, Self> {
        Receiver::new(self)
    }

    /// How many bytes are in it.
    pub fn len(&self) -> usize {
        self.with(|flow, _| flow.ring.len())
    }

    /// Is nothing in it?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes it can hold.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// How many bytes were in it at most, at any one time.
    pub fn peak(&self) -> usize {
        self.with(|flow, _| flow.peak)
    }
}

/// What those wait for who receive.
pub(super) struct Bytes;

impl Named for Bytes {
    const NAME: &'static str = "bytes of pipe";
}

/// What those wait for who send.
pub(super) struct Room;

impl Named for Room {
    const NAME: &'static str = "room in pipe";
}

impl<const N: usize, K: Access> Ends for Pipe<N, K> {
    fn comes(&self, side: Side) {
        self.with(|flow, _| flow.ends.come(side));
    }

    fn goes(&self, side: Side) {
        if self.with(|flow, _| flow.ends.go(side)) {
            self.close();
        }
    }
}

impl<const N: usize, K: Access> Default for Pipe<N, K> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<const N: usize, K: Access> fmt::Debug for Pipe<N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, is_closed) = self.with(|flow, _| (flow.ring.len(), flow.is_closed));
        write!(f, "Pipe({len} of {N}{})", if is_closed { ", closed" } else { "" })
    }
}
