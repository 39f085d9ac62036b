//! A child's life: it starts, is dropped or ends, and its cell is freed when nobody needs it.

use core::task::Waker;

use super::cell::{BODY_AWAITS, DAEMON, FUTURE, HANDLE, KILLED, OUTPUT, awaiter, vtable};
use super::header::{DIRECT, OVER, QUEUED, TOLD_OF, TaskRef};
use super::id::id_of;
use crate::debugger::Event;
use crate::fault::fault;
use crate::kernel::context::{CODE_IS_DEAR, Context, now, with};
use crate::kernel::emit::{is_on, tell_of, tell_wake, tells_wakes, told};
use crate::kernel::foreign;
use crate::kernel::mask::within;
use crate::kernel::nursery::children::NurseryRef;
use crate::kernel::scope::node::{CANCELLED, CUT_OFF, DONE, Node, SHIELD, TASK};
use crate::kernel::used::{AWAITS, CANCELS, DAEMONS, RESULTS};
use crate::panics::First;
use crate::reason::Reason;
use crate::task_info::WokenBy;

/// Makes a cell a child.
pub(crate) fn start(task: TaskRef, nursery: NurseryRef, daemon: bool) {
    nursery.running.set(nursery.running.get() + 1);
    if daemon && !fault!("daemon-counted-as-keeping") {
        nursery.daemons.set(nursery.daemons.get() + 1);
    }
    let foreign = with(|context| {
        let cell = FUTURE | HANDLE | if daemon { DAEMON } else { 0 };
        task.node.begin(nursery.as_ptr().cast(), TASK, cell);
        task.wake.set(QUEUED | DIRECT | TOLD_OF);
        nursery.idle.push(task);
        within(|| context.queue_in(&nursery, task))
    });
    if let Some(foreign) = foreign {
        foreign.wake();
    }
    if is_on() {
        tell_of_start(task);
    }
}

#[cold]
fn tell_of_start(task: TaskRef) {
    tell_of(&told(task), Event::TaskSpawn);
}

/// Frees the cell if nothing needs it any more (NEVER-REUSED-UNDROPPED).
pub(crate) fn free(task: TaskRef, nursery: NurseryRef) {
    let frees = with(|context| {
        let is_kept = task.has(HANDLE) && !fault!("double-free");
        let frees = task.is_done() && !is_kept && !task.has_to_be_taken();
        if frees {
            debug_assert!(!task.has(FUTURE), "one that is over has none");
            context.remove(task, nursery);
        }
        frees
    });
    if !frees {
        return;
    }
    if RESULTS.is() && task.has(OUTPUT) {
        return drop_output(task, nursery);
    }
    release(task, nursery);
}

/// Gives the memory back.
fn release(task: TaskRef, nursery: NurseryRef) {
    // SAFETY: a child's: the callers have seen that future, result and handle are gone, and taken it out of lists and queues.
    unsafe { (vtable(task).release)(task, nursery.as_ptr().cast()) };
}

/// Drops a result that nobody took, and then frees the cell.
#[cold]
fn drop_output(task: TaskRef, nursery: NurseryRef) {
    // Gives the memory back even if the destructor panics.
    struct Release(TaskRef, NurseryRef);
    impl Drop for Release {
        fn drop(&mut self) {
            release(self.0, self.1);
        }
    }
    let _release = Release(task, nursery);
    // SAFETY: a child's; OUTPUT says that it is there.
    unsafe { (vtable(task).drop_output)(task) };
}

impl Context {
    /// Takes a child that is over out of its nursery.
    fn remove(&self, task: TaskRef, nursery: NurseryRef) {
        if task.node.is_watched() {
            self.forget_watched(task);
        }
        self.cursors.gone(task.as_ptr().cast());
        // SAFETY: MEMBER: it is not watched (any more).
        unsafe { nursery.idle.remove(task) };
    }

    /// A child that is over is watched no longer. At its end it has left behind what was inside.
    #[cold]
    fn forget_watched(&self, task: TaskRef) {
        let woken = self.retire(task.as_ptr().cast());
        debug_assert!(woken.is_none(), "one that is over contributes nothing");
    }

    /// Why the code in this node is cancelled: the innermost cancelled scope's reason.
    pub(crate) fn reason_at(&self, mut at: *const Node) -> Option<Reason> {
        if !CANCELS.is() {
            return None;
        }
        // SAFETY: KNOWN-PARENT: the callers' node is in one that is being polled, or dropped.
        while let Some(node) = unsafe { at.as_ref() } {
            if node.has(CANCELLED) {
                return Some(node.reason());
            }
            if node.has(SHIELD) {
                return None;
            }
            at = node.parent.get();
        }
        None
    }
}

/// Drops a child's future where it is, and ends it as cancelled. `leave` makes the code around the current one again.
pub(crate) fn kill(task: TaskRef, nursery: NurseryRef, leave: impl Fn()) {
    if is_on() {
        return kill_watched(task, nursery, &leave);
    }
    drop_child(task, nursery, leave);
}

