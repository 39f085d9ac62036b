//! One good result, whoever has it.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::convert::Infallible;
use core::error::Error;
use core::fmt;

use crate::nursery::nursery;

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
pub async fn first_ok<I, T, E>(futures: I) -> Result<T, NoneOk<E>>
where
    I: IntoIterator<Item: Future<Output = Result<T, E>>>,
{
    let (first, errors) = (RefCell::new(None), RefCell::new(Vec::new()));
    let Ok(()) = nursery::<_, Infallible, _>(async |n| {
        for (number, future) in futures.into_iter().enumerate() {
            errors.borrow_mut().push(None);
            let (first, errors) = (&first, &errors);
            n.spawn(async move {
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoneOk<E> {
    /// What they failed with, in their order: each may want another remedy.
    pub errors: Vec<E>,
}

impl<E: fmt::Display> fmt::Display for NoneOk<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.first() {
            Some(first) => write!(f, "none of {} succeeded; the first: {first}", self.errors.len()),
            None => f.write_str("none succeeded, for there were none to try"),
        }
    }
}

impl<E: Error + 'static> Error for NoneOk<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.errors.first().map(|first| first as _)
    }
}
