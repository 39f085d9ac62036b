//! The outer loop: turn, wait, repeat.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::time::Duration;

use giambio_core::{Clock, Debugger, NoDebugger, Runtime, TooManyThreads, claim_thread, in_runtime};

use crate::blocking;
use crate::clock::StdClock;
use crate::idle::{EVENTS_PER_WAIT, Idle, TIMER_SLACK};
use crate::signal::{CtrlC, Interrupted, Signals, orders, until_ctrl_c, until_stopped};

/// Runs a future to its end on this thread, with timers, sockets and everything it spawns, and returns its value.
///
/// ```
/// let answer = giambio::run(async {
///     giambio::sleep(std::time::Duration::from_millis(1)).await;
///     42
/// });
/// assert_eq!(answer, 42);
/// ```
///
/// Each thread may have a `run` of its own, one at a time. A panic in any task unwinds through `run`, after all tasks
/// have been dropped; the thread may `run` again, also while it ends, in the destructor of a thread-local. (On Windows
/// threads can't start meanwhile: there, don't wait for calls that block or for names.) After a `fork`
/// parent and child each may: see [forks](crate#forks).
///
/// `main` may be large: it runs from the heap. On the way there an unoptimized build has two copies of it on the stack,
/// so 2 MiB of stack do for 768 KiB. Beyond that, or where futures with much in them await each other, which costs three
/// copies each in such a build, put what is large on the heap where it is made: `Box::pin(work()).await`, or a `Vec` in
/// place of an array.
///
/// # Panics
/// * Inside another `run` on the same thread: it would block that one. Write `.await` instead.
/// * If the process has no descriptors left for the reactor; [`Builder::try_run`] makes this an error.
#[track_caller]
pub fn run<F: Future>(main: F) -> F::Output {
    started(builder().run_boxed(Box::pin(main)))
}

/// Like [`run`], but Ctrl+C cancels `main`: everything in it is dropped at its next suspension, after the clean-ups of
/// [`finally`](crate::finally()) and what is in [`shield`](crate::shield()).
///
/// Until `main` has ended, a second Ctrl+C ends the process at once, as if it were not handled at all: it is the way
/// out of a clean-up that hangs. On Unix it takes the programs along that were started by `process`.
///
/// Where Ctrl+C is ignored it [stays so](crate::signal): what a script starts by `server &` ends by another signal.
///
/// ```no_run
/// # async fn serve() {}
/// match giambio::run_or_ctrl_c(serve()) {
///     Ok(()) => println!("done"),
///     Err(giambio::Interrupted) => println!("Ctrl+C detected, exiting"),
/// }
/// ```
///
/// # Errors
/// [`Interrupted`] after Ctrl+C, unless `main` finished all the same.
///
/// # Panics
/// As [`run`], and if the system refuses to tell about Ctrl+C.
#[track_caller]
pub fn run_or_ctrl_c<F: Future>(main: F) -> Result<F::Output, Interrupted> {
    or_interrupted(builder().run_boxed_or_ctrl_c(Box::pin(main)))
}

/// Like [`run`], but orders to end are followed: by SIGTERM or SIGINT, what `kill`, containers, init systems and Ctrl+C send;
/// on Windows by Ctrl+C, Ctrl+Break, or when the console is closed or the system goes down.
///
/// * The first asks `main` [to stop](crate::stopping): it ends by itself, if it looks for that.
/// * The second cancels it: everything in it is dropped at its next suspension, after the clean-ups of
///   [`finally`](crate::finally()) and what is in [`shield`](crate::shield()).
/// * The third ends the process at once, as if it were not handled at all. On Unix it takes the programs along that were
///   started by `process`.
///
/// Of whom to wait for is for `main` to say: a grace after the first is a task that awaits [`stopping`](crate::stopping),
/// sleeps, and cancels. A signal that is ignored [stays so](crate::signal).
///
/// ```
/// use giambio::{stopping, until_stopped};
///
/// let served = giambio::run_until_stopped(async {
///     let mut clients = 0;
///     # async fn next() {}
///     while until_stopped(next()).await.is_some() {
///         clients += 1;
///         # if clients == 5 { break }
///     }
///     clients // those that came before we were asked to stop
/// });
/// assert_eq!(served, Ok(5));
/// ```
///
/// # Errors
/// [`Interrupted`] after the second, unless `main` finished all the same.
///
/// # Panics
/// As [`run`], and if the system refuses to tell about signals.
#[track_caller]
pub fn run_until_stopped<F: Future>(main: F) -> Result<F::Output, Interrupted> {
    or_interrupted(builder().run_boxed_until_stopped(Box::pin(main)))
}

