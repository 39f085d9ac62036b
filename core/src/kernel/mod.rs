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
//! Foreign code is called only where nothing is half done: a wait queue's wakers, between two looks.

pub(crate) mod list;
pub(crate) mod pin_ref;
pub(crate) mod timer;
pub(crate) mod wait_queue;
