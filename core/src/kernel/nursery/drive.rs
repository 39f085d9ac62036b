//! The poll of a nursery: its body where that was woken, and its children that are ready (law NESTED-POLL). The one loop for
//! all nurseries; what depends on their types is behind [`Body`].
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
use crate::kernel::context::{Around, Context as Kernel, now, with};
use crate::kernel::emit::{self as hooks, Told};
use crate::kernel::foreign;
use crate::kernel::mask::within;
use crate::kernel::scope::asking::{self, Rest};
use crate::kernel::scope::cancel::cancel;
use crate::kernel::scope::entered::{is_known, place_nursery};
use crate::kernel::scope::node::{CANCELLED, CUT_OFF, DONE, Node};
use crate::kernel::task::cell::{DAEMON, KILLED, vtable};
use crate::kernel::task::header::{DIRECT, IN_BODY, MANY, OVER, Outcome, TaskRef};
use crate::kernel::task::lifecycle::{finish, free, kill};
use crate::kernel::used::{CANCELS, DAEMONS, ENDS, NURSERIES, RACES};
use crate::kernel::wake::tell;
use crate::kernel::waker::waker;
use crate::panics::{self, Payload};
use crate::reason::Reason;

/// What the loop asks of a nursery that depends on its types.
pub(crate) trait Body {
    /// Polls it, and drops it if it ends. Is it over?
    fn poll(&mut self, cx: &mut Context<'_>) -> bool;

    /// Drops it, which may be over, for a nursery that is cancelled.
    fn drop(&mut self);

    /// A child has panicked, if it is known which; else something in the nursery.
    fn panicked(&mut self, payload: Payload, child: Option<Told>);

    /// The nursery takes no more children: who waits for room for one need not.
    fn closed(&mut self);

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
    let polling = Polling::begin(nursery, is_first, cx);
    match polling.passes(body, is_first, cx) {
        false => Driven::Pending,
        true if polling.is_cancelled_around() => Driven::OverInCancelled,
        true => Driven::Over,
    }
}

/// What a poll of a nursery does next.
#[derive(PartialEq, Eq)]
enum Next {
    /// The body, for the first time, and then the children.
    First,
    /// The children that are ready, and the body if it was woken.
    Pass,
    /// The children alone, which are ready since the body was polled.
    Children,
    /// The body alone, for whom a child has ended.
    Body,
}

/// While this lives, the nursery is being polled: the proof that its children may be (NESTED-POLL).
pub(super) struct Polling {
    pub(super) nursery: NurseryRef,
    /// The code around it.
    around: Cell<Around>,
    /// What the task has spent so far, in the nursery's body too.
    spent: Cell<u32>,
    /// The nursery around it.
    outer: *const Children,
    /// The task around the nursery, if it is polled with that task's waker.
    pub(super) task: Option<TaskRef>,
    /// What that was woken for.
    woken: Cell<u8>,
    /// The body must be polled whatever its children do.
    is_woken: Cell<bool>,
    /// A child has ended, or the body: there is more to do than to poll children.
    has_ended: Cell<bool>,
    /// A race is decided.
    has_closed: Cell<bool>,
}

impl Polling {
    fn begin(nursery: NurseryRef, is_first: bool, cx: &mut Context<'_>) -> Self {
        NURSERIES.note();
        let is_known = with(|context| is_known(context, &nursery, cx.waker()));
        if !is_known {
            place_nursery(nursery, cx);
        }
        with(|context| Self::new(context, nursery, is_first || !is_known))
    }

