//! Nurseries: a scope that owns its children, and ends when all of them have ended.
//!
//! The children are polled inside the nursery's own poll and nowhere else (law NESTED-POLL). That
//! is why they may borrow what lives outside the nursery; and the price: they run concurrently,
//! not in parallel, and only while somebody polls the nursery.
//!
//! The first error, of a child or of the body, cancels the rest and is what the caller gets (law
//! NOTHING-LOST). A panic does the same, and then goes on in the caller.

mod books;
mod child;
mod delay;
mod drive;
#[cfg(not(feature = "std"))]
mod run;
mod scope;
mod spawn;
mod spawn_error;
#[cfg(feature = "alloc")]
mod start;

use core::pin::pin;

pub use child::Child;
pub(crate) use delay::Delay;
use drive::Drive;
#[cfg(not(feature = "std"))]
pub use run::run_nursery;
pub use scope::{Nursery, NurseryScope};
pub use spawn_error::SpawnError;
#[cfg(feature = "alloc")]
pub use start::Ready;

#[cfg(feature = "alloc")]
use crate::errors::ErrorGroup;
use crate::errors::Others;
use crate::kernel::nursery::teardown::Close;
use crate::kernel::storage::arena::Arena;
#[cfg(feature = "alloc")]
use crate::storage::Heap;

/// Opens a nursery: runs `body`, which may spawn children into it, and returns when the body and
/// all children have ended.
///
/// # Errors
/// The first error, of the body or of a child; it cancels the rest. Later ones:
/// [`NurseryScope::on_other_error`], [`nursery_group`](crate::nursery_group).
///
/// # Cancellation
/// Cancelling a scope around it cancels the body and all children, which are dropped at their next
/// suspension; their shields and clean-ups are waited for. An error or a panic comes out all the same,
/// a value only if nothing was cut short. Dropping it drops them at once.
/// Forgetting it stops them for ever: they are never polled again and never dropped.
///
/// # Size
/// The future of the body is held once, and what an `async move` body takes along beside it: much of that belongs in a
/// `Box`.
///
/// # Panics
/// If the body or a child panics: with the first panic, when all others are gone. And if it is polled on by reference after
/// it was cut short, see [`move_on_after`](crate::move_on_after).
///
/// # The type of the error
/// It comes from where the result goes, or from a child. Where neither says it, name it at the front:
/// `nursery::<_, io::Error, _>(async |n| …)`.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::nursery;
/// use std::collections::HashMap;
/// use std::io;
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// // Handles kept by number, to cancel one sibling.
/// let ended = nursery::<_, io::Error, _>(async |n| {
///     let mut sessions = HashMap::new();
///     for number in 1..=3 {
///         sessions.insert(number, n.spawn(core::future::pending()));
///     }
///     for number in [2, 1, 3] {
///         if let Some(session) = sessions.remove(&number) {
///             session.cancel();
///         }
///     }
///     Ok(())
/// })
/// .await;
/// assert!(ended.is_ok());
/// # })).run(&mut |_| {});
/// ```
///
/// Children that borrow, and hand back values:
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, sleep};
/// use giambio_core::nursery;
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let words = ["structured", "concurrency"];
/// let lengths: Result<usize, std::io::Error> = nursery(async |n| {
///     let handles = words.each_ref().map(|word| {
///         n.spawn_value(async move {
///             sleep(Duration::from_millis(1)).await;
///             Ok(word.len()) // borrowed from outside
///         })
///     });
///     let mut sum = 0;
///     for handle in handles {
///         sum += handle.await.unwrap_or(0);
///     }
///     Ok(sum)
/// })
/// .await;
/// assert_eq!(lengths.unwrap(), 21);
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
#[cfg(feature = "alloc")]
pub async fn nursery<'env, T, E: 'env, F>(body: F) -> Result<T, E>
where
    F: for<'scope> AsyncFnOnce(&'scope NurseryScope<'scope, 'env, E>) -> Result<T, E>,
{
    let scope = pin!(NurseryScope::new(Heap, Others::new()));
    let scope = scope.into_ref();
    let _close = Close::new(scope.get_ref().cell());
    let body = pin!(Some(body(scope.get_ref())));
    Drive::new(scope.get_ref().cell(), body).await
}

