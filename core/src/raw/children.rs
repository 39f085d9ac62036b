//! A nursery's children: all that polls and drops them (law NESTED-POLL).
//!
//! [`Polling`] exists while the nursery is polled and is the proof that its children may be;
//! [`Close`](super::close::Close) ends what is left when the nursery is dropped. Nobody else polls, drops or frees one.

use core::cell::Cell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::ptr::{self, NonNull};
use core::task::{Context, Poll, Waker};

use super::asking;
use super::block::{Block, QUEUED, ReadyList, is_before};
use super::cancelling;
use super::cell::{Around, DAEMON, Header, KILLED, Outcome, finish, free, kill, make_current};
use super::foreign;
use super::node::{CANCELLED, CUT_OFF, DONE, Entered, HOLD, NURSERY, Node, POLLING, Scoped, TASK};
use super::port::{now, with};
use super::state::State;
use super::waker;
use crate::cancel::Reason;
use crate::hooks::{self, Told};
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
    pub(super) seen: Cell<u16>,
    race: Cell<bool>,
    pub(super) closed: Cell<bool>,
    /// The idle children were dropped since the nursery is cancelled.
    pub(super) dropped_idle: Cell<bool>,
    /// The body must be polled whatever the count of wakes says: it has come round.
    pub(super) is_fresh: Cell<bool>,
    /// For [`asking`]: when it was at rest last, cancelled.
    looked_at: Cell<u32>,
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
            is_fresh: Cell::new(false),
            looked_at: Cell::new(0),
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
        cancelling::prepare();
        self.race.set(true);
    }

    /// Is the nursery cancelled, by itself or from outside?
    pub(crate) fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Holds the scopes around, as its shields do: what it has come to is not delivered yet. A scope that is active counts
    /// already, and the end of its node counts down.
    pub(crate) fn hold(&self) {
        debug_assert!(self.node.is_active());
        with(|_| self.node.set(HOLD));
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
    pub(super) task: Option<&'static Block>,
    /// The body must be polled whatever the count says: it has another waker now, or the count has come round.
    is_fresh: Cell<bool>,
    /// The last entry of the ready list that this pass may still take; null: none.
    pub(super) last: Cell<*const Block>,
    /// The pass takes no child that was woken later.
    until: Cell<Option<u32>>,
    /// A child was taken already.
    pub(super) began: Cell<bool>,
    /// A child has ended: there is more to do than to poll children.
    pub(super) has_ended: Cell<bool>,
    /// Where `take_only` may take a child: the nursery's task, if the nursery is known to be alone and no child has ended…
    pub(super) takes_only: Cell<Option<&'static Block>>,
    /// … and this is the first wake of the thread since.
    pub(super) next_wake: Cell<u32>,
    /// In a burst there was nothing ready but in this nursery…
    pub(super) is_known_alone: Cell<bool>,
    /// … after so many wakes of others.
    pub(super) others_at: Cell<u32>,
    /// The task was taken from its ready list.
    pub(super) owes_wake: Cell<bool>,
    _nursery: PhantomData<&'a Children>,
}

