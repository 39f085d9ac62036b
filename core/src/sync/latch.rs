//! A door that opens once, when enough has happened.

use core::cell::Cell;
use core::convert::Infallible;
use core::fmt;

use super::{Access, Local, Shared};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::wait_queue::{WaitQueue, Waiting};

/// Opens when so many things have happened, and stays open. Any number of tasks wait for it.
///
/// Tasks of the same runtime use it; of kind [`Shared`] interrupt handlers and (with feature `std`) other threads too.
///
/// Who counts down does not wait, unlike at a [`Barrier`](super::Barrier), and who waits does not count. A latch knows
/// nothing of who is to count: a task that was cancelled or has failed before it did leaves the latch shut. Where that may
/// be, count in the clean-up of [`finally`](crate::finally); what is to wait for the *end* of tasks is a nursery.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, clock, nursery, sleep};
/// use giambio_core::sync::Latch;
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let main = async {
/// let are_listening = Latch::new(2);
/// nursery(async |n| {
///     for seconds in [1, 3] {
///         let are_listening = &are_listening;
///         n.spawn(async move {
///             sleep(Duration::from_secs(seconds)).await; // It is set up,
///             are_listening.count_down();
///             sleep(Duration::from_secs(60)).await; // and goes on to serve.
///             Ok::<(), ()>(())
///         });
///     }
///     are_listening.wait().await;
///     assert_eq!(clock().as_nanos(), 3_000_000_000);
///     Ok(())
/// })
/// .await
/// # };
/// # pin!(Runtime::new(&time, main)).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) }).unwrap();
/// ```
#[doc(alias("CountDownLatch", "WaitGroup"))]
pub struct Latch<K: Access = Local> {
    /// How much has to happen still.
    queue: WaitQueue<Cell<usize>, Infallible, K>,
}

impl Latch {
    /// A latch that opens when it has been counted down `n` times, by the tasks of one runtime. For none it is open.
    pub const fn new(n: usize) -> Self {
        Latch { queue: WaitQueue::new(Cell::new(n)) }
    }
}

impl Latch<Shared> {
    /// A latch that opens when it has been counted down `n` times, by tasks, interrupts and threads. For none it is open.
    pub const fn shared(n: usize) -> Self {
        Latch { queue: WaitQueue::new(Cell::new(n)) }
    }
}

impl<K: Access> Latch<K> {
    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.queue.set_name(name);
        self
    }

    /// One of the things has happened. With the last one it opens: all who wait are woken, in the order in which they came.
    /// Never waits.
    ///
    /// # Panics
    /// If it is open: somebody has counted twice, and it was opened too early. It stays open.
    ///
    /// If wakers of other executors panic, with the first of these panics, when all are told.
    #[track_caller]
    pub fn count_down(&self) {
        let is_counted = self.queue.tell_if(|left| match left.get().checked_sub(1) {
            Some(fewer) => {
                left.set(fewer);
                (true, fewer == 0 && !fault!("latch-opens-in-silence"))
            }
            None => (false, false),
        });
        assert!(is_counted, "giambio: a latch was counted down more often than it was made for");
    }

    /// How often it has to be counted down until it opens.
    pub fn remaining(&self) -> usize {
        self.queue.with(|left, _| left.get())
    }

    /// Has it been counted down often enough?
    pub fn is_open(&self) -> bool {
        self.remaining() == 0
    }

    /// Waits until it is open; not at all if it is.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) It takes nothing, and a latch that is open stays open.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> {
        let take = |left: &Cell<usize>, _: &_, _| (left.get() == 0).then_some(());
        leaf::<ALatch, _>(Waiting::new(&self.queue, take), CallSite::here())
    }
}

struct ALatch;

impl Named for ALatch {
    const NAME: &'static str = "latch";
}

impl<K: Access> fmt::Debug for Latch<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch").field("remaining", &self.remaining()).finish_non_exhaustive()
    }
}