    fn new(context: &Kernel, nursery: NurseryRef, is_fresh: bool) -> Self {
        let around = Around::new(context);
        // It was placed: that is the present one's, if it is known.
        let task = nursery.poller();
        let woken = if task.is_some() { around.woken } else { DIRECT };
        // Nothing but what is in here made its task ready…
        let mut alone = woken & (DIRECT | MANY | IN_BODY) == 0;
        let outer = context.nursery.get();
        // … and nothing but that task is ready around it. What becomes so later, stops it (`Context::stop`).
        // SAFETY: PINNED: a nursery that is being polled.
        match unsafe { outer.as_ref() } {
            Some(outer) => {
                let is_only_one = outer.alone.get() && outer.queue.is_empty() && !outer.is_body_awake();
                alone = alone && (is_only_one || fault!("pass-forgets-the-others"));
                outer.wake.set(outer.wake.get() & !LOOPS);
            }
            None => alone = alone && task.is_some_and(|task| !task.is_queued()),
        }
        alone = alone && !(hooks::is_on() && fault!("watched-turns-are-one-pass"));
        nursery.alone.set(alone);
        nursery.wake.set(woken & IN_BODY | BUSY | LOOPS);
        context.nursery.set(nursery.as_ptr());
        context.node.set(nursery.as_ptr().cast());
        let is_woken = task.is_none_or(|task| is_woken(context, &nursery, task)) || is_fresh;
        let (is_woken, has_ended, has_closed) = (Cell::new(is_woken), Cell::new(false), Cell::new(false));
        let (spent, woken, around) = (Cell::new(around.spent), Cell::new(woken), Cell::new(around));
        Polling { nursery, around, spent, outer, task, woken, is_woken, has_ended, has_closed }
    }

    /// That of a nursery that nothing is around, by its root task, which is the running one.
    #[cfg(not(feature = "std"))]
    pub(super) fn outermost(nursery: NurseryRef, task: TaskRef) -> Self {
        with(|context| {
            let around = Around::new(context);
            nursery.task.set(task.as_ptr());
            let left = context.relink(nursery.as_ptr().cast(), around.node);
            debug_assert!(left.is_none(), "it was nowhere so far");
            nursery.alone.set(true);
            nursery.wake.set(BUSY | LOOPS);
            context.nursery.set(nursery.as_ptr());
            Polling {
                nursery,
                around: Cell::new(around),
                spent: Cell::new(0),
                outer: ptr::null(),
                task: Some(task),
                woken: Cell::new(0),
                is_woken: Cell::new(false),
                has_ended: Cell::new(false),
                has_closed: Cell::new(false),
            }
        })
    }

    /// Another turn begins for that, its task having been woken for this.
    #[cfg(not(feature = "std"))]
    pub(super) fn begin_turn(&self, context: &Kernel, woken: u8) {
        self.around.set(Around { poll: context.poll.get(), woken, ..self.around.get() });
        self.spent.set(0);
        self.woken.set(woken);
        self.is_woken.set(woken & DIRECT != 0);
    }

    pub(super) fn children(&self) -> &Children {
        &self.nursery
    }

    /// The passes that fit into this poll. Are body and children over?
    pub(super) fn passes(&self, body: &mut dyn Body, is_first: bool, cx: &mut Context<'_>) -> bool {
        let nursery = self.children();
        // What is entered in cancelled code still runs to its first suspension.
        if !is_first && nursery.is_cancelled() {
            self.begin_cancelled(body);
        }
        let mut next = if is_first { Next::First } else { Next::Pass };
        loop {
            // The children first: what they do as a deadline passes counts still for the body's last poll.
            let has_passed = match next {
                Next::Pass | Next::Children => self.pass(body),
                Next::First | Next::Body => next == Next::Body,
            };
            if next != Next::Children && self.take_wake_of_body() && (next == Next::First || !self.must_drop()) {
                self.poll_body(body, cx);
                if !has_passed {
                    // Those that it has made ready are polled before anybody looks at what has ended.
                    next = Next::Children;
                    continue;
                }
            }
            if (nursery.body_is_over.get() || nursery.is_cancelled()) && self.is_over(body, cx) {
                return true;
            }
            match self.goes_on() {
                Some(then) => next = then,
                None => return false,
            }
        }
    }

    /// Is it cancelled, with nothing left inside that must run on?
    fn must_drop(&self) -> bool {
        with(|_| self.nursery.node().must_drop())
    }

    /// Is the code around the nursery cancelled?
    fn is_cancelled_around(&self) -> bool {
        // SAFETY: PINNED: the scope around a scope that is being polled.
        with(|_| unsafe { self.around.get().node.as_ref() }.is_some_and(Node::is_cancelled))
    }

