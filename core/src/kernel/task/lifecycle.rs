//! A child's life: it starts, is dropped or ends, and its cell is freed when nobody needs it.

use core::task::Waker;

use super::cell::{BODY_AWAITS, DAEMON, FUTURE, HANDLE, KILLED, OUTPUT, awaiter, vtable};
use super::header::{DIRECT, Header, OVER, QUEUED, TOLD_OF, TaskRef};
use super::id::id_of;
use crate::debugger::Event;
use crate::fault::fault;
use crate::kernel::context::{CODE_IS_DEAR, Context, now, with};
use crate::kernel::emit::{is_on, tell_of, tell_wake, tells_wakes, told};
use crate::kernel::foreign;
use crate::kernel::mask::masked;
use crate::kernel::nursery::children::{Children, NurseryRef};
use crate::kernel::scope::node::{CANCELLED, CUT_OFF, DONE, Node, SHIELD, TASK};
use crate::kernel::used::{AWAITS, CANCELS, RESULTS};
use crate::panics::First;
use crate::reason::Reason;
use crate::task_info::WokenBy;

/// Makes a cell a child.
#[cfg_attr(feature = "std", inline)]
#[cfg_attr(not(feature = "std"), inline(never))]
pub(crate) fn start(task: TaskRef, nursery: NurseryRef, daemon: bool) {
    nursery.running.set(nursery.running.get() + 1);
    if !daemon || fault!("daemon-counted-as-keeping") {
        nursery.keeping.set(nursery.keeping.get() + 1);
    }
    let foreign = with(|context| {
        let cell = FUTURE | HANDLE | if daemon { DAEMON } else { 0 };
        task.node.begin(nursery.as_ptr().cast(), TASK, cell);
        task.wake.set(QUEUED | DIRECT | TOLD_OF);
        nursery.idle.push(task);
        masked(|| context.queue(task))
    });
    if let Some(foreign) = foreign {
        foreign.wake();
    }
    tell_of(&told(task), Event::TaskSpawn);
}

/// Frees the cell if nothing needs it any more (NEVER-REUSED-UNDROPPED).
pub(crate) fn free(task: TaskRef, nursery: NurseryRef) {
    let freed = with(|context| {
        let needs = if fault!("double-free") { FUTURE } else { FUTURE | HANDLE };
        let frees = task.is_done() && !task.has(needs) && task.wake.get() & OVER == 0;
        if frees {
            context.remove(task, nursery);
        }
        frees
    });
    if !freed {
        return;
    }
    // Gives the memory back even if the destructor of the result panics.
    struct Release(TaskRef, NurseryRef);
    impl Drop for Release {
        fn drop(&mut self) {
            // SAFETY: the future is gone, and by now the result too; so is the handle; it is in no list and no queue.
            unsafe { (vtable(self.0).release)(self.0, self.1.as_ptr().cast()) };
        }
    }
    let _release = Release(task, nursery);
    if RESULTS.is() && task.has(OUTPUT) {
        // SAFETY: OUTPUT says that it is there.
        unsafe { (vtable(task).drop_output)(task) };
    }
}

