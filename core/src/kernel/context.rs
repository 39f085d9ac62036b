//! What a thread knows of its runtime: who is being polled, and how much it may still do. One for each thread with `std`,
//! else one for the program.
//!
//! With `std` nothing that leads here leaves its thread. Without it an interrupt may come at any time, and what it may touch is
//! touched in transactions ([`with`]; ONE-CONTEXT); only who polls looks at the words of [`now`], and an interrupt that polls
//! puts them back as it found them.

use core::cell::Cell;
use core::ptr;

use super::clock::Bound;
#[cfg(feature = "hooks")]
use super::debugger_slot::DebuggerSlot;
use super::mask::{Byte, Mark, Place, Word, transaction};
#[cfg(feature = "alloc")]
use super::memory::home::Home;
#[cfg(feature = "std")]
use super::memory::spare::Spare;
use super::nursery::children::Children;
use super::scope::listed::Cursors;
use super::scope::node::{Node, TASK, Watch};
use super::task::header::{Header, TaskRef};
use super::used::NURSERIES;
use crate::fault::fault;

/// How many tasks a turn polls before it looks at timers and I/O again (law FAIR).
pub(crate) const POLLS_PER_TURN: u32 = 64;

/// How many leaf operations a task may finish in one poll before it must yield (law FAIR).
pub(crate) const BUDGET: u32 = 128;

/// How often it is told so in one poll; then it is code that does not suspend, and has the budget once more.
pub(crate) const REFUSALS: u32 = 64;

/// Where code costs more than instructions: what does for all cases is done for all.
pub(crate) const CODE_IS_DEAR: bool = cfg!(not(feature = "std"));

/// Polls of an epoch: within two of them no task's count of its own, of 16 bits, comes round.
const EPOCH: u32 = 1 << 15;

/// One thread's.
pub(crate) struct Context {
    /// The innermost scope that is being polled.
    pub(crate) node: Place<Node>,
    /// The task that is being polled.
    pub(crate) task: Place<Header>,
    /// The innermost nursery that is being polled.
    pub(crate) nursery: Place<Children>,
    /// The [`Root`](super::root::Root) whose turn it is.
    pub(crate) runtime: Place<()>,
    /// The clock of that runtime: read while `runtime` says that there is one.
    pub(crate) clock: Bound,
    /// What is left of `POLLS_PER_TURN`; less than nothing where nurseries below have polled their first children still.
    pub(crate) polls_left: Word,
    /// How much of its `BUDGET` the running task has spent in this poll, in the upper bits; in the lower ones how often it was
    /// told so.
    pub(crate) spent: Word,
    /// The number of the poll that is under way: each poll of a task has one.
    pub(crate) poll: Word,
    /// The number that was given last.
    polls: Word,
    /// Not 0: since the innermost cancelled scope that looks for it began its poll, something that holds it was polled, and
    /// nothing has ceased to hold anything.
    pub(crate) answered: Word,
    /// Grows with the polls, slowly: how long ago something was that a task's own count, which comes round, dates.
    pub(crate) epoch: Word,
    /// What the task that is being polled was woken for.
    pub(crate) woken: Mark,
    /// Not 0: since the root task's poll began, something became ready outside of the innermost nursery that polled then.
    pub(crate) stop: Byte,
    /// Who wants to know when a node dies.
    pub(crate) watch: Cell<*const Watch>,
    /// Who looks on.
    pub(crate) cursors: Cursors,
    #[cfg(feature = "alloc")]
    pub(crate) home: Cell<Option<&'static Home>>,
    /// What keys of this thread's headers have above the generation.
    #[cfg(feature = "std")]
    pub(crate) owner: Cell<u32>,
    #[cfg(feature = "std")]
    pub(crate) spare: Spare,
    /// Counts timers that went off.
    #[cfg(feature = "std")]
    pub(crate) fired: Cell<u32>,
    /// By what a test has the order of each pass chosen, in the runtime whose turn it is.
    #[cfg(feature = "std")]
    pub(crate) seed: Cell<Option<u64>>,
    #[cfg(feature = "hooks")]
    pub(crate) debugger: DebuggerSlot,
}

