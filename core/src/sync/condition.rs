//! Something that somebody looks for, again and again.

use core::cell::Cell;
use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{Access, Local, Shared};
use crate::budgeted::{Named, tell};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::gate::poll_proceed;
use crate::kernel::wait_queue::{Place, Turn, WaitQueue};

/// For those who wait until something can be found, wherever that lies: whoever changes it says so, and all look again.
///
/// It has no mutex: on one thread nobody else runs while one looks. What is looked at may be anything, a [`Cell`], a
/// [`RefCell`](core::cell::RefCell), an atomic, a register.
///
/// Tasks of the same runtime notify; of kind [`Shared`] interrupt handlers and (with feature `std`) other threads too.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock, nursery};
/// use core::cell::Cell;
/// use giambio_core::sync::Condition;
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let main = async {
/// let stock = Cell::new(0);
/// let changed = Condition::new();
/// nursery(async |n| {
///     n.spawn(async {
///         let three = changed.wait_for(|| {
///             let left = u32::checked_sub(stock.get(), 3)?; // not enough: looks again at the next change
///             stock.set(left);
///             Some(3)
///         });
///         assert_eq!(three.await, 3);
///         Ok::<(), ()>(())
///     });
///     stock.set(5);
///     changed.notify_all();
///     Ok(())
/// })
/// .await?;
/// assert_eq!(stock.get(), 2);
/// # Ok::<(), ()>(())
/// # };
/// # pin!(Runtime::new(&time, main)).run(&mut |_| {}).unwrap();
/// ```
pub struct Condition<K: Access = Local> {
    /// How often it was notified, and round again.
    queue: WaitQueue<Cell<usize>, Infallible, K>,
}

impl Condition {
    /// A condition for the tasks of one runtime.
    pub const fn new() -> Self {
        Condition { queue: WaitQueue::new(Cell::new(0)) }
    }
}

impl Condition<Shared> {
    /// A condition for tasks, interrupts and threads.
    pub const fn shared() -> Self {
        Condition { queue: WaitQueue::new(Cell::new(0)) }
    }
}

impl<K: Access> Condition<K> {
    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.queue.set_name(name);
        self
    }

    /// Looks, and again after each [`notify_all`](Condition::notify_all), until `look` finds something. What is changed and
    /// notified while it looks is not missed.
    ///
    /// Those who wait look in the order in which they came. `look` is called in the task's poll, so it may do what it likes.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) What `look` has found is delivered in the same step.
    ///
    /// # Panics
    /// If `look` panics; others wait on as before.
    #[track_caller]
    pub fn wait_for<R>(&self, look: impl FnMut() -> Option<R>) -> impl Future<Output = R> {
        let place = Place::new(&self.queue);
        WaitFor { place, look, seen: None, condition: self, asked_at: CallSite::here() }
    }

    fn changes(&self) -> usize {
        self.queue.with(|changes, _| changes.get())
    }

    /// Something has changed: all who wait look again.
    ///
    /// # Panics
    /// If wakers of other executors panic, with the first of these panics, when all are told.
    pub fn notify_all(&self) {
        self.queue.tell_all(|changes| changes.set(changes.get().wrapping_add(1)));
    }
}

pin_project! {
    struct WaitFor<'a, L, K>
    where
        K: Access,
    {
        #[pin]
        place: Place<&'a WaitQueue<Cell<usize>, Infallible, K>>,
        look: L,
        // How many changes there were at the last look, which has found nothing.
        seen: Option<usize>,
        condition: &'a Condition<K>,
        asked_at: CallSite,
    }
}

impl<R, L: FnMut() -> Option<R>, K: Access> Future for WaitFor<'_, L, K> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let mut this = self.project();
        let go = ready!(poll_proceed(cx));
        loop {
            if let Some(seen) = *this.seen {
                let take =
                    |changes: &Cell<usize>, _: &_, turn| (turn == Turn::Told || changes.get() != seen).then_some(());
                if this.place.as_mut().poll(cx, take).is_pending() {
                    tell::<ACondition>(&this.condition.queue, *this.asked_at);
                    return Poll::Pending;
                }
                *this.seen = None;
            }
            let changes = this.condition.changes();
            if let Some(found) = (this.look)() {
                go.made_progress();
                return Poll::Ready(found);
            }
            *this.seen = Some(if fault!("changes-missed-while-looking") { this.condition.changes() } else { changes });
        }
    }
}

struct ACondition;

impl Named for ACondition {
    const NAME: &'static str = "condition";
}

impl<K: Access> Default for Condition<K> {
    fn default() -> Self {
        Condition { queue: WaitQueue::new(Cell::new(0)) }
    }
}

impl<K: Access> fmt::Debug for Condition<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").finish_non_exhaustive()
    }
}
