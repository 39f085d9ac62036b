//! Words for tasks, of which the rest of the crate speaks: an id, what a task is doing, and what a debugger reads of it.

use core::fmt;
use core::panic::Location;

/// Names one task. No other task has the same while this one lives; later it may come again: with feature `std` after
/// 65,536 tasks in the same place (16 where pointers have 32 bits), without it with the next one.
///
/// It prints as numbers that a person can say: `task 12` is the first task in place 12, `task 12.3` the one in that place
/// after three others were there. On a thread that isn't the first to have a runtime, the thread's number comes before, as
/// in `task 2/12.3`. Without feature `std` a task has the number of its place alone, which says where in memory
/// that is. The root task is `main`.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::{TaskId, current_task};
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// assert_eq!(current_task(), Some(TaskId::MAIN));
/// # })).run(&mut |_| {});
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(u64);

impl TaskId {
    /// The root task of a runtime.
    pub const MAIN: TaskId = TaskId(u64::MAX);

    /// No task's.
    pub(crate) const NONE: TaskId = TaskId(u64::MAX - 1);

    pub(crate) const fn new(thread: u16, generation: u16, number: u32) -> Self {
        TaskId((thread as u64) << 48 | (generation as u64) << 32 | number as u64)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            TaskId::MAIN => return f.write_str("main"),
            TaskId::NONE => return f.write_str("no task"),
            TaskId(_) => f.write_str("task ")?,
        }
        let (thread, generation, number) = (self.0 >> 48, self.0 >> 32 & 0xffff, self.0 as u32);
        if thread != 0 {
            write!(f, "{thread}/")?;
        }
        write!(f, "{number}")?;
        if generation != 0 {
            write!(f, ".{generation}")?;
        }
        Ok(())
    }
}

/// What a child is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Will be polled in the next pass.
    Ready,
    /// Its code is running: it, or a child of its own, is asking.
    Running,
    /// Waits for something.
    Waiting,
    /// Was cancelled, and is dropped in the next pass, or when its shields and clean-ups are done.
    Cancelling,
    /// Has ended by itself, with a value.
    Finished,
    /// Was dropped since it was cancelled, or has failed.
    Cancelled,
}

/// A task, as a debugger sees it.
///
/// Who counts tasks that are alive leaves the root out, or counts it from the beginning: a child is told of by both
/// [`TaskSpawn`](crate::Event::TaskSpawn) and [`TaskExit`](crate::Event::TaskExit), however it ends, and the root, which
/// nobody spawns, by the latter alone, if it returns.
///
/// ```
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock, nursery};
/// use giambio_core::{Debugger, TaskInfo};
/// use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
///
/// /// How many children are alive.
/// #[derive(Default)]
/// struct Gauge(AtomicI64);
///
/// impl Debugger for Gauge {
///     fn on_task_spawn(&self, _task: TaskInfo<'_>) {
///         self.0.fetch_add(1, Relaxed);
///     }
///     fn on_task_exit(&self, task: TaskInfo<'_>) {
///         if !task.is_root() {
///             self.0.fetch_sub(1, Relaxed);
///         }
///     }
/// }
/// # let (clock, gauge) = (VirtualClock::<1000>::new(), Gauge::default());
/// # let main = nursery(async |n| { n.spawn(async { Ok::<_, ()>(()) }); Ok(()) });
/// # pin!(Runtime::new(&clock, main).with_debugger(&gauge)).run(&mut |_| {}).unwrap();
/// # assert_eq!(gauge.0.into_inner(), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskInfo<'a> {
    /// Which task.
    pub id: TaskId,
    /// What it is called: the name it was spawned with, else the type of its future.
    pub name: &'a str,
    /// In whose code its nursery is. `None` for the root task, and where that code is gone and nobody else has polled the
    /// nursery since.
    pub parent: Option<TaskId>,
    /// Where in the program it was spawned: at which call of [`spawn`](crate::NurseryScope::spawn) or another method of that
    /// kind. `None` for the root task.
    pub spawned_at: Option<&'static Location<'static>>,
}

impl<'a> TaskInfo<'a> {
    /// The root task.
    pub(crate) const ROOT: TaskInfo<'static> = TaskInfo::new(TaskId::MAIN, "main");

