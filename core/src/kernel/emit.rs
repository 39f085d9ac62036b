//! From where something happens to the debugger there is one way: [`tell`]. Here is also what is known of steps and sleeps, so
//! that they are told in order.

use crate::debugger::{Debugger, Event};
use crate::task_info::{TaskInfo, WokenBy};

/// A debugger as the context keeps it; none if it observes nothing.
pub(crate) fn dynamic<D: Debugger>(debugger: &D) -> Option<&dyn Debugger> {
    if cfg!(feature = "hooks") && !debugger.is_none() { Some(debugger) } else { None }
}

/// Tells of this task, if there is somebody to be told.
pub(crate) fn tell_of<'a>(task: &'a Option<Told>, event: impl FnOnce(TaskInfo<'a>) -> Event<'a>) {
    if let Some(task) = task {
        tell(event(task.info()));
    }
}

#[cfg(feature = "hooks")]
mod imp {
    use core::panic::Location;
    use core::time::Duration;

    use super::{Debugger, Event, TaskInfo, WokenBy, tell_of};
    use crate::debugger::Often;
    use crate::fault::fault;
    use crate::kernel::context::{looked_at, now, with};
    use crate::kernel::debugger_slot::{ROLL, WAITS, WAKES, Who};
    use crate::kernel::mask::{OTHERS_MAY_POLL, within};
    use crate::kernel::roll_call;
    use crate::kernel::scope::node::{Node, ROOT, TASK};
    use crate::kernel::scope::whole::{nursery_at, task_at};
    use crate::kernel::task::header::{TOLD_OF, TaskRef};
    use crate::kernel::task::id::id_of;
    use crate::name::TaskName;
    use crate::panics;
    use crate::task_info::{TaskId, WaitsFor};

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
    pub(crate) fn install(debugger: &dyn Debugger) {
        let mut wants = 0;
        let is_fit = panics::is_fine(|| {
            let wanted = |often, flag| if debugger.wants(often) { flag } else { 0 };
            wants = wanted(Often::Wakes, WAKES) | wanted(Often::Waits, WAITS);
        });
        set(debugger, wants);
        if !is_fit {
            lend(|_| false);
        }
    }

    /// The turn is over. Is the debugger still fit?
    pub(crate) fn uninstall() -> bool {
        step_ends();
        let is_lent = with(|state| {
            let slot = &state.debugger;
            // Whoever wakes tells of it in one step. So this is one who polls beside the turn.
            let is_lent = OTHERS_MAY_POLL && !slot.on.get() && slot.debugger.get().is_some();
            let is_lent = is_lent && !fault!("debugger-lent-unnoticed");
            if !is_lent {
                slot.put(None, 0);
            }
            is_lent
        });
        if is_lent {
            looked_at();
        }
        !take_failed()
    }

    /// Is somebody looking?
    pub(crate) fn is_on() -> bool {
        with(|state| state.debugger.is_on())
    }

    /// Tells the debugger, if there is one.
    #[cold]
    pub(crate) fn tell(event: Event<'_>) {
        match event {
            // What the task began to do ends with it.
            Event::TaskExit(task) => with(|state| {
                if state.debugger.step.get().is_some_and(|open| open.id == task.id) {
                    state.debugger.step.set(None);
                }
                state.debugger.sleep.set(None);
            }),
            Event::BeforeCancel(_) => step_ends(),
            _ => {}
        }
        lend(|debugger| panics::is_fine(|| debugger.event(event)));
    }

    /// The task whose code is running, if somebody looks.
    pub(crate) fn current() -> Option<Told> {
        if is_on() { running()?.told() } else { None }
    }

    /// The current task's own code runs, or goes on after its children were polled; what ran before has stopped.
    pub(crate) fn step_begins() {
        if is_on() {
            begin_step();
        }
    }

    #[cold]
    fn begin_step() {
        if let Some(task) = running() {
            let open = with(|state| state.debugger.step.get());
            if open.is_some_and(|open| open.id == task.id) {
                return;
            }
            step_ends();
            with(|state| state.debugger.step.set(Some(task)));
            tell_of(&task.told(), Event::BeforeTaskStep);
        }
    }

