//! Calls that block, on threads of their own.
//!
//! A call that blocks must not run on the loop's thread, where it would stop every task. Here it runs on a thread of a
//! [pool](crate::pool), and the task waits for its [outcome](crate::call).

use std::io;
use std::num::NonZeroUsize;

use giambio_core::sync::{Access, AcquireError, Limiter};

use crate::call::{self, Awaited};
use crate::pool::Pool;

/// For what programs hand to [`unblock`], and files.
pub(crate) static CALLS: Pool = Pool::new("giambio blocking", 256);

/// Lets so many calls run at once.
pub(crate) fn set_threads(number: NonZeroUsize) {
    CALLS.set_limit(number.get());
}

/// Runs a call that blocks, on another thread, while this task waits and others go on.
///
/// ```
/// # giambio::run(async {
/// let text = giambio::unblock(|| std::fs::read_to_string("Cargo.toml")).await?;
/// assert!(text.contains("giambio"));
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
///
/// # How many at once
/// The threads are shared by all runtimes of the process, and made as they are needed. 256 calls run at once, or as many
/// as [`Builder::blocking_threads`](crate::Builder::blocking_threads) says; more wait their turn. Names of hosts are looked
/// up on other threads.
///
/// A call may make calls and wait for them, as by a [`run`](crate::run()) of its own, and those may do the same, 64 deep.
/// Each depth has threads of its own, so that none waits for itself: as many again for calls that are made by calls, half
/// as many for those that these make, and so on.
///
/// A thread that a call starts by itself is no part of that: what it asks for counts as asked for from outside. If all the
/// calls that may run at once wait for such threads, nobody gets on.
///
/// # Panics
/// * A panic of `call` goes on here, in the task that awaits.
/// * If there is no thread for the call, because the system refuses to make the first one or since 64 calls are in each
///   other; [`try_unblock`] makes this an error.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), for a call cannot be stopped from outside. Dropping the future
/// * before the first poll, or while `call` waits for a thread: it never runs, and is dropped here;
/// * while it runs: it runs to its end, and its result is dropped there. Have it ask [`is_abandoned`] from time to time if
///   that matters, or put the await into a [`shield`](crate::shield()). [`unblock_in`] waits for its end.
#[track_caller]
pub fn unblock<T, F>(call: F) -> impl Future<Output = T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    async {
        match Awaited::start(&CALLS, call) {
            Ok(call) => call.outcome().await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// As [`unblock`], but tells by an error if there is no thread for the call.
///
/// ```
/// # giambio::run(async {
/// let sum = giambio::try_unblock(|| (1..=1000).sum::<u32>()).await?;
/// assert_eq!(sum, 500_500);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded): the system refuses to make the first thread, or 64 calls are in each
/// other, each waiting for the next. `call` was dropped.
///
/// # Panics
/// A panic of `call` goes on here, in the task that awaits.
///
/// # Cancellation
/// As [`unblock`].
#[track_caller]
pub fn try_unblock<T, F>(call: F) -> impl Future<Output = io::Result<T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    async { Ok(Awaited::start(&CALLS, call)?.outcome().await) }
}

/// Is this a call whose result nobody wants any more? For long calls, which may stop then: a cancellation can't stop them.
///
/// It is true in a call of [`unblock`] and its kin, once its future was dropped or its scope cancelled; on all other threads
/// it is false, on those too that a call starts by itself.
///
/// ```
/// # use std::time::Duration;
/// # giambio::run(async {
/// let search = giambio::unblock(|| {
///     for number in 0_u64.. {
///         if giambio::is_abandoned() {
///             return None; // for nobody
///         }
///         # let is_it = |_| false;
///         if is_it(number) {
///             return Some(number);
///         }
///     }
///     None
/// });
/// let found = giambio::move_on_after(Duration::from_millis(1), search).await;
/// # assert!(found.is_none());
/// # });
/// ```
#[must_use]
pub fn is_abandoned() -> bool {
    call::is_abandoned()
}

/// As [`unblock`], for no more calls at once than `limiter` has permits: so many for one disk, so many for one library that
/// can't do more. The limiter may be borrowed or [shared](giambio_core::sync::Shared), be changed meanwhile, and tells who is
/// at it.
///
/// ```
/// use giambio::{nursery, sync::Limiter, unblock_in};
///
/// # giambio::run(async {
/// let disk = Limiter::new(2);
/// nursery(async |n| {
///     for name in ["Cargo.toml", "api.txt", "dependencies.txt"] {
///         let disk = &disk;
///         n.spawn(async move {
///             let size = unblock_in(disk, move || std::fs::metadata(name)).await??.len();
///             println!("{name}: {size} bytes");
///             Ok(())
///         });
///     }
///     Ok::<_, Box<dyn std::error::Error>>(())
/// })
/// .await
/// # }).unwrap();
/// ```
///
/// A call that itself waits for a permit of the limiter that it has one of, as by a [`run`](crate::run()) of its own, waits
/// for ever once all who have permits do so. Give what calls ask for a limiter of its own.
///
/// # Errors
/// The limiter has no permits at all, or is or gets closed. `call` was dropped.
///
/// # Panics
/// As [`unblock`].
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), from when `call` runs; until then it is as if it had not been asked for, but for its
/// place in the line. A call that runs keeps its permit: a cancellation waits for its end, and its result is dropped; it may
/// ask [`is_abandoned`]. Only what drops the future without a cancellation, as a `select!` does, leaves the call to itself,
/// and the permit free.
#[track_caller]
pub fn unblock_in<K, T, F>(limiter: &Limiter<K>, call: F) -> impl Future<Output = Result<T, AcquireError>>
where
    K: Access,
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    limiter.run(1, async {
        match Awaited::start(&CALLS, call) {
            Ok(call) => call.outcome_or_end().await,
            Err(error) => panic!("{error}"),
        }
    })
}

/// As [`unblock`], for a call that needs something of the caller's, who gets it back with the result: what borrowing would
/// be, which a call that may go on after its future was dropped can't do.
///
/// ```
/// # giambio::run(async {
/// let numbers = vec![3, 1, 2];
/// let (numbers, smallest) = giambio::lend(numbers, |numbers| {
///     numbers.sort();
///     numbers[0]
/// })
/// .await;
/// assert_eq!((smallest, numbers), (1, vec![1, 2, 3]));
/// # });
/// ```
///
/// Many calls that borrow the same: [`with_threads`](crate::with_threads()).
///
/// # Panics
/// As [`unblock`]; `value` is dropped.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation): as [`unblock`], and `value` is dropped with the future or the call.
#[track_caller]
pub fn lend<V, T, F>(value: V, call: F) -> impl Future<Output = (V, T)>
where
    F: FnOnce(&mut V) -> T + Send + 'static,
    V: Send + 'static,
    T: Send + 'static,
{
    unblock(move || {
        let mut value = value;
        let result = call(&mut value);
        (value, result)
    })
}
