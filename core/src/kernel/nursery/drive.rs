//! The poll of a nursery: its body where that was woken, and its children that are ready (law NESTED-POLL). The one loop for all
//! nurseries; what depends on their types is behind [`Body`].
//!
//! One pass polls the children that were ready when it began, each once (law FAIR), and then the body, if it was woken. Where
//! nothing else is ready, the way up to the runtime and down again would lead here without another poll; so the next pass
//! begins at once, for as many polls as the turn has left. The wait itself stays with the runtime: code around the nursery may
//! have begun something in this very poll.

use core::cell::Cell;
use core::mem::ManuallyDrop;
use core::ptr;
use core::task::{Context, Poll, Waker};

use super::cell::cancel_children;
use super::children::{BUSY, Children, LOOPS, NurseryRef};
use super::shuffle::reorder;
use crate::fault::fault;
use crate::kernel::context::{Context as Kernel, now, with};
use crate::kernel::emit::{self as hooks, Told};
use crate::kernel::foreign;
use crate::kernel::mask::masked;
use crate::kernel::scope::asking;
use crate::kernel::scope::cancel::cancel;
use crate::kernel::scope::entered::Entered;
use crate::kernel::scope::node::{CANCELLED, CUT_OFF, HOLD, Node};
use crate::kernel::task::cell::{DAEMON, KILLED, vtable};
use crate::kernel::task::header::{DIRECT, Header, IN_BODY, MANY, OVER, Outcome, TaskRef};
use crate::kernel::task::lifecycle::{finish, free, kill, make_current};
use crate::kernel::used::{DAEMONS, ENDS, HOLDS, NURSERIES, RACES};
use crate::kernel::waker::waker;
use crate::panics::{self, First, Payload};
use crate::reason::Reason;

/// What the loop asks of a nursery that depends on its types.
pub(crate) trait Body {
    /// Polls it, and drops it if it ends. Is it over?
    fn poll(&mut self, cx: &mut Context<'_>) -> bool;

    /// Drops it, which may be over, for a nursery that is cancelled.
    fn drop(&mut self);

    /// A child has panicked, if it is known which; else something in the nursery.
    fn panicked(&mut self, payload: Payload, child: Option<Told>);

    /// Is an error or a panic known, which the nursery ends with?
    fn has_failed(&self) -> bool;
}

/// What comes of a poll.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driven {
    Pending,
    /// Body and children are over.
    Over,
    /// The same, in code that is cancelled.
    OverInCancelled,
}

/// Polls a nursery.
pub(crate) fn drive(nursery: NurseryRef, body: &mut dyn Body, is_first: bool, cx: &mut Context<'_>) -> Driven {
    let (entered, is_fresh) = Entered::nursery(&nursery, cx);
    if is_fresh && !entered.is_cancelled() && !fault!("idle-dropped-once") {
        // It was cancelled where it was before, and is to be again.
        nursery.dropped_idle.set(false);
    }
    let polling = Polling::new(entered, nursery, is_first || is_fresh);
    // What is entered in cancelled code still runs to its first suspension.
    if !is_first && polling.entered.is_cancelled() {
        polling.begin_cancelled();
        polling.drop_idle(body, false);
    }
    match polling.passes(body, is_first, cx) {
        false => Driven::Pending,
        true if polling.entered.is_cancelled_around() => Driven::OverInCancelled,
        true => Driven::Over,
    }
}

/// What a poll of a nursery does next.
#[derive(PartialEq, Eq)]
enum Next {
    /// The body alone, for whom a child has ended.
    Body,
    Pass,
}

/// While this lives, the nursery is being polled: the proof that its children may be (NESTED-POLL).
pub(super) struct Polling<'a> {
    pub(super) entered: Entered<'a>,
    nursery: NurseryRef,
    outer: *const Children,
    /// The task around the nursery, if it is polled with that task's waker.
    task: Option<TaskRef>,
    /// What that was woken for.
    woken: Cell<u8>,
    /// The body must be polled whatever the counts say.
    is_fresh: Cell<bool>,
    /// A child has ended, or the body: there is more to do than to poll children.
    has_ended: Cell<bool>,
    /// The poll that this is a part of: its number, how much of its budget was spent, and what its task was woken for.
    around: Cell<(u32, u32, u8)>,
    /// A debugger is told of each poll.
    is_watched: bool,
}