impl<'a> Polling<'a> {
    /// Starts a poll of the nursery.
    #[inline]
    pub(crate) fn new<'scope, 'env: 'scope, E: 'env, S: Storage + 'env>(
        scope: Pin<&'a Scope<'scope, 'env, E, S>>,
        cx: &mut Context<'_>,
    ) -> Self {
        let children: &'a Children = scope.get_ref().children();
        let task = now(|now| waker::block_of_current(now, cx.waker()));
        let (entered, (is_fresh, last)) =
            Entered::with(scope, cx, |_| (children.is_fresh.replace(false), children.ready.last()));
        Polling {
            is_fresh: Cell::new(is_fresh || entered.fresh_waker),
            task,
            entered,
            children: NonNull::from(scope.get_ref()).cast(),
            last: Cell::new(last),
            until: Cell::new(None),
            began: Cell::new(false),
            has_ended: Cell::new(false),
            takes_only: Cell::new(None),
            next_wake: Cell::new(0),
            is_known_alone: Cell::new(false),
            others_at: Cell::new(0),
            owes_wake: Cell::new(false),
            _nursery: PhantomData,
        }
    }

    pub(super) fn children(&self) -> &'a Children {
        // SAFETY: borrowed for `'a`, and a `Scope` starts with it (WHOLE-POINTER).
        unsafe { self.children.as_ref() }
    }

    /// Notes that the body is about to be polled: all wakes so far are seen by that.
    #[inline]
    pub(crate) fn begin_body(&self) {
        self.is_fresh.set(false);
        if let Some(task) = self.task {
            self.children().seen.set(with(|_| task.look_at_wakes()));
        }
    }

    /// Was the body's task woken before every child that is still ready?
    #[inline]
    pub(crate) fn body_is_next(&self) -> bool {
        // SAFETY: STATIC-BLOCKS.
        let task = now(|now| unsafe { now.block.get().as_ref() });
        with(|_| {
            let Some(first) = self.children().ready.first() else { return true };
            task.is_some_and(|task| is_before(task.queued_at.get(), first.queued_at.get()))
        })
    }

    /// Notes what is ready now: one pass polls that and no more (law FAIR).
    #[inline]
    pub(crate) fn start_pass(&self) {
        with(|_| self.begin_pass());
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
    ///
    /// If not, this poll is over, and asks for another one if children are ready.
    #[inline]
    pub(crate) fn go_on(&self) -> bool {
        let over = with(|state| if self.goes_on(state) { None } else { Some(self.asks_again(state)) });
        let Some(foreign) = over else { return true };
        if let Some(foreign) = foreign {
            foreign.wake();
        }
        false
    }

    /// This poll is over.
    pub(crate) fn leave(&self) {
        if let Some(foreign) = with(|state| self.asks_again(state)) {
            foreign.wake();
        }
    }

    /// In one step with the look at the list: a wake by an interrupt either is seen here, or sees that nobody polls.
    #[cfg_attr(feature = "std", inline)]
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn asks_again(&self, state: &State) -> Option<Waker> {
        self.entered.node.clear(POLLING);
        if self.children().ready.is_empty() {
            return None;
        }
        state.climb(self.children())
    }

    /// Notes what is ready now. Inside `with`.
    #[inline]
    pub(super) fn begin_pass(&self) {
        self.last.set(self.children().ready.last());
        self.began.set(false);
    }

    /// May the body have been woken since it was last polled?
    #[inline]
    pub(crate) fn body_may_be_ready(&self) -> bool {
        self.is_fresh.get() || self.task.is_none_or(|task| self.is_body_woken(task))
    }

    #[inline]
    pub(super) fn is_body_woken(&self, task: &'static Block) -> bool {
        task.direct.get() != self.children().seen.get()
    }

    /// When the task around the nursery was woken: the body's turn comes after the children that
    /// were woken before that.
    #[inline]
    pub(crate) fn bodys_turn(&self) -> u32 {
        now(|now| now.since.get())
    }

    /// Are there children that this pass may still take?
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        !self.last.get().is_null()
    }

    /// Polls the ready children in the order of their wakes, all or those that were woken before `until`. Stops at a
    /// panic, which is returned with who a debugger is told it was of; the child that panicked is gone then, and the pass
    /// may be continued.
    #[inline]
    pub(crate) fn pass(&self, until: Option<u32>) -> Result<(), (Payload, Option<Told>)> {
        self.until.set(until);
        if until.is_some() {
            // The next pass is not for this call to begin.
            self.takes_only.set(None);
        }
        let around = now(Around::new);
        #[cfg(feature = "std")]
        if let Some(chance) = super::root::chance() {
            self.last.set(super::shuffle::shuffle(&self.children().ready, self.last.get(), chance));
        }
        let result = panics::catch(|| match hooks::is_on() {
            true => self.poll_children::<true>(&around),
            false => self.poll_children::<false>(&around),
        });
        result.map_err(|payload| {
            let task = now(|now| {
                let block = now.block.get();
                around.restore(now);
                // SAFETY: STATIC-BLOCKS.
                if block == around.block { None } else { unsafe { block.as_ref() } }
            });
            let task = task.and_then(|block| NonNull::new(with(|_| block.cell.get()).cast_mut()));
            let who = task.map(|task| {
                let who = hooks::told(task.cast());
                // What its destructor has to add to the panic is second to it.
                if let Err(second) = panics::catch(|| kill(task.cast(), self.children)) {
                    panics::dispose(second);
                }
                who
            });
            (payload, who.flatten())
        })
    }

    /// The loop over the ready children; `WATCHED`: a debugger is told.
    fn poll_children<const WATCHED: bool>(&self, around: &Around) {
        while let Some((task, then)) = with(|state| self.next(state, around)) {
            let Then::Poll { waker, was_woken } = then else {
                match then {
                    Then::Free => free(task, self.children),
                    _ => self.kill(task),
                }
                continue;
            };
            if WATCHED && was_woken {
                hooks::step_begins();
            }
            // SAFETY: alive: NESTED-POLL.
            let header = unsafe { task.as_ref() };
            // SAFETY: not DONE, so FUTURE is set; NESTED-POLL: `self` is the proof.
            let outcome = unsafe { (header.vtable.poll)(task, &mut Context::from_waker(&waker)) };
            let is_ready = outcome.is_ready();
            now(|now| now.check(task.as_ptr().cast()));
            let must_drop = !is_ready && header.node.is_cancelled() && must_kill(header, &waker);
            if WATCHED || must_drop || is_ready {
                now(|now| around.restore(now));
            }
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

    /// Takes the next child of this pass. If it is to be polled, it is made the current task.
    #[inline(always)]
    fn next(&self, state: &State, around: &Around) -> Option<(NonNull<Header>, Then)> {
        let left = state.now.polls_left.get();
        let (block, left) = if !self.last.get().is_null() {
            (self.take(left)?, left.saturating_sub(1))
        } else if let Some(taken) = self.take_only(state, left) {
            taken
        } else if self.until.get().is_none() && !self.has_ended.get() && self.begins_anew(state) {
            (self.take(left)?, left.saturating_sub(1))
        } else {
            return None;
        };
        let was_woken = block.begin_poll();
        // SAFETY: a queued block's cell is alive (`free`).
        let (task, header) = unsafe {
            let task = NonNull::new_unchecked(block.cell.get().cast_mut()).cast::<Header>();
            (task, task.as_ref())
        };
        let node = &header.node;
        if node.has(DONE | CANCELLED | CUT_OFF) {
            if node.has(DONE) || !node.is_active() {
                around.restore(&state.now);
                return Some((task, if node.has(DONE) { Then::Free } else { Then::Kill }));
            }
            if node.has(CANCELLED) {
                asking::begin(state, node);
            }
        }
        state.now.polls_left.set(left);
        make_current(&state.now, task.as_ptr().cast_const().cast(), block, block.queued_at.get());
        Some((task, Then::Poll { waker: waker::waker(block), was_woken }))
    }

    /// Takes the next of this pass out of the ready list.
    #[inline(always)]
    fn take(&self, polls_left: u32) -> Option<&'static Block> {
        // Each nursery that is polled polls at least one child, so that the way down to a
        // deep one doesn't use up the turn.
        if polls_left == 0 && self.began.get() {
            return None;
        }
        let (ready, until) = (&self.children().ready, self.until.get());
        if until.is_some_and(|until| ready.first().is_none_or(|first| is_before(until, first.queued_at.get()))) {
            return None;
        }
        let block = ready.pop()?;
        self.began.set(true);
        if ptr::eq(block, self.last.get()) {
            self.last.set(ptr::null());
        }
        Some(block)
    }

    /// There is more to do than to poll children.
    fn note_end(&self) {
        self.has_ended.set(true);
        self.takes_only.set(None);
    }

    /// A child has ended by itself.
    fn end(&self, task: NonNull<Header>, outcome: Outcome) {
        // SAFETY: alive: NESTED-POLL.
        let header = unsafe { task.as_ref() };
        self.note_end();
        if outcome == Outcome::Error {
            header.set(KILLED);
            header.node.set_end(Reason::Failed);
        }
        let ends_race = self.children().race.get() && !header.has(DAEMON);
        finish(task, self.children);
        if ends_race {
            self.children().closed.set(true);
            if let Some(ways) = now(cancelling::ways) {
                (ways.cancel_children)(self.children, Reason::RaceWon);
            }
        }
    }

    pub(super) fn kill(&self, task: NonNull<Header>) {
        self.note_end();
        kill(task, self.children);
    }

    /// Cancels the nursery itself.
    pub(crate) fn cancel(&self, reason: Reason) {
        if let Some(ways) = now(cancelling::ways) {
            // SAFETY: alive while it is polled, and made from the whole.
            unsafe { (ways.cancel)(self.children.as_ptr().cast_const().cast(), reason) };
        }
    }

    /// The nursery is cancelled: drops all children but those in which a shield is at work, and these too if it is forsaken.
    pub(crate) fn drop_idle(&self, is_forsaken: bool) -> Result<(), Payload> {
        now(cancelling::ways).map_or(Ok(()), |ways| (ways.drop_idle)(self, is_forsaken))
    }

    /// A poll of the nursery begins, which was cancelled before.
    pub(crate) fn begin_cancelled(&self) {
        if self.entered.node.has(CANCELLED) {
            with(|state| asking::begin(state, self.entered.node));
        }
    }

    /// A poll of the nursery ends, which is cancelled. Children that the turn has left over are a wake like any other for
    /// the scopes around that look whether they are at rest.
    pub(crate) fn end_cancelled(&self, cx: &Context<'_>) {
        if with(|_| self.entered.node.is_active() && !self.children().ready.is_empty()) {
            cx.waker().wake_by_ref();
        }
    }

    /// Is it cancelled, at rest, and held by what nobody polls?
    pub(crate) fn is_forsaken(&self, cx: &Context<'_>) -> bool {
        let node = self.entered.node;
        if !node.has(CANCELLED) || with(|_| !node.is_active()) {
            return false;
        }
        let is_at_rest = with(|_| self.children().ready.is_empty())
            && match self.task {
                Some(_) => !self.body_may_be_ready(),
                None => asking::is_task_at_rest(),
            };
        asking::is_forsaken(node, is_at_rest.then_some(&self.children().looked_at), cx.waker())
    }

    /// Is a shield at work in the body (not in a child)? Asked when the nursery is cancelled.
    pub(crate) fn body_is_active(&self) -> bool {
        now(cancelling::ways).is_some_and(|ways| (ways.body_is_active)(self))
    }
}