    /// Whatever ran has stopped, and waits.
    pub(crate) fn step_ends() {
        if is_on() {
            end_step();
        }
    }

    #[cold]
    fn end_step() {
        if let Some(task) = with(|state| state.debugger.step.take()) {
            tell_of(&task.told(), Event::AfterTaskStep);
        }
        report_sleep();
    }

    fn report_sleep() {
        if let Some((task, span)) = with(|state| state.debugger.sleep.take()) {
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
        with(|state| state.debugger.sleep.set(Some((task, span))));
        Some(task)
    }

    fn wants(what: u8) -> bool {
        now(|now| now.debugger.wants.get() & what != 0)
    }

    /// Does somebody want to know of wakes?
    pub(crate) fn tells_wakes() -> bool {
        wants(WAKES)
    }

    /// A task that was not ready was woken.
    pub(crate) fn tell_wake(task: TaskRef, by: WokenBy) {
        with(|_| within(|| task.wake.set(task.wake.get() | TOLD_OF)));
        let told = if task.node.has(ROOT) { is_on().then(Told::root) } else { told(task) };
        tell_of(&told, |task| Event::TaskWake(task, by));
    }

    /// The same, by the code that runs.
    pub(crate) fn tell_wake_by_code(task: TaskRef) {
        tell_wake(task, with(|context| context.task()).map_or(WokenBy::Other, |task| WokenBy::Task(id_of(task))));
    }

    /// A task is polled that was woken so: by whom must be told now, if it was not before.
    pub(crate) fn poll_begins(woken: u8) {
        if wants(WAKES)
            && woken & TOLD_OF == 0
            && let Some(task) = with(|context| context.task())
        {
            tell_wake(task, WokenBy::Other);
            // That was for the poll that is under way.
            with(|_| within(|| task.wake.set(task.wake.get() & !TOLD_OF)));
        }
    }

    /// Does somebody want to know what tasks wait for?
    #[cfg(feature = "alloc")]
    pub(crate) fn tells_waits() -> bool {
        wants(WAITS | ROLL)
    }

    /// The current task's code waits for something.
    pub(crate) fn waits<'a>(what: impl FnOnce() -> WaitsFor<'a>) {
        if wants(WAITS | ROLL) {
            tell_wait(what());
        }
    }

    #[cold]
    fn tell_wait(waits: WaitsFor<'_>) {
        roll_call::waits(&waits);
        if wants(WAITS)
            && let Some(task) = current()
        {
            tell(Event::TaskWait(task.info(), waits));
        }
    }

    /// Keeps the debugger for the turn.
    fn set(debugger: &dyn Debugger, wants: u8) {
        // SAFETY: only the lifetime is changed. `lend` uses the pointer while the turn, which borrows
        // the debugger, exists; the turn's end sets `None`.
        let debugger = Some(unsafe {
            core::mem::transmute::<*const (dyn Debugger + '_), *const (dyn Debugger + 'static)>(debugger)
        });
        with(|state| state.debugger.put(debugger, wants));
    }

    /// Has it panicked in this turn?
    fn take_failed() -> bool {
        with(|state| state.debugger.failed.take())
    }

    /// Lends the debugger to `f`, which says whether it is still fit. What happens inside isn't told.
    fn lend(f: impl FnOnce(&dyn Debugger) -> bool) {
        let Some(debugger) = with(|state| {
            let slot = &state.debugger;
            if slot.on.replace(false) { slot.debugger.get() } else { None }
        }) else {
            return;
        };
        let mut lent = Lent { is_fit: false };
        // SAFETY: borrowed by the turn that is under way (`set`), which does not end meanwhile: the debugger is not `on`.
        lent.is_fit = f(unsafe { &*debugger });
    }

    /// While this lives, the debugger is lent: it has panicked if it isn't said to be fit.
    struct Lent {
        is_fit: bool,
    }