/// The same with a debugger.
#[cold]
fn kill_watched(task: TaskRef, nursery: NurseryRef, leave: &dyn Fn()) {
    leave();
    let who = told(task);
    tell_of(&who, Event::BeforeCancel);
    drop_child(task, nursery, leave);
    tell_of(&who, Event::AfterCancel);
}

fn drop_child(task: TaskRef, nursery: NurseryRef, leave: impl Fn()) {
    debug_assert!(!task.is_done());
    // The code around goes on, and the child is over, even if the destructor panics.
    struct Finish<F: Fn()>(TaskRef, NurseryRef, F);
    impl<F: Fn()> Drop for Finish<F> {
        fn drop(&mut self) {
            (self.2)();
            finish(self.0, self.1, || {});
        }
    }
    if nursery.is_cancelled() && !nursery.node().has(CANCELLED) {
        nursery.cut_short.set(true);
    }
    // Whoever drops it, it is cut off where it waits, and what it drops may ask.
    if !fault!("dropped-unawares") {
        with(|_| task.node.set(CUT_OFF));
    }
    // Nobody else asks.
    if task.has(HANDLE) {
        let reason = with(|context| context.reason_at(task.as_ptr().cast()));
        task.node.set_end(reason.unwrap_or(Reason::Requested));
    }
    task.set(KILLED);
    let finish = Finish(task, nursery, leave);
    if task.has(FUTURE) {
        now(|context| context.enter(task, 0));
        // SAFETY: a child's; FUTURE says that it is there; NESTED-POLL: only its nursery calls `kill`, and not from inside the
        // child's poll.
        unsafe { (vtable(task).drop_future)(task) };
        now(|context| context.check(task.as_ptr().cast()));
    }
    drop(finish);
}

/// A child is over: counts, wakes its awaiter, frees the cell if nobody needs it. `leave` makes the code around the current one
/// again, before any other code runs.
pub(crate) fn finish(task: TaskRef, nursery: NurseryRef, leave: impl FnOnce()) {
    // The other way does for all.
    if CODE_IS_DEAR || is_on() || !with(|context| context.is_leaf(&task.node)) {
        leave();
        return finish_at_length(task, nursery);
    }
    with(|_| end(task, nursery));
    if !task.has(HANDLE) {
        leave();
        // Else it is freed when it is taken.
        if !task.has_to_be_taken() {
            with(|context| context.remove(task, nursery));
            release(task, nursery);
        }
    } else if !awaiter(&task).is_empty() {
        finish_awaited(task, leave);
    }
}

/// A child is over that has a handle, which is awaited, and not by the nursery's body.
#[inline(never)] // apart from the ways that most children take: 8 instructions less in each of `spawn_batch`
fn finish_awaited(task: TaskRef, leave: impl FnOnce()) {
    let foreign = tell_awaiter(task);
    if foreign.is_some() {
        leave();
        foreign::wake(foreign);
    }
}

/// The same with a debugger, or with scopes that the child leaves behind.
#[cold]
fn finish_at_length(task: TaskRef, nursery: NurseryRef) {
    let who = told(task);
    let id = id_of(task);
    let awaits = awaiter(&task).task().filter(|awaits| tells_wakes() && !awaits.is_queued());
    let (awaiter, holder) = with(|context| {
        end(task, nursery);
        let this = task.as_ptr().cast();
        context.orphan(this);
        (tell_awaiter(task), context.clear_shields(this))
    });
    free(task, nursery);
    tell_of(&who, Event::TaskExit);
    if let Some(awaits) = awaits {
        tell_wake(awaits, WokenBy::Task(id));
    }
    let mut first = First::new();
    for waker in [awaiter, holder].into_iter().flatten() {
        first.catch(|| waker.wake());
    }
    first.resume();
}

/// Marks a child as over, and counts it. Its cell stays in the list where the end of the nursery finds it, until it is freed.
fn end(task: TaskRef, nursery: NurseryRef) {
    task.node.set(DONE);
    task.retire();
    now(|context| context.leave_all(&task.node));
    within(|| {
        if task.is_queued() {
            end_queued(task);
        } else if !fault!("free-header-queued") {
            task.wake.set(QUEUED);
        }
    });
    nursery.running.set(nursery.running.get() - 1);
    if DAEMONS.is() && task.has(DAEMON) {
        nursery.daemons.set(nursery.daemons.get() - 1);
    }
    if AWAITS.is() && task.has(BODY_AWAITS) {
        nursery.body_is_awake.set(true);
    }
}

/// In a queue it stays until it is taken.
#[cold]
fn end_queued(task: TaskRef) {
    task.wake.set(QUEUED | OVER);
}

/// Wakes who awaits a child, or returns the waker, if it isn't one of ours.
fn tell_awaiter(task: TaskRef) -> Option<Waker> {
    if !AWAITS.is() {
        return None;
    }
    with(|context| {
        let awaiter = awaiter(&task);
        match awaiter.task() {
            Some(waiting) => {
                drop(awaiter.take());
                if fault!("awaiter-not-told") { None } else { context.wake(waiting) }
            }
            None => awaiter.take(),
        }
    })
}
