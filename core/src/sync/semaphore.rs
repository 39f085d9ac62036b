//! Permits, of which there is a number.

use core::cell::Cell;
use core::fmt;
use core::task::Waker;

use super::{Access, Local, Shared};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::wait_queue::{Held, Line, Turn, WaitQueue, Waiting};

/// A number of permits, of which tasks take some, and give them back when they are done: for how much may go on at once.
///
/// First come, first served: who asks for many waits until there are so many, and those behind it wait too, though there may be
/// enough for them. So nobody waits for ever.
///
/// Tasks of the same runtime use it; of kind [`Shared`], for a `static`, interrupt handlers and (with feature `std`) other
/// threads give permits too. How many there are in all can be changed, and who has how many be known, with a
/// [`Limiter`](super::Limiter).
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, clock, nursery, sleep};
/// use giambio_core::sync::{AcquireError, Semaphore};
///
/// async fn copy(disk: &Semaphore, parts: usize) -> Result<(), AcquireError> {
///     let _permit = disk.acquire(parts).await?;
///     sleep(Duration::from_secs(1)).await; // with so many parts of the disk's bandwidth
///     Ok(())
/// }
///
/// # let time: VirtualClock = VirtualClock::new();
/// # let main = async {
/// let disk = Semaphore::new(4);
/// nursery(async |n| {
///     n.spawn(copy(&disk, 3));
///     n.spawn(copy(&disk, 3)); // waits for the first
///     n.spawn(copy(&disk, 1)); // with the second, though one is free already
///     Ok(())
/// })
/// .await?;
/// # assert_eq!(clock().as_nanos(), 2_000_000_000);
/// let error = AcquireError::TooMany { asked: 5, total: 4 };
/// assert_eq!(copy(&disk, 5).await, Err(error)); // would wait for ever
/// # Ok::<(), AcquireError>(())
/// # };
/// # pin!(Runtime::new(&time, main)).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) }).unwrap();
/// ```
pub struct Semaphore<K: Access = Local> {
    queue: WaitQueue<Permits, usize, K>,
}

/// A semaphore's permits, until this is dropped.
#[must_use = "dropped, the permits are free again"]
pub struct Permit<'a, K: Access = Local> {
    semaphore: &'a Semaphore<K>,
    count: usize,
}

/// Why permits can't be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireError {
    /// There are not as many, so it would be a wait for ever. Ask for fewer, or [`add`](Semaphore::add) some before.
    TooMany {
        /// How many were asked for.
        asked: usize,
        /// How many there are, free or not.
        total: usize,
    },
    /// The semaphore was [closed](Semaphore::close): end what wants permits.
    Closed,
}

/// Why permits can't be had now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// They are taken, or others wait for them. Wait, by [`acquire`](Semaphore::acquire), or try again later.
    Busy {
        /// How many were asked for.
        asked: usize,
        /// How many are free. If these would do, others wait for more.
        free: usize,
    },
    /// See [`AcquireError::TooMany`].
    TooMany {
        /// How many were asked for.
        asked: usize,
        /// How many there are, free or not.
        total: usize,
    },
    /// See [`AcquireError::Closed`].
    Closed,
}

struct Permits {
    /// Those that are taken: more than there are, perhaps, if some were removed.
    held: Cell<usize>,
    total: Cell<usize>,
    is_closed: Cell<bool>,
}

impl Semaphore {
    /// A semaphore with so many permits, for the tasks of one runtime.
    pub const fn new(permits: usize) -> Self {
        Semaphore { queue: WaitQueue::new(Permits::new(permits)) }
    }
}

impl Semaphore<Shared> {
    /// A semaphore with so many permits, for tasks, interrupts and threads.
    pub const fn shared(permits: usize) -> Self {
        Semaphore { queue: WaitQueue::new(Permits::new(permits)) }
    }
}

