//! Something that happens: set by anyone, awaited by any number of tasks.

use core::cell::Cell;
use core::fmt;

use crate::raw::line::{Line, Tell, Turn};

/// Something that has happened or has not. Any number of tasks wait for it; interrupt handlers,
/// tasks and (with feature `std`) other threads set it.
///
/// An event stays set until it is cleared. What was set twice before somebody looked was set once:
/// to count or to carry values, take a queue.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Next, Runtime, VirtualClock};
/// use giambio_core::sync::Event;
///
/// static PRESSED: Event = Event::new();
///
/// fn interrupt_handler() {
///     PRESSED.set();
/// }
///
/// async fn count_presses() -> u32 {
///     let mut count = 0;
///     while count < 2 {
///         PRESSED.wait_and_clear().await;
///         count += 1;
///     }
///     count
/// }
/// # let clock: VirtualClock = VirtualClock::new();
/// # let mut runtime = pin!(Runtime::new(&clock, count_presses()));
/// # assert_eq!(runtime.as_mut().turn(), Next::OnWake);
/// # interrupt_handler();
/// # assert_eq!(runtime.as_mut().turn(), Next::OnWake);
/// # interrupt_handler();
/// # assert_eq!(runtime.as_mut().turn(), Next::Finished(2));
/// ```
pub struct Event {
    line: Line<Cell<bool>>,
}

impl Event {
    /// An event that has not happened.
    pub const fn new() -> Self {
        Event { line: Line::new(Cell::new(false)) }
    }

    /// It has happened: wakes all who wait, in the order in which they came.
    pub fn set(&self) {
        self.line.change(|set| (set.set(true), Tell::All));
    }

    /// From now on it has not happened; says whether it had.
    pub fn clear(&self) -> bool {
        self.line.with(|set, _| set.take())
    }

    /// Has it happened?
    pub fn is_set(&self) -> bool {
        self.line.with(|set, _| set.get())
    }

    /// Waits until it is set; at once if it is. Who waits is let go by the very next
    /// [`set`](Event::set), also if the event is cleared again before the task runs.
    ///
    /// # Cancellation
    /// **Restartable; loses its place.** An event that was set stays set.
    pub fn wait(&self) -> impl Future<Output = ()> {
        self.line.wait(|set, turn| (set.get() || matches!(turn, Turn::Told)).then_some(()))
    }

    /// Waits until it is set, and clears it in the same step. Of several tasks that do so, one
    /// gets through for each `set`, the first that looks.
    ///
    /// # Cancellation
    /// **Restartable; loses its place.** It clears the event only when it ends, so an event is
    /// never lost.
    pub fn wait_and_clear(&self) -> impl Future<Output = ()> {
        self.line.wait(|set, _| set.take().then_some(()))
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}
