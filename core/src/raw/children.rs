//! A nursery's children: all that polls and drops them (law NESTED-POLL).
//!
//! [`Polling`] exists while the nursery is polled and is the proof that its children may be;
//! [`Close`] ends what is left when the nursery is dropped. Nobody else polls, drops or frees one.

use core::cell::Cell;
use core::marker::PhantomData;
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::{Context, Poll};

use super::block::{Block, ReadyList, WOKEN, is_before};
use super::cell::{Current, DAEMON, DONE, HANDLE, Header, KILLED, OUTPUT, Outcome, finish, free, info, kill};
use super::node::{Entered, NURSERY, Node, POLLING, Scoped, TASK};
use super::port::with;
use super::waker;
use crate::cancel::Reason;
use crate::hooks;
use crate::nursery::Scope;
use crate::panics::{self, Payload};
use crate::storage::Storage;

/// A nursery's node, its ready list and its counts.
#[repr(C)]
pub(crate) struct Children {
    pub(crate) node: Node,
    pub(crate) ready: ReadyList,
    /// Children that have a future.
    pub(super) running: Cell<u32>,
    /// Those of them that keep the nursery open.
    pub(super) keeping: Cell<u32>,
    /// The task's count of direct wakes when the body was last polled.
    seen: Cell<u16>,
    race: Cell<bool>,
    closed: Cell<bool>,
    /// The idle children were dropped since the nursery is cancelled.
    dropped_idle: Cell<bool>,
    /// Something was dropped for a scope around the nursery: there is no result to return.
    pub(crate) cut_short: Cell<bool>,
}

impl Children {
    pub(crate) const fn new() -> Self {
        Children {
            node: Node::new(NURSERY),
            ready: ReadyList::new(),
            running: Cell::new(0),
            keeping: Cell::new(0),
            seen: Cell::new(0),
            race: Cell::new(false),
            closed: Cell::new(false),
            dropped_idle: Cell::new(false),
            cut_short: Cell::new(false),
        }
    }

    /// How many children have not ended.
    pub(crate) fn running(&self) -> u32 {
        self.running.get()
    }

    /// How many of them keep the nursery open.
    pub(crate) fn keeping(&self) -> u32 {
        self.keeping.get()
    }

    /// From now on the first child to finish ends the nursery.
    pub(crate) fn race(&self) {
        self.race.set(true);
    }

    /// Is the nursery cancelled, by itself or from outside?
    pub(crate) fn is_cancelled(&self) -> bool {
        with(|_| self.node.is_cancelled())
    }

    /// Does it take no more children?
    pub(crate) fn is_closing(&self) -> bool {
        self.closed.get() || self.is_cancelled()
    }
}

/// While this lives, the nursery is being polled: the proof that its children may be (NESTED-POLL).
pub(crate) struct Polling<'a> {
    pub(crate) entered: Entered<'a>,
    children: NonNull<Children>,
    /// Entries of the ready list that this pass may still take.
    left: Cell<u32>,
    /// A child was taken already.
    began: Cell<bool>,
    /// The child whose code is on the stack.
    current: Cell<Option<NonNull<Header>>>,
    _nursery: PhantomData<&'a Children>,
}