/// Says how to run: with which debugger, by which clock.
///
/// ```
/// use giambio::{Debugger, TaskInfo};
///
/// struct Steps;
/// impl Debugger for Steps {
///     fn before_task_step(&self, task: TaskInfo<'_>) {
///         println!("-> About to run a step for '{}'", task.name);
///     }
/// }
///
/// giambio::builder().debugger(Steps).run(async {});
/// ```
#[must_use = "a builder does nothing until `run` is called"]
pub fn builder() -> Builder {
    Builder {
        clock: StdClock::new(),
        is_steady: true,
        debugger: NoDebugger,
        events: EVENTS_PER_WAIT,
        slack: TIMER_SLACK,
        threads: None,
    }
}

/// What [`builder`] makes.
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder does nothing until `run` is called"]
pub struct Builder<C = StdClock, D = NoDebugger> {
    clock: C,
    /// The clock is our own.
    is_steady: bool,
    debugger: D,
    events: NonZeroUsize,
    slack: Duration,
    threads: Option<NonZeroUsize>,
}

impl<C: Clock, D: Debugger> Builder<C, D> {
    /// Has `debugger` observe the run. Give `&debugger` to keep it.
    pub fn debugger<D2: Debugger>(self, debugger: D2) -> Builder<C, D2> {
        let Builder { clock, is_steady, debugger: _, events, slack, threads } = self;
        Builder { clock, is_steady, debugger, events, slack, threads }
    }

    /// Takes the time from `clock`. Give `&clock` to keep it.
    ///
    /// While nothing is ready the thread sleeps for as long as the clock says is left, in real time, then asks it again.
    /// The real time is [`std::time::Instant`]'s, which on most systems stands still while the machine is suspended.
    ///
    /// The clock may jump ahead, as one does that counts the time in which the machine was suspended. It is asked each
    /// time before the thread falls asleep, so a jump while something is ready makes no sleep longer. One that comes while
    /// the thread sleeps wakes nobody: it is seen when that sleep ends, by what was left when it began or by an event or
    /// a wake that comes before. Who makes or notices the jump can end it: have a task wait for word of that, and wake
    /// it.
    ///
    /// ```
    /// use giambio::StdClock;
    /// use std::num::NonZeroUsize;
    /// use std::time::Duration;
    ///
    /// let clock = StdClock::new(); // others look at it, too
    /// let builder = giambio::builder().clock(&clock).timer_slack(Duration::from_millis(1));
    /// builder.events_per_wait(NonZeroUsize::new(16).unwrap()).run(giambio::sleep(Duration::from_millis(2)));
    /// ```
    pub fn clock<C2: Clock>(self, clock: C2) -> Builder<C2, D> {
        let Builder { clock: _, is_steady: _, debugger, events, slack, threads } = self;
        Builder { clock, is_steady: false, debugger, events, slack, threads }
    }

    /// How many events to take from the operating system at once, 1,024 by default: with fewer, the first of a
    /// thousand ready sockets is served sooner, at the price of more system calls. At most 65,536; a larger number
    /// means the same.
    pub fn events_per_wait(self, events: NonZeroUsize) -> Builder<C, D> {
        Builder { events, ..self }
    }

    /// How long the thread may sleep on after a deadline when the next one follows closely, so that both share a wait;
    /// 100 µs by default, and at most a second: a longer one means the same.
    ///
    /// Waking up costs several microseconds, more than all else about a timer: with a hundred thousand sleeps that end
    /// in a second, at any moment of it, most of the time would go into waiting. A deadline that comes alone, or that
    /// other work is still going on for, is not put off. Zero has the thread wake up for each.
    ///
    /// Put off is each deadline that comes less than the slack after the one for which the thread last woke up, whosever
    /// they are. So the thread wakes up for deadlines once in a slack at most, and **a task that loops over sleeps shorter
    /// than the slack goes round once in a slack**: with 100 ms, a loop over `sleep(10 ms)` that has the thread to itself
    /// takes 100 ms a round instead of 10, from the second round on. Where a pace must be kept, the slack should be a
    /// small part of it.
    pub fn timer_slack(self, slack: Duration) -> Builder<C, D> {
        Builder { slack, ..self }
    }

