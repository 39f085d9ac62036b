//! Each result as it comes.

use alloc::collections::VecDeque;
use core::cell::{Cell, RefCell};
use core::convert::Infallible;
use core::fmt;

use crate::budgeted::budgeted;
use crate::name::AsCompleted;
use crate::nursery::nursery;
use crate::sync::Event;

/// Runs all futures at once, each as a task, while `body` takes their results in the order in which they come. When `body`
/// ends, what is not ready is cancelled.
///
/// # Cancellation
/// [**Restartable; starts anew.**](crate#cancellation) It cancels `body` and the futures; results that were not taken are
/// dropped.
///
/// # Panics
/// As `body` and the futures: a panic of one cancels the others.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, sleep};
/// use giambio_core::results::as_completed;
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let work = [3, 1, 2].map(|seconds| async move {
///     sleep(Duration::from_secs(seconds)).await;
///     seconds
/// });
/// let first_two = as_completed(work, async |results| {
///     let mut taken = vec![];
///     while let Some((number, seconds)) = results.next().await {
///         taken.push((number, seconds));
///         if taken.len() == 2 {
///             break;
///         }
///     }
///     taken
/// });
/// assert_eq!(first_two.await, [(1, 1), (2, 2)]);
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
pub async fn as_completed<I, F, R>(futures: I, body: F) -> R
where
    I: IntoIterator<Item: Future>,
    F: AsyncFnOnce(&Completed<<I::Item as Future>::Output>) -> R,
{
    let results = Completed { ready: RefCell::default(), news: Event::new(), running: Cell::new(0) };
    let Ok(value) = nursery::<_, Infallible, _>(async |n| {
        for (number, future) in futures.into_iter().enumerate() {
            let running = Running::new(&results);
            n.child().called(AsCompleted).spawn(async move {
                let Running(results) = &running; // the whole of it moves in here
                let result = future.await;
                results.ready.borrow_mut().push_back((number, result));
                Ok(())
            });
        }
        let value = body(&results).await;
        n.cancel_children();
        Ok(value)
    })
    .await;
    value
}

/// One of the futures, which may still have a result.
struct Running<'a, T>(&'a Completed<T>);

impl<'a, T> Running<'a, T> {
    fn new(results: &'a Completed<T>) -> Self {
        results.running.set(results.running.get() + 1);
        Running(results)
    }
}

impl<T> Drop for Running<'_, T> {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
        self.0.news.set();
    }
}

/// The results that have come, for the body of [`as_completed`].
pub struct Completed<T> {
    ready: RefCell<VecDeque<(usize, T)>>,
    news: Event,
    running: Cell<usize>,
}

impl<T> Completed<T> {
    /// The next result, with the number that its future has among the others, from 0; `None` when all were taken, or were
    /// cancelled.
    ///
    /// # Cancellation
    /// [**Restartable.**](crate#cancellation) A result is taken only when this ends.
    pub fn next(&self) -> impl Future<Output = Option<(usize, T)>> {
        budgeted(async {
            loop {
                if let Some(result) = self.try_next() {
                    return Some(result);
                }
                if self.running.get() == 0 {
                    return None;
                }
                self.news.clear();
                self.news.wait().await;
            }
        })
    }

    /// The next result, if one is there.
    pub fn try_next(&self) -> Option<(usize, T)> {
        self.ready.borrow_mut().pop_front()
    }
}

impl<T> fmt::Debug for Completed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ready, running) = (self.ready.borrow().len(), self.running.get());
        f.debug_struct("Completed").field("ready", &ready).field("running", &running).finish_non_exhaustive()
    }
}