// SAFETY: with `std` it stays in its thread. Without it there is one thread that polls; what an interrupt touches too is
// touched in transactions, or word by word (ONE-CONTEXT).
#[cfg(not(feature = "std"))]
unsafe impl Sync for Context {}

/// No thread's.
#[cfg(feature = "std")]
pub(crate) const NOBODY: u32 = u32::MAX;

impl Context {
    const fn new() -> Self {
        Context {
            node: Place::new(ptr::null()),
            task: Place::new(ptr::null()),
            nursery: Place::new(ptr::null()),
            runtime: Place::new(ptr::null()),
            clock: Bound::new(),
            polls_left: Word::new(0),
            spent: Word::new(0),
            poll: Word::new(0),
            polls: Word::new(0),
            answered: Word::new(0),
            epoch: Word::new(0),
            woken: Mark::new(0),
            stop: Byte::new(0),
            watch: Cell::new(ptr::null()),
            cursors: Cursors::new(),
            #[cfg(feature = "alloc")]
            home: Cell::new(None),
            #[cfg(feature = "std")]
            owner: Cell::new(NOBODY),
            #[cfg(feature = "std")]
            spare: Spare::new(),
            #[cfg(feature = "std")]
            fired: Cell::new(0),
            #[cfg(feature = "std")]
            seed: Cell::new(None),
            #[cfg(feature = "hooks")]
            debugger: DebuggerSlot::new(),
        }
    }

    /// The task that is being polled.
    pub(crate) fn task(&self) -> Option<TaskRef> {
        core::ptr::NonNull::new(self.task.get().cast_mut()).map(|task| {
            // SAFETY: NEVER-FREED.
            unsafe { TaskRef::new(task) }
        })
    }

    /// Is this header of this thread? One that a nursery or a scope was polled by long ago may have gone on to another, with
    /// the memory of a thread that has ended.
    pub(crate) fn is_ours(&self, task: &Header) -> bool {
        #[cfg(feature = "std")]
        return (task.key() ^ self.owner.get()) >> super::task::header::THREAD_SHIFT == 0;
        #[cfg(not(feature = "std"))]
        {
            let _ = task;
            true
        }
    }

    /// Makes a task the current one, for a poll.
    pub(crate) fn make_current(&self, task: TaskRef, woken: u8) {
        self.enter(task, woken);
        self.begin_poll();
    }

    /// Makes a task the current one, with a fresh budget.
    pub(crate) fn enter(&self, task: TaskRef, woken: u8) {
        self.node.set(task.as_ptr().cast());
        self.task.set(task.as_ptr());
        self.woken.set(woken);
        self.spent.set(0);
    }

    /// Begins a poll of a task, with a fresh budget.
    pub(crate) fn begin_poll(&self) {
        let number = self.polls.get().wrapping_add(1);
        self.polls.set(number);
        self.poll.set(number);
        self.spent.set(0);
        if NURSERIES.is() && number.is_multiple_of(EPOCH) {
            self.epoch.set(self.epoch.get().wrapping_add(1));
        }
    }

    /// From here on a turn polls `POLLS_PER_TURN` tasks, and then looks at timers and I/O again (law FAIR).
    pub(crate) fn begin_turn(&self) {
        self.polls_left.set(POLLS_PER_TURN);
    }

    /// One more task is polled in this turn.
    pub(crate) fn count_poll(&self) {
        self.polls_left.set(self.polls_left.get().wrapping_sub((!fault!("turn-without-end")).into()));
    }

    /// May this turn poll more tasks?
    pub(crate) fn has_polls_left(&self) -> bool {
        self.polls_left.get() as i32 > 0
    }

    /// Is the running code in a cancelled scope, and not shielded from it?
    pub(crate) fn is_cancelled(&self) -> bool {
        // SAFETY: PINNED: the node that is being polled is alive.
        unsafe { self.node.get().as_ref() }.is_some_and(Node::is_cut_short)
    }

    /// Is this scope's code on the stack, perhaps with that of others on top?
    pub(crate) fn is_running(&self, scope: &Node) -> bool {
        let mut at = self.node.get();
        // A task is not around its nursery.
        let end = if scope.has(TASK) { scope.parent.get() } else { ptr::null() };
        while at != end {
            // SAFETY: PINNED: what is being polled is alive, and so is all around it.
            match unsafe { at.as_ref() } {
                None => return false,
                Some(node) if ptr::eq(node, scope) => return true,
                Some(node) => at = node.parent.get(),
            }
        }
        false
    }