impl<'a> Polling<'a> {
    /// Starts a poll of the nursery.
    #[inline]
    pub(crate) fn new<'scope, 'env: 'scope, E: 'env, S: Storage + 'env>(
        scope: Pin<&'a Scope<'scope, 'env, E, S>>,
        cx: &mut Context<'_>,
    ) -> Self {
        let entered = Entered::new(scope, cx);
        Polling {
            entered,
            children: NonNull::from(scope.get_ref()).cast(),
            left: Cell::new(0),
            began: Cell::new(false),
            current: Cell::new(None),
            _nursery: PhantomData,
        }
    }

    fn children(&self) -> &'a Children {
        // SAFETY: borrowed for `'a`, and a `Scope` starts with it (WHOLE-POINTER).
        unsafe { self.children.as_ref() }
    }

    /// May the body have been woken since it was last polled?
    #[inline]
    pub(crate) fn body_may_be_ready(&self, cx: &Context<'_>) -> bool {
        let count = with(|state| {
            if !waker::is_of_current(state, cx.waker()) {
                return None;
            }
            state.look_at_wakes()
        });
        let Some(count) = count else { return true };
        self.children().seen.replace(count) != count || self.entered.fresh_waker
    }

    /// Was the body's task woken before every child that is still ready?
    #[inline]
    pub(crate) fn body_is_next(&self) -> bool {
        with(|state| {
            let Some(first) = self.children().ready.first() else { return true };
            // SAFETY: STATIC-BLOCKS.
            let task = unsafe { state.block.get().as_ref() };
            task.and_then(Block::queued_at).zip(first.queued_at()).is_some_and(|(task, child)| is_before(task, child))
        })
    }

    /// Counts what is ready now: one pass polls that and no more (law FAIR).
    #[inline]
    pub(crate) fn start_pass(&self) {
        self.left.set(with(|_| self.children().ready.len()));
    }

    /// Counts anew, with what the body has spawned, if no child was polled yet.
    #[inline]
    pub(crate) fn start_pass_unless_begun(&self) {
        if !self.began.get() {
            self.start_pass();
        }
    }

    /// When the task around the nursery was woken: the body's turn comes after the children that
    /// were woken before that.
    #[inline]
    pub(crate) fn bodys_turn(&self) -> u32 {
        with(|state| state.since.get())
    }

    /// Polls the ready children in the order of their wakes, all or those that were woken before `until`. Stops at a panic, which is returned;
    /// the child that panicked is gone then, and the pass may be continued.
    #[inline]
    pub(crate) fn pass(&self, until: Option<u32>) -> Result<(), Payload> {
        if self.left.get() == 0 {
            return Ok(());
        }
        let result = panics::catch(|| {
            while let Some(task) = self.next(until) {
                self.step(task);
            }
        });
        if let (Err(_), Some(task)) = (&result, self.current.take()) {
            // What its destructor has to add to the panic is second to it.
            let _ = panics::catch(|| kill(task, self.children));
        }
        result
    }

    /// The next child to poll, of those that were woken before `until`.
    #[inline]
    fn next(&self, until: Option<u32>) -> Option<NonNull<Header>> {
        loop {
            let block = with(|state| {
                let left = self.left.get();
                // Each nursery that is polled polls at least one child, so that the way down to a
                // deep one doesn't use up the turn.
                if left == 0 || (state.polls_left.get() == 0 && self.began.get()) {
                    return None;
                }
                let ready = &self.children().ready;
                if let Some(until) = until
                    && is_before(until, ready.first()?.queued_at()?)
                {
                    return None;
                }
                self.began.set(true);
                self.left.set(left - 1);
                ready.pop()
            })?;
            let task = NonNull::new(block.cell.get().cast_mut())?.cast::<Header>();
            // SAFETY: a queued block's cell is alive (`free`).
            if !unsafe { task.as_ref() }.has(DONE) {
                return Some(task);
            }
            free(task, self.children);
        }
    }

    /// Polls one child once.
    #[inline]
    fn step(&self, task: NonNull<Header>) {
        // SAFETY: alive: NESTED-POLL.
        let header = unsafe { task.as_ref() };
        let Some(block) = header.block.get() else { return };
        let start = with(|state| {
            state.polls_left.set(state.polls_left.get().saturating_sub(1));
            if header.node.must_drop() {
                return None;
            }
            Some((waker::waker(state, block), Current::new(state, task, block)))
        });
        let Some((waker, current)) = start else { return self.kill(task) };
        self.current.set(Some(task));
        if with(|_| block.take(WOKEN)) {
            hooks::step_begins(|| info(task));
        }
        // SAFETY: not DONE, so FUTURE is set; NESTED-POLL: `self` is the proof.
        let outcome = unsafe { (header.vtable.poll)(task, &mut Context::from_waker(&waker)) };
        drop(current);
        self.current.set(None);
        match outcome {
            Poll::Pending => {
                hooks::step_ends();
                if with(|_| header.node.must_drop()) {
                    self.kill(task);
                }
            }
            Poll::Ready(outcome) => {
                if outcome == Outcome::Error {
                    header.set(KILLED);
                    header.reason.set(Reason::Failed.code());
                }
                let ends_race = self.children().race.get() && !header.has(DAEMON);
                finish(task, self.children);
                if ends_race {
                    self.children().closed.set(true);
                    cancel_children(self.children, Reason::RaceWon);
                }
            }
        }
    }

    fn kill(&self, task: NonNull<Header>) {
        kill(task, self.children);
    }

    /// Cancels the nursery itself.
    pub(crate) fn cancel(&self, reason: Reason) {
        // SAFETY: alive while it is polled, and made from the whole.
        unsafe { Node::cancel(self.children.as_ptr().cast_const().cast(), reason) };
    }

    /// The nursery is cancelled: drops all children but those in which a shield is at work.
    pub(crate) fn drop_idle(&self) -> Result<(), Payload> {
        let mut first_panic = Ok(());
        let node = &self.children().node;
        // Once is enough: a child whose shields end later is woken and dropped in its own turn.
        if self.children().dropped_idle.replace(true) && node.is_active() {
            return first_panic;
        }
        for _ in 0..with(|_| node.count()) {
            let task = with(|_| {
                let first = node.first();
                node.rotate();
                idle_task(first)
            });
            let Some(task) = task else { continue };
            let result = panics::catch(|| self.kill(task));
            if first_panic.is_ok() {
                first_panic = result;
            }
        }
        first_panic
    }

    /// Is a shield at work in the body (not in a child)?
    pub(crate) fn body_is_active(&self) -> bool {
        with(|_| {
            let node = &self.children().node;
            (0..node.count()).any(|_| {
                // SAFETY: PINNED: links lead to live nodes.
                let first = unsafe { node.first().as_ref() };
                let found = first.is_some_and(|inner| !inner.has(TASK) && inner.contributes());
                // What was found stays in front, where the next look finds it at once.
                if !found {
                    node.rotate();
                }
                found
            })
        })
    }

    /// Asks for another poll if children are ready.
    #[inline]
    pub(crate) fn requeue(&self) {
        let foreign = with(|state| {
            // In one step with the look at the list: a wake by an interrupt either is seen here, or
            // sees that nobody polls.
            self.entered.node.clear(POLLING);
            if self.children().ready.is_empty() {
                return None;
            }
            match state.up_from(&self.children().node) {
                Ok(block) => state.queue(block),
                Err(foreign) => foreign,
            }
        });
        if let Some(foreign) = foreign {
            foreign.wake();
        }
    }
}

