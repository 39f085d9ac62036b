//! What a thread knows of its runtime: who is being polled, how much it may still do, and the
//! wake itself. One for each thread with `std`, else one for the program; see [`port`](super::port).

use core::cell::Cell;
use core::ptr;
use core::task::Waker;

use super::block::{Block, QUEUED, WOKEN};
use super::children::Children;
use super::current::Current;
use super::node::{NURSERY, Node, POLLING, ROOT, TASK};

/// How many children a turn polls before it looks at timers and I/O again (law FAIR).
pub(crate) const POLLS_PER_TURN: u32 = 64;

/// How many leaf operations a task may finish in one poll before it must yield (law FAIR).
pub(crate) const BUDGET: u32 = 128;

/// How often it is told so in one poll; then it is code that does not suspend, and has the budget once more.
pub(crate) const REFUSALS: u32 = 64;

/// One thread's state.
pub(crate) struct State {
    /// Who is being polled.
    pub(crate) now: Current,
    /// Counts wakes, to tell which came first.
    pub(super) wakes: Cell<u32>,
    /// Who wants to know when a node dies.
    pub(crate) watch: Cell<*const super::cancelling::Watch>,
    #[cfg(feature = "alloc")]
    pub(crate) table: Cell<Option<&'static super::table::Table>>,
    #[cfg(feature = "alloc")]
    pub(crate) index: super::table::Index,
    #[cfg(feature = "std")]
    pub(crate) spare: super::spare::Spare,
    /// Counts timers that went off.
    #[cfg(feature = "std")]
    pub(crate) fired: Cell<u32>,
    #[cfg(feature = "hooks")]
    pub(crate) hooks: crate::hooks::HookState,
}

// SAFETY: all but `now`, which is of atomics, is touched only inside `with` (ONE-CONTEXT), which
// without `std` means: inside a critical section, whoever enters it. With `std` the state stays in
// its thread.
#[cfg(not(feature = "std"))]
unsafe impl Sync for State {}

impl State {
    pub(crate) const fn new() -> Self {
        State {
            now: Current::new(),
            wakes: Cell::new(0),
            watch: Cell::new(ptr::null()),
            #[cfg(feature = "alloc")]
            table: Cell::new(None),
            #[cfg(feature = "alloc")]
            index: super::table::Index::new(),
            #[cfg(feature = "std")]
            spare: super::spare::Spare::new(),
            #[cfg(feature = "std")]
            fired: Cell::new(0),
            #[cfg(feature = "hooks")]
            hooks: crate::hooks::HookState::new(),
        }
    }