    /// How many calls of [`unblock`](crate::unblock()) run at once, 256 by default; more wait their turn.
    ///
    /// The threads belong to the process, and so does their number: it is set when the run starts, for all runtimes, and
    /// stays after it. With fewer than before, those calls that run already are left to it.
    ///
    /// ```
    /// # use std::num::NonZeroUsize;
    /// let one = NonZeroUsize::new(1).unwrap(); // one after the other
    /// giambio::builder().blocking_threads(one).run(async {
    ///     assert_eq!(giambio::unblock(|| 7).await, 7);
    /// });
    /// ```
    pub fn blocking_threads(self, number: NonZeroUsize) -> Builder<C, D> {
        Builder { threads: Some(number), ..self }
    }

    /// As [`run`](crate::run()).
    ///
    /// # Panics
    /// As [`run`](crate::run()).
    #[track_caller]
    pub fn run<F: Future>(self, main: F) -> F::Output {
        started(self.run_boxed(Box::pin(main)))
    }

    /// As [`run`](crate::run()), but tells by an error if it could not even start.
    ///
    /// ```
    /// use giambio::RunError;
    ///
    /// giambio::run(async {
    ///     let nested = giambio::builder().try_run(async {});
    ///     assert!(matches!(nested, Err(RunError::Nested)));
    /// });
    /// ```
    ///
    /// # Errors
    /// [`RunError`]: `main` was dropped before its first poll.
    ///
    /// # Panics
    /// As `main`.
    pub fn try_run<F: Future>(self, main: F) -> Result<F::Output, RunError> {
        self.run_boxed(Box::pin(main))
    }

    /// All ways lead here, each with `main` on the heap from its first line on: builds without optimization would copy it
    /// from frame to frame, and these frames stay while it runs.
    pub(crate) fn run_boxed<F: Future>(self, main: Pin<Box<F>>) -> Result<F::Output, RunError> {
        if in_runtime() {
            return Err(RunError::Nested);
        }
        claim_thread().map_err(RunError::Threads)?;
        if let Some(number) = self.threads {
            blocking::set_threads(number);
        }
        let clock = self.clock;
        let mut idle = Idle::with(&clock, self.is_steady, self.events, self.slack).map_err(RunError::Reactor)?;
        let runtime = Runtime::new(&clock, main).with_debugger(self.debugger).with_notify(idle.waker());
        Ok(pin!(runtime).run(&mut idle))
    }

    /// As [`run_or_ctrl_c`](crate::run_or_ctrl_c()).
    ///
    /// # Errors
    /// As [`run_or_ctrl_c`](crate::run_or_ctrl_c()).
    ///
    /// # Panics
    /// As [`run_or_ctrl_c`](crate::run_or_ctrl_c()).
    #[track_caller]
    pub fn run_or_ctrl_c<F: Future>(self, main: F) -> Result<F::Output, Interrupted> {
        or_interrupted(self.run_boxed_or_ctrl_c(Box::pin(main)))
    }

    /// As [`run_or_ctrl_c`](crate::run_or_ctrl_c()), but tells by an error if it could not even start.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] after Ctrl+C, unless `main` finished all the same. With any other error `main` was dropped
    /// before its first poll.
    ///
    /// # Panics
    /// As `main`.
    pub fn try_run_or_ctrl_c<F: Future>(self, main: F) -> Result<F::Output, RunError> {
        self.run_boxed_or_ctrl_c(Box::pin(main))
    }

    /// As [`run_until_stopped`](crate::run_until_stopped()).
    ///
    /// # Errors
    /// As [`run_until_stopped`](crate::run_until_stopped()).
    ///
    /// # Panics
    /// As [`run_until_stopped`](crate::run_until_stopped()).
    #[track_caller]
    pub fn run_until_stopped<F: Future>(self, main: F) -> Result<F::Output, Interrupted> {
        or_interrupted(self.run_boxed_until_stopped(Box::pin(main)))
    }

