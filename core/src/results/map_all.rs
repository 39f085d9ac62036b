//! The results of many, in order.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
#[cfg(feature = "alloc")]
use core::cell::RefCell;

#[cfg(feature = "alloc")]
use super::for_each::for_each;
use super::for_each::for_each_in;
use super::places::Places;
use crate::kernel::storage::arena::Arena;

/// Does `work` with each of `items`, with at most `limit` of them at the same time, and gives the results in the order of the
/// items.
///
/// # Errors
/// The first error of `work`: the others are cancelled, and no more items are taken.
///
/// # Cancellation
/// [**Restartable; starts anew.**](crate#cancellation) It cancels what is under way; the results so far are dropped.
///
/// # Panics
/// If `limit` is 0, with which nothing would ever be done.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, sleep};
/// use giambio_core::results::map_all;
///
/// async fn length(url: &str) -> Result<usize, String> {
///     # sleep(Duration::from_secs(10 - url.len() as u64)).await;
///     // …
///     Ok(url.len())
/// }
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let lengths = map_all(["one", "three", "four"], 2, length).await;
/// assert_eq!(lengths, Ok(vec![3, 5, 4]));
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
#[cfg(feature = "alloc")]
pub async fn map_all<I, F, R, E>(items: I, limit: usize, work: F) -> Result<Vec<R>, E>
where
    I: IntoIterator,
    F: AsyncFn(I::Item) -> Result<R, E>,
{
    let results = RefCell::new(Vec::new());
    // An item has its place from when it is taken.
    let numbered = items.into_iter().inspect(|_| results.borrow_mut().push(None)).enumerate();
    for_each(numbered, limit, async |(number, item)| {
        let result = work(item).await?;
        results.borrow_mut()[number] = Some(result);
        Ok(())
    })
    .await?;
    Ok(results.into_inner().into_iter().flatten().collect())
}

/// [`map_all`] of so many items, with the workers in an arena: at most `TASKS` items at the same time, and no heap.
///
/// # Errors
/// As [`map_all`].
///
/// # Cancellation
/// As [`map_all`].
///
/// # Panics
/// As [`nursery_in`](crate::nursery_in) if the arena is in use.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock, checkpoint};
/// use giambio_core::Arena;
/// use giambio_core::results::map_all_in;
/// # async fn sample(channel: u8) -> Result<u32, ()> { checkpoint().await; Ok(100 * u32::from(channel)) }
///
/// static WORKERS: Arena<2, 512> = Arena::new();
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// assert_eq!(map_all_in(&WORKERS, [0, 1, 2, 3], sample).await, Ok([0, 100, 200, 300]));
/// # })).run(&mut |_| {});
/// ```
pub async fn map_all_in<const TASKS: usize, const BYTES: usize, const N: usize, I, F, R, E>(
    arena: &'static Arena<TASKS, BYTES>,
    items: [I; N],
    work: F,
) -> Result<[R; N], E>
where
    F: AsyncFn(I) -> Result<R, E>,
{
    let results = Places::new();
    for_each_in(arena, items.into_iter().enumerate(), async |(number, item)| {
        results.put(number, work(item).await?);
        Ok(())
    })
    .await?;
    Ok(results.all())
}