    /// Is the body to be polled? Then all wakes so far are seen by that.
    fn take_wake_of_body(&self) -> bool {
        let nursery = self.children();
        // Polled by others, nobody knows what for.
        let is_woken = self.is_woken.replace(self.task.is_none());
        nursery.take_wake_of_body()
            || is_woken
            || nursery.is_cancelled() && self.is_asked()
            || fault!("body-polled-for-nothing")
    }

    /// In cancelled code who looks whether the rest answers may look twice in one poll of the task: what was asked in between
    /// has woken it, and has to be polled before the second look.
    #[cold]
    fn is_asked(&self) -> bool {
        self.task.is_some_and(|task| with(|_| task.wake.get() & DIRECT != 0))
    }

    fn poll_body(&self, body: &mut dyn Body, cx: &mut Context<'_>) {
        if !self.nursery.body_is_over.get() {
            self.leave_child();
            let is_over = body.poll(cx);
            now(|context| {
                context.check(self.node_ptr());
                self.spent.set(context.spent.get());
            });
            self.nursery.body_is_over.set(is_over);
            // What that means for the children is seen after this pass.
            self.has_ended.set(is_over);
        }
    }

    /// Polls the children that are ready; a panic of one is the nursery's. Was there any?
    fn pass(&self, body: &mut dyn Body) -> bool {
        let mut until = with(|_| self.nursery.queue.last());
        let is_any = until.is_some();
        while until.is_some() {
            match self.poll_children(&mut until) {
                Ok(()) => break,
                Err((payload, child)) => tell_of_panic(body, payload, child),
            }
            if !now(Kernel::has_polls_left) {
                break;
            }
        }
        if RACES.is() && self.has_closed.take() {
            self.leave_child();
            body.closed();
        }
        is_any
    }

    /// Polls the children that are ready up to `until`, and goes on if nothing else is ready. Stops at a panic, which is
    /// returned with who a debugger is told it was of; the child that panicked is gone then, and the pass may be continued.
    fn poll_children(&self, until: &mut Option<TaskRef>) -> Result<(), (Payload, Option<Told>)> {
        let result = panics::catch(|| {
            *until = reorder(&self.nursery.queue, *until);
            while let Some(next) = with(|context| self.next(context, until)) {
                match next {
                    Taken::Poll(task, woken, waker) => self.poll_child(task, woken, &waker),
                    Taken::Kill(task) => self.kill(task),
                    Taken::Over(task) => {
                        // Its result is dropped by the nursery, not by the child that was polled before.
                        if !fault!("result-dropped-by-another") {
                            self.leave_child();
                        }
                        free(task, self.nursery);
                    }
                }
                // What is left is another turn's. Looked at behind a child: each nursery that is polled polls at least one,
                // so that the way down to a deep one doesn't use up the turn.
                if !now(Kernel::has_polls_left) {
                    break;
                }
            }
        });
        result.map_err(|payload| self.panicked(payload))
    }

    /// A child has panicked, or what was done about one. It is gone when this returns.
    #[cold]
    fn panicked(&self, payload: Payload) -> (Payload, Option<Told>) {
        let task = now(|context| {
            context.nursery.set(self.nursery.as_ptr());
            context.task().filter(|task| !ptr::eq(task.as_ptr(), self.around.get().task))
        });
        self.leave_child();
        let who = task.map(|task| {
            let who = hooks::told(task);
            // What its destructor has to add to the panic is second to it.
            if let Err(second) = panics::catch(|| self.kill(task)) {
                panics::dispose(second);
            }
            who
        });
        (payload, who.flatten())
    }

    /// The nursery's own code is the current one: that of the task around, in the nursery's body.
    pub(super) fn leave_child(&self) {
        let own = Around { node: self.node_ptr(), woken: self.woken.get() | IN_BODY, ..self.around() };
        now(|context| own.restore(context));
    }

    /// The code around, with what the task has spent in here.
    fn around(&self) -> Around {
        Around { spent: self.spent.get(), ..self.around.get() }
    }

    /// The nursery's node, good for the whole.
    pub(super) fn node_ptr(&self) -> *const Node {
        self.nursery.as_ptr().cast()
    }

