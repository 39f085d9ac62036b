//! All results, good and bad.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::convert::Infallible;

use crate::nursery::nursery;

/// Runs all futures at once, each as a task, and gives what comes of them in their order; none ends another.
///
/// # Cancellation
/// [**Restartable; starts anew.**](crate#cancellation) It cancels the futures; the results so far are dropped.
///
/// # Panics
/// As the futures: a panic of one cancels the others.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::results::all_settled;
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let answers = all_settled(["7", "x"].map(|text| async move { text.parse::<u8>().ok() })).await;
/// assert_eq!(answers, [Some(7), None]);
/// # })).run(&mut |_| {});
/// ```
pub async fn all_settled<I>(futures: I) -> Vec<<I::Item as Future>::Output>
where
    I: IntoIterator<Item: Future>,
{
    let results = RefCell::new(Vec::new());
    let Ok(()) = nursery::<_, Infallible, _>(async |n| {
        for (number, future) in futures.into_iter().enumerate() {
            results.borrow_mut().push(None);
            let results = &results;
            n.spawn(async move {
                let result = future.await;
                results.borrow_mut()[number] = Some(result);
                Ok(())
            });
        }
        Ok(())
    })
    .await;
    results.into_inner().into_iter().flatten().collect()
}
