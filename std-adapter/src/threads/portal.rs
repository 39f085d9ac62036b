//! Calls from any thread into a nursery.
//!
//! A daemon of the nursery takes what threads leave in a queue, and spawns it. So what was called is a child like others: it
//! is polled with them, cancelled with them, and waited for with them.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
use std::thread::{self, ThreadId};

use giambio_core::{__fault as fault, Nursery, poll_proceed};

use crate::foreign::First;
use crate::pool::lock;

/// [`portal`](OpenPortal::portal), for nurseries on the heap.
pub trait OpenPortal<E> {
    /// Opens a way for other threads to call in.
    ///
    /// ```
    /// use giambio::{OpenPortal, nursery, unblock};
    ///
    /// # giambio::run(async {
    /// let answer = nursery(async |n| {
    ///     let portal = n.portal();
    ///     // On another thread, of a library that has its own, most often:
    ///     Ok::<_, giambio::PortalError>(unblock(move || {
    ///         portal.call(async || {
    ///             giambio::checkpoint().await; // on the nursery's thread
    ///             42
    ///         })
    ///     })
    ///     .await?)
    /// });
    /// assert_eq!(answer.await, Ok(42));
    /// # });
    /// ```
    ///
    /// It does not keep the nursery open: that ends when its body and its children have. Then, and when it is cancelled, calls
    /// get a [`PortalError`].
    fn portal(self) -> Portal<E>;
}

impl<'scope, 'env, E: 'env> OpenPortal<E> for Nursery<'scope, 'env, E> {
    fn portal(self) -> Portal<E> {
        let shared = Arc::new(Shared { thread: thread::current().id(), queue: Mutex::default() });
        // Made here: what is dropped before its first poll closes the portal, too.
        let door = Door(shared.clone());
        let daemon = self.child().name("portal").daemon();
        daemon.spawn(async move {
            loop {
                let call = poll_fn(|cx| door.poll_next(cx)).await;
                // In a nursery that is closing it is dropped, and who waits is told.
                self.child().name("called from a thread").spawn(call());
            }
        });
        Portal(shared)
    }
}

/// The way into a nursery, for any thread: what [`OpenPortal::portal`] returns. Clones lead to the same nursery.
pub struct Portal<E>(Arc<Shared<E>>);

impl<E> Portal<E> {
    /// Calls `work` as a child of the nursery, on its thread, and waits for its end. The thread that calls is blocked as long.
    ///
    /// What `work` returns, error or not, is the caller's, and so is its panic: the nursery does not fail by it. What it
    /// awaits need not be [`Send`].
    ///
    /// # Errors
    /// [`PortalError::Gone`]: the nursery has ended, or ended before `work` began. [`PortalError::Cancelled`]: it was cancelled
    /// while `work` was at work. [`PortalError::SameThread`]: the caller is the nursery's own thread, which would wait for
    /// itself.
    ///
    /// # Panics
    /// With the panic of `work`.
    pub fn call<T, F>(&self, work: F) -> Result<T, PortalError>
    where
        F: AsyncFnOnce() -> T + Send + 'static,
        T: Send + 'static,
        E: 'static,
    {
        if thread::current().id() == self.0.thread {
            return Err(PortalError::SameThread);
        }
        let (answer, answered) = channel();
        let mut answer = Answer { to: answer, has_begun: false };
        let call: Call<E> = Box::new(move || {
            Box::pin(async move {
                answer.has_begun = true;
                let mut work = pin!(async move { work().await });
                let result = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
                    Ok(poll) => poll.map(Ok),
                    Err(panic) => Poll::Ready(Err(panic)),
                });
                let result = result.await;
                answer.give(Ok(result));
                Ok(())
            })
        });
        self.0.enqueue(call)?;
        match answered.recv() {
            Ok(Ok(result)) => Ok(result.unwrap_or_else(|panic| resume_unwind(panic))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(PortalError::Gone),
        }
    }

    /// Spawns `work` as a child of the nursery, and does not wait. Its error and its panic are the nursery's, as those of all
    /// children.
    ///
    /// ```
    /// use giambio::{OpenPortal, nursery, sync::Event, unblock};
    /// use std::sync::Arc;
    ///
    /// let ended = giambio::run(nursery(async |n| {
    ///     let (portal, done) = (n.portal(), Arc::new(Event::shared()));
    ///     let told = done.clone();
    ///     unblock(move || portal.spawn(async move || Ok(told.set()))).await?;
    ///     done.wait().await;
    ///     Ok::<(), giambio::PortalError>(())
    /// }));
    /// assert_eq!(ended, Ok(()));
    /// ```
    ///
    /// # Errors
    /// [`PortalError::Gone`]: the nursery has ended. (If it ends before `work` begins, `work` is dropped.)
    pub fn spawn<F>(&self, work: F) -> Result<(), PortalError>
    where
        F: AsyncFnOnce() -> Result<(), E> + Send + 'static,
        E: 'static,
    {
        self.0.enqueue(Box::new(|| Box::pin(async move { work().await })))
    }
}

