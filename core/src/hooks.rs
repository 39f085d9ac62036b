//! From where something happens to the debugger there is one way: [`tell`]. Here is also what is known of steps and sleeps, so
//! that they are told in order.

use crate::debugger::{Debugger, Event};
use crate::task_info::TaskInfo;

/// A debugger as the state keeps it; none if it observes nothing.
pub(crate) fn dynamic<D: Debugger>(debugger: &D) -> Option<&dyn Debugger> {
    if cfg!(feature = "hooks") && !debugger.is_none() { Some(debugger) } else { None }
}

/// Tells of this task, if there is somebody to be told.
#[inline]
pub(crate) fn tell_of<'a>(task: &'a Option<Told>, event: impl FnOnce(TaskInfo<'a>) -> Event<'a>) {
    if let Some(task) = task {
        tell(event(task.info()));
    }
}

#[cfg(feature = "hooks")]
mod imp {
    use core::panic::Location;
    use core::time::Duration;

    use super::{Event, TaskInfo, tell_of};
    use crate::name::TaskName;
    use crate::panics;
    pub(crate) use crate::raw::observer::{HookState, told};
    use crate::raw::observer::{Who, lend, running, set, take_failed};
    use crate::raw::port::with;
    use crate::task_info::TaskId;

    /// A task as it is told of, with a copy of its name: the task may be gone by then.
    pub(crate) struct Told {
        pub(crate) id: TaskId,
        pub(crate) parent: Option<TaskId>,
        pub(crate) name: TaskName,
        pub(crate) spawned_at: Option<&'static Location<'static>>,
    }

    impl Told {
        pub(crate) fn root() -> Self {
            let TaskInfo { id, name, .. } = TaskInfo::ROOT;
            Told { id, parent: None, name: TaskName::from_static(name), spawned_at: None }
        }

        pub(crate) fn info(&self) -> TaskInfo<'_> {
            let &Told { id, parent, ref name, spawned_at } = self;
            TaskInfo { id, name: name.as_str(), parent, spawned_at }
        }
    }

    /// Makes this the debugger of the turn.
    pub(crate) fn install(debugger: &dyn super::Debugger) {
        set(Some(debugger));
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

    /// Tells the debugger, if there is one.
    #[cold]
    pub(crate) fn tell(event: Event<'_>) {
        match event {
            // What the task began to do ends with it.
            Event::TaskExit(task) => with(|state| {
                if state.hooks.step.get().is_some_and(|open| open.id == task.id) {
                    state.hooks.step.set(None);
                }
                state.hooks.sleep.set(None);
            }),
            Event::BeforeCancel(_) => step_ends(),
            _ => {}
        }
        lend(|debugger| panics::is_fine(|| debugger.event(event)));
    }

    /// The task whose code is running, if somebody looks.
    #[inline]
    pub(crate) fn current() -> Option<Told> {
        if is_on() { running()?.told() } else { None }
    }

    /// The current task's own code runs, or goes on after its children were polled; what ran before has stopped.
    #[inline]
    pub(crate) fn step_begins() {
        if is_on()
            && let Some(task) = running()
        {
            let open = with(|state| state.hooks.step.get());
            if open.is_some_and(|open| open.id == task.id) {
                return;
            }
            step_ends();
            with(|state| state.hooks.step.set(Some(task)));
            tell_of(&task.told(), Event::BeforeTaskStep);
        }
    }

    /// Whatever ran has stopped, and waits.
    #[inline]
    pub(crate) fn step_ends() {
        if is_on() {
            if let Some(task) = with(|state| state.hooks.step.take()) {
                tell_of(&task.told(), Event::AfterTaskStep);
            }
            report_sleep();
        }
    }

    fn report_sleep() {
        if let Some((task, span)) = with(|state| state.hooks.sleep.take()) {
            tell_of(&task.told(), |task| Event::BeforeSleep(task, span));
        }
    }

    /// The current task begins to sleep: told when its step has ended.
    pub(crate) fn sleep_begins(span: impl FnOnce() -> Duration) -> Option<Who> {
        if !is_on() {
            return None;
        }
        let span = span();
        report_sleep();
        let task = running()?;
        with(|state| state.hooks.sleep.set(Some((task, span))));
        Some(task)
    }
}

#[cfg(not(feature = "hooks"))]
mod imp {
    //! Nobody is told of anybody, at no cost.
    use core::ptr::NonNull;

    use super::{Debugger, Event, TaskInfo};
    use crate::raw::cell::Header;

    pub(crate) enum Told {}

    impl Told {
        pub(crate) fn info(&self) -> TaskInfo<'_> {
            match *self {}
        }
    }

    pub(crate) fn install(_: &dyn Debugger) {}
    pub(crate) fn uninstall() -> bool {
        true
    }
    pub(crate) fn is_on() -> bool {
        false
    }
    pub(crate) fn tell(_: Event<'_>) {}
    pub(crate) fn told(_: NonNull<Header>) -> Option<Told> {
        None
    }
    pub(crate) fn current() -> Option<Told> {
        None
    }
    pub(crate) fn step_begins() {}
    pub(crate) fn step_ends() {}
}

pub(crate) use imp::*;