/// As [`nursery`](crate::nursery()), with the children in an arena instead of on the heap. Without
/// feature `alloc` nothing is allocated at all; with it the headers of tasks are, which are used again.
/// Spawn with [`try_spawn`](NurseryScope::try_spawn) or [`spawn_wait`](NurseryScope::spawn_wait); there is no
/// `spawn`, since an arena may be full.
///
/// Where nothing says what the error is, say it by the type of the result, `let ended: Result<(), E> = nursery_in(…).await`,
/// or in a child: `Ok::<_, E>(())`. The type parameters are the arena's two numbers, the value, the error, the body:
/// `nursery_in::<_, _, (), E, _>(…)`.
///
/// ```
/// use core::convert::Infallible;
/// use giambio_core::{Arena, checkpoint, nursery_in, testing};
///
/// static ARENA: Arena<1, 256> = Arena::new();
///
/// let Ok(()) = testing::run(nursery_in(&ARENA, async |n| {
///     n.spawn_wait(async { Ok::<_, Infallible>(checkpoint().await) }).await;
///     Ok(())
/// }));
/// ```
///
/// # Errors
/// As [`nursery`](crate::nursery()).
///
/// # Cancellation
/// As [`nursery`](crate::nursery()).
///
/// # Panics
/// As [`nursery`](crate::nursery()).
///
/// An example is at [`Arena`](crate::Arena).
pub async fn nursery_in<'env, const TASKS: usize, const BYTES: usize, T, E: 'env, F>(
    arena: &'static Arena<TASKS, BYTES>,
    body: F,
) -> Result<T, E>
where
    F: for<'scope> AsyncFnOnce(&'scope NurseryScope<'scope, 'env, E, &'static Arena<TASKS, BYTES>>) -> Result<T, E>,
{
    let scope = pin!(NurseryScope::new(arena, Others::new()));
    let scope = scope.into_ref();
    let _close = Close::new(scope.get_ref().cell());
    let body = pin!(Some(body(scope.get_ref())));
    Drive::new(scope.get_ref().cell(), body).await
}

/// As [`nursery`](crate::nursery()), but keeps every error: the first and those that came while
/// the rest was being cancelled.
///
/// # Errors
/// [`ErrorGroup`](crate::ErrorGroup), if the body or any child failed.
///
/// # Cancellation
/// As [`nursery`](crate::nursery()).
///
/// # Panics
/// As [`nursery`](crate::nursery()).
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::nursery_group;
/// # let clock: VirtualClock = VirtualClock::new();
/// # let result: Result<(), _> =
/// # pin!(Runtime::new(&clock, async {
/// nursery_group(async |n| {
///     n.spawn(async { n.fail("second"); Err("third") });
///     Err("first")
/// })
/// .await
/// # })).run(&mut |_| {});
/// # // The child is cancelled before its first poll: its errors never happen.
/// # assert_eq!(result.unwrap_err().into_first(), "first");
/// ```
#[cfg(feature = "alloc")]
pub async fn nursery_group<'env, T, E: 'env, F>(body: F) -> Result<T, ErrorGroup<E>>
where
    F: for<'scope> AsyncFnOnce(&'scope NurseryScope<'scope, 'env, E>) -> Result<T, E>,
{
    let scope = pin!(NurseryScope::new(Heap, Others::keeping()));
    let scope = scope.into_ref();
    let _close = Close::new(scope.get_ref().cell());
    let body = pin!(Some(body(scope.get_ref())));
    let result = Drive::new(scope.get_ref().cell(), body).await;
    result.map_err(|first| scope.get_ref().cell().owner.others.group(first))
}