impl Drop for Polling<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.owes_wake.get()
            && let Some(task) = self.task
        {
            foreign::wake(with(|state| state.queue(task)));
        }
    }
}

/// A poll of this cancelled child has ended. Does nothing hold it, or nothing that anybody polls?
#[cold]
fn must_kill(header: &Header, waker: &Waker) -> bool {
    let is_at_rest = header.block.get().is_some_and(|block| with(|_| !block.has(QUEUED)));
    with(|_| header.node.must_drop())
        || header.node.has(CANCELLED) && asking::is_forsaken(&header.node, is_at_rest.then_some(&Cell::new(0)), waker)
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

impl<'scope, 'env: 'scope, E: 'env, S: 'env> Scope<'scope, 'env, E, S> {
    /// Cancels the nursery itself.
    pub(crate) fn cancel_self(&self, reason: Reason) {
        // SAFETY: alive, pinned by `nursery` before anyone sees it, and made from the whole.
        unsafe { cancelling::cancel(ptr::from_ref(self).cast(), reason) };
    }

    /// Why the nursery takes no more children.
    pub(crate) fn closing_reason(&self) -> Reason {
        with(|state| state.reason_at(ptr::from_ref(self).cast())).unwrap_or(Reason::RaceWon)
    }

    /// Cancels each child that runs.
    pub(crate) fn cancel_each_child(&self, reason: Reason) {
        cancelling::cancel_children(NonNull::from(self).cast(), reason);
    }
}

/// The task that this node starts, if it is one and not over.
pub(super) fn running_task(node: *const Node) -> Option<NonNull<Header>> {
    let node = NonNull::new(node.cast_mut())?;
    // SAFETY: PINNED: the callers take it from a list.
    if !unsafe { node.as_ref() }.has(TASK) {
        return None;
    }
    // SAFETY: a task's node starts its header (WHOLE-POINTER).
    let header = unsafe { node.cast::<Header>().as_ref() };
    if header.is_done() { None } else { Some(node.cast()) }
}

// SAFETY: `repr(C)`, and `Children`, which starts with a node, comes first; a `Scope` is handed
// out only pinned, by `nursery`.
unsafe impl<'scope, 'env: 'scope, E: 'env, S: 'env> Scoped for Scope<'scope, 'env, E, S> {}

impl core::fmt::Debug for Children {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Children").field("running", &self.running.get()).finish_non_exhaustive()
    }
}
