//! Where the debugger of the turn is kept, and what it was not told yet.

use core::cell::Cell;
use core::time::Duration;

use super::mask::Byte;
use super::task::header::TaskRef;
use crate::debugger::Debugger;
use crate::task_info::TaskId;

/// It is told of wakes.
pub(super) const WAKES: u8 = 1;
/// It is told of waits.
pub(super) const WAITS: u8 = 1 << 1;
/// There is a roll call, whether there is a debugger or not.
pub(super) const ROLL: u8 = 1 << 2;

/// The debugger's part of a thread's context.
pub(crate) struct DebuggerSlot {
    /// Good during a turn; its lifetime is erased.
    pub(super) debugger: Cell<Option<*const dyn Debugger>>,
    /// There is one, it has not panicked, and none of its methods is on the stack: all that is looked at where there is none.
    pub(super) on: Cell<bool>,
    /// What else is to be told: `WAKES`, `WAITS`, `ROLL`. Looked at where they happen, in interrupts too.
    pub(super) wants: Byte,
    /// Whose own code is running.
    pub(crate) step: Cell<Option<Who>>,
    /// Who has begun to sleep in this step.
    pub(crate) sleep: Cell<Option<(Who, Duration)>>,
    /// It has panicked, and is to be left alone in later turns.
    pub(super) failed: Cell<bool>,
}

impl DebuggerSlot {
    pub(crate) const fn new() -> Self {
        DebuggerSlot {
            debugger: Cell::new(None),
            on: Cell::new(false),
            wants: Byte::new(0),
            step: Cell::new(None),
            sleep: Cell::new(None),
            failed: Cell::new(false),
        }
    }

    /// Makes this the debugger, or nobody.
    pub(super) fn put(&self, debugger: Option<*const dyn Debugger>, wants: u8) {
        self.debugger.set(debugger);
        self.on.set(debugger.is_some());
        self.wants.set(wants | self.wants.get() & ROLL);
        self.step.set(None);
        self.sleep.set(None);
    }

    /// Is there a debugger to be told?
    pub(crate) fn is_on(&self) -> bool {
        self.on.get()
    }
}

/// A task that may be over when it is told of: its name is with it, or gone.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pub(super) task: TaskRef,
    pub(crate) id: TaskId,
}
