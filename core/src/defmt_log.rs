//! Logging by `defmt`: the errors of this crate can be formatted, and [`DefmtDebugger`] logs what
//! happens.

use core::time::Duration;

use defmt::{Format, Formatter, write};

use crate::debugger::{Debugger, Event};
use crate::nursery::SpawnError;
use crate::reason::{Cancelled, Reason, TimedOut};
use crate::sync::{AcquireError, TryAcquireError};
use crate::task_info::{Status, TaskError, TaskId, TaskInfo};
use crate::time::{Instant, Tick};

/// Logs every event of a runtime: errors and abandoned clean-ups as warnings, the lives of tasks
/// as information, steps and sleeps as traces. Needs feature `hooks` to be told anything.
///
/// ```no_run
/// # use core::pin::pin;
/// # use giambio_core::{Runtime, VirtualClock};
/// use giambio_core::DefmtDebugger;
///
/// # async fn main() {}
/// # let clock: VirtualClock = VirtualClock::new();
/// let runtime = pin!(Runtime::new(&clock, main()).with_debugger(DefmtDebugger));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct DefmtDebugger;

impl Debugger for DefmtDebugger {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Start => defmt::info!("started"),
            Event::Exit => defmt::info!("finished"),
            Event::TaskSchedule(task, delay) => defmt::info!("{}: begins in {} us", task, micros(delay)),
            Event::TaskSpawn(task) => defmt::info!("{}: spawned", task),
            Event::TaskExit(task) => defmt::info!("{}: exited", task),
            Event::BeforeTaskStep(task) => defmt::trace!("{}: runs", task),
            Event::AfterTaskStep(task) => defmt::trace!("{}: waits", task),
            Event::BeforeSleep(task, span) => defmt::trace!("{}: sleeps for {} us", task, micros(span)),
            Event::AfterSleep(task, span) => defmt::trace!("{}: slept for {} us", task, micros(span)),
            Event::AfterCancel(task) => defmt::info!("{}: was cancelled", task),
            Event::TaskError(task, error) => defmt::warn!("{}: failed with {}", task, error),
            Event::TaskWake(task, _) => defmt::trace!("{}: woken", task),
            Event::TaskWait(task, what) => defmt::trace!("{}: waits for {}", task, what.what),
            Event::CleanupAbandoned(task) => defmt::warn!("{}: a clean-up was abandoned", task),
            Event::BeforeIo(_) | Event::AfterIo(_) | Event::BeforeCancel(_) => {}
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl Format for TaskId {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{}", defmt::Display2Format(self))
    }
}

impl Format for TaskInfo<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "'{=str}' ({})", self.name, self.id)
    }
}

impl Format for TaskError<'_> {
    fn format(&self, f: Formatter<'_>) {
        let rank = |first| if first { "first" } else { "not the first" };
        match self {
            TaskError::Error { text: Some(text), first, .. } => {
                write!(f, "'{}' ({=str})", defmt::Display2Format(text), rank(*first))
            }
            TaskError::Error { type_name, first, .. } => write!(f, "{=str} ({=str})", type_name, rank(*first)),
            TaskError::Panic { text: Some(text), first } => write!(f, "a panic: '{=str}' ({=str})", text, rank(*first)),
            TaskError::Panic { first, .. } => write!(f, "a panic ({=str})", rank(*first)),
        }
    }
}

impl Format for Reason {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Reason::Because(why) => write!(f, "{=str}", why),
            other => write!(f, "{}", defmt::Display2Format(other)),
        }
    }
}

impl Format for Cancelled {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "cancelled: {}", self.reason)
    }
}

impl Format for TimedOut {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "timed out after {=u64} us", micros(self.given))
    }
}

impl<F> Format for SpawnError<F> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            SpawnError::Full { capacity, .. } => {
                write!(f, "no room for another child: all {=usize} places are taken", capacity)
            }
            SpawnError::Cancelled { .. } => write!(f, "the nursery was cancelled"),
        }
    }
}

impl Format for Status {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{}", defmt::Debug2Format(self))
    }
}

impl Format for Tick {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "tick {=u64}", self.0)
    }
}

impl Format for Instant {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=u64} us after the clock's start", self.as_nanos() / 1000)
    }
}

impl Format for AcquireError {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{}", defmt::Display2Format(self))
    }
}

impl Format for TryAcquireError {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{}", defmt::Display2Format(self))
    }
}

impl Format for crate::channel::Closed {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "the channel is closed")
    }
}

impl<T> Format for crate::channel::SendError<T> {
    fn format(&self, f: Formatter<'_>) {
        crate::channel::Closed.format(f);
    }
}

impl<T> Format for crate::channel::TrySendError<T> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            crate::channel::TrySendError::Full { capacity, .. } => {
                write!(f, "all {=usize} places of the channel are taken", capacity)
            }
            crate::channel::TrySendError::Closed(_) => crate::channel::Closed.format(f),
        }
    }
}

impl Format for crate::channel::TryReceiveError {
    fn format(&self, f: Formatter<'_>) {
        match self {
            crate::channel::TryReceiveError::Empty => write!(f, "no value is there that isn't promised to somebody"),
            crate::channel::TryReceiveError::Closed => crate::channel::Closed.format(f),
        }
    }
}