    impl Drop for Lent {
        fn drop(&mut self) {
            with(|state| {
                state.debugger.on.set(self.is_fit);
                if !self.is_fit {
                    state.debugger.debugger.set(None);
                    state.debugger.wants.set(state.debugger.wants.get() & ROLL);
                    state.debugger.failed.set(true);
                }
            });
        }
    }

    impl Who {
        /// It slept, and was woken for that.
        pub(crate) fn tell_that_time_is_over(self) {
            let is_told = with(|_| self.task.wake.get() & TOLD_OF != 0 || !self.task.is_queued());
            if self.task.is_live() && self.id == id_of(self.task) && !is_told {
                tell_wake(self.task, WokenBy::Timer);
            }
        }

        /// As a debugger is told of it, if it lives and somebody looks.
        pub(crate) fn told(self) -> Option<Told> {
            if !with(|state| state.debugger.is_on() && self.task.is_live()) {
                return None;
            }
            if self.task.node.has(ROOT) {
                return (self.id == TaskId::MAIN).then(Told::root);
            }
            if self.id == id_of(self.task) { told(self.task) } else { None }
        }
    }

    /// A child whose cell is not freed, as a debugger is told of it, if somebody looks.
    pub(crate) fn told(task: TaskRef) -> Option<Told> {
        if is_on() { told_at_length(task) } else { None }
    }

    /// The same whether somebody looks or not; a root task too.
    #[cfg(feature = "introspect")]
    pub(crate) fn describe(task: TaskRef) -> Option<Told> {
        if task.node.has(ROOT) { Some(Told::root()) } else { told_at_length(task) }
    }

    #[cold]
    fn told_at_length(task: TaskRef) -> Option<Told> {
        let vtable = task.vtable.get()?;
        // SAFETY: the table belongs to the cell, which is there.
        let label = unsafe { (vtable.copy_label)(task) };
        Some(Told { id: id_of(task), parent: parent(task), name: label.name, spawned_at: Some(label.spawned_at) })
    }

    /// The task in whose code this child's nursery is polled.
    fn parent(child: TaskRef) -> Option<TaskId> {
        with(|_| {
            // SAFETY: PINNED: a child's nursery lives as long as it has a cell; WHOLE-POINTER.
            let nursery = unsafe { nursery_at(child.node.parent.get()) }?;
            if let Some(task) = nursery.poller() {
                return task.is_live().then(|| id_of(task));
            }
            // Of one that is polled with somebody else's waker it is known while it is polled.
            let mut at: *const Node = nursery.node();
            // SAFETY: KNOWN-PARENT: what is being polled is alive, and so is all around it.
            while let Some(node) = unsafe { at.as_ref() }.filter(|_| nursery.is_being_polled()) {
                if node.has(TASK | ROOT) {
                    // SAFETY: a task's; found in the tree, so good for the whole.
                    return Some(id_of(unsafe { task_at(at) }));
                }
                at = node.parent.get();
            }
            None
        })
    }

    /// The task whose code is running.
    fn running() -> Option<Who> {
        let task = with(|state| state.task())?;
        Some(Who { task, id: id_of(task) })
    }
}

#[cfg(not(feature = "hooks"))]
mod imp {
    //! Nobody is told of anybody, at no cost.
    use super::{Debugger, Event, TaskInfo, WokenBy};
    use crate::kernel::task::header::TaskRef;
    use crate::task_info::WaitsFor;

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
    pub(crate) fn told(_: TaskRef) -> Option<Told> {
        None
    }
    pub(crate) fn current() -> Option<Told> {
        None
    }
    pub(crate) fn step_begins() {}
    pub(crate) fn step_ends() {}
    pub(crate) fn tells_wakes() -> bool {
        false
    }
    pub(crate) fn tell_wake(_: TaskRef, _: WokenBy) {}
    pub(crate) fn tell_wake_by_code(_: TaskRef) {}
    pub(crate) fn poll_begins(_: u8) {}
    #[cfg(feature = "alloc")]
    pub(crate) fn tells_waits() -> bool {
        false
    }
    pub(crate) fn waits<'a>(_: impl FnOnce() -> WaitsFor<'a>) {}
}

pub(crate) use imp::*;
