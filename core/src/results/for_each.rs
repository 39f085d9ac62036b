//! Something done with each of many, so many at once.

use core::cell::RefCell;
use core::future::poll_fn;

use crate::fault::fault;
use crate::gate::poll_proceed;
use crate::kernel::storage::arena::Arena;
use crate::name::Worker;
#[cfg(feature = "alloc")]
use crate::nursery::nursery;
use crate::nursery::{Nursery, nursery_in};
use crate::storage::Storage;

/// Does `work` with each of `items`, with at most `limit` of them at the same time.
///
/// `limit` workers take one item after the other, in order; so an iterator that never ends is good, and is asked for the next
/// item only when somebody has time for it. A panic of `work` or the iterator ends it like an error.
///
/// # Errors
/// The first error of `work`: the others are cancelled, and no more items are taken.
///
/// # Cancellation
/// [**Restartable; starts anew.**](crate#cancellation) It cancels what is under way, and the rest of `items` is dropped.
///
/// # Panics
/// If `limit` is 0, with which nothing would ever be done.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use giambio_core::{clock, sleep};
/// use giambio_core::results::for_each;
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// let start = clock();
/// for_each(1..=10, 5, async |_| Ok::<_, ()>(sleep(Duration::from_secs(1)).await)).await.unwrap();
/// assert_eq!(clock() - start, Duration::from_secs(2)); // twice five
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
#[cfg(feature = "alloc")]
pub async fn for_each<I, F, E>(items: I, limit: usize, work: F) -> Result<(), E>
where
    I: IntoIterator,
    F: AsyncFn(I::Item) -> Result<(), E>,
{
    assert!(limit > 0, "giambio: `for_each` with a limit of 0 would never begin: say 1 for one after the other");
    let shop = Shop { items: RefCell::new(items.into_iter().fuse()), work };
    nursery(async |n| shop.open(n, limit).await).await
}

/// [`for_each`] with the workers in an arena: at most `TASKS` items at the same time.
///
/// # Errors
/// As [`for_each`].
///
/// # Cancellation
/// As [`for_each`].
///
/// # Panics
/// As [`nursery_in`](crate::nursery_in) if the arena is in use.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::Arena;
/// use giambio_core::results::for_each_in;
/// # async fn sample(_: u8) -> Result<u32, ()> { Ok(1) }
///
/// static WORKERS: Arena<2, 512> = Arena::new();
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let sums = [const { core::cell::Cell::new(0) }; 4];
/// for_each_in(&WORKERS, 0..4, async |channel| {
///     sums[usize::from(channel)].set(sample(channel).await?);
///     Ok::<_, ()>(())
/// })
/// .await
/// .unwrap();
/// assert_eq!(sums.map(|sum| sum.get()), [1; 4]);
/// # })).run(&mut |_| {});
/// ```
pub async fn for_each_in<const TASKS: usize, const BYTES: usize, I, F, E>(
    arena: &'static Arena<TASKS, BYTES>,
    items: I,
    work: F,
) -> Result<(), E>
where
    I: IntoIterator,
    F: AsyncFn(I::Item) -> Result<(), E>,
{
    let shop = Shop { items: RefCell::new(items.into_iter().fuse()), work };
    nursery_in(arena, async |n| shop.open(n, TASKS).await).await
}

/// What the workers share.
struct Shop<I, F> {
    items: RefCell<I>,
    work: F,
}

impl<I: Iterator, F> Shop<I, F> {
    fn next(&self) -> Option<I::Item> {
        self.items.borrow_mut().next()
    }

    /// Employs workers as long as there is work for one more.
    async fn open<'env, E, S>(&'env self, n: Nursery<'_, 'env, E, S>, limit: usize) -> Result<(), E>
    where
        F: AsyncFn(I::Item) -> Result<(), E>,
        S: Storage,
    {
        for _ in 0..limit {
            let Some(item) = self.next() else { break };
            n.child().called(Worker).spawn_wait(self.employ(item)).await;
        }
        Ok(())
    }

    async fn employ<E>(&self, first: I::Item) -> Result<(), E>
    where
        F: AsyncFn(I::Item) -> Result<(), E>,
    {
        let mut next = Some(first);
        while let Some(item) = next {
            (self.work)(item).await?;
            // What a shield in `work` has kept alive, in cancelled code, begins nothing new; and work that is always ready
            // gives way.
            if !fault!("items-taken-without-end") {
                poll_fn(poll_proceed).await.made_progress();
            }
            next = self.next();
        }
        Ok(())
    }
}
