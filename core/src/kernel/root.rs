//! The root task of a runtime, its timers, and the turn: what makes the runtime the current one.

use core::cell::Cell;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::ptr;
#[cfg(feature = "std")]
use core::task::Waker;
use core::task::{Context, Poll};

use super::clock::{Bound, Current, Given};
use super::context::{Around, Context as Kernel, now, out_of_order, with};
use super::deadline::Heap;
use super::foreign;
use super::mask::{OTHERS_MAY_POLL, transaction, within};
use super::nursery::children::Children;
use super::outside::Outside;
use super::remote::take_remote;
use super::scope::node::ROOT;
use super::task::header::{DIRECT, QUEUED, TOLD_OF, TaskRef};
use super::task::root::{claim, release};
use super::waker::waker;
use crate::debugger::Debugger;
use crate::fault::fault;
use crate::kernel::emit as hooks;
use crate::time::Tick;
use crate::wait::Until;

/// Root task and timers.
#[repr(C)]
pub(crate) struct Root {
    /// The timers come first: they have its address.
    pub(crate) heap: Heap,
    task: Cell<Option<TaskRef>>,
    /// Timers know where it is (PINNED).
    _pinned: PhantomPinned,
    /// The debugger has panicked.
    mute: Cell<bool>,
    outside: Outside,
}

impl Root {
    pub(crate) const fn new() -> Self {
        Root {
            heap: Heap::new(),
            task: Cell::new(None),
            _pinned: PhantomPinned,
            mute: Cell::new(false),
            outside: Outside::new(),
        }
    }

    /// Makes this the runtime whose turn it is.
    ///
    /// # Panics
    /// If it is another's turn.
    pub(crate) fn turn<'a>(self: Pin<&'a Self>, clock: Given<'a>, debugger: Option<&'a dyn Debugger>) -> Turn<'a> {
        match self.try_turn(clock, debugger) {
            Some(turn) => turn,
            None => panic!(
                "giambio: this thread is inside a running runtime already; \
                 `.await` the future instead of running it"
            ),
        }
    }

    /// The same, or `None` if it is another's turn.
    pub(crate) fn try_turn<'a>(
        self: Pin<&'a Self>,
        clock: Given<'a>,
        debugger: Option<&'a dyn Debugger>,
    ) -> Option<Turn<'a>> {
        let this = self.get_ref();
        if now(|context| !context.runtime.get().is_null()) {
            return None;
        }
        // What may panic comes before the context is touched, or when a `Turn` is there to restore it.
        let task = this.task.get().unwrap_or_else(|| {
            let task = claim();
            with(|_| {
                task.node.begin(ptr::null(), ROOT, 0);
                task.vtable.set(None);
                task.wake.set(0);
            });
            this.task.set(Some(task));
            task
        });
        let outer = now(Outer::new);
        let turn = Turn { root: this, task, outer, clock, debugger };
        turn.enter();
        Some(turn)
    }

    /// What it told the loop by that this is a guest in, if it was not woken since the last turn. It is to be dropped outside.
    #[cfg(feature = "std")]
    pub(crate) fn take_host(&self) -> Option<Waker> {
        Outside::take_host(self.task.get()?)
    }

    /// Until the next turn, this tells the loop that this is a guest in that it was woken.
    #[cfg(feature = "std")]
    pub(crate) fn set_host(&self, waker: Waker) {
        if let Some(task) = self.task.get() {
            with(|context| context.home()).notify.set_host(task.as_ptr().cast(), waker);
        }
    }

    /// By which others tell it from the rest.
    fn name(&self) -> *const () {
        ptr::from_ref(self).cast()
    }

    /// Fires the timers that are due, in this runtime's turn.
    pub(crate) fn fire_due(&self, clock: Given<'_>) {
        if !with(|_| self.heap.is_empty()) {
            self.fire(clock);
        }
    }

    fn fire(&self, clock: Given<'_>) {
        let now = clock.now();
        while let Some(due) = self.heap.fire(now) {
            due.slept.tell(clock.known(), now);
            let looker = if fault!("looker-untold") { None } else { due.looker };
            foreign::wake_both(due.foreign, looker);
        }
    }

    /// Has the root task been woken?
    pub(crate) fn is_ready(&self) -> bool {
        Outside::has_woken() || self.is_queued()
    }

    /// Has the root task been woken since its last poll, by this thread?
    pub(crate) fn is_queued(&self) -> bool {
        self.task.get().is_some_and(|task| task.is_queued())
    }

    /// What chooses the order of each pass, instead of that of the wakes.
    #[cfg(feature = "std")]
    pub(crate) fn seed(&self) -> &Cell<Option<u64>> {
        &self.outside.seed
    }

    /// Audits the books of its tree of scopes.
    #[cfg(feature = "alloc")]
    pub(crate) fn audit(&self, is_tame: bool) -> Result<(), (&'static str, usize, usize)> {
        self.task.get().map_or(Ok(()), |task| super::scope::audit::audit(task, is_tame))
    }

    #[cfg(feature = "std")]
    pub(crate) fn set_notify(&mut self, notify: Option<core::task::Waker>) {
        self.outside.notify = notify;
    }

    #[cfg(feature = "std")]
    pub(crate) fn take_notify(&mut self) -> Option<core::task::Waker> {
        self.outside.notify.take()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let part = self.outside.part(self.name(), self.task.get());
        if let Some(task) = self.task.take() {
            with(|context| {
                context.orphan(task.as_ptr().cast());
                context.leave_all(&task.node);
                task.node.begin(ptr::null(), 0, 0);
                task.retire();
                task.wake.set(QUEUED);
            });
            release(task);
        }
        self.outside.end(part);
    }
}

