//! One runtime a core: the same function on several threads, which share nothing but what it borrows.
//!
//! A runtime has one thread, and no task ever moves to another one. A program that wants all cores runs several
//! runtimes, and spreads its work where it comes in: by sockets that share a port, most often. What this adds to threads
//! is that they stand and fall together, as the children of a nursery do (law NOTHING-LOST): the first failure cancels
//! the others, and the caller gets it when all of them have ended.

mod ends;

use std::any::Any;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;

use giambio_core::{Cancelled, Clock, Debugger, ErrorGroup, NoDebugger, Reason, in_runtime};

use self::ends::{Heeds, Orders, Stop, run_with_the_others};
use crate::clock::StdClock;
use crate::pool::{Within, lock};
use crate::run::{Builder, RunError, builder};

/// Runs `main` on as many threads as there are CPUs to run on, each with a runtime of its own, and returns the values in
/// the order of the cores. The thread that calls is one of them.
///
/// The threads end before this returns, so `main` may borrow from outside, what is [`Sync`]. Listeners that share a port
/// give each core its part of the connections:
///
/// ```no_run
/// use giambio::net::ListenOptions;
/// use giambio::nursery;
///
/// let served = giambio::run_on_each_core(async |core| {
///     let listener = ListenOptions::new().reuse_port(true).bind("localhost:1500").await?;
///     println!("core {} of {} listens", core.index(), core.count());
///     nursery(async |n| {
///         loop {
///             let (stream, _) = listener.accept().await?;
///             n.spawn(async move { stream.send_all(b"hello\n").await });
///         }
///     })
///     .await
/// });
/// let served: Result<Vec<()>, _> = served;
/// if let Err(errors) = served {
///     println!("{errors}"); // `std::io::Error`s, the first one first
/// }
/// ```
///
/// Linux spreads the connections evenly over such listeners; what other systems do is at
/// [`reuse_port`](crate::net::ListenOptions::reuse_port). With port 0 each listener would get a port of its own: let one
/// of them bind first, and tell the others its port.
///
/// How many threads, and under which debugger: [`Builder::on_each_core`].
///
/// # Errors
/// The errors of all cores that had one, in the order in which they happened. The first cancels the other cores: their
/// code is dropped at its next suspension, after the clean-ups of [`finally`](crate::finally()) and what is in
/// [`shield`](crate::shield()).
///
/// # Panics
/// * If a core panics: with the first panic, when the others, which are cancelled, have ended. What else they ended with
///   is dropped; [`EachCore::outcomes`] has it.
/// * Where [`run`](crate::run()) panics, and if the system has no thread left.
#[track_caller]
pub fn run_on_each_core<T, E, F>(main: F) -> Result<Vec<T>, ErrorGroup<E>>
where
    T: Send,
    E: Send,
    F: AsyncFn(Core) -> Result<T, E> + Sync,
{
    builder().on_each_core().run(main)
}

impl<C: Clock + Copy + Send, D: Debugger + Copy + Send> Builder<C, D> {
    /// Prepares to run on several threads, by default one for each CPU that this process may use. Each gets a copy of
    /// the debugger and of the clock: give `&debugger`, if it is [`Sync`], to have one observe all.
    pub fn on_each_core(self) -> EachCore<C, D> {
        EachCore { builder: self, threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) }
    }
}

/// What [`Builder::on_each_core`] makes.
///
/// ```
/// use std::num::NonZeroUsize;
///
/// let words = ["structured", "concurrency"];
/// let lengths = giambio::builder()
///     .on_each_core()
///     .threads(NonZeroUsize::new(2).unwrap())
///     .run(async |core| Ok::<_, ()>(words[core.index()].len()));
/// assert_eq!(lengths, Ok(vec![10, 11]));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "it does nothing until `run` is called"]
pub struct EachCore<C = StdClock, D = NoDebugger> {
    builder: Builder<C, D>,
    threads: NonZeroUsize,
}

/// Which of the cores this is. It is a number, not a place: threads are not tied to CPUs, which is left to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    index: usize,
    count: usize,
}

impl Core {
    /// From 0; that is the thread which called.
    pub fn index(self) -> usize {
        self.index
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.count
    }
}

/// How a run on several cores ended: what [`EachCore::run_or_ctrl_c`] and [`EachCore::run_until_stopped`] return.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it has the errors, if there are any"]
pub enum Ended<T, E> {
    /// Each core returned a value. They are in the order of the cores.
    Values(Vec<T>),
    /// At least one core returned an error, and the first one cancelled the others. They are in the order in which they
    /// happened.
    Errors(ErrorGroup<E>),
    /// Ctrl+C, or the second order to end, cancelled the cores, and none of them returned an error.
    Interrupted,
}