impl<'a> Polling<'a> {
    fn new(entered: Entered<'a>, nursery: NurseryRef, is_fresh: bool) -> Self {
        NURSERIES.note();
        with(|context| {
            let task = context.task().filter(|task| ptr::eq(nursery.task.get(), task.as_ptr()));
            let woken = if task.is_some() { context.woken.get() } else { DIRECT };
            // Nothing but what is in here made its task ready…
            let mut alone = woken & (DIRECT | MANY | IN_BODY) == 0 && task.is_some_and(|task| !task.is_queued());
            let outer = context.nursery.get();
            // SAFETY: PINNED: a nursery that is being polled.
            if let Some(outer) = unsafe { outer.as_ref() } {
                // … and nothing but that task is ready around it; what an interrupt wakes there from now on sets `stop`.
                outer.wake.set(outer.wake.get() & !LOOPS);
                let is_only_one = outer.queue.is_empty() && !outer.is_body_awake() && context.stop.get() == 0;
                alone = alone && (outer.alone.get() && is_only_one || fault!("pass-forgets-the-others"));
            }
            alone = alone && !(hooks::is_on() && fault!("watched-turns-are-one-pass"));
            nursery.alone.set(alone);
            nursery.wake.set(woken & IN_BODY | BUSY | LOOPS);
            context.nursery.set(nursery.as_ptr());
            // Does this poll of its task come of a wake that the body has not seen? Who is polled by others can't know.
            let is_woken = task.is_none_or(|task| {
                let seen = (task.direct.get(), context.epoch.get());
                let before = nursery.seen.replace(seen);
                seen.0 != before.0 || seen.1.wrapping_sub(before.1) > 1
            });
            Polling {
                entered,
                nursery,
                outer,
                task,
                woken: Cell::new(woken),
                is_fresh: Cell::new(is_fresh || is_woken),
                has_ended: Cell::new(false),
                around: Cell::new((context.poll.get(), context.spent.get(), context.woken.get())),
                is_watched: hooks::is_on(),
            }
        })
    }

    /// That of a nursery that nothing is around, by its root task.
    #[cfg(not(feature = "std"))]
    pub(super) fn outermost(nursery: &'a NurseryRef, task: TaskRef) -> Self {
        with(|context| {
            nursery.task.set(task.as_ptr());
            nursery.node().parent.set(context.node.get());
            nursery.alone.set(true);
            nursery.wake.set(BUSY | LOOPS);
            context.nursery.set(nursery.as_ptr());
            Polling {
                entered: Entered::begin(context, nursery.as_ptr().cast(), nursery.node()),
                nursery: *nursery,
                outer: ptr::null(),
                task: Some(task),
                woken: Cell::new(0),
                is_fresh: Cell::new(false),
                has_ended: Cell::new(false),
                around: Cell::new((0, 0, 0)),
                is_watched: false,
            }
        })
    }

    /// Another turn begins for it, its task having been woken for this.
    #[cfg(not(feature = "std"))]
    #[inline]
    pub(super) fn begin_turn(&self, context: &Kernel, woken: u8) {
        context.node.set(self.entered.this);
        self.is_fresh.set(woken & DIRECT != 0);
        self.woken.set(woken);
        self.around.set((context.poll.get(), context.spent.get(), woken));
    }

    fn children(&self) -> &Children {
        &self.nursery
    }

    /// The passes that fit into this poll. Are body and children over?
    pub(super) fn passes(&self, body: &mut dyn Body, mut is_first: bool, cx: &mut Context<'_>) -> bool {
        let mut passes = true;
        loop {
            self.has_ended.set(false);
            // The children first: what they do as a deadline passes counts still for the body's last poll.
            let has_passed = passes && !is_first && self.pass(body);
            if self.take_wake_of_body() && (is_first || !self.entered.must_drop()) {
                self.poll_body(body, cx);
                if passes && !has_passed {
                    self.pass(body);
                }
            }
            is_first = false;
            let nursery = self.children();
            let is_left = nursery.running.get() != 0 && !fault!("daemon-left-alone");
            if DAEMONS.is() && nursery.body_is_over.get() && nursery.keeping.get() == 0 && is_left {
                self.cancel(Reason::BodyFinished);
            }
            if self.entered.is_cancelled() {
                self.end_cancelled(body, cx);
            }
            if nursery.running.get() == 0 && nursery.body_is_over.get() {
                return true;
            }
            match self.goes_on() {
                Some(next) => passes = next == Next::Pass,
                None => return false,
            }
        }
    }

