//! All results, good and bad.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
#[cfg(feature = "alloc")]
use core::cell::RefCell;
use core::convert::Infallible;

use super::for_each::for_each_in;
use super::places::Places;
use crate::kernel::storage::arena::Arena;
#[cfg(feature = "alloc")]
use crate::name::AllSettled;
#[cfg(feature = "alloc")]
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
#[cfg(feature = "alloc")]
pub async fn all_settled<I>(futures: I) -> Vec<<I::Item as Future>::Output>
where
    I: IntoIterator<Item: Future>,
{
    let results = RefCell::new(Vec::new());
    let Ok(()) = nursery::<_, Infallible, _>(async |n| {
        for (number, future) in futures.into_iter().enumerate() {
            results.borrow_mut().push(None);
            let results = &results;
            n.child().called(AllSettled).spawn(async move {
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

/// [`all_settled`] of so many futures, with the tasks in an arena: `TASKS` of them at once, and the others when there is
/// room; no heap.
///
/// # Cancellation
/// As [`all_settled`].
///
/// # Panics
/// As the futures: a panic of one cancels the others. And as [`nursery_in`](crate::nursery_in) if the arena is in use.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::Arena;
/// use giambio_core::results::all_settled_in;
/// static ROOM: Arena<2, 256> = Arena::new();
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let answers = all_settled_in(&ROOM, ["7", "x", "9"].map(|text| async move { text.parse::<u8>().ok() })).await;
/// assert_eq!(answers, [Some(7), None, Some(9)]);
/// # })).run(&mut |_| {});
/// ```
pub async fn all_settled_in<const TASKS: usize, const BYTES: usize, const N: usize, F: Future>(
    arena: &'static Arena<TASKS, BYTES>,
    futures: [F; N],
) -> [F::Output; N] {
    let results = Places::new();
    let Ok(()) = for_each_in(arena, futures.into_iter().enumerate(), async |(number, future)| {
        results.put(number, future.await);
        Ok::<_, Infallible>(())
    })
    .await;
    results.all()
}
