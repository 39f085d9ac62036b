//! The root task of a runtime, its timers, and the turn: what makes the runtime the current one.

use core::cell::Cell;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use super::block::{Block, DIRECT, QUEUED};
use super::heap::Heap;
use super::node::{Node, ROOT, Scoped};
use super::port::{now, with};
use super::state::POLLS_PER_TURN;
use super::{cell, waker};
use crate::debugger::Debugger;
#[cfg(feature = "hooks")]
use crate::debugger::Event;
#[cfg(feature = "std")]
use crate::fault::fault;
use crate::hooks;
use crate::runtime::Until;
use crate::time::{AnyClock, Tick};

/// Root task and timers. The node comes first (WHOLE-POINTER).
#[repr(C)]
pub(crate) struct Root {
    node: Node,
    pub(crate) heap: Heap,
    block: Cell<Option<&'static Block>>,
    /// Good during a turn.
    clock: Cell<Option<*const dyn AnyClock>>,
    /// The debugger has panicked.
    mute: Cell<bool>,
    /// By what a test has the order of each pass chosen.
    #[cfg(feature = "std")]
    seed: Cell<Option<u64>>,
    #[cfg(feature = "std")]
    notify: Option<core::task::Waker>,
}

// SAFETY: `repr(C)`, the node first; linked by `turn`, which asks for a pin.
unsafe impl Scoped for Root {}

impl Root {
    pub(crate) const fn new() -> Self {
        Root {
            node: Node::new(ROOT),
            heap: Heap::new(),
            block: Cell::new(None),
            clock: Cell::new(None),
            mute: Cell::new(false),
            #[cfg(feature = "std")]
            seed: Cell::new(None),
            #[cfg(feature = "std")]
            notify: None,
        }
    }

    /// Makes this the runtime whose turn it is.
    ///
    /// # Panics
    /// If it is another's turn.
    #[inline]
    pub(crate) fn turn<'a>(
        self: Pin<&'a Self>,
        clock: &'a dyn AnyClock,
        debugger: Option<&'a dyn Debugger>,
    ) -> Turn<'a> {
        match self.try_turn(clock, debugger) {
            Some(turn) => turn,
            None => panic!(
                "giambio: this thread is inside a running runtime already; \
                 `.await` the future instead of running it"
            ),
        }
    }

    /// The same, or `None` if it is another's turn.
    #[inline]
    pub(crate) fn try_turn<'a>(
        self: Pin<&'a Self>,
        clock: &'a dyn AnyClock,
        debugger: Option<&'a dyn Debugger>,
    ) -> Option<Turn<'a>> {
        let this = self.get_ref();
        if now(|now| !now.runtime.get().is_null()) {
            return None;
        }
        // What may panic comes before the state is touched, or when a `Turn` is there to restore it.
        let block = this.block.get().unwrap_or_else(|| {
            let block = root_block();
            with(|_| block.claim_for_root(self.node_ptr()));
            this.block.set(Some(block));
            block
        });
        // SAFETY: only the lifetime is changed. The pointer is used while the turn, which borrows
        // the clock, exists (`with_clock`), and cleared when it ends.
        let clock =
            unsafe { core::mem::transmute::<*const (dyn AnyClock + 'a), *const (dyn AnyClock + 'static)>(clock) };
        this.clock.set(Some(clock));
        let (outer_node, outer_block) = now(|now| (now.node.get(), now.block.get()));
        let turn = Turn { root: this, block, outer_node, outer_block, is_watched: Cell::new(false) };
        turn.enter();
        if let Some(debugger) = debugger.filter(|_| !this.mute.get()) {
            turn.is_watched.set(true);
            hooks::install(debugger);
        }
        #[cfg(feature = "std")]
        turn.claim_notify();
        Some(turn)
    }

    /// Has the root task been woken?
    pub(crate) fn is_ready(&self) -> bool {
        #[cfg(feature = "std")]
        if with(|state| state.table.get().is_some_and(super::table::Table::is_pending)) {
            return true;
        }
        self.is_queued()
    }

    /// Has the root task been woken since its last poll, by this thread?
    pub(crate) fn is_queued(&self) -> bool {
        self.block.get().is_some_and(|block| block.has(QUEUED))
    }

    /// What chooses the order of each pass, instead of that of the wakes.
    #[cfg(feature = "std")]
    pub(crate) fn seed(&self) -> &Cell<Option<u64>> {
        &self.seed
    }

    pub(crate) fn is_seeded(&self) -> bool {
        #[cfg(feature = "std")]
        return self.seed.get().is_some();
        #[cfg(not(feature = "std"))]
        false
    }

    #[cfg(feature = "std")]
    pub(crate) fn set_notify(&mut self, notify: Option<core::task::Waker>) {
        self.notify = notify;
    }

    #[cfg(feature = "std")]
    pub(crate) fn take_notify(&mut self) -> Option<core::task::Waker> {
        self.notify.take()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // The notifier may do anything when it is dropped, and panic.
        #[cfg(feature = "std")]
        let mut first = crate::panics::First::new();
        // Before the block, with which a thread that ends may give its table away: who gets it must not be taken for this.
        #[cfg(feature = "std")]
        if let Some(table) = with(|state| state.table.get())
            && !fault!("notifier-given-away")
        {
            first.catch(|| table.forget_notify_of(ptr::from_ref(self).cast()));
        }
        if let Some(block) = self.block.take() {
            with(|state| {
                block.clear(QUEUED | DIRECT);
                cell::release_block(state, block);
            });
        }
        #[cfg(feature = "std")]
        {
            first.catch(|| drop(self.notify.take()));
            first.resume();
        }
    }
}

