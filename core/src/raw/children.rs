//! A nursery's children: all that polls and drops them (law NESTED-POLL).
//!
//! [`Polling`] exists while the nursery is polled and is the proof that its children may be;
//! [`Close`] ends what is left when the nursery is dropped. Nobody else polls, drops or frees one.

use core::cell::Cell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::{Context, Poll, Waker};

use super::block::{Block, QUEUED, ReadyList, is_before};
use super::cell::{
    Around, DAEMON, DONE, HANDLE, Header, KILLED, OUTPUT, Outcome, finish, free, info, kill, make_current,
};
use super::node::{CANCELLED, CUT_OFF, EXPIRED, Entered, FRESH, NURSERY, Node, POLLING, ROOT, Scoped, TASK};
use super::port::with;
use super::state::{BUDGET, State};
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
    /// The task around the nursery, if it is polled with that task's waker, so that its count of wakes says whether the
    /// body was woken.
    task: Option<&'static Block>,
    /// The body must be polled whatever the count says: it has another waker now, or the count has come round.
    is_fresh: Cell<bool>,
    /// The last entry of the ready list that this pass may still take; null: none.
    last: Cell<*const Block>,
    /// A child was taken already.
    began: Cell<bool>,
    /// A child has ended: there is more to do than to poll children.
    has_ended: Cell<bool>,
    /// In a burst there was nothing ready but in this nursery…
    is_known_alone: Cell<bool>,
    /// … after so many wakes of the thread.
    alone_at: Cell<u32>,
    /// The task was taken from its ready list.
    owes_wake: Cell<bool>,
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
        let (task, is_fresh) = with(|state| {
            let was_told = entered.node.has(FRESH);
            if was_told {
                entered.node.clear(FRESH);
            }
            (waker::block_of_current(state, cx.waker()), was_told || entered.fresh_waker)
        });
        Polling {
            is_fresh: Cell::new(is_fresh),
            task,
            entered,
            children: NonNull::from(scope.get_ref()).cast(),
            last: Cell::new(ptr::null()),
            began: Cell::new(false),
            has_ended: Cell::new(false),
            is_known_alone: Cell::new(false),
            alone_at: Cell::new(0),
            owes_wake: Cell::new(false),
            _nursery: PhantomData,
        }
    }

    fn children(&self) -> &'a Children {
        // SAFETY: borrowed for `'a`, and a `Scope` starts with it (WHOLE-POINTER).
        unsafe { self.children.as_ref() }
    }

    /// May the body have been woken since it was last polled?
    #[inline]
    pub(crate) fn body_may_be_ready(&self) -> bool {
        let Some(task) = self.task else { return true };
        let count = with(|_| task.look_at_wakes());
        let is_woken = self.children().seen.replace(count) != count;
        self.is_fresh.replace(false) || is_woken
    }

    /// Was the body's task woken before every child that is still ready?
    #[inline]
    pub(crate) fn body_is_next(&self) -> bool {
        with(|state| {
            let Some(first) = self.children().ready.first() else { return true };
            // SAFETY: STATIC-BLOCKS.
            let task = unsafe { state.block.get().as_ref() };
            task.is_some_and(|task| is_before(task.queued_at.get(), first.queued_at.get()))
        })
    }

    /// Notes what is ready now: one pass polls that and no more (law FAIR).
    #[inline]
    pub(crate) fn start_pass(&self) {
        self.last.set(with(|_| self.children().ready.last()));
        self.began.set(false);
    }

    /// Notes it anew, with what the body has spawned, if no child was polled yet.
    #[inline]
    pub(crate) fn start_pass_unless_begun(&self) {
        if !self.began.get() {
            self.start_pass();
        }
    }

    /// May the nursery make another pass within this poll? It may if its children or its body are ready and nothing else
    /// is, so that the way up to the runtime and down again would lead here without another poll, and if the turn's polls
    /// are not used up (law FAIR).
    #[inline]
    pub(crate) fn go_on(&self) -> bool {
        let Some(task) = self.task else { return false };
        with(|state| {
            let is_ready = !self.children().ready.is_empty() || self.is_body_woken(task);
            if !is_ready || !self.has_time(state, task) {
                return false;
            }
            // A body's poll counts too, else one that only wakes itself would keep the loop.
            state.polls_left.set(state.polls_left.get() - 1);
            state.budget.set(BUDGET);
            state.since.set(task.queued_at.get());
            // As if it were polled anew: the wakes so far are the next pass's. But they may be for what the task does
            // beside the nursery, so it is queued again at the end.
            if task.has(QUEUED) {
                // SAFETY: PINNED: the task is being polled, and its parent is its nursery or null (WHOLE-POINTER).
                if let Some(nursery) = unsafe { (*task.cell.get()).parent.get().cast::<Children>().as_ref() } {
                    nursery.ready.pop();
                }
                task.begin_poll();
                self.owes_wake.set(true);
            }
            true
        })
    }

    /// The same as `begins_anew`, where it is plain to see: one wake since the nursery was known to be alone, and one child
    /// is ready, so that was it.
    #[inline(always)]
    fn begins_at_once(&self, state: &State) -> bool {
        let ready = &self.children().ready;
        let begins = self.alone_at.get() == state.wakes.get().wrapping_sub(1)
            && self.is_known_alone.get()
            && ready.has_one()
            && !self.has_ended.get()
            && !self.entered.node.is_cancelled()
            && self.task.is_some_and(|task| !self.is_body_woken(task));
        if begins {
            self.alone_at.set(state.wakes.get());
            self.last.set(ready.last());
        }
        begins
    }

    /// The pass is over: may the next begin at once, with nothing to do but to poll children? So it is if none has ended,
    /// the body was not woken, and `go_on` would say yes.
    #[inline(never)]
    fn begins_anew(&self, state: &State) -> bool {
        let Some(task) = self.task else { return false };
        let ready = &self.children().ready;
        if ready.is_empty() || self.has_ended.get() || self.is_body_woken(task) || !self.has_time(state, task) {
            return false;
        }
        self.last.set(ready.last());
        true
    }

    #[inline]
    fn is_body_woken(&self, task: &'static Block) -> bool {
        task.direct.get() != self.children().seen.get()
    }

    /// Is there a poll left in this turn, and nobody else to have it?
    #[inline(never)]
    fn has_time(&self, state: &State, task: &'static Block) -> bool {
        if state.polls_left.get() == 0 || !state.bursts.get() || self.entered.node.is_cancelled() {
            return false;
        }
        let is_alone = self.is_alone(state, task);
        self.is_known_alone.set(is_alone);
        self.alone_at.set(state.wakes.get());
        is_alone
    }

    /// Is nothing ready but this nursery's children and its body's task?
    ///
    /// Whatever is ready is in the list of its nursery, whose task is in the list of *its* nursery, and so on up to a task
    /// whose code is being polled: so it is in a list of a nursery around this one, or in a scope beside those in the
    /// code of their tasks. Of what else that code does beside the nursery nothing is known.
    fn is_alone(&self, state: &State, task: &'static Block) -> bool {
        let mut own: *const Block = task;
        let mut at: *const Node = self.entered.node;
        // SAFETY: PINNED: what is being polled is alive, and so is all around it.
        while let Some(node) = unsafe { at.as_ref() } {
            // Beside a scope that isn't a task there may be nurseries of the same task with children that are ready; and
            // a scope whose deadline has passed gets one last poll.
            if node.has(EXPIRED) || !(node.has(TASK | ROOT) || node.is_only_one()) {
                return false;
            }
            if node.has(NURSERY) && !ptr::eq(at, self.entered.node) {
                // SAFETY: it starts the nursery's core (WHOLE-POINTER).
                if !unsafe { &*at.cast::<Children>() }.ready.is_empty_but_for(own) {
                    return false;
                }
                own = ptr::null();
            } else if node.has(ROOT) && own.is_null() {
                // A root task is in no list.
                // SAFETY: PINNED: the runtime whose turn it is is alive.
                return !unsafe { state.runtime.get().as_ref() }.is_some_and(|root| root.is_queued());
            }
            at = node.parent.get();
        }
        true
    }

    /// When the task around the nursery was woken: the body's turn comes after the children that
    /// were woken before that.
    #[inline]
    pub(crate) fn bodys_turn(&self) -> u32 {
        with(|state| state.since.get())
    }

    /// Are there children that this pass may still take?
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        !self.last.get().is_null()
    }

    /// Polls the ready children in the order of their wakes, all or those that were woken before `until`. Stops at a
    /// panic, which is returned; the child that panicked is gone then, and the pass may be continued.
    #[inline]
    pub(crate) fn pass(&self, until: Option<u32>) -> Result<(), Payload> {
        let around = with(Around::new);
        let result = panics::catch(|| match hooks::is_on() {
            true => {
                #[cfg(all(feature = "std", feature = "hooks"))]
                self.last.set(super::shuffle::shuffle(&self.children().ready, self.last.get()));
                self.poll_children::<true>(until, &around)
            }
            false => self.poll_children::<false>(until, &around),
        });
        if result.is_err() {
            let task = with(|state| {
                let block = state.block.get();
                around.restore(state);
                // SAFETY: STATIC-BLOCKS.
                if block == around.block { None } else { unsafe { block.as_ref() } }
            });
            if let Some(task) = task.and_then(|block| NonNull::new(block.cell.get().cast_mut())) {
                // What its destructor has to add to the panic is second to it.
                let _ = panics::catch(|| kill(task.cast(), self.children));
            }
        }
        result
    }

    /// The loop over the ready children; `WATCHED`: a debugger is told.
    fn poll_children<const WATCHED: bool>(&self, until: Option<u32>, around: &Around) {
        while let Some((task, then)) = with(|state| self.next(state, until, around)) {
            let Then::Poll { waker, was_woken } = then else {
                match then {
                    Then::Free => free(task, self.children),
                    _ => self.kill(task),
                }
                continue;
            };
            if WATCHED && was_woken {
                hooks::step_begins(|| info(task));
            }
            // SAFETY: alive: NESTED-POLL.
            let header = unsafe { task.as_ref() };
            // SAFETY: not DONE, so FUTURE is set; NESTED-POLL: `self` is the proof.
            let outcome = unsafe { (header.vtable.poll)(task, &mut Context::from_waker(&waker)) };
            let is_ready = outcome.is_ready();
            let must_drop = with(|state| {
                state.check(task.as_ptr().cast());
                let must_drop = !is_ready && header.node.must_drop();
                if WATCHED || must_drop || is_ready {
                    around.restore(state);
                }
                must_drop
            });
            match outcome {
                Poll::Pending => {
                    if WATCHED {
                        hooks::step_ends();
                    }
                    if must_drop {
                        self.kill(task);
                    }
                }
                Poll::Ready(outcome) => self.end(task, outcome),
            }
        }
    }

    /// Takes the next child, of those that were woken before `until`. If it is to be polled, it is made the current task.
    #[inline(always)]
    fn next(&self, state: &State, until: Option<u32>, around: &Around) -> Option<(NonNull<Header>, Then)> {
        if self.last.get().is_null() && (until.is_some() || !(self.begins_at_once(state) || self.begins_anew(state))) {
            return None;
        }
        let last = self.last.get();
        let left = state.polls_left.get();
        // Each nursery that is polled polls at least one child, so that the way down to a
        // deep one doesn't use up the turn.
        if left == 0 && self.began.get() {
            return None;
        }
        let ready = &self.children().ready;
        if until.is_some_and(|until| ready.first().is_none_or(|first| is_before(until, first.queued_at.get()))) {
            return None;
        }
        let block = ready.pop()?;
        self.began.set(true);
        if ptr::eq(block, last) {
            self.last.set(ptr::null());
        }
        let was_woken = block.begin_poll();
        let task = NonNull::new(block.cell.get().cast_mut())?.cast::<Header>();
        // SAFETY: a queued block's cell is alive (`free`).
        let node = unsafe { &task.as_ref().node };
        if node.has(DONE | CANCELLED | CUT_OFF) && (node.has(DONE) || !node.is_active()) {
            around.restore(state);
            return Some((task, if node.has(DONE) { Then::Free } else { Then::Kill }));
        }
        state.polls_left.set(left.saturating_sub(1));
        make_current(state, task.as_ptr().cast_const().cast(), block);
        Some((task, Then::Poll { waker: waker::waker(block), was_woken }))
    }

    /// A child has ended by itself.
    fn end(&self, task: NonNull<Header>, outcome: Outcome) {
        // SAFETY: alive: NESTED-POLL.
        let header = unsafe { task.as_ref() };
        self.has_ended.set(true);
        if outcome == Outcome::Error {
            header.set(KILLED);
            header.node.set_end(Reason::Failed);
        }
        let ends_race = self.children().race.get() && !header.has(DAEMON);
        finish(task, self.children);
        if ends_race {
            self.children().closed.set(true);
            cancel_children(self.children, Reason::RaceWon);
        }
    }

    fn kill(&self, task: NonNull<Header>) {
        self.has_ended.set(true);
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

impl Drop for Polling<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.owes_wake.get()
            && let Some(task) = self.task
            && let Some(foreign) = with(|state| state.queue(task))
        {
            foreign.wake();
        }
    }
}

/// What is to be done with a child that was taken from the ready list.
enum Then {
    Poll {
        waker: ManuallyDrop<Waker>,
        was_woken: bool,
    },
    /// It was cancelled, and is dropped.
    Kill,
    /// It is over already.
    Free,
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
        let mut first_panic = Ok(());
        // Without `std` a panic can't be caught: the rest is dropped while it unwinds.
        struct Rest<'a>(&'a Close<'a>);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                drop(Close(self.0.0, self.0.1));
            }
        }
        let rest = Rest(self);
        if let Some(foreign) = foreign {
            first_panic = panics::catch(|| foreign.wake());
        }
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
        while let Some(block) = with(|_| children.ready.pop().inspect(|block| block.clear(QUEUED))) {
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
            // The results' destructors may have woken some, which keeps their cells.
            while with(|_| children.ready.pop().inspect(|block| block.clear(QUEUED))).is_some() {}
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
