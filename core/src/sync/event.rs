//! Something that happens: set by anyone, awaited by any number of tasks.

use core::cell::Cell;
use core::convert::Infallible;
use core::fmt;

use super::{Access, Local, Shared};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::kernel::wait_queue::{Turn, WaitQueue, Waiting};

/// Something that has happened or has not. Any number of tasks wait for it.
///
/// Tasks of the same runtime set it; of kind [`Shared`] interrupt handlers and (with feature `std`) other threads too.
///
/// An event stays set until it is cleared. What was set twice before somebody looked was set once:
/// to count or to carry values, take a channel.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Next, Runtime, Until, VirtualClock};
/// use giambio_core::sync::{Event, Shared};
///
/// static PRESSED: Event<Shared> = Event::shared();
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
/// # assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
/// # interrupt_handler();
/// # assert_eq!(runtime.as_mut().turn(), Next::Wait(Until::OnWake));
/// # interrupt_handler();
/// # assert_eq!(runtime.as_mut().turn(), Next::Finished(2));
/// ```
pub struct Event<K: Access = Local> {
    queue: WaitQueue<Cell<bool>, Infallible, K>,
}

impl Event {
    /// An event that has not happened, for the tasks of one runtime.
    pub const fn new() -> Self {
        Event { queue: WaitQueue::new(Cell::new(false)) }
    }
}

impl Event<Shared> {
    /// An event that has not happened, for tasks, interrupts and threads.
    pub const fn shared() -> Self {
        Event { queue: WaitQueue::new(Cell::new(false)) }
    }
}

impl<K: Access> Event<K> {
    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.queue.set_name(name);
        self
    }

    /// It has happened: wakes all who wait, in the order in which they came, and nobody who comes later.
    ///
    /// # Panics
    /// If wakers of other executors panic, with the first of these panics, when all are told.
    pub fn set(&self) {
        self.queue.tell_all(|is_set| is_set.set(true));
    }

    /// From now on it has not happened; says whether it had.
    pub fn clear(&self) -> bool {
        self.queue.with(|is_set, _| is_set.take())
    }

    /// Has it happened?
    pub fn is_set(&self) -> bool {
        self.queue.with(|is_set, _| is_set.get())
    }

    /// Waits until it is set; at once if it is. Who waits is let go by the very next
    /// [`set`](Event::set), also if the event is cleared again before the task runs.
    ///
    /// ```
    /// use giambio_core::{nursery, sync::Event, testing};
    ///
    /// let is_ready = Event::new();
    /// let ended: Result<(), ()> = testing::run(nursery(async |n| {
    ///     n.spawn(async { Ok(is_ready.wait().await) });
    ///     is_ready.set();
    ///     Ok(())
    /// }));
    /// assert!(ended.is_ok() && is_ready.clear() && !is_ready.is_set());
    /// ```
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) An event that was set stays set.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) -> impl Future<Output = ()> {
        self.wait_for(|is_set, turn| is_set.get() || turn == Turn::Told)
    }

    /// Waits until it is set, and clears it in the same step. Of several tasks that do so, one
    /// gets through for each `set`, the first that looks.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) It clears the event only when it ends, so an event is
    /// never lost.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_and_clear(&self) -> impl Future<Output = ()> {
        self.wait_for(|is_set, _| is_set.take())
    }

    #[cfg_attr(feature = "introspect", track_caller)]
    fn wait_for(&self, is_it: impl Fn(&Cell<bool>, Turn<Infallible>) -> bool) -> impl Future<Output = ()> {
        let take = move |is_set: &Cell<bool>, _: &_, turn| is_it(is_set, turn).then_some(());
        leaf::<AnEvent, _>(Waiting::new(&self.queue, take), CallSite::here())
    }
}

struct AnEvent;

impl Named for AnEvent {
    const NAME: &'static str = "event";
}

impl<K: Access> Default for Event<K> {
    fn default() -> Self {
        Event { queue: WaitQueue::new(Cell::new(false)) }
    }
}

impl<K: Access> fmt::Debug for Event<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}