#[cfg(feature = "alloc")]
fn root_block() -> &'static Block {
    match cell::claim_block() {
        Some(block) => block,
        None => panic!("giambio: all control blocks of this thread are in use"),
    }
}

/// Without a heap: root tasks have blocks of their own, in a `static`.
#[cfg(not(feature = "alloc"))]
fn root_block() -> &'static Block {
    struct Blocks([Block; ROOTS]);
    // SAFETY: blocks are touched only inside `with` (ONE-CONTEXT).
    unsafe impl Sync for Blocks {}
    const ROOTS: usize = 2;
    static BLOCKS: Blocks = Blocks([const { Block::new() }; ROOTS]);
    let free = with(|_| BLOCKS.0.iter().find(|block| !block.is_live()));
    match free {
        Some(block) => block,
        None => panic!("giambio: without feature `alloc` at most {ROOTS} runtimes exist at once"),
    }
}

#[cfg(feature = "std")]
#[inline]
fn take_remote(table: &'static super::table::Table) {
    table.take_remote(|block| {
        if !block.is_live() {
            return;
        }
        if let Some(foreign) = with(|state| state.wake_block(block)) {
            foreign.wake();
        }
    });
}

/// A scope is polled by an executor that isn't ours: wakes from other threads have to reach it.
pub(crate) fn begin_foreign_turn(waker: &core::task::Waker) {
    #[cfg(feature = "std")]
    {
        let table = with(|state| state.table());
        table.add_executor(waker);
        take_remote(table);
    }
    #[cfg(not(feature = "std"))]
    let _ = waker;
}

/// While this lives, it is this runtime's turn.
pub(crate) struct Turn<'a> {
    root: &'a Root,
    block: &'static Block,
    outer_node: *const Node,
    outer_block: *const Block,
    /// A debugger was installed.
    is_watched: Cell<bool>,
}