    fn poll_child(&self, task: TaskRef, woken: u8, waker: &Waker) {
        if hooks::is_on() {
            begin_step(woken);
        }
        // SAFETY: a child's; not over, so FUTURE is set; NESTED-POLL: `self` is the proof.
        let outcome = unsafe { (vtable(task).poll)(task, &mut Context::from_waker(waker)) };
        now(|context| context.check(task.as_ptr().cast()));
        match outcome {
            Poll::Pending if hooks::is_on() || task.node.is_cancelled() => self.left_pending(task, waker),
            Poll::Ready(outcome) if ENDS.is() => self.end(task, outcome),
            _ => {}
        }
    }

    /// The poll of a child that is watched or cancelled has ended.
    #[cold]
    fn left_pending(&self, task: TaskRef, waker: &Waker) {
        let must_kill = task.node.is_cancelled() && must_kill(task, waker);
        self.leave_child();
        hooks::step_ends();
        if must_kill {
            self.kill(task);
        }
    }

    /// Takes the next child of this pass, or of the next, if that may begin. If it is to be polled, it is made the current
    /// task.
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
        context.count_poll();
        *until = if task.is(last) && !fault!("newcomers-in-the-same-pass") { None } else { Some(last) };
        within(|| nursery.queue.pop_first(task));
        // In one test: 3 instructions less in each `yield_100`.
        if (CANCELS.is() || ENDS.is())
            && (nursery.node().flags() | task.node.flags()) & (CANCELLED | CUT_OFF | DONE) != 0
        {
            match self.take_cancelled(context, task) {
                Fate::Polled => {}
                Fate::Killed => return Some(Taken::Kill(task)),
                Fate::Freed => return Some(Taken::Over(task)),
            }
        }
        // Popped, it says `QUEUED` still: what wakes it meanwhile is seen here. That the two are apart is an instruction less
        // in each `yield_100`, and on a chip 4 more in each yield.
        let woken = within(|| {
            let woken = task.wake.get();
            task.wake.set(0);
            woken
        });
        if woken & DIRECT != 0 {
            context.count_direct(task);
        }
        context.make_current(task, woken);
        Some(Taken::Poll(task, woken, waker(task)))
    }

    /// A child is taken that is over, or cancelled, or was. What becomes of it?
    #[cold]
    fn take_cancelled(&self, context: &Kernel, task: TaskRef) -> Fate {
        let node = &task.node;
        if node.has(DONE) {
            // It stays as if it were queued.
            within(|| task.wake.set(task.wake.get() & !OVER));
            return Fate::Freed;
        }
        node.put(CUT_OFF, self.nursery.is_cancelled());
        if node.must_drop() {
            within(|| task.wake.set(0));
            return Fate::Killed;
        }
        if node.has(CANCELLED) {
            asking::begin(context, node);
        }
        Fate::Polled
    }

    /// A child has ended by itself.
    fn end(&self, task: TaskRef, outcome: Outcome) {
        self.has_ended.set(true);
        if outcome == Outcome::Error {
            task.set(KILLED);
            task.node.set_end(Reason::Failed);
        }
        let ends_race = RACES.is() && self.nursery.race.get() && !task.has(DAEMON);
        finish(task, self.nursery, || self.leave_child());
        if ends_race {
            self.leave_child();
            self.nursery.closed.set(true);
            self.has_closed.set(true);
            cancel_children(self.nursery, Reason::RaceWon);
        }
    }

    pub(super) fn kill(&self, task: TaskRef) {
        self.has_ended.set(true);
        kill(task, self.nursery, || self.leave_child());
    }

    /// The body is over, or the nursery cancelled: ends what has to be ended now. Is that all?
    #[cold] // and each nursery comes here once or twice
    fn is_over(&self, body: &mut dyn Body, cx: &Context<'_>) -> bool {
        let nursery = self.children();
        let is_left = nursery.running.get() != 0 && !fault!("daemon-left-alone");
        let are_daemons = DAEMONS.is() && nursery.body_is_over.get() && nursery.running.get() == nursery.daemons.get();
        if are_daemons
            && is_left
            && let Err(payload) = panics::catch(|| self.cancel(Reason::BodyFinished))
        {
            body.panicked(payload, None);
        }
        if nursery.is_cancelled() {
            self.end_cancelled(body, cx);
        }
        nursery.body_is_over.get() && nursery.running.get() == 0
    }