    /// Is the body to be polled? Then all wakes so far are seen by that.
    fn take_wake_of_body(&self) -> bool {
        let nursery = self.children();
        let is_woken = self.is_fresh.replace(false);
        // In cancelled code who looks whether the rest answers may look twice in one poll of the task: what was asked in between has
        // woken it, and has to be polled before the second look.
        let is_asked = nursery.is_cancelled() && self.task.is_some_and(|task| with(|_| task.wake.get() & DIRECT != 0));
        let is_told = nursery.is_body_awake();
        nursery.body_is_awake.set(false);
        is_told || is_woken || is_asked || fault!("body-polled-for-nothing")
    }

    fn poll_body(&self, body: &mut dyn Body, cx: &mut Context<'_>) {
        if !self.nursery.body_is_over.get() {
            now(|context| context.woken.set(self.woken.get() | IN_BODY));
            let is_over = body.poll(cx);
            self.nursery.body_is_over.set(is_over);
            // What that means for the children is seen after this pass.
            self.has_ended.set(is_over);
            now(|context| context.woken.set(self.around.get().2));
        }
    }

    /// Polls the children that are ready; a panic of one is the nursery's. Was there any?
    fn pass(&self, body: &mut dyn Body) -> bool {
        let mut until = with(|context| {
            self.nursery.queue.last().inspect(|_| {
                // Each nursery that is polled polls at least one child, so that the way down to a deep one doesn't use up the turn.
                context.polls_left.set(context.polls_left.get().max(1));
            })
        });
        let is_any = until.is_some();
        while until.is_some() {
            match self.poll_children(&mut until) {
                Ok(()) => break,
                Err((payload, child)) => body.panicked(payload, child),
            }
        }
        is_any
    }

    /// Polls the children that are ready up to `until`, and goes on if nothing else is ready. Stops at a panic, which is returned
    /// with who a debugger is told it was of; the child that panicked is gone then, and the pass may be continued.
    fn poll_children(&self, until: &mut Option<TaskRef>) -> Result<(), (Payload, Option<Told>)> {
        let around = now(|context| context.task.get());
        let result = panics::catch(|| {
            *until = reorder(&self.nursery.queue, *until);
            while let Some(next) = with(|context| self.next(context, until)) {
                match next {
                    Taken::Poll(task, woken, waker) => self.poll_child(task, woken, &waker, around),
                    Taken::Kill(task) => {
                        self.leave_child(around);
                        self.kill(task);
                    }
                    Taken::Over(task) => {
                        // Its result is dropped by the nursery, not by the child that was polled before.
                        if !fault!("result-dropped-by-another") {
                            self.leave_child(around);
                        }
                        free(task, self.nursery);
                    }
                }
            }
            if now(|context| context.task.get()) != around {
                self.leave_child(around);
            }
        });
        result.map_err(|payload| {
            let task = now(|context| {
                context.nursery.set(self.nursery.as_ptr());
                context.task().filter(|task| !ptr::eq(task.as_ptr(), around))
            });
            self.leave_child(around);
            let who = task.map(|task| {
                let who = hooks::told(task);
                // What its destructor has to add to the panic is second to it.
                if let Err(second) = panics::catch(|| kill(task, self.nursery)) {
                    panics::dispose(second);
                }
                self.has_ended.set(true);
                who
            });
            (payload, who.flatten())
        })
    }

    /// The task around is the current one again.
    #[inline]
    fn leave_child(&self, around: *const Header) {
        now(|context| {
            context.node.set(self.entered.this);
            context.task.set(around);
            let (poll, spent, woken) = self.around.get();
            context.woken.set(woken);
            context.poll.set(poll);
            context.spent.set(spent);
        });
    }

    #[inline(always)]
    fn poll_child(&self, task: TaskRef, woken: u8, waker: &Waker, around: *const Header) {
        let is_watched = cfg!(feature = "hooks") && self.is_watched;
        if is_watched && woken & DIRECT != 0 {
            hooks::poll_begins(woken);
            hooks::step_begins();
        }
        // SAFETY: not over, so FUTURE is set; NESTED-POLL: `self` is the proof.
        let outcome = unsafe { (vtable(task).poll)(task, &mut Context::from_waker(waker)) };
        now(|context| context.check(task.as_ptr().cast()));
        match outcome {
            Poll::Ready(outcome) if ENDS.is() => {
                self.leave_child(around);
                self.end(task, outcome);
            }
            _ if is_watched || task.node.is_cancelled() => self.left_pending(task, waker, around),
            _ => {}
        }
    }