/// How a core ended: what [`EachCore::outcomes`] returns.
#[non_exhaustive]
pub enum Outcome<T, E> {
    /// `main` returned this value,
    Value(T),
    /// or this error.
    Error(E),
    /// It panicked, with this.
    Panic(Box<dyn Any + Send>),
    /// It was cancelled, because another core had failed.
    Cancelled,
    /// Ctrl+C, or the second order to end, cancelled it.
    Interrupted,
    /// It could not even start.
    NotStarted(RunError),
}

impl<T: fmt::Debug, E: fmt::Debug> fmt::Debug for Outcome<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Value(value) => f.debug_tuple("Value").field(value).finish(),
            Outcome::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Outcome::Panic(_) => f.write_str("Panic"),
            Outcome::Cancelled => f.write_str("Cancelled"),
            Outcome::Interrupted => f.write_str("Interrupted"),
            Outcome::NotStarted(error) => f.debug_tuple("NotStarted").field(error).finish(),
        }
    }
}

impl<C: Clock + Copy + Send, D: Debugger + Copy + Send> EachCore<C, D> {
    /// On so many threads.
    pub fn threads(self, threads: NonZeroUsize) -> EachCore<C, D> {
        EachCore { threads, ..self }
    }

    /// As [`run_on_each_core`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there.
    #[track_caller]
    pub fn run<T, E, F>(self, main: F) -> Result<Vec<T>, ErrorGroup<E>>
    where
        T: Send,
        E: Send,
        F: AsyncFn(Core) -> Result<T, E> + Sync,
    {
        match together(self.start(&main, Heeds::Nothing)) {
            Ended::Values(values) => Ok(values),
            Ended::Errors(errors) => Err(errors),
            Ended::Interrupted => unreachable!("nobody watches for signals"),
        }
    }

    /// As [`run`](EachCore::run), but Ctrl+C cancels all cores, as it does in
    /// [`run_or_ctrl_c`](crate::run_or_ctrl_c()): a second one ends the process at once.
    ///
    /// ```no_run
    /// use giambio::Ended;
    /// # async fn serve() -> std::io::Result<()> { Ok(()) }
    /// match giambio::builder().on_each_core().run_or_ctrl_c(async |_core| serve().await) {
    ///     Ended::Values(_) => println!("done"),
    ///     Ended::Errors(errors) => println!("{errors}"),
    ///     Ended::Interrupted => println!("Ctrl+C detected, exiting"),
    /// }
    /// ```
    ///
    /// # Panics
    /// As [`run`](EachCore::run), and if the system refuses to tell about Ctrl+C.
    #[track_caller]
    pub fn run_or_ctrl_c<T, E, F>(self, main: F) -> Ended<T, E>
    where
        T: Send,
        E: Send,
        F: AsyncFn(Core) -> Result<T, E> + Sync,
    {
        together(self.start(&main, Heeds::CtrlC))
    }

    /// As [`run`](EachCore::run), but orders to end are followed, as in [`run_until_stopped`](crate::run_until_stopped()):
    /// the first asks all cores [to stop](crate::stopping), the second cancels them, and the third ends the process at once.
    ///
    /// ```
    /// use giambio::{Ended, until_stopped};
    /// # async fn next() {}
    /// # use std::num::NonZeroUsize;
    /// # let two = NonZeroUsize::new(2).unwrap();
    ///
    /// let ended = giambio::builder().on_each_core().threads(two).run_until_stopped(async |_core| {
    ///     let mut clients = 0;
    ///     while until_stopped(next()).await.is_some() {
    ///         clients += 1;
    ///         # if clients == 5 { break }
    ///     }
    ///     Ok::<_, std::io::Error>(clients) // those of this core that came before we were asked to stop
    /// });
    /// assert!(matches!(ended, Ended::Values(clients) if clients == [5, 5]));
    /// ```
    ///
    /// # Panics
    /// As [`run`](EachCore::run), and if the system refuses to tell about signals.
    #[track_caller]
    pub fn run_until_stopped<T, E, F>(self, main: F) -> Ended<T, E>
    where
        T: Send,
        E: Send,
        F: AsyncFn(Core) -> Result<T, E> + Sync,
    {
        together(self.start(&main, Heeds::Orders))
    }

