//! Calls that block, on threads of their own.
//!
//! A call that blocks must not run on the loop's thread, where it would stop every task. Here it runs on a thread of a
//! [pool](crate::pool), and the task waits for its outcome.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
use std::thread;

use giambio_core::poll_proceed;

use crate::foreign::First;
use crate::pool::{Job, Pool, lock};

/// For what programs hand to [`unblock`].
static CALLS: Pool = Pool::new("giambio blocking", 256);

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
/// * while it runs: it runs to its end, and its result is dropped there. Have it look at a flag of yours from time to
///   time if that matters, or put the await into a [`shield`](crate::shield()).
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

/// The awaiting end of a call.
pub(crate) struct Awaited<F, T>(Arc<Call<F, T>>);

impl<F, T> Awaited<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    /// Has `call` run on a thread of `pool`.
    pub(crate) fn start(pool: &'static Pool, call: F) -> io::Result<Awaited<F, T>> {
        let call = Arc::new(Call(Mutex::new(State::Queued(call, None))));
        pool.enqueue(call.clone())?;
        Ok(Awaited(call))
    }

    /// What it returns, or its panic.
    pub(crate) async fn outcome(self) -> T {
        match poll_fn(|cx| self.0.poll(cx)).await {
            Ok(value) => value,
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl<F, T> Drop for Awaited<F, T> {
    fn drop(&mut self) {
        let mut before = mem::replace(&mut *lock(&self.0.0), State::Over);
        let waker = match &mut before {
            State::Queued(_, waker) | State::Running(waker) => waker.take(),
            State::Done(_) | State::Over => None,
        };
        let mut first = First::new();
        first.catch(|| drop(before));
        first.catch(|| drop(waker));
        first.resume();
    }
}

/// A call, its outcome, and who waits for that.
struct Call<F, T>(Mutex<State<F, T>>);

/// Where a call stands.
enum State<F, T> {
    /// Nobody has begun with it; whom to wake.
    Queued(F, Option<Waker>),
    Running(Option<Waker>),
    Done(thread::Result<T>),
    /// Nobody wants the result: it was taken, or the awaiting end was dropped.
    Over,
}

impl<T, F: FnOnce() -> T> Call<F, T> {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<thread::Result<T>> {
        let go = ready!(poll_proceed(cx));
        let new = cx.waker().clone();
        let mut state = lock(&self.0);
        match &mut *state {
            State::Queued(_, waker) | State::Running(waker) => {
                let old = waker.replace(new);
                drop(state);
                drop(old);
                Poll::Pending
            }
            State::Done(_) | State::Over => match mem::replace(&mut *state, State::Over) {
                State::Done(result) => {
                    go.made_progress();
                    Poll::Ready(result)
                }
                _ => unreachable!("a call's result is taken once"),
            },
        }
    }
}

impl<T, F> Job for Call<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn run(&self) {
        let mut state = lock(&self.0);
        let call = match mem::replace(&mut *state, State::Over) {
            State::Queued(call, waker) => {
                *state = State::Running(waker);
                call
            }
            _ => return, // it was given up
        };
        drop(state);
        let result = catch_unwind(AssertUnwindSafe(call));
        let mut state = lock(&self.0);
        let before = match *state {
            State::Running(_) => mem::replace(&mut *state, State::Done(result)),
            _ => State::Done(result),
        };
        drop(state);
        if let State::Running(Some(waker)) = before {
            waker.wake();
        }
    }
}