    /// A task with neither parent nor place, for tests of a debugger.
    ///
    /// ```
    /// # use giambio_core::{Debugger, NoDebugger};
    /// use giambio_core::{Event, TaskId, TaskInfo};
    ///
    /// let mut task = TaskInfo::new(TaskId::MAIN, "a test's");
    /// task.spawned_at = Some(core::panic::Location::caller());
    /// # let my_debugger = NoDebugger;
    /// my_debugger.event(Event::TaskSpawn(task));
    /// ```
    pub const fn new(id: TaskId, name: &'a str) -> Self {
        TaskInfo { id, name, parent: None, spawned_at: None }
    }

    /// Is it the root task, which the runtime itself runs and nobody has spawned?
    pub fn is_root(&self) -> bool {
        self.id == TaskId::MAIN
    }
}

/// Who woke a task: of [`Event::TaskWake`](crate::Event::TaskWake).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WokenBy {
    /// This task: its code did, or it has ended and was awaited. Without feature `std` also an interrupt that came while it
    /// ran.
    Task(TaskId),
    /// The time for which it slept is over.
    Timer,
    /// Another thread, or a signal handler.
    Thread,
    /// Something else: whoever looks for I/O, or an interrupt, while no task ran; a scope that was cancelled, or whose time is
    /// over. Told just before the step that it leads to.
    Other,
}

/// What a task waits for: of [`Event::TaskWait`](crate::Event::TaskWait).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitsFor<'a> {
    /// In a word: `"sleep"`, `"event"`, `"mutex"`, `"value of channel"`, `"room"` in an arena, `"task"`, or what another leaf
    /// future [says](crate::Proceed::waits_for).
    pub what: &'static str,
    /// Which of its kind, if it has a name: with feature `introspect` that which a lock or a channel was
    /// [given](crate::sync::Mutex::named), and what another leaf future [says](crate::Proceed::waits_for_this).
    pub name: Option<&'a str>,
    /// The task that has it, where one is known: who holds a mutex, or the task that is awaited.
    pub task: Option<TaskId>,
    /// Where in the program the wait was asked for, as far as it is known: with feature `introspect`.
    pub asked_at: Option<&'static Location<'static>>,
}

impl WaitsFor<'_> {
    /// Of a thing of which no more than its kind is known; for tests of a debugger, too.
    pub const fn new(what: &'static str) -> Self {
        WaitsFor { what, name: None, task: None, asked_at: None }
    }
}

/// What a task waits for, to be kept: of a [dump](crate::introspect::dump()). Its fields are those of [`WaitsFor`].
#[cfg(all(feature = "introspect", feature = "std"))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waits {
    /// In a word.
    pub what: &'static str,
    /// Which of its kind.
    pub name: Option<alloc::string::String>,
    /// The task that has it, or is awaited.
    pub task: Option<TaskId>,
    /// Where in the program the wait was asked for.
    pub asked_at: Option<&'static Location<'static>>,
}

/// How a task or a nursery's body failed. As text: what it failed with, as far as that is known.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TaskError<'a> {
    /// With an error of this type.
    Error {
        /// The name of the type.
        type_name: &'static str,
        /// What the error says. Of `str`, `String`, `Box<dyn Error>`, `io::Error` and this crate's own it is known by
        /// itself; of others, after [`show_errors`](crate::NurseryScope::show_errors).
        text: Option<ErrorText<'a>>,
        /// Is it the first of its nursery, which the caller gets? Others go to
        /// [`on_other_error`](crate::NurseryScope::on_other_error) or the
        /// [group](crate::nursery_group).
        first: bool,
    },
    /// With a panic, which will go on in the nursery's caller.
    Panic {
        /// Its message, if it has one.
        text: Option<&'a str>,
        /// Is it the first of its nursery?
        first: bool,
    },
}

impl fmt::Display for TaskError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            TaskError::Error { text: Some(text), .. } => fmt::Display::fmt(&text, f),
            TaskError::Error { type_name, text: None, .. } => write!(f, "an error of the type {type_name}"),
            TaskError::Panic { text: Some(text), .. } => write!(f, "a panic: {text}"),
            TaskError::Panic { text: None, .. } => f.write_str("a panic"),
        }
    }
}

/// Text that is written when it is asked for: by `{}`, by `{:?}`, or [`to_string`](alloc::string::ToString::to_string).
#[derive(Clone, Copy)]
pub struct ErrorText<'a>(&'a dyn fmt::Display);

impl<'a> ErrorText<'a> {
    pub(crate) fn new(error: &'a dyn fmt::Display) -> Self {
        ErrorText(error)
    }
}

impl fmt::Display for ErrorText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ErrorText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
