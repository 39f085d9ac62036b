//! Where the debugger of the turn is kept, with its lifetime erased.

use core::cell::Cell;
use core::ptr::NonNull;
use core::time::Duration;

use super::block::Block;
use super::cell::{self, Header};
use super::node::{Node, ROOT, TASK};
use super::port::with;
use super::waker;
use crate::debugger::Debugger;
use crate::hooks::Told;
use crate::task_info::TaskId;

/// The debugger's part of a thread's state.
pub(crate) struct HookState {
    /// Good during a turn (`install` to `uninstall`).
    debugger: Cell<Option<*const dyn Debugger>>,
    /// There is one, it has not panicked, and none of its methods is on the stack: all that is
    /// looked at where there is none.
    on: Cell<bool>,
    /// Whose own code is running.
    pub(crate) step: Cell<Option<Who>>,
    /// Who has begun to sleep in this step.
    pub(crate) sleep: Cell<Option<(Who, Duration)>>,
    /// It has panicked, and is to be left alone in later turns.
    failed: Cell<bool>,
}

impl HookState {
    pub(crate) const fn new() -> Self {
        HookState {
            debugger: Cell::new(None),
            on: Cell::new(false),
            step: Cell::new(None),
            sleep: Cell::new(None),
            failed: Cell::new(false),
        }
    }

    /// Is there a debugger to be told?
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on.get()
    }
}

/// Keeps the debugger for the turn.
pub(crate) fn set(debugger: Option<&dyn Debugger>) {
    // SAFETY: only the lifetime is changed. `lend` uses the pointer while the turn, which borrows
    // the debugger, exists; the turn's end sets `None`.
    let debugger = debugger.map(|debugger| unsafe {
        core::mem::transmute::<*const (dyn Debugger + '_), *const (dyn Debugger + 'static)>(debugger)
    });
    with(|state| {
        let hooks = &state.hooks;
        hooks.debugger.set(debugger);
        hooks.on.set(debugger.is_some());
        hooks.step.set(None);
        hooks.sleep.set(None);
    });
}

/// Has it panicked in this turn?
pub(crate) fn take_failed() -> bool {
    with(|state| state.hooks.failed.take())
}

/// Lends the debugger to `f`, which says whether it is still fit. What happens inside isn't told.
pub(crate) fn lend(f: impl FnOnce(&dyn Debugger) -> bool) {
    let Some(debugger) = with(|state| {
        let hooks = &state.hooks;
        if hooks.on.replace(false) { hooks.debugger.get() } else { None }
    }) else {
        return;
    };
    // SAFETY: borrowed by the turn that is under way (`set`).
    let fit = f(unsafe { &*debugger });
    with(|state| {
        state.hooks.on.set(fit);
        if !fit {
            state.hooks.debugger.set(None);
            state.hooks.failed.set(true);
        }
    });
}

/// A task that may be over when it is told of: its name is with it, or gone.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    block: &'static Block,
    pub(crate) id: TaskId,
}

impl Who {
    /// As a debugger is told of it, if it lives and somebody looks.
    pub(crate) fn told(self) -> Option<Told> {
        let node = with(|state| state.hooks.is_on().then(|| self.block.cell.get()))?;
        // SAFETY: PINNED: the task of a live block is alive.
        let flags = unsafe { node.as_ref() }?;
        if flags.has(ROOT) {
            return (self.id == TaskId::MAIN).then(Told::root);
        }
        debug_assert!(flags.has(TASK));
        if self.id != TaskId::new(waker::name(self.block)) {
            return None;
        }
        told(NonNull::new(node.cast_mut())?.cast())
    }
}

/// A task that lives, as a debugger is told of it, if somebody looks.
#[inline]
pub(crate) fn told(task: NonNull<Header>) -> Option<Told> {
    if with(|state| state.hooks.is_on()) { Some(told_at_length(task)) } else { None }
}

#[cold]
fn told_at_length(task: NonNull<Header>) -> Told {
    // SAFETY: the callers' cell is alive.
    let header = unsafe { task.as_ref() };
    // SAFETY: the table belongs to the cell.
    let label = unsafe { (header.vtable.copy_label)(task) };
    Told { id: header.id(), parent: parent(&header.node), name: label.name, spawned_at: Some(label.spawned_at) }
}

/// The task in whose code this task's nursery is polled.
fn parent(task: &Node) -> Option<TaskId> {
    with(|_| {
        let mut at = task.parent.get();
        // SAFETY: PINNED: links lead to live nodes.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.has(ROOT) {
                return Some(TaskId::MAIN);
            }
            if node.has(TASK) {
                // SAFETY: a task's node starts its header (WHOLE-POINTER).
                return Some(unsafe { &*at.cast::<Header>() }.id());
            }
            at = node.parent.get();
        }
        None
    })
}

/// The task whose code is running.
pub(crate) fn running() -> Option<Who> {
    let id = cell::current_id()?;
    // SAFETY: STATIC-BLOCKS.
    let block = with(|state| unsafe { state.now.block.get().as_ref() })?;
    Some(Who { block, id })
}