impl<E> Clone for Portal<E> {
    fn clone(&self) -> Self {
        Portal(self.0.clone())
    }
}

impl<E> fmt::Debug for Portal<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if lock(&self.0.queue).is_closed { "closed" } else { "open" };
        write!(f, "Portal({state})")
    }
}

/// Why a call through a [`Portal`] has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortalError {
    /// The nursery has ended, or is about to. What was to be called was dropped, and never began. Let what needs the nursery
    /// end before it does: await the threads in its body.
    Gone,
    /// The nursery was cancelled while the call was at work. It was dropped at its next suspension.
    Cancelled,
    /// The caller is on the nursery's own thread, which can't wait for itself: spawn into the nursery, and await.
    SameThread,
}

impl fmt::Display for PortalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PortalError::Gone => "the nursery that this portal leads to has ended, and the call never began",
            PortalError::Cancelled => "the nursery that this portal leads to was cancelled during the call",
            PortalError::SameThread => {
                "a portal was called from the thread of its nursery, which would wait for itself: spawn into the nursery, \
                 and await that"
            }
        })
    }
}

impl Error for PortalError {}

/// Of the kind [`Other`](io::ErrorKind::Other), with the error kept inside.
impl From<PortalError> for io::Error {
    fn from(error: PortalError) -> Self {
        io::Error::other(error)
    }
}

type Child<E> = Pin<Box<dyn Future<Output = Result<(), E>>>>;
type Call<E> = Box<dyn FnOnce() -> Child<E> + Send>;

struct Shared<E> {
    thread: ThreadId,
    queue: Mutex<Queue<E>>,
}

struct Queue<E> {
    calls: VecDeque<Call<E>>,
    /// Of who takes them.
    waker: Option<Waker>,
    is_closed: bool,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Queue { calls: VecDeque::new(), waker: None, is_closed: false }
    }
}

impl<E> Shared<E> {
    fn enqueue(&self, call: Call<E>) -> Result<(), PortalError> {
        let mut queue = lock(&self.queue);
        if queue.is_closed {
            drop(queue);
            drop(call); // somebody's code
            return Err(PortalError::Gone);
        }
        queue.calls.push_back(call);
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}

/// The nursery's end of a portal, which is closed when this is dropped.
struct Door<E>(Arc<Shared<E>>);

impl<E> Door<E> {
    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Call<E>> {
        let go = ready!(poll_proceed(cx));
        let new = cx.waker().clone();
        let mut queue = lock(&self.0.queue);
        if let Some(call) = queue.calls.pop_front() {
            drop(queue);
            go.made_progress();
            return Poll::Ready(call);
        }
        let old = queue.waker.replace(new);
        drop(queue);
        drop(old);
        go.waits_for("calls from threads");
        Poll::Pending
    }
}

impl<E> Drop for Door<E> {
    fn drop(&mut self) {
        if fault!("portal-left-open") {
            return;
        }
        let mut queue = lock(&self.0.queue);
        queue.is_closed = true;
        let waker = queue.waker.take();
        let calls = mem::take(&mut queue.calls);
        drop(queue);
        let mut first = First::new();
        first.catch(|| drop(waker));
        for call in calls {
            first.catch(|| drop(call));
        }
        first.resume();
    }
}

/// Tells the thread that waits how its call has ended, also if nobody comes to its end.
struct Answer<T> {
    to: Sender<Result<thread::Result<T>, PortalError>>,
    has_begun: bool,
}

impl<T> Answer<T> {
    fn give(&self, answer: Result<thread::Result<T>, PortalError>) {
        // The thread waits for it, or has it already.
        let _ = self.to.send(answer);
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.give(Err(if self.has_begun { PortalError::Cancelled } else { PortalError::Gone }));
    }
}