    /// Returns everything, of which [`run`](EachCore::run) makes one result: what became of each core, beside its index, in the
    /// order in which they ended. The first that has no value is the failure; it cancelled the others.
    ///
    /// ```
    /// use giambio::{Outcome, sleep};
    /// use std::num::NonZeroUsize;
    /// use std::time::Duration;
    ///
    /// let two = giambio::builder().on_each_core().threads(NonZeroUsize::new(2).unwrap());
    /// let outcomes = two.outcomes(async |core| match core.index() {
    ///     0 => Ok(sleep(Duration::from_secs(1000)).await),
    ///     _ => Err("out of luck"),
    /// });
    /// assert!(matches!(outcomes[..], [(1, Outcome::Error("out of luck")), (0, Outcome::Cancelled)]));
    /// ```
    pub fn outcomes<T, E, F>(self, main: F) -> Vec<(usize, Outcome<T, E>)>
    where
        T: Send,
        E: Send,
        F: AsyncFn(Core) -> Result<T, E> + Sync,
    {
        self.start(&main, Heeds::Nothing)
    }

    fn start<T, E, F>(self, main: &F, heeds: Heeds) -> Vec<(usize, Outcome<T, E>)>
    where
        T: Send,
        E: Send,
        F: AsyncFn(Core) -> Result<T, E> + Sync,
    {
        if in_runtime() {
            return vec![(0, Outcome::NotStarted(RunError::Nested))];
        }
        let count = self.threads.get();
        let stop = Stop::new();
        let ended = Mutex::new(Vec::with_capacity(count));
        let end = |index, outcome| {
            let has_failed = !matches!(outcome, Outcome::Value(_));
            lock(&ended).push((index, outcome));
            if has_failed {
                stop.now();
            }
        };
        let run = |each: Self, index, orders: &mut _| end(index, each.one(main, Core { index, count }, &stop, orders));
        let (run, end) = (&run, &end);
        // Made before there is another core, and kept until none is left: so it has seen each order.
        let mut first = match heeds.watch() {
            Ok(orders) => orders,
            Err(error) => return vec![(0, Outcome::NotStarted(error))],
        };
        // Where a call that blocks runs this, it waits for all cores.
        let within = Within::current();
        thread::scope(|scope| {
            for index in 1..count {
                let thread = thread::Builder::new().name(format!("core {index}"));
                let core = move || {
                    within.enter();
                    match heeds.watch() {
                        Ok(mut orders) => run(self, index, &mut orders),
                        Err(error) => end(index, Outcome::NotStarted(error)),
                    }
                };
                if let Err(error) = thread.spawn_scoped(scope, core) {
                    end(index, Outcome::NotStarted(RunError::Thread(error)));
                }
            }
            run(self, 0, &mut first);
        });
        ended.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn one<T, E, F>(self, main: &F, core: Core, stop: &Stop, orders: &mut Option<Orders>) -> Outcome<T, E>
    where
        F: AsyncFn(Core) -> Result<T, E>,
    {
        let ended = catch_unwind(AssertUnwindSafe(|| {
            self.builder.run_boxed(Box::pin(run_with_the_others(Box::pin(main(core)), stop, orders)))
        }));
        match ended {
            Ok(Ok(Ok(Ok(value)))) => Outcome::Value(value),
            Ok(Ok(Ok(Err(error)))) => Outcome::Error(error),
            Ok(Ok(Err(Cancelled { reason: Reason::Interrupted }))) => Outcome::Interrupted,
            Ok(Ok(Err(Cancelled { .. }))) => Outcome::Cancelled,
            Ok(Err(error)) => Outcome::NotStarted(error),
            Err(payload) => Outcome::Panic(payload),
        }
    }
}

/// What the caller gets.
#[track_caller]
fn together<T, E>(outcomes: Vec<(usize, Outcome<T, E>)>) -> Ended<T, E> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    let (mut panic, mut not_started, mut interrupted) = (None, None, false);
    for (index, outcome) in outcomes {
        match outcome {
            Outcome::Value(value) => values.push((index, value)),
            Outcome::Error(error) => errors.push(error),
            Outcome::Panic(payload) => panic = panic.or(Some(payload)),
            Outcome::NotStarted(error) => not_started = not_started.or(Some(error)),
            Outcome::Interrupted => interrupted = true,
            Outcome::Cancelled => {} // by one of the others
        }
    }
    if let Some(payload) = panic {
        resume_unwind(payload);
    }
    if let Some(error) = not_started {
        panic!("{error}");
    }
    let mut errors = errors.into_iter();
    if let Some(first) = errors.next() {
        return Ended::Errors(ErrorGroup::new(first, errors.collect()));
    }
    if interrupted {
        return Ended::Interrupted;
    }
    values.sort_by_key(|(index, _)| *index);
    Ended::Values(values.into_iter().map(|(_, value)| value).collect())
}
