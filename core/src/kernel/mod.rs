//! What the runtime is made of, and every unsafe line of the crate. From the ground up; a file names only what stands before it
//! (a test holds the order, `tests/rules/floors.rs`):
//!
//! | floor | what is in it |
//! | --- | --- |
//! | `pin_ref`, `list`, `mask`, `waker_cell` | pointers to what is pinned, a list, what keeps interrupts out; kept wakers |
//! | `one_context` | the promise that nobody polls but the program's loop |
//! | `foreign`, `in_place`, `fifo`, `error_text` | wakers and large values, with care; values in a row; what an error says |
//! | `used` | what a program uses of all this, so that a chip has no code for the rest |
//! | `clock` | what is known of the clock: while the program runs, or when it is linked |
//! | `timer` | deadlines, soonest first |
//! | `scope/node`, `task/header`, `run_queue`, `nursery/children` | what a scope, a task, a nursery is, as data |
//! | `debugger_slot` | where the debugger is kept, and what it was not told yet |
//! | `memory` | headers that are never freed, and what other threads leave there |
//! | `context`, `threads`, `remote`, `locals` | what a thread knows; which thread has which memory; which task-locals are set |
//! | `scope/whole`, `task/id` | from a node to what it starts; what a task is called |
//! | `wake`, `waker`, `emit` | a wake and what leads to it; what a debugger is told |
//! | `wait_queue` | what is waited for, and who waits |
//! | `lending`, `sharing`, `once` | a value for one at a time; for one, or many who look; one that is written once |
//! | the rest of `scope` | the tree of what has to be found, cancelling, shields; the poll of a scope |
//! | `deadline`, `storage` | what waits for a deadline; where children live |
//! | the rest of `task`, `nursery` | a child from `spawn` to its end, its handle; the loop over a nursery's children |
//! | `root`, `walk`, `spawn` | the turn of a runtime; all that lives in one; from a future to a child |
//!
//! The rest of the crate is written against their safe faces and forbids `unsafe`. `docs/architecture.md` has the way of a
//! child, a wake, a cancellation, a deadline and an interrupt through all of this.
//!
//! # Invariants
//! Each `unsafe` block cites those that make it sound.
//!
//! * **LIVE**: what a [`PinRef`](pin_ref::PinRef) leads to is pinned and alive. Whoever makes one sees to it that the value
//!   leaves every list, heap and slot before it dies; a forgotten value stays where it is, and its memory is never reused.
//! * **MEMBER**: what is taken out of a list, or a heap, is in it.
//! * **ONE-CONTEXT**: a [`Context`](context::Context), and all that is reached from it, is touched by one thread: with feature
//!   `std` each has its own, and nothing that leads to it is `Send`. Without it there is one for the program, and an
//!   interrupt may come at any time. All that others who poll could reach (lists of scopes and children, counts, timers,
//!   arenas) is changed in a [`transaction`](mask::transaction), and the words of [`now`](context::now) are put back by who
//!   polls as they were. A transaction is a critical section: so an interrupt that polls sees whole ones, and so does another
//!   core or thread, until polls end in another order than they began, which is noticed ([`check`](context::Context::check)).
//!   Some of what lies in the frame of a turn or a poll the program's code uses for longer: a task-local, the debugger. Who
//!   does so is noted, and if it is still so when the frame ends, that is noticed ([`looked_at`](context::looked_at)). The
//!   clock is read in a transaction, and timers are set in one that looks whether the turn is still under way.
//!   The check costs what a mask does, and no processor tells in what a poll is; so what is not kept out can't be noticed for
//!   less, and **without a mask the program has to promise, in an `unsafe impl`, that nobody else polls**
//!   ([`OneContext`](one_context::OneContext)). Then an interrupt touches what a wake does, and no more: `wake` and `next` of
//!   headers, run queues, `wake`, `task` and the kept waker of nurseries, `stop`. These are changed [`within`](mask::within)
//!   a transaction with interrupts kept out, and looked at elsewhere word by word; a live task's `parent`, which a wake
//!   follows, changes only while the header says `QUEUED`.
//! * **NO-CALL-OUT**: nothing inside `with` runs code of the user: no waker that isn't ours, no destructor, no debugger. What
//!   must be called is carried out of the closure first. Three calls are made in transactions all the same, for what they are
//!   made on might be gone after them; nothing is half changed then: a clock is read ([`read_clock`](root::read_clock)), the
//!   waker that a sleep keeps is cloned, and a debugger is told of a wake (`waker`).
//! * **PINNED**: a sub-scope, a deadline, a waiter is linked only through a pinned reference, and its destructor unlinks it.
//!   What is being polled is alive, and so is all around it.
//! * **NEVER-FREED**: a [`Header`](task::header::Header) lies in a `static`, or in memory that is leaked. What leads to one is
//!   good for ever, whatever became of its task.
//! * **WHOLE-POINTER**: a pointer to a [`Node`](scope::node::Node) that starts something larger (a task's header, a nursery, a
//!   scope with a deadline) was made from a pointer to the whole, so it may be cast back, as the node's flags say.
//! * **KNOWN-PARENT**, **MARKED**: see [`tree`](scope::tree).
//! * **NESTED-POLL**: a child's future is polled and dropped only by its nursery: from inside the nursery's poll, or when the
//!   nursery itself is dropped. The nursery outlives `'scope`'s last use, so what a child borrows is alive whenever the child's
//!   code runs.
//! * **NEVER-REUSED-UNDROPPED**: the memory of a child is used again only after the future and the result in it are dropped or
//!   moved out, its header is in no run queue and its handle is gone (or can't be used any more).
//! * **SPARE-IS-FREE**: memory in a [`Spare`](memory::spare) list belongs to nobody else; it was released, and holds the link
//!   to the next.
//! * **ONE-HOME**: see [`deadline`]. **FRAMES**: see [`locals`]. **COUNTED**, **ALONE**: see `fifo`.
//! * **ONE-LOAN**: see [`lending`]. **ONE-OR-LOOKS**: see [`sharing`]. **ONE-WRITER**: see [`once`].

pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod deadline;
#[cfg(feature = "hooks")]
pub(crate) mod debugger_slot;
pub(crate) mod emit;
#[cfg(feature = "hooks")]
pub(crate) mod error_text;
#[cfg(feature = "heapless")]
pub(crate) mod fifo;
pub(crate) mod foreign;
pub(crate) mod in_place;
pub(crate) mod lending;
pub(crate) mod list;
pub(crate) mod locals;
pub(crate) mod mask;
#[cfg(feature = "alloc")]
pub(crate) mod memory;
pub(crate) mod nursery;
pub(crate) mod once;
pub(crate) mod one_context;
mod outside;
pub(crate) mod pin_ref;
pub(crate) mod remote;
#[cfg(feature = "hooks")]
pub(crate) mod roll_call;
pub(crate) mod root;
pub(crate) mod run_queue;
pub(crate) mod scope;
pub(crate) mod sharing;
pub(crate) mod spawn;
pub(crate) mod storage;
pub(crate) mod task;
#[cfg(feature = "alloc")]
pub(crate) mod threads;
pub(crate) mod timer;
pub(crate) mod used;
pub(crate) mod wait_queue;
pub(crate) mod wake;
pub(crate) mod waker;
pub(crate) mod waker_cell;
#[cfg(feature = "introspect")]
pub(crate) mod walk;