    /// One more timer went off.
    #[cfg(feature = "std")]
    pub(crate) fn count_fired(&self) {
        self.fired.set(self.fired.get().wrapping_add(1));
    }

    /// Nobody wants to know.
    #[cfg(not(feature = "std"))]
    pub(crate) fn count_fired(&self) {}

    /// A number to choose the order of this pass by, if a test wants that: of Knuth's linear generator, whose upper half is
    /// what counts; mixed by who uses it.
    #[cfg(feature = "std")]
    pub(crate) fn chance(&self) -> Option<u64> {
        let chance = self.seed.get()?.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed.set(Some(chance));
        Some(chance)
    }

    /// Makes the scope around the current one current again.
    pub(crate) fn leave(&self, current: *const Node, outer: *const Node) {
        self.check(current);
        self.node.set(outer);
    }

    /// A poll of this node ends. Polls end in the reverse order of their beginning. Where two threads or cores share one
    /// context, or a coroutine leaves in the middle of a poll, the pointers would soon lead nowhere: stop in time.
    pub(crate) fn check(&self, current: *const Node) {
        if !ptr::eq(self.node.get(), current) {
            out_of_order();
        }
    }
}

/// The code that is current, when another's is about to be; its fields are in the order of the context's, so that few moves
/// save and restore them.
#[derive(Clone, Copy)]
pub(crate) struct Around {
    pub(crate) node: *const Node,
    pub(crate) task: *const Header,
    pub(crate) spent: u32,
    pub(crate) poll: u32,
    pub(crate) woken: u8,
}

impl Around {
    pub(crate) fn new(context: &Context) -> Self {
        Around {
            node: context.node.get(),
            task: context.task.get(),
            spent: context.spent.get(),
            poll: context.poll.get(),
            woken: context.woken.get(),
        }
    }

    /// Makes it current again.
    pub(crate) fn restore(self, context: &Context) {
        context.node.set(self.node);
        context.task.set(self.task);
        context.spent.set(self.spent);
        context.poll.set(self.poll);
        context.woken.set(self.woken);
    }
}

/// Ends the program: what is on the stack was polled in another order than it ends.
#[cold]
pub(crate) fn out_of_order() -> ! {
    stop(
        "giambio: polls ended in another order than that in which they began: two threads or cores polled tasks at once, which \
         takes feature `std`, or a coroutine was left in the middle of a poll",
    )
}

/// Ends the program: what ends is in use elsewhere.
#[cold]
pub(crate) fn looked_at() -> ! {
    stop(
        "giambio: a poll has ended while another thread or core looked at one of its task-locals, or told its debugger \
         something: only one may poll at a time, unless feature `std` is there",
    )
}

/// Panics while it panics: unwinding must not go on from here.
#[inline(always)] // two bytes more than none
fn stop(why: &'static str) -> ! {
    struct Bomb(&'static str);
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("{}", self.0);
        }
    }
    let _bomb = Bomb(why);
    panic!("{why}");
}

#[cfg(feature = "std")]
mod imp {
    use super::Context;

    std::thread_local! {
        // Constant and without a destructor: reached by one address computation, and still usable from destructors that run
        // while the thread ends.
        static CONTEXT: Context = const { Context::new() };
    }

    pub(crate) fn now<R>(f: impl FnOnce(&Context) -> R) -> R {
        CONTEXT.with(f)
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use super::Context;

    // `used` keeps it in one piece: the compiler would take it apart, and then load the address of each word anew.
    #[used]
    static CONTEXT: Context = Context::new();

    pub(crate) fn now<R>(f: impl FnOnce(&Context) -> R) -> R {
        f(&CONTEXT)
    }
}

pub(crate) use imp::now;

/// In one step for whoever else may poll (ONE-CONTEXT). Nothing in here runs code of the user (NO-CALL-OUT).
pub(crate) fn with<R>(f: impl FnOnce(&Context) -> R) -> R {
    transaction(|| now(f))
}