    /// The poll of a child that is watched or cancelled has ended.
    #[cold]
    fn left_pending(&self, task: TaskRef, waker: &Waker, around: *const Header) {
        let must_kill = task.node.is_cancelled() && must_kill(task, waker);
        self.leave_child(around);
        hooks::step_ends();
        if must_kill {
            self.kill(task);
        }
    }

    /// Takes the next child of this pass, or of the next, if that may begin. If it is to be polled, it is made the current task.
    #[inline(always)]
    fn next(&self, context: &Kernel, until: &mut Option<TaskRef>) -> Option<Taken> {
        let nursery = self.children();
        let task = nursery.queue.first()?;
        let last = match *until {
            Some(last) => last,
            None => {
                if !nursery.alone.get() || context.stop.get() != 0 || self.has_ended.get() || nursery.is_body_awake() {
                    return None;
                }
                nursery.queue.last()?
            }
        };
        // What is left then is another turn's.
        let left = context.polls_left.get().checked_sub((!fault!("turn-without-end")).into())?;
        context.polls_left.set(left);
        let woken = masked(|| {
            nursery.queue.pop_first(task);
            let woken = task.wake.get();
            // What is over stays as if it were queued.
            task.wake.set(if woken & OVER == 0 { 0 } else { woken & !OVER });
            woken
        });
        *until = if task.is(last) && !fault!("newcomers-in-the-same-pass") { None } else { Some(last) };
        if woken & OVER != 0 {
            return Some(Taken::Over(task));
        }
        let node = &task.node;
        if nursery.is_cancelled() || node.is_cancelled() {
            node.put(CUT_OFF, nursery.is_cancelled());
            if node.must_drop() {
                return Some(Taken::Kill(task));
            }
            if node.has(CANCELLED) {
                asking::begin(context, node);
            }
        }
        if woken & DIRECT != 0 {
            context.count_direct(task);
        }
        make_current(context, task, woken);
        Some(Taken::Poll(task, woken, waker(task)))
    }

    /// A child has ended by itself.
    fn end(&self, task: TaskRef, outcome: Outcome) {
        self.has_ended.set(true);
        if outcome == Outcome::Error {
            task.set(KILLED);
            task.node.set_end(Reason::Failed);
        }
        let ends_race = RACES.is() && self.nursery.race.get() && !task.has(DAEMON);
        finish(task, self.nursery);
        if ends_race {
            self.nursery.closed.set(true);
            cancel_children(self.nursery, Reason::RaceWon);
        }
    }

    fn kill(&self, task: TaskRef) {
        self.has_ended.set(true);
        kill(task, self.nursery);
    }

    /// May the nursery go on within this poll, and with what?
    fn goes_on(&self) -> Option<Next> {
        now(|context| {
            let nursery = self.children();
            let left = context.polls_left.get();
            if left == 0 || nursery.is_cancelled() {
                return None;
            }
            let passes = nursery.alone.get() && context.stop.get() == 0;
            if nursery.is_body_awake() {
                // A body's poll counts too, else one that has its children end at once would keep the loop.
                context.polls_left.set(left - 1);
                context.spent.set(0);
                return Some(if passes { Next::Pass } else { Next::Body });
            }
            (passes && !nursery.queue.is_empty()).then_some(Next::Pass)
        })
    }

    /// Cancels the nursery itself.
    fn cancel(&self, reason: Reason) {
        // SAFETY: alive while it is polled, and made from the whole.
        unsafe { cancel(self.entered.this, reason) };
    }

    /// A poll of the nursery begins, which was cancelled before.
    fn begin_cancelled(&self) {
        if self.entered.node.has(CANCELLED) {
            with(|context| asking::begin(context, self.entered.node));
        }
    }

