//! A program that is one nursery: its loop is the nursery's own.

use core::pin::pin;

use super::drive::Code;
use super::scope::NurseryScope;
use crate::errors::Others;
use crate::kernel::clock::given;
use crate::kernel::nursery::outermost::Outermost;
use crate::kernel::nursery::teardown::Close;
use crate::kernel::root::Root;
use crate::storage::Storage;
use crate::time::Clock;
use crate::wait::Wait;

/// Runs a nursery that nothing is around: what `Runtime::new(clock, nursery_in(storage, body))` and
/// [`run_masked`](crate::Runtime::run_masked) do, with less code, less stack, and fewer instructions from an interrupt to a
/// child, since no main future lies in between. There is no debugger, and `wait` is called in the middle of a turn.
///
/// `storage` is an [`Arena`](crate::Arena) in a `static`, or with feature `alloc` [`Heap`](crate::Heap). Children may borrow
/// what lies on the stack before the call. Without feature `std`.
///
/// A body that never returns can say so: one of type `Result<Infallible, Infallible>` is a nursery that can't end, whose end
/// needs no code.
///
/// # Errors
/// As [`nursery_in`](crate::nursery_in).
///
/// # Panics
/// As [`Runtime::turn`](crate::Runtime::turn).
///
/// ```
/// # if cfg!(feature = "std") { return }
/// # #[cfg(not(feature = "std"))] {
/// use core::convert::Infallible;
/// use core::time::Duration;
/// use giambio_core::{Arena, Until, VirtualClock, run_nursery, sleep};
///
/// static TASKS: Arena<2, 128> = Arena::new();
///
/// let clock: VirtualClock = VirtualClock::new();
/// let mut wait = |until| {
///     if let Until::At(tick) = until {
///         clock.advance_to(tick); // a chip sets an alarm, and sleeps
///     }
/// };
/// let result: Result<(), Infallible> = run_nursery(&clock, &TASKS, &mut wait, async |n| {
///     for seconds in [10, 25] {
///         n.spawn_wait(async move { Ok(sleep(Duration::from_secs(seconds)).await) }).await;
///     }
///     Ok(())
/// });
/// assert_eq!(result, Ok(()));
/// # }
/// ```
pub fn run_nursery<'env, C, S, T, E, F>(clock: C, storage: S, wait: &mut impl Wait, body: F) -> Result<T, E>
where
    C: Clock,
    S: Storage + 'env,
    E: 'env,
    F: for<'scope> AsyncFnOnce(&'scope NurseryScope<'scope, 'env, E, S>) -> Result<T, E>,
{
    let root = pin!(Root::new());
    let outermost = Outermost::begin(root.as_ref(), given(&clock));
    let scope = pin!(NurseryScope::new(storage, Others::new()));
    let scope = scope.into_ref().get_ref();
    let nursery = scope.cell();
    let _close = Close::new(nursery);
    let body = pin!(Some(body(scope)));
    let mut value = None;
    outermost.run(nursery.pinned(), &mut Code { nursery, body, value: &mut value }, wait);
    match nursery.outcome(&mut value, true) {
        Some(outcome) => outcome,
        None => unreachable!("nothing around it cuts it short"),
    }
}
