//! One good result, whoever has it.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::cell::RefCell;
use core::convert::Infallible;
#[cfg(feature = "alloc")]
use core::error::Error;
#[cfg(feature = "alloc")]
use core::fmt;

use super::places::Places;
use crate::kernel::storage::arena::Arena;
use crate::name::FirstOk;
#[cfg(feature = "alloc")]
use crate::nursery::nursery;
use crate::nursery::nursery_in;

/// Runs all futures at once, each as a task, until one succeeds: its value comes out, and the others are cancelled.
///
/// To give each a lead over the next, let them begin with a `sleep`.
///
/// # Errors
/// [`NoneOk`], with what each has failed with, when all have failed; without futures that is at once.
///
/// # Cancellation
/// [**Restartable; starts anew.**](crate#cancellation) It cancels the futures; the errors so far are dropped.
///
/// # Panics
/// As the futures: a panic of one cancels the others.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, sleep};
/// use giambio_core::results::first_ok;
///
/// async fn ask(server: u8) -> Result<u8, String> {
///     # sleep(Duration::from_secs(server.into())).await;
///     if server % 2 == 1 { Err(format!("server {server} refuses")) } else { Ok(server) }
/// }
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// assert_eq!(first_ok([1, 4, 2].map(ask)).await, Ok(2));
/// let error = first_ok([3, 1].map(ask)).await.unwrap_err();
/// assert_eq!(error.to_string(), "none of 2 succeeded; the first: server 3 refuses");
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
#[cfg(feature = "alloc")]
pub async fn first_ok<I, T, E>(futures: I) -> Result<T, NoneOk<E>>
where
    I: IntoIterator<Item: Future<Output = Result<T, E>>>,
{
    let (first, errors) = (RefCell::new(None), RefCell::new(Vec::new()));
    let Ok(()) = nursery::<_, Infallible, _>(async |n| {
        for (number, future) in futures.into_iter().enumerate() {
            errors.borrow_mut().push(None);
            let (first, errors) = (&first, &errors);
            n.child().called(FirstOk).spawn(async move {
                match future.await {
                    Ok(value) => {
                        // This task too, but it waits for nothing any more.
                        n.cancel_children();
                        first.borrow_mut().get_or_insert(value);
                    }
                    Err(error) => errors.borrow_mut()[number] = Some(error),
                }
                Ok(())
            });
        }
        Ok(())
    })
    .await;
    first.into_inner().ok_or_else(|| NoneOk { errors: errors.into_inner().into_iter().flatten().collect() })
}

/// None of the futures of [`first_ok`] has succeeded.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoneOk<E> {
    /// What they failed with, in their order: each may want another remedy.
    pub errors: Vec<E>,
}

#[cfg(feature = "alloc")]
impl<E: fmt::Display> fmt::Display for NoneOk<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.first() {
            Some(first) => write!(f, "none of {} succeeded; the first: {first}", self.errors.len()),
            None => f.write_str("none succeeded, for there were none to try"),
        }
    }
}

#[cfg(feature = "alloc")]
impl<E: Error + 'static> Error for NoneOk<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.errors.first().map(|first| first as _)
    }
}

/// [`first_ok`] of so many futures, with the tasks in an arena: `TASKS` of them at once, and the others when there is room;
/// no heap.
///
/// # Errors
/// What each has failed with, in their order, when all have failed.
///
/// # Cancellation
/// As [`first_ok`].
///
/// # Panics
/// As the futures: a panic of one cancels the others. And as [`nursery_in`](crate::nursery_in) if the arena is in use.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, sleep};
/// use giambio_core::Arena;
/// use giambio_core::results::first_ok_in;
/// # async fn ask(server: u8) -> Result<u8, u8> {
/// #     sleep(Duration::from_secs(server.into())).await;
/// #     if server % 2 == 1 { Err(server) } else { Ok(server) }
/// # }
///
/// static ROOM: Arena<3, 512> = Arena::new();
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// assert_eq!(first_ok_in(&ROOM, [1, 4, 2].map(ask)).await, Ok(2));
/// assert_eq!(first_ok_in(&ROOM, [3, 1].map(ask)).await, Err([3, 1]));
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
pub async fn first_ok_in<const TASKS: usize, const BYTES: usize, const N: usize, F, T, E>(
    arena: &'static Arena<TASKS, BYTES>,
    futures: [F; N],
) -> Result<T, [E; N]>
where
    F: Future<Output = Result<T, E>>,
{
    let (first, errors) = (RefCell::new(None), Places::new());
    let is_over = || first.borrow().is_some();
    let Ok(()) = nursery_in::<TASKS, BYTES, _, Infallible, _>(arena, async |n| {
        for (number, future) in futures.into_iter().enumerate() {
            if is_over() {
                break;
            }
            let (first, errors, is_over) = (&first, &errors, &is_over);
            let one = async move {
                // It may have got its place by the success of another.
                if is_over() {
                    return Ok(());
                }
                match future.await {
                    Ok(value) => {
                        n.cancel_children();
                        first.borrow_mut().get_or_insert(value);
                    }
                    Err(error) => errors.put(number, error),
                }
                Ok(())
            };
            n.child().called(FirstOk).spawn_wait(one).await;
        }
        Ok(())
    })
    .await;
    match first.into_inner() {
        Some(value) => Ok(value),
        None => Err(errors.all()),
    }
}