/// What a root task was woken for since this was asked last.
pub(super) fn take_wake(task: TaskRef) -> u8 {
    within(|| {
        let woken = task.wake.get();
        task.wake.set(0);
        woken
    })
}

/// While this lives, it is this runtime's turn.
pub(crate) struct Turn<'a> {
    root: &'a Root,
    task: TaskRef,
    outer: Outer,
    clock: Given<'a>,
    debugger: Option<&'a dyn Debugger>,
}

/// What was current before the turn: a runtime may have one inside a nursery that somebody else's executor polls.
struct Outer {
    around: Around,
    nursery: *const Children,
    polls_left: u32,
    stop: u8,
    answered: u32,
}

impl Outer {
    fn new(context: &Kernel) -> Self {
        Outer {
            around: Around::new(context),
            nursery: context.nursery.get(),
            polls_left: context.polls_left.get(),
            stop: context.stop.get(),
            answered: context.answered.get(),
        }
    }

    fn restore(&self, context: &Kernel) {
        let woken = context.woken.get();
        self.around.restore(context);
        if fault!("shares-of-others-taken") {
            return context.woken.set(woken);
        }
        context.nursery.set(self.nursery);
        context.polls_left.set(self.polls_left);
        context.stop.set(self.stop);
        context.answered.set(self.answered);
    }
}