/// Cancels each child that runs; the nursery itself isn't cancelled.
fn cancel_children(children: NonNull<Children>, reason: Reason) {
    // SAFETY: the callers' nursery is alive, though a foreign waker may have ended its children.
    let node = &unsafe { children.as_ref() }.node;
    for _ in 0..with(|_| node.count()) {
        let task = with(|_| {
            let first = node.first();
            node.rotate();
            running_task(first)
        });
        if let Some(task) = task {
            // SAFETY: alive: just found in the list; a whole cell's pointer.
            unsafe { Node::cancel(task.as_ptr().cast_const().cast(), reason) };
        }
    }
}

impl<'scope, 'env: 'scope, E: 'env, S: 'env> Scope<'scope, 'env, E, S> {
    /// Cancels the nursery itself.
    pub(crate) fn cancel_self(&self, reason: Reason) {
        // SAFETY: alive, pinned by `nursery` before anyone sees it, and made from the whole.
        unsafe { Node::cancel(ptr::from_ref(self).cast(), reason) };
    }

    /// Why the nursery takes no more children.
    pub(crate) fn closing_reason(&self) -> Reason {
        with(|state| state.reason_at(ptr::from_ref(self).cast())).unwrap_or(Reason::RaceWon)
    }

    /// Cancels each child that runs.
    pub(crate) fn cancel_each_child(&self, reason: Reason) {
        cancel_children(NonNull::from(self).cast(), reason);
    }
}

/// The task that this node starts, if it is one that may be dropped now.
fn idle_task(node: *const Node) -> Option<NonNull<Header>> {
    let task = running_task(node)?;
    // SAFETY: see there.
    if unsafe { task.as_ref() }.node.is_active() { None } else { Some(task) }
}