    /// As [`run_until_stopped`](crate::run_until_stopped()), but tells by an error if it could not even start.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] after the second order, unless `main` finished all the same. With any other error `main` was
    /// dropped before its first poll.
    ///
    /// # Panics
    /// As `main`.
    pub fn try_run_until_stopped<F: Future>(self, main: F) -> Result<F::Output, RunError> {
        self.run_boxed_until_stopped(Box::pin(main))
    }

    fn run_boxed_until_stopped<F: Future>(self, main: Pin<Box<F>>) -> Result<F::Output, RunError> {
        let orders = watch_orders()?;
        let ended = self.run_boxed(Box::pin(until_stopped(main, orders)))?;
        ended.map_err(|Interrupted| RunError::Interrupted)
    }

    fn run_boxed_or_ctrl_c<F: Future>(self, main: Pin<Box<F>>) -> Result<F::Output, RunError> {
        let presses = watch_ctrl_c()?;
        let ended = self.run_boxed(Box::pin(until_ctrl_c(main, presses)))?;
        ended.map_err(|Interrupted| RunError::Interrupted)
    }
}

/// Watches for Ctrl+C, for a run that can start.
pub(crate) fn watch_ctrl_c() -> Result<CtrlC, RunError> {
    watch(CtrlC::last_chance)
}

/// Watches for orders to end, for a run that can start.
pub(crate) fn watch_orders() -> Result<Signals, RunError> {
    watch(orders)
}

fn watch<W>(begin: impl FnOnce() -> io::Result<W>) -> Result<W, RunError> {
    if in_runtime() {
        return Err(RunError::Nested);
    }
    claim_thread().map_err(RunError::Threads)?;
    begin().map_err(RunError::CtrlC)
}

/// Panics where a run could not start.
#[track_caller]
fn started<T>(outcome: Result<T, RunError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// The same, but for Ctrl+C, which is an error.
#[track_caller]
fn or_interrupted<T>(outcome: Result<T, RunError>) -> Result<T, Interrupted> {
    match outcome {
        Err(RunError::Interrupted) => Err(Interrupted),
        outcome => Ok(started(outcome)),
    }
}

/// Why a run has no value: it could not even start, or Ctrl+C ended it.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// A runtime is running on this thread already, and waiting for another inside it would block it. Write `.await`.
    Nested,
    /// The reactor could not be made; most often the process has too many descriptors open.
    Reactor(io::Error),
    /// The system refused to tell about Ctrl+C, or the signals that are watched for.
    CtrlC(io::Error),
    /// The system has no thread left for one of the cores.
    Thread(io::Error),
    /// So many threads have a runtime that there is none left for this one.
    Threads(TooManyThreads),
    /// Ctrl+C was pressed, or the program was asked twice to end, and what ran was cancelled. Only where that is watched for.
    Interrupted,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Nested => f.write_str(
                "giambio::run was called inside giambio::run on the same thread, where it would block everything else: \
                 write `.await` after the future instead",
            ),
            RunError::Reactor(error) => write!(f, "the reactor could not be made: {error}"),
            RunError::CtrlC(error) => write!(f, "Ctrl+C and other signals can't be watched: {error}"),
            RunError::Thread(error) => write!(f, "there is no thread for a core: {error}"),
            RunError::Threads(error) => error.fmt(f),
            RunError::Interrupted => Interrupted.fmt(f),
        }
    }
}

/// Of the kind of the system's error, if there is one, else [`Other`](io::ErrorKind::Other); kept inside.
impl From<RunError> for io::Error {
    fn from(error: RunError) -> Self {
        let kind = match &error {
            RunError::Nested | RunError::Interrupted => io::ErrorKind::Other,
            RunError::Threads(_) => io::ErrorKind::QuotaExceeded,
            RunError::Reactor(error) | RunError::CtrlC(error) | RunError::Thread(error) => error.kind(),
        };
        io::Error::new(kind, error)
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RunError::Nested | RunError::Interrupted => None,
            RunError::Reactor(error) | RunError::CtrlC(error) | RunError::Thread(error) => Some(error),
            RunError::Threads(error) => Some(error),
        }
    }
}
