//! The future of a guest, and how to make one.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use giambio::RunError;
use giambio_core::{Debugger, NoDebugger};

use crate::running::Running;

/// Runs a giambio program as a guest of the tokio runtime that polls this: with timers, sockets and everything it spawns. As
/// [`giambio::run()`], but another task's thread is not taken away.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let answer = giambio_tokio::guest(async {
///     giambio::sleep(std::time::Duration::from_millis(1)).await;
///     42
/// });
/// assert_eq!(answer.await, 42);
/// # }
/// ```
///
/// # Panics
/// When it is polled:
/// * A panic in any task comes out of the guest's poll, after all tasks were dropped: it ends `block_on`, and a task of a
///   `LocalSet` with a `JoinError`.
/// * In another guest, or in [`giambio::run()`]: write `.await` after the future instead.
/// * If the process has no descriptors left for the reactor; [`try_guest`] makes this and the above an error.
/// * Outside of a tokio runtime, in one without I/O, or [after its end](crate#panics-in-the-host).
pub fn guest<F: Future>(main: F) -> Guest<F> {
    builder().guest(main)
}

/// Like [`guest`], but tells by an error if it could not even start.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use giambio::RunError;
///
/// giambio_tokio::guest(async {
///     let nested = giambio_tokio::try_guest(async {}).await;
///     assert!(matches!(nested, Err(RunError::Nested)));
/// })
/// .await;
/// # }
/// ```
///
/// # Errors
/// [`RunError`]: `main` was dropped before its first poll.
///
/// # Panics
/// As [`guest`], but for what is an error.
pub fn try_guest<F: Future>(main: F) -> TryGuest<F> {
    builder().try_guest(main)
}

/// Says how to run.
pub fn builder() -> Builder {
    Builder { debugger: NoDebugger }
}

/// What [`builder`] makes.
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder does nothing until `guest` is called"]
pub struct Builder<D = NoDebugger> {
    debugger: D,
}

impl<D: Debugger> Builder<D> {
    /// Has `debugger` observe the guest, all but its waits, which are the host's. Give `&debugger` to keep it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use giambio::{Debugger, TaskInfo};
    ///
    /// struct Steps;
    /// impl Debugger for Steps {
    ///     fn before_task_step(&self, task: TaskInfo<'_>) {
    ///         println!("-> About to run a step for '{}'", task.name);
    ///     }
    /// }
    ///
    /// giambio_tokio::builder().debugger(Steps).guest(async {}).await;
    /// # }
    /// ```
    pub fn debugger<D2: Debugger>(self, debugger: D2) -> Builder<D2> {
        Builder { debugger }
    }

    /// As [`guest`].
    ///
    /// # Panics
    /// As [`guest`].
    pub fn guest<F: Future>(self, main: F) -> Guest<F, D> {
        Guest(self.try_guest(main))
    }

    /// As [`try_guest`].
    ///
    /// # Errors
    /// As [`try_guest`].
    ///
    /// # Panics
    /// As [`try_guest`].
    pub fn try_guest<F: Future>(self, main: F) -> TryGuest<F, D> {
        TryGuest(State::New(Box::pin(main), self.debugger))
    }
}

/// What [`guest`] makes: the future of a giambio program, for a tokio runtime.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation): dropped, it drops the program, at once and as it is: destructors run, clean-ups
/// that wait ([`finally`](giambio::finally())) and shields don't, as nobody is left to poll them. So don't put a `select!` or
/// a time-out around a guest, but into it, where a scope that is cancelled is awaited to its end. If the word comes from the
/// host, by any channel of tokio's:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # async fn work() { std::future::pending().await }
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let program = giambio_tokio::guest(async {
///     giambio::cancel_scope(async |scope| {
///         giambio::nursery(async |n| {
///             n.child().daemon().spawn_wait(async {
///                 let _ = stopped.await; // also when the sender is dropped
///                 scope.cancel();
///                 Ok::<_, std::io::Error>(())
///             }).await;
///             work().await;
///             Ok(())
///         })
///         .await
///     })
///     .await
/// });
/// tokio::spawn(async move { stop.send(()) });
/// assert!(program.await.is_err(), "cancelled, and all clean-ups have run");
/// # }
/// ```
///
/// Forgotten (`mem::forget`), it is never polled again, and neither is anything in it. The host goes on. Its memory and its
/// descriptors stay as they are until the process ends.
#[must_use = "a guest does nothing unless it is awaited"]
pub struct Guest<F: Future, D: Debugger = NoDebugger>(TryGuest<F, D>);

/// What [`try_guest`] makes: as [`Guest`], but what keeps it from starting is an error.
///
/// # Errors
/// [`RunError`]: the program was dropped before its first poll.
///
/// # Cancellation
/// [**Lossy**](giambio_core#cancellation), as [`Guest`].
#[must_use = "a guest does nothing unless it is awaited"]
pub struct TryGuest<F: Future, D: Debugger = NoDebugger>(State<F, D>);

enum State<F: Future, D: Debugger> {
    New(Pin<Box<F>>, D),
    Running(Box<Running<F, D>>),
    Over,
}

// The program is on the heap: nothing in here is pinned.
impl<F: Future, D: Debugger> Unpin for TryGuest<F, D> {}

impl<F: Future, D: Debugger> Future for TryGuest<F, D> {
    type Output = Result<F::Output, RunError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::New(..) = self.0
            && let State::New(main, debugger) = mem::replace(&mut self.0, State::Over)
        {
            self.0 = State::Running(Box::new(Running::begin(main, debugger)?));
        }
        let State::Running(running) = &mut self.0 else {
            panic!("giambio-tokio: a guest was polled after it had ended");
        };
        let polled = running.poll(cx);
        if polled.is_ready() {
            self.0 = State::Over;
        }
        polled.map(Ok)
    }
}

impl<F: Future, D: Debugger> Future for Guest<F, D> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let ended = Pin::new(&mut self.0).poll(cx);
        ended.map(|ended| ended.unwrap_or_else(|error| panic!("giambio-tokio: the guest could not start: {error}")))
    }
}

impl<F: Future, D: Debugger> fmt::Debug for Guest<F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<F: Future, D: Debugger> fmt::Debug for TryGuest<F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::New(..) => "Guest(not begun)",
            State::Running(_) => "Guest(running)",
            State::Over => "Guest(over)",
        })
    }
}
