//! A runtime for tests: virtual time, and an end in any case.

use core::pin::{Pin, pin};
use core::time::Duration;
use std::boxed::Box;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;

use super::asking::Asking;
use super::autojump::{Autojump, MANY_TURNS};
use super::stuck::Stuck;
use crate::debugger::Debugger;
use crate::runtime::Runtime;
use crate::task_info::{TaskId, TaskInfo};
use crate::time::VirtualClock;

/// Runs `main` to its end in virtual time, in which waiting takes none.
///
/// # Panics
/// * With the text of [`Stuck`], if all tasks wait and nobody can wake one, or if they never wait.
/// * As [`Runtime::turn`].
///
/// ```
/// use core::time::Duration;
/// use giambio_core::{TimedOut, fail_after, testing};
///
/// let result = testing::run(fail_after(Duration::from_secs(60), core::future::pending::<()>()));
/// assert!(result.is_err());
/// ```
#[track_caller]
pub fn run<F: Future>(main: F) -> F::Output {
    came_to_an_end(Simulation::new().run_boxed(Box::pin(main)))
}

#[track_caller]
fn came_to_an_end<T>(outcome: Result<T, Stuck>) -> T {
    match outcome {
        Ok(value) => value,
        Err(stuck) => panic!("giambio: {stuck}"),
    }
}

/// Says how to run a test: [`run`] with choices.
///
/// ```
/// use giambio_core::testing::{Simulation, Stuck};
///
/// let error = Simulation::new().try_run(core::future::pending::<()>()).unwrap_err();
/// assert!(matches!(error, Stuck::Deadlock { .. }));
/// assert!(error.to_string().starts_with("deadlock"));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a simulation does nothing until `run` is called"]
pub struct Simulation {
    patience: Duration,
    turns: u64,
    seed: Option<u64>,
}

impl Default for Simulation {
    fn default() -> Self {
        Simulation::new()
    }
}

impl Simulation {
    /// One that runs as [`run`] does.
    pub const fn new() -> Self {
        Simulation { patience: Duration::ZERO, turns: MANY_TURNS, seed: None }
    }

    /// In each pass of a nursery, polls the children that are ready in an order chosen by chance, from
    /// this seed, instead of the order of their wakes. The same seed gives the same order, so what
    /// went wrong once goes wrong again. Nothing else about the scheduler changes.
    ///
    /// [`for_each_seed`](super::for_each_seed) tries many.
    ///
    /// ```
    /// use giambio_core::nursery;
    /// use giambio_core::testing::Simulation;
    /// use std::cell::RefCell;
    ///
    /// let order = |seed| {
    ///     let order = RefCell::new(Vec::new());
    ///     let result: Result<(), ()> = Simulation::new().seed(seed).run(nursery(async |n| {
    ///         for child in 0..10 {
    ///             let order = &order;
    ///             n.spawn(async move { Ok(order.borrow_mut().push(child)) });
    ///         }
    ///         Ok(())
    ///     }));
    ///     assert_eq!(result, Ok(()));
    ///     order.into_inner()
    /// };
    /// assert_eq!(order(7), order(7));
    /// assert_ne!(order(7), order(8));
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How many turns there may be while the clock stands still, before that counts as being
    /// [stuck](Stuck::Livelock); 100,000 by default, each of up to 64 polls. When all tasks have waited and another thread
    /// has woken one, they are counted anew.
    ///
    /// ```
    /// use giambio_core::checkpoint;
    /// use giambio_core::testing::{Simulation, Stuck};
    ///
    /// let spins = async {
    ///     loop {
    ///         checkpoint().await;
    ///     }
    /// };
    /// let error: Stuck = Simulation::new().turns(10).try_run(async { spins.await }).map(|(): ()| ()).unwrap_err();
    /// assert!(matches!(error, Stuck::Livelock { .. }));
    /// ```
    pub fn turns(mut self, most: u64) -> Self {
        self.turns = most;
        self
    }

    /// Before the clock jumps, or a deadlock is reported, waits that long in real time for another
    /// thread to wake a task. By default it doesn't wait: other threads play no part in a test that
    /// is to do the same each time.
    ///
    /// ```
    /// use core::time::Duration;
    /// use giambio_core::testing::Simulation;
    /// use std::{future::poll_fn, task::Poll, thread};
    ///
    /// let mut thread = None;
    /// Simulation::new().patience(Duration::from_secs(10)).run(poll_fn(|cx| {
    ///     if thread.is_some() {
    ///         return Poll::Ready(());
    ///     }
    ///     let waker = cx.waker().clone();
    ///     thread = Some(thread::spawn(move || waker.wake()));
    ///     Poll::Pending
    /// }));
    /// # thread.unwrap().join().unwrap();
    /// ```
    pub fn patience(mut self, real_time: Duration) -> Self {
        self.patience = real_time;
        self
    }

    /// Runs `main` to its end.
    ///
    /// # Panics
    /// As [`run`].
    #[track_caller]
    pub fn run<F: Future>(self, main: F) -> F::Output {
        came_to_an_end(self.run_boxed(Box::pin(main)))
    }

    /// Runs `main` to its end, if it comes to one.
    ///
    /// # Errors
    /// [`Stuck`]; `main` and everything in it has been dropped.
    ///
    /// # Panics
    /// As [`Runtime::turn`].
    pub fn try_run<F: Future>(self, main: F) -> Result<F::Output, Stuck> {
        self.run_boxed(Box::pin(main))
    }

    /// On the heap, since builds without optimization would copy it from frame to frame.
    fn run_boxed<F: Future>(self, main: Pin<Box<F>>) -> Result<F::Output, Stuck> {
        let clock = VirtualClock::<1_000_000_000>::new();
        let tasks = Tasks::default();
        let mut wait = Autojump::new(&clock).patience(self.patience).turns(self.turns);
        let asking = Asking::new();
        let main = asking.watch(main);
        let runtime = Runtime::new(&clock, main).with_debugger(&tasks).with_notify(wait.waker()).__seed(self.seed);
        let value = pin!(runtime).drive(|turn, until| {
            turn.pause(|| match asking.is_answered(until) {
                Some(answered) => answered,
                None => wait.try_wait(until).or_else(|stuck| asking.ask(stuck.with(tasks.names()))),
            })
        })?;
        asking.ended(value)
    }
}

/// Remembers which children there are.
#[derive(Default)]
struct Tasks(RefCell<Known>);

#[derive(Default)]
struct Known {
    spawned: u64,
    tasks: BTreeMap<TaskId, (u64, String)>,
}

impl Tasks {
    fn names(&self) -> Vec<String> {
        let mut tasks: Vec<_> = self.0.borrow().tasks.values().cloned().collect();
        tasks.sort_unstable();
        tasks.into_iter().map(|(_, name)| name).collect()
    }
}

impl Debugger for Tasks {
    fn on_task_spawn(&self, task: TaskInfo<'_>) {
        let mut known = self.0.borrow_mut();
        known.spawned += 1;
        let spawned = known.spawned;
        known.tasks.insert(task.id, (spawned, task.name.to_string()));
    }

    fn on_task_exit(&self, task: TaskInfo<'_>) {
        self.0.borrow_mut().tasks.remove(&task.id);
    }
}