impl Turn<'_> {
    /// Makes it this runtime's turn.
    #[inline]
    fn enter(&self) {
        now(|now| {
            // After a pause somebody else's turn may have begun and not ended: two at once.
            now.check(self.outer_node);
            now.runtime.set(self.root);
            now.node.set(ptr::from_ref(self.root).cast());
            now.block.set(self.block);
            now.polls_left.set(POLLS_PER_TURN);
            now.bursts.set(0);
            now.spent.set(0);
        });
    }

    /// Makes it nobody's turn. What is good during a turn, as the clock, is reached through `runtime` alone.
    #[inline]
    fn exit(&self) {
        now(|now| {
            now.leave(ptr::from_ref(self.root).cast(), self.outer_node);
            now.block.set(self.outer_block);
            now.runtime.set(ptr::null());
            now.bursts.set(0);
        });
    }

    /// Other threads that wake a task of this one end this runtime's wait.
    #[cfg(feature = "std")]
    #[inline]
    fn claim_notify(&self) {
        with(|state| state.table()).set_notify_of(ptr::from_ref(self.root).cast(), &self.root.notify);
    }

    /// The root task is polled in this turn.
    pub(crate) fn make_ready(&self) {
        with(|_| self.block.set(QUEUED));
    }

    /// Takes the wakes of other threads.
    #[inline]
    pub(crate) fn take_remote(&self) {
        #[cfg(feature = "std")]
        take_remote(with(|state| state.table()));
    }

    /// Fires the timers that are due.
    #[inline]
    pub(crate) fn fire_due(&self) {
        if !self.root.heap.is_empty() {
            self.fire();
        }
    }

    #[cfg_attr(feature = "std", inline(never))]
    #[cfg_attr(not(feature = "std"), inline)]
    fn fire(&self) {
        let Some(now) = with_clock(|clock, _| clock.now()) else { return };
        while let Some(due) = self.root.heap.fire(now) {
            #[cfg(feature = "hooks")]
            if let Some((task, since)) = due.sleeper {
                let span = with_clock(|clock, _| clock.instant(now) - clock.instant(since));
                hooks::tell_of(&task.told(), |task| Event::AfterSleep(task, span.unwrap_or_default()));
            }
            for foreign in [due.foreign, due.looker].into_iter().flatten() {
                foreign.wake();
            }
        }
    }

    /// Polls the root task's future if it was woken.
    #[inline]
    pub(crate) fn poll<F: Future>(&self, main: Pin<&mut F>) -> Option<Poll<F::Output>> {
        let (waker, was_woken) = with(|state| {
            if !self.block.has(QUEUED) {
                return None;
            }
            state.now.since.set(self.block.queued_at.get());
            Some((waker::waker(self.block), self.block.begin_poll()))
        })?;
        if was_woken {
            hooks::step_begins();
        }
        let poll = main.poll(&mut Context::from_waker(&waker));
        if poll.is_pending() {
            hooks::step_ends();
        }
        Some(poll)
    }

    /// From now on nurseries go on where nothing else is ready, unless somebody observes, or chooses the order.
    pub(crate) fn allow_bursts(&self) {
        now(|now| now.bursts.set((!self.is_watched.get() && !self.root.is_seeded()).into()));
    }

    /// Ends the turn, does what comes between two, and begins the next.
    #[inline]
    pub(crate) fn pause(&self, between: impl FnOnce()) {
        struct Outside<'a>(&'a Turn<'a>);
        impl Drop for Outside<'_> {
            #[inline]
            fn drop(&mut self) {
                self.0.enter();
            }
        }
        self.exit();
        let outside = Outside(self);
        between();
        drop(outside);
        self.allow_bursts();
        // Another runtime may have had its turn.
        #[cfg(feature = "std")]
        self.claim_notify();
    }

    /// May the root task be polled once more in this turn?
    #[inline]
    pub(crate) fn goes_on(&self) -> bool {
        now(|now| {
            let left = now.polls_left.get();
            let goes_on = now.bursts.get() != 0 && left > 0 && self.block.has(QUEUED);
            if goes_on {
                now.polls_left.set(left - 1);
                now.spent.set(0);
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
        if self.is_watched.get() && !hooks::uninstall() {
            self.root.mute.set(true);
        }
        self.root.clock.set(None);
        self.exit();
    }
}

/// A number to choose the order of this pass by, if a test wants that: of Knuth's linear generator, whose upper half is what
/// counts; mixed by who uses it.
#[cfg(feature = "std")]
#[inline]
pub(super) fn chance() -> Option<u64> {
    // SAFETY: the runtime whose turn it is is alive: its turn borrows it.
    let seed = unsafe { now(|now| now.runtime.get()).as_ref() }?.seed();
    let chance = seed.get()?.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    seed.set(Some(chance));
    Some(chance)
}

/// Lends the clock and the timers of the runtime whose turn it is.
#[inline]
pub(crate) fn with_clock<R>(f: impl FnOnce(&dyn AnyClock, *const Heap) -> R) -> Option<R> {
    let (clock, heap) = now(|now| {
        // SAFETY: the runtime whose turn it is is alive: its turn borrows it.
        let root = unsafe { now.runtime.get().as_ref() }?;
        Some((root.clock.get()?, &raw const root.heap))
    })?;
    // SAFETY: the clock is borrowed by the turn that is under way, and `f` returns before it ends.
    Some(f(unsafe { &*clock }, heap))
}

impl core::fmt::Debug for Root {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Root").finish_non_exhaustive()
    }
}
