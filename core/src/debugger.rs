//! What a debugger is told, and in which order: [`Event`]. By whom: [`Debugger`].

use core::time::Duration;

use crate::lock::Reachable;
use crate::task_info::{TaskError, TaskInfo, WaitsFor, WokenBy};

/// What happens in a runtime, told when it happens.
///
/// A task's *step* is a stretch in which its own code runs: it ends when the task waits, and also where its nursery starts
/// to poll the children. So steps never overlap.
///
/// A task that fails with an error is told of by `TaskError` first, then by `TaskExit`. With a panic it is the other way
/// round for a child: what a panic comes to is known when the child is gone. If a panic leaves the main future, or the
/// runtime is dropped before its end, the `TaskExit` of the root and `Exit` come when it is dropped, after the children's.
/// (But not where that is inside another runtime's turn.)
///
/// There may be more events one day: a `match` has a last arm for them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The first turn begins.
    Start,
    /// The run is over: the main future has returned, or is gone with the runtime, after a panic or before its end.
    Exit,
    /// A child was spawned that begins only after this delay. Its `TaskSpawn` came before.
    TaskSchedule(TaskInfo<'a>, Duration),
    /// A child was started; its first step comes later.
    TaskSpawn(TaskInfo<'a>),
    /// A task is over, in whatever way. It ends the task's last step.
    TaskExit(TaskInfo<'a>),
    /// The task's own code is about to run.
    BeforeTaskStep(TaskInfo<'a>),
    /// The task's own code waits.
    AfterTaskStep(TaskInfo<'a>),
    /// The task has begun to sleep for so long, in the step that has just ended.
    BeforeSleep(TaskInfo<'a>, Duration),
    /// The task's sleep is over; it took so long. Its step follows.
    AfterSleep(TaskInfo<'a>, Duration),
    /// The loop is about to look for the operating system's events, for at most so long; `None` means without limit.
    BeforeIo(Option<Duration>),
    /// The loop has looked for them.
    AfterIo(Option<Duration>),
    /// A child is about to be dropped, since it was cancelled.
    BeforeCancel(TaskInfo<'a>),
    /// A cancelled child was dropped. Its `TaskExit` came in between.
    AfterCancel(TaskInfo<'a>),
    /// A child, or the body of a nursery in this task, has failed with an error or a panic. With an error this comes before
    /// the child's end, with a panic after it.
    TaskError(TaskInfo<'a>, TaskError<'a>),
    /// A shield or a clean-up in this task was dropped before its end, by a future that isn't ours or that nobody polls.
    CleanupAbandoned(TaskInfo<'a>),
    /// A task that was not ready has been woken, for whatever reason but that it has just been spawned. Only for who
    /// [wants](Debugger::wants) to know it.
    TaskWake(TaskInfo<'a>, WokenBy),
    /// The task's code has asked for this, and it is not there: in each poll in which that is so. Only for who
    /// [wants](Debugger::wants) to know it.
    TaskWait(TaskInfo<'a>, WaitsFor<'a>),
}

/// What happens so often that most who look on can do without; see [`Debugger::wants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Often {
    /// [`Event::TaskWake`]. Without feature `std` it is told where the wake is, perhaps in an interrupt or on another core, and
    /// with interrupts kept out: what the debugger locks then must not be held elsewhere by who is waiting for that.
    Wakes,
    /// [`Event::TaskWait`].
    Waits,
}

impl Event<'_> {
    /// Calls the debugger's method for this event: what [`Debugger::event`] does unless it is written. For one that writes
    /// both it and some of the others.
    ///
    /// ```
    /// use core::sync::atomic::{AtomicUsize, Ordering};
    /// use giambio_core::{Debugger, Event};
    ///
    /// /// Counts all events, and has a method for one kind of them.
    /// #[derive(Default)]
    /// struct Counts {
    ///     all: AtomicUsize,
    ///     starts: AtomicUsize,
    /// }
    ///
    /// impl Debugger for Counts {
    ///     fn event(&self, event: Event<'_>) {
    ///         self.all.fetch_add(1, Ordering::Relaxed);
    ///         event.dispatch(self); // calls the methods below
    ///     }
    ///
    ///     fn on_start(&self) {
    ///         self.starts.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// }
    ///
    /// let counts = Counts::default();
    /// counts.event(Event::Start);
    /// counts.event(Event::Exit);
    /// assert_eq!((counts.all.into_inner(), counts.starts.into_inner()), (2, 1));
    /// ```
    pub fn dispatch<D: Debugger + ?Sized>(self, debugger: &D) {
        match self {
            Event::Start => debugger.on_start(),
            Event::Exit => debugger.on_exit(),
            Event::TaskSchedule(task, delay) => debugger.on_task_schedule(task, delay),
            Event::TaskSpawn(task) => debugger.on_task_spawn(task),
            Event::TaskExit(task) => debugger.on_task_exit(task),
            Event::BeforeTaskStep(task) => debugger.before_task_step(task),
            Event::AfterTaskStep(task) => debugger.after_task_step(task),
            Event::BeforeSleep(task, span) => debugger.before_sleep(task, span),
            Event::AfterSleep(task, span) => debugger.after_sleep(task, span),
            Event::BeforeIo(timeout) => debugger.before_io(timeout),
            Event::AfterIo(timeout) => debugger.after_io(timeout),
            Event::BeforeCancel(task) => debugger.before_cancel(task),
            Event::AfterCancel(task) => debugger.after_cancel(task),
            Event::TaskError(task, error) => debugger.on_task_error(task, error),
            Event::CleanupAbandoned(task) => debugger.on_cleanup_abandoned(task),
            Event::TaskWake(task, by) => debugger.on_task_wake(task, by),
            Event::TaskWait(task, what) => debugger.on_task_wait(task, what),
        }
    }
}

/// Observes a runtime: is told each [`Event`] when it happens (law HOOKS-OBSERVE).
///
/// Write [`event`](Debugger::event), which gets them all:
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, nursery, sleep};
/// use giambio_core::{Debugger, Event, Instant, clock};
/// use std::sync::Mutex;
///
/// /// What happened when.
/// #[derive(Default)]
/// struct Timeline(Mutex<Vec<(Instant, String)>>);
///
/// impl Debugger for Timeline {
///     fn event(&self, event: Event<'_>) {
///         let what = match event {
///             Event::TaskSpawn(task) => format!("{} begins", task.name),
///             Event::TaskExit(task) => format!("{} ends", task.name),
///             Event::TaskError(task, error) => format!("{} fails: {error}", task.name),
///             Event::BeforeTaskStep(_) | Event::AfterTaskStep(_) => return,
///             other => format!("{other:?}"),
///         };
///         self.0.lock().unwrap().push((clock(), what));
///     }
/// }
/// # let (time, timeline) = (VirtualClock::<1000>::new(), Timeline::default());
/// # let main = nursery(async |n| {
/// #     n.child().name("clerk").spawn(async { sleep(Duration::from_secs(1)).await; Err("no more paper") });
/// #     Ok(())
/// # });
/// # let runtime = pin!(Runtime::new(&time, main).with_debugger(&timeline));
/// # runtime.run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) }).unwrap_err();
/// # let told = timeline.0.lock().unwrap();
/// # let wanted = |what| told.iter().any(|(at, told)| at.as_nanos() == 1_000_000_000 && told == what);
/// # assert!(!cfg!(feature = "hooks") || wanted("clerk fails: no more paper") && wanted("clerk ends"), "{told:?}");
/// ```
///
/// or the methods of the events that you want; the others do nothing:
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
///
/// A debugger can't break the program: if it panics (where panics can be caught), the panic is reported by the panic hook and
/// the debugger is switched off. What it causes itself isn't reported to it. Without a debugger, and without feature `hooks`
/// altogether, no event costs anything worth counting: a comparison, or nothing.
///
/// It is the runtime's [`event`](Debugger::event) alone that is called. So who passes events on to another debugger writes
/// that, and calls that; and [`wants`](Debugger::wants).
#[allow(unused_variables)]
pub trait Debugger: Reachable {
    /// Something happens. Unless it is written, it calls the method for that event.
    fn event(&self, event: Event<'_>) {
        event.dispatch(self);
    }

    /// [`Event::Start`].
    fn on_start(&self) {}
    /// [`Event::Exit`].
    fn on_exit(&self) {}
    /// [`Event::TaskSchedule`].
    fn on_task_schedule(&self, task: TaskInfo<'_>, delay: Duration) {}
    /// [`Event::TaskSpawn`].
    fn on_task_spawn(&self, task: TaskInfo<'_>) {}
    /// [`Event::TaskExit`].
    fn on_task_exit(&self, task: TaskInfo<'_>) {}
    /// [`Event::BeforeTaskStep`].
    fn before_task_step(&self, task: TaskInfo<'_>) {}
    /// [`Event::AfterTaskStep`].
    fn after_task_step(&self, task: TaskInfo<'_>) {}
    /// [`Event::BeforeSleep`].
    fn before_sleep(&self, task: TaskInfo<'_>, span: Duration) {}
    /// [`Event::AfterSleep`].
    fn after_sleep(&self, task: TaskInfo<'_>, span: Duration) {}
    /// [`Event::BeforeIo`].
    fn before_io(&self, timeout: Option<Duration>) {}
    /// [`Event::AfterIo`].
    fn after_io(&self, timeout: Option<Duration>) {}
    /// [`Event::BeforeCancel`].
    fn before_cancel(&self, task: TaskInfo<'_>) {}
    /// [`Event::AfterCancel`].
    fn after_cancel(&self, task: TaskInfo<'_>) {}
    /// [`Event::TaskError`].
    fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError<'_>) {}
    /// [`Event::CleanupAbandoned`].
    fn on_cleanup_abandoned(&self, task: TaskInfo<'_>) {}
    /// [`Event::TaskWake`], if it is [wanted](Debugger::wants).
    fn on_task_wake(&self, task: TaskInfo<'_>, by: WokenBy) {}
    /// [`Event::TaskWait`], if it is [wanted](Debugger::wants).
    fn on_task_wait(&self, task: TaskInfo<'_>, what: WaitsFor<'_>) {}

    /// Is it to be told of this as well? Asked when a turn begins, and no by default: it costs a call for each wake, or wait.
    ///
    /// Without feature `std`, wakes by interrupts are told from within these.
    ///
    /// ```
    /// # use core::pin::pin;
    /// # use core::time::Duration;
    /// # use giambio_core::{Runtime, Until, VirtualClock, sleep};
    /// use giambio_core::{Debugger, Often, TaskInfo, WaitsFor};
    /// use std::sync::Mutex;
    ///
    /// /// What tasks wait for.
    /// #[derive(Default)]
    /// struct Waits(Mutex<Vec<&'static str>>);
    ///
    /// impl Debugger for Waits {
    ///     fn wants(&self, often: Often) -> bool {
    ///         often == Often::Waits
    ///     }
    ///     fn on_task_wait(&self, _task: TaskInfo<'_>, what: WaitsFor<'_>) {
    ///         self.0.lock().unwrap().push(what.what);
    ///     }
    /// }
    /// # let (time, waits) = (VirtualClock::<1000>::new(), Waits::default());
    /// # let runtime = pin!(Runtime::new(&time, sleep(Duration::from_secs(1))).with_debugger(&waits));
    /// # runtime.run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
    /// # assert!(!cfg!(feature = "hooks") || *waits.0.lock().unwrap() == ["sleep"]);
    /// ```
    fn wants(&self, often: Often) -> bool {
        false
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
            fn event(&self, event: Event<'_>) { (**self).event(event) }
            fn wants(&self, often: Often) -> bool { (**self).wants(often) }
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
