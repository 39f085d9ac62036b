//! What waits for a deadline: a sleeping future, or a scope that ends then. The deadlines of a runtime are in its
//! [`TimerQueue`](super::timer::TimerQueue), through entries that lie in the futures that wait; so setting one never fails
//! and needs no room.
//!
//! # Invariants
//! * **ONE-HOME**: an entry is in at most one heap, the one that its `home` names; it leaves it when it fires, when it is
//!   removed, and when it or the heap dies.

mod entry;
mod heap;
mod rate;
mod sleeper;
pub(crate) mod timed;

pub(crate) use entry::Entry;
pub(crate) use heap::Heap;
pub(crate) use timed::Timed;
