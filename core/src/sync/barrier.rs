//! Some who go on together.

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
use crate::kernel::wait_queue::{Held, Place, WaitQueue};

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

/// One who comes, and waits for the others.
struct Arrival<'a, K: Access> {
    barrier: &'a Barrier<K>,
    at: At,
}

enum At {
    /// It has not come yet.
    Outside,
    /// It waits, since a round that began with this number.
    Waits(usize),
    /// It came as the last.
    Last,
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
        let place = Place::new(&self.queue);
        Wait { place, arrival: Arrival { barrier: self, at: At::Outside }, asked_at: CallSite::here() }
    }

    /// Goes on, with the others, if all but this one have come. Never waits.
    pub fn try_wait(&self) -> bool {
        self.queue.tell_if(|all| {
            let is_last = all.count.get() + 1 == self.parties && all.come(self.parties).is_none();
            (is_last, is_last)
        })
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.queue.with(|all, _| all.count.get())
    }

    /// How many there have to be.
    pub const fn parties(&self) -> usize {
        self.parties
    }
}

pin_project! {
    struct Wait<'a, K>
    where
        K: Access,
    {
        #[pin]
        place: Place<&'a WaitQueue<Gathering, Infallible, K>>,
        arrival: Arrival<'a, K>,
        asked_at: CallSite,
    }
}

impl<K: Access> Future for Wait<'_, K> {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = self.project();
        let go = ready!(poll_proceed(cx));
        this.arrival.come();
        if let At::Waits(began) = this.arrival.at {
            let take = |all: &Gathering, _: &_, _| (all.round.get() != began).then_some(());
            if this.place.poll(cx, take).is_pending() {
                tell::<ABarrier>(&this.arrival.barrier.queue, *this.asked_at);
                return Poll::Pending;
            }
        }
        let is_last = matches!(this.arrival.at, At::Last);
        this.arrival.at = At::Outside;
        go.made_progress();
        Poll::Ready(is_last)
    }
}

impl<K: Access> Arrival<'_, K> {
    /// It is there, if it was not before: as the last, with whom all go on, or as one that waits. That is noted before
    /// anybody's waker is called, which may panic.
    fn come(&mut self) {
        let Arrival { barrier, at: at @ At::Outside } = self else { return };
        barrier.queue.tell_if(|all| {
            let began = all.come(barrier.parties);
            if began.is_some() || !fault!("who-came-last-is-not-noted") {
                *at = began.map_or(At::Last, At::Waits);
            }
            ((), began.is_none())
        });
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
        let At::Waits(began) = self.at else { return };
        self.barrier.queue.with(|all, _| {
            if all.round.get() == began && !fault!("who-left-has-come") {
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
