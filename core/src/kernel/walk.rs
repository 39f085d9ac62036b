//! All that lives below the outermost scope that is being polled, for those who look on (feature `introspect`).

#[cfg(feature = "std")]
use core::mem::ManuallyDrop;
use core::ptr;

use super::context::{Context, with};
use super::deadline::timed::deadline_of;
use super::emit::{Told, describe};
use super::nursery::children::Children;
use super::scope::listed::Cursor;
use super::scope::node::{CANCELLED, DONE, Node, ROOT, SHIELD, SubScope, TASK, WATCHED};
use super::scope::whole::{nursery_at, task_at};
use super::task::handle::status_of;
use super::task::header::TaskRef;
#[cfg(feature = "std")]
use super::waker::waker;
use crate::reason::Reason;
use crate::task_info::Status;

/// One that was found.
pub(crate) struct Found {
    /// In how many others it is.
    pub(crate) depth: usize,
    pub(crate) what: What,
    /// Why it was cancelled itself.
    pub(crate) reason: Option<Reason>,
    pub(crate) is_shield: bool,
    /// In ticks.
    pub(crate) deadline: Option<u64>,
}

pub(crate) enum What {
    Task(Told, Status),
    /// With so many children that run.
    Nursery(usize),
    Scope,
}

/// Calls `visit` with each, from the outside in: a scope, then what is in it. False: something went that was to come next, or
/// there is nothing.
///
/// `is_idle`: nobody's code is running. `visit` is called with nothing borrowed, and may do what it likes.
pub(crate) fn walk(is_idle: bool, mut visit: impl FnMut(Found)) -> bool {
    each(|at, depth| {
        if let Some(found) = look_at(at, depth, is_idle) {
            visit(found);
        }
    })
}

/// Wakes each task that is found, so that all of its code is polled, when `called` has been told of it.
#[cfg(feature = "std")]
pub(crate) fn wake_all(mut called: impl FnMut(TaskRef)) {
    each(|at, _| {
        // SAFETY: alive: it was found, and nothing has run since.
        if unsafe { &*at }.has(TASK | ROOT) {
            // SAFETY: a task's; WHOLE-POINTER.
            let task = unsafe { task_at(at) };
            called(task);
            ManuallyDrop::into_inner(waker(task)).wake();
        }
    });
}

/// Calls `visit` with each node that is alive, and says how deep it lies.
fn each(mut visit: impl FnMut(*const Node, usize)) -> bool {
    /// Looks no more when it is dropped.
    struct Looking<'a>(&'a Cursor);
    impl Drop for Looking<'_> {
        fn drop(&mut self) {
            with(|context| context.cursors.end(self.0));
        }
    }
    let (mut cursor, top) = (Cursor::new(), with(outermost));
    // SAFETY: it stays on this stack until `Looking` is dropped, and looks within looks are nested.
    with(|context| unsafe { context.cursors.begin(&mut cursor) });
    let looking = Looking(&cursor);
    let mut at = top;
    while !at.is_null() {
        let Some(depth) = with(|_| depth_below(top, at)) else { break };
        let is_last = with(|_| {
            let next = next(top, at);
            looking.0.next.set(next.cast());
            next.is_null()
        });
        visit(at, depth);
        if is_last {
            return true;
        }
        at = looking.0.next.get().cast();
    }
    false
}

/// The outermost scope that is being polled: in a runtime its root task's.
fn outermost(context: &Context) -> *const Node {
    let mut at = context.node.get();
    // SAFETY: PINNED: what is being polled is alive, and so is all around it.
    while let Some(outer) = unsafe { at.as_ref() }.map(|node| node.parent.get()).filter(|outer| !outer.is_null()) {
        at = outer;
    }
    at
}

/// The sub-scope, if it is one.
///
/// # Safety
/// It is alive for `'a`, and the pointer is good for the whole.
unsafe fn sub_at<'a>(at: *const Node) -> Option<&'a SubScope> {
    // SAFETY: by contract; all but tasks start a sub-scope.
    unsafe { (!(*at).has(TASK | ROOT)).then(|| &*at.cast::<SubScope>()) }
}

fn first_task(nursery: &Children) -> Option<TaskRef> {
    nursery.idle.first().or_else(|| nursery.watched.first())
}

