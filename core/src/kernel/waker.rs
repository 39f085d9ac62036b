//! Wakers are names: the address of a task's header, which is never freed, and with `std` the generation. Nothing is owned and
//! nothing borrowed.
//!
//! A name whose generation isn't its header's is stale. One whose generation has come round, or that has none, may cost another
//! task a needless poll. `clone` copies the word, `drop` does nothing, `wake` may come from any thread, from an interrupt, and
//! after everything is gone.

use core::mem::ManuallyDrop;
use core::ptr;
use core::task::{RawWaker, RawWakerVTable, Waker};

use super::context::{Context, with};
use super::emit as hooks;
use super::foreign;
use super::mask::masked;
#[cfg(feature = "std")]
use super::memory::home::post as post_to;
use super::task::header::{TaskRef, name, named};
use super::waker_cell::WakerCell;
#[cfg(feature = "std")]
use crate::fault::fault;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, drop_nothing);

fn clone(name: *const ()) -> RawWaker {
    RawWaker::new(name, &VTABLE)
}

fn drop_nothing(_: *const ()) {}

fn wake(name: *const ()) {
    // SAFETY: only `waker` makes our wakers.
    let task = unsafe { named(name) };
    if !is_current(task, name) {
        return wake_elsewhere(task, name);
    }
    if hooks::tells_wakes() {
        return wake_and_tell(task);
    }
    // NO-CALL-OUT: a waker that isn't ours may do anything, so it is called last.
    if let Some(foreign) = with(|context| context.wake(task)) {
        foreign.wake();
    }
}

/// The same where somebody wants to know of it.
#[cold]
#[inline(never)]
fn wake_and_tell(task: TaskRef) {
    // In one step: where another core or thread wakes, the task would be over, and the debugger gone, before it is told.
    let foreign = masked(|| {
        let (was_ready, foreign) = with(|context| (task.is_queued(), context.wake(task)));
        if !was_ready {
            hooks::tell_wake_by_code(task);
        }
        foreign
    });
    foreign::wake(foreign);
}

/// Does the name belong to this thread, and to the task that is there now?
#[cfg(feature = "std")]
fn is_current(task: TaskRef, name: *const ()) -> bool {
    let name = if fault!("stale-waker-honoured") { super::task::header::name(task) } else { name };
    with(|context| task.key() == context.owner.get() | super::task::header::generation_of(name))
}

/// Does the name belong to this thread, and to the task that is there now?
#[cfg(not(feature = "std"))]
fn is_current(_: TaskRef, _: *const ()) -> bool {
    true
}

/// The name is stale, or another thread's.
#[cold]
fn wake_elsewhere(task: TaskRef, name: *const ()) {
    #[cfg(feature = "std")]
    if let Some(home) = post_to(task, name) {
        let mut first = crate::panics::First::new();
        first.catch(|| home.notify.runtimes());
        first.catch(|| home.notify.all_executors());
        first.resume();
    }
    #[cfg(not(feature = "std"))]
    let _ = (task, name);
}

/// Leaves a wake with its thread, even if that is this one. Atomics and the runtime's own notifier only.
#[cfg(feature = "std")]
pub(crate) fn post(waker: &Waker) -> bool {
    if !is_ours(waker) {
        return false;
    }
    // SAFETY: only `waker` makes our wakers.
    if let Some(home) = post_to(unsafe { named(waker.data()) }, waker.data()) {
        home.notify.runtimes();
    }
    true
}

/// The waker of a task, borrowed: it needs no drop.
pub(crate) fn waker(task: TaskRef) -> ManuallyDrop<Waker> {
    // SAFETY: the functions of the table keep the contract of `RawWaker`: they are thread-safe, and since a name owns nothing,
    // clones and drops need no count.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(name(task), &VTABLE)) })
}

/// Is this the waker of a task?
pub(crate) fn is_ours(waker: &Waker) -> bool {
    ptr::eq(waker.vtable(), &VTABLE)
}

/// Is this the waker of that task?
pub(crate) fn is_of(waker: &Waker, task: TaskRef) -> bool {
    is_ours(waker) && waker.data() == name(task)
}

/// The task that is being polled, if this is its waker.
pub(crate) fn task_of(context: &Context, waker: &Waker) -> Option<TaskRef> {
    context.task().filter(|task| is_of(waker, *task))
}

/// The task that this waker names, if it is one of ours, of this thread, and not stale.
pub(crate) fn task_named(waker: &Waker) -> Option<TaskRef> {
    if !is_ours(waker) {
        return None;
    }
    // SAFETY: only `waker` makes our wakers.
    let task = unsafe { named(waker.data()) };
    is_current(task, waker.data()).then_some(task)
}

impl WakerCell {
    /// The task that it names, if it is one of ours, of this thread, and not stale.
    pub(crate) fn task(&self) -> Option<TaskRef> {
        self.peek().and_then(task_named)
    }

    /// Wakes it, if there is one; it is kept if it is one of ours. One that isn't is handed out, to be called outside.
    pub(crate) fn wake(&self, context: &Context) -> Option<Waker> {
        match self.task() {
            Some(task) => context.wake(task),
            None => self.take(),
        }
    }

    /// Takes it out, to be dropped with care: ours own nothing.
    pub(crate) fn discard(&mut self) {
        foreign::discard(self.take_mut().filter(|waker| !is_ours(waker)));
    }
}

/// A waker that is kept for later, or none, and dropped with care.
pub(crate) struct Kept(WakerCell);

impl Kept {
    pub(crate) const fn new() -> Self {
        Kept(WakerCell::new())
    }
}

impl core::ops::Deref for Kept {
    type Target = WakerCell;

    fn deref(&self) -> &WakerCell {
        &self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.discard();
    }
}