    /// A poll of the nursery ends, which is cancelled.
    #[cold]
    fn end_cancelled(&self, body: &mut dyn Body, cx: &Context<'_>) {
        self.drop_idle(body, false);
        if self.is_forsaken(cx) {
            self.drop_idle(body, true);
        }
        let node = self.entered.node;
        // While shields inside are at work, an error that is known holds the scopes around: they would drop it. A scope that is
        // active counts already, and the end of its node counts down.
        if node.is_active() && body.has_failed() {
            HOLDS.note();
            with(|_| node.set(HOLD));
        }
        // Children that the turn has left over are a wake like any other for the scopes around that look whether they are at rest.
        if with(|_| node.is_active() && !self.nursery.queue.is_empty()) {
            cx.waker().wake_by_ref();
        }
    }

    /// The nursery is cancelled: drops the body and all children but those in which a shield is at work, and these too if it is
    /// forsaken.
    fn drop_idle(&self, body: &mut dyn Body, is_forsaken: bool) {
        if !self.nursery.body_is_over.get() && (is_forsaken || !self.body_is_active()) {
            if !self.entered.node.has(CANCELLED) {
                self.nursery.cut_short.set(true);
            }
            self.nursery.body_is_over.set(true);
            body.drop();
        }
        if let Err(payload) = self.drop_idle_children(is_forsaken) {
            body.panicked(payload, None);
        }
    }

    fn drop_idle_children(&self, is_forsaken: bool) -> Result<(), Payload> {
        let mut first = First::new();
        // Once is enough: a child whose shields end later is woken and dropped in its own turn.
        if self.nursery.dropped_idle.replace(true) && self.entered.node.is_active() && !is_forsaken {
            return Ok(());
        }
        self.nursery.each(|task| {
            if !task.is_done() && (is_forsaken || !task.node.is_active()) {
                first.catch(|| self.kill(task));
            }
        });
        first.into_result()
    }

    /// Is a shield at work in the body (not in a child)?
    fn body_is_active(&self) -> bool {
        with(|_| self.entered.node.has_active_inside())
    }

    /// Is it cancelled, at rest, and held by what nobody polls?
    fn is_forsaken(&self, cx: &Context<'_>) -> bool {
        let (node, nursery) = (self.entered.node, self.children());
        if !node.has(CANCELLED) || with(|_| !node.is_active()) {
            return false;
        }
        let is_at_rest = with(|_| nursery.queue.is_empty() && !nursery.is_body_awake())
            && match self.task {
                Some(task) => with(|_| task.wake.get() & DIRECT == 0),
                None => asking::is_task_at_rest(),
            };
        // SAFETY: alive while it is polled, and made from the whole.
        unsafe { asking::is_forsaken(self.entered.this, is_at_rest.then_some(&nursery.looked_at), cx.waker()) }
    }
}

impl Drop for Polling<'_> {
    /// In one step with the look at the queue: a wake by an interrupt either is seen here, or sees that nobody polls.
    fn drop(&mut self) {
        foreign::wake(with(|context| {
            context.nursery.set(self.outer);
            // SAFETY: PINNED: a nursery that is being polled.
            if let Some(outer) = unsafe { self.outer.as_ref() } {
                outer.wake.set(outer.wake.get() | LOOPS);
            }
            let nursery = self.children();
            masked(|| {
                nursery.wake.set(nursery.wake.get() & IN_BODY);
                let is_ready = !nursery.queue.is_empty() && !fault!("leftovers-stay") || nursery.is_body_awake();
                if is_ready { context.tell(nursery) } else { None }
            })
        }));
    }
}

/// A child that was taken from the run queue.
enum Taken {
    Poll(TaskRef, u8, ManuallyDrop<Waker>),
    /// It was cancelled, and is dropped.
    Kill(TaskRef),
    /// It is over already.
    Over(TaskRef),
}

impl Kernel {
    /// A task is polled for a direct wake.
    #[inline]
    pub(crate) fn count_direct(&self, task: TaskRef) {
        if NURSERIES.is() {
            task.direct.set(task.direct.get().wrapping_add(1));
        }
    }
}

/// A poll of this cancelled child has ended. Does nothing hold it, or nothing that anybody polls?
#[cold]
fn must_kill(task: TaskRef, waker: &Waker) -> bool {
    let node = &task.node;
    if with(|_| node.must_drop()) {
        return true;
    }
    let is_at_rest = with(|_| !task.is_queued());
    // SAFETY: alive: NESTED-POLL.
    node.has(CANCELLED)
        && unsafe { asking::is_forsaken(task.as_ptr().cast::<Node>(), is_at_rest.then_some(&Cell::new(0)), waker) }
}
