//! What a debugger may observe; in which order is said at [`Debugger`].

use core::fmt;
use core::time::Duration;

use crate::raw::port::Reachable;
use crate::task::TaskId;

/// A task, as a debugger sees it.
///
/// Who counts tasks that are alive leaves the root out, or counts it from the beginning: a child is told of by both
/// [`on_task_spawn`](Debugger::on_task_spawn) and [`on_task_exit`](Debugger::on_task_exit), however it ends, and the root,
/// which nobody spawns, by the latter alone, if it returns.
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
pub struct TaskInfo<'a> {
    /// Which task.
    pub id: TaskId,
    /// What it is called: the name it was spawned with, else the type of its future.
    pub name: &'a str,
}

impl TaskInfo<'_> {
    /// Is it the root task, which the runtime itself runs and nobody has spawned?
    pub fn is_root(&self) -> bool {
        self.id == TaskId::MAIN
    }
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
        /// itself; of others, after [`show_errors`](crate::Scope::show_errors).
        text: Option<ErrorText<'a>>,
        /// Is it the first of its nursery, which the caller gets? Others go to
        /// [`on_other_error`](crate::Scope::on_other_error) or the
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

/// Observes a runtime. Every method does nothing unless it is written.
///
/// It is told of everything that the runtime does, when it happens (law HOOKS-OBSERVE). A task's *step* is a stretch in
/// which its own code runs: it ends when the task waits, and also where its nursery starts to poll the children. So steps
/// never overlap:
///
/// | event | when |
/// | --- | --- |
/// | `on_start`, `on_exit` | the first turn begins; the main future has returned |
/// | `on_task_spawn` | a child was started; its first step comes later |
/// | `on_task_schedule` | a child was spawned that begins only after a delay |
/// | `before_task_step`, `after_task_step` | around a step; the last step ends with `on_task_exit` instead |
/// | `before_sleep` | after the step in which the task began to sleep |
/// | `after_sleep` | its time has come; its step follows |
/// | `before_io`, `after_io` | around each look at the operating system's events |
/// | `before_cancel`, `after_cancel` | around dropping a child that was cancelled; `on_task_exit` in between |
/// | `on_task_error` | a child, or a nursery's body, has failed with an error or a panic |
/// | `on_cleanup_abandoned` | a shield or clean-up was dropped before its end, by a future that isn't ours |
///
/// A task that fails with an error is told of by `on_task_error` first, then by `on_task_exit`. With a panic it is the
/// other way round for a child: what a panic comes to is known when the child is gone. If a panic leaves the main
/// future, or the runtime is dropped before its end, there is no `on_exit`, and no `on_task_exit` of the root; each child
/// has its own also then.
///
/// A debugger can't break the program: if one of its methods panics (where panics can be caught), the panic is reported by
/// the panic hook and the debugger is switched off. What a method itself causes isn't reported to it. Without a debugger,
/// and without feature `hooks` altogether, no event costs anything worth counting: a comparison, or nothing.
///
/// ```
/// use core::pin::pin;
/// use giambio_core::{Debugger, Next, Runtime, TaskInfo, VirtualClock};
///
/// #[derive(Default)]
/// struct Steps(std::sync::atomic::AtomicU32);
/// impl Debugger for Steps {
///     fn before_task_step(&self, _task: TaskInfo<'_>) {
///         self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///     }
/// }
///
/// let (clock, steps) = (VirtualClock::<1000>::new(), Steps::default());
/// let mut runtime = pin!(Runtime::new(&clock, async {}).with_debugger(&steps));
/// assert_eq!(runtime.as_mut().turn(), Next::Finished(()));
/// # if cfg!(feature = "hooks") {
/// assert_eq!(steps.0.load(std::sync::atomic::Ordering::Relaxed), 1);
/// # }
/// ```
#[allow(unused_variables)]
pub trait Debugger: Reachable {
    /// The first turn begins.
    fn on_start(&self) {}
    /// The main future has returned. Not after a panic in it, and not if the runtime is dropped before.
    fn on_exit(&self) {}
    /// A child was spawned that begins only after `delay`.
    fn on_task_schedule(&self, task: TaskInfo<'_>, delay: Duration) {}
    /// A child was started.
    fn on_task_spawn(&self, task: TaskInfo<'_>) {}
    /// A task is over: a child in whatever way, the root if it has returned.
    fn on_task_exit(&self, task: TaskInfo<'_>) {}
    /// The task's own code is about to run.
    fn before_task_step(&self, task: TaskInfo<'_>) {}
    /// The task's own code waits.
    fn after_task_step(&self, task: TaskInfo<'_>) {}
    /// The task has begun to sleep for so long.
    fn before_sleep(&self, task: TaskInfo<'_>, span: Duration) {}
    /// The task's sleep is over; it took so long.
    fn after_sleep(&self, task: TaskInfo<'_>, span: Duration) {}
    /// The loop is about to look for I/O, for at most so long; `None` means without limit.
    fn before_io(&self, timeout: Option<Duration>) {}
    /// The loop has looked for I/O.
    fn after_io(&self, timeout: Option<Duration>) {}
    /// A child is about to be dropped, since it was cancelled.
    fn before_cancel(&self, task: TaskInfo<'_>) {}
    /// A cancelled child was dropped.
    fn after_cancel(&self, task: TaskInfo<'_>) {}
    /// A child, or the body of a nursery in this task, has failed. With an error this comes before the child's end, with a
    /// panic after it.
    fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError<'_>) {}
    /// A shield or a clean-up in this task was dropped before its end.
    fn on_cleanup_abandoned(&self, task: TaskInfo<'_>) {}

    /// Does it observe nothing at all?
    #[doc(hidden)]
    fn is_none(&self) -> bool {
        false
    }
}

/// Observes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDebugger;

impl Debugger for NoDebugger {
    fn is_none(&self) -> bool {
        true
    }
}

macro_rules! forward {
    ($($(#[$cfg:meta])? $owner:ty),*) => {$(
        $(#[$cfg])?
        impl<D: Debugger + ?Sized> Debugger for $owner {
            fn on_start(&self) { (**self).on_start() }
            fn on_exit(&self) { (**self).on_exit() }
            fn on_task_schedule(&self, task: TaskInfo<'_>, delay: Duration) {
                (**self).on_task_schedule(task, delay)
            }
            fn on_task_spawn(&self, task: TaskInfo<'_>) { (**self).on_task_spawn(task) }
            fn on_task_exit(&self, task: TaskInfo<'_>) { (**self).on_task_exit(task) }
            fn before_task_step(&self, task: TaskInfo<'_>) { (**self).before_task_step(task) }
            fn after_task_step(&self, task: TaskInfo<'_>) { (**self).after_task_step(task) }
            fn before_sleep(&self, task: TaskInfo<'_>, span: Duration) {
                (**self).before_sleep(task, span)
            }
            fn after_sleep(&self, task: TaskInfo<'_>, span: Duration) {
                (**self).after_sleep(task, span)
            }
            fn before_io(&self, timeout: Option<Duration>) { (**self).before_io(timeout) }
            fn after_io(&self, timeout: Option<Duration>) { (**self).after_io(timeout) }
            fn before_cancel(&self, task: TaskInfo<'_>) { (**self).before_cancel(task) }
            fn after_cancel(&self, task: TaskInfo<'_>) { (**self).after_cancel(task) }
            fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError<'_>) {
                (**self).on_task_error(task, error)
            }
            fn on_cleanup_abandoned(&self, task: TaskInfo<'_>) {
                (**self).on_cleanup_abandoned(task)
            }
            fn is_none(&self) -> bool { (**self).is_none() }
        }
    )*};
}

forward!(
    &D,
    #[cfg(feature = "alloc")]
    alloc::boxed::Box<D>,
    #[cfg(feature = "std")]
    alloc::rc::Rc<D>,
    #[cfg(feature = "std")]
    alloc::sync::Arc<D>
);

/// A debugger as the state keeps it; none if it observes nothing.
pub(crate) fn dynamic<D: Debugger>(debugger: &D) -> Option<&dyn Debugger> {
    if cfg!(feature = "hooks") && !debugger.is_none() { Some(debugger) } else { None }
}

#[cfg(feature = "hooks")]
mod imp {
    use super::*;
    use crate::name::TaskName;
    use crate::panics;
    pub(crate) use crate::raw::observer::HookState;
    use crate::raw::observer::{Who, current, lend, set, take_failed};
    use crate::raw::port::with;

    /// A task as it is told of, with a copy of its name: the task may be gone by then.
    pub(crate) struct Told {
        pub(crate) id: TaskId,
        pub(crate) name: TaskName,
    }

    /// The root task.
    pub(crate) const MAIN: Told = Told { id: TaskId::MAIN, name: TaskName::from_static("main") };

    impl Told {
        fn info(&self) -> TaskInfo<'_> {
            TaskInfo { id: self.id, name: self.name.as_str() }
        }
    }

    /// Makes this the debugger of the turn.
    pub(crate) fn install(debugger: Option<&dyn Debugger>) {
        set(debugger);
    }

    /// The turn is over. Is the debugger still fit?
    pub(crate) fn uninstall() -> bool {
        step_ends();
        set(None);
        !take_failed()
    }

    /// Is somebody looking?
    #[inline]
    pub(crate) fn is_on() -> bool {
        with(|state| state.hooks.is_on())
    }

    #[cold]
    fn tell(f: impl FnOnce(&dyn Debugger)) {
        lend(|debugger| panics::is_fine(|| f(debugger)));
    }

    /// Tells of a task, if it lives.
    #[cold]
    fn tell_of(task: Who, f: impl FnOnce(&dyn Debugger, TaskInfo<'_>)) {
        if let Some(task) = task.told() {
            tell(|debugger| f(debugger, task.info()));
        }
    }

    #[inline]
    fn tell_of_current(f: impl FnOnce(&dyn Debugger, TaskInfo<'_>)) {
        if is_on()
            && let Some(task) = current()
        {
            tell_of(task, f);
        }
    }

    /// Tells a debugger outside a turn.
    pub(crate) fn observe<D: Debugger>(debugger: &D, f: impl FnOnce(&dyn Debugger)) {
        if !debugger.is_none() {
            panics::is_fine(|| f(debugger));
        }
    }

    pub(crate) fn start() {
        if is_on() {
            tell(|d| d.on_start());
        }
    }

    pub(crate) fn exit() {
        if is_on() {
            tell(|d| d.on_exit());
        }
    }

    /// The current task's own code runs, or goes on after its children were polled; what ran before has stopped.
    #[inline]
    pub(crate) fn step_begins() {
        if is_on()
            && let Some(task) = current()
        {
            let open = with(|state| state.hooks.step.get());
            if open.is_some_and(|open| open.id == task.id) {
                return;
            }
            step_ends();
            with(|state| state.hooks.step.set(Some(task)));
            tell_of(task, |d, task| d.before_task_step(task));
        }
    }

    /// Whatever ran has stopped, and waits.
    #[inline]
    pub(crate) fn step_ends() {
        if is_on() {
            if let Some(task) = with(|state| state.hooks.step.take()) {
                tell_of(task, |d, task| d.after_task_step(task));
            }
            report_sleep();
        }
    }

    fn report_sleep() {
        if let Some((task, span)) = with(|state| state.hooks.sleep.take()) {
            tell_of(task, |d, task| d.before_sleep(task, span));
        }
    }

    pub(crate) fn spawned(task: impl FnOnce() -> Told) {
        if is_on() {
            let task = task();
            tell(|d| d.on_task_spawn(task.info()));
        }
    }

    pub(crate) fn scheduled<'a>(task: impl FnOnce() -> TaskInfo<'a>, delay: Duration) {
        if is_on() {
            let task = task();
            tell(|d| d.on_task_schedule(task, delay));
        }
    }

    #[inline]
    pub(crate) fn exited(task: &Told) {
        if is_on() {
            with(|state| {
                if state.hooks.step.get().is_some_and(|open| open.id == task.id) {
                    state.hooks.step.set(None);
                }
                state.hooks.sleep.set(None);
            });
            tell(|d| d.on_task_exit(task.info()));
        }
    }

    /// The current task begins to sleep: told when its step has ended.
    pub(crate) fn before_sleep(span: impl FnOnce() -> Duration) -> Option<Who> {
        if !is_on() {
            return None;
        }
        let span = span();
        report_sleep();
        let task = current()?;
        with(|state| state.hooks.sleep.set(Some((task, span))));
        Some(task)
    }

    pub(crate) fn after_sleep(task: Who, span: Duration) {
        if is_on() {
            tell_of(task, |d, task| d.after_sleep(task, span));
        }
    }

    /// A sleep whose time was over when it began has yielded once.
    pub(crate) fn slept_at_once() {
        tell_of_current(|d, task| d.after_sleep(task, Duration::ZERO));
    }

    pub(crate) fn before_cancel(task: &Told) {
        if is_on() {
            step_ends();
            tell(|d| d.before_cancel(task.info()));
        }
    }

    pub(crate) fn after_cancel(task: &Told) {
        if is_on() {
            tell(|d| d.after_cancel(task.info()));
        }
    }

    /// A child has failed.
    pub(crate) fn failed<'a>(task: impl FnOnce() -> Told, error: impl FnOnce() -> TaskError<'a>) {
        if is_on() {
            let (task, error) = (task(), error());
            tell(|d| d.on_task_error(task.info(), error));
        }
    }

    /// The task that is running has failed.
    pub(crate) fn failed_here<'a>(error: impl FnOnce() -> TaskError<'a>) {
        tell_of_current(|d, task| d.on_task_error(task, error()));
    }

    pub(crate) fn abandoned() {
        tell_of_current(|d, task| d.on_cleanup_abandoned(task));
    }
}

#[cfg(not(feature = "hooks"))]
mod imp {
    //! Nothing, at no cost.
    use super::*;

    /// Nobody is told of anybody.
    pub(crate) struct Told;
    pub(crate) const MAIN: Told = Told;

    pub(crate) fn install(_: Option<&dyn Debugger>) {}
    pub(crate) fn uninstall() -> bool {
        true
    }
    pub(crate) fn observe<D: Debugger>(_: &D, _: impl FnOnce(&dyn Debugger)) {}
    pub(crate) fn is_on() -> bool {
        false
    }
    pub(crate) fn start() {}
    pub(crate) fn exit() {}
    pub(crate) fn step_begins() {}
    pub(crate) fn step_ends() {}
    pub(crate) fn spawned(_: impl FnOnce() -> Told) {}
    pub(crate) fn scheduled<'a>(_: impl FnOnce() -> TaskInfo<'a>, _: Duration) {}
    pub(crate) fn slept_at_once() {}
    pub(crate) fn exited(_: &Told) {}
    pub(crate) fn before_cancel(_: &Told) {}
    pub(crate) fn after_cancel(_: &Told) {}
    pub(crate) fn failed<'a>(_: impl FnOnce() -> Told, _: impl FnOnce() -> TaskError<'a>) {}
    pub(crate) fn failed_here<'a>(_: impl FnOnce() -> TaskError<'a>) {}
    pub(crate) fn abandoned() {}
}

pub(crate) use imp::*;
