//! A line for a task or a scope, as text: in what is written without a heap, and in a dump.

use core::fmt;
use core::time::Duration;

use super::{Entry, Kind, visit};
use crate::reason::Reason;
use crate::task_info::{Status, TaskId};
use crate::time::Instant;

/// Writes what there is, a line for each task and scope, with what is in it further to the right: as [`visit`], and so at
/// once and without a heap, into a serial port, say. What tasks wait for is not in it; `dump` asks them (with feature `std`).
///
/// ```
/// # use giambio_core::{nursery_in, Arena, testing, sleep};
/// # use core::time::Duration;
/// # static ARENA: Arena<2, 512> = Arena::new();
/// # testing::run(async {
/// # let Ok(()) = nursery_in(&ARENA, async |n| {
/// n.child().name("clerk").spawn_wait(async { Ok::<_, core::convert::Infallible>(sleep(Duration::from_secs(1)).await) }).await;
/// sleep(Duration::from_millis(1)).await;
/// let mut text = String::new(); // or a serial port, or whatever takes text
/// giambio_core::introspect::write(&mut text).unwrap();
/// let lines: Vec<&str> = text.lines().collect();
/// assert_eq!(lines[..2], ["main: runs", "  nursery of 1 child"]);
/// assert!(lines[2].starts_with("    clerk (task ") && lines[2].ends_with(": waits"));
/// # Ok(())
/// # }).await;
/// # });
/// ```
///
/// # Errors
/// Those of `out`, and it is written to no more.
pub fn write(out: &mut impl fmt::Write) -> fmt::Result {
    let mut written = Ok(());
    let is_whole = visit(|entry| written = written.and_then(|()| writeln!(out, "{entry}")));
    written?;
    if is_whole { Ok(()) } else { writeln!(out, "(not all there is)") }
}

/// Its line, without an end.
impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        indent(f, self.depth)?;
        match self.kind {
            Kind::Task(task, status) => {
                title(f, task.name, task.id)?;
                if let Some(place) = task.spawned_at {
                    write!(f, ", spawned at {place}")?;
                }
                f.write_str(match status {
                    Status::Running => ": runs",
                    Status::Ready => ": is ready to go on",
                    Status::Cancelling => ": is cancelled",
                    _ => ": waits",
                })?;
            }
            Kind::Nursery { children } => nursery(f, children)?,
            Kind::Scope => scope(f, self.is_shielded)?,
        }
        end(f, self.cancelled, self.deadline)
    }
}

pub(super) fn indent(f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    (0..depth).try_for_each(|_| f.write_str("  "))
}

pub(super) fn title(f: &mut fmt::Formatter<'_>, name: &str, id: TaskId) -> fmt::Result {
    if id == TaskId::MAIN { f.write_str("main") } else { write!(f, "{name} ({id})") }
}

pub(super) fn nursery(f: &mut fmt::Formatter<'_>, children: usize) -> fmt::Result {
    if children == 1 { f.write_str("nursery of 1 child") } else { write!(f, "nursery of {children} children") }
}

pub(super) fn scope(f: &mut fmt::Formatter<'_>, is_shielded: bool) -> fmt::Result {
    f.write_str(if is_shielded { "shield" } else { "scope" })
}

/// What tasks and scopes have in common.
pub(super) fn end(f: &mut fmt::Formatter<'_>, cancelled: Option<Reason>, deadline: Option<Instant>) -> fmt::Result {
    if let Some(reason) = cancelled {
        write!(f, ", cancelled: {reason}")?;
    }
    if let Some(deadline) = deadline {
        write!(f, ", until {:?}", Duration::from_nanos(deadline.as_nanos()))?;
    }
    Ok(())
}