    /// Is the running code in a cancelled scope, and not shielded from it?
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        // SAFETY: PINNED: the node that is being polled is alive.
        unsafe { self.now.node.get().as_ref() }.is_some_and(Node::is_cancelled)
    }

    /// Somebody woke the task of this block: it is polled in the next pass of its nursery, and
    /// all nurseries in its code look at their bodies. Returns a foreign waker to be called when
    /// nothing is borrowed any more.
    #[inline(never)]
    pub(crate) fn wake_block(&self, block: &'static Block) -> Option<Waker> {
        self.wake_inline(block)
    }

    /// The same, where it should be fast.
    #[inline(always)]
    pub(crate) fn wake_inline(&self, block: &'static Block) -> Option<Waker> {
        if let Some(count) = block.at_rest() {
            block.rouse(count);
            return self.append(block);
        }
        if block.ignores_wakes() {
            return None;
        }
        self.count_direct(block);
        block.set(WOKEN);
        self.queue(block)
    }

    /// The same for most wakes: of a child at rest, whose nursery has others ready or is being polled. False: it is
    /// none of those, and nothing was done.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn wakes_simply(&self, block: &'static Block) -> bool {
        let Some(count) = block.at_rest() else { return false };
        // SAFETY: PINNED: a child at rest is live, and so is its nursery, which starts with its core (WHOLE-POINTER).
        let nursery = unsafe { &*(*block.cell.get()).parent.get().cast::<Children>() };
        if !nursery.node.has(POLLING) && nursery.ready.is_empty() {
            return false;
        }
        block.rouse(count);
        self.stamp(block);
        nursery.ready.push(block);
        true
    }

    fn count_direct(&self, block: &Block) {
        block.count_direct();
        if block.direct.get() == 0 {
            self.refresh(block);
        }
    }

    /// Notes when a block is queued.
    #[inline]
    fn stamp(&self, block: &Block) {
        block.queued_at.set(self.count_wake());
    }

    /// The number of this wake.
    #[inline]
    pub(crate) fn count_wake(&self) -> u32 {
        let now = self.wakes.get().wrapping_add(1);
        self.wakes.set(now);
        now
    }

    /// Puts a task on its nursery's ready list and, where that list was empty, does the same with
    /// the task around the nursery, and so on (law NO-LOST-WAKE).
    #[cfg_attr(feature = "std", inline)]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn queue(&self, block: &'static Block) -> Option<Waker> {
        if block.has(QUEUED) {
            return None;
        }
        block.set(QUEUED);
        self.append(block)
    }

    /// The same for one that was just marked QUEUED.
    #[inline]
    fn append(&self, block: &'static Block) -> Option<Waker> {
        self.stamp(block);
        // SAFETY: PINNED: a live block's node is alive. A task's parent is its nursery for as long as it has a block, and
        // the node starts the nursery's core (WHOLE-POINTER). A root task has none, and is in no list.
        let nursery = unsafe { block.cell.get().as_ref()?.parent.get().cast::<Children>().as_ref() }?;
        self.push(nursery, block)
    }

    /// The same for a new one, whose nursery is known.
    #[inline]
    pub(super) fn queue_first(&self, nursery: &Children, block: &'static Block) -> Option<Waker> {
        // Where code is dear, the same code.
        if cfg!(not(feature = "std")) {
            return self.queue(block);
        }
        block.set(QUEUED);
        self.stamp(block);
        self.push(nursery, block)
    }

    #[inline]
    fn push(&self, nursery: &Children, block: &'static Block) -> Option<Waker> {
        if !nursery.ready.push(block) || nursery.node.has(POLLING) { None } else { self.climb(nursery) }
    }

    /// This nursery has something to poll now. Iterative: depth costs no stack.
    #[inline(never)]
    pub(super) fn climb(&self, mut nursery: &Children) -> Option<Waker> {
        loop {
            let block = match self.up_from(&nursery.node) {
                Ok(block) => block,
                Err(foreign) => return foreign,
            };
            if block.has(QUEUED) {
                return None;
            }
            block.set(QUEUED);
            self.stamp(block);
            // SAFETY: as in `append`.
            nursery = unsafe { block.cell.get().as_ref()?.parent.get().cast::<Children>().as_ref() }?;
            if !nursery.ready.push(block) || nursery.node.has(POLLING) {
                return None;
            }
        }
    }

    /// Whom to queue so that this node is polled: the task that polls it, or a foreign waker.
    ///
    /// The task's own code needs no poll for a child's wake; but where another nursery lies in
    /// between, its body leads to this node and so must be polled: the wake counts as direct.
    fn up_from(&self, node: &Node) -> Result<&'static Block, Option<Waker>> {
        // A foreign one is called once, and stored again by the next poll.
        let block = node.waker.take_foreign(self)?;
        let mut above = node.parent.get();
        // SAFETY: PINNED: links lead to live nodes.
        while let Some(outer) = unsafe { above.as_ref() } {
            if outer.has(NURSERY) {
                break;
            }
            if outer.has(TASK | ROOT) {
                if above == block.cell.get() {
                    return Ok(block);
                }
                // Polled by one task with the waker of another.
                break;
            }
            above = outer.parent.get();
        }
        self.count_direct(block);
        Ok(block)
    }

    /// Makes the code that polls this node poll it again.
    pub(crate) fn wake_node(&self, this: *const Node) -> Option<Waker> {
        // SAFETY: PINNED: the caller's pointer leads to a live node.
        let node = unsafe { this.as_ref() }?;
        if node.has(TASK) {
            // SAFETY: a task's node starts its header (WHOLE-POINTER).
            let block = unsafe { &*this.cast::<super::cell::Header>() }.block.get()?;
            return self.wake_block(block);
        }
        match node.waker.take_foreign(self) {
            Ok(block) => self.wake_block(block),
            Err(foreign) => foreign,
        }
    }

    /// Is this task's code on the stack, perhaps with that of its children on top?
    pub(crate) fn is_running(&self, task: &Node) -> bool {
        let mut at = self.now.node.get();
        // SAFETY: PINNED: what is being polled is alive, and so is all around it.
        while let Some(node) = unsafe { at.as_ref() } {
            if ptr::eq(node, task) {
                return true;
            }
            at = node.parent.get();
        }
        false
    }
}
