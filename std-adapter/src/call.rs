//! A call on a thread, and who awaits it.
//!
//! Both ends share the call's state, behind a lock that is held for a few moves of memory: nobody's code runs under it.

use std::cell::LazyCell;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
use std::thread;

use giambio_core::{__fault as fault, finally, poll_proceed};

use crate::foreign::First;
use crate::job::{Job, Place};
use crate::pool::{Pool, PoolPlace, lock};

thread_local! {
    /// Of the call that this thread is at: nobody wants what it returns. Set only while that call runs, so that the next one
    /// finds it as it was left.
    static ABANDONED: LazyCell<Arc<AtomicBool>> = const { LazyCell::new(Arc::default) };
}

/// Is this thread at a call whose result nobody wants any more?
pub(crate) fn is_abandoned() -> bool {
    ABANDONED.with(|flag| flag.load(Relaxed))
}

/// The awaiting end of a call, which was put at this place.
pub(crate) struct Awaited<F, T, P: Place> {
    call: Arc<Call<F, T>>,
    place: P,
}

impl<F, T> Awaited<F, T, PoolPlace>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    /// Has `call` run on a thread of `pool`.
    pub(crate) fn start(pool: &'static Pool, call: F) -> io::Result<Self> {
        Awaited::begin(call, |call| pool.enqueue(call))
    }
}

impl<F, T, P> Awaited<F, T, P>
where
    F: FnOnce() -> T + Send,
    T: Send,
    P: Place,
{
    /// Has `call` run, once `enqueue` has seen to a thread.
    pub(crate) fn begin(call: F, enqueue: impl FnOnce(Arc<Call<F, T>>) -> io::Result<P>) -> io::Result<Self> {
        let call = Arc::new(Call(Mutex::new(State::Queued(call, None))));
        let place = enqueue(call.clone())?;
        Ok(Awaited { call, place })
    }

    /// What it returns, or its panic. Dropped, it leaves a call that has begun to itself.
    pub(crate) async fn outcome(self) -> T {
        passed_on(poll_fn(|cx| self.call.poll(cx)).await)
    }

    /// The same, but a cancellation waits for the end of a call that has begun.
    pub(crate) async fn outcome_or_end(self) -> T {
        let outcome = poll_fn(|cx| self.call.poll(cx));
        passed_on(finally(outcome, async || poll_fn(|cx| self.poll_end(cx)).await).await)
    }

    /// Gives the call up, and waits until it no longer runs.
    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<()> {
        let go = ready!(poll_proceed(cx));
        self.give_up(Some(cx.waker().clone()));
        if self.call.is_abandoned() && !fault!("calls-outlive-their-scope") {
            go.waits_for("the end of a call on a thread");
            return Poll::Pending;
        }
        go.made_progress();
        Poll::Ready(())
    }
}

impl<F, T, P: Place> Awaited<F, T, P> {
    /// From now on nobody wants the result. `waits` is woken when the call has ended, if it has begun.
    fn give_up(&self, waits: Option<Waker>) {
        let rest = self.call.give_up(waits);
        if matches!(rest.state, State::Queued(..)) && !fault!("given-up-calls-stay-in-line") {
            self.place.leave();
        }
        drop(rest);
    }
}

fn passed_on<T>(result: thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

impl<F, T, P: Place> Drop for Awaited<F, T, P> {
    fn drop(&mut self) {
        self.give_up(None);
    }
}

/// A call, its outcome, and who waits for that.
pub(crate) struct Call<F, T>(Mutex<State<F, T>>);

/// Where a call stands.
enum State<F, T> {
    /// Nobody has begun with it; whom to wake.
    Queued(F, Option<Waker>),
    /// Whom to wake, and how the call learns that nobody wants its result.
    Running(Option<Waker>, Arc<AtomicBool>),
    /// It runs, or its result is dropped, and nobody wants that; who waits for its end.
    Abandoned(Option<Waker>),
    Done(thread::Result<T>),
    /// It is over, or will never begin.
    Over,
}

/// What is left of a state, to be dropped where the lock is not held: wakers and what is captured are anybody's code.
struct Rest<F, T> {
    state: State<F, T>,
    waker: Option<Waker>,
}

impl<F, T> Drop for Rest<F, T> {
    /// Of several panics the first goes on.
    fn drop(&mut self) {
        let mut state = mem::replace(&mut self.state, State::Over);
        let inside = if let State::Queued(_, waker) = &mut state { waker.take() } else { None };
        let mut first = First::new();
        first.catch(|| drop(state));
        first.catch(|| drop(inside));
        first.catch(|| drop(self.waker.take()));
        first.resume();
    }
}

impl<F, T> Call<F, T> {
    /// See [`Awaited::give_up`]. What is left is to be dropped.
    fn give_up(&self, waits: Option<Waker>) -> Rest<F, T> {
        let mut state = lock(&self.0);
        match mem::replace(&mut *state, State::Over) {
            State::Running(waker, flag) => {
                flag.store(true, Relaxed);
                *state = State::Abandoned(waits);
                Rest { state: State::Over, waker }
            }
            State::Abandoned(waker) => {
                *state = State::Abandoned(waits);
                Rest { state: State::Over, waker }
            }
            other => Rest { state: other, waker: waits },
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<thread::Result<T>> {
        let go = ready!(poll_proceed(cx));
        let new = cx.waker().clone();
        let mut state = lock(&self.0);
        match &mut *state {
            State::Queued(_, waker) | State::Running(waker, _) => {
                let old = waker.replace(new);
                drop(state);
                drop(old);
                go.waits_for("a call on a thread");
                Poll::Pending
            }
            _ => match mem::replace(&mut *state, State::Over) {
                State::Done(result) => {
                    go.made_progress();
                    Poll::Ready(result)
                }
                _ => unreachable!("a call's result is taken once"),
            },
        }
    }

    /// Does it run for nobody?
    fn is_abandoned(&self) -> bool {
        matches!(*lock(&self.0), State::Abandoned(_))
    }
}

impl<T, F> Job for Call<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn run(&self) {
        let flag = ABANDONED.with(|flag| Arc::clone(flag));
        let mut state = lock(&self.0);
        let call = match mem::replace(&mut *state, State::Over) {
            State::Queued(call, waker) => {
                *state = State::Running(waker, flag.clone());
                call
            }
            _ => return, // it was given up
        };
        drop(state);
        let result = catch_unwind(AssertUnwindSafe(call));
        let mut state = lock(&self.0);
        if let State::Running(waker, _) = &mut *state {
            flag.store(false, Relaxed);
            let waker = waker.take();
            *state = State::Done(result);
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
            return;
        }
        if fault!("calls-end-before-their-results") {
            *state = State::Over;
        }
        drop(state);
        // It goes on until its result is gone, which may hold what others wait for, and take its time.
        let mut first = First::new();
        first.catch(|| drop(result));
        flag.store(false, Relaxed);
        if let State::Abandoned(Some(waker)) = mem::replace(&mut *lock(&self.0), State::Over) {
            waker.wake();
        }
        first.resume();
    }
}
