//! A queue of fixed size, from interrupt handlers to tasks.

use core::cell::RefCell;
use core::fmt;

use heapless::Deque;

use crate::raw::line::{Line, Tell, Turn};

/// Up to `N` values on their way from interrupt handlers (or tasks, or threads) to tasks.
///
/// Pushing never waits: a full queue gives the value back, and the handler decides what is lost.
/// Popping waits, first come, first served. Values come out in the order in which they went in.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Next, Runtime, VirtualClock};
/// use giambio_core::sync::Queue;
///
/// static SAMPLES: Queue<u16, 8> = Queue::new();
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
/// # assert_eq!(runtime.as_mut().turn(), Next::OnWake);
/// # interrupt_handler(40);
/// # interrupt_handler(2);
/// # assert_eq!(runtime.as_mut().turn(), Next::Finished(42));
/// ```
pub struct Queue<T, const N: usize> {
    line: Line<RefCell<Deque<T, N>>>,
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
    /// An empty queue.
    pub const fn new() -> Self {
        const { assert!(N > 0, "Queue<_, 0> holds nothing: choose N >= 1") };
        Queue { line: Line::new(RefCell::new(Deque::new())) }
    }

    /// Puts a value in, if there is room, and wakes the task that has waited longest. Never waits.
    ///
    /// # Errors
    /// The queue is full; the value is handed back.
    pub fn try_push(&self, value: T) -> Result<(), QueueFull<T>> {
        self.line.change(|values| match values.borrow_mut().push_back(value) {
            Ok(()) => (Ok(()), Tell::First),
            Err(value) => (Err(QueueFull { capacity: N, value }), Tell::Nobody),
        })
    }

    /// Takes the first value that nobody waits for already. Never waits.
    pub fn try_pop(&self) -> Option<T> {
        self.line.with(take)
    }

    /// Takes the first value, as soon as there is one.
    ///
    /// # Cancellation
    /// **Restartable; loses its place.** No value is lost: dropped after its turn had come, it
    /// leaves the value to the next.
    pub fn pop(&self) -> impl Future<Output = T> {
        self.line.wait(take)
    }

    /// How many values are in it.
    pub fn len(&self) -> usize {
        self.line.with(|values, _| values.borrow().len())
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

/// Takes a value, unless all are promised to others.
fn take<T, const N: usize>(values: &RefCell<Deque<T, N>>, turn: Turn) -> Option<T> {
    let mut values = values.borrow_mut();
    match turn {
        Turn::New { promised } if values.len() <= promised as usize => None,
        _ => values.pop_front(),
    }
}

impl<T, const N: usize> Default for Queue<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> fmt::Debug for Queue<T, N> {
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
