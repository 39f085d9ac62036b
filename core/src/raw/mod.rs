//! Every unsafe line of the crate, and the invariants that they rest on.
//!
//! The rest of the crate is written against the safe faces of these modules and forbids
//! `unsafe`. A block here cites the invariant that makes it sound by its name:
//!
//! * **ONE-CONTEXT**: [`State`](state::State), the scope tree, ready lists, timers and control
//!   blocks are touched only inside [`with`](port::with). With feature `std` they belong to one
//!   thread (nothing that leads to them is `Send`); without it they are touched only inside a
//!   critical section. So plain cells suffice, and an interrupt that polls, wakes or drops sees
//!   whole transactions.
//!   What is read outside of `with` is one's own: the words of [`Current`](current::Current), which an interrupt puts
//!   back as it found them, and the flags of a scope that one is polling, which nobody else changes.
//! * **NO-CALL-OUT**: nothing inside `with` runs code of the user: no waker that isn't ours, no
//!   destructor, no hook. What must be called is carried out of the closure first.
//! * **PINNED**: a [`Node`](node::Node) or [`Entry`](heap::Entry) is
//!   linked only through a pinned reference, and its destructor unlinks it. So every link leads
//!   to live memory; a forgotten one stays linked, and its memory is never reused.
//! * **NESTED-POLL**: a child's future is polled and dropped only by its nursery: from inside the
//!   nursery's poll, or when the nursery itself is dropped. The nursery outlives `'scope`'s last
//!   use, so what a child borrows is alive whenever the child's code runs.
//! * **NEVER-REUSED-UNDROPPED**: the memory of a cell goes back to its storage only after the
//!   future and the result in it are dropped or moved out, its block is out of every ready list
//!   and its handle is gone (or can't be used any more).
//! * **SPARE-IS-FREE**: memory in a [`Spare`](spare::Spare) list belongs to nobody else; it was released, and holds the
//!   link to the next.
//! * **STATIC-BLOCKS**: a control block lies in a `static` or in leaked memory. A reference to one
//!   is good for ever, whatever happened to its task.
//! * **WHOLE-POINTER**: a pointer to a `Node` that starts a larger struct (a nursery's, a task's)
//!   was made from a pointer to the whole struct, so it may be cast back.

pub(crate) mod arena_storage;
pub(crate) mod asking;
pub(crate) mod block;
mod bursts;
pub(crate) mod cancelling;
pub(crate) mod cell;
pub(crate) mod children;
pub(crate) mod close;
pub(crate) mod current;
#[cfg(feature = "hooks")]
pub(crate) mod error_text;
pub(crate) mod foreign;
pub(crate) mod handle;
pub(crate) mod heap;
#[cfg(feature = "alloc")]
mod heap_storage;
pub(crate) mod holding;
pub(crate) mod in_place;
#[cfg(feature = "std")]
pub(crate) mod inbox;
pub(crate) mod node;
#[cfg(feature = "hooks")]
pub(crate) mod observer;
pub(crate) mod place;
pub(crate) mod port;
pub(crate) mod root;
#[cfg(feature = "std")]
mod shuffle;
#[cfg(feature = "std")]
pub(crate) mod spare;
pub(crate) mod state;
pub(crate) mod waker;

#[cfg(feature = "alloc")]
pub(crate) mod table;
