//! Calls that borrow what is outside of a run.
//!
//! A future may be forgotten, and what it borrowed be gone while a thread still uses it: so a call that is awaited can't
//! borrow. But what lies outside of a whole run may be borrowed by threads that end before it does, as `std::thread::scope`
//! sees to.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use crate::call::Awaited;
use crate::job::{Job, Line, Place, run};
use crate::pool::{Within, lock};

/// So many threads at most: as many as [`unblock`](crate::unblock()) has by default.
const MOST: usize = 256;

/// Lends threads to `body`, for calls that borrow from outside. It returns when all of them have ended.
///
/// ```
/// let words = vec!["structured", "concurrency"];
/// let letters = giambio::with_threads(|threads| {
///     giambio::run(async {
///         let count = threads.unblock(|| words.iter().map(|word| word.len()).sum::<usize>());
///         count.await
///     })
/// });
/// assert_eq!((letters, words.len()), (21, 2));
/// ```
///
/// # Panics
/// With the panic of `body`, when the threads have ended.
pub fn with_threads<'env, R>(body: impl FnOnce(&Threads<'_, 'env>) -> R) -> R {
    let crew = Crew { jobs: Mutex::default(), arrival: Condvar::new() };
    // Where a call that blocks runs this, it waits for all of these threads.
    let within = Within::current();
    thread::scope(|scope| {
        let crew = &crew;
        let _end = End(crew);
        let hire = || {
            let thread = thread::Builder::new().name("giambio borrowing".into());
            let work = move || {
                within.enter();
                crew.work();
            };
            thread.spawn_scoped(scope, work).map(|_| ())
        };
        body(&Threads { crew, hire: &hire, here: PhantomData })
    })
}

/// What [`with_threads`] lends. Up to 256 calls run at once; more wait their turn.
pub struct Threads<'a, 'env> {
    crew: &'a Crew<'env>,
    /// Makes another one.
    hire: &'a dyn Fn() -> io::Result<()>,
    /// A call has none to make calls by: if each waited for another one, nobody would get on.
    here: PhantomData<*mut ()>,
}

impl<'env> Threads<'_, 'env> {
    /// As [`unblock`](crate::unblock()), for a call that may borrow whatever is outside of [`with_threads`].
    ///
    /// Calls can't make others by this; by [`unblock`](crate::unblock()) they can.
    ///
    /// # Panics
    /// A panic of `call` goes on here, in the task that awaits. If the system refuses to make the first thread.
    ///
    /// # Cancellation
    /// [**Lossy**](giambio_core#cancellation): as [`unblock`](crate::unblock()). [`with_threads`] waits for calls that still
    /// run, which may ask [`is_abandoned`](crate::is_abandoned()).
    #[track_caller]
    pub fn unblock<T, F>(&self, call: F) -> impl Future<Output = T>
    where
        F: FnOnce() -> T + Send + 'env,
        T: Send + 'env,
    {
        async {
            match Awaited::begin(call, |call| self.crew.enqueue(call, self.hire)) {
                Ok(call) => call.outcome().await,
                Err(error) => panic!("no thread could be made for a blocking call: {error}"),
            }
        }
    }
}

impl fmt::Debug for Threads<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("number", &lock(&self.crew.jobs).threads).finish()
    }
}

/// The threads, and what they are to do.
struct Crew<'env> {
    jobs: Mutex<Jobs<'env>>,
    arrival: Condvar,
}

#[derive(Default)]
struct Jobs<'env> {
    waiting: Line<'env>,
    threads: usize,
    /// Of these, without work. They may have been told of a job, and not be awake yet.
    resting: usize,
    is_over: bool,
}

impl<'env> Crew<'env> {
    /// For each job that waits a resting thread is told, or one is made, or all there may be are at work and look before they
    /// rest.
    fn enqueue(&self, job: Arc<dyn Job + 'env>, hire: &dyn Fn() -> io::Result<()>) -> io::Result<CrewPlace<'_, 'env>> {
        let mut jobs = lock(&self.jobs);
        let number = jobs.waiting.push(job);
        if jobs.waiting.len() <= jobs.resting {
            self.arrival.notify_one();
        } else if jobs.threads < MOST {
            match hire() {
                Ok(()) => jobs.threads += 1,
                Err(_) if jobs.threads > 0 => {}
                Err(error) => {
                    let refused = jobs.waiting.take(number);
                    drop(jobs);
                    drop(refused);
                    return Err(error);
                }
            }
        }
        Ok(CrewPlace { crew: self, number })
    }

    fn work(&self) {
        let mut jobs = lock(&self.jobs);
        loop {
            while let Some(job) = jobs.waiting.pop() {
                drop(jobs);
                run(job);
                jobs = lock(&self.jobs);
            }
            if jobs.is_over {
                return;
            }
            jobs.resting += 1;
            jobs = self.arrival.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            jobs.resting -= 1;
        }
    }
}

/// Where a job was put.
struct CrewPlace<'a, 'env> {
    crew: &'a Crew<'env>,
    number: u64,
}

impl Place for CrewPlace<'_, '_> {
    fn leave(&self) {
        let left = lock(&self.crew.jobs).waiting.take(self.number);
        drop(left);
    }
}

/// Sends the threads home, whatever becomes of who asked for them.
struct End<'a, 'env>(&'a Crew<'env>);

impl Drop for End<'_, '_> {
    fn drop(&mut self) {
        let mut jobs = lock(&self.0.jobs);
        jobs.is_over = true;
        let forgotten = mem::take(&mut jobs.waiting);
        drop(jobs);
        self.0.arrival.notify_all();
        drop(forgotten);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    /// Its future may have been forgotten, and what it borrows be gone.
    #[test]
    fn a_call_that_waits_for_a_thread_at_the_end_never_begins() {
        let ran = AtomicUsize::new(0);
        let crew = Crew { jobs: Mutex::default(), arrival: Condvar::new() };
        let end = End(&crew);
        let awaited = Awaited::begin(|| ran.fetch_add(1, SeqCst), |call| crew.enqueue(call, &|| Ok(()))).unwrap();
        drop(end);
        crew.work();
        assert_eq!(ran.load(SeqCst), 0);
        drop(awaited); // as if it had been forgotten until now
    }

    #[test]
    fn a_call_that_is_given_up_while_it_waits_leaves_nothing() {
        let crew = Crew { jobs: Mutex::default(), arrival: Condvar::new() };
        let begin = || Awaited::begin(|| (), |call| crew.enqueue(call, &|| Ok(()))).unwrap();
        let (first, second) = (begin(), begin());
        drop(first);
        assert_eq!(lock(&crew.jobs).waiting.len(), 1);
        drop(second);
        assert_eq!(lock(&crew.jobs).waiting.len(), 0);
    }

    #[test]
    fn without_any_thread_a_call_is_refused() {
        let crew = Crew { jobs: Mutex::default(), arrival: Condvar::new() };
        let refused = Awaited::begin(|| (), |call| crew.enqueue(call, &|| Err(io::ErrorKind::WouldBlock.into())));
        assert_eq!(refused.err().unwrap().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(lock(&crew.jobs).waiting.len(), 0);
    }
}