    /// May the nursery go on within this poll, and with what?
    fn goes_on(&self) -> Option<Next> {
        now(|context| {
            let nursery = self.children();
            if !context.has_polls_left() || nursery.is_cancelled() {
                return None;
            }
            self.has_ended.set(false);
            let passes = nursery.alone.get() && context.stop.get() == 0;
            if nursery.is_body_awake() {
                // A body's poll counts too, else one that has its children end at once would keep the loop.
                context.count_poll();
                self.spent.set(0);
                return Some(if passes { Next::Pass } else { Next::Body });
            }
            (passes && !nursery.queue.is_empty()).then_some(Next::Pass)
        })
    }

    /// Cancels the nursery itself.
    fn cancel(&self, reason: Reason) {
        self.leave_child();
        // SAFETY: alive while it is polled, and made from the whole.
        unsafe { cancel(self.node_ptr(), reason) };
    }
}

impl Drop for Polling {
    /// In one step with the look at the queue: a wake by an interrupt either is seen here, or sees that nobody polls.
    fn drop(&mut self) {
        let foreign = with(|context| {
            context.nursery.set(self.outer);
            self.around().restore(context);
            // SAFETY: PINNED: a nursery that is being polled.
            if let Some(outer) = unsafe { self.outer.as_ref() } {
                outer.wake.set(outer.wake.get() | LOOPS);
            }
            let nursery = self.children();
            within(|| {
                nursery.wake.set(nursery.wake.get() & IN_BODY);
                let is_ready = !nursery.queue.is_empty() && !fault!("leftovers-stay") || nursery.is_body_awake();
                if is_ready && NURSERIES.is() { tell(nursery) } else { None }
            })
        });
        foreign::wake(foreign);
    }
}

/// What becomes of a child that is taken.
enum Fate {
    Polled,
    Killed,
    Freed,
}

/// A child that was taken from the run queue.
enum Taken {
    Poll(TaskRef, u8, ManuallyDrop<Waker>),
    /// It was cancelled, and is dropped.
    Kill(TaskRef),
    /// It is over already.
    Over(TaskRef),
}

/// Was this task woken itself since it polled the nursery last? Its code may be to be polled then, and the nursery's body
/// with it.
fn is_woken(context: &Kernel, nursery: &Children, task: TaskRef) -> bool {
    let (count, epoch) = nursery.seen.get();
    (count != task.direct.get() || epoch != context.epoch.get()) && note_wakes(context, nursery, task)
}

/// Time has passed since, and perhaps such a wake has come.
#[cold]
fn note_wakes(context: &Kernel, nursery: &Children, task: TaskRef) -> bool {
    let now = (task.direct.get(), context.epoch.get());
    let before = nursery.seen.replace(now);
    now.0 != before.0 || now.1.wrapping_sub(before.1) > 1
}

impl Kernel {
    /// A task is polled for a direct wake.
    pub(crate) fn count_direct(&self, task: TaskRef) {
        if !NURSERIES.is() {
            return;
        }
        task.direct.set(task.direct.get().wrapping_add(1));
    }
}

/// A child is about to be polled, and somebody looks.
#[cold]
fn begin_step(woken: u8) {
    if woken & DIRECT != 0 {
        hooks::poll_begins(woken);
        hooks::step_begins();
    }
}

#[cold]
fn tell_of_panic(body: &mut dyn Body, payload: Payload, child: Option<Told>) {
    body.panicked(payload, child);
}

/// A poll of this cancelled child has ended. Does nothing hold it, or nothing that anybody polls?
#[cold]
fn must_kill(task: TaskRef, waker: &Waker) -> bool {
    let node = &task.node;
    if with(|_| node.must_drop()) {
        return true;
    }
    let looked_at = Cell::new(0);
    let rest = if with(|_| task.is_queued()) { Rest::Woken } else { Rest::At(&looked_at) };
    // SAFETY: alive: NESTED-POLL.
    node.has(CANCELLED) && unsafe { asking::is_forsaken(task.as_ptr().cast::<Node>(), rest, waker) }
}