impl Context {
    /// Takes a child that is over out of its nursery.
    #[inline]
    fn remove(&self, task: TaskRef, nursery: NurseryRef) {
        // At its end it has left behind what was inside.
        if task.node.is_watched() {
            let woken = self.retire(task.as_ptr().cast());
            debug_assert!(woken.is_none(), "one that is over contributes nothing");
        }
        self.cursors.gone(task.as_ptr().cast());
        // SAFETY: MEMBER: it is not watched (any more).
        unsafe { nursery.idle.remove(task) };
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

/// What is current where a task's code, or a runtime's turn, begins.
pub(crate) struct Around {
    pub(crate) node: *const Node,
    task: *const Header,
    nursery: *const Children,
    poll: u32,
    spent: u32,
    woken: u8,
}

impl Around {
    #[inline]
    pub(crate) fn new(context: &Context) -> Self {
        Around {
            node: context.node.get(),
            task: context.task.get(),
            nursery: context.nursery.get(),
            poll: context.poll.get(),
            spent: context.spent.get(),
            woken: context.woken.get(),
        }
    }

    /// Makes it current again.
    #[inline]
    pub(crate) fn restore(&self, context: &Context) {
        context.node.set(self.node);
        context.task.set(self.task);
        context.nursery.set(self.nursery);
        context.poll.set(self.poll);
        context.spent.set(self.spent);
        context.woken.set(self.woken);
    }
}

/// Current again when this is dropped.
struct Saved(Around);

impl Drop for Saved {
    #[inline]
    fn drop(&mut self) {
        now(|context| self.0.restore(context));
    }
}

/// Makes a task the current one, with a fresh budget.
#[inline]
pub(crate) fn make_current(context: &Context, task: TaskRef, woken: u8) {
    context.node.set(task.as_ptr().cast());
    context.task.set(task.as_ptr());
    context.woken.set(woken);
    context.begin_poll();
}

/// Drops a child's future where it is, and ends it as cancelled.
pub(crate) fn kill(task: TaskRef, nursery: NurseryRef) {
    debug_assert!(!task.is_done());
    // Finishes even if the destructor panics.
    struct Finish(TaskRef, NurseryRef);
    impl Drop for Finish {
        fn drop(&mut self) {
            finish(self.0, self.1);
        }
    }
    let who = told(task);
    tell_of(&who, Event::BeforeCancel);
    let cut_off = nursery.is_cancelled();
    if CANCELS.is() {
        with(|_| task.node.put(CUT_OFF, cut_off));
    }
    if cut_off && !nursery.node().has(CANCELLED) {
        nursery.cut_short.set(true);
    }
    // Nobody else asks.
    if task.has(HANDLE) {
        let reason = with(|context| context.reason_at(task.as_ptr().cast()));
        task.node.set_end(reason.unwrap_or(Reason::Requested));
    }
    task.set(KILLED);
    let finish = Finish(task, nursery);
    if task.has(FUTURE) {
        let _saved = now(|context| {
            let saved = Saved(Around::new(context));
            make_current(context, task, 0);
            saved
        });
        // SAFETY: FUTURE says that it is there; NESTED-POLL: only its nursery calls `kill`, and not from inside the child's
        // poll.
        unsafe { (vtable(task).drop_future)(task) };
        now(|context| context.check(task.as_ptr().cast()));
    }
    drop(finish);
    tell_of(&who, Event::AfterCancel);
}

/// A child is over: counts, wakes its awaiter, frees the cell if nobody needs it.
#[inline]
pub(crate) fn finish(task: TaskRef, nursery: NurseryRef) {
    // The other way does for all.
    if CODE_IS_DEAR || is_on() || !with(|context| context.is_leaf(&task.node)) {
        return finish_at_length(task, nursery);
    }
    let awaiter = with(|context| end(context, task, nursery));
    // The cell first: what is called after this may panic.
    if !task.has(HANDLE) {
        free(task, nursery);
    }
    foreign::wake(awaiter);
}

/// The same with a debugger, or with scopes that the child leaves behind.
#[inline(never)]
fn finish_at_length(task: TaskRef, nursery: NurseryRef) {
    let who = told(task);
    let id = id_of(task);
    let awaits = awaiter(&task).task().filter(|awaits| tells_wakes() && !awaits.is_queued());
    let (awaiter, holder) = with(|context| {
        let awaiter = end(context, task, nursery);
        let this = task.as_ptr().cast();
        context.orphan(this);
        (awaiter, context.clear_shields(this))
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

/// Marks a child as over, and counts it. Its cell stays in the list where the end of the nursery finds it, until it is
/// freed. Returns the waker of who awaits it, if it isn't one of ours.
#[inline(always)]
fn end(context: &Context, task: TaskRef, nursery: NurseryRef) -> Option<Waker> {
    task.node.set(DONE);
    task.retire();
    context.leave_all(&task.node);
    masked(|| {
        // In a queue it stays until it is taken.
        let queued = task.wake.get() & QUEUED;
        task.wake.set(if fault!("free-header-queued") { queued } else { QUEUED } | if queued != 0 { OVER } else { 0 });
    });
    nursery.running.set(nursery.running.get() - 1);
    if !task.has(DAEMON) {
        nursery.keeping.set(nursery.keeping.get() - 1);
    }
    if !AWAITS.is() {
        return None;
    }
    if task.has(BODY_AWAITS) {
        nursery.body_is_awake.set(true);
    }
    let awaiter = awaiter(&task);
    match awaiter.task() {
        Some(waiting) => {
            drop(awaiter.take());
            if fault!("awaiter-not-told") { None } else { context.wake(waiting) }
        }
        None => awaiter.take(),
    }
}
