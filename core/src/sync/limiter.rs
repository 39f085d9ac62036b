//! How much may go on at once, as it is at the moment, and who is at it.

use core::convert::Infallible;
use core::fmt;
use core::future::ready;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use super::semaphore::{AcquireError, Permit, Semaphore, TryAcquireError};
use super::{Access, Local, Shared};
use crate::budgeted::Named;
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::gate::current_task;
use crate::kernel::in_place::clear;
use crate::kernel::wait_queue::{Line, WaitQueue, Waiting};
use crate::task_info::TaskId;
use crate::then::Then;

/// Lets only so much go on at once. How much that is can be changed while it is used, and what is at it can be asked for.
///
/// What is limited runs inside of [`run`](Limiter::run), first come, first served, as with a [`Semaphore`].
///
/// Tasks of the same runtime use it; of kind [`Shared`], for a `static`, those of other threads too.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, clock, nursery, sleep};
/// use giambio_core::sync::{AcquireError, Limiter};
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let main = async {
/// let uploads = Limiter::new(1);
/// nursery(async |n| {
///     for _ in 0..5 {
///         n.spawn(uploads.run(1, sleep(Duration::from_secs(1))));
///     }
///     sleep(Duration::from_millis(1500)).await;
///     let holder = uploads.holders().next().expect("the second is at it");
///     assert_eq!((holder.count, uploads.held()), (1, 1));
///     uploads.set_total(3); // the network is fast today: from now on two more at once
///     Ok(())
/// })
/// .await?;
/// # assert_eq!(clock().as_nanos(), 3_000_000_000);
/// # Ok::<(), AcquireError>(())
/// # };
/// # pin!(Runtime::new(&time, main)).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) }).unwrap();
/// ```
pub struct Limiter<K: Access = Local> {
    semaphore: Semaphore<K>,
    /// Those that are at it stand in a line in which nobody's turn ever comes.
    holders: WaitQueue<(), Holder, K>,
}

/// What is at it, in a [`Limiter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The task that runs it, or ran it at first; `None` outside of a runtime.
    pub task: Option<TaskId>,
    /// How many permits it has.
    pub count: usize,
    /// Where in the program [`run`](Limiter::run) was called.
    pub place: &'static Location<'static>,
}

impl Limiter {
    /// So many permits, for the tasks of one runtime.
    pub const fn new(total: usize) -> Self {
        Limiter { semaphore: Semaphore::new(total), holders: WaitQueue::new(()) }
    }
}

impl Limiter<Shared> {
    /// So many permits, for the tasks of all threads.
    pub const fn shared(total: usize) -> Self {
        Limiter { semaphore: Semaphore::shared(total), holders: WaitQueue::new(()) }
    }
}

