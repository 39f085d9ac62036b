//! What a debugger may observe, and in which order.
//!
//! A [`Debugger`] is told of everything that the runtime does, when it happens (law
//! HOOKS-OBSERVE). A task's *step* is a stretch in which its own code runs: it ends when the task
//! waits, and also where its nursery starts to poll the children. So steps never overlap:
//!
//! | event | when |
//! | --- | --- |
//! | `on_start`, `on_exit` | the first turn begins; the main future has ended |
//! | `on_task_spawn` | a child was started; its first step comes later |
//! | `on_task_schedule` | a child was spawned that begins only after a delay |
//! | `before_task_step`, `after_task_step` | around a step; the last step ends with `on_task_exit` instead |
//! | `before_sleep` | after the step in which the task began to sleep |
//! | `after_sleep` | its time has come; its step follows |
//! | `before_io`, `after_io` | around each look at the operating system's events |
//! | `before_cancel`, `after_cancel` | around dropping a child that was cancelled; `on_task_exit` in between |
//! | `on_task_error` | a child, or a nursery's body, has failed with an error or a panic |
//! | `on_cleanup_abandoned` | a shield or clean-up was dropped before its end, by a future that isn't ours |
//!
//! A debugger can't break the program: if one of its methods panics (where panics can be caught),
//! the panic is reported by the panic hook and the debugger is switched off. What a method itself
//! causes isn't reported to it. Without a debugger, and without feature `hooks` altogether, no
//! event costs anything worth counting: a comparison, or nothing.

use core::time::Duration;

use crate::raw::port::Reachable;
use crate::task::TaskId;

/// A task, as a debugger sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskInfo<'a> {
    /// Which task.
    pub id: TaskId,
    /// What it is called: the name it was spawned with, else the type of its future.
    pub name: &'a str,
}

/// How a task or a nursery's body failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskError {
    /// With an error of this type.
    Error {
        /// The name of the type.
        type_name: &'static str,
        /// Is it the first of its nursery, which the caller gets? Others go to
        /// [`on_other_error`](crate::Scope::on_other_error) or the
        /// [group](crate::nursery_group).
        first: bool,
    },
    /// With a panic, which will go on in the nursery's caller.
    Panic {
        /// Is it the first of its nursery?
        first: bool,
    },
}