impl<K: Access> Semaphore<K> {
    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.queue.set_name(name);
        self
    }

    pub(super) const fn set_name(&mut self, name: &'static str) {
        self.queue.set_name(name);
    }

    /// Takes `n` permits, as soon as there are so many and those who came before have theirs.
    ///
    /// # Errors
    /// There are not as many permits, or the semaphore is or gets closed.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) No permit is lost: those of a future that is dropped after its
    /// turn had come go to the next, and if one leaves that asked for more than there was, those behind it look again.
    #[track_caller]
    pub fn acquire(&self, n: usize) -> impl Future<Output = Result<Permit<'_, K>, AcquireError>> {
        self.acquire_as::<ASemaphore>(n, CallSite::here())
    }

    pub(super) fn acquire_as<N: Named>(
        &self,
        n: usize,
        place: CallSite,
    ) -> impl Future<Output = Result<Permit<'_, K>, AcquireError>> {
        let take = move |permits: &Permits, line: &Line<usize>, turn| {
            let taken = permits.take(line, n, turn)?;
            Some(taken.map(|()| Permit { semaphore: self, count: n }))
        };
        let pass_on = |permits: &Permits, line: &Line<usize>, late: Option<usize>| {
            permits.put(line, late.filter(|_| !fault!("permits-die-with-their-waiter")))
        };
        leaf::<N, _>(Waiting::asking(&self.queue, n, take, pass_on), place)
    }

    /// Takes `n` permits, if there are so many and nobody waits. Never waits.
    ///
    /// # Errors
    /// There are not as many free, or at all, or somebody waits for some, or the semaphore is closed.
    pub fn try_acquire(&self, n: usize) -> Result<Permit<'_, K>, TryAcquireError> {
        let taken = self.queue.with(|permits, line| match permits.take(line, n, Turn::New) {
            None => Err(TryAcquireError::Busy { asked: n, free: permits.free() }),
            Some(result) => Ok(result?),
        });
        taken.map(|()| Permit { semaphore: self, count: n })
    }

    /// Adds permits: from now on there are `n` more.
    ///
    /// ```
    /// use giambio_core::sync::Semaphore;
    ///
    /// let connections = Semaphore::new(1);
    /// connections.add(1); // another link is up
    /// assert!(connections.try_acquire(2).is_ok());
    /// connections.close(); // and now it goes down
    /// assert!(connections.try_acquire(1).is_err());
    /// ```
    ///
    /// # Panics
    /// If there are more than `usize::MAX` then.
    pub fn add(&self, n: usize) {
        let is_added = self.queue.with(|permits, _| match permits.total.get().checked_add(n) {
            Some(total) => {
                permits.total.set(total);
                true
            }
            None => false,
        });
        assert!(is_added, "giambio: a semaphore has at most usize::MAX permits");
        self.queue.serve(|permits, line| permits.put(line, None));
    }

    pub(super) fn set_total(&self, total: usize) {
        self.queue.with(|permits, _| permits.total.set(total));
        self.queue.serve(|permits, line| permits.put(line, None));
    }

    /// No more permits are given: who waits for some, and who comes later, gets an error. Those that are taken remain so until
    /// they are given back. It stays closed.
    ///
    /// # Panics
    /// If wakers of other executors panic, with the first of these panics, when all are told.
    pub fn close(&self) {
        self.queue.tell_all(|permits| permits.is_closed.set(true));
    }

    /// Was it closed?
    pub fn is_closed(&self) -> bool {
        self.queue.with(|permits, _| permits.is_closed.get())
    }

    /// How many permits are free.
    pub fn free(&self) -> usize {
        self.queue.with(|permits, _| permits.free())
    }

    /// How many are taken.
    pub(super) fn held(&self) -> usize {
        self.queue.with(|permits, _| permits.held.get())
    }

    /// How many there are, free or not.
    pub fn total(&self) -> usize {
        self.queue.with(|permits, _| permits.total.get())
    }

    fn give(&self, n: usize) {
        let mut back = Some(n);
        self.queue.serve(|permits, line| permits.put(line, back.take()));
    }
}

struct ASemaphore;

impl Named for ASemaphore {
    const NAME: &'static str = "semaphore";
}

impl Held for Permits {}

impl Permits {
    const fn new(permits: usize) -> Self {
        Permits { held: Cell::new(0), total: Cell::new(permits), is_closed: Cell::new(false) }
    }

    /// Takes `n`; `None`: it has to wait.
    fn take(&self, line: &Line<usize>, n: usize, turn: Turn<usize>) -> Option<Result<(), AcquireError>> {
        // It was granted less if it would wait for ever, which is what it is told below.
        if turn == Turn::Granted(n) {
            return Some(Ok(()));
        }
        if self.is_closed.get() {
            return Some(Err(AcquireError::Closed));
        }
        let total = self.total.get();
        if n > total {
            return Some(Err(AcquireError::TooMany { asked: n, total }));
        }
        (!line.is_waited_in() && self.hold(n)).then_some(Ok(()))
    }

