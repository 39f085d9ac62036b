//! Threads for calls that block.
//!
//! A call that blocks must not run on the loop's thread, where it would stop every task. Here it runs on a thread of a
//! pool that all runtimes of the process share: threads are made as calls come, up to [`MAX_THREADS`], and leave when
//! they have had nothing to do for [`IDLE`].
//!
//! # Invariant
//! **SOMEONE-COMES**: while a call is queued, either a thread is on its way to the queue (it was just made, or is busy
//! and looks there before it rests), or one was notified. `enqueue` sees to it under the queue's lock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::thread;
use std::time::Duration;

use giambio_core::{poll_gate, poll_waits};

/// More calls than this wait their turn.
const MAX_THREADS: usize = 256;

/// How long a thread stays without work.
const IDLE: Duration = Duration::from_secs(10);

/// Runs a call that blocks, on another thread, while this task waits and others go on.
///
/// ```
/// # giambio::run(async {
/// let text = giambio::unblock(|| std::fs::read_to_string("Cargo.toml")).await?;
/// assert!(text.contains("giambio"));
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
///
/// # Panics
/// * A panic of `call` goes on here, in the task that awaits.
/// * If the call needs a thread and the system refuses to make the first one.
///
/// # Cancellation
/// **Lossy**, for a call cannot be stopped from outside. Dropping the future
/// * before the first poll: `call` never runs;
/// * while `call` waits for a thread: it never runs, and is dropped by the thread that finds it;
/// * while it runs: it runs to its end, and its result is dropped there. Have it look at a flag of yours from time to
///   time if that matters, or put the await into a [`shield`](crate::shield()).
pub async fn unblock<T, F>(call: F) -> T
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let call = Call::start(call);
    match poll_fn(|cx| call.poll(cx)).await {
        Ok(value) => value,
        Err(panic) => resume_unwind(panic),
    }
}

/// The awaiting end of a call.
struct Call<T>(Arc<Mutex<State<T>>>);

/// Where a call stands.
enum State<T> {
    /// Queued or running; whom to wake.
    Pending(Option<Waker>),
    Done(thread::Result<T>),
    /// Nobody wants the result: it was taken, or the awaiting end was dropped.
    Over,
}

impl<T: Send + 'static> Call<T> {
    fn start(call: impl FnOnce() -> T + Send + 'static) -> Call<T> {
        let state = Arc::new(Mutex::new(State::Pending(None)));
        let shared = state.clone();
        POOL.enqueue(Box::new(move || {
            if matches!(*lock(&shared), State::Over) {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(call));
            let mut state = lock(&shared);
            let before = match &*state {
                State::Pending(_) => mem::replace(&mut *state, State::Done(result)),
                State::Done(_) | State::Over => State::Done(result),
            };
            drop(state);
            if let State::Pending(Some(waker)) = before {
                waker.wake();
            }
        }));
        Call(state)
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<thread::Result<T>> {
        ready!(poll_gate(cx));
        let waker = cx.waker().clone();
        let mut state = lock(&self.0);
        match mem::replace(&mut *state, State::Over) {
            State::Pending(old) => {
                *state = State::Pending(Some(waker));
                drop(state);
                drop(old);
                poll_waits()
            }
            State::Done(result) => Poll::Ready(result),
            State::Over => unreachable!("a call's result is taken once"),
        }
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        let before = mem::replace(&mut *lock(&self.0), State::Over);
        drop(before);
    }
}

type Job = Box<dyn FnOnce() + Send>;

static POOL: Pool = Pool { queue: Mutex::new(Queue::new()), arrival: Condvar::new() };

struct Pool {
    queue: Mutex<Queue>,
    arrival: Condvar,
}

struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    /// Threads that rest and that no job has been announced to.
    resting: usize,
}

impl Queue {
    const fn new() -> Queue {
        Queue { jobs: VecDeque::new(), threads: 0, resting: 0 }
    }
}

impl Pool {
    fn enqueue(&'static self, job: Job) {
        let mut queue = lock(&self.queue);
        queue.jobs.push_back(job);
        if queue.jobs.len() <= queue.resting {
            self.arrival.notify_one();
        } else if queue.threads < MAX_THREADS {
            match thread::Builder::new().name("giambio blocking".into()).spawn(|| self.work()) {
                Ok(_) => queue.threads += 1,
                // The threads that there are get round to it.
                Err(_) if queue.threads > 0 => {}
                Err(error) => {
                    queue.jobs.pop_back();
                    drop(queue);
                    panic!("no thread could be made for a blocking call: {error}");
                }
            }
        }
    }

    fn work(&self) {
        let mut queue = lock(&self.queue);
        loop {
            while let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                // Destructors and foreign wakers may panic; they must not take the thread along.
                let _ = catch_unwind(AssertUnwindSafe(job));
                queue = lock(&self.queue);
            }
            queue.resting += 1;
            let (guard, rest) = self.arrival.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
            queue = guard;
            queue.resting -= 1;
            if rest.timed_out() && queue.jobs.is_empty() {
                queue.threads -= 1;
                return;
            }
        }
    }
}

/// Nothing of anybody's runs under these locks, so a poisoned one is as good as new.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