impl<K: Access> Limiter<K> {
    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.semaphore.set_name(name);
        self
    }

    /// Runs `body` with `n` permits, as soon as there are so many and those who came before have theirs. They go back when it
    /// ends.
    ///
    /// # Errors
    /// There are not as many permits at all, or the limiter is or gets closed. Then `body` is dropped before its first poll.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place**](crate#cancellation), until `body` begins. From then on as `body`, which is dropped
    /// before its permits go back.
    ///
    /// # Panics
    /// If `body` panics, or has ended and this is polled again.
    #[track_caller]
    pub fn run<T>(&self, n: usize, body: impl Future<Output = T>) -> impl Future<Output = Result<T, AcquireError>> {
        self.limited(body, self.semaphore.acquire_as::<ALimiter>(n, CallSite::here()))
    }

    /// As [`run`](Limiter::run), if there are so many permits and nobody waits; they are taken when this is called. Never waits
    /// for permits.
    ///
    /// # Errors
    /// There are not as many free, or at all, or somebody waits for some, or the limiter is closed.
    ///
    /// # Panics
    /// The future: if `body` panics.
    #[track_caller]
    pub fn try_run<T>(
        &self,
        n: usize,
        body: impl Future<Output = T>,
    ) -> Result<impl Future<Output = T>, TryAcquireError> {
        let permit = self.semaphore.try_acquire(n)?;
        let limited = self.limited(body, ready(Ok::<_, Infallible>(permit)));
        Ok(Then::new(limited, |value| {
            let Ok(value) = value;
            value
        }))
    }

    #[track_caller]
    fn limited<'a, T, E>(
        &'a self,
        body: impl Future<Output = T>,
        acquire: impl Future<Output = Result<Permit<'a, K>, E>>,
    ) -> impl Future<Output = Result<T, E>> {
        let place = Location::caller();
        let stand = move |count| {
            let holder = Holder { task: current_task(), count, place };
            let never = |_: &(), _: &Line<Holder>, _| None::<Infallible>;
            Waiting::asking(&self.holders, holder, never, |_, _, _| None)
        };
        Limited { body: Some(body), stands: None, permit: None, acquire, stand }
    }

    /// Changes how many permits there are in all. If more are taken, none is given until enough of them are back. Who waits for
    /// more than there are then gets an error.
    pub fn set_total(&self, total: usize) {
        self.semaphore.set_total(total);
    }

    /// How many permits there are in all.
    pub fn total(&self) -> usize {
        self.semaphore.total()
    }

    /// How many are taken: more than there are, perhaps, if that was changed.
    pub fn held(&self) -> usize {
        self.semaphore.held()
    }

    /// Who has them, in the order in which they got them. It looks at them one after the other: of those who come and leave
    /// meanwhile, some may be missing or be there twice.
    pub fn holders(&self) -> impl Iterator<Item = Holder> {
        (0..).map_while(|n| self.holders.with(|(), line| line.nth_asks(n)))
    }

    /// No more permits are given: see [`Semaphore::close`].
    ///
    /// ```
    /// use giambio_core::{sync::{AcquireError, Limiter}, testing};
    ///
    /// let uploads = Limiter::new(2);
    /// uploads.close();
    /// assert_eq!(testing::run(uploads.run(1, async {})), Err(AcquireError::Closed));
    /// ```
    pub fn close(&self) {
        self.semaphore.close();
    }

    /// Was it closed?
    pub fn is_closed(&self) -> bool {
        self.semaphore.is_closed()
    }
}

pin_project! {
    /// Fields are dropped in their order: the body, then its name in the list, then its permits. So they are when the body
    /// has ended.
    struct Limited<'a, B, S, A, N, K: Access> {
        #[pin]
        body: Option<B>,
        #[pin]
        stands: Option<S>,
        permit: Option<Permit<'a, K>>,
        #[pin]
        acquire: A,
        stand: N,
    }
}

impl<'a, B, S, A, N, E, K> Future for Limited<'a, B, S, A, N, K>
where
    B: Future,
    S: Future<Output = Infallible>,
    A: Future<Output = Result<Permit<'a, K>, E>>,
    N: Fn(usize) -> S,
    K: Access,
{
    type Output = Result<B::Output, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            panic!("giambio: what a `Limiter` ran is polled, and has ended")
        };
        if this.permit.is_none() {
            let permit = ready!(this.acquire.poll(cx))?;
            this.stands.set(Some((this.stand)(permit.count())));
            if let Some(stands) = this.stands.as_mut().as_pin_mut() {
                let Poll::Pending = stands.poll(&mut Context::from_waker(Waker::noop()));
            }
            *this.permit = Some(permit);
        }
        let value = ready!(body.poll(cx));
        if !fault!("permits-kept-by-what-has-ended") {
            clear(this.body);
            this.stands.set(None);
            *this.permit = None;
        }
        Poll::Ready(Ok(value))
    }
}

struct ALimiter;

impl Named for ALimiter {
    const NAME: &'static str = "limiter";
}

impl<K: Access> fmt::Debug for Limiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limiter({} of {} held)", self.held(), self.total())
    }
}
