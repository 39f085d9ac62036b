//! A queue of fixed size, to tasks from tasks and interrupt handlers.

use core::cell::{Cell, RefCell};
use core::fmt;
use core::task::Waker;

use heapless::Deque;

use super::{Access, Local, Shared};
use crate::budgeted::budgeted;
use crate::kernel::wait_queue::{Line, Turn, WaitQueue, Waiting};

/// Up to `N` values on their way to tasks, from tasks of the same runtime; of kind [`Shared`] from interrupt handlers and (with
/// feature `std`) other threads too.
///
/// Pushing never waits: a full queue gives the value back, and who pushes decides what is lost.
/// Popping waits, first come, first served. Values come out in the order in which they went in.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Next, Runtime, Until, VirtualClock};
/// use giambio_core::sync::{Queue, Shared};
///
/// static SAMPLES: Queue<u16, 8, Shared> = Queue::shared();
///
/// fn interrupt_handler(sample: u16) {
///     if SAMPLES.try_push(sample).is_err() {
///         // The task is too slow: count it, light an LED, …
///     }
/// }
///
/// async fn sum() -> u32 {
///     u32::from(SAMPLES.pop().await) + u32::from(SAMPLES.pop().await)
/// }
/// # let clock: VirtualClock = VirtualClock::new();
/// # let mut runtime = pin!(Runtime::new(&clock, sum()));
/// # assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
/// # interrupt_handler(40);
/// # interrupt_handler(2);
/// # assert_eq!(runtime.as_mut().turn(), Next::Finished(42));
/// ```
pub struct Queue<T, const N: usize, K: Access = Local> {
    queue: WaitQueue<Values<T, N>, (), K>,
}

struct Values<T, const N: usize> {
    values: RefCell<Deque<T, N>>,
    /// How many of them nobody was told to take.
    free: Cell<usize>,
}

/// The value that found no place in a [`Queue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull<T> {
    /// How many places there are: drop the value, make the task faster, or enlarge the queue.
    pub capacity: usize,
    /// The value.
    pub value: T,
}

impl<T, const N: usize> Queue<T, N> {
    /// An empty queue, for the tasks of one runtime.
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize> Queue<T, N, Shared> {
    /// An empty queue, for tasks, interrupts and threads.
    pub const fn shared() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize, K: Access> Queue<T, N, K> {
    const fn empty() -> Self {
        const { assert!(N > 0, "Queue<_, 0> holds nothing: choose N >= 1") };
        Queue { queue: WaitQueue::new(Values { values: RefCell::new(Deque::new()), free: Cell::new(0) }) }
    }

    /// Puts a value in, if there is room, and wakes the task that has waited longest. Never waits.
    ///
    /// # Errors
    /// The queue is full; the value is handed back.
    pub fn try_push(&self, value: T) -> Result<(), QueueFull<T>> {
        let pushed = self.queue.with(|state, line| {
            state.values.borrow_mut().push_back(value)?;
            Ok(state.offer(line))
        });
        let waker = pushed.map_err(|value| QueueFull { capacity: N, value })?;
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Takes the first value that nobody waits for already. Never waits.
    pub fn try_pop(&self) -> Option<T> {
        self.queue.with(|state, _| state.take(Turn::New))
    }

    /// Takes the first value, as soon as there is one.
    ///
    /// # Cancellation
    /// **Restartable; loses its place.** No value is lost: dropped after its turn had come, it
    /// leaves the value to the next.
    pub fn pop(&self) -> impl Future<Output = T> {
        let take = |state: &Values<T, N>, _: &Line<()>, turn| state.take(turn);
        let pass_on = |state: &Values<T, N>, line: &Line<()>, late: Option<()>| late.and_then(|()| state.offer(line));
        budgeted(Waiting::new(&self.queue, take, pass_on))
    }

    /// How many values are in it.
    pub fn len(&self) -> usize {
        self.queue.with(|state, _| state.values.borrow().len())
    }

    /// Is nothing in it?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values it can hold.
    pub const fn capacity(&self) -> usize {
        N
    }
}

impl<T, const N: usize> Values<T, N> {
    /// One more value is there to be taken, by the first who waits or by anyone; returns whom to wake.
    fn offer(&self, line: &Line<()>) -> Option<Waker> {
        line.grant(()).unwrap_or_else(|()| {
            self.free.set(self.free.get() + 1);
            None
        })
    }

    /// Takes the first value, if this is who was told to, or if nobody was.
    fn take(&self, turn: Turn<()>) -> Option<T> {
        if turn != Turn::Granted(()) {
            self.free.set(self.free.get().checked_sub(1)?);
        }
        self.values.borrow_mut().pop_front()
    }
}

impl<T, const N: usize, K: Access> Default for Queue<T, N, K> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T, const N: usize, K: Access> fmt::Debug for Queue<T, N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} of {N})", self.len())
    }
}

impl<T> fmt::Display for QueueFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no room for another value: all {} places of the queue are taken", self.capacity)
    }
}

impl<T: fmt::Debug> core::error::Error for QueueFull<T> {}
