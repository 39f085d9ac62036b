//! Some who go on together.

use core::cell::Cell;
use core::convert::Infallible;
use core::fmt;

use super::{Access, Local, Shared};
use crate::budgeted::{Named, budgeted, tells};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::wait_queue::{Held, WaitQueue, Waiting};

/// Where a fixed number of tasks wait for each other, and then go on together; as often as they like.
///
/// Tasks of the same runtime use it; of kind [`Shared`], for a `static`, those of other threads too.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, clock, nursery, sleep};
/// use giambio_core::sync::Barrier;
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let main = async {
/// let all_are_set_up = Barrier::new(2);
/// nursery(async |n| {
///     for seconds in [1, 3] {
///         let all_are_set_up = &all_are_set_up;
///         n.spawn(async move {
///             sleep(Duration::from_secs(seconds)).await;
///             if all_are_set_up.wait().await {
///                 // One of them may do what is to be done once.
///             }
///             assert_eq!(clock().as_nanos(), 3_000_000_000);
///             Ok::<(), ()>(())
///         });
///     }
///     Ok(())
/// })
/// .await
/// # };
/// # pin!(Runtime::new(&time, main)).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) }).unwrap();
/// ```
pub struct Barrier<K: Access = Local> {
    parties: usize,
    queue: WaitQueue<Gathering, Infallible, K>,
}

struct Gathering {
    /// How many of this round have come.
    count: Cell<usize>,
    /// How often all had come, and round again.
    round: Cell<usize>,
}

/// One who has come, and waits for the others.
struct Arrival<'a, K: Access> {
    barrier: &'a Barrier<K>,
    round: usize,
}

impl Barrier {
    /// A barrier for so many tasks of one runtime.
    ///
    /// # Panics
    /// If that is nobody.
    pub const fn new(parties: usize) -> Self {
        Self::of(parties)
    }
}

impl Barrier<Shared> {
    /// A barrier for so many tasks of all threads.
    ///
    /// # Panics
    /// If that is nobody.
    pub const fn shared(parties: usize) -> Self {
        Self::of(parties)
    }
}

impl<K: Access> Barrier<K> {
    const fn of(parties: usize) -> Self {
        assert!(parties > 0, "giambio: a barrier is for one task at least");
        Barrier { parties, queue: WaitQueue::new(Gathering { count: Cell::new(0), round: Cell::new(0) }) }
    }

    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.queue.set_name(name);
        self
    }

    /// Waits until all have come. The one that came last, which did not wait, is told so: `true`.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Dropped while it waits, it has not come: another one is waited
    /// for. When all had come, the others go on without it.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = bool> {
        let place = CallSite::here();
        budgeted(async move {
            let Some(arrival) = self.arrive() else { return true };
            let round = arrival.round;
            let take = |all: &Gathering, _: &_, _| (all.round.get() != round).then_some(());
            tells::<ABarrier, _>(Waiting::new(&self.queue, take, |_, _, _| None), place).await;
            // It has nothing to take back any more.
            drop(arrival);
            false
        })
    }

    /// Goes on, with the others, if all but this one have come. Never waits.
    pub fn try_wait(&self) -> bool {
        let is_last = self.queue.with(|all, _| all.count.get() + 1 == self.parties && all.come(self.parties).is_none());
        if is_last {
            self.queue.tell_all(|_| ());
        }
        is_last
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.queue.with(|all, _| all.count.get())
    }

    /// How many there have to be.
    pub const fn parties(&self) -> usize {
        self.parties
    }

    /// One more is there: the last, with whom all go on, or one that waits.
    fn arrive(&self) -> Option<Arrival<'_, K>> {
        let round = self.queue.with(|all, _| all.come(self.parties));
        if round.is_none() {
            self.queue.tell_all(|_| ());
        }
        round.map(|round| Arrival { barrier: self, round })
    }
}

struct ABarrier;

impl Named for ABarrier {
    const NAME: &'static str = "barrier";
}

impl Held for Gathering {}

impl Gathering {
    /// One more is there: the last, or one that waits for the end of this round.
    fn come(&self, parties: usize) -> Option<usize> {
        let (count, round) = (self.count.get() + 1, self.round.get());
        let is_last = count == parties;
        self.count.set(if is_last { 0 } else { count });
        self.round.set(round.wrapping_add(is_last.into()));
        (!is_last).then_some(round)
    }
}

impl<K: Access> Drop for Arrival<'_, K> {
    fn drop(&mut self) {
        self.barrier.queue.with(|all, _| {
            if all.round.get() == self.round && !fault!("who-left-has-come") {
                all.count.set(all.count.get() - 1);
            }
        });
    }
}

impl<K: Access> fmt::Debug for Barrier<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Barrier({} of {} wait)", self.waiting(), self.parties)
    }
}