/// Observes a runtime. Every method does nothing unless it is written.
///
/// ```
/// use core::cell::Cell;
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
    /// The main future has ended.
    fn on_exit(&self) {}
    /// A child was spawned that begins only after `delay`.
    fn on_task_schedule(&self, task: TaskInfo<'_>, delay: Duration) {}
    /// A child was started.
    fn on_task_spawn(&self, task: TaskInfo<'_>) {}
    /// A task is over.
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
    /// A task has failed.
    fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError) {}
    /// A shield or a clean-up in this task was dropped before its end.
    fn on_cleanup_abandoned(&self, task: TaskInfo<'_>) {}

    /// A number to choose the order of a pass by, from who tests what may not depend on it. `None`:
    /// ready tasks are polled in the order of their wakes.
    #[doc(hidden)]
    fn chance(&self) -> Option<u64> {
        None
    }

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
            fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError) {
                (**self).on_task_error(task, error)
            }
            fn on_cleanup_abandoned(&self, task: TaskInfo<'_>) {
                (**self).on_cleanup_abandoned(task)
            }
            fn chance(&self) -> Option<u64> { (**self).chance() }
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

/// The root task.
pub(crate) const MAIN: TaskInfo<'static> = TaskInfo { id: TaskId::MAIN, name: "main" };

/// A debugger as the state keeps it; none if it observes nothing.
pub(crate) fn dynamic<D: Debugger>(debugger: &D) -> Option<&dyn Debugger> {
    if cfg!(feature = "hooks") && !debugger.is_none() { Some(debugger) } else { None }
}

#[cfg(feature = "hooks")]
mod imp {
    use super::*;
    use crate::panics;
    pub(crate) use crate::raw::observer::HookState;
    use crate::raw::observer::{current, lend, set, take_failed};
    use crate::raw::port::with;

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

    /// Tells a debugger outside a turn.
    pub(crate) fn observe<D: Debugger>(debugger: &D, f: impl FnOnce(&dyn Debugger)) {
        if !debugger.is_none() {
            panics::is_fine(|| f(debugger));
        }
    }

    /// A number to choose the order of this pass by.
    #[cfg(feature = "std")]
    pub(crate) fn chance() -> Option<u64> {
        let mut chance = None;
        tell(|d| chance = d.chance());
        chance
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

    /// A task's own code begins to run; what ran before has stopped.
    #[inline]
    pub(crate) fn step_begins(task: impl FnOnce() -> TaskInfo<'static>) {
        if is_on() {
            let task = task();
            let open = with(|state| state.hooks.step.get());
            if open.is_some_and(|open| open.id == task.id) {
                return;
            }
            step_ends();
            with(|state| state.hooks.step.set(Some(task)));
            tell(|d| d.before_task_step(task));
        }
    }

    /// The code of the current task goes on after its children were polled.
    #[inline]
    pub(crate) fn step_resumes() {
        if is_on()
            && let Some(task) = current()
        {
            step_begins(|| task);
        }
    }

    /// Whatever ran has stopped, and waits.
    #[inline]
    pub(crate) fn step_ends() {
        if is_on() {
            if let Some(task) = with(|state| state.hooks.step.take()) {
                tell(|d| d.after_task_step(task));
            }
            report_sleep();
        }
    }

    fn report_sleep() {
        if let Some((task, span)) = with(|state| state.hooks.sleep.take()) {
            tell(|d| d.before_sleep(task, span));
        }
    }

    pub(crate) fn spawned(task: impl FnOnce() -> TaskInfo<'static>) {
        if is_on() {
            let task = task();
            tell(|d| d.on_task_spawn(task));
        }
    }

    pub(crate) fn scheduled(task: impl FnOnce() -> TaskInfo<'static>, delay: Duration) {
        if is_on() {
            let task = task();
            tell(|d| d.on_task_schedule(task, delay));
        }
    }

    #[inline]
    pub(crate) fn exited(task: TaskInfo<'static>) {
        if is_on() {
            with(|state| {
                if state.hooks.step.get().is_some_and(|open| open.id == task.id) {
                    state.hooks.step.set(None);
                }
                state.hooks.sleep.set(None);
            });
            tell(|d| d.on_task_exit(task));
        }
    }

    /// The current task begins to sleep: told when its step has ended.
    pub(crate) fn before_sleep(span: impl FnOnce() -> Duration) -> Option<TaskInfo<'static>> {
        if !is_on() {
            return None;
        }
        let span = span();
        report_sleep();
        let task = current()?;
        with(|state| state.hooks.sleep.set(Some((task, span))));
        Some(task)
    }

    pub(crate) fn after_sleep(task: TaskInfo<'static>, span: Duration) {
        if is_on() {
            tell(|d| d.after_sleep(task, span));
        }
    }

    /// A sleep whose time was over when it began has yielded once.
    pub(crate) fn slept_at_once() {
        if is_on()
            && let Some(task) = current()
        {
            tell(|d| d.after_sleep(task, Duration::ZERO));
        }
    }

    pub(crate) fn before_cancel(task: TaskInfo<'static>) {
        if is_on() {
            step_ends();
            tell(|d| d.before_cancel(task));
        }
    }

    pub(crate) fn after_cancel(task: TaskInfo<'static>) {
        if is_on() {
            tell(|d| d.after_cancel(task));
        }
    }

    pub(crate) fn failed(task: TaskInfo<'static>, error: TaskError) {
        if is_on() {
            tell(|d| d.on_task_error(task, error));
        }
    }

    /// The task that is running has failed.
    pub(crate) fn failed_here(error: TaskError) {
        if is_on()
            && let Some(task) = current()
        {
            tell(|d| d.on_task_error(task, error));
        }
    }

    pub(crate) fn abandoned() {
        if is_on()
            && let Some(task) = current()
        {
            tell(|d| d.on_cleanup_abandoned(task));
        }
    }
}

#[cfg(not(feature = "hooks"))]
mod imp {
    //! Nothing, at no cost.
    use super::*;

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
    pub(crate) fn step_begins(_: impl FnOnce() -> TaskInfo<'static>) {}
    pub(crate) fn step_resumes() {}
    pub(crate) fn step_ends() {}
    pub(crate) fn spawned(_: impl FnOnce() -> TaskInfo<'static>) {}
    pub(crate) fn scheduled(_: impl FnOnce() -> TaskInfo<'static>, _: Duration) {}
    pub(crate) fn slept_at_once() {}
    pub(crate) fn exited(_: TaskInfo<'static>) {}
    pub(crate) fn before_cancel(_: TaskInfo<'static>) {}
    pub(crate) fn after_cancel(_: TaskInfo<'static>) {}
    pub(crate) fn failed(_: TaskInfo<'static>, _: TaskError) {}
    pub(crate) fn failed_here(_: TaskError) {}
    pub(crate) fn abandoned() {}
}

pub(crate) use imp::*;
