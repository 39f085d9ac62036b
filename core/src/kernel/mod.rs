//! The ground floor: what the runtime is made of, each part for itself and tested by itself.
//!
//! A part names only those above it in this list:
//!
//! * [`pin_ref`]: a pointer to what is pinned, with the one promise that makes its use safe;
//! * [`list`]: a first-in, first-out list through links that lie in its members;
//! * [`timer`]: deadlines, soonest first;
//! * [`wait_queue`]: something that is waited for, and those who wait for it, in line.
//!
//! # Invariants
//! * **LIVE**: what a [`PinRef`](pin_ref::PinRef) leads to is pinned and alive. Whoever makes one sees to it that the value
//!   leaves every list, heap and slot before it dies; a forgotten value stays where it is, and its memory is never reused.
//! * **MEMBER**: what is taken out of a list, or a heap, is in it.
//!
//! Nothing here calls foreign code, so a change is whole before anyone else looks.

pub(crate) mod context;
pub(crate) mod deadline;
#[cfg(feature = "hooks")]
pub(crate) mod debugger_slot;
pub(crate) mod emit;
#[cfg(feature = "hooks")]
pub(crate) mod error_text;
pub(crate) mod foreign;
pub(crate) mod in_place;
pub(crate) mod list;
pub(crate) mod mask;
#[cfg(feature = "alloc")]
pub(crate) mod memory;
pub(crate) mod nursery;
pub(crate) mod pin_ref;
pub(crate) mod remote;
pub(crate) mod root;
pub(crate) mod run_queue;
pub(crate) mod scope;
pub(crate) mod spawn;
pub(crate) mod storage;
pub(crate) mod task;
#[cfg(feature = "alloc")]
pub(crate) mod threads;
pub(crate) mod timer;
pub(crate) mod wait_queue;
pub(crate) mod wake;
pub(crate) mod waker;
pub(crate) mod waker_cell;