impl Turn<'_> {
    /// Makes it this runtime's turn.
    fn enter(&self) {
        with(|context| {
            // After a pause somebody else's turn may have begun and not ended: two at once.
            context.check(self.outer.around.node);
            context.runtime.set(ptr::from_ref(self.root).cast());
            context.clock.set(self.clock);
            context.node.set(self.task.as_ptr().cast());
            context.task.set(self.task.as_ptr());
            context.nursery.set(ptr::null());
            context.begin_turn();
            self.root.outside.lend_seed(context);
            context.begin_poll();
        });
        if let Some(debugger) = self.watching() {
            hooks::install(debugger);
        }
        // Other threads that wake a task of this one end this runtime's wait.
        self.root.outside.is_told(self.root.name());
    }

    /// Makes it nobody's turn. What is good during a turn, as the clock, is reached through `runtime` alone.
    fn exit(&self) {
        if self.watching().is_some() && !hooks::uninstall() {
            self.root.mute.set(true);
        }
        with(|context| {
            context.leave(self.task.as_ptr().cast(), self.outer.around.node);
            self.outer.restore(context);
            context.runtime.set(ptr::null());
            self.root.outside.take_seed(context);
        });
    }

    /// Who looks on, unless it has panicked.
    fn watching(&self) -> Option<&dyn Debugger> {
        self.debugger.filter(|_| !self.root.mute.get())
    }

    /// The root task is polled in this turn.
    pub(crate) fn make_ready(&self) {
        with(|_| within(|| self.task.wake.set(QUEUED | DIRECT | TOLD_OF)));
    }

    /// Takes the wakes of other threads.
    pub(crate) fn take_remote(&self) {
        take_remote();
    }

    /// Fires the timers that are due.
    pub(crate) fn fire_due(&self) {
        self.root.fire_due(self.clock);
    }

    /// Polls the root task's future if it was woken.
    pub(crate) fn poll<F: Future>(&self, main: Pin<&mut F>) -> Option<Poll<F::Output>> {
        let (waker, woken) = with(|context| {
            context.stop.set(0);
            let woken = take_wake(self.task);
            if woken & QUEUED == 0 {
                return None;
            }
            if woken & DIRECT != 0 {
                context.count_direct(self.task);
            }
            context.make_current(self.task, woken);
            Some((waker(self.task), woken))
        })?;
        if woken & DIRECT != 0 {
            hooks::poll_begins(woken);
            hooks::step_begins();
        }
        let poll = main.poll(&mut Context::from_waker(&waker));
        if poll.is_pending() {
            hooks::step_ends();
        }
        Some(poll)
    }

    /// Ends the turn, does what comes between two, and begins the next.
    pub(crate) fn pause<R>(&self, between: impl FnOnce() -> R) -> R {
        struct Outside<'a>(&'a Turn<'a>);
        impl Drop for Outside<'_> {
            fn drop(&mut self) {
                self.0.enter();
            }
        }
        self.exit();
        let _outside = Outside(self);
        between()
    }

    /// May the root task be polled once more in this turn?
    pub(crate) fn goes_on(&self) -> bool {
        now(|context| {
            let goes_on = context.has_polls_left() && self.task.is_queued();
            if goes_on {
                context.count_poll();
            }
            goes_on
        })
    }

    /// Has the root task been woken?
    pub(crate) fn is_ready(&self) -> bool {
        self.root.is_ready()
    }

    /// How long to wait before the next.
    pub(crate) fn until(&self) -> Until {
        if self.is_ready() {
            return Until::Now;
        }
        if with(|_| self.root.heap.spread()) {
            return Until::Now;
        }
        match with(|_| self.root.heap.next()) {
            Some(tick) => Until::At(Tick(tick)),
            None => Until::OnWake,
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.exit();
    }
}

/// Lends what is known of the clock of the runtime whose turn it is, and the address of its timers.
pub(crate) fn with_clock<R>(f: impl FnOnce(&Current, *const Heap) -> R) -> Option<R> {
    let (root, clock) = now(|context| (context.runtime.get().cast::<Root>(), context.clock.known()));
    if root.is_null() {
        return None;
    }
    // `repr(C)`, the timers first.
    Some(f(clock?, root.cast()))
}

/// Reads the clock of the runtime whose turn it is, inside of [`with_clock`].
///
/// Where another core or thread may do so by mistake, the turn may end meanwhile: so it is one step, with interrupts kept out.
pub(crate) fn read_clock() -> u64 {
    let read = || {
        now(|context| {
            let is_over = OTHERS_MAY_POLL && Bound::IS_LENT && context.runtime.get().is_null();
            // SAFETY: the turn borrows the clock, and ends in a transaction.
            if is_over { None } else { unsafe { context.clock.now() } }
        })
    };
    let reading = if Bound::IS_LENT && !fault!("clock-not-held") { transaction(read) } else { read() };
    reading.unwrap_or_else(|| out_of_order())
}

impl core::fmt::Debug for Root {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Root").finish_non_exhaustive()
    }
}