fn first_inside(at: *const Node) -> Option<*const Node> {
    // SAFETY: alive: the caller found it.
    let (node, nursery) = unsafe { (&*at, nursery_at(at)) };
    let first = || nursery.and_then(first_task).map(|task| task.as_ptr().cast());
    node.scopes.first().map(|first| first.cast()).or_else(first)
}

fn next_beside(at: *const Node) -> Option<*const Node> {
    // SAFETY: alive: the caller found it; so is what it is in.
    let (node, sub, nursery) = unsafe { (&*at, sub_at(at), nursery_at((*at).parent.get())) };
    match sub {
        Some(sub) => {
            let first = || nursery.and_then(first_task).map(|task| task.as_ptr().cast());
            sub.listed.next().map(|next| next.cast()).or_else(first)
        }
        None => {
            // SAFETY: a task's.
            let (nursery, task) = (nursery?, unsafe { task_at(at) });
            let next = match node.has(WATCHED) {
                true => nursery.watched.after(task),
                false => nursery.idle.after(task).or_else(|| nursery.watched.first()),
            };
            next.map(|next| next.as_ptr().cast())
        }
    }
}

/// What comes after this one below `top`, but for tasks that are over.
fn next(top: *const Node, mut at: *const Node) -> *const Node {
    let mut inside = first_inside(at);
    loop {
        let found = inside.take().or_else(|| {
            while !ptr::eq(at, top) {
                if let Some(next) = next_beside(at) {
                    return Some(next);
                }
                // SAFETY: alive, as what is in it.
                at = unsafe { (*at).parent.get() };
            }
            None
        });
        let Some(found) = found else { return ptr::null() };
        // SAFETY: alive: just found.
        if !unsafe { &*found }.has(DONE) {
            return found;
        }
        at = found;
    }
}

/// How deep it lies below `top`; `None`: it was taken away, with what it lies in.
fn depth_below(top: *const Node, mut at: *const Node) -> Option<usize> {
    let mut depth = 0;
    while !ptr::eq(at, top) {
        // SAFETY: alive, or the cursor would be null; so is what it is in, which nulls this when it dies (`leave_all`,
        // `orphan`).
        at = unsafe { at.as_ref() }?.parent.get();
        depth += 1;
    }
    Some(depth)
}

/// None: a task that is just being made, or is over.
fn look_at(at: *const Node, depth: usize, is_idle: bool) -> Option<Found> {
    // SAFETY: alive: the caller found it, and nothing has run since.
    let (node, nursery) = unsafe { (&*at, nursery_at(at)) };
    let what = match nursery {
        Some(nursery) => What::Nursery(nursery.running.get() as usize),
        None if node.has(TASK | ROOT) => {
            // SAFETY: a task's; and, as above, its nursery, which it has none of if it is a root.
            let (task, nursery) = unsafe { (task_at(at), node.parent.get().as_ref()) };
            let is_running = !is_idle && with(|context| context.is_running(node));
            What::Task(describe(task)?, status_of(task, nursery.is_some_and(Node::is_cancelled), is_running))
        }
        None => What::Scope,
    };
    // SAFETY: as above.
    let deadline = unsafe { deadline_of(at) };
    let reason = node.has(CANCELLED).then(|| node.reason());
    Some(Found { depth, what, reason, is_shield: node.has(SHIELD), deadline })
}

/// Is each in the list of the one that it says it is in? For tests: what is wrong.
#[cfg(feature = "alloc")]
pub(crate) fn audit(top: *const Node) -> Result<(), (&'static str, usize, usize)> {
    let mut at = top;
    while !at.is_null() {
        // SAFETY: alive: found from `top`, and nothing has run since.
        let (node, sub) = unsafe { (&*at, sub_at(at)) };
        let inside = node.scopes.first();
        let is_known = |inner: *const ()| {
            // SAFETY: in the list, so alive.
            ptr::eq(unsafe { (*inner.cast::<Node>()).parent.get() }, at)
        };
        if inside.is_some_and(|inner| !is_known(inner)) {
            return Err(("is in another scope than the one whose list it is in", 0, 1));
        }
        if sub.is_some_and(|sub| node.has(WATCHED) && !sub.listed.is_in_a_list()) {
            return Err(("watched, and in no list of those who look on", 0, 1));
        }
        at = next(top, at);
    }
    Ok(())
}
