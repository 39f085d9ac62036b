//! The results of many, in order.

use alloc::vec::Vec;
use core::cell::RefCell;

use super::for_each::for_each;

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
