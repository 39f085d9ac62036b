//! Law HOOKS-OBSERVE: what a debugger is told, and in which order.
#![cfg(all(feature = "alloc", feature = "hooks"))]

mod debuggers;
mod ends;
mod failures;
#[cfg(feature = "std")]
mod hostile;
mod steps;
mod tasks;
mod waits;

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use crate::common::*;
use giambio_core::{
    Debugger, Event, Instant, Next, Runtime, TaskError, TaskId, TaskInfo, Until, VirtualClock, Wait, checkpoint,
    finally, finally_for, move_on_after, nursery, nursery_group, shield, sleep, sync,
};

/// Writes down what it is told, in the tutorial's shorthand.
#[derive(Debug, Default)]
struct Transcript(Mutex<Vec<(TaskId, String)>>);

impl Transcript {
    fn note(&self, task: TaskInfo<'_>, what: impl Into<String>) {
        self.0.lock().unwrap().push((task.id, what.into()));
    }
    fn say(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push((TaskId::MAIN, what.into()));
    }
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().map(|(_, line)| line).collect()
    }
    /// What concerns tasks, but for their steps.
    fn events(&self) -> Vec<String> {
        self.take().into_iter().filter(|line| !line.starts_with("->") && !line.starts_with("<- ")).collect()
    }
}

fn short(span: Duration) -> f64 {
    span.as_secs_f64()
}

impl Debugger for Transcript {
    fn on_start(&self) {
        self.say("## started");
    }
    fn on_exit(&self) {
        self.say("## finished");
    }
    fn on_task_schedule(&self, task: TaskInfo<'_>, delay: Duration) {
        self.note(task, format!(">> {} scheduled in {}", task.name, short(delay)));
    }
    fn on_task_spawn(&self, task: TaskInfo<'_>) {
        self.note(task, format!(">> {} spawned", task.name));
    }
    fn on_task_exit(&self, task: TaskInfo<'_>) {
        self.note(task, format!("<< {} exited", task.name));
    }
    fn before_task_step(&self, task: TaskInfo<'_>) {
        self.note(task, format!("-> {}", task.name));
    }
    fn after_task_step(&self, task: TaskInfo<'_>) {
        self.note(task, format!("<- {}", task.name));
    }
    fn before_sleep(&self, task: TaskInfo<'_>, span: Duration) {
        self.note(task, format!("# {} sleeps {}", task.name, short(span)));
    }
    fn after_sleep(&self, task: TaskInfo<'_>, span: Duration) {
        self.note(task, format!("# {} slept {}", task.name, short(span)));
    }
    fn before_io(&self, timeout: Option<Duration>) {
        self.say(format!("!! before io {timeout:?}"));
    }
    fn after_io(&self, timeout: Option<Duration>) {
        self.say(format!("!! after io {timeout:?}"));
    }
    fn before_cancel(&self, task: TaskInfo<'_>) {
        self.note(task, format!("// cancelling {}", task.name));
    }
    fn after_cancel(&self, task: TaskInfo<'_>) {
        self.note(task, format!("// cancelled {}", task.name));
    }
    fn on_task_error(&self, task: TaskInfo<'_>, error: TaskError) {
        let error = match error {
            TaskError::Error { first, type_name, .. } => format!("error {type_name} first {first}"),
            TaskError::Panic { first, .. } => format!("panic first {first}"),
            _ => format!("{error:?}"),
        };
        self.note(task, format!("!! {}: {error}", task.name));
    }
    fn on_cleanup_abandoned(&self, task: TaskInfo<'_>) {
        self.note(task, format!("!! {} abandoned a clean-up", task.name));
    }
}

fn run_watched<F: Future>(debugger: impl Debugger, main: F) -> F::Output {
    let _alone = alone();
    let clock: VirtualClock = VirtualClock::new();
    let mut runtime = pin!(Runtime::new(&clock, main).with_debugger(debugger));
    finish(runtime.as_mut(), &clock)
}

/// Writes down what the function makes of each event.
struct Notes<T>(Mutex<Vec<T>>, fn(Event<'_>) -> Option<T>);

impl<T: Send> Debugger for Notes<T> {
    fn event(&self, event: Event<'_>) {
        self.0.lock().unwrap().extend(self.1(event));
    }
}

impl<T> Notes<T> {
    fn new(note: fn(Event<'_>) -> Option<T>) -> Self {
        Notes(Mutex::default(), note)
    }
    fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// A wait that takes no time, and looks for I/O where it says so. The last one of all wakes somebody.
struct Looking<'a, L, const HZ: u64>(&'a VirtualClock<HZ>, L, &'a sync::Event);

impl<L: Fn(Until) -> bool, const HZ: u64> Wait for Looking<'_, L, HZ> {
    fn wait(&mut self, until: Until) {
        match until {
            Until::Now => {}
            Until::At(tick) => self.0.advance_to(tick),
            Until::OnWake => self.2.set(),
        }
    }
    fn looks_for_io(&self, until: Until) -> bool {
        self.1(until)
    }
}