/// The task that this node starts, if it is one and not over.
fn running_task(node: *const Node) -> Option<NonNull<Header>> {
    let node = NonNull::new(node.cast_mut())?;
    // SAFETY: PINNED: the callers take it from a list.
    if !unsafe { node.as_ref() }.has(TASK) {
        return None;
    }
    // SAFETY: a task's node starts its header (WHOLE-POINTER).
    let header = unsafe { node.cast::<Header>().as_ref() };
    if header.has(DONE) { None } else { Some(node.cast()) }
}

/// Ends a nursery that is dropped: at the end of its future, or with it. Each child is dropped,
/// even if destructors panic.
pub(crate) struct Close<'scope>(&'scope Children, NonNull<Children>);

impl<'scope> Close<'scope> {
    pub(crate) fn new<'env, E, S>(scope: &'scope Scope<'scope, 'env, E, S>) -> Self {
        Close(scope.children(), NonNull::from(scope).cast())
    }
}

impl Drop for Close<'_> {
    fn drop(&mut self) {
        let children = self.0;
        if children.closed.get() && children.node.first().is_null() && children.ready.is_empty() {
            return;
        }
        children.closed.set(true);
        // The destructors run inside the code that drops the nursery, not where it was last polled:
        // else one that polls a scope from there would make a cycle of the tree.
        let foreign = with(|state| {
            let outer = state.node.get();
            if children.node.parent.get() == outer {
                return None;
            }
            state.relink(self.1.as_ptr().cast_const().cast(), outer)
        });
        if let Some(foreign) = foreign {
            foreign.wake();
        }
        let mut first_panic = Ok(());
        // Without `std` a panic can't be caught: the rest is dropped while it unwinds.
        struct Rest<'a>(&'a Close<'a>);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                drop(Close(self.0.0, self.0.1));
            }
        }
        let rest = Rest(self);
        while children.running.get() > 0 {
            let task = with(|_| {
                let first = children.node.first();
                children.node.rotate();
                running_task(first)
            });
            let Some(task) = task else { continue };
            let result = panics::catch(|| kill(task, self.1));
            if first_panic.is_ok() {
                first_panic = result;
            }
        }
        while let Some(block) = with(|_| children.ready.pop()) {
            if let Some(task) = NonNull::new(block.cell.get().cast_mut()) {
                free(task.cast(), self.1);
            }
        }
        // What is left is over, but has a handle. Results first: a handle in one of them is the last
        // that may look at another cell.
        let find = |wanted: fn(&Header) -> bool| {
            with(|_| {
                let node = &children.node;
                (0..node.count()).find_map(|_| {
                    let first = NonNull::new(node.first().cast_mut())?;
                    node.rotate();
                    // SAFETY: PINNED.
                    if !unsafe { first.as_ref() }.has(TASK) {
                        return None;
                    }
                    let task = first.cast::<Header>();
                    // SAFETY: as above; a task's node starts its header (WHOLE-POINTER).
                    wanted(unsafe { task.as_ref() }).then_some(task)
                })
            })
        };
        while let Some(task) = find(|header| header.has(OUTPUT)) {
            // SAFETY: alive: in the list; OUTPUT says that it is there.
            let result = panics::catch(|| unsafe { (task.as_ref().vtable.drop_output)(task) });
            if first_panic.is_ok() {
                first_panic = result;
            }
        }
        // Handles that were forgotten: `'scope` ends here.
        while let Some(task) = find(|_| true) {
            // SAFETY: alive: in the list.
            unsafe { task.as_ref() }.clear(HANDLE);
            let result = panics::catch(|| free(task, self.1));
            if first_panic.is_ok() {
                first_panic = result;
            }
        }
        core::mem::forget(rest);
        if let Err(payload) = first_panic {
            panics::resume_unless_panicking(payload);
        }
    }
}

// SAFETY: `repr(C)`, and `Children`, which starts with a node, comes first; a `Scope` is handed
// out only pinned, by `nursery`.
unsafe impl<'scope, 'env: 'scope, E: 'env, S: 'env> Scoped for Scope<'scope, 'env, E, S> {}

impl core::fmt::Debug for Children {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Children").field("running", &self.running.get()).finish_non_exhaustive()
    }
}