    fn free(&self) -> usize {
        self.total.get().saturating_sub(self.held.get())
    }

    /// Takes `n`, if so many are free.
    fn hold(&self, n: usize) -> bool {
        let is_free = n <= self.free();
        if is_free {
            self.held.set(self.held.get() + n);
        }
        is_free
    }

    /// Takes some back, if there are any; then the first in line gets what it asks for, if there is so much.
    fn put(&self, line: &Line<usize>, back: Option<usize>) -> Option<Waker> {
        self.held.set(self.held.get() - back.unwrap_or(0));
        while !self.is_closed.get() {
            let ask = line.first_asks()?;
            // More than there are: it is told so.
            let grant = if ask > self.total.get() { 0 } else { ask };
            if !self.hold(grant) {
                return None;
            }
            if let Ok(Some(waker)) = line.grant(grant) {
                return Some(waker);
            }
        }
        None
    }
}

impl<'a, K: Access> Permit<'a, K> {
    /// How many permits these are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Makes two of them: `n` in one of their own, the rest stays here. `None` if there are fewer.
    ///
    /// ```
    /// use giambio_core::sync::Semaphore;
    ///
    /// let memory = Semaphore::new(4096);
    /// let mut permit = memory.try_acquire(4096).unwrap(); // as many as it may take
    /// drop(permit.split(3000)); // and what it turned out not to need
    /// assert_eq!((permit.count(), memory.free()), (1096, 3000));
    /// ```
    pub fn split(&mut self, n: usize) -> Option<Permit<'a, K>> {
        self.count = self.count.checked_sub(n)?;
        Some(Permit { semaphore: self.semaphore, count: n })
    }

    /// Takes these permits away for good: the semaphore has so many fewer in all. Who waits for more than there are then gets
    /// an error.
    ///
    /// ```
    /// use giambio_core::sync::Semaphore;
    ///
    /// let connections = Semaphore::new(10);
    /// connections.try_acquire(4).unwrap().remove();
    /// assert_eq!((connections.free(), connections.total()), (6, 6));
    /// ```
    pub fn remove(mut self) {
        let gone = core::mem::take(&mut self.count);
        let queue = &self.semaphore.queue;
        queue.with(|permits, _| {
            permits.total.set(permits.total.get().saturating_sub(gone));
            permits.held.set(permits.held.get() - gone);
        });
        queue.serve(|permits, line| permits.put(line, None));
    }
}

impl<K: Access> Drop for Permit<'_, K> {
    fn drop(&mut self) {
        self.semaphore.give(self.count);
    }
}

impl<K: Access> fmt::Debug for Semaphore<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (free, total) = self.queue.with(|permits, _| (permits.free(), permits.total.get()));
        write!(f, "Semaphore({free} of {total} free)")
    }
}

impl<K: Access> fmt::Debug for Permit<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({})", self.count)
    }
}

impl From<AcquireError> for TryAcquireError {
    fn from(error: AcquireError) -> Self {
        match error {
            AcquireError::TooMany { asked, total } => TryAcquireError::TooMany { asked, total },
            AcquireError::Closed => TryAcquireError::Closed,
        }
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcquireError::TooMany { asked, total } => {
                let permits = if *asked == 1 { "permit" } else { "permits" };
                write!(f, "{asked} {permits} of a semaphore that has {total} would be waited for without end")
            }
            AcquireError::Closed => f.write_str("the semaphore was closed"),
        }
    }
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            TryAcquireError::Busy { asked: 1, free: 0 } => f.write_str("no permit is free"),
            TryAcquireError::Busy { asked, free } if free < asked => {
                write!(f, "of the {asked} permits that were asked for {free} are free")
            }
            TryAcquireError::Busy { asked: 1, free } => {
                write!(f, "a permit was asked for, and others wait for the {free} that are free")
            }
            TryAcquireError::Busy { asked, free } => {
                write!(f, "{asked} permits were asked for, and others wait for the {free} that are free")
            }
            TryAcquireError::TooMany { asked, total } => AcquireError::TooMany { asked, total }.fmt(f),
            TryAcquireError::Closed => AcquireError::Closed.fmt(f),
        }
    }
}

impl core::error::Error for AcquireError {}
impl core::error::Error for TryAcquireError {}
